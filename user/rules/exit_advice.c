// SPDX-License-Identifier: BSD-2-Clause
#include "exit_advice.h"

#include <signal.h>
#include <string.h>

#include "exit_view.h"
#include "exit_words.h"
#include "say.h"

/* ---- the grace period ----------------------------------------------- */

enum stopper { STOPPER_DOCKER, STOPPER_KUBERNETES, STOPPER_SYSTEMD };

/* could that one have sent it? by the sender's name, and where the process lives */
static bool may_be(const struct observation *observation, enum stopper who)
{
	const struct container *c = &observation->container;
	const struct killer *k = &observation->exit.killer;
	bool systemd = k->known.comm && strcmp(k->comm, "systemd") == 0;

	if (who == STOPPER_SYSTEMD)
		return systemd;
	if (systemd || !c->known.id)
		return false;
	if (who == STOPPER_KUBERNETES)
		return c->known.pod_uid;
	return !c->known.pod_uid && c->known.runtime &&
	       (strcmp(c->runtime, "docker") == 0 || strcmp(c->runtime, "podman") == 0 ||
		strcmp(c->runtime, "containerd") == 0);
}

void exit_say_grace(const struct observation *observation, const struct prior_signal *request,
		    struct verdict *ret)
{
	static const struct {
		enum stopper who;
		uint64_t seconds;
		const char *words;
	} periods[] = {
		{ STOPPER_DOCKER, 10, "what docker stop waits by default (-t, stop_grace_period)" },
		{ STOPPER_KUBERNETES, 30, "Kubernetes' default terminationGracePeriodSeconds" },
		{ STOPPER_SYSTEMD, 90, "systemd's default TimeoutStopSec" },
	};
	uint64_t gap;
	struct text text;

	if (!exit_request_gap(observation, request, &gap))
		return;
	for (size_t i = 0; i < sizeof(periods) / sizeof(*periods); i++) {
		uint64_t period = periods[i].seconds * SECOND_NS;

		if (!may_be(observation, periods[i].who) || gap + SECOND_NS / 5 < period ||
		    gap > period + SECOND_NS / 2 * 3)
			continue;
		text = say_evidence(ret, "grace", BASIS_INFERRED);
		text_duration(&text, gap);
		text_format(&text, " from the request to SIGKILL: %s", periods[i].words);
		return;
	}
	text = say_evidence(ret, "grace", BASIS_MEASURED);
	text_duration(&text, gap);
	text_add(&text, " from the request to SIGKILL");
}

/* ---- where it is written -------------------------------------------- */

/* journalctl -u UNIT around the death */
static void verify_journal(const struct observation *observation, const char *unit, struct verdict *ret)
{
	const struct prior_signal *request = exit_request(observation);
	uint64_t seconds = observation->time_ns / SECOND_NS, before = 60;
	struct text text;

	/* from before the request, when there was one */
	if (request && request->known.age_ns && request->age_ns < 3600 * SECOND_NS)
		before += request->age_ns / SECOND_NS;
	if (!unit && seconds < before)
		return;
	text = say_verify(ret);
	text_add(&text, "journalctl");
	if (unit) {
		text_add(&text, " -u ");
		text_shell(&text, unit, strlen(unit));
	}
	if (seconds >= before)
		text_format(&text, " --since @%llu --until @%llu", (unsigned long long)(seconds - before),
			    (unsigned long long)seconds + 5);
	say_whole(&text, &ret->diagnosis.verify_count);
}

static bool is_docker(const struct container *c)
{
	return c->known.id && c->known.runtime &&
	       (strcmp(c->runtime, "docker") == 0 || strcmp(c->runtime, "podman") == 0);
}

void exit_verify_log(const struct observation *observation, struct verdict *ret)
{
	const struct container *c = &observation->container;
	struct text text;

	/* what runs in a login's scope writes to the terminal */
	if (!c->known.id) {
		if (exit_service(observation))
			verify_journal(observation, exit_service(observation), ret);
		return;
	}
	if (!is_docker(c) && !c->known.pod_uid)
		return;
	text = say_verify(ret);
	text_format(&text, "%s logs --tail 50 ", is_docker(c) ? c->runtime : "crictl");
	text_shell(&text, c->id, strlen(c->id));
	say_whole(&text, &ret->diagnosis.verify_count);
}

/* ---- the sender ----------------------------------------------------- */

enum habit {
	HABIT_OTHER,
	HABIT_RUNTIME,
	HABIT_SYSTEMD,
	HABIT_MEMORY,
	HABIT_TIMEOUT,
	HABIT_HAND,
};

static enum habit habit_of(const struct killer *k)
{
	static const struct {
		const char *comm;
		enum habit habit;
	} rows[] = {
		{ "runc", HABIT_RUNTIME }, { "crun", HABIT_RUNTIME }, { "containerd-shim", HABIT_RUNTIME },
		{ "containerd", HABIT_RUNTIME }, { "dockerd", HABIT_RUNTIME }, { "conmon", HABIT_RUNTIME },
		{ "podman", HABIT_RUNTIME }, { "kubelet", HABIT_RUNTIME }, { "systemd", HABIT_SYSTEMD },
		{ "systemd-oomd", HABIT_MEMORY }, { "earlyoom", HABIT_MEMORY }, { "oomd", HABIT_MEMORY },
		{ "timeout", HABIT_TIMEOUT }, { "kill", HABIT_HAND }, { "pkill", HABIT_HAND },
		{ "killall", HABIT_HAND }, { "htop", HABIT_HAND }, { "top", HABIT_HAND },
	};

	if (!k->known.comm)
		return HABIT_OTHER;
	if (strncmp(k->comm, "runc:[", 6) == 0)
		return HABIT_RUNTIME;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(k->comm, rows[i].comm) == 0)
			return rows[i].habit;
	return exit_is_shell(k->comm) ? HABIT_HAND : HABIT_OTHER;
}

/* who told the runtime */
static void advise_runtime(const struct observation *observation, struct verdict *ret)
{
	const struct container *c = &observation->container;
	uint64_t seconds = observation->time_ns / SECOND_NS;
	struct text text = say_advice(ret);

	if (!is_docker(c) || seconds < 60) {
		text_add(&text, "the container runtime was told to: look for a liveness probe that failed, an "
				"eviction, a deletion or a rollout");
		if (c->known.pod_uid) {
			text = say_verify(ret);
			text_add(&text, "kubectl get events -A | grep -E 'Killing|Unhealthy|Evicted|Preempt'");
		}
		return;
	}
	text_format(&text, "the container runtime was told to: look for who stopped, killed or removed the "
		    "container (%s events)", c->runtime);
	text = say_verify(ret);
	text_format(&text, "%s events --since %llu --until %llu --filter container=", c->runtime,
		    (unsigned long long)seconds - 60, (unsigned long long)seconds + 5);
	text_shell(&text, c->id, strlen(c->id));
	say_whole(&text, &ret->diagnosis.verify_count);
}

static void advise_systemd(const struct observation *observation, struct verdict *ret)
{
	struct text text = say_advice(ret);

	text_add(&text, exit_is(observation, SIGABRT, KILLER_SOURCE_USER) ?
		 "systemd sends SIGABRT to a service that missed its watchdog (WatchdogSec): find where it hung" :
		 "systemd did it: its journal says whether this was a stop, a restart or a timeout, and of whom");
	verify_journal(observation, exit_service(observation), ret);
}

void exit_advise_sender(const struct observation *observation, struct verdict *ret)
{
	const struct killer *k = &observation->exit.killer;
	const char *unit = k->known.unit && exit_is_service(k->unit) ? k->unit : NULL;
	const struct container *c = &observation->container;
	const struct process *p = &observation->process;
	enum habit habit = habit_of(k);
	struct text text;

	if (habit == HABIT_RUNTIME) {
		advise_runtime(observation, ret);
		return;
	}
	if (habit == HABIT_SYSTEMD) {
		advise_systemd(observation, ret);
		return;
	}
	text = say_advice(ret);
	if (habit == HABIT_MEMORY)
		text_add(&text, "it was short of memory, as that daemon saw it (not the kernel's OOM killer): its log "
				"names the threshold; find who used the memory");
	else if (habit == HABIT_TIMEOUT)
		text_add(&text, "timeout(1) ran out: find what made it slow, or give it longer");
	else if (habit == HABIT_HAND)
		text_add(&text, k->parents_count ? "a person or a script did it: the sender's parents above tell which" :
						   "a person or a script did it");
	else if (!k->known.pid && !k->known.comm)
		text_add(&text, "the sender's name was lost: look what ran at that time");
	else if (k->known.pid && p->known.ppid && k->pid == p->ppid)
		text_add(&text, "a parent that manages workers ends those that hang or exceed a limit: its log says why");
	else
		text_add(&text, "ask the sender why: its log around that time, and who started it");
	if (k->known.container && c->known.id && strcmp(k->container, c->id) == 0)
		exit_verify_log(observation, ret);
	else
		verify_journal(observation, unit, ret);
}

/* ---- a failed exec -------------------------------------------------- */

static const char *remedy_of(const struct failed_exec *f)
{
	static const char *const remedies[] = {
		[EXEC_FAILURE_NO_FILE] = "correct the path, or install it (in a container: put it into the image)",
		[EXEC_FAILURE_INTERPRETER_MISSING] = "install that interpreter or correct the first line",
		[EXEC_FAILURE_LOADER_MISSING] = "use a build for this C library (musl or glibc), or a static one",
		[EXEC_FAILURE_CARRIAGE_RETURN] = "remove the carriage returns (dos2unix; git: text eol=lf)",
		[EXEC_FAILURE_NOT_EXECUTABLE] = "chmod +x it (in a container: COPY --chmod=755)",
		[EXEC_FAILURE_NOEXEC_MOUNT] = "move it to a file system that allows exec, or mount that one with exec",
		[EXEC_FAILURE_NOT_A_FILE] = "the path names a directory or a device: correct it",
		[EXEC_FAILURE_SEARCH_DENIED] = "give this user x on every directory of the path",
		[EXEC_FAILURE_INTERPRETER_DENIED] = "give this user permission to execute the interpreter",
		[EXEC_FAILURE_WRONG_FORMAT] = "look what it is (file); a script needs a #! line",
		[EXEC_FAILURE_OTHER_MACHINE] = "use the build (or the image, --platform) for this processor",
		[EXEC_FAILURE_NO_SHEBANG] = "begin it with #!/bin/sh or what it is written for",
		[EXEC_FAILURE_EMPTY_FILE] = "write it anew: a copy or a download did not finish",
		[EXEC_FAILURE_ONE_ARG_TOO_LONG] = "pass it by file or standard input",
		[EXEC_FAILURE_ARGS_TOO_LONG] = "use xargs or a file of arguments, and look for a huge environment",
		[EXEC_FAILURE_SYMLINK_LOOP] = "correct the links",
		[EXEC_FAILURE_INTERPRETER_LOOP] = "name the last interpreter in the first line",
		[EXEC_FAILURE_TEXT_BUSY] = "install beside and rename (mv) instead of writing into it",
		[EXEC_FAILURE_PROCESS_LIMIT] = "raise it (ulimit -u, LimitNPROC=) or find who has so many processes",
	};

	return f->known.reason && f->reason < sizeof(remedies) / sizeof(*remedies) ? remedies[f->reason] : NULL;
}

void exit_advise_exec(const struct observation *observation, struct verdict *ret)
{
	const struct failed_exec *f = &observation->exit.failed_exec;
	const char *remedy = remedy_of(f), *in = observation->container.known.id ? "   (inside the container)" : "";
	struct text text;

	if (remedy) {
		text = say_advice(ret);
		text_add(&text, remedy);
	}
	if (!f->known.filename || !say_path_is_whole(f->filename) || f->filename[0] != '/')
		return;
	text = say_verify(ret);
	if (f->known.reason &&
	    (f->reason == EXEC_FAILURE_CARRIAGE_RETURN || f->reason == EXEC_FAILURE_INTERPRETER_MISSING ||
	     f->reason == EXEC_FAILURE_INTERPRETER_DENIED || f->reason == EXEC_FAILURE_INTERPRETER_LOOP)) {
		text_add(&text, "head -n 1 ");
		text_shell(&text, f->filename, strlen(f->filename));
		text_add(&text, " | cat -A");
	} else {
		text_add(&text, f->known.reason && (f->reason == EXEC_FAILURE_WRONG_FORMAT ||
						    f->reason == EXEC_FAILURE_OTHER_MACHINE ||
						    f->reason == EXEC_FAILURE_LOADER_MISSING) ?
				"file -L " : "namei -l ");
		text_shell(&text, f->filename, strlen(f->filename));
	}
	text_add(&text, in);
	say_whole(&text, &ret->diagnosis.verify_count);
}

/* ---- a crash -------------------------------------------------------- */

/*
 * addr2line wants the address the file was linked for. In a shared object or a
 * position-independent program that is, as most linkers lay them out, the
 * offset; other programs run where they were linked, far below the rest.
 */
static void verify_source(const struct observation *observation, struct verdict *ret)
{
	const struct fault *f = &observation->exit.fault;
	uint64_t at, ip;
	struct text text;

	if (!f->known.mapping || f->mapping[0] != '/' || !say_path_is_whole(f->mapping) || !f->known.offset ||
	    f->known.line || (f->known.mapping_changed && f->mapping_changed))
		return;
	if (!exit_address(f->known.offset, f->offset, &at))
		return;
	if (exit_address(f->known.ip, f->ip, &ip) && ip < 0x10000000)
		at = ip;
	text = say_verify(ret);
	text_add(&text, "addr2line -Cfpie ");
	text_shell(&text, f->mapping, strlen(f->mapping));
	text_format(&text, " 0x%llx", (unsigned long long)at);
	text_add(&text, observation->container.known.id ? "   (with the file of the container)" :
							  "   (needs its debug information)");
	say_whole(&text, &ret->diagnosis.verify_count);
}

void exit_advise_crash(const struct observation *observation, struct verdict *ret)
{
	const struct exit *e = &observation->exit;
	struct text text;

	if (e->known.fault && e->fault.known.mapping_changed && e->fault.mapping_changed) {
		text = say_advice(ret);
		text_add(&text, "restart programs after an upgrade, and install by rename (mv), never by writing into "
				"a file that runs");
	}
	if (e->known.fault)
		verify_source(observation, ret);
	if (!e->known.core_dumped)
		return;
	if (e->core_dumped && observation->process.known.pid) {
		text = say_verify(ret);
		text_format(&text, "coredumpctl info %llu   (else: cat /proc/sys/kernel/core_pattern says where the core is)",
			    (unsigned long long)observation->process.pid);
	} else if (!e->core_dumped && e->known.core_limit_bytes && e->core_limit_bytes == BYTES_MAX) {
		text = say_advice(ret);
		text_add(&text, "its limit allowed a core: see /proc/sys/kernel/core_pattern, whether that place is "
				"writable, and whether the program is set-user-id or has made itself undumpable");
	} else if (!e->core_dumped) {
		text = say_advice(ret);
		text_add(&text, "for a backtrace next time, a core: ulimit -c unlimited (systemd: "
				"LimitCORE=infinity, docker run --ulimit core=-1)");
	}
}
