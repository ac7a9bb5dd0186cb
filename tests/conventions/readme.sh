#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The README's tables say what --help and the rule tables say.
set -eu
cd "$(dirname "$0")/../.."
build=${KWHY_BUILD:-build}
status=0

# "  -p, --pid PID    only ..." as "| `-p, --pid PID` | only ... |"
want() {
	"$build/oomwatch" --help |
		sed -n 's/^  \(-[a-zA-Z], \|    \)\(--[a-z-]*\( [A-Z=]*\)\{0,1\}\)  *\([^ ].*\)$/| `\1\2` | \4 |/p' |
		sed 's/^| `    /| `/; s/ ` |/` |/'
	"$build/kwhy" schema | sed -n '/^## Rules/,$p' | grep '^| `'
}

want | {
	missing=0
	while IFS= read -r row; do
		grep -qxF -e "$row" README.md || {
			missing=1
			printf '# not in README.md: %s\n' "$row"
		}
	done
	exit $missing
} || status=1
if [ $status -eq 0 ]; then
	echo 'ok - the README lists every option and rule in the words of the tables'
else
	echo 'not ok - the README lists every option and rule in the words of the tables'
fi
exit $status
