// SPDX-License-Identifier: BSD-2-Clause
/* Where lines go: whole lines or none, into nothing that is someone else's, and never waiting. */
#include "sink.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/un.h>

static int write_text(const char *text)
{
	return sink_write(&sink, text, strlen(text), 0);
}

static void create(const char *path, const char *content)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(content, file);
	fclose(file);
	chmod(path, 0600);
}

static void check_content(const char *path, const char *expected)
{
	static char content[64 * 1024];
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	content[fread(content, 1, sizeof(content) - 1, file)] = '\0';
	fclose(file);
	assert_string_equal(content, expected);
}

/* ---- files ----------------------------------------------------------------- */

static void test_file(void **state)
{
	struct stat status;

	(void)state;
	umask(0);
	assert_int_equal(sink_open_file(&sink, "f"), 0);
	assert_int_equal(stat("f", &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(write_text("one\n"), 0);
	assert_int_equal(write_text("two\nthree\n"), 0);
	sink_close(&sink);
	assert_int_equal(sink.type, SINK_NONE);
	check_content("f", "one\ntwo\nthree\n");
	assert_int_equal(sink_open_file(&sink, "f"), 0);
	assert_int_equal(write_text("four\n"), 0);
	check_content("f", "one\ntwo\nthree\nfour\n");
	assert_true(sink_flush(&sink, 0));
	assert_int_equal(sink.error, 0);
}

static void test_none(void **state)
{
	(void)state;
	assert_int_equal(write_text("x\n"), 0);
	assert_int_equal(sink_reopen(&sink), 0);
	assert_true(sink_flush(&sink, 0));
	assert_int_equal(sink_unwritten(&sink, 1), 0);
	sink_close(&sink);
}

/* refused, and not a byte of it touched */
static void test_refused(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "socket" };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	struct stat status;

	(void)state;
	create("f", "mine\n");
	assert_int_equal(symlink("f", "link"), 0);
	assert_int_equal(sink_open_file(&sink, "link"), -ELOOP);
	assert_int_equal(symlink("nowhere", "dangling"), 0);
	assert_int_equal(sink_open_file(&sink, "dangling"), -ELOOP);
	assert_int_equal(stat("nowhere", &status), -1);
	assert_int_equal(mkdir("dir", 0700), 0);
	assert_int_equal(sink_open_file(&sink, "dir"), -EISDIR);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(sink_open_file(&sink, "fifo"), -ENXIO);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(sink_open_file(&sink, "socket"), -ENXIO);
	close(listener);
	assert_int_equal(sink_open_file(&sink, "/dev/null"), -ENXIO);
	assert_int_equal(link("f", "other"), 0);
	assert_int_equal(sink_open_file(&sink, "f"), -EPERM);
	assert_int_equal(sink_open_file(&sink, "other"), -EPERM);
	assert_int_equal(unlink("other"), 0);
	assert_int_equal(sink_open_file(&sink, "missing/f"), -ENOENT);
	assert_int_equal(sink_open_file(&sink, ""), -ENOENT);
	assert_int_equal(sink.type, SINK_NONE);
	check_content("f", "mine\n");
	assert_int_equal(sink_open_file(&sink, "f"), 0);
}

static void test_other_owner(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("skipped: only root can make another owner's file\n");
		skip();
	}
	create("f", "theirs\n");
	assert_int_equal(chown("f", 65534, 65534), 0);
	assert_int_equal(sink_open_file(&sink, "f"), -EPERM);
	check_content("f", "theirs\n");
}

static void test_torn_end(void **state)
{
	(void)state;
	create("f", "{\"half");
	assert_int_equal(sink_open_file(&sink, "f"), 0);
	check_content("f", "{\"half");
	assert_int_equal(write_text("one\n"), 0);
	assert_int_equal(write_text("two\n"), 0);
	check_content("f", "{\"half\none\ntwo\n");
	sink_close(&sink);
	create("g", "\n");
	assert_int_equal(sink_open_file(&sink, "g"), 0);
	assert_int_equal(write_text("one\n"), 0);
	check_content("g", "\none\n");
}

/* logrotate: rename, SIGHUP */
static void test_reopen(void **state)
{
	(void)state;
	assert_int_equal(sink_open_file(&sink, "f"), 0);
	assert_int_equal(write_text("a\n"), 0);
	assert_int_equal(rename("f", "f.1"), 0);
	assert_int_equal(write_text("b\n"), 0);
	assert_int_equal(sink_reopen(&sink), 0);
	assert_int_equal(write_text("c\n"), 0);
	check_content("f.1", "a\nb\n");
	check_content("f", "c\n");
	/* what is there now is refused as at the start; the old file stays in use */
	assert_int_equal(rename("f", "f.2"), 0);
	assert_int_equal(symlink("f.1", "f"), 0);
	assert_int_equal(sink_reopen(&sink), -ELOOP);
	assert_int_equal(write_text("d\n"), 0);
	check_content("f.1", "a\nb\n");
	check_content("f.2", "c\nd\n");
	assert_int_equal(unlink("f"), 0);
	create("f", "torn");
	assert_int_equal(sink_reopen(&sink), 0);
	assert_int_equal(write_text("e\n"), 0);
	check_content("f", "torn\ne\n");
	assert_int_equal(unlink("f"), 0);
	assert_int_equal(sink_reopen(&sink), 0);
	assert_int_equal(write_text("g\n"), 0);
	check_content("f", "g\n");
}

/* whole lines until one is refused with err; their number */
static unsigned int write_until(int err, unsigned int first)
{
	char line[512];

	for (unsigned int i = first;; i++) {
		size_t length = make_line(line, i);
		int found = sink_write(&sink, line, length, 1);

		if (!found)
			continue;
		assert_int_equal(found, err);
		assert_int_equal(sink.error, err);
		return i;
	}
}

/* a file that may not grow ends within a line, at any byte */
static void test_file_too_large(void **state)
{
	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	for (rlim_t limit = 5000; limit < 5400; limit += 13) {
		struct rlimit old, small = { .rlim_cur = limit };
		unsigned int count;

		unlink("f");
		assert_int_equal(sink_open_file(&sink, "f"), 0);
		getrlimit(RLIMIT_FSIZE, &old);
		small.rlim_max = old.rlim_max;
		setrlimit(RLIMIT_FSIZE, &small);
		count = write_until(-EFBIG, 0);
		assert_int_equal(write_until(-EFBIG, count), count);
		setrlimit(RLIMIT_FSIZE, &old);
		check_lines("f", count);
		assert_int_equal(write_text("later\n"), 0);
		sink_close(&sink);
	}
}

static void fill_disk(void)
{
	static char zeros[4096];
	int fd = open("disk/filler", O_WRONLY | O_CREAT, 0600);

	for (int i = 0; i < 4; i++)
		assert_int_equal(write(fd, zeros, sizeof(zeros)), sizeof(zeros));
	close(fd);
}

static void test_disk_full(void **state)
{
	unsigned int count;

	(void)state;
	/* a mount of our own, that goes with us */
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || mkdir("disk", 0700) ||
	    mount("kwhy", "disk", "tmpfs", 0, "size=32k")) {
		print_message("skipped: no small file system: %s\n", strerror(errno));
		skip();
	}
	fill_disk();
	assert_int_equal(sink_open_file(&sink, "disk/f"), 0);
	count = write_until(-ENOSPC, 0);
	assert_true(count > 10);
	check_lines("disk/f", count);
	assert_int_equal(write_until(-ENOSPC, count), count);
	check_lines("disk/f", count);
	assert_int_equal(unlink("disk/filler"), 0);
	assert_true(write_until(-ENOSPC, count) > count);
	assert_int_equal(umount2("disk", MNT_DETACH), 0);
}

/* ---- stdout ----------------------------------------------------------------- */

static void test_stdout_closed(void **state)
{
	(void)state;
	close(STDOUT_FILENO);
	assert_int_equal(sink_open_stdout(&sink), -EBADF);
}

static void test_stdout_file(void **state)
{
	(void)state;
	set_stdout(open("f", O_WRONLY | O_CREAT | O_APPEND, 0600));
	assert_int_equal(sink_open_stdout(&sink), 0);
	assert_int_equal(write_text("a\n"), 0);
	assert_int_equal(write_text("b\n"), 0);
	assert_true(sink_flush(&sink, 0));
	check_content("f", "a\nb\n");
}

static void test_stdout_gone(void **state)
{
	int fds[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(fds), 0);
	set_stdout(fds[1]);
	assert_int_equal(sink_open_stdout(&sink), 0);
	assert_int_equal(write_text("a\n"), 0);
	close(fds[0]);
	assert_int_equal(write_text("b\n"), -EPIPE);
	assert_int_equal(sink.error, -EPIPE);
	assert_int_equal(write_text("c\n"), -EPIPE);
}

/* nobody reads: the buffer fills, then whole lines are refused; then all that was taken arrives */
static void check_slow(int reader)
{
	unsigned int count = write_until(-ENOBUFS, 0), line = 0;
	size_t at = 0, total = 0;

	assert_true(sink.held > SINK_BUFFER - 512 || count >= SINK_MARKS);
	assert_int_equal(write_until(-ENOBUFS, count), count);
	assert_false(sink_flush(&sink, 0));
	assert_false(sink_flush(&sink, 20));
	assert_true(sink_unwritten(&sink, 1) > 0 && sink_unwritten(&sink, 1) <= count);
	assert_int_equal(sink_unwritten(&sink, 2), 0);
	do
		total += drain(reader, &line, &at);
	while (!sink_flush(&sink, 0));
	total += drain(reader, &line, &at);
	assert_int_equal(line, count);
	assert_int_equal(at, 0);
	assert_int_equal(sink_unwritten(&sink, 1), 0);
	assert_int_equal(sink.held, 0);
	for (; count < line + 100; count++) {
		char text[512];

		assert_int_equal(sink_write(&sink, text, make_line(text, count), 1), 0);
	}
	while (!sink_flush(&sink, 0))
		drain(reader, &line, &at);
	drain(reader, &line, &at);
	assert_true(line == count && at == 0);
	assert_true(total > 65536);
}

static void test_slow_pipe(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	set_stdout(fds[1]);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	assert_int_equal(sink_open_stdout(&sink), 0);
	/* the shell's end of the pipe stays as it was */
	assert_false(fcntl(STDOUT_FILENO, F_GETFL) & O_NONBLOCK);
	check_slow(fds[0]);
	close(fds[0]);
}

/* cannot be opened anew: shared with whoever started us, and still never waited for */
static void test_slow_socket(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	set_stdout(fds[1]);
	assert_int_equal(sink_open_stdout(&sink), 0);
	check_slow(fds[0]);
	assert_false(fcntl(STDOUT_FILENO, F_GETFL) & O_NONBLOCK);
	close(fds[0]);
}

/* a slow reader goes away: what waits is lost, and said to be */
static void test_slow_gone(void **state)
{
	unsigned int count;
	int fds[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(fds), 0);
	set_stdout(fds[1]);
	assert_int_equal(sink_open_stdout(&sink), 0);
	count = write_until(-ENOBUFS, 0);
	close(fds[0]);
	assert_false(sink_flush(&sink, 0));
	assert_int_equal(sink.error, -EPIPE);
	assert_true(sink_unwritten(&sink, 1) > 0 && sink_unwritten(&sink, 1) < count);
	assert_int_equal(write_text("x\n"), -EPIPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_file),
		TEST(test_none),
		TEST(test_refused),
		TEST(test_other_owner),
		TEST(test_torn_end),
		TEST(test_reopen),
		TEST(test_file_too_large),
		TEST(test_disk_full),
		TEST(test_stdout_closed),
		TEST(test_stdout_file),
		TEST(test_stdout_gone),
		TEST(test_slow_pipe),
		TEST(test_slow_socket),
		TEST(test_slow_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
