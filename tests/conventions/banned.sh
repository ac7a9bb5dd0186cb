#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Calls that cannot be bounded, output from the wrong place, and asking for the
# kernel's version instead of what it can do.
. "$(dirname "$0")/lib.sh"

files 'user/*.[ch]' 'tools/*.[ch]' 'bpf/*.[ch]' 'bpf/*.def' | while IFS= read -r file; do
	code "$file"
done >"$tmp/code"

# calls WORD|WORD...: where one of them is called.
calls() {
	grep -E "[^A-Za-z0-9_.>]($1)[[:space:]]*\(" || true
}

grep -E '^(user|tools)/' "$tmp/code" | calls 'v?sprintf|strcpy|stpcpy|strcat|strncpy|strncat|gets|alloca|tmpnam|mktemp' |
	holds 'nothing writes without a bound'
grep -E '^(user|tools)/' "$tmp/code" | calls 'system|popen' | holds 'nothing starts a shell'
grep -E '^(user|tools)/' "$tmp/code" | calls 'ato[ifl]|atoll' | holds 'numbers are parsed with their errors'
grep '^user/' "$tmp/code" | grep -vE '^user/(render|doctor|options|cannot|tool|schema)\.c:' |
	calls 'v?[fd]?printf|f?puts|f?putc|putchar|perror' |
	holds 'only render, doctor, options, cannot, tool, schema and tools/ print'
grep -E 'KERNEL_VERSION|LINUX_VERSION_CODE|LINUX_KERNEL_VERSION' "$tmp/code" | holds 'no kernel version is compared'
grep -E 'release' "$tmp/code" | grep -E 'scanf|strto|atoi|str[nv]?[a-z]*cmp|memcmp|fnmatch' |
	holds 'the release of uname is not parsed'
finish
