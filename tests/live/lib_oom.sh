# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# shellcheck disable=SC2016,SC2034 source=lib.sh
# Sourced by the live tests of oomwatch: lib.sh, and what the kernel itself says
# about a kill, to compare with. Not a test: not executable.
. "$(dirname "$0")/lib.sh"

# A recorder pass that costs much makes the next one later, on a busy machine or
# in an emulated guest by several seconds: too few samples for kills within ten.
watch_oom() {
	watch_start oomwatch --tick 1
}

# check_shape "ID...": check_rule for a growth whose shape must be seen. Touching
# memory takes an emulated guest so long that a burst may look like anything.
check_shape() {
	if [ "${KWHY_GUEST:-0}" = 1 ]; then
		skip "explained by $1" 'an emulated guest grows too slowly'
		check 'explained by some rule' '.diagnosis.rule != null'
	else
		check_rule "$1"
	fi
}

# Kills counted by the kernel in this cgroup (v2: and below it).
oom_kills() {
	sed -n 's/^oom_kill //p' \
		"$(cgroup_file "$1" memory.oom_control memory.events)"
}

cgroup_usage() {
	cat "$(cgroup_file "$1" memory.usage_in_bytes memory.current)"
}

# --- the kernel's own words ---

# The log as this test found it ends with this line: what is above may be about
# other processes with the same pids.
kernel_mark=$(dmesg 2>/dev/null | tail -n 1)
export kernel_mark

# kernel_kill PID: the last "Killed process PID (...)" of the log, one line also
# when the name holds a newline.
kernel_kill() {
	dmesg 2>/dev/null | awk -v begin="Killed process $1 (" '
		$0 == ENVIRON["kernel_mark"] { last = ""; inside = 0 }
		index($0, begin) { text = ""; inside = 1 }
		inside { text = text $0 }
		inside && /oom_score_adj:-?[0-9]+$/ { last = text; inside = 0 }
		END { if (last != "") print last }'
}

# kernel_number PID anon-rss|file-rss|shmem-rss|pgtables|UID|oom_score_adj: in kB
# where it is a size; null when the log has no such line.
kernel_number() {
	kernel_kill "$1" | sed -n "s/.*[ ,]$2:\(-*[0-9]*\).*/\1/p" | grep . ||
		echo null
}

# check_spared TEXT PID: it lives. Where the victim is slow to die, in an emulated
# guest, the kernel may kill for a second time before the memory is back: its
# choice, told by a line of its own. Sets $also_killed, 0 or 1.
check_spared() {
	also_killed=0
	if [ -n "$(kernel_kill "$2")" ]; then
		also_killed=1
		skip "$1" "the kernel killed $2 as well, a moment later"
		return
	fi
	check_sh "$1" is_alive "$2"
}

# kernel_slack PAGES-PER-FAULT: how far the log may be off. Before 6.2 a task
# keeps the pages of up to 65 faults to itself and may have handed them in between,
# on its way out. Since 6.2 the counters are per-CPU and the log leaves those parts
# out, each less than a batch of max(32, 2 * CPUs) pages. Since 7.2 it sums them up.
kernel_slack() {
	uname -r | awk -F '[.-]' -v fault="$1" \
		-v cpus="$(grep -c '^processor' /proc/cpuinfo)" '
		{
			release = $1 * 100 + $2
			batch = cpus * 2 > 32 ? cpus * 2 : 32
			pages = release < 602 ? 65 * fault : release < 702 ? cpus * batch : 0
			print pages * 4096
		}'
}

# check_kernel_bytes PID FIELD KERNEL-FIELD SLACK-BYTES
check_kernel_bytes() {
	check "victim_$2_bytes is the kernel log's $3 (within $4)" \
		".oom_kill.victim_$2_bytes as \$tool | \$kernel_kb != null
			and \$tool != null
			and (\$tool - \$kernel_kb * 1024 | fabs) <= \$slack" \
		--argjson kernel_kb "$(kernel_number "$1" "$3")" \
		--argjson slack "$4"
}

# check_victim PID COMM CGROUP: the line agrees with the kernel's log about who
# died and what it held. PID is as the log has it: of the thread that was marked.
check_victim() {
	# A fault maps one page of its own, or of a file all 16 around.
	victim_anon_slack=$(kernel_slack 1)
	victim_slack=$(kernel_slack 16)
	check 'the victim is the one of the kernel log' \
		'(.process.tid // .process.pid) == $pid
			and .process.comm == $comm and .process.uid == $uid' \
		--argjson pid "$1" --arg comm "$2" \
		--argjson uid "$(kernel_number "$1" UID)"
	check 'in its own cgroup' \
		'.cgroup.path == $path and .cgroup.version == $version' \
		--arg path "$(cgroup_path "$3")" --argjson version "$version"
	check 'the score adjustment of the kernel log' \
		'.oom_kill.victim_oom_score_adj == $adj' \
		--argjson adj "$(kernel_number "$1" oom_score_adj)"
	check_kernel_bytes "$1" anon anon-rss "$victim_anon_slack"
	check_kernel_bytes "$1" file file-rss "$victim_slack"
	check_kernel_bytes "$1" shmem shmem-rss "$victim_slack"
	check_kernel_bytes "$1" pagetables pgtables 0
}

# check_kill PID COMM CGROUP BOUND-CGROUP LIMIT_BYTES TRIGGER-PID: a kill by a
# cgroup's limit.
check_kill() {
	check_victim "$1" "$2" "$3"
	check 'a kill by a cgroup limit is an error' \
		'.oom_kill.scope == "memcg" and .oom_kill.killed
			and .severity == "error"'
	check_limit "$4" "$5"
	check 'the task that asked for the page' \
		'.oom_kill.trigger_pid == $pid' --argjson pid "$6"
}

# check_limit BOUND-CGROUP LIMIT_BYTES
check_limit() {
	check 'one level bound, and it was full' \
		'[.oom_kill.limits[] | select(.binding)] | length == 1
			and (.[0] | .path == $path and .max_bytes == $max
			and .usage_bytes <= $max
			and .usage_bytes > $max * 0.98)' \
		--arg path "$(cgroup_path "$1")" --argjson max "$2"
}
