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
	const char *function, *module;
	size_t function_length, module_length;
};

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
	for (size_t i = f.module_length; i--;) {
		if (f.module[i] != '/')
			continue;
		f.module_length -= i + 1;
		f.module += i + 1;
		break;
	}
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

static bool is_c_library(const struct frame *f)
{
	static const char *const modules[] = {
		"libc.so", "libc-2", "ld-linux", "ld-musl", "ld-2", "ld.so", "libpthread", "libstdc++", "libc++", "libgcc_s",
		"linux-vdso", "vdso", "libdl.so", "libdl-2", "librt.so", "librt-2", "libresolv", "libnss_", "libanl", "libasan",
		"libtsan",
	};
	/* as they are in programs that hold their C library */
	static const char *const functions[] = {
		"open", "open64", "openat", "openat64", "openat2", "creat", "creat64", "fopen", "fopen64", "freopen", "fdopen",
		"opendir", "socket", "socketpair", "accept", "accept4", "dup", "dup2", "dup3", "pipe", "pipe2", "eventfd",
		"eventfd2", "epoll_create", "epoll_create1", "timerfd_create", "signalfd", "inotify_init", "inotify_init1",
		"fanotify_init", "memfd_create", "pidfd_open", "fcntl", "fcntl64", "recvmsg", "mkstemp", "mkostemp", "tmpfile",
		"syscall", "clone", "clone3", "popen", "getaddrinfo", "mq_open", "inotify_add_watch", "syscall_cp", "entry_SYSCALL_64",
		"file_open", "fopen_internal", "io_file_open", "io_file_fopen",
	};
	const char *name = f->function;
	size_t length = f->function_length;

	if (begins_with_one_of(f->module, f->module_length, modules, sizeof(modules) / sizeof(modules[0])))
		return true;
	/* __open64, __libc_open64, __GI___open64, _IO_file_fopen, __open64_nocancel */
	if (begins(name, length, "__GI_") || begins(name, length, "_IO_") || begins(name, length, "__libc_"))
		return true;
	while (length && *name == '_') {
		name++;
		length--;
	}
	if (length > 9 && memcmp(name + length - 9, "_nocancel", 9) == 0)
		length -= 9;
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (strlen(functions[i]) == length && memcmp(name, functions[i], length) == 0)
			return true;
	return false;
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
	return begins_with_one_of(f->module, f->module_length, libraries, sizeof(libraries) / sizeof(libraries[0])) ||
	       begins_with_one_of(f->function, f->function_length, functions, sizeof(functions) / sizeof(functions[0]));
}

/* A static function of CPython, with its line: it is called by functions whose names tell, and none has a module then. */
static bool is_in_runtime(const struct fd_stack *stack, uint64_t i)
{
	struct frame f = frame_parse(fd_frame(stack, i));

	if (is_runtime(&f))
		return true;
	for (i++; !f.module && i < stack->count; i++) {
		f = frame_parse(fd_frame(stack, i));
		if (!f.module && (begins(f.function, f.function_length, "_Py") || begins(f.function, f.function_length, "PyEval_")))
			return true;
	}
	return false;
}

/* of the program's own: what starts every program says nothing */
const char *fd_caller_of(const struct fd_stack *stack, const char *frame)
{
	static const char *const starts[] = { "_start", "main", "start_thread", "__clone" };

	for (uint64_t i = 0; i + 1 < stack->count; i++) {
		const char *caller = fd_frame(stack, i + 1);
		struct frame f = frame_parse(caller);

		if (fd_frame(stack, i) != frame)
			continue;
		if (!*caller || *caller == '[' || is_c_library(&f) || is_runtime(&f) || !f.function_length ||
		    begins_with_one_of(f.function, f.function_length, starts, sizeof(starts) / sizeof(starts[0])))
			return NULL;
		return caller;
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
		if (*fd_frame(stack, i) != '[' && !is_in_runtime(stack, i)) {
			*ret = fd_frame(stack, i);
			return FD_CODE_PROGRAM;
		}
		runtime = runtime ? runtime : fd_frame(stack, i);
	}
	if (runtime)
		*ret = runtime;
	return runtime ? FD_CODE_RUNTIME : FD_CODE_NONE;
}
