#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_exit.sh
# vm: host (programs that a guest has not)
# Programs as people run them: Python, bash, nginx, Redis.
. "$(dirname "$0")/lib_exit.sh"

python=$(python3 -c 'import sys; print(sys.executable)' 2>/dev/null) || python=

# child_of PID: sets $child to one of its children.
child_of() {
	child=$(cat "/proc/$1/task/$1/children" 2>/dev/null)
	child=${child%% *}
	[ -n "$child" ]
}

watch_start exitwatch
if [ -n "$python" ]; then
	run "$python" -c 'import ctypes; ctypes.string_at(0)'
	segv=$pid
	ends "$segv"
	run "$python" -c 'import os, time, signal
signal.signal(signal.SIGTERM, lambda *a: None)
print("ready", os.getpid(), flush=True)
while True: time.sleep(1)'
	deaf=$pid
	wait_ready
	slay stop "$deaf" 1000
	deaf_killer=$killer
	run "$python" -c 'import multiprocessing, os, signal
def work(): os.kill(os.getpid(), signal.SIGKILL)
p = multiprocessing.get_context("fork").Process(target=work); p.start(); p.join()
print("child", p.pid, p.exitcode, flush=True)
raise SystemExit(128 - p.exitcode)'
	pool=$pid
	ends "$pool" "$deaf_killer" "$deaf"
	pool_child=$(sed -n 's/^child \([0-9]*\) .*/\1/p' "$tmp/run.$run_count")
	wait_deaths "$segv" "$deaf" "$pool" "$pool_child"
fi
bash=$(command -v bash) || bash=
if [ -n "$bash" ]; then
	run "$bash" -c 'bash -c "kill -9 \$\$" & echo "child $!"; wait $!; exit $?'
	bash_pid=$pid
	ends "$pid"
	wait_word child 5
	bash_child=${words#child }
	wait_deaths "$bash_pid" "$bash_child"
fi
nginx=$(command -v nginx) || nginx=
if [ -n "$nginx" ]; then
	mkdir "$tmp/nginx"
	cat >"$tmp/nginx/conf" <<-END
		daemon off; pid $tmp/nginx/pid; error_log stderr; worker_processes 1;
		events {} http { access_log off;
		server { listen unix:$tmp/nginx/socket; } }
	END
	run "$nginx" -c "$tmp/nginx/conf"
	master=$pid
	wait_until "$patience" child_of "$master" || true
	worker=$child
	slay kill 9 "$worker"
	worker_killer=$killer
	ends "$killer"
	wait_deaths "$worker"
	kill -TERM "$master"
	ends "$master"
fi
redis=$(command -v redis-server) || redis=
if [ -n "$redis" ]; then
	run "$redis" --port 0 --unixsocket "$tmp/redis" --save ''
	redis_pid=$pid
	wait_until "$patience" test -S "$tmp/redis" || true
	slay kill 9 "$redis_pid"
	redis_killer=$killer
	ends "$killer" "$redis_pid"
	wait_deaths "$redis_pid"
fi
watch_stop

if [ -n "$python" ]; then
	death "$segv" 'python, a null pointer by ctypes'
	died_of 11
	caused_by fault
	says 'where' '.exit.fault.address == "0x0"
		and (.exit.fault.mapping | test("/libc[.-]"))
		and (.exit.fault.symbol | test("strlen"))'
	says 'what was run' '.process.exe == $exe
		and .process.args[1:] == ["-c", "import ctypes; ctypes.string_at(0)"]' \
		--arg exe "$(readlink -f "$python")"
	death "$deaf" 'python that does not want to go'
	died_of 9
	killed_by "$deaf_killer" slay
	says 'TERM had a handler' '.exit.prior_signals | length == 1 and (.[0]
		| .signal == 15 and .result == "delivered"
		and .action == "handler")'
	death "$pool_child" 'a worker of multiprocessing'
	died_of 9
	caused_itself
	death "$pool" 'its parent'
	exited 137
	says 'tells of the worker' '.exit.copied_from.pid == $pid
		and .exit.copied_from.signal == 9' --argjson pid "$pool_child"
else
	skip 'python' 'not installed'
fi
if [ -n "$bash" ]; then
	death "$bash_child" 'bash that kills itself'
	died_of 9
	caused_itself
	death "$bash_pid" 'its parent'
	exited 137
	says 'copies the status' '.exit.copied_from | .pid == $pid
		and .signal == 9 and .source == "self"' \
		--argjson pid "$bash_child"
else
	skip 'bash' 'not installed'
fi
if [ -n "$nginx" ]; then
	death "$worker" 'a worker of nginx'
	died_of 9
	killed_by "$worker_killer" slay
	says 'of this master' '.process.ppid == $master
		and .process.parent_comm == "nginx"
		and .exit.parents[0].pid == $master' --argjson master "$master"
else
	skip 'nginx' 'not installed'
fi
if [ -n "$redis" ]; then
	death "$redis_pid" 'redis'
	died_of 9
	killed_by "$redis_killer" slay
	says 'its threads' '.exit.threads > 1
		and .process.comm == "redis-server"'
else
	skip 'redis' 'not installed'
fi
finish
