// SPDX-License-Identifier: BSD-2-Clause
/* What is said of a process beside its descriptors: the script it runs, limits of the host, paths; and which calls count. */
#include "fd_list_make.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kinds/fd_calls.h"
#include "kinds/fd_stack.h"
#include "random.h"

/* ---- scripts -------------------------------------------------------------- */

static struct process process;

/* a command line, its words one blank apart */
static void runs(const char *exe, const char *line)
{
	memset(&process, 0, sizeof(process));
	if (exe)
		KNOW_TEXT(&process, exe, exe);
	while (*line && process.args_count < COUNT(process.args)) {
		size_t length = strcspn(line, " ");

		text_copy(process.args[process.args_count++], sizeof(process.args[0]), line, length);
		line += length + (line[length] == ' ');
	}
	process.known.args = process.args_count != 0;
}

static void is_script(const char *line, const char *script)
{
	char room[128] = "as it was";
	bool found;

	runs(NULL, line);
	found = fd_script(&process, room, sizeof(room));
	if (found != (script != NULL) || (script && strcmp(room, script) != 0))
		fail_msg("%s: %s", line, found ? room : "none");
}

static void test_script(void **state)
{
	(void)state;
	is_script("python3 app.py", "app.py");
	is_script("/usr/bin/python3.11 /srv/app.py --port 80", "/srv/app.py");
	is_script("python3 -m http.server 80", "-m http.server");
	is_script("python3 -u -m http.server", "-m http.server");
	is_script("python3 -X dev app.py", "app.py");
	is_script("python3 -Xdev app.py", "app.py");
	is_script("python3 -W ignore -u app.py", "app.py");
	is_script("node --inspect server.js", "server.js");
	is_script("node -r dotenv/config server.js", "server.js");
	is_script("nodejs server.js", "server.js");
	is_script("bash -o errexit x.sh", "x.sh");
	is_script("bash +x x.sh", "+x");
	is_script("/bin/sh -x /etc/init.d/ssh start", "/etc/init.d/ssh");
	is_script("perl script.pl", "script.pl");
	is_script("perl -w script.pl", "script.pl");
	is_script("ruby -I lib app.rb", "app.rb");
	is_script("php -d memory_limit=1G index.php", "index.php");
	is_script("python2.7 a", "a");
	is_script("python3 -- app.py", "app.py");
	/* options in one word, the last of which takes the next */
	is_script("bash -eo pipefail x.sh", "x.sh");
	is_script("bash -euo pipefail /opt/run.sh", "/opt/run.sh");
	is_script("python3 -Im http.server", "-m http.server");
	is_script("python3 -Bm flask run", "-m flask");
	is_script("perl -I lib app.pl", "app.pl");
	is_script("node --require dotenv/config server.js", "server.js");
	is_script("bash --rcfile /etc/rc x.sh", "x.sh");
	/* servers with a command line of their own */
	/* what an interpreter's own script is called */
	is_script("/usr/bin/python3 /usr/local/bin/gunicorn -w 4 app:app", "/usr/local/bin/gunicorn");
}

static void test_no_script(void **state)
{
	static const char *const lines[] = {
		"sh -ec true", "bash -lc true", "bash -euxo pipefail -c true", "python3 -Ic print()", "perl -ne print", "node -p 1",
		"uwsgi --http :8000", "python3", "python3 -c print()", "python3 -u -c print()", "python3 -", "bash -c true", "perl -e 1", "node -e 1",
		"ruby -e 1", "bash", "-bash", "python3 -u", "python3 -X", "python3 -m", "nginx -g daemon", "pythonic app.py",
		"sha256sum file", "shutdown now", "node_exporter --web", "perlbug x", "./app.py", "/opt/python/app x", "", "/", "python3/",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++)
		is_script(lines[i], NULL);
}

/* a process that renamed itself is known by its executable; one without arguments not at all */
static void test_script_by_exe(void **state)
{
	char room[128];

	(void)state;
	runs("/usr/bin/python3.11", "worker app.py");
	assert_true(fd_script(&process, room, sizeof(room)));
	runs("/usr/sbin/nginx", "worker app.py");
	assert_false(fd_script(&process, room, sizeof(room)));
	runs("/usr/bin/python3.11", "");
	assert_false(fd_script(&process, room, sizeof(room)));
	runs("/usr/bin/python3.11", "python3 x");
	process.known.args = 0;
	assert_false(fd_script(&process, room, sizeof(room)));
}

/* an argument is a string of any bytes; what does not fit is cut, and not within a character */
static void test_script_hostile(void **state)
{
	char room[16 + 8];
	uint64_t random = 1;

	(void)state;
	runs(NULL, "python3 /srv/\x1b[31m\n\xff.py");
	assert_true(fd_script(&process, room, 16));
	assert_string_equal(room, "/srv/\x1b[31m\n\xff.py");
	runs(NULL, "python3 -m 123456789\xc3\xa9\xc3\xa9\xc3\xa9");
	assert_true(fd_script(&process, room, 16));
	assert_string_equal(room, "-m 123456789\xc3\xa9");
	for (int i = 0; i < 20000; i++) {
		struct fill fill = { .random = random_next(&random) };

		memset(&process, 0, sizeof(process));
		fill_record(&fill, &process_record, &process);
		strcpy(process.args[0], "python3");
		if (i % 2)
			process.args[1][0] = '-';
		memset(room, 0x5a, sizeof(room));
		if (fd_script(&process, room, 16))
			assert_true(*room && strlen(room) < 16);
		for (size_t n = 16; n < sizeof(room); n++)
			assert_int_equal(room[n], 0x5a);
	}
}

/* ---- limits of the host ------------------------------------------------------- */

static char tree[64];
static struct session session;

static int setup_tree(void **state)
{
	char path[128];
	FILE *file;

	(void)state;
	strcpy(tree, "/tmp/kwhy-proc.XXXXXX");
	if (!mkdtemp(tree))
		return -1;
	snprintf(path, sizeof(path), "%s/proc", tree);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/proc/numbers", tree);
	file = fopen(path, "we");
	if (!file)
		return -1;
	fputs("12 \t 345\t18446744073709551615 -1 x7 9\n", file);
	fclose(file);
	snprintf(path, sizeof(path), "%s/proc/7", tree);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/proc/empty", tree);
	return close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644)) || procfs_open(&session.procfs, tree);
}

static int teardown_tree(void **state)
{
	char command[96];

	(void)state;
	procfs_close(&session.procfs);
	snprintf(command, sizeof(command), "rm -rf %s", tree);
	return system(command);
}

static void test_sysctl(void **state)
{
	uint64_t value = 99;

	(void)state;
	assert_false(fd_sysctl(&session, "nowhere", 0, &value));
	assert_false(fd_sysctl(&session, "empty", 0, &value));
	assert_false(fd_sysctl(&session, "numbers", 3, &value));
	assert_false(fd_sysctl(&session, "numbers", 4, &value));
	assert_false(fd_sysctl(&session, "numbers", 6, &value));
	assert_false(fd_sysctl(&session, "numbers", 1000, &value));
	assert_int_equal(value, 99);
	assert_true(fd_sysctl(&session, "numbers", 0, &value) && value == 12);
	assert_true(fd_sysctl(&session, "numbers", 1, &value) && value == 345);
	assert_true(fd_sysctl(&session, "numbers", 2, &value) && value == UINT64_MAX);
	assert_true(fd_sysctl(&session, "numbers", 5, &value) && value == 9);
}

/* ---- descriptors in /proc ------------------------------------------------------- */

static uint64_t our_count(void)
{
	DIR *directory = opendir("/proc/self/fd");
	uint64_t count = 0;

	assert_non_null(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	/* but for ".", ".." and the directory's own */
	return count - 3;
}

static void test_fd_count(void **state)
{
	struct procfs procfs;
	char path[128], all[64];
	uint64_t count = 99;
	int fds[50];

	(void)state;
	assert_int_equal(procfs_fd_count(&session.procfs, 8, 1000, &count), -ENOENT);
	assert_int_equal(count, 99);
	for (size_t i = 0; i < COUNT(fds); i++)
		assert_true((fds[i] = dup(0)) >= 0);
	assert_int_equal(procfs_open(&procfs, NULL), 0);
	assert_int_equal(procfs_fd_count(&procfs, getpid(), 1000000, &count), 0);
	/* the directory looked into is one more */
	assert_in_range(count, our_count(), our_count() + 1);
	procfs_close(&procfs);
	/* a directory of the same entries that has no size, as before 6.2 */
	snprintf(path, sizeof(path), "%s/proc/7/fd", tree);
	snprintf(all, sizeof(all), "/proc/%d/fdinfo", getpid());
	assert_int_equal(symlink(all, path), 0);
	assert_int_equal(procfs_fd_count(&session.procfs, 7, 1000000, &count), 0);
	assert_in_range(count, our_count(), our_count() + 1);
	assert_int_equal(procfs_fd_count(&session.procfs, 7, 10, &count), 0);
	assert_int_equal(count, 10);
	for (size_t i = 0; i < COUNT(fds); i++)
		close(fds[i]);
}

static void test_fd_path(void **state)
{
	char path[] = "/tmp/kwhy-words.XXXXXX", name[64] = "as it was", small[6];
	int fd = mkstemp(path), ends[2];
	struct procfs procfs;

	(void)state;
	assert_true(fd >= 0 && pipe(ends) == 0);
	assert_int_equal(procfs_open(&procfs, NULL), 0);
	assert_int_equal(procfs_fd(&procfs, getpid(), 999999, name, sizeof(name)), -ENOENT);
	assert_string_equal(name, "as it was");
	assert_int_equal(procfs_fd(&procfs, getpid(), fd, name, sizeof(name)), 0);
	assert_string_equal(name, path);
	assert_int_equal(procfs_fd(&procfs, getpid(), fd, small, sizeof(small)), 0);
	assert_string_equal(small, "/tmp/");
	assert_int_equal(procfs_fd(&procfs, getpid(), ends[0], name, sizeof(name)), 0);
	assert_true(strncmp(name, "pipe:[", 6) == 0);
	unlink(path);
	assert_int_equal(procfs_fd(&procfs, getpid(), fd, name, sizeof(name)), 0);
	assert_string_equal(name + strlen(path), " (deleted)");
	procfs_close(&procfs);
	close(ends[0]);
	close(ends[1]);
	close(fd);
}

/* ---- calls -------------------------------------------------------------------------- */

static void test_calls(void **state)
{
	static const struct {
		unsigned int number;
		enum fd_call_meaning meaning;
	} rows[] = {
		{ SYS_openat, FD_CALL_FD }, { SYS_accept4, FD_CALL_FD }, { SYS_socket, FD_CALL_FD }, { SYS_dup, FD_CALL_FD },
		{ SYS_epoll_create1, FD_CALL_FD }, { SYS_memfd_create, FD_CALL_FD }, { SYS_pidfd_open, FD_CALL_FD },
		{ SYS_io_uring_setup, FD_CALL_FD }, { SYS_openat2, FD_CALL_FD }, { SYS_dup3, FD_CALL_DUP },
		{ SYS_fcntl, FD_CALL_FCNTL }, { SYS_pipe2, FD_CALL_PIPE }, { SYS_socketpair, FD_CALL_SOCKETPAIR },
		{ SYS_recvmsg, FD_CALL_RECVMSG }, { SYS_recvmmsg, FD_CALL_RECVMMSG }, { SYS_clone, FD_CALL_CLONE },
		{ SYS_clone3, FD_CALL_CLONE3 }, { SYS_bpf, FD_CALL_BPF }, { SYS_inotify_add_watch, FD_CALL_WATCH },
		{ SYS_read, FD_CALL_OTHER }, { SYS_close, FD_CALL_OTHER }, { SYS_execve, FD_CALL_OTHER },
		{ SYS_epoll_ctl, FD_CALL_OTHER }, { SYS_mmap, FD_CALL_OTHER }, { FD_CALLS - 1, FD_CALL_OTHER },
	};
	/* of both 32-bit tables: open, dup, pipe, dup2, fcntl, fcntl64; read, close */
	static const unsigned char compat[][2] = {
		{ 5, FD_CALL_FD }, { 41, FD_CALL_FD }, { 42, FD_CALL_PIPE }, { 63, FD_CALL_DUP }, { 55, FD_CALL_FCNTL },
		{ 221, FD_CALL_FCNTL }, { 3, FD_CALL_OTHER }, { 6, FD_CALL_OTHER },
	};
	uint8_t calls[2][FD_CALLS] = {};

	(void)state;
	fd_calls_fill(calls);
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(calls[0][rows[i].number], rows[i].meaning);
	for (size_t i = 0; i < COUNT(compat); i++)
		assert_int_equal(calls[1][compat[i][0]], compat[i][1]);
}

#define TREE(NAME) cmocka_unit_test_setup_teardown(NAME, setup_tree, teardown_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_script), cmocka_unit_test(test_no_script), cmocka_unit_test(test_script_by_exe),
		cmocka_unit_test(test_script_hostile), TREE(test_sysctl), TREE(test_fd_count), cmocka_unit_test(test_fd_path),
		cmocka_unit_test(test_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
