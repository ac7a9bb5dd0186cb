#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016,SC2154 source=lib_exit.sh
# vm: ends
# A core that goes to a helper the kernel starts, and a process that is stopped when it is asked to end.
. "$(dirname "$0")/lib_exit.sh"

pattern=/proc/sys/kernel/core_pattern

give_back() {
	echo "$before" >"$pattern"
}

# Until it has stopped a signal sent later, of a lower number, is taken first.
is_stopped() {
	process_state "$1"
	[ "$state" = T ]
}

watch_start exitwatch --all
victim
stopped=$victim
kill -STOP "$stopped"
wait_until 10 is_stopped "$stopped" || true
slay kill 15 "$stopped"
asker=$killer
ends "$asker"
slay kill 9 "$stopped"
ends "$killer"
wait_deaths "$stopped"
# The pattern is the host's, so it is changed in a guest only.
crashed=
if [ "${KWHY_GUEST:-0}" != 0 ]; then
	before=$(cat "$pattern")
	cleanup_extra=give_back
	printf '#!/bin/sh\nexec cat >"%s/core"\n' "$tmp" >"$tmp/helper"
	chmod 755 "$tmp" "$tmp/helper"
	echo "|$tmp/helper" >"$pattern"
	run "$die" abort
	crashed=$pid
	ends "$crashed"
	wait_deaths "$crashed"
fi
watch_stop

death "$stopped" 'a stopped process'
died_of 9
killed_by "$killer" slay
says 'SIGTERM was sent before, and could not act' \
	'.exit.prior_signals[0] | .signal == 15 and .sender_pid == $asker' --argjson asker "$asker"
if [ -z "$crashed" ]; then
	skip 'a core that goes to a helper' 'core_pattern is the whole host'\''s'
	finish
fi
death "$crashed" 'a core for a helper'
died_of 6
says 'a core was written' '.exit.core_dumped == true'
select_line exec '.exec.filename == $helper' --arg helper "$tmp/helper"
check 'the helper: the kernel started it' '.exec.kernel_helper == true'
finish
