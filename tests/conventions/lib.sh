# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# Sourced by the tests of conventions, which run from anywhere and look at the
# files that are tracked or soon will be. Prints "ok - TEXT", or "not ok - TEXT"
# with the places below it on "# " lines; exit status 1 when any failed, 77 when
# the whole test was skipped. KWHY_BUILD is where the build is.
# shellcheck disable=SC2034,SC2120 # $build is the tests', and so is files with arguments
set -eu
LC_ALL=C
export LC_ALL
cd "$(dirname "$0")/../.."
build=${KWHY_BUILD:-build}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/kwhy-conventions.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# files [PATTERN...]: as git ls-files, without what is gone from the disk.
files() {
	git -c safe.directory="$PWD" ls-files -co --exclude-standard -- "$@" | while IFS= read -r file; do
		[ ! -f "$file" ] || printf '%s\n' "$file"
	done
}

# holds TEXT: the places where it does not hold come on stdin, one a line.
holds() {
	places=$(cat)
	if [ -z "$places" ]; then
		printf 'ok - %s\n' "$1"
		return
	fi
	: >"$tmp/failed"
	printf 'not ok - %s\n' "$1"
	printf '%s\n' "$places" | head -n 50 | sed 's/^/# /'
}

skip_test() {
	printf 'skip - %s (%s)\n' "$(basename "$0" .sh)" "$1"
	exit 77
}

finish() {
	[ ! -e "$tmp/failed" ] || exit 1
	exit 0
}

# shell_scripts: those of sh by their name or their first line.
shell_scripts() {
	files | while IFS= read -r file; do
		case $file in
		tests/fake/* | tests/golden/*/* | tests/fuzz/corpus/*) ;;
		*.sh) printf '%s\n' "$file" ;;
		*.[a-z]*) ;;
		*)
			if head -n 1 "$file" | tr -d '\0' | grep -qE '^#!.*[/ ](ba|da|k)?sh( |$)'; then
				printf '%s\n' "$file"
			fi
			;;
		esac
	done
}

# code FILE...: FILE:LINE:TEXT of C without comments and what is in quotes.
code() {
	awk '
		function rest(from) { line = substr(line, from) }
		FNR == 1 { inside = 0 }
		{
			line = $0
			out = ""
			while (line != "") {
				if (inside) {
					n = index(line, "*/")
					if (!n)
						break
					inside = 0
					rest(n + 2)
				} else if (match(line, /^"([^"\\]|\\.)*"/) || match(line, /^\047([^\047\\]|\\.)+\047/)) {
					out = out "\"\""
					rest(RLENGTH + 1)
				} else if (substr(line, 1, 2) == "//") {
					break
				} else if (substr(line, 1, 2) == "/*") {
					inside = 1
					rest(3)
				} else {
					match(line, /^([^"\047\/]+|.)/)
					out = out substr(line, 1, RLENGTH)
					rest(RLENGTH + 1)
				}
			}
			print FILENAME ":" FNR ":" out
		}' "$@"
}
