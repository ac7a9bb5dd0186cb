# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# shellcheck disable=SC2016,SC2154 # the dollars are jq's, $tmp and $out lib.sh's
# Sourced by lib.sh: results, and checks on lines of NDJSON in $out.

failed=0
# Set: only lines of subjects below this cgroup count.
own_cgroup=
# Set: there is no such line, and that was told.
unchecked=
passed=0
finished=0

note() {
	tr '\011' ' ' | tr '\001-\010\013-\037\177' '?' | sed 's/^/# /'
}

ok() {
	passed=$((passed + 1))
	printf 'ok - %s\n' "$1"
}

# not_ok TEXT: the details come on stdin.
not_ok() {
	failed=$((failed + 1))
	printf 'not ok - %s\n' "$1"
	note
}

skip() {
	printf 'skip - %s (%s)\n' "$1" "$2"
}

# The whole test cannot run here.
skip_test() {
	skip "$(basename "$0" .sh)" "$1"
	finished=1
	exit 77
}

finish() {
	check_flush
	finished=1
	if [ "$failed" -ne 0 ]; then
		exit 1
	fi
	[ "$passed" -ne 0 ] || exit 77
	exit 0
}

# --arg NAME TEXT, --argjson NAME JSON as in jq: sets $bindings to jq code.
bind() {
	bindings=
	while [ $# -gt 0 ]; do
		bind_value=${3:-null}
		if [ "$1" = --arg ]; then
			bind_value=\"$(printf '%s' "$3" | sed 's/[\\"]/\\&/g')\"
		fi
		bindings="$bindings($bind_value) as \$$2 | "
		shift 3
	done
}

# select_line KIND [FILTER [BINDING...]]: the checks that follow look at this
# line, of which there must be one.
select_line() {
	check_flush
	unchecked=
	select_kind=$1
	select_filter=${2:-true}
	shift $(($# < 2 ? $# : 2))
	bind "$@"
	selection="$bindings.kind == \"$select_kind\" and ($select_filter)"
	[ -z "$own_cgroup" ] || selection="$selection
		and (.cgroup.path // \"\" | startswith(\"$own_cgroup/\"))"
}

# check TEXT FILTER [BINDING...]: the jq filter holds on the selected line.
# Queued: jq takes half a second to start in an emulated guest.
check() {
	[ -z "$unchecked" ] || return 0
	check_text=$1
	check_filter=$2
	shift 2
	bind "$@"
	printf ', outcome(%s%s)\n' "$bindings" "$check_filter" >>"$tmp/checks"
	printf '%s\035%s%s\036' "$check_text" "$bindings" "$check_filter" \
		>>"$tmp/texts"
}

# One program for all queued checks: a result line for each, and below those
# that failed every path that the filter names, with its value.
check_program() {
	cat <<-'EOF'
		def outcome(f): try {value: ([f] | last)} catch {error: .};
		def clip: .[:300];
		def values($line): [scan("\\.[a-z_][a-z0-9_.]*")] | unique[] as $path
			| try ($line | getpath($path[1:] / ".")) catch "not reachable"
			| "# \($path) = \(tojson)" | clip;
	EOF
	printf '[.[] | select(%s)] as $lines | $lines[0] as $line | [$line | empty\n' \
		"$selection"
	cat "$tmp/checks"
	cat <<-'EOF'
		] as $outcomes | $texts / "\u001e" | .[:-1] | to_entries[]
		| $outcomes[.key] as $outcome
		| (.value / "\u001d") as [$text, $filter]
		| if ($lines | length) == 1 and $outcome.value then "ok - \($text)"
		else "not ok - \($text)",
			"# lines selected: \($lines | length)",
			"# filter: \($filter | gsub("\\s+"; " "))",
			($outcome | "# result: \(tojson | clip)"),
			($filter | values($line))
		end
	EOF
}

check_flush() {
	[ -s "$tmp/checks" ] || return 0
	check_program >"$tmp/program"
	if ! jq -rs --rawfile texts "$tmp/texts" -f "$tmp/program" "$out" \
		>"$tmp/results" 2>"$tmp/value"; then
		not_ok "the $select_kind lines can be checked" <"$tmp/value"
	fi
	cat "$tmp/results"
	failed=$((failed + $(grep -c '^not ok' "$tmp/results" || true)))
	passed=$((passed + $(grep -c '^ok' "$tmp/results" || true)))
	: >"$tmp/checks"
	: >"$tmp/texts"
}

# check_sh TEXT COMMAND...: the command succeeds.
check_sh() {
	check_text=$1
	shift
	if "$@" >"$tmp/value" 2>&1; then
		ok "$check_text"
		return
	fi
	{
		printf 'command: %s\n' "$*"
		tail -n 5 "$tmp/value"
	} | cut -c 1-400 >"$tmp/details"
	not_ok "$check_text" <"$tmp/details"
}

# lines_of KIND: how many there are, of our cgroups where we have some: others
# may run tests at the same time.
lines_of() {
	# "start" and "stop" name kinds too, further on
	grep "^{\"time\":\"[^\"]*\",\"kind\": *\"$1\"" "$out" | grep -cF "$own_cgroup${own_cgroup:+/}" ||
		true
}

# check_rule "ID...": one of these explains the line.
check_rule() {
	check "explained by $1" \
		'.diagnosis.rule as $rule | .diagnosis.cause as $cause
			| $rules / " " | index($rule)' \
		--arg rules "$1"
	check 'it says cause, evidence, what to do, how to verify' \
		'[.diagnosis.title, .diagnosis.cause, .diagnosis.resource,
			.diagnosis.evidence, .diagnosis.do, .diagnosis.verify]
			| all(length > 0)'
}
