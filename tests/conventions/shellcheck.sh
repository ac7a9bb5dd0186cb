#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Scripts are POSIX sh, stop at errors, and shellcheck finds nothing in them.
. "$(dirname "$0")/lib.sh"

# Not asked: dollars in single quotes, which are awk's and jq's, and code that is only reached by the name of a function.
# What is sourced is checked together with what sources it, but for names that not everyone needs.
shell_scripts | grep -vE '(^|/)lib[^/]*\.sh$' |
	xargs -d '\n' -n 4 -P "$(nproc)" sh -c 'shellcheck -x -a -P SCRIPTDIR -s sh -f gcc -e SC2016,SC2317 "$@" \
		>"$0/shellcheck.$$" || true' "$tmp"
cat "$tmp"/shellcheck.* | grep -vE '^/|/lib[a-z_]*\.sh:.*\[SC2034\]' | sort -u | holds 'shellcheck finds nothing'

# lib*.sh are sourced: what sources them has set it, or they do. An init must go on whatever happens.
shell_scripts | grep -vE '(^|/)lib[^/]*\.sh$|^tests/vm/init$' | while IFS= read -r file; do
	grep -qE '^set -eu$|^\. .*/lib[a-z_]*\.sh"?$' "$file" || printf '%s\n' "$file"
done | holds 'scripts stop at errors and unset names'
finish
