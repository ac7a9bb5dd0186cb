#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_retransmit.sh
# vm: host (needs nginx, Python, nft, ip)
# Servers as people run them, in a namespace of their own, with clients in
# another: acknowledgements that are dropped here, large segments that do not
# come through, and one where all is well.
. "$(dirname "$0")/lib_retransmit.sh"

for program in ip nft nsenter unshare; do
	command -v $program >/dev/null || skip_test "$program is not installed"
done
python=$(python3 -c 'import sys; print(sys.executable)' 2>/dev/null) || skip_test 'no Python'
nginx=$(command -v nginx) || nginx=

# space: a namespace that lasts as long as a process in it; sets $pid.
space() {
	run unshare -n sleep 100
	wait_until "$patience" space_apart "$pid" || skip_test 'no network namespaces'
}

space_apart() {
	[ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

# rules PID CHAIN RULE
rules() {
	nsenter -t "$1" -n nft -f - <<-END
		table inet t {
			chain c {
				type filter hook $2 priority 0
				$3
			}
		}
	END
}

counted() {
	awk '$1 == "Tcp:" && !column { for (i = 2; i <= NF; i++) if ($i == "RetransSegs") column = i; next }
		$1 == "Tcp:" { print $column }' "/proc/$1/net/snmp"
}

space
server=$pid
space
client=$pid
netns=$(readlink "/proc/$server/ns/net" | tr -dc 0-9)
in_server="nsenter -t $server -n"
in_client="nsenter -t $client -n"
$in_server ip link add near type veth peer name far netns "$client" || skip_test 'no veth pair'
$in_server ip link set lo up
$in_server ip addr add 192.168.78.1/24 dev near
$in_server ip link set near up
$in_client ip addr add 192.168.78.2/24 dev far
$in_client ip link set far up
# 8081: pure ACKs do not come in. 8082: full segments do not come through. 8083: all is well.
rules "$server" input 'tcp dport 8081 tcp flags & (fin|syn|rst|psh|ack) == ack drop' || skip_test 'no nftables here'
rules "$client" input 'tcp sport 8082 meta length > 1200 drop'

cat >"$tmp/server.py" <<'END'
import socket, sys, threading, time

def answer(connection):
    connection.recv(1000)
    connection.sendall(b"x" * 200)
    time.sleep(0.05)
    try:
        connection.sendall(b"y" * 20000)
        time.sleep(30)
    except OSError:
        pass

listener = socket.create_server(("192.168.78.1", int(sys.argv[1])))
print("ready", flush=True)
while True:
    threading.Thread(target=answer, args=listener.accept()[:1], daemon=True).start()
END
cat >"$tmp/client.py" <<'END'
import socket, sys, time

connection = socket.create_connection(("192.168.78.1", int(sys.argv[1])), 10)
connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
connection.settimeout(float(sys.argv[2]))
end = time.time() + float(sys.argv[2])
try:
    while time.time() < end and connection.recv(100000):
        pass
except OSError:
    pass
END

watch_start retranswatch
worker=
if [ -n "$nginx" ]; then
	mkdir "$tmp/nginx" "$tmp/nginx/root"
	chmod 755 "$tmp"
	dd if=/dev/zero of="$tmp/nginx/root/index.html" bs=1000 count=100 2>/dev/null
	cat >"$tmp/nginx/conf" <<-END
		daemon off; pid $tmp/nginx/pid; error_log stderr; worker_processes 1;
		events { worker_connections 512; } http { access_log off;
		client_body_temp_path $tmp/nginx/a; proxy_temp_path $tmp/nginx/b; fastcgi_temp_path $tmp/nginx/c;
		uwsgi_temp_path $tmp/nginx/d; scgi_temp_path $tmp/nginx/e;
		server { listen 192.168.78.1:8081; root $tmp/nginx/root; } }
	END
	# shellcheck disable=SC2086 # words
	run $in_server "$nginx" -c "$tmp/nginx/conf"
	master=$pid
	wait_until 10 test -s "$tmp/nginx/pid" || true
	sleep 0.5
	worker=$(cut -d ' ' -f 1 "/proc/$master/task/$master/children")
	# shellcheck disable=SC2086 # words
	run $in_client "$python" "$tmp/client.py" 8081 4
fi
# shellcheck disable=SC2086 # words
{
	run $in_server "$python" "$tmp/server.py" 8082
	wait_ready
	black_hole=$pid
	run $in_client "$python" "$tmp/client.py" 8082 4
	run $in_server "$python" "$tmp/server.py" 8083
	wait_ready
	run $in_client "$python" "$tmp/client.py" 8083 2
}
sleep 5
# What is to be sent from now on has no way, and the kernel does not count that.
$in_server ip link del near
sleep 1
true=$(counted "$server")
watch_stop
[ -z "$worker" ] || kill -TERM "$master"
check_sh 'the account balances' kinds_balance
echo "# the kernel counted $true"
check_sh 'the sum is what the kernel counted' test "$(told "$netns")" -eq "$true" -a "$true" -gt 4

# The lines of each port of the server, as one.
jq -cs --arg netns "$netns" '[.[] | select(.kind == "tcp_retransmit" and .tcp_retransmit.netns == $netns)]
	| group_by(.tcp_retransmit.sport)[] | {kind: "port\(.[0].tcp_retransmit.sport)", lines: ., last: .[-1]}' \
	"$out" >"$tmp/ports"
out=$tmp/ports
if [ -n "$worker" ]; then
	says_of='nginx, deaf to acknowledgements'
	select_line port8081
	says 'of the worker' '.lines[0].process | .pid == $pid and .comm == "nginx"' --argjson pid "$worker"
	says 'on every line' '.lines | all(.process.pid == $pid)' --argjson pid "$worker"
	says 'accepted' '.last.tcp_retransmit | .accepted == true and .saddr == "192.168.78.1" and .daddr == "192.168.78.2"'
	says 'dropped here' '.lines[0].tcp_retransmit | .drops_in > 0 and .drop_reason == "NETFILTER_DROP"'
	says 'the verdict says so' '.lines[0].diagnosis.cause | test("drop") and test("firewall")'
else
	skip 'nginx' 'not installed'
fi
says_of='Python, behind a path that takes no full segments'
select_line port8082
says 'of its process' '.lines | all(.process.pid == $pid)' --argjson pid "$black_hole"
says 'full segments' '.last.tcp_retransmit | .segment_bytes == .mss_bytes and .class == "rto"'
says 'the small ones came through' '.last.tcp_retransmit.acked_bytes >= 200'
check_flush
check_sh 'of what is well nothing is told' test "$(grep -c port8083 "$tmp/ports" || true)" -eq 0
finish
