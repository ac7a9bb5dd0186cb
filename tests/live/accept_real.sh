#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_accept.sh
# vm: host (programs that a guest has not)
# Servers as people run them: Python, node, nginx, Redis, each in a namespace of its own.
. "$(dirname "$0")/lib_accept.sh"

python=$(python3 -c 'import sys; print(sys.executable)' 2>/dev/null) || python=
nginx=$(command -v nginx) || nginx=
redis=$(command -v redis-server) || redis=
node=$(command -v node) || node=

# A web server that takes one client at a time, and its time.
cat >"$tmp/slow_server.py" <<'END'
import http.server, sys, time

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/sleep":
            time.sleep(30)
        while True:
            pass

http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
END

# All clients have one thread.
cat >"$tmp/server.js" <<'END'
require("http").createServer((request, response) => {
	if (request.url === "/sync")
		require("child_process").execSync("sleep 30");
	for (;;);
}).listen({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 5 });
END

# serve PORT COMMAND...: in a namespace of its own; waits until it listens. Sets $pid.
serve() {
	serve_port=$1
	shift
	run unshare -n sh -c 'ip link set lo up && exec "$@"' sh "$@"
	wait_until "$patience" listens "$pid" "$serve_port" ||
		tail -n 3 "$run_out" | not_ok "it listens on $serve_port"
}

listens() {
	[ "$(nsenter -t "$1" -n ss -Hltn "sport = :$2" 2>/dev/null | wc -l)" -ge 1 ]
}

# overflow NAME PID PORT FILL: so many clients are kept, and nine more are refused
overflow() {
	run_tcp nsenter -t "$2" -n "$accept" -t 30 -k port="$3" keep="$4" sleep=300 drop=9 sleep=2500
	ln -sf "$run_out" "$tmp/tcp.$1"
	scenes="$scenes $1:$pid"
}

# ask PID PORT PATH: one request
ask() {
	# shellcheck disable=SC2016 # it is Python
	run nsenter -t "$1" -n "$python" -c 'import socket, sys, time
s = socket.create_connection(("127.0.0.1", int(sys.argv[1]))); s.sendall(b"GET " + sys.argv[2].encode() + b" HTTP/1.0\r\n\r\n")
print("ready", flush=True); time.sleep(20)' "$2" "$3"
	wait_ready
}

# real NAME PID TEXT LIMIT: nine, all of them of that listener
real() {
	told_space "$1" "$3" "$(fact_of "$1" overflows)"
	check_sh "$3: the kernel counts nine" test "$(fact_of "$1" overflows)" -eq 9
	says 'which one' '.first | .saddr == "127.0.0.1" and .limit == $limit and .queue == $limit + 1 and .listen_backlog == $limit
		and .bound_by == "listen"' --argjson limit "$4"
}

watch_start acceptwatch
if [ -n "$python" ]; then
	serve 8080 "$python" "$tmp/slow_server.py" 8080
	sleeper=$pid
	ask "$sleeper" 8080 /sleep
	overflow sleeper "$sleeper" 8080 6
	serve 8080 "$python" "$tmp/slow_server.py" 8080
	busy=$pid
	ask "$busy" 8080 /busy
	overflow busy "$busy" 8080 6
fi
if [ -n "$node" ] && [ -n "$python" ]; then
	serve 8083 "$node" "$tmp/server.js" 8083
	node_busy=$pid
	ask "$node_busy" 8083 /busy
	overflow node_busy "$node_busy" 8083 6
	serve 8083 "$node" "$tmp/server.js" 8083
	node_sync=$pid
	ask "$node_sync" 8083 /sync
	overflow node_sync "$node_sync" 8083 6
fi
if [ -n "$nginx" ]; then
	mkdir "$tmp/nginx"
	cat >"$tmp/nginx/conf" <<-END
		daemon off; pid $tmp/nginx/pid; error_log stderr; worker_processes 2;
		events { worker_connections 64; } http { access_log off;
		client_body_temp_path $tmp/nginx/a; proxy_temp_path $tmp/nginx/b; fastcgi_temp_path $tmp/nginx/c;
		uwsgi_temp_path $tmp/nginx/d; scgi_temp_path $tmp/nginx/e;
		server { listen 127.0.0.1:8081 backlog=7; } }
	END
	serve 8081 "$nginx" -c "$tmp/nginx/conf"
	master=$pid
	wait_until "$patience" test "$(wc -w <"/proc/$master/task/$master/children")" -eq 2 || sleep 0.5
	workers=$(cat "/proc/$master/task/$master/children")
	for worker in $workers; do
		kill -STOP "$worker"
	done
	overflow nginx "$master" 8081 8
fi
if [ -n "$redis" ]; then
	serve 8082 "$redis" --port 8082 --bind 127.0.0.1 --tcp-backlog 5 --save '' --dir "$tmp"
	redis_pid=$pid
	kill -STOP "$redis_pid"
	overflow redis "$redis_pid" 8082 6
fi
scenes_end
if [ -n "$nginx" ]; then
	for worker in $workers; do
		kill -CONT "$worker"
	done
	kill -TERM "$master"
	await_exit "$master" 10
fi
watch_stop
check_sh 'the account balances' balanced accept_overflow
sum_up

if [ -n "$python" ]; then
	real sleeper "$sleeper" 'python, a handler that sleeps' 5
	says 'who' '.pids == [$pid] and (.process.args | map(contains("slow_server.py")) | any)' --argjson pid "$sleeper"
	says 'asleep' '.first.acceptor_state == "blocked" and (.first.acceptor_syscall | test("nanosleep|select"))'
	says 'since when' '.first.since_accept_ns > 2e8 and .first.since_accept_ns < 5e9'
	real busy "$busy" 'python, a handler that is busy' 5
	says 'who' '.pids == [$pid]' --argjson pid "$busy"
	says 'running' '.first.acceptor_state == "running" and .first.acceptor_cpu_percent >= 15'
else
	skip 'python' 'not installed'
fi
if [ -n "${node_busy:-}" ]; then
	real node_busy "$node_busy" 'node, its loop is busy' 5
	says 'who' '.pids == [$pid] and (.process.args | map(contains("server.js")) | any)' --argjson pid "$node_busy"
	says 'running' '.first.acceptor_state == "running" and .first.acceptor_cpu_percent >= 15'
	real node_sync "$node_sync" 'node, it waits for a child' 5
	says 'who' '.pids == [$pid]' --argjson pid "$node_sync"
	# in a loop of its own, which has the same calls
	says 'it waits' '.first.acceptor_state == "waiting" and (.first.acceptor_syscall | test("epoll"))'
	says 'nobody calls accept()' '.lines[0].diagnosis.rule == "accept-not-called"'
else
	skip 'node' 'not installed'
fi
if [ -n "$nginx" ]; then
	real nginx "$master" 'nginx, its workers stopped' 7
	# shellcheck disable=SC2086 # words
	says 'who' '.process.comm == "nginx" and .first.sharing == 3 and ([.first.holders[].pid] | sort) == $pids' \
		--argjson pids "$(printf '%s\n' "$master" $workers | sort -n | jq -sc .)"
	says 'stopped' '.first.acceptor_state == "stopped" and ([.first.holders[] | select(.state == "stopped")] | length) == 2'
else
	skip 'nginx' 'not installed'
fi
if [ -n "$redis" ]; then
	real redis "$redis_pid" 'Redis, stopped' 5
	says 'who' '.pids == [$pid] and .process.comm == "redis-server" and .first.acceptor_state == "stopped"' \
		--argjson pid "$redis_pid"
else
	skip 'redis' 'not installed'
fi
finish
