#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Files of at most 500 lines, functions of at most 60: from the brace in the
# first column to the one that closes it.
. "$(dirname "$0")/lib.sh"

sources() {
	files '*.c' '*.h'
}

sources | xargs awk '
	{ lines[FILENAME]++ }
	END { for (file in lines) if (lines[file] > 500) print file ": " lines[file] " lines" }' | sort |
	holds 'files have at most 500 lines'

sources | xargs awk '
	FNR == 1 { start = 0 }
	/^[A-Za-z_].*\(/ { name = $0 }
	/^\{/ { start = FNR }
	/^\}/ && start {
		if (FNR - start - 1 > 60)
			print FILENAME ":" start ": " FNR - start - 1 " lines: " name
		start = 0
	}' | holds 'functions have at most 60 lines'
finish
