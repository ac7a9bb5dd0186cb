// SPDX-License-Identifier: BSD-2-Clause
/* Which frame of a stack is the code to look at: not the C library's wrapper of the call, and not an interpreter. */
#include <string.h>

#include "fd_view.h"

const char *fd_frame(const struct fd_stack *stack, uint64_t i)
{
	return stack->frames + i * stack->stride;
}

bool fd_has_frames(const struct fd_stack *stack)
{
	for (uint64_t i = 0; i < stack->count; i++)
		if (*fd_frame(stack, i))
			return true;
	return false;
}

/* "f+0x1c [libc.so.6]" has function and module, "f+0x1c (a.c:12)" a function, "libc.so.6+0x1c" a module */
struct frame {
	const char *function, *module, *file;
	size_t function_length, module_length, file_length;
};

static void cut_directory(const char **path, size_t *length)
{
	for (size_t i = *length; i--;) {
		if ((*path)[i] != '/')
			continue;
		*length -= i + 1;
		*path += i + 1;
		return;
	}
}

static struct frame frame_parse(const char *text)
{
	const char *module = strrchr(text, '['), *place = strstr(text, " ("), *plus = strchr(text, '+');
	struct frame f = {};

	if (module || place || !plus) {
		f.function = text;
		f.function_length = plus ? (size_t)(plus - text) : strcspn(text, " ");
		f.module = module ? module + 1 : NULL;
		f.module_length = module ? strcspn(module + 1, "]") : 0;
	} else {
		f.module = text;
		f.module_length = strrchr(text, '+') - text;
	}
	f.file = place ? place + 2 : NULL;
	f.file_length = place ? strcspn(place + 2, ":)") : 0;
	cut_directory(&f.module, &f.module_length);
	cut_directory(&f.file, &f.file_length);
	return f;
}

static bool begins(const char *text, size_t length, const char *with)
{
	size_t n = strlen(with);

	return length >= n && memcmp(text, with, n) == 0;
}

static bool begins_with_one_of(const char *text, size_t length, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (begins(text, length, words[i]))
			return true;
	return false;
}

static bool is_one_of(const char *text, size_t length, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(words[i]) == length && memcmp(text, words[i], length) == 0)
			return true;
	return false;
}

#define BEGINS_WITH(TEXT, LENGTH, WORDS) begins_with_one_of(TEXT, LENGTH, WORDS, sizeof(WORDS) / sizeof((WORDS)[0]))
#define IS_ONE_OF(TEXT, LENGTH, WORDS) is_one_of(TEXT, LENGTH, WORDS, sizeof(WORDS) / sizeof((WORDS)[0]))

/* what opens in the C library, without the underscores before it: in programs that hold theirs, or have its lines */
static bool is_c_function(const char *name, size_t length)
{
	static const char *const functions[] = {
		"open", "open64", "openat", "openat64", "openat2", "open_2", "open64_2", "openat_2", "openat64_2", "creat", "creat64",
		"open_by_handle_at", "open_tree", "fsopen", "fsmount", "fspick", "userfaultfd",
		"fopen", "fopen64", "freopen", "freopen64", "fdopen", "fopencookie", "fopen_internal", "fopen_maybe_mmap",
		"opendir", "opendirat", "opendir_tail", "fdopendir", "scandir", "scandir64", "scandirat",
		"socket", "socketpair", "accept", "accept4", "dup", "dup2", "dup3", "pipe", "pipe2", "fcntl", "fcntl64",
		"fcntl64_nocancel_adjusted", "eventfd", "eventfd2", "epoll_create", "epoll_create1", "timerfd_create", "signalfd",
		"signalfd4", "inotify_init", "inotify_init1", "inotify_add_watch", "fanotify_init", "memfd_create", "pidfd_open",
		"pidfd_getfd", "pidfd_spawn", "pidfd_spawnp", "recvmsg", "recvmmsg", "mkstemp", "mkstemp64", "mkstemps", "mkstemps64",
		"mkostemp", "mkostemp64", "mkostemps", "mkostemps64", "gen_tempname", "gen_tempfd", "try_tempname",
		"try_tempname_len", "tmpfile", "tmpfile64", "shm_open", "sem_open", "mq_open", "getpt",
		"posix_openpt", "openpty", "forkpty", "popen", "posix_spawn", "setmntent", "catopen", "open_catalog", "iconv_open",
		"fts_open", "fts64_open", "ftw", "ftw64", "nftw", "nftw64", "glob", "glob64", "getaddrinfo", "gethostbyname",
		"gethostbyname2", "gethostbyname_r", "gethostbyname2_r", "gethostbyaddr", "gethostbyaddr_r", "getnameinfo", "getifaddrs",
		"getifaddrs_internal", "rresvport", "rresvport_af", "openlog", "openlog_internal",
		"syslog", "vsyslog", "vsyslog_internal", "setpwent", "setgrent", "sethostent", "getutent", "setutent", "dlopen",
		"dlopen_doit", "dlmopen", "dlmopen_doit", "dl_open_worker", "dl_open_worker_begin", "syscall", "clone", "clone3",
		"syscall_cp", "syscall_cp_c", "syscall_cp_asm", "syscall_cancel", "internal_syscall_cancel", "syscall_cancel_arch",
		"entry_SYSCALL_64", "file_open", "io_file_open", "io_file_fopen",
	};

	return IS_ONE_OF(name, length, functions);
}

/* by its module, or by names and source files that are the C library's alone */
static bool is_c_library(const struct frame *f)
{
	static const char *const modules[] = {
		"libc.so", "libc-2", "ld-linux", "ld-musl", "ld-2", "ld.so", "libpthread", "libstdc++", "libc++", "libgcc_s",
		"linux-vdso", "vdso", "libdl.so", "libdl-2", "librt.so", "librt-2", "libresolv", "libnss_", "libanl", "libasan",
		"libtsan",
	};
	/* __GI___open64, _IO_new_file_fopen, __libc_open64, __nss_files_fopen: what begins with two is not for programs */
	static const char *const beginnings[] = {
		"__GI_", "_IO_", "__libc_", "__res_", "__nss_", "_nss_", "__nscd_", "nscd_", "__shm_", "__sem_", "__dl_", "_dl_", "_nl_",
		"__epoll_", "__eventfd", "__timerfd_", "__inotify_", "__gen_temp", "__get_nprocs", "__new_sem_", "__new_fopen",
		"__netlink_", "__spawni", "__posix_spawn", "__old_sem_",
	};
	static const char *const files[] = {
		"tempname.c", "shm_open.c", "shm-directory.c", "sem_open.c", "sem_routines.c", "iopopen.c", "iofopen.c", "iofopen64.c",
		"fopncook.c", "getpt.c", "res_send.c", "res_init.c", "resolv_conf.c", "getaddrinfo.c", "check_pf.c", "getsysstats.c",
		"libc-start.c", "libc_start_call_main.h", "syscall-template.S", "nscd_helper.c", "nss_files_fopen.c", "loadarchive.c",
		"gconv_conf.c", "dl-open.c", "dl-load.c", "dl-deps.c", "dl-misc.c", "dl-cache.c", "dl-catch.c", "dl-error.c",
		"dl-libc.c",
	};
	static const char *const clones[] = { ".constprop.", ".isra.", ".part.", ".cold", ".lto_priv." };
	const char *name = f->function;
	size_t length = f->function_length;

	if (BEGINS_WITH(f->module, f->module_length, modules) || BEGINS_WITH(name, length, beginnings) ||
	    IS_ONE_OF(f->file, f->file_length, files))
		return true;
	while (length && *name == '_') {
		name++;
		length--;
	}
	/* what the compiler made of it: "openaux.constprop.0"; others have packages before a dot */
	for (size_t i = 1; i < length; i++)
		if (BEGINS_WITH(name + i, length - i, clones))
			length = i;
	if (length > 9 && memcmp(name + length - 9, "_nocancel", 9) == 0)
		length -= 9;
	return is_c_function(name, length);
}

/* "python3.11" is one, "node_exporter" is not */
static bool is_versioned(const char *text, size_t length, const char *name)
{
	size_t n = strlen(name);

	return begins(text, length, name) && strspn(text + n, "0123456789.") >= length - n;
}

static bool is_runtime(const struct frame *f)
{
	static const char *const programs[] = { "python", "node", "java", "ruby", "perl", "php", "php-fpm", "lua", "beam.smp" };
	static const char *const libraries[] = {
		"libpython", "libnode", "libjvm", "libnio", "libnet.so", "libruby", "libperl", "libphp", "libuv.so",
		"libcoreclr", "libSystem.Native",
	};
	static const char *const functions[] = {
		"_Py", "Py_", "PyObject_", "PyEval_", "uv_", "uv__", "runtime.", "syscall.", "internal/", "os.", "net.", "net/",
		"std::", "tokio::", "node::", "v8::", "JVM_", "Java_java_", "Java_sun_", "_php_", "php_", "zend_", "rb_",
		/* of C++ as the linker has it: std, v8, node */
		"_ZNSt", "_ZNKSt", "_ZN2v8", "_ZNK2v8", "_ZZN2v8", "_ZN4node", "_ZZN4node", "Builtins_",
	};

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (f->module && is_versioned(f->module, f->module_length, programs[i]))
			return true;
	return BEGINS_WITH(f->module, f->module_length, libraries) ||
	       BEGINS_WITH(f->function, f->function_length, functions);
}

/* A static function of CPython, with its line: others of the stack have names that tell, and none has a module then. */
static bool is_in_runtime(const struct fd_stack *stack, const struct frame *frame)
{
	if (is_runtime(frame))
		return true;
	for (uint64_t i = 0; !frame->module && i < stack->count; i++) {
		struct frame f = frame_parse(fd_frame(stack, i));

		if (!f.module && (begins(f.function, f.function_length, "_Py") || begins(f.function, f.function_length, "PyEval_")))
			return true;
	}
	return false;
}

/* Without symbols nobody knows whether that is the wrapper of the call, which all go through, so its caller tells more. */
static bool is_same_module(const struct frame *f, const struct frame *caller)
{
	return !f->function_length && !caller->function_length && f->module_length && f->module_length == caller->module_length &&
	       memcmp(f->module, caller->module, f->module_length) == 0;
}

/* of the program's own: what starts every program says nothing */
const char *fd_caller_of(const struct fd_stack *stack, const char *frame)
{
	static const char *const starts[] = { "_start", "main", "start_thread", "__clone" };

	for (uint64_t i = 0; i + 1 < stack->count; i++) {
		const char *caller = fd_frame(stack, i + 1);
		struct frame f = frame_parse(frame), c = frame_parse(caller);

		if (fd_frame(stack, i) != frame)
			continue;
		if (!*caller || *caller == '[' || is_c_library(&c) || is_runtime(&c))
			return NULL;
		if (is_same_module(&f, &c))
			return caller;
		return c.function_length && !BEGINS_WITH(c.function, c.function_length, starts) ? caller : NULL;
	}
	return NULL;
}

enum fd_code fd_code_frame(const struct fd_stack *stack, const char **ret)
{
	const char *runtime = NULL;

	for (uint64_t i = 0; i < stack->count; i++) {
		struct frame f = frame_parse(fd_frame(stack, i));

		if (!*fd_frame(stack, i) || is_c_library(&f))
			continue;
		/* "[jit]": a runtime made it */
		if (*fd_frame(stack, i) != '[' && !is_in_runtime(stack, &f)) {
			*ret = fd_frame(stack, i);
			return FD_CODE_PROGRAM;
		}
		runtime = runtime ? runtime : fd_frame(stack, i);
	}
	if (runtime)
		*ret = runtime;
	return runtime ? FD_CODE_RUNTIME : FD_CODE_NONE;
}
