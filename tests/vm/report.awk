# SPDX-License-Identifier: BSD-2-Clause
#
# Prints the records of results.awk as a table of tests and kernels (the names in `kernels`), what failed and what was
# skipped, and the sums. Exit status 1 when anything failed.
BEGIN {
	FS = "\t"
	columns = split(kernels, kernel, " ")
}

function cell(test, name) {
	if (count[test, name, "fail"])
		return "FAIL"
	if (count[test, name, "pass"])
		return "ok"
	return count[test, name, "skip"] ? "skip" : "-"
}

{
	if (!known[$2]++)
		tests[++rows] = $2
	width = length($2) > width ? length($2) : width
	count[$2, $1, $3]++
	sum[$3]++
	if ($3 != "pass")
		lines[$3] = lines[$3] sprintf("%s %s %s: %s\n", $3 == "fail" ? "FAIL" : "skip", $1, $2, $4)
}

END {
	printf "%-*s", width, ""
	for (i = 1; i <= columns; i++)
		printf "  %-5s", kernel[i]
	print ""
	for (row = 1; row <= rows; row++) {
		printf "%-*s", width, tests[row]
		for (i = 1; i <= columns; i++)
			printf "  %-5s", cell(tests[row], kernel[i])
		print ""
	}
	printf "%s%s", lines["fail"], lines["skip"]
	printf "vm: %d passed, %d failed, %d skipped\n", sum["pass"], sum["fail"], sum["skip"]
	exit sum["fail"] > 0
}
