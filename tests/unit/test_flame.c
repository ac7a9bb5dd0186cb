// SPDX-License-Identifier: BSD-2-Clause
/* Counts by stack as folded lines and as a picture, whatever the names, and into nothing that is someone else's. */
#include "user/flame.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[64], old_directory[4096], content[4 << 20];
static struct flame *flame;

static int setup(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/kwhy-flame-XXXXXX");
	if (!getcwd(old_directory, sizeof(old_directory)) || !mkdtemp(directory) || chdir(directory))
		return -1;
	alarm(60);
	flame = flame_new();
	return !flame;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	alarm(0);
	flame_free(flame);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return chdir(old_directory) || system(command);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

#define ADD(VALUE, ROOT, ...)                                                                             \
	do {                                                                                              \
		const char *const frames[] = { __VA_ARGS__ };                                             \
		assert_int_equal(flame_add(flame, ROOT, frames, sizeof(frames) / sizeof(*frames), VALUE), 0); \
	} while (0)

static const char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	content[fread(content, 1, sizeof(content) - 1, file)] = '\0';
	fclose(file);
	return content;
}

static const char *folded(void)
{
	assert_int_equal(flame_write_folded(flame, "folded"), 0);
	return read_file("folded");
}

static const char *picture(void)
{
	assert_int_equal(flame_write_svg(flame, "svg", "nginx[812]: 40 descriptors"), 0);
	/* each character is one that XML has, too */
	if (!access("/usr/bin/python3", X_OK))
		assert_int_equal(system("/usr/bin/python3 -c 'import xml.dom.minidom as m; m.parse(\"svg\")'"), 0);
	return read_file("svg");
}

static void test_folded(void **state)
{
	struct stat status;

	(void)state;
	ADD(5, "nginx[812]", "open+0x1 [libc.so.6]", "serve+0x2 [nginx]", "main+0x3 [nginx]");
	ADD(1, "nginx[812]", "accept", "main+0x3 [nginx]");
	ADD(0, "nginx[812]", "none", "main+0x3 [nginx]");
	ADD(2, "cron", "open");
	ADD(7, "nginx[812]", "open+0x1 [libc.so.6]", "serve+0x2 [nginx]", "main+0x3 [nginx]");
	ADD(3, "nginx[812]", "main+0x3 [nginx]");
	assert_int_equal(flame_add(flame, "idle", NULL, 0, 4), 0);
	umask(0);
	assert_string_equal(folded(), "cron;open 2\n"
				      "idle 4\n"
				      "nginx[812];main+0x3 [nginx] 3\n"
				      "nginx[812];main+0x3 [nginx];accept 1\n"
				      "nginx[812];main+0x3 [nginx];serve+0x2 [nginx];open+0x1 [libc.so.6] 12\n");
	assert_int_equal(stat("folded", &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	picture();
	assert_int_equal(stat("svg", &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
}

static void test_hostile_names(void **state)
{
	static char endless[5000];

	(void)state;
	memset(endless, 'A', sizeof(endless) - 1);
	ADD(1, "a;b\n c", "<script>alert('\"&')</script>", "\xff\xfe", "", "\xef\xbf\xbe|\xef\xbf\xbf", "\x1b[31m");
	ADD(1, "a;b\n c", "]]>", "<!--", "\xe2\x80\xae", "\xc3\xa4\xf0\x9f\x94\xa5");
	ADD(1, "a;b\n c", endless);
	folded();
	assert_non_null(strstr(content, "a:b\\x0a c;\\x1b[31m;\?\?\?|\?\?\?;?;\\xff\\xfe;<script>"));
	assert_null(strstr(content, "\xef\xbf\xbe"));
	picture();
	assert_null(strstr(content, "<script"));
	assert_null(strstr(content, "]]>"));
	assert_non_null(strstr(content, "&lt;script&gt;alert(&#39;&quot;&amp;&#39;)&lt;/script&gt;: 1 of 3 (33.3 %)"));
	/* a title that is as hostile */
	assert_int_equal(flame_write_svg(flame, "svg", "<&\xff\x01"), 0);
	assert_non_null(strstr(read_file("svg"), ">&lt;&amp;\\xff\\x01</text>"));
}

static void test_picture(void **state)
{
	(void)state;
	ADD(75, "nginx[812]", "a_function_that_opens+0x1 [libc.so.6]", "main");
	ADD(24, "nginx[812]", "other", "main");
	ADD(1, "nginx[812]", "a_rare_one_whose_name_does_not_fit", "main");
	picture();
	assert_non_null(strstr(content, "width=\"1200\""));
	assert_non_null(strstr(content, "nginx[812]: 40 descriptors</text>"));
	assert_non_null(strstr(content, "width: descriptors open; hover for counts"));
	assert_non_null(strstr(content, "<title>main: 100 of 100 (100.0 %)</title><rect x=\"10.0\" y=\"69\" "
					"width=\"1180.0\" height=\"16\""));
	assert_non_null(strstr(content, "[libc.so.6]: 75 of 100 (75.0 %)</title><rect x=\"10.0\" y=\"52\" "
					"width=\"885.0\""));
	/* 11.8 pixels are too few for a label */
	assert_null(strstr(content, "..</text>"));
	assert_null(strstr(content, "<script"));
}

static void test_labels_are_cut(void **state)
{
	(void)state;
	ADD(10, "root", "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4");
	ADD(190, "root", "wide");
	picture();
	/* 59 pixels: eight letters, of which two are the dots */
	assert_non_null(strstr(content, ">\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4..</text>"));
}

static void test_nothing(void **state)
{
	(void)state;
	assert_string_equal(folded(), "");
	assert_non_null(strstr(picture(), "there is nothing to show"));
	ADD(0, "root", "frame");
	assert_string_equal(folded(), "");
	assert_non_null(strstr(picture(), "there is nothing to show"));
}

static void test_limits(void **state)
{
	const char *frames[300];

	(void)state;
	for (int i = 0; i < 300; i++)
		frames[i] = i < 128 ? "inner" : "outer";
	assert_int_equal(flame_add(flame, "root", frames, 300, UINT64_MAX), 0);
	assert_int_equal(flame_add(flame, "root", frames, 300, 1), -EOVERFLOW);
	folded();
	assert_null(strstr(content, "outer"));
	assert_non_null(strstr(content, "root;inner;inner;"));
	assert_non_null(strstr(content, ";inner 18446744073709551615\n"));
	picture();
	assert_non_null(strstr(content, "root: 18446744073709551615 of 18446744073709551615 (100.0 %)"));
}

/* many stacks: soon, and nothing is lost */
static void test_many(void **state)
{
	struct timespec begin, end;
	uint64_t expected = 0, sum = 0, lines = 0;
	const char *frames[40];
	char names[40][64];

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (unsigned int stack = 0; stack < 2000; stack++) {
		for (unsigned int i = 0; i < 40; i++) {
			snprintf(names[i], sizeof(names[i]), "function_%u+0x1c [libfoo.so.1]",
				 i < 20 ? stack * 40 + i : (stack >> (40 - i) / 2) % 7);
			frames[i] = names[i];
		}
		assert_int_equal(flame_add(flame, "root", frames, 40, stack % 5 + 1), 0);
		expected += stack % 5 + 1;
	}
	folded();
	for (char *line = content; *line; line = strchr(line, '\n') + 1) {
		char *end_of_line = strchr(line, '\n');

		*end_of_line = '\0';
		sum += strtoull(strrchr(line, ' '), NULL, 10);
		*end_of_line = '\n';
		lines++;
	}
	assert_int_equal(flame_write_svg(flame, "svg", "title"), 0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_int_equal(lines, 2000);
	assert_int_equal(sum, expected);
	fprintf(stderr, "# 2000 stacks of 40 frames: %ld ms\n",
		(end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000);
	/* also with sanitizers, on a slow machine */
	assert_true(end.tv_sec - begin.tv_sec < 10);
	/* each total is the sum of what stands on it and its own: so is the root's */
	char total[64];

	snprintf(total, sizeof(total), "root: %llu of %llu (100.0 %%)", (unsigned long long)expected,
		 (unsigned long long)expected);
	assert_non_null(strstr(read_file("svg"), total));
}

/* ---- files ----------------------------------------------------------------- */

static void create(const char *path)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs("old", file);
	fclose(file);
}

static void check_refused(const char *path, int expected)
{
	assert_int_equal(flame_write_folded(flame, path), expected);
	assert_int_equal(flame_write_svg(flame, path, "title"), expected);
}

static void check_alone(void)
{
	assert_int_equal(system("ls | grep -q 'XXX\\|\\.[A-Za-z0-9]\\{6\\}$'"), 1 << 8);
}

static void test_refused(void **state)
{
	(void)state;
	ADD(1, "root", "frame");
	create("target");
	assert_int_equal(symlink("target", "link"), 0);
	check_refused("link", -ELOOP);
	assert_int_equal(mkdir("dir", 0700), 0);
	check_refused("dir", -EISDIR);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	check_refused("fifo", -ENXIO);
	check_refused("/dev/null", -ENXIO);
	check_refused("none/file", -ENOENT);
	assert_int_equal(link("target", "second"), 0);
	check_refused("target", -EPERM);
	assert_string_equal(read_file("target"), "old");
	unlink("second");
	if (geteuid() == 0) {
		assert_int_equal(chown("target", 65534, 65534), 0);
		check_refused("target", -EPERM);
		assert_int_equal(chown("target", 0, 0), 0);
	}
	assert_int_equal(flame_write_folded(flame, "target"), 0);
	assert_string_equal(read_file("target"), "root;frame 1\n");
	check_alone();
}

/* two pages are all there is, of which the old file has one */
static void test_disk_full(void **state)
{
	char name[200];

	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "%0180d", i);
		ADD(1, "root", name);
	}
	assert_int_equal(mkdir("disk", 0700), 0);
	if (mount("none", "disk", "tmpfs", 0, "size=8k"))
		skip();
	create("disk/file");
	check_refused("disk/file", -ENOSPC);
	assert_string_equal(read_file("disk/file"), "old");
	assert_int_equal(system("test $(ls disk | wc -l) = 1"), 0);
	assert_int_equal(umount("disk"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_folded), TEST(test_hostile_names), TEST(test_picture), TEST(test_labels_are_cut),
		TEST(test_nothing), TEST(test_limits),	      TEST(test_many),	  TEST(test_refused),
		TEST(test_disk_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
