# SPDX-License-Identifier: BSD-2-Clause
#
# Turns what one guest wrote into records, one per check: kernel, test, pass|fail|skip, text, separated by tabs.
# Set: kernel, scenario, tests (the names of those that had to run), and before each file its source: tests or console.
BEGIN {
	FS = " "
	suffix = scenario == "default" ? "" : " [" scenario "]"
	splat = "BUG:|WARNING:|UBSAN|Oops|kernel BUG at|cut here|[sS]oft lockup|hard LOCKUP|hard lockup|rcu.*stall|" \
		"hung task|blocked for more than|general protection fault|double fault|Kernel panic"
	# A program's own fault, which the kernel reports as "traps: name[pid] general protection fault ip:...".
	harmless = "traps: .*general protection fault ip:"
}

function put(test, kind, text) {
	gsub(/\t/, " ", text)
	printf "%s\t%s\t%s\t%s\n", kernel, test suffix, kind, text
	count[test, kind]++
}

function end_test(test, status) {
	if (status == 124 || status == 137 || status == 143)
		put(test, "fail", "killed after its time limit (exit status " status ")")
	else if (status == 77 && !count[test, "skip"])
		put(test, "fail", "exit status 77 without a skip line")
	else if (status != 0 && status != 77 && !count[test, "fail"])
		put(test, "fail", "exit status " status)
	else if (status == 0 && !count[test, "pass"] && !count[test, "fail"] && !count[test, "skip"])
		put(test, "fail", "printed no check")
}

{ sub(/\r$/, "") }

{ kernel_log = dmesg || source == "console" }

kernel_log && $0 ~ splat && $0 !~ harmless && !reported[$0]++ && ++splats <= 5 { put("(kernel log)", "fail", $0) }

kernel_log {
	done = done || $0 == "KWHY-DONE"
	next
}

/^KWHY-DMESG$/ { dmesg = 1 }
/^KWHY-TEST begin / { test = $3 }
/^KWHY-TEST end / {
	end_test(test, $3)
	ended[test] = 1
	test = ""
}
test != "" && /^ok - / { put(test, "pass", substr($0, 6)) }
test != "" && /^not ok - / { put(test, "fail", substr($0, 10)) }
test != "" && /^skip - / { put(test, "skip", substr($0, 8)) }

END {
	n = split(tests, expected)
	for (i = 1; i <= n; i++)
		if (!ended[expected[i]])
			put(expected[i], "fail", "did not end")
	if (!done)
		put("(boot)", "fail", "the guest did not reach its end")
}
