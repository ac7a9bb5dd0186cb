/* SPDX-License-Identifier: BSD-2-Clause */
/* The golden recordings as input of unit tests, wherever these are started from. */
#ifndef KWHY_TESTS_GOLDEN_H
#define KWHY_TESTS_GOLDEN_H

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Calls back with the first line, without its newline, of every file of this
 * name below tests/golden/KIND/CASE. The number of them.
 */
static inline unsigned int golden_each(const char *name, void (*take)(const char *path, const char *line, size_t length))
{
	char pattern[4200], own[4096] = "";
	unsigned int count = 0;
	size_t size = 0;
	char *line = NULL, *end;
	glob_t found;

	/* build/tests/test_x may be anywhere: the tree is where it was built from, or here */
	if (access("tests/golden", F_OK) == 0)
		snprintf(own, sizeof(own), ".");
	else if (readlink("/proc/self/exe", own, sizeof(own) - 1) > 0 && (end = strstr(own, "/build/")))
		*end = '\0';
	snprintf(pattern, sizeof(pattern), "%s/tests/golden/*/*/%s", own, name);
	if (glob(pattern, 0, NULL, &found))
		return 0;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		FILE *file = fopen(found.gl_pathv[i], "re");
		ssize_t length = file ? getline(&line, &size, file) : -1;

		if (file)
			fclose(file);
		if (length < 2)
			continue;
		count++;
		line[length - 1] = '\0';
		take(found.gl_pathv[i], line, length - 1);
	}
	free(line);
	globfree(&found);
	return count;
}

#endif
