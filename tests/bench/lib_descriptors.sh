# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# shellcheck disable=SC2154 # the variables are scripts/bench's
# Sourced by scripts/bench: its section "descriptors". What it costs a process
# to be looked at while it opens and closes descriptors: a loop that does
# nothing else, and a server with a connection for each request.

descriptors_title() {
	case $1 in
	exhausted) echo 'kwhy watch fd_exhausted' ;;
	leak) echo 'fdleak -p PID' ;;
	leak-all) echo 'fdleak' ;;
	opensnoop) echo 'opensnoop -p PID' ;;
	strace) echo 'strace -f -e trace=desc -p PID' ;;
	*) echo "$1" ;;
	esac
}

is_traced() {
	for _ in $(seq 50); do
		! grep -q '^TracerPid:[[:space:]]*[1-9]' "/proc/$1/status" || return 0
		sleep 0.1
	done
	complain "strace did not attach"
}

# look_at_descriptors NAME PID: in the background, and armed.
look_at_descriptors() {
	watch_nothing
	stop_signal=TERM
	case $1 in
	exhausted) watch_processes "$bench/kwhy" watch -q -j fd_exhausted ;;
	leak) watch_processes "$bench/fdleak" -q -j -p "$2" ;;
	leak-all) watch_processes "$bench/fdleak" -q -j ;;
	opensnoop)
		stop_signal=INT
		watch_processes "$(find_peer opensnoop)" -p "$2"
		# it holds back even its heading
		sleep 1
		;;
	strace)
		watch_processes strace -f -e trace=desc -o /dev/null -p "$2"
		is_traced "$2"
		;;
	esac
	case $1 in
	exhausted | leak | leak-all)
		await_word '"kind":"start"' "$work/processes.out.0"
		# the first look at what is open is over
		sleep 0.3
		;;
	esac
}

# cpu_of PID...: CPU time of all their threads; nothing where the kernel does not say.
cpu_of() {
	for cpu_pid in "$@"; do
		cat "/proc/$cpu_pid/task"/*/schedstat 2>/dev/null || true
	done | awk '{ sum += $1 } END { if (NR) printf "%.0f\n", sum }'
}

spent() {
	if [ -n "$1" ] && [ -n "$2" ]; then
		echo $(($2 - $1))
	else
		echo null
	fi
}

# What they tell of the descriptors that were opened, each in its way; nothing when they do not.
opens_told() {
	case $1 in
	leak) sed -n 's/.*"fd_leak":{[^{}]*"opened":\([0-9]*\).*/\1/p' "$work/processes.out.0" | tail -n 1 ;;
	opensnoop) echo $(($(wc -l <"$work/processes.out.0") - 1)) ;;
	esac
}

opens_lost() {
	[ "$1" != opensnoop ] || awk 'tolower($1) == "lost" { sum += $2 } END { printf "%.0f\n", sum }' "$work/processes.err.0"
}

# --- what is looked at ---

# Each prints {"turns":N,"wall_ns":N,"each_ns":N}.
churn_slice() {
	echo "${1:-500}" >&6
	read -r churned <&7
	echo "$churned"
}

server_slice() {
	if [ -n "$wrk" ]; then
		wrk -t 1 -c 4 -d 1s -H 'Connection: close' "http://127.0.0.1:$port/" | awk '
			/ requests in / { sub("s,", "", $4); turns = $1; seconds = $4 }
			END { if (!turns) exit 1
				printf "{\"turns\":%d,\"wall_ns\":%.0f,\"each_ns\":%.0f}\n", turns, seconds * 1e9, seconds * 1e9 / turns }'
	else
		"$bench/load" "$port" 4 1000
	fi
}

start_churn() {
	mkfifo "$work/churn.in" "$work/churn.out"
	"$bench/churn" <"$work/churn.in" >"$work/churn.out" 6>&- 7>&- &
	looked_at=$!
	echo "$looked_at" >>"$work/running"
	exec 6>"$work/churn.in" 7<"$work/churn.out"
}

start_server() {
	port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	mkdir "$work/www"
	echo 'hello' >"$work/www/index.html"
	if [ -n "$nginx" ]; then
		cat >"$work/nginx.conf" <<-CONF
			daemon off;
			master_process off;
			pid $work/nginx.pid;
			error_log $work/nginx.log;
			events { }
			http { access_log off; keepalive_requests 1000000000; server { listen 127.0.0.1:$port; root $work/www; } }
		CONF
		nginx -c "$work/nginx.conf" >"$work/nginx.out" 2>&1 &
	else
		"$bench/serve" "$port" "$work/www/index.html" &
	fi
	looked_at=$!
	echo "$looked_at" >>"$work/running"
	for _ in $(seq 50); do
		! "$bench/load" "$port" 1 10 >/dev/null 2>&1 || return 0
		sleep 0.1
	done
	complain 'the server does not answer'
	return 1
}

# descriptors_turn NAME: a slice of $load, looked at.
descriptors_turn() {
	look_at_descriptors "$1" "$looked_at"
	# shellcheck disable=SC2046 # a list of words
	set -- "$1" $(cat "$work/watchers")
	looking=$1
	shift
	# what was just armed is not in the caches yet
	warmed=0
	[ "$load" != churn ] || warmed=$(churn_slice 50 | sed 's/^{"turns":\([0-9]*\).*/\1/')
	cpu_before=$(cpu_of "$looked_at")
	tool_before=$(cpu_of "$@")
	if ! line=$("${load}_slice"); then
		complain "$load: nothing was measured"
		line='{"turns":0,"wall_ns":0,"each_ns":0}'
	fi
	cpu=$(spent "$cpu_before" "$(cpu_of "$looked_at")")
	tool_cpu=$(spent "$tool_before" "$(cpu_of "$@")")
	# the shell tells of every child that is killed
	unwatch "$stop_signal" 2>/dev/null
	told=$(opens_told "$looking")
	lost=$(opens_lost "$looking")
	printf '%s\t{"load":"%s","warmed":%d,%s,"cpu_ns":%s,"tool_cpu_ns":%s,"told":%s,"lost":%s}\t%s\n' "$(descriptors_title "$looking")" \
		"$load" "$warmed" "$(echo "$line" | tr -d '{}')" "$cpu" "$tool_cpu" "${told:-null}" "${lost:-null}" \
		"$(stop_line "$work/processes.out.0")" >>"$samples"
}

section_descriptors() {
	nginx=$(find_peer nginx || true)
	wrk=$(find_peer wrk || true)
	echo "descriptors: churn is getppid, open and close of /dev/null for 0.5 s; server is ${nginx:-tests/bench/serve.c}, one file, one"
	echo "  connection for each request, for 1 s under ${wrk:-tests/bench/load.c}; $descriptor_rounds rounds"
	[ -n "$nginx" ] || remark nginx 'not installed'
	[ -n "$wrk" ] || remark wrk 'not installed'
	set -- nothing exhausted leak leak-all
	for peer in opensnoop strace; do
		if find_peer "$peer" >/dev/null; then
			set -- "$@" "$peer"
		else
			remark "$peer" 'not installed'
		fi
	done
	load=churn
	start_churn
	turns "$descriptor_rounds" descriptors_turn "$@"
	exec 6>&- 7<&-
	load=server
	! start_server || turns "$descriptor_rounds" descriptors_turn "$@"
	kill "$looked_at" || true
	wait "$looked_at" || true
}
