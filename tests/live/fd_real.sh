#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_fd.sh
# vm: host (programs that a guest has not)
# Programs as people run them: Python, nginx, Redis, PostgreSQL.
. "$(dirname "$0")/lib_fd.sh"

python=$(python3 -c 'import sys; print(sys.executable)' 2>/dev/null) || python=
nginx=$(command -v nginx) || nginx=
redis=$(command -v redis-server) || redis=
postgres=
for postgres_program in /usr/lib/postgresql/*/bin/postgres; do
	[ ! -x "$postgres_program" ] || postgres=${postgres_program%/*}
done

# as_nobody COMMAND...: PostgreSQL does not run as root.
as_nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

has_backend() {
	grep -q '^[0-9]' "$tmp/postgres/answers"
}

# A backend whose soft limit is lowered while it works: it closes files, tries again, and says so each time.
run_postgres() {
	mkdir "$tmp/postgres"
	chmod 711 "$tmp"
	chown 65534:65534 "$tmp/postgres"
	as_nobody "$postgres/initdb" -N --no-locale -A trust -D "$tmp/postgres/data" >"$tmp/value" 2>&1 || return
	run setpriv --reuid=65534 --regid=65534 --clear-groups "$postgres/postgres" -F -D "$tmp/postgres/data" \
		-k "$tmp/postgres" -c listen_addresses=
	postmaster=$pid
	postmaster_out=$run_out
	wait_until "$patience" test -S "$tmp/postgres/.s.PGSQL.5432" || true
	mkfifo "$tmp/postgres/questions"
	: >"$tmp/postgres/answers"
	"$postgres/psql" -h "$tmp/postgres" -U nobody -At postgres <"$tmp/postgres/questions" >"$tmp/postgres/answers" 2>&1 &
	exec 9>"$tmp/postgres/questions"
	echo 'select pg_backend_pid();' >&9
	wait_until "$patience" has_backend || true
	backend=$(head -n 1 "$tmp/postgres/answers")
	as_nobody prlimit --pid "$backend" --nofile=8: 2>"$tmp/value" || true
	echo 'select count(*) from pg_type; select count(*) from pg_collation; select count(*) from pg_amop;' >&9
	wait_until 10 has_refusal "$backend" || true
	exec 9>&-
	kill -INT "$postmaster"
	await_exit "$postmaster" 20
	postgres_count=$(grep -a -c 'out of file descriptors: Too many open files' "$postmaster_out" || true)
}

# A server that forgets what it accepted, its clients come from the same script.
cat >"$tmp/forgetful_server.py" <<'END'
import resource, socket, sys, threading, time

kept = []

def handle(connection):
    kept.append(connection)         # and never closed

def serve(listener):
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            time.sleep(0.02)
            continue
        handle(connection)

def call(port, count, pause):
    for _ in range(count):
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(b"hello")
        client.close()
        time.sleep(pause)

if __name__ == "__main__":
    if sys.argv[1] == "client":
        call(int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
        sys.exit()
    soft = int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, soft))
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    print("ready", listener.getsockname()[1], flush=True)
    serve(listener)
END

if [ -n "$python" ]; then
	run "$python" "$tmp/forgetful_server.py" server 1024
	leaking=$pid
	wait_ready
	look python "$leaking" 6 --tick 0.5
	looks_armed python
	run "$python" "$tmp/forgetful_server.py" client "${words#ready }" 60 0.05
	run "$python" "$tmp/forgetful_server.py" server 40
	full=$pid
	wait_ready
	full_port=${words#ready }
fi
watch_start fdleak
if [ -n "$python" ]; then
	run "$python" "$tmp/forgetful_server.py" client "$full_port" 45 0.01
	wait_until 20 has_refusal "$full" || true
	kill_wait "$pid"
fi
if [ -n "$nginx" ]; then
	mkdir "$tmp/nginx"
	cat >"$tmp/nginx/conf" <<-END
		daemon off; pid $tmp/nginx/pid; error_log stderr; worker_processes 1; worker_rlimit_nofile 20;
		events { worker_connections 512; } http { access_log off;
		client_body_temp_path $tmp/nginx/a; proxy_temp_path $tmp/nginx/b; fastcgi_temp_path $tmp/nginx/c;
		uwsgi_temp_path $tmp/nginx/d; scgi_temp_path $tmp/nginx/e;
		server { listen unix:$tmp/nginx/socket; } }
	END
	run "$nginx" -c "$tmp/nginx/conf"
	master=$pid
	wait_until "$patience" test -S "$tmp/nginx/socket" || true
	sleep 0.5
	worker=$(cut -d ' ' -f 1 "/proc/$master/task/$master/children")
	run "$python" -c '
import socket, sys, time
kept = []
for i in range(40):
    s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); kept.append(s)
print("ready", flush=True); time.sleep(3)' "$tmp/nginx/socket"
	wait_ready
	wait_until 5 has_refusal "$worker" || true
	kill_wait "$pid"
	kill -TERM "$master"
	await_exit "$master" 10
fi
if [ -n "$redis" ]; then
	run sh -c 'ulimit -n 64; exec "$0" "$@"' "$redis" --port 0 --unixsocket "$tmp/redis" --save '' --maxclients 10000
	redis_pid=$pid
	wait_until "$patience" test -S "$tmp/redis" || true
	sleep 0.5
	run "$python" -c '
import socket, sys, time
kept = []
for i in range(80):
    s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); kept.append(s)
time.sleep(2)' "$tmp/redis"
	await_exit "$pid" 10
	redis_clients=$(grep -c 'max number of clients\|Accepting client' "$run_out" || true)
	kill_wait "$redis_pid"
fi
if [ -n "$postgres" ]; then
	run_postgres || postgres=
fi
watch_stop

if [ -n "$python" ]; then
	check_sh 'python, a full table: told' has_refusal "$full"
	refused_first "$full" 'python, a full table'
	says 'the script and the limit' '.fd_exhausted.script == $script and .fd_exhausted.soft == 40
		and .fd_exhausted.open >= 40 and .fd_exhausted.syscall == "accept4"' --arg script "$tmp/forgetful_server.py"
	says 'the interpreter is no culprit by its name alone' \
		'[.message, .diagnosis.cause, .diagnosis.evidence[].claim] | map(contains("forgetful_server.py")) | any'
	says 'of what' '.fd_exhausted.by_type[0] | .type == "tcp" and .count >= 30'
	says 'in what state' '.fd_exhausted.top[0] | .tcp_state == "CLOSE_WAIT" and .count >= 30'
	says 'a stack of C at least' '.fd_exhausted.stack | length > 2 and (.[0] | test("accept"))'
	check_rule 'fd-close-wait fd-accept-spin'
	look_end python "$leaking"
	balances
	says 'the script' '.fd_leak.script == $script' --arg script "$tmp/forgetful_server.py"
	says 'sixty, that the peers closed' '.fd_leak.close_wait_total == 60'
	check_rule 'fd-close-wait-pile'
else
	skip 'python' 'not installed'
fi
if [ -n "$nginx" ] && [ -n "$python" ]; then
	refused_first "$worker" 'nginx'
	says 'the worker and its limit' '.process.comm == "nginx" and .process.parent_comm == "nginx"
		and .fd_exhausted.soft == 20 and (.fd_exhausted.syscall | startswith("accept"))'
	says 'where' '[.fd_exhausted.stack[] | select(test("ngx_|nginx\\+0x"))] | length > 2'
else
	skip 'nginx' 'not installed'
fi
if [ -n "$redis" ] && [ -n "$python" ]; then
	echo "# redis said $redis_clients times that it is full"
	check_flush
	out=${fd_stream:-$out}
	if has_refusal "$redis_pid"; then
		ok 'redis: told'
	else
		skip 'redis' 'it keeps below its limit by itself'
	fi
else
	skip 'redis' 'not installed'
fi
if [ -n "$postgres" ]; then
	refused_first "$backend" 'postgres, a backend whose limit was lowered'
	says 'as often as its own log says' '.fd_exhausted.count == $count and $count > 0' --argjson count "$postgres_count"
	says 'who asked' '[.fd_exhausted.stack[] | split("+")[0]] as $stack
		| ["BasicOpenFilePerm", "PathNameOpenFilePerm", "mdread", "ReadBufferExtended"] | map(. as $name | $stack | index($name))
		| all(. != null) and . == sort'
	check_rule 'fd-limit-lowered'
else
	skip 'postgres' "$(if [ -e "$tmp/postgres" ]; then tail -n 1 "$tmp/value"; else echo 'not installed'; fi)"
fi
finish
