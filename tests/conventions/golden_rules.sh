#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Every rule has a golden case: a JSON line below tests/golden that it judged.
. "$(dirname "$0")/lib.sh"

# FILE ID of the rows of `static const struct rule rules[]`.
rules() {
	files 'user/rules/*.c' | xargs awk '
		/^static const struct rule rules\[\] = \{/ { on = 1; next }
		/^\};/ { on = 0 }
		on && match($0, /^\t\{ *"[a-z0-9-]+"/) {
			id = substr($0, RSTART, RLENGTH)
			gsub(/[^a-z0-9-]/, "", id)
			print FILENAME, id
		}'
}

judged=$(files tests/golden | xargs -r grep -hoE '"rule": *"[^"]*"' | sed 's/.*: *"//; s/"$//' | sort -u)

rules | awk 'END { if (!NR) print "none found" }' | holds 'the rules are where this test looks for them'
rules | while read -r file id; do
	printf '%s\n' "$judged" | grep -qxF "$id" || printf '%s: %s\n' "$file" "$id"
done | holds 'every rule has a golden case'
rules | awk '{ print $2 }' | sort | uniq -d | holds 'no two rules share an id'
finish
