// SPDX-License-Identifier: BSD-2-Clause
/* Why an exec failed: on real files that the kernel itself is asked to execute first. */
#include "user/exec_why.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "user/exec_file.h"

#define NOBODY 65534

static char dir[] = "/tmp/kwhy-exec.XXXXXX";
static char path_buffer[8][4200];
static int root_fd, cwd_fd;

/* absolute name of a file in the test's directory */
static const char *in_dir(const char *name)
{
	static unsigned int turn;
	char *ret = path_buffer[turn++ % 8];

	snprintf(ret, sizeof(path_buffer[0]), "%s/%.1000s", dir, name);
	return ret;
}

static void file_write(const char *name, const void *data, size_t length, mode_t mode)
{
	const char *path = in_dir(name);
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, length), length);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void script_write(const char *name, const char *text)
{
	file_write(name, text, strlen(text), 0755);
}

/* errno of a real exec in the test's directory, 0 for one that worked */
static int exec_errno(const char *path, uid_t uid)
{
	int status, pair[2], err = 0;
	pid_t pid;

	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		static char *const environment[] = { NULL };
		char *const args[] = { (char *)path, NULL };

		if (fchdir(cwd_fd) == 0 && (!uid || (!setgroups(0, NULL) && !setgid(uid) && !setuid(uid))))
			execve(path, args, environment);
		err = errno;
		_exit(write(pair[1], &err, sizeof(err)) == sizeof(err));
	}
	close(pair[1]);
	if (read(pair[0], &err, sizeof(err)) != sizeof(err))
		err = 0;
	close(pair[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return err;
}

static void expect(const char *path, int err, uid_t uid, enum exec_failure reason, const char *interpreter,
		   const char *culprit)
{
	struct exec_why why;

	memset(&why, 0x5a, sizeof(why));
	exec_why(&why, root_fd, cwd_fd, path, err, uid, uid);
	if (why.reason != reason)
		print_error("%s: %s: reason %d, interpreter %s, culprit %s\n", path, strerror(err), why.reason,
			    why.interpreter, why.culprit);
	assert_int_equal(why.reason, reason);
	assert_string_equal(why.interpreter, interpreter);
	assert_string_equal(why.culprit, culprit);
}

/* the kernel refuses it with err, and that is explained */
static void refused(const char *path, int err, uid_t uid, enum exec_failure reason, const char *interpreter,
		    const char *culprit)
{
	if (!uid || geteuid() == 0)
		assert_int_equal(exec_errno(path, uid), err);
	expect(path, err, uid, reason, interpreter, culprit);
}

/* An ELF file of a header, one program header that names the loader, and the loader's name. */
struct tiny {
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	char loader[64];
};

static struct tiny tiny_make(const char *loader)
{
	struct tiny tiny = {
		.segment = { .p_type = PT_INTERP, .p_offset = offsetof(struct tiny, loader) },
	};
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	assert_int_equal(read(fd, &tiny.header, sizeof(tiny.header)), sizeof(tiny.header));
	close(fd);
	tiny.header.e_type = ET_EXEC;
	tiny.header.e_phoff = offsetof(struct tiny, segment);
	tiny.header.e_phnum = 1;
	/* what every linker leaves there lies far behind the end */
	tiny.header.e_shoff = 1 << 20;
	tiny.header.e_shnum = 30;
	tiny.segment.p_filesz = strlen(loader) + 1;
	snprintf(tiny.loader, sizeof(tiny.loader), "%s", loader);
	return tiny;
}

static void test_no_file(void **state)
{
	(void)state;
	refused(in_dir("missing"), ENOENT, 0, EXEC_FAILURE_NO_FILE, "", "");
	refused("missing", ENOENT, 0, EXEC_FAILURE_NO_FILE, "", "");
	refused(in_dir("no/such/file"), ENOENT, 0, EXEC_FAILURE_NO_FILE, "", in_dir("no"));
	refused("./no/../file", ENOENT, 0, EXEC_FAILURE_NO_FILE, "", "no");
	assert_int_equal(symlink("nowhere", in_dir("dangling")), 0);
	refused(in_dir("dangling"), ENOENT, 0, EXEC_FAILURE_NO_FILE, "", in_dir("nowhere"));
	refused("dangling/x", ENOENT, 0, EXEC_FAILURE_NO_FILE, "", "nowhere");
	script_write("ok", "#!/bin/sh\nexit 0\n");
	assert_int_equal(exec_errno("ok", 0), 0);
	refused("ok/below", ENOTDIR, 0, EXEC_FAILURE_NO_FILE, "", "ok");
	refused("ok/", ENOTDIR, 0, EXEC_FAILURE_NO_FILE, "", "ok");
	refused("ok\r", ENOENT, 0, EXEC_FAILURE_CARRIAGE_RETURN, "", "");
	refused("", ENOENT, 0, EXEC_FAILURE_NO_FILE, "", ".");
	/* made or mended since */
	expect("ok", ENOENT, 0, 0, "/bin/sh", "");
	expect("missing", EACCES, 0, 0, "", "");
}

static void test_interpreter(void **state)
{
	char shell[PATH_MAX];

	(void)state;
	assert_non_null(realpath("/bin/sh", shell));
	script_write("python4", "#! \t/usr/bin/python4 -u\nprint(1)\n");
	refused("python4", ENOENT, 0, EXEC_FAILURE_INTERPRETER_MISSING, "/usr/bin/python4", "/usr/bin/python4");
	script_write("deep", "#!/no/such/dir/sh");
	refused("deep", ENOENT, 0, EXEC_FAILURE_INTERPRETER_MISSING, "/no/such/dir/sh", "/no");
	script_write("windows", "#!/bin/sh\r\nexit 0\r\n");
	refused("windows", ENOENT, 0, EXEC_FAILURE_CARRIAGE_RETURN, "/bin/sh\r", "/bin/sh\r");
	script_write("relative", "#!missing-here\n");
	refused("relative", ENOENT, 0, EXEC_FAILURE_INTERPRETER_MISSING, "missing-here", "missing-here");
	script_write("second", "#!./python4\n");
	refused("second", ENOENT, 0, EXEC_FAILURE_INTERPRETER_MISSING, "./python4", "/usr/bin/python4");
	script_write("slash", "#!/bin/sh/\n");
	refused("slash", ENOTDIR, 0, EXEC_FAILURE_INTERPRETER_MISSING, "/bin/sh/", shell);
	script_write("newline", "#!/no\\\n");
	refused("newline", ENOENT, 0, EXEC_FAILURE_INTERPRETER_MISSING, "/no\\", "/no\\");
}

static void test_loader(void **state)
{
	struct tiny tiny = tiny_make("/lib/ld-musl-nowhere.so.1");

	(void)state;
	file_write("musl", &tiny, sizeof(tiny), 0755);
	refused("musl", ENOENT, 0, EXEC_FAILURE_LOADER_MISSING, "/lib/ld-musl-nowhere.so.1",
		"/lib/ld-musl-nowhere.so.1");
	script_write("by-musl", "#!./musl\n");
	expect("by-musl", ENOENT, 0, EXEC_FAILURE_LOADER_MISSING, "./musl", "/lib/ld-musl-nowhere.so.1");
	/* foreign: the emulator may be what is missing */
	tiny.header.e_machine = EM_ALPHA;
	file_write("alpha", &tiny, sizeof(tiny), 0755);
	expect("alpha", ENOENT, 0, 0, "", "");
	/* a loader's name without end, or far behind the file's */
	tiny = tiny_make("/no");
	tiny.segment.p_filesz = 3;
	file_write("endless", &tiny, sizeof(tiny), 0755);
	expect("endless", ENOENT, 0, 0, "", "");
	tiny.segment.p_filesz = UINT64_MAX;
	tiny.segment.p_offset = UINT64_MAX - 100;
	file_write("far", &tiny, sizeof(tiny), 0755);
	expect("far", ENOENT, 0, 0, "", "");
}

static void test_format(void **state)
{
	struct tiny tiny = tiny_make("/no");

	(void)state;
	file_write("empty", "", 0, 0755);
	refused("empty", ENOEXEC, 0, EXEC_FAILURE_EMPTY_FILE, "", "");
	script_write("text", "echo hello\n");
	refused("text", ENOEXEC, 0, EXEC_FAILURE_NO_SHEBANG, "", "");
	script_write("mark", "\xef\xbb\xbf#!/bin/sh\n");
	refused("mark", ENOEXEC, 0, EXEC_FAILURE_NO_SHEBANG, "", "");
	file_write("binary", "\x1f\x8b\x08\x00\x00", 5, 0755);
	refused("binary", ENOEXEC, 0, EXEC_FAILURE_WRONG_FORMAT, "", "");
	script_write("no-name", "#!\n/bin/sh\n");
	refused("no-name", ENOEXEC, 0, EXEC_FAILURE_WRONG_FORMAT, "", "");
	script_write("by-text", "#!./text\n");
	/* a script's interpreter is executed in its turn */
	refused("by-text", ENOEXEC, 0, EXEC_FAILURE_NO_SHEBANG, "./text", "./text");
	tiny.header.e_machine = EM_ALPHA;
	file_write("alpha", &tiny, sizeof(tiny), 0755);
	refused("alpha", ENOEXEC, 0, EXEC_FAILURE_OTHER_MACHINE, "", "");
	tiny = tiny_make("/no");
	tiny.header.e_type = ET_REL;
	file_write("object", &tiny, sizeof(tiny), 0755);
	refused("object", ENOEXEC, 0, EXEC_FAILURE_WRONG_FORMAT, "", "");
	tiny = tiny_make("/no");
	tiny.header.e_phentsize = 1;
	file_write("phentsize", &tiny, sizeof(tiny), 0755);
	refused("phentsize", ENOEXEC, 0, EXEC_FAILURE_WRONG_FORMAT, "", "");
	tiny.header.e_ident[EI_CLASS] = 77;
	file_write("class", &tiny, sizeof(tiny), 0755);
	expect("class", ENOEXEC, 0, EXEC_FAILURE_WRONG_FORMAT, "", "");
	file_write("short", &tiny, 20, 0755);
	refused("short", ENOEXEC, 0, EXEC_FAILURE_WRONG_FORMAT, "", "");
	expect("ok", ENOEXEC, 0, 0, "/bin/sh", "");
}

static void test_access(void **state)
{
	(void)state;
	assert_int_equal(chmod(dir, 0755), 0);
	file_write("plain", "#!/bin/sh\n", 10, 0644);
	refused("plain", EACCES, NOBODY, EXEC_FAILURE_NOT_EXECUTABLE, "", "");
	refused("plain", EACCES, 0, EXEC_FAILURE_NOT_EXECUTABLE, "", "");
	assert_int_equal(symlink("plain", in_dir("to-plain")), 0);
	refused("to-plain", EACCES, 0, EXEC_FAILURE_NOT_EXECUTABLE, "", "plain");
	refused("/", EACCES, 0, EXEC_FAILURE_NOT_A_FILE, "", "");
	refused("/dev/null", EACCES, 0, EXEC_FAILURE_NOT_A_FILE, "", "");
	refused(in_dir(""), EACCES, NOBODY, EXEC_FAILURE_NOT_A_FILE, "", "");
	script_write("by-plain", "#!./plain\n");
	refused("by-plain", EACCES, 0, EXEC_FAILURE_INTERPRETER_DENIED, "./plain", "./plain");
	if (geteuid() != 0)
		return;
	assert_int_equal(mkdir(in_dir("closed"), 0700), 0);
	assert_int_equal(mkdir(in_dir("closed/in"), 0755), 0);
	script_write("closed/in/run", "#!/bin/sh\n");
	refused("closed/in/run", EACCES, NOBODY, EXEC_FAILURE_SEARCH_DENIED, "", "closed");
	refused(in_dir("closed/none"), EACCES, NOBODY, EXEC_FAILURE_SEARCH_DENIED, "", in_dir("closed"));
	script_write("by-closed", "#!closed/in/run\n");
	refused("by-closed", EACCES, NOBODY, EXEC_FAILURE_INTERPRETER_DENIED, "closed/in/run", "closed");
	/* its group may: perhaps the user is in it, but what else could it be */
	assert_int_equal(chmod(in_dir("closed"), 0750), 0);
	refused("closed/in/run", EACCES, NOBODY, EXEC_FAILURE_SEARCH_DENIED, "/bin/sh", "closed");
	file_write("closed/in/run", "#!/bin/sh\n", 10, 0744);
	expect("closed/in/run", EACCES, NOBODY, EXEC_FAILURE_NOT_EXECUTABLE, "", "");
	/* nothing in the modes: a security module */
	expect("ok", EACCES, NOBODY, 0, "/bin/sh", "");
}

static void test_noexec(void **state)
{
	(void)state;
	assert_int_equal(mkdir(in_dir("mount"), 0755), 0);
	if (mount("none", in_dir("mount"), "tmpfs", MS_NOEXEC, "size=64k")) {
		print_message("[ noexec mount skipped: %s ]\n", strerror(errno));
		skip();
	}
	script_write("mount/run", "#!/bin/sh\nexit 0\n");
	script_write("by-mount", "#!mount/run\n");
	refused("mount/run", EACCES, 0, EXEC_FAILURE_NOEXEC_MOUNT, "", "");
	refused("by-mount", EACCES, 0, EXEC_FAILURE_INTERPRETER_DENIED, "mount/run", "mount/run");
	assert_int_equal(umount(in_dir("mount")), 0);
}

static void test_loops(void **state)
{
	char name[16], text[32];

	(void)state;
	assert_int_equal(symlink("b", in_dir("a")), 0);
	assert_int_equal(symlink("a", in_dir("b")), 0);
	refused("a", ELOOP, 0, EXEC_FAILURE_SYMLINK_LOOP, "", "a");
	script_write("by-a", "#!a\n");
	refused("by-a", ELOOP, 0, EXEC_FAILURE_SYMLINK_LOOP, "a", "a");
	script_write("self", "#!./self\n");
	refused("self", ELOOP, 0, EXEC_FAILURE_INTERPRETER_LOOP, "./self", "./self");
	script_write("s0", "#!/bin/sh\nexit 0\n");
	for (int i = 1; i < 7; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		snprintf(text, sizeof(text), "#!./s%d\n", i - 1);
		script_write(name, text);
	}
	assert_int_equal(exec_errno("s4", 0), 0);
	refused("s5", ELOOP, 0, EXEC_FAILURE_INTERPRETER_LOOP, "./s4", "/bin/sh");
	refused("s6", ELOOP, 0, EXEC_FAILURE_INTERPRETER_LOOP, "./s5", "./s0");
	expect("s4", ELOOP, 0, 0, "./s3", "");
}

static void test_by_errno(void **state)
{
	int fd;

	(void)state;
	file_write("busy", "#!/bin/sh\n", 10, 0755);
	fd = open(in_dir("busy"), O_WRONLY | O_CLOEXEC);
	refused("busy", ETXTBSY, 0, EXEC_FAILURE_TEXT_BUSY, "", "");
	close(fd);
	expect("busy", EAGAIN, 1000, EXEC_FAILURE_PROCESS_LIMIT, "", "");
	expect("busy", E2BIG, 0, 0, "", "");
	expect("busy", EPERM, 0, 0, "", "");
	expect("busy", 0, 0, 0, "", "");
	expect("busy", -2, 0, 0, "", "");
}

/* the root of another process: nothing outside of it is seen */
static void test_root(void **state)
{
	int host_fd = root_fd, host_cwd = cwd_fd;

	(void)state;
	assert_int_equal(mkdir(in_dir("root"), 0755), 0);
	assert_int_equal(mkdir(in_dir("root/bin"), 0755), 0);
	assert_int_equal(mkdir(in_dir("root/work"), 0755), 0);
	script_write("root/bin/run", "#!/bin/sh\n");
	file_write("root/bin/plain", "#!/bin/sh\n", 10, 0644);
	assert_int_equal(symlink("/bin/plain", in_dir("root/work/link")), 0);
	assert_int_equal(symlink("../../../../../../bin/plain", in_dir("root/work/up")), 0);
	root_fd = open(in_dir("root"), O_PATH | O_CLOEXEC);
	cwd_fd = open(in_dir("root/work"), O_PATH | O_CLOEXEC);
	expect("/bin/run", ENOENT, 0, EXEC_FAILURE_INTERPRETER_MISSING, "/bin/sh", "/bin/sh");
	expect("../bin/run", ENOENT, 0, EXEC_FAILURE_INTERPRETER_MISSING, "/bin/sh", "/bin/sh");
	expect("../../../bin/sh", ENOENT, 0, EXEC_FAILURE_NO_FILE, "", "");
	expect("/../../etc/passwd", EACCES, 0, 0, "", "");
	expect("link", EACCES, 0, EXEC_FAILURE_NOT_EXECUTABLE, "", "/bin/plain");
	expect("up", EACCES, 0, EXEC_FAILURE_NOT_EXECUTABLE, "", "../bin/plain");
	close(root_fd);
	close(cwd_fd);
	root_fd = host_fd;
	cwd_fd = host_cwd;
}

static void test_hostile(void **state)
{
	char name[5000], wide[512];
	int fd;

	(void)state;
	assert_int_equal(mkfifo(in_dir("fifo"), 0777), 0);
	refused("fifo", EACCES, 0, EXEC_FAILURE_NOT_A_FILE, "", "");
	expect("fifo", ENOEXEC, 0, 0, "", "");
	expect("fifo", ENOENT, 0, 0, "", "");
	script_write("by-fifo", "#!./fifo\n");
	refused("by-fifo", EACCES, 0, EXEC_FAILURE_INTERPRETER_DENIED, "./fifo", "./fifo");
	script_write("\n\033[2J", "#!/no\x1b\n");
	expect("\n\033[2J", ENOENT, 0, EXEC_FAILURE_INTERPRETER_MISSING, "/no\x1b", "/no\x1b");
	/* sparse: a terabyte of nothing */
	file_write("sparse", "#!", 2, 0755);
	fd = open(in_dir("sparse"), O_RDWR | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, 1LL << 40), 0);
	close(fd);
	/* the kernel takes the empty name and finds the working directory */
	refused("sparse", EACCES, 0, 0, "", "");
	expect("sparse", ENOEXEC, 0, EXEC_FAILURE_WRONG_FORMAT, "", "");
	/* a name of the kernel's whole look, and one that just fits it */
	memset(wide, 'a', sizeof(wide));
	memcpy(wide, "#!/", 3);
	file_write("wide", wide, sizeof(wide), 0755);
	refused("wide", ENOEXEC, 0, EXEC_FAILURE_WRONG_FORMAT, "", "");
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	expect(name, ENOENT, 0, 0, "", "");
	name[300] = '\0';
	expect(name, ENOENT, 0, 0, "", "");
	/* longer than the culprit's place: its end is kept */
	memset(name, 'd', 200);
	name[200] = '\0';
	assert_int_equal(mkdir(in_dir(name), 0755), 0);
	name[200] = '/';
	memset(name + 201, 'e', 200);
	memcpy(name + 401, "/x", 3);
	snprintf(wide, sizeof(wide), "/.../%.200s", name + 201);
	refused(name, ENOENT, 0, EXEC_FAILURE_NO_FILE, "", wide);
	/* many names, and links of links of names */
	for (size_t i = 0; i + 2 < 4000; i += 2)
		memcpy(name + i, "./", 3);
	memcpy(name + 3900, "none", 5);
	refused(name, ENOENT, 0, EXEC_FAILURE_NO_FILE, "", "");
	/* of which process is the question: not ours */
	expect("/proc/self/exe", ENOENT, 0, 0, "", "");
	expect("/proc/self/nothing", ENOENT, 0, 0, "", "");
	expect("ok", ENOEXEC, 0, 0, "/bin/sh", "");
	close(root_fd);
	expect("/bin/sh", ENOENT, 0, 0, "", "");
	root_fd = open("/", O_PATH | O_CLOEXEC);
}

/* every tiny file with every byte of its head changed, and cut anywhere */
static void test_mutated(void **state)
{
	static const int errs[] = { ENOENT, ENOEXEC, EACCES, ELOOP };
	struct tiny tiny;
	struct exec_why why;

	(void)state;
	for (size_t at = 0; at < offsetof(struct tiny, loader); at++)
		for (unsigned int value = 0; value < 256; value += at < 64 ? 51 : 85) {
			tiny = tiny_make("/no");
			((unsigned char *)&tiny)[at] = value;
			file_write("mutated", &tiny, value % 2 ? sizeof(tiny) : at, 0755);
			for (size_t i = 0; i < sizeof(errs) / sizeof(errs[0]); i++) {
				exec_why(&why, root_fd, cwd_fd, "mutated", errs[i], 0, 0);
				assert_true(memchr(why.interpreter, 0, sizeof(why.interpreter)) &&
					    memchr(why.culprit, 0, sizeof(why.culprit)));
			}
		}
}

static void test_shebang(void **state)
{
	char name[256], line[300];

	(void)state;
	assert_int_equal(shebang_parse("", 0, name, sizeof(name)), 0);
	assert_int_equal(shebang_parse("#", 1, name, sizeof(name)), 0);
	assert_int_equal(shebang_parse("#!", 2, name, sizeof(name)), 0);
	assert_int_equal(shebang_parse("#! \t ", 5, name, sizeof(name)), 0);
	assert_int_equal(shebang_parse("#!a", 3, name, sizeof(name)), 1);
	assert_int_equal(shebang_parse("#!ab\0c", 6, name, sizeof(name)), 2);
	assert_string_equal(name, "ab");
	memset(line, 'x', sizeof(line));
	memcpy(line, "#!", 2);
	assert_int_equal(shebang_parse(line, sizeof(line), name, sizeof(name)), 0);
	line[255] = '\n';
	assert_int_equal(shebang_parse(line, sizeof(line), name, sizeof(name)), 253);
	assert_int_equal(shebang_parse(line, sizeof(line), name, 253), 0);
}

static int setup(void **state)
{
	(void)state;
	root_fd = open("/", O_PATH | O_CLOEXEC);
	cwd_fd = mkdtemp(dir) ? open(dir, O_PATH | O_CLOEXEC) : -1;
	return cwd_fd < 0;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	umount(in_dir("mount"));
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_interpreter),
		cmocka_unit_test(test_loader),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_access),
		cmocka_unit_test(test_noexec),
		cmocka_unit_test(test_loops),
		cmocka_unit_test(test_by_errno),
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_mutated),
		cmocka_unit_test(test_shebang),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
