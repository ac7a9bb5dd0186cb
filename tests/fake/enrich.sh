#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What reads the small trees below tests/fake: every test of these executables.
set -eu
cd "$(dirname "$0")/../.."
build=${KWHY_BUILD:-build}
status=0

for test in procfs cgroupfs enrich; do
	if "$build/tests/test_$test" >"${TMPDIR:-/tmp}/kwhy-fake.$$" 2>&1; then
		echo "ok - $test on the fake trees"
	else
		status=1
		echo "not ok - $test on the fake trees"
		sed 's/^/# /' "${TMPDIR:-/tmp}/kwhy-fake.$$"
	fi
	rm -f "${TMPDIR:-/tmp}/kwhy-fake.$$"
done
exit $status
