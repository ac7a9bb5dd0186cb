# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# shellcheck disable=SC2154 # the variables are scripts/bench's
# Sourced by scripts/bench: its section "tcp". What a busy web server loses
# while TCP is looked at and nothing goes wrong: with a connection for each
# request, and with requests on connections that stay.

tcp_drops_program='tracepoint:skb:kfree_skb { @[args->reason] = count(); }'
tcp_retransmits_program='tracepoint:tcp:tcp_retransmit_skb {
	printf("%d %s:%d %s:%d\n", pid, ntop(args->family, args->saddr), args->sport, ntop(args->family, args->daddr), args->dport); }'

tcp_title() {
	case $1 in
	accept) echo acceptwatch ;;
	retransmit) echo retranswatch ;;
	both) echo 'acceptwatch + retranswatch' ;;
	kwhy) echo 'kwhy watch with both kinds' ;;
	tcpretrans) echo 'tcpretrans (bcc)' ;;
	bpftrace) echo 'bpftrace tcp_retransmit_skb' ;;
	drops) echo 'bpftrace kfree_skb, counted' ;;
	tcpdump) echo 'tcpdump -i lo -w /dev/null' ;;
	*) echo "$1" ;;
	esac
}

# arm_tcp NAME: in the background; where what it was told to say first comes from it, it is armed.
arm_tcp() {
	watch_nothing
	stop_signal=TERM
	armed='"kind":"start"'
	case $1 in
	nothing) return 0 ;;
	accept | both) watch_processes "$bench/acceptwatch" -q -j ;;
	retransmit) watch_processes "$bench/retranswatch" -q -j ;;
	kwhy) watch_processes "$bench/kwhy" watch -q -j accept_overflow tcp_retransmit ;;
	esac
	[ "$1" != both ] || watch_processes "$bench/retranswatch" -q -j
	case $1 in
	tcpretrans)
		armed=LADDR
		watch_processes env PYTHONUNBUFFERED=1 "$(command -v tcpretrans-bpfcc || command -v tcpretrans)"
		;;
	bpftrace | drops)
		# and says what it counted
		stop_signal=INT
		armed=Attaching
		program=$tcp_retransmits_program
		[ "$1" = bpftrace ] || program=$tcp_drops_program
		watch_processes bpftrace -B line -e "$program"
		;;
	tcpdump)
		armed='listening on'
		watch_processes tcpdump -n -i lo -w /dev/null tcp
		;;
	esac
}

# Whether all of them came to be armed, within ten seconds.
is_armed() {
	for _ in $(seq 100); do
		waiting=
		number=0
		while read -r watched; do
			grep -q "$armed" "$work/processes.out.$number" "$work/processes.err.$number" 2>/dev/null || waiting=yes
			kill -0 "$watched" 2>/dev/null || return 1
			number=$((number + 1))
		done <"$work/watchers"
		if [ -z "$waiting" ]; then
			# bpftrace says so before it does so
			[ "$armed" != Attaching ] || sleep 1
			sleep 0.3
			return 0
		fi
		sleep 0.1
	done
	return 1
}

# bpf_runs PID...: what the kernel says of their BPF programs, while it counts that: nanoseconds and runs of all of them.
bpf_runs() {
	for bpf_pid in "$@"; do
		cat "/proc/$bpf_pid/fdinfo"/* 2>/dev/null || true
	done | awk '
		$1 == "prog_id:" { program = $2 }
		$1 == "run_time_ns:" { ns[program] = $2 }
		$1 == "run_cnt:" { runs[program] = $2 }
		END {
			for (program in ns) {
				sum += ns[program]
				count += runs[program]
			}
			printf "%.0f %.0f\n", sum, count
		}'
}

# tcp_bpf_cost NAME: both loads once while the kernel counts runs of BPF programs, which costs time of its own.
tcp_bpf_cost() {
	stats=/proc/sys/kernel/bpf_stats_enabled
	[ -e $stats ] || return 0
	stats_before=$(cat $stats)
	echo 1 >$stats
	for load in $tcp_loads; do
		# shellcheck disable=SC2046 # lists of words
		set -- "$1" $(bpf_runs $(cat "$work/watchers"))
		line=$(tcp_slice "$load" 1000) || continue
		# shellcheck disable=SC2046 # lists of words
		set -- "$@" $(bpf_runs $(cat "$work/watchers"))
		printf '%s\t{"load":"%s","turns":%d,"bpf_ns":%d,"bpf_runs":%d}\n' "$(tcp_title "$1")" "$load" \
			"$(echo "$line" | sed 's/^{"turns":\([0-9]*\).*/\1/')" "$(($4 - $2))" "$(($5 - $3))" >>"$samples"
	done
	echo "$stats_before" >$stats
	stats_before=
}

# choose_tcp NAME...: sets $chosen to those that start here; the others get a remark.
choose_tcp() {
	chosen=
	for name in "$@"; do
		arm_tcp "$name"
		if is_armed; then
			chosen="$chosen $name"
			tcp_bpf_cost "$name"
		else
			printf '%s\t{"why":"does not start here: %s"}\n' "$(tcp_title "$name")" \
				"$(cat "$work"/processes.err.* 2>/dev/null | tr -d '\r\t"\134' | grep -v -e RLIMIT_MEMLOCK -e modprobe -e Traceback -e '^ ' | grep -m 1 . | cut -c 1-90)" >>"$remarks"
		fi
		# those that did not start are gone
		unwatch "$stop_signal" 2>/dev/null || true
	done
}

# wrk_figures: what load says, of what wrk says.
wrk_figures() {
	awk '
		function ns(text) {
			return text * (text ~ /us$/ ? 1e3 : text ~ /ms$/ ? 1e6 : text ~ /m$/ ? 6e10 : 1e9)
		}
		$1 == "50%" { p50 = ns($2) }
		$1 == "99%" { p99 = ns($2) }
		/ requests in / { turns = $1; seconds = ns(substr($4, 1, length($4) - 1)) / 1e9 }
		/Socket errors:/ { gsub(",", ""); errors += $4 + $6 + $8 + $10 }
		/Non-2xx/ { errors += $NF }
		END {
			if (!turns)
				exit 1
			printf "{\"turns\":%d,\"wall_ns\":%.0f,\"errors\":%d,\"p50_ns\":%.0f,\"p99_ns\":%.0f}\n", turns, seconds * 1e9,
				errors, p50, p99
		}'
}

# tcp_slice LOAD MILLISECONDS
tcp_slice() {
	if [ -z "$wrk" ]; then
		[ "$1" = connections ] || set -- "$@" keep
		shift
		"$bench/load" "$port" "$tcp_clients" "$@"
	elif [ "$1" = connections ]; then
		wrk -t 1 -c "$tcp_clients" -d "$(($2 / 1000))s" --latency -H 'Connection: close' "http://127.0.0.1:$port/" | wrk_figures
	else
		wrk -t 1 -c "$tcp_clients" -d "$(($2 / 1000))s" --latency "http://127.0.0.1:$port/" | wrk_figures
	fi
}

# What they tell of the packets they saw, and how many they lost; nothing when they do not say.
tcpdump_counts() {
	[ "$1" != tcpdump ] || sed -n "s/^\\([0-9]*\\) packets* $2.*/\\1/p" "$work/processes.err.0"
}

tcp_sample() {
	# shellcheck disable=SC2046 # a list of words
	set -- "$1" "$2" $(cat "$work/watchers")
	sampled=$1
	load=$2
	shift 2
	cpu_before=$(cpu_of "$looked_at")
	tool_before=$(cpu_of "$@")
	machine_before=$(cpu_times | cut -d ' ' -f 1)
	if ! line=$(tcp_slice "$load" 1000); then
		complain "$load: nothing was measured"
		line='{"turns":0,"wall_ns":0,"errors":0,"p50_ns":0,"p99_ns":0}'
	fi
	machine=$(($(cpu_times | cut -d ' ' -f 1) - machine_before))
	cpu=$(spent "$cpu_before" "$(cpu_of "$looked_at")")
	tool_cpu=$(spent "$tool_before" "$(cpu_of "$@")")
	printf '%s\t{"load":"%s",%s,"machine_ns":%s0000000,"cpu_ns":%s,"tool_cpu_ns":%s' "$(tcp_title "$sampled")" "$load" \
		"$(echo "$line" | tr -d '{}')" "$machine" "$cpu" "$tool_cpu" >>"$work/tcp.samples"
}

# tcp_turn NAME: both loads, looked at. What it accounts for is of both.
tcp_turn() {
	arm_tcp "$1"
	is_armed || complain "$1 did not start this time"
	: >"$work/tcp.samples"
	for load in $tcp_loads; do
		tcp_sample "$1" "$load"
		echo >>"$work/tcp.samples"
	done
	# the shell tells of every child that is killed
	unwatch "$stop_signal" 2>/dev/null
	told=$(tcpdump_counts "$1" captured)
	lost=$(tcpdump_counts "$1" 'dropped by kernel')
	while read -r sampled; do
		printf '%s,"told":%s,"lost":%s}\t%s\t%s\n' "$sampled" "${told:-null}" "${lost:-null}" \
			"$(stop_line "$work/processes.out.0")" "$(stop_line "$work/processes.out.1" 2>/dev/null)"
	done <"$work/tcp.samples" >>"$samples"
}

section_tcp() {
	nginx=$(find_peer nginx || true)
	wrk=$(find_peer wrk || true)
	tcp_clients=4
	tcp_loads='connections requests'
	echo "tcp: ${nginx:-tests/bench/serve.c}, one process, one file, over loopback; connections: one for each request; requests:"
	echo "  $tcp_clients connections that stay; each for 1 s under ${wrk:-tests/bench/load.c}, $tcp_rounds rounds. p50, p99: of a request"
	echo '  and its answer. Machine: busy time of all CPUs, with what others run. BPF: its programs, from a slice of its own.'
	echo '  Events: of both loads'
	: >"$remarks"
	if [ -z "$nginx" ]; then
		remark nginx 'not installed'
		tcp_loads=connections
	fi
	[ -n "$wrk" ] || remark wrk 'not installed'
	start_server || return 0
	set -- nothing accept retransmit both kwhy
	for peer in tcpretrans bpftrace tcpdump; do
		case $peer in
		tcpretrans) command -v tcpretrans-bpfcc || command -v tcpretrans ;;
		*) find_peer "$peer" ;;
		esac >/dev/null || {
			printf '%s\t{"why":"not installed"}\n' "$(tcp_title "$peer")" >>"$remarks"
			continue
		}
		set -- "$@" "$peer"
		[ "$peer" != bpftrace ] || set -- "$@" drops
	done
	tcp_slice connections 1000 >/dev/null || true
	choose_tcp "$@"
	# shellcheck disable=SC2086 # a list of names
	turns "$tcp_rounds" tcp_turn $chosen
	kill "$looked_at" || true
	wait "$looked_at" || true
}
