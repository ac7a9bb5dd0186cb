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
#include "rules/fd_view.h"

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

/* ---- frames ------------------------------------------------------------------------- */

static char frames[3][128];

static struct fd_stack stack_of(const char *inner, const char *middle, const char *outer)
{
	strcpy(frames[0], inner);
	strcpy(frames[1], middle);
	strcpy(frames[2], outer);
	return (struct fd_stack){ frames[0], sizeof(frames[0]), 3 };
}

/* with its debug package the C library's frames have lines and no module: it is passed over by its names and files */
static void test_c_library(void **state)
{
	static const char *const inside[] = {
		"__gen_tempname+0x11a (tempname.c:230)", "gen_tempname_len.constprop.0+0x3 (../sysdeps/posix/tempname.c:310)",
		"try_file+0x9 (tempname.c:180)", "mkstemp64+0x1 (mkstemp64.c:33)", "__mkostemps64+0x1 [srv]", "shm_open+0x4f (shm_open.c:40)",
		"__shm_open+0x4f [srv]", "__new_sem_open+0x7 (sem_open.c:60)", "sem_open+0x7 [srv]", "__opendir+0x3e (opendir.c:89)",
		"__opendirat+0x10 (opendir.c:77)", "opendir_tail+0x8 (opendir.c:60)", "__posix_openpt+0x2 (getpt.c:37)", "getpt+0x2 [srv]",
		"_IO_cookie_init+0x4 (iofopncook.c:20)", "fopencookie+0x8 [srv]", "_IO_new_popen+0x40 (iopopen.c:220)", "popen+0x40 [srv]",
		"spawn_process+0x9 (iopopen.c:90)", "tmpfile64+0x12 (tmpfile.c:40)", "reopen+0x6b (res_send.c:800)",
		"__res_context_send+0x10 [srv]", "getaddrinfo+0x200 (getaddrinfo.c:2400)", "gaih_inet.constprop.0+0x1 (getaddrinfo.c:500)",
		"dlopen+0x1 (dlopen.c:80)", "_dl_open+0x4 [srv]", "openaux+0x1 (dl-deps.c:60)", "open_verify.constprop.0+0x2 (dl-load.c:1600)",
		"__vsyslog_internal+0x4 (syslog.c:300)", "openlog_internal+0x4 (syslog.c:360)", "open_socket+0x2 (nscd_helper.c:170)",
		"__nscd_get_mapping+0x1 [srv]", "__libc_open64+0x51 (open64.c:41)", "__open64_2+0x4 (open64_2.c:26)",
		"_IO_new_file_fopen+0x9 [srv]",
		"epoll_create1+0x7 (syscall-template.S:120)", "__open64_nocancel+0x40 (open64_nocancel.c:39)", "getifaddrs_internal+0x5 [srv]",
		"mkstemp.part.0+0x5 [srv]", "freopen64+0x7 (freopen64.c:60)",
	};
	static const char *const programs[] = {
		"log_open+0x4 (syslog.c:12)", "open_all+0x4 (opendir.c:12)", "opener+0x1 (a.c:1)", "glob.Compile+0x1 (glob.go:7)",
		"syslog.Dial+0x1 (syslog.go:9)", "File::open+0x4 (file.cpp:8)", "resolve+0x1 (resolver.c:9)", "sem_open_all+0x3 [srv]",
		"mkstemp_wrapper+0x3 (tmp.c:4)", "dl_queue+0x3 (dl-queue.c:9)", "openlog_file+0x3 [srv]", "nss+0x3 [app]",
	};
	const char *frame;

	(void)state;
	for (size_t i = 0; i < COUNT(inside); i++) {
		struct fd_stack stack = stack_of("__openat64+0x40 (openat64.c:39)", inside[i], "serve+0x1c (server.c:81)");

		if (fd_code_frame(&stack, &frame) != FD_CODE_PROGRAM || frame != frames[2])
			fail_msg("%s is no frame of a program", inside[i]);
	}
	for (size_t i = 0; i < COUNT(programs); i++) {
		struct fd_stack stack = stack_of("__openat64+0x40 (openat64.c:39)", programs[i], "serve+0x1c (server.c:81)");

		if (fd_code_frame(&stack, &frame) != FD_CODE_PROGRAM || frame != frames[1])
			fail_msg("%s is a frame of a program", programs[i]);
	}
}

#define TREE(NAME) cmocka_unit_test_setup_teardown(NAME, setup_tree, teardown_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_script), cmocka_unit_test(test_no_script), cmocka_unit_test(test_script_by_exe),
		cmocka_unit_test(test_script_hostile), TREE(test_sysctl), TREE(test_fd_count), cmocka_unit_test(test_fd_path),
		cmocka_unit_test(test_calls), cmocka_unit_test(test_c_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
