#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Every source file says its licence first, or right after #!.
. "$(dirname "$0")/lib.sh"

sources() {
	files '*.[ch]' '*.def' '*.awk' '*.py' Makefile
	shell_scripts
	files 'tests/vm/*' 'scripts/*' '.ci/*'
}

sources | sort -u | while IFS= read -r file; do
	licence='BSD-2-Clause'
	case $file in
	bpf/* | vmlinux/*) licence='GPL-2.0-only OR BSD-2-Clause' ;;
	esac
	head -n 2 "$file" | awk -v licence="SPDX-License-Identifier: $licence" '
		NR == 1 && /^#!/ { next }
		{ sub(/ *\*\/$/, ""); exit !(found = length($0) > 0 && index($0, licence) && $0 ~ licence "$") }
		END { exit !found }' || printf '%s: does not begin with %s\n' "$file" "$licence"
done | holds 'source files say their licence'
finish
