#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016 source=lib_oom.sh
# vm: host (Python is not in a guest)
# A real server that leaks: Python, threads, an unprivileged user, requests over
# loopback, a secret among its arguments.
. "$(dirname "$0")/lib_oom.sh"

expected_rules='oom-leak'
limit=$((64 * MIB))

command -v python3 >/dev/null || skip_test 'no python3'
python=$(python3 -c 'import sys; print(sys.executable)')

cat >"$tmp/server.py" <<-EOP
	import http.server, os, signal

	signal.alarm(90)
	kept = []

	class Handler(http.server.BaseHTTPRequestHandler):
	    def do_GET(self):
	        kept.append(b"x" * (512 << 10))
	        self.send_response(200)
	        self.end_headers()

	    def log_message(self, *unused):
	        pass

	server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
	os.setgroups([])
	os.setgid(65534)
	os.setuid(65534)
	print("ready", os.getpid(), server.server_port, flush=True)
	server.serve_forever()
EOP
cat >"$tmp/client.py" <<-EOP
	import sys, time, urllib.request

	end = time.monotonic() + 60
	while time.monotonic() < end:
	    try:
	        urllib.request.urlopen(sys.argv[1], timeout=5).read()
	    except OSError:
	        break
	    time.sleep(0.08)
EOP

memory_controller
cgroup_new server "$limit"
watch_oom
cgroup_run server "$python" "$tmp/server.py" --password hunter2
wait_ready
server=$pid
comm=$(cat "/proc/$server/comm")
run "$python" "$tmp/client.py" "http://127.0.0.1:${words##* }/"
client=$pid
wait_line oom_kill 1 60
await_exit "$server" 30
check_sh 'the kernel killed the server' test "$status" -eq 137
await_exit "$client" 30
watch_stop

check_sh 'the kernel counted one kill' test "$(oom_kills server)" -eq 1
check_sh 'one kill, one line' test "$(lines_of oom_kill)" -eq 1
select_line oom_kill
check_sh 'the kernel log says the uid' \
	test "$(kernel_number "$server" UID)" -eq 65534
check_kill "$server" "$comm" server server "$limit" "$server"
check 'the script is in the arguments' \
	'.process.args | tostring | contains("server.py")'
check_sh 'the secret is nowhere' test "$(grep -c hunter2 "$out")" -eq 0
check_rule "$expected_rules"
finish
