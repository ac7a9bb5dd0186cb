// SPDX-License-Identifier: BSD-2-Clause
/* Lines written together: whole ones, in order, and what was not taken is known to the line. */
#include "sink.h"

#include <signal.h>
#include <sys/resource.h>

/* lines ahead in one go; how many were taken */
static unsigned int write_batch(unsigned int first, unsigned int count)
{
	static char data[64 * 1024];
	unsigned int kinds[128];
	size_t ends[128], length = 0;

	for (unsigned int i = 0; i < count; i++) {
		length += make_line(data + length, first + i);
		ends[i] = length;
		kinds[i] = 1 + (first + i) % 2;
	}
	return sink_write_lines(&sink, data, ends, kinds, count);
}

/* a batch is cut at the line that does not fit, whole lines stay */
static void test_file_batches(void **state)
{
	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	for (rlim_t limit = 5000; limit < 5400; limit += 13) {
		struct rlimit old, small = { .rlim_cur = limit };
		unsigned int count = 0, taken;

		unlink("f");
		assert_int_equal(sink_open_file(&sink, "f"), 0);
		getrlimit(RLIMIT_FSIZE, &old);
		small.rlim_max = old.rlim_max;
		setrlimit(RLIMIT_FSIZE, &small);
		while ((taken = write_batch(count, 7)) == 7)
			count += taken;
		assert_int_equal(sink.error, -EFBIG);
		count += taken;
		assert_int_equal(write_batch(count, 7), 0);
		setrlimit(RLIMIT_FSIZE, &old);
		assert_int_equal(write_batch(count, 100), 100);
		assert_int_equal(sink.error, 0);
		check_lines("f", count + 100);
		sink_close(&sink);
	}
}

/* what a batch left behind waits and arrives whole, what had no room was not taken */
static void test_slow_batches(void **state)
{
	unsigned int count = 0, taken, line = 0;
	size_t at = 0;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	set_stdout(fds[1]);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	assert_int_equal(sink_open_stdout(&sink), 0);
	while ((taken = write_batch(count, 100)) == 100)
		count += taken;
	assert_int_equal(sink.error, -ENOBUFS);
	count += taken;
	assert_true(sink.mark_count == SINK_MARKS || sink.held > SINK_BUFFER - 512);
	assert_int_equal(sink_unwritten(&sink, 1) + sink_unwritten(&sink, 2), sink.mark_count);
	while (!sink_flush(&sink, 0))
		drain(fds[0], &line, &at);
	assert_int_equal(write_batch(count, 100), 100);
	while (!sink_flush(&sink, 0))
		drain(fds[0], &line, &at);
	drain(fds[0], &line, &at);
	assert_true(line == count + 100 && at == 0);
	close(fds[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_file_batches),
		TEST(test_slow_batches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
