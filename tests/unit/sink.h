/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of sinks share: a directory and a stdout of their own, numbered lines. */
#ifndef KWHY_TEST_SINK_H
#define KWHY_TEST_SINK_H

#include "user/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[64], old_root[4096];
static int old_stdout;
static struct sink sink;

/* each test in a directory of its own, with its own stdout */
static int setup(void **state)
{
	(void)state;
	strcpy(root, "/tmp/kwhy-sink-XXXXXX");
	if (!getcwd(old_root, sizeof(old_root)) || !mkdtemp(root) || chdir(root))
		return -1;
	fflush(stdout);
	old_stdout = dup(STDOUT_FILENO);
	sink = (struct sink){};
	/* a test that waits for ever fails */
	alarm(60);
	return old_stdout < 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	alarm(0);
	sink_close(&sink);
	dup2(old_stdout, STDOUT_FILENO);
	close(old_stdout);
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return chdir(old_root) || system(command);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

static void set_stdout(int fd)
{
	assert_int_equal(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
	close(fd);
}

/* the n-th line, each of another length */
static size_t make_line(char *ret, unsigned int n)
{
	size_t length = sprintf(ret, "%u ", n);

	while (length < 20 + n * 37 % 400)
		ret[length++] = 'a' + n % 26;
	ret[length++] = '\n';
	return length;
}

/* the file holds the first lines, whole, and nothing else */
static void check_lines(const char *path, unsigned int count)
{
	char expected[512], got[512];
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	for (unsigned int i = 0; i < count; i++) {
		size_t length = make_line(expected, i);

		assert_int_equal(fread(got, 1, length, file), length);
		assert_memory_equal(got, expected, length);
	}
	assert_int_equal(fread(got, 1, 1, file), 0);
	fclose(file);
}

/* reads all there is; the number of bytes, none of which is out of order */
static size_t drain(int fd, unsigned int *line, size_t *at)
{
	static char data[65536];
	size_t total = 0;
	ssize_t n;

	while ((n = recv(fd, data, sizeof(data), MSG_DONTWAIT)) > 0 ||
	       (n < 0 && errno == ENOTSOCK && (n = read(fd, data, sizeof(data))) > 0)) {
		for (ssize_t i = 0; i < n; i++) {
			char expected[512];
			size_t length = make_line(expected, *line);

			if (data[i] != expected[*at])
				fail_msg("line %u is broken at %zu", *line, *at);
			if (++*at == length) {
				*at = 0;
				++*line;
			}
		}
		total += n;
	}
	return total;
}

#endif
