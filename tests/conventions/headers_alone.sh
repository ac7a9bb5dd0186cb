#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Every header that user space reads compiles alone, and twice in a row.
. "$(dirname "$0")/lib.sh"

[ -e "$build/bpf" ] || skip_test "there are no skeletons below $build/bpf"

# With the flags of the Makefile, and every warning an error.
# shellcheck disable=SC2016 # make's dollars
compiler=$(printf 'include Makefile\n%s\n.PHONY: none\nnone: ;@:\n' \
	'$(info $(CC) $(KWHY_CPPFLAGS) $(CPPFLAGS) $(KWHY_CFLAGS) $(CFLAGS) -Werror)' |
	make -s --no-print-directory -f - none BUILD="$build")

compiles() {
	printf '#include "%s"\n#include "%s"\n' "$1" "$1" | eval "$compiler -fsyntax-only -x c -" 2>&1
}

# Those below bpf/ that user/ and tools/ include by name.
bpf_headers() {
	files 'user/*.[ch]' 'tools/*.c' | xargs sed -n 's/^#include "\(bpf\/\)\{0,1\}\(.*\.h\)".*/bpf\/\2/p' | sort -u |
		while IFS= read -r header; do
			[ ! -f "$header" ] || printf '%s\n' "$header"
		done
}

{
	files 'user/*.h'
	bpf_headers
} >"$tmp/headers"
while IFS= read -r header; do
	compiles "$header" | head -n 4
done <"$tmp/headers" | holds "$(wc -l <"$tmp/headers") headers compile alone"
finish
