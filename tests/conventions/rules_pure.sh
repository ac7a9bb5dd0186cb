#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Rules are functions of the observation: they can reach neither clock nor file
# nor anything that stays, because what they call is on this list.
. "$(dirname "$0")/lib.sh"

set -- "$build"/user/rules/*.o
[ -e "$1" ] || skip_test "there are no objects below $build/user/rules"

# strtok and strerror keep state; the compiler's own helpers have none.
undefined() {
	nm -A -u "$@" | awk '{ sub(/:$/, "", $1); print $NF, $1 }' | awk -v defined="$(nm --defined-only "$@" |
		awk 'NF == 3 && $2 ~ /[A-Z]/ { print $3 }' | sort -u | paste -sd' ' -)" '
		$1 ~ /^(text_|say_)/ { next }
		$1 ~ /^str(tok|error|coll|xfrm|ftime|ptime|dup|ndup)/ { print; next }
		$1 ~ /^(str|mem|__str.*_chk$|__mem.*_chk$|__stack_chk_fail$|_GLOBAL_OFFSET_TABLE_$)/ { next }
		index(" " defined " ", " " $1 " ") { next }
		{ print }' | sed 's/^\([^ ]*\) \(.*\)/\2 calls \1/' | sort -u
}

undefined "$@" | holds 'rules call only str*, mem*, text_*, say_* and each other'

for object in "$@"; do
	size -A "$object" | awk -v object="$object" '
		$1 ~ /^\.data\.rel\.ro/ { next }
		$1 ~ /^(\.(data|bss|tdata|tbss)(\..*)?|COMMON|\*COM\*)$/ && $2 > 0 { print object ": " $1 " has " $2 " bytes" }'
	nm "$object" | awk -v object="$object" '$2 == "C" { print object ": " $3 " is a common symbol" }'
done | holds 'rules have no writable data'
finish
