# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# shellcheck disable=SC2016,SC2034,SC2154 source=lib.sh
# Sourced by the live tests of retranswatch: lib.sh, scenes that make TCP send
# again, and checks on all that was told of each. Not a test: not executable.
#
#   watch_start retranswatch
#   scene lost retransmit rto 4 3000       # a trigger, in a network namespace of its own; sets $pid
#   scenes_end 20                          # until all of them have said "done"
#   watch_stop
#   scenes_read
#   about lost                             # what follows is about this scene; exact counts are checked
#   says 'by timeout' '.flow.client.by_class | keys == ["rto"]'
#   mine client 'holder'
#
# The line of a scene has .fact, what the trigger said, in lower case; .lines, all lines of its
# namespace; .all, the sum of these; .flow.NAME, the sum of those of the
# connection that the trigger calls NAME; .far, that of the other namespace.
. "$(dirname "$0")/lib.sh"

# A timer may run out while the program runs, in the middle of a system call: then the kernel skips it, and counts that,
# on every kernel. That it is told is what can be asked.
may_miss() {
	:
}

# An emulated guest is 30 times slower.
slow=1
[ "${KWHY_GUEST:-0}" = 0 ] || slow=4
: >"$tmp/scenes"

# Where PID 1 is a sandbox's own, the kernel may run no BPF program while one of its threads is on the CPU, and count that
# nowhere: what ftrace sees happen at such moments is what a tool may lack.
hidden=/sys/kernel/tracing/instances/kwhy-test-$$

hidden_events() {
	[ "${KWHY_GUEST:-0}" = 0 ] && mkdir "$hidden" 2>"$tmp/value" || return 0
	cleanup_extra=hidden_forget
	hidden_threads=$(find /proc/1/task -mindepth 1 -maxdepth 1 -printf 'common_pid==%f||')
	for hidden_event in tcp_retransmit_skb tcp_retransmit_synack; do
		echo "${hidden_threads%||}" >"$hidden/events/tcp/$hidden_event/filter" &&
			echo 1 >"$hidden/events/tcp/$hidden_event/enable"
	done 2>"$tmp/value" || true
}

hidden_forget() {
	rmdir "$hidden"
}

# All runs of which no tool can know, so far; those that the kernel counted are in $watch_missed.
runs_lacking() {
	hidden_runs=0
	[ ! -e "$hidden" ] || hidden_runs=$(grep -c ': tcp_retransmit_' "$hidden/trace" || true)
	echo $((watch_missed + hidden_runs))
}

hidden_events

# scene NAME TRIGGER ARGS...
scene() {
	scene_name=$1
	scene_trigger=$2
	shift 2
	run "$triggers/$scene_trigger" -t 240 "$@"
	echo "$scene_name $pid $run_out" >>"$tmp/scenes"
}

scene_pid() {
	awk -v name="$1" '$1 == name { pid = $2 } END { print pid }' "$tmp/scenes"
}

# scene_fact NAME KEY: what its trigger said last of it.
scene_fact() {
	sed -n "s/^$2 //p" "$(awk -v name="$1" '$1 == name { file = $3 } END { print file }' "$tmp/scenes")" | tail -n 1
}

scene_over() {
	grep -q '^done' "$2" || is_dead "$1"
}

scene_ready() {
	[ -n "$(scene_fact "$1" ready)" ] || is_dead "$(scene_pid "$1")"
}

# scene_said NAME KEY
scene_said() {
	[ -n "$(scene_fact "$1" "$2")" ]
}

# scenes_end SECONDS: of all that were started. Those that are not possible here are skipped.
scenes_end() {
	: >"$tmp/scenes.over"
	while read -r scene_name scene_pid scene_out; do
		wait_until $(($1 * slow)) scene_over "$scene_pid" "$scene_out" || true
		if grep -q '^done' "$scene_out"; then
			echo "$scene_name $scene_pid $scene_out" >>"$tmp/scenes.over"
			continue
		fi
		await_exit "$scene_pid" 1
		if [ "$status" -eq 77 ]; then
			skip "$scene_name" "$(grep '^trigger: ' "$scene_out" | tail -n 1)"
		else
			tail -n 3 "$scene_out" | not_ok "$scene_name: the trigger ends (status $status)"
		fi
	done <"$tmp/scenes"
	mv "$tmp/scenes.over" "$tmp/scenes"
}

# has_scene NAME: it was possible.
has_scene() {
	grep -q "^$1 " "$tmp/scenes"
}

# Kills the triggers, and forgets them.
scenes_forget() {
	while read -r scene_name scene_pid scene_out; do
		kill -9 "$scene_pid" 2>/dev/null || true
	done <"$tmp/scenes"
	: >"$tmp/scenes"
}

# Every fact of every scene: NAME, KEY, VALUE.
scene_facts() {
	while read -r scene_name scene_pid scene_out; do
		awk -v name="$scene_name" 'NF == 2 { print name "\t" $1 "\t" $2 }' "$scene_out"
	done <"$tmp/scenes"
}

# The checks are about the scenes from now on; $stream is the tool's.
scenes_read() {
	check_flush
	stream=$out
	echo "# runs of which no tool can know: $(runs_lacking)"
	[ -z "${KWHY_KEEP:-}" ] || cp "$stream" "$KWHY_KEEP/$(basename "$0" .sh).stream.ndjson"
	scene_facts >"$tmp/facts"
	jq -cs --rawfile facts "$tmp/facts" "$scenes_program" "$stream" >"$tmp/scenes.ndjson"
	out=$tmp/scenes.ndjson
}

scenes_program='
	def total(field): [.[].tcp_retransmit | field // 0] | add // 0;
	def by_class: reduce (.[].tcp_retransmit | select(.count > 0) | .by_class // [{class: (.class // "unknown"), count}])[] as $one
		({}; .[$one.class] += $one.count);
	def sums: {count: total(.count), failed: total(.failed), not_tried: total(.not_tried), spurious: ([.[].tcp_retransmit.spurious // 0] | max // 0), timeouts: total(.timeouts),
		drops_in: total(.drops_in), drops_out: total(.drops_out), by_class: by_class, lines: length,
		pids: ([.[].process.pid] | unique), owner_by: ([.[].tcp_retransmit.owner_by] | unique),
		first: .[0], last: .[-1]};
	def of($netns): map(select(.tcp_retransmit.netns == $netns));
	def flow($fact): map(select(.tcp_retransmit
		| .saddr == $fact.saddr and .daddr == $fact.daddr and .sport == $fact.sport and .dport == $fact.dport));
	map(select(.kind == "tcp_retransmit")) as $all
	| [$facts / "\n" | .[] | select(length > 0) / "\t"] | group_by(.[0])[]
	| .[0][0] as $name
	| (reduce .[] as [$scene, $key, $value] ({}; setpath($key | ascii_downcase / "."; $value | tonumber? // $value))) as $fact
	| ($all | of($fact.netns | tostring)) as $lines
	| {kind: $name, fact: $fact, all: ($lines | sums),
		far: ($all | of($fact.far.netns // "" | tostring) | sums),
		flow: ($fact | with_entries(select((.value | type) == "object" and (.value | has("saddr")))
			| .value as $one | .value = ($lines | flow($one) | sums))),
		lines: $lines}'

# about NAME [TEXT]: the checks that follow are about this scene, and the first of them is that the sum of all lines is
# what the kernel counted, but for the runs that it skipped.
about() {
	says_of=${2:-$1}
	select_line "$1"
	may_lack=$(runs_lacking)
	says 'the sum is what the kernel counted' '.all.count as $told | .fact.retranssegs as $true
		| $told <= $true and $told + $lack >= $true' --argjson lack "$may_lack"
	says 'each line adds up by class' '.lines | all(.tcp_retransmit
		| (.by_class | not) or ((.by_class | map(.count) | add) == .count
			and (.class as $class | .by_class | max_by(.count).count == (map(select(.class == $class))[0].count))))'
	says 'those of handshakes are' '(.all.by_class | (.syn // 0) + (.synack // 0)) as $told | .fact.tcpsynretrans as $true
		| $told <= $true and $told + $lack >= $true' --argjson lack "$may_lack"
	# where a guest stands still between the counter and the tracepoint, what it is about to tell of looks as if it had failed
	says 'those that could not be sent are failed' '.all.failed as $told | .fact.tcpretransfail as $true
		| $told <= $true + $spare and $told + $lack >= $true' --argjson lack "$may_lack" --argjson spare $((slow > 1 ? 2 + $(scene_fact "$1" RetransSegs) / 50 : 0))
}

# says TEXT FILTER [BINDING...]
says() {
	says_text="$says_of: $1"
	shift
	check "$says_text" "$@"
}

# of_one_class TEXT CLASS [FIELD]: all is of this class, but what came with skipped runs.
of_one_class() {
	says "$1" '.[$field].by_class | (.unknown // 0) <= $lack and (keys - ["unknown"] | . == [$class] or . == [] and $lack > 0)' \
		--arg class "$2" --arg field "${3:-all}" --argjson lack "$may_lack"
}

# all_of FLOW CLASS: all of it is of this connection and class.
all_of() {
	says "all of it is of $1" '.flow[$flow].count == .all.count and .all.count > 0' --arg flow "$1"
	of_one_class "all of it is $2" "$2"
	says "it is $1, by family and by cookie" '.fact[$flow] as $fact | .flow[$flow].last.tcp_retransmit
		| .family == $fact.family and ((.cookie // $fact.cookie // "" | tostring) == ($fact.cookie // .cookie // "" | tostring))' \
		--arg flow "$1"
}

# mine FLOW BASIS...: the owner is the process that the trigger says, found in one of these ways, on every line.
mine() {
	mine_flow=$1
	shift
	says "$mine_flow is of its own process" '.fact[$flow].pid as $pid | .flow[$flow] | .lines > 0
		and .first.process.pid == $pid' --arg flow "$mine_flow"
	says "$mine_flow: found as $*" '.flow[$flow].first.tcp_retransmit.owner_by as $basis | $words / " " | index($basis)' \
		--arg flow "$mine_flow" --arg words "$*"
	says "$mine_flow: on every line" '.fact[$flow].pid as $pid | .flow[$flow].pids == [$pid]' --arg flow "$mine_flow"
}

# mine_or_nobody FLOW: it is gone, and no stranger has its place.
mine_or_nobody() {
	says "$1 is of its own process or of none" '.fact[$flow].pid as $pid | .flow[$flow] | .lines > 0
		and (.pids | all(. == null or . == $pid))' --arg flow "$1"
}

# as_info FLOW STATE: what the kernel says in TCP_INFO. The timeout is doubled after it was told.
as_info() {
	says "the state of $1" '.flow[$flow].last.tcp_retransmit.state == $state' --arg flow "$1" --arg state "$2"
	says "timeout and backoff of $1" '.fact[$flow] as $info | .flow[$flow].last.tcp_retransmit
		| ($info.rto_us / .rto_us | . == 1 or . == 2 or . == 2 * $late)
		and ($info.backoff - (.backoff // 0) | . == 0 or . == 1 or . == $late)' --arg flow "$1" --argjson late $((slow > 1 ? 2 : 1))
	says "round trip, window, segment size of $1" '.fact[$flow] as $info | .flow[$flow].last.tcp_retransmit
		| .srtt_us == $info.srtt_us and .cwnd == $info.cwnd and .mss_bytes == $info.mss' --arg flow "$1"
	says "the total of $1" '.flow[$flow].count as $told | .fact[$flow].total as $true
		| $told <= $true and $told + $lack >= $true' --arg flow "$1" --argjson lack "$may_lack"
}

# kinds_balance: of the stop line, and the gap lines tell of all that was lost.
kinds_balance() {
	jq -c 'select(.kind == "stop").stop.kinds' "$out"
	jq -es '[.[-1].stop.kinds[] | select(.kind == "tcp_retransmit")
		| .generated == .delivered + .filtered + .lost] == [true]' "$out"
}

# tally FIELD: of the stop line.
tally() {
	jq -s --arg field "$1" '[.[-1].stop.kinds[] | select(.kind == "tcp_retransmit")[$field]] | add // 0' "$out"
}

# told NETNS: the sum of all lines of that network namespace.
told() {
	jq -s --arg netns "$1" '[.[] | select(.kind == "tcp_retransmit").tcp_retransmit | select(.netns == $netns).count]
		| add // 0' "$out"
}

told_at_least() {
	[ "$(told "$1")" -ge "$2" ]
}
