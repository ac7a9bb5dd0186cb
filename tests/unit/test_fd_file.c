// SPDX-License-Identifier: BSD-2-Clause
/* What a descriptor refers to: its type, its state, its address, and which are alike. */
#include "fd_list_make.h"

#include "random.h"

static const char *type_of(struct fd_file f)
{
	static char room[24];

	return fd_file_type(&f, room);
}

static struct fd_file on(uint32_t magic, uint16_t mode)
{
	struct fd_file f = fd_regular(7);

	f.magic = magic;
	f.mode = mode;
	return f;
}

static struct fd_file device(uint16_t mode, uint32_t rdev)
{
	struct fd_file f = on(TMPFS_MAGIC, mode);

	f.rdev = rdev;
	return f;
}

/* ---- types ---------------------------------------------------------------- */

static void test_sockets(void **state)
{
	static const struct {
		uint16_t family, protocol;
		const char *type;
	} rows[] = {
		{ AF_INET, IPPROTO_TCP, "tcp" }, { AF_INET6, IPPROTO_TCP, "tcp" }, { AF_INET, IPPROTO_UDP, "udp" },
		{ AF_INET6, IPPROTO_UDP, "udp" }, { AF_INET, IPPROTO_ICMP, "raw" }, { AF_INET6, 0xffff, "raw" },
		{ AF_UNIX, 0, "unix" }, { AF_NETLINK, 0, "netlink" }, { AF_NETLINK, IPPROTO_TCP, "netlink" },
		{ AF_PACKET, 0, "packet" }, { AF_VSOCK, 0, "vsock" }, { AF_ALG, 0, "socket" }, { 0xffff, 6, "socket" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(type_of(fd_socket(rows[i].family, rows[i].protocol)), rows[i].type);
}

static void test_files(void **state)
{
	struct fd_file memfd = on(TMPFS_MAGIC, S_IFREG | 0777);

	(void)state;
	assert_string_equal(type_of(fd_regular(7)), "file");
	assert_string_equal(type_of(on(EXT4_SUPER_MAGIC, S_IFDIR | 0755)), "directory");
	assert_string_equal(type_of(on(EXT4_SUPER_MAGIC, S_IFIFO | 0600)), "fifo");
	assert_string_equal(type_of(on(PIPEFS_MAGIC, S_IFIFO | 0600)), "pipe");
	assert_string_equal(type_of(on(PROC_SUPER_MAGIC, S_IFREG | 0444)), "proc");
	assert_string_equal(type_of(on(PROC_SUPER_MAGIC, S_IFDIR | 0555)), "proc");
	assert_string_equal(type_of(on(NSFS_MAGIC, S_IFREG | 0444)), "namespace");
	assert_string_equal(type_of(on(0x19800202, S_IFREG | 0600)), "mqueue");
	assert_string_equal(type_of(on(DMA_BUF_MAGIC, S_IFREG | 0600)), "dmabuf");
	/* on its own file system since 6.9, before an anonymous file */
	assert_string_equal(type_of(on(0x50494446, S_IFREG | 0700)), "pidfd");
	assert_string_equal(type_of(fd_anonymous("[pidfd]")), "pidfd");
	/* opened with O_PATH */
	assert_string_equal(type_of(on(EXT4_SUPER_MAGIC, S_IFLNK | 0777)), "other");
	assert_string_equal(type_of(on(0, 0)), "other");
	strcpy(memfd.name, "memfd:x");
	assert_string_equal(type_of(memfd), "file");
	memfd.links = 0;
	assert_string_equal(type_of(memfd), "memfd");
}

static void test_devices(void **state)
{
	static const uint32_t terminals[] = { 4, 5, 136, 143 }, others[] = { 0, 1, 3, 6, 10, 135, 144, 0xfff };

	(void)state;
	for (size_t i = 0; i < COUNT(terminals); i++) {
		assert_string_equal(type_of(device(S_IFCHR, terminals[i] << 20 | 3)), "terminal");
		assert_string_equal(type_of(device(S_IFBLK, terminals[i] << 20 | 3)), "device");
	}
	for (size_t i = 0; i < COUNT(others); i++)
		assert_string_equal(type_of(device(S_IFCHR, others[i] << 20 | 0xfffff)), "device");
}

static void test_anonymous(void **state)
{
	static const char *const rows[][2] = {
		{ "[eventfd]", "eventfd" }, { "[eventpoll]", "eventpoll" }, { "[timerfd]", "timerfd" },
		{ "[signalfd]", "signalfd" }, { "inotify", "inotify" }, { "[fanotify]", "fanotify" },
		{ "[io_uring]", "io_uring" }, { "[perf_event]", "perf_event" }, { "[userfaultfd]", "userfaultfd" },
		{ "bpf-map", "bpf" }, { "bpf-prog", "bpf" }, { "bpf_link", "bpf" }, { "btf", "bpf" }, { "bpf_iter", "bpf" },
		/* of drivers, and of kernels to come */
		{ "[fscontext]", "fscontext" }, { "kvm-vcpu:3", "kvm-vcpu" }, { "kvm-vm", "kvm-vm" },
		{ "[landlock-ruleset]", "landlock-ruleset" }, { "[eventfd] ", "eventfd " },
		{ "", "anonymous" }, { "[]", "anonymous" }, { ":3", "anonymous" }, { "[:", "anonymous" },
		/* as long as a name can be, and longer than a type */
		{ "[abcdefghijklmnopqrstuvwxyz0123]", "abcdefghijklmnopqrstuvw" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(type_of(fd_anonymous(rows[i][0])), rows[i][1]);
}

/* whatever the bytes are, the type is a short string of them without what has a meaning here */
static void test_anonymous_hostile(void **state)
{
	uint64_t random = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct fd_file f = fd_anonymous("");
		char room[24 + 8];
		const char *type;

		memset(room, 0x5a, sizeof(room));
		for (size_t n = 0; n < sizeof(f.name); n++)
			f.name[n] = random_below(&random, 4) ? (char)random_next(&random) : "[]:a"[random_below(&random, 4)];
		type = fd_file_type(&f, room);
		assert_true(*type && strlen(type) < 24);
		assert_null(strpbrk(type, "[]:"));
		for (size_t n = 24; n < sizeof(room); n++)
			assert_int_equal(room[n], 0x5a);
	}
}

/* ---- states ----------------------------------------------------------------- */

static void test_tcp_states(void **state)
{
	static const char *const words[] = { "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT",
					     "CLOSED", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING" };
	struct fd_file f = fd_tcp("10.0.0.1", 80, "10.0.3.7", 5432, 0);

	(void)state;
	assert_null(fd_file_tcp_state(&f));
	for (size_t i = 0; i < COUNT(words); i++) {
		f.state = i + 1;
		assert_string_equal(fd_file_tcp_state(&f), words[i]);
	}
	for (f.state = COUNT(words) + 1; f.state; f.state++)
		assert_null(fd_file_tcp_state(&f));
	f.state = FD_TCP_CLOSE_WAIT;
	f.protocol = IPPROTO_UDP;
	assert_null(fd_file_tcp_state(&f));
	f.protocol = IPPROTO_TCP;
	f.family = AF_UNIX;
	assert_null(fd_file_tcp_state(&f));
	f.family = AF_INET;
	/* the same bytes as a file's */
	f.mode = S_IFREG;
	assert_null(fd_file_tcp_state(&f));
	assert_false(fd_file_has_peer(&f));
}

static void test_peer(void **state)
{
	struct fd_file f = fd_tcp("10.0.0.1", 80, "10.0.3.7", 5432, 1);

	(void)state;
	assert_true(fd_file_has_peer(&f));
	f.protocol = IPPROTO_UDP;
	assert_true(fd_file_has_peer(&f));
	f.peer_port = 0;
	assert_false(fd_file_has_peer(&f));
	f.peer_port = 1;
	f.family = AF_UNIX;
	assert_false(fd_file_has_peer(&f));
}

static void test_deleted(void **state)
{
	static const uint32_t never[] = { ANON_INODE_FS_MAGIC, 0x50494446, DMA_BUF_MAGIC };
	struct fd_file f = fd_regular(7);

	(void)state;
	assert_false(fd_file_deleted(&f));
	f.links = 0;
	assert_true(fd_file_deleted(&f));
	strcpy(f.name, "memfd:");
	assert_false(fd_file_deleted(&f));
	strcpy(f.name, "memfd");
	assert_true(fd_file_deleted(&f));
	for (size_t i = 0; i < COUNT(never); i++) {
		f.magic = never[i];
		assert_false(fd_file_deleted(&f));
	}
	f.magic = EXT4_SUPER_MAGIC;
	f.mode = S_IFDIR;
	assert_false(fd_file_deleted(&f));
}

/* ---- addresses ---------------------------------------------------------------- */

static void test_address(void **state)
{
	static const struct {
		const char *local;
		uint16_t port;
		const char *text;
	} rows[] = {
		{ "10.0.3.7", 5432, "10.0.3.7:5432" }, { "10.0.3.7", 0, "10.0.3.7" }, { "0.0.0.0", 65535, "0.0.0.0:65535" },
		{ "255.255.255.255", 1, "255.255.255.255:1" }, { "fd00::7", 5432, "[fd00::7]:5432" }, { "fd00::7", 0, "fd00::7" },
		{ "::", 80, "[::]:80" }, { "::ffff:10.0.3.7", 5432, "10.0.3.7:5432" }, { "::ffff:10.0.3.7", 0, "10.0.3.7" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct fd_file f = fd_tcp(rows[i].local, 0, strchr(rows[i].local, ':') ? "::" : "0.0.0.0", 0, 1);
		char room[64];
		struct text text = TEXT_ON(room);

		fd_file_address(&text, &f, f.local, rows[i].port);
		assert_string_equal(room, rows[i].text);
		assert_false(text.cut);
	}
}

/* ---- groups ------------------------------------------------------------------- */

static bool alike(struct fd_file a, struct fd_file b)
{
	return fd_file_group(&a) == fd_file_group(&b);
}

static void test_group_files(void **state)
{
	struct fd_file a = fd_regular(7), b = fd_regular(7);

	(void)state;
	b.opened_ns = b.site = b.seen = 9;
	assert_true(alike(a, b));
	b.inode = 8;
	assert_false(alike(a, b));
	b.inode = 7;
	b.device++;
	assert_false(alike(a, b));
	/* deleted ones of a file system are one heap, and not that of those with a name */
	a.links = b.links = 0;
	assert_false(alike(a, b));
	b.device = a.device;
	b.inode = 99;
	assert_true(alike(a, b));
	b.links = 1;
	assert_false(alike(a, b));
	assert_true(alike(fd_anonymous("[eventfd]"), fd_anonymous("[eventfd]")));
	assert_false(alike(fd_anonymous("[eventfd]"), fd_anonymous("[timerfd]")));
	assert_true(alike(fd_anonymous("kvm-vcpu:1"), fd_anonymous("kvm-vcpu:2")));
	a = b = on(PIPEFS_MAGIC, S_IFIFO);
	b.inode++;
	assert_true(alike(a, b));
	a.magic = b.magic = EXT4_SUPER_MAGIC;
	assert_false(alike(a, b));
}

static void test_group_sockets(void **state)
{
	const struct fd_file to = fd_tcp("10.0.0.1", 40000, "10.0.3.7", 5432, 1);

	(void)state;
	assert_true(alike(to, fd_tcp("10.0.0.1", 40001, "10.0.3.7", 5432, 1)));
	assert_true(alike(to, fd_tcp("10.0.0.2", 8080, "10.0.3.7", 9, 1)));
	assert_false(alike(to, fd_tcp("10.0.0.1", 40000, "10.0.3.8", 5432, 1)));
	assert_false(alike(to, fd_tcp("10.0.0.1", 40000, "10.0.3.7", 5432, FD_TCP_CLOSE_WAIT)));
	assert_false(alike(to, fd_tcp("::", 40000, "fd00::7", 5432, 1)));
	assert_true(alike(fd_tcp("0.0.0.0", 80, "0.0.0.0", 0, FD_TCP_LISTEN), fd_tcp("0.0.0.0", 80, "0.0.0.0", 0, FD_TCP_LISTEN)));
	assert_false(alike(fd_tcp("0.0.0.0", 80, "0.0.0.0", 0, FD_TCP_LISTEN), fd_tcp("0.0.0.0", 81, "0.0.0.0", 0, FD_TCP_LISTEN)));
	/* one of the host and one of the world are two */
	assert_false(alike(fd_tcp("127.0.0.1", 80, "0.0.0.0", 0, FD_TCP_LISTEN), fd_tcp("0.0.0.0", 80, "0.0.0.0", 0, FD_TCP_LISTEN)));
	/* bound, and not connected */
	assert_false(alike(fd_tcp("0.0.0.0", 80, "0.0.0.0", 0, 7), fd_tcp("0.0.0.0", 81, "0.0.0.0", 0, 7)));
	assert_true(alike(fd_socket(AF_UNIX, 0), fd_socket(AF_UNIX, 0)));
	assert_false(alike(fd_socket(AF_UNIX, 0), fd_socket(AF_NETLINK, 0)));
	assert_false(alike(fd_socket(AF_INET, IPPROTO_TCP), fd_socket(AF_INET, IPPROTO_UDP)));
}

/* a file at random of few of each, so that many are alike */
static struct fd_file some_file(uint64_t *random)
{
	static const char *const names[] = { "[eventfd]", "[timerfd]", "memfd:a", "a.log", "inotify", "" };
	static const uint32_t magics[] = { EXT4_SUPER_MAGIC, ANON_INODE_FS_MAGIC, PIPEFS_MAGIC, PROC_SUPER_MAGIC, TMPFS_MAGIC };
	static const uint16_t modes[] = { S_IFREG, S_IFSOCK, S_IFDIR, S_IFIFO, S_IFCHR };
	struct fd_file f = {
		.inode = random_below(random, 2), .opened_ns = random_next(random), .site = random_next(random),
		.magic = magics[random_below(random, 5)], .device = 0x800001 + random_below(random, 2), .links = random_below(random, 2),
		.rdev = (uint32_t)random_below(random, 2) << 22, .quiet = random_next(random), .mode = modes[random_below(random, 5)],
		.seen = random_below(random, 2), .state = 8 + random_below(random, 3),
		.peer_port = random_below(random, 3), .local_port = random_below(random, 2),
	};

	if (!S_ISSOCK(f.mode)) {
		strcpy(f.name, names[random_below(random, 6)]);
		return f;
	}
	f.family = random_below(random, 2) ? AF_INET : random_below(random, 2) ? AF_INET6 : AF_UNIX;
	f.protocol = random_below(random, 2) ? IPPROTO_TCP : IPPROTO_UDP;
	f.peer[3] = random_below(random, 2);
	return f;
}

/* those of one group say the same of themselves */
static void test_group_random(void **state)
{
	uint64_t random = 2;
	int found = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		struct fd_file a = some_file(&random), b = some_file(&random);
		const char *left = fd_file_tcp_state(&a), *right = fd_file_tcp_state(&b);
		char room[24], other[24];

		assert_true(alike(a, a));
		if (!alike(a, b))
			continue;
		found++;
		assert_string_equal(fd_file_type(&a, room), fd_file_type(&b, other));
		assert_ptr_equal(left, right);
		assert_int_equal(fd_file_deleted(&a), fd_file_deleted(&b));
		if (fd_file_has_peer(&a) && fd_file_has_peer(&b))
			assert_memory_equal(a.peer, b.peer, sizeof(a.peer));
	}
	assert_true(found > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sockets), cmocka_unit_test(test_files), cmocka_unit_test(test_devices),
		cmocka_unit_test(test_anonymous), cmocka_unit_test(test_anonymous_hostile), cmocka_unit_test(test_tcp_states),
		cmocka_unit_test(test_peer), cmocka_unit_test(test_deleted), cmocka_unit_test(test_address),
		cmocka_unit_test(test_group_files), cmocka_unit_test(test_group_sockets), cmocka_unit_test(test_group_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
