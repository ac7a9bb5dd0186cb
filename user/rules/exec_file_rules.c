// SPDX-License-Identifier: BSD-2-Clause
#include "exec_file_rules.h"

#include <errno.h>
#include <string.h>

#include "exec_words.h"
#include "say.h"

static const char *culprit_of(const struct observation *observation)
{
	const struct exec *e = &observation->exec;

	return e->known.culprit && *e->culprit ? e->culprit : NULL;
}

static const char *filename_of(const struct observation *observation)
{
	return observation->exec.known.filename ? observation->exec.filename : NULL;
}

static const char *interpreter_of(const struct observation *observation)
{
	const struct exec *e = &observation->exec;

	return e->known.interpreter && *e->interpreter ? e->interpreter : NULL;
}

/* the interpreter the file asks for, "its interpreter" where it is not known */
static void say_interpreter(struct text *text, const struct observation *observation)
{
	const char *path = interpreter_of(observation);

	if (path)
		say_path(text, path);
	else
		text_add(text, "its interpreter");
}

/* the path at fault: the culprit, or else the program */
static void say_fault(struct text *text, const struct observation *observation)
{
	const char *culprit = culprit_of(observation);

	if (culprit)
		say_path(text, culprit);
	else
		exec_say_program(text, observation);
}

static void advise(struct verdict *ret, const char *advice)
{
	struct text text = say_advice(ret);

	text_add(&text, advice);
}

/* ---- missing -------------------------------------------------------- */

bool exec_no_file_matches(const struct observation *observation)
{
	return exec_failed_for(observation, EXEC_FAILURE_NO_FILE);
}

/* a search along PATH: any one failure of it says nothing, all of them do */
static void search_explain(const struct observation *observation, struct verdict *ret)
{
	const char *filename = filename_of(observation), *slash = filename ? strrchr(filename, '/') : NULL;
	const char *name = slash ? slash + 1 : filename;
	struct text text = say_cause(ret);

	text_add(&text, name && *name ? name : "the program");
	text_format(&text, " was looked for in %llu places, as a search along PATH does, and is in none of them",
		    (unsigned long long)observation->exec.attempts);
	advise(ret, "look at the spelling; install what has it; or give its whole path to who starts it");
	advise(ret, "where it works in a login shell: PATH of a systemd unit, of cron, sudo and of ssh HOST COMMAND is "
		    "shorter (Environment=PATH=..., or a whole path)");
	if (name && *name && strlen(filename) + 4 < sizeof(observation->exec.filename)) {
		text = say_verify(ret);
		text_add(&text, "command -v -- ");
		text_shell(&text, name, strlen(name));
		text_add(&text, "   (with the PATH of the caller)");
		say_whole(&text, &ret->diagnosis.verify_count);
	}
	ret->severity = SEVERITY_WARNING;
	exec_conclude(observation, ret, BASIS_INFERRED, "a search along PATH did not find it");
}

void exec_no_file_explain(const struct observation *observation, struct verdict *ret)
{
	const struct exec *e = &observation->exec;
	const char *culprit = culprit_of(observation);
	bool no_directory = culprit && exec_failed_with(observation, ENOTDIR);
	struct text text;

	if (e->known.attempts && e->attempts > 1) {
		search_explain(observation, ret);
		return;
	}
	text = say_cause(ret);
	exec_say_program(&text, observation);
	text_add(&text, culprit ? " cannot be reached: " : " does not exist");
	if (culprit) {
		say_path(&text, culprit);
		text_add(&text, no_directory ? " is not a directory" : " does not exist");
	}
	if (no_directory)
		advise(ret, "mend the path in what starts it: a name behind a file leads nowhere");
	else if (culprit)
		advise(ret, "a directory that is not there may be a volume that is not mounted; a link that leads nowhere "
			    "is left of something removed or upgraded");
	advise(ret, observation->container.known.id ?
		       "the path is one inside the container: see whether its image has the file, or mend the path" :
		       "install it, or mend the path in what starts it");
	exec_verify(observation, ret, "ls -ld -- ", exec_fault(observation), "");
	exec_conclude(observation, ret, BASIS_INFERRED, no_directory ? "a part of its path is not a directory" :
		      culprit ? "a part of the way to it is missing" : "it does not exist");
}

bool exec_interpreter_matches(const struct observation *observation)
{
	return exec_failed_for(observation, EXEC_FAILURE_INTERPRETER_MISSING);
}

void exec_interpreter_explain(const struct observation *observation, struct verdict *ret)
{
	const char *culprit = culprit_of(observation), *interpreter = interpreter_of(observation);
	struct text text = say_cause(ret);

	exec_say_program(&text, observation);
	text_add(&text, " is there, but its first line (#!) asks for ");
	say_interpreter(&text, observation);
	text_add(&text, ", and ");
	if (culprit && interpreter && strcmp(culprit, interpreter) != 0)
		say_path(&text, culprit);
	else
		text_add(&text, "that");
	text_add(&text, " does not exist");
	text = say_advice(ret);
	text_add(&text, "install ");
	say_interpreter(&text, observation);
	text_add(&text, ", or let the first line name one that is there (#!/usr/bin/env NAME finds it along PATH)");
	exec_verify(observation, ret, "head -n 1 -- ", filename_of(observation), "");
	exec_verify(observation, ret, "ls -ld -- ", culprit ? culprit : interpreter, "");
	exec_conclude(observation, ret, BASIS_INFERRED, "the interpreter it asks for is missing");
}

bool exec_loader_matches(const struct observation *observation)
{
	return exec_failed_for(observation, EXEC_FAILURE_LOADER_MISSING);
}

/* what a loader's name tells of the build; the second is what to do */
static const char *const *loader_words(const char *loader)
{
	static const char *const table[][3] = {
		{ "ld-musl", "it was built for musl (Alpine), and this system has another C library",
		  "take the build for glibc, or one that is linked statically; on Debian: apt install musl" },
		{ "/ld-linux.so.2", "it is a 32-bit x86 program, and the 32-bit C library is not installed",
		  "install the 32-bit libraries (dpkg --add-architecture i386 and libc6:i386; glibc.i686), or take the "
		  "64-bit build" },
		{ "ld-linux-armhf", "it is a 32-bit ARM program, and the 32-bit C library is not installed",
		  "install libc6:armhf, or take the 64-bit build" },
		{ "/nix/store/", "it was built for a Nix store that is not here",
		  "take a build for this system, or set the loader: patchelf --set-interpreter" },
		{ "/ld-linux", "it was built for glibc, and this system has another C library (Alpine) or none (an image "
		  "from scratch)", "link it statically (CGO_ENABLED=0 for Go), take the build for musl, or an image that has "
		  "glibc" },
	};

	for (size_t i = 0; loader && i < sizeof(table) / sizeof(table[0]); i++)
		if (strstr(loader, table[i][0]))
			return table[i] + 1;
	return NULL;
}

void exec_loader_explain(const struct observation *observation, struct verdict *ret)
{
	const char *loader = interpreter_of(observation), *culprit = culprit_of(observation);
	const char *const *words = loader_words(loader ? loader : culprit);
	struct text text = say_cause(ret);

	exec_say_program(&text, observation);
	text_add(&text, " is there, but the loader it asks for");
	if (loader || culprit) {
		text_add(&text, ", ");
		say_path(&text, loader ? loader : culprit);
		text_add(&text, ",");
	}
	text_format(&text, " is missing: %s", words ? words[0] : "it was built for another C library or word size");
	advise(ret, words ? words[1] : "take the build for this system, or one that is linked statically");
	exec_verify(observation, ret, "readelf -lW -- ", filename_of(observation), " | grep interpreter");
	exec_verify(observation, ret, "ls -ld -- ", culprit ? culprit : loader, "");
	exec_conclude(observation, ret, BASIS_INFERRED, "the loader it asks for is missing");
}

bool exec_return_matches(const struct observation *observation)
{
	return exec_failed_for(observation, EXEC_FAILURE_CARRIAGE_RETURN);
}

void exec_return_explain(const struct observation *observation, struct verdict *ret)
{
	/* #!/usr/bin/env NAME: it is env that asks for "NAME\r", and the script is the one that env runs */
	bool by_name = !interpreter_of(observation);
	struct text text = say_cause(ret);

	if (by_name) {
		exec_say_program(&text, observation);
		text_add(&text, " ends with a carriage return, and nothing has that name: it comes from a text with Windows "
				"line ends, as a script that begins with #!/usr/bin/env");
		advise(ret, "save the script that asked for it with Unix line ends: sed -i 's/\\r$//' SCRIPT");
	} else {
		exec_say_program(&text, observation);
		text_add(&text, " is saved with Windows line ends: its first line asks for an interpreter whose name ends with "
				"a carriage return, and there is none");
		exec_advise(observation, ret, "save it with Unix line ends: sed -i 's/\\r$//' -- ",
			    filename_of(observation), "");
	}
	advise(ret, "where git makes it so: .gitattributes with *.sh text eol=lf");
	if (!by_name)
		exec_verify(observation, ret, "head -n 1 -- ", filename_of(observation),
			    " | cat -A   (must not end with ^M$)");
	exec_conclude(observation, ret, BASIS_INFERRED, "Windows line ends (carriage return)");
}

/* ---- denied --------------------------------------------------------- */

/* "must say yes", asked as the user */
static void verify_as_user(const struct observation *observation, struct verdict *ret, const char *path)
{
	const struct process *p = &observation->process;
	char before[64];
	struct text text = TEXT_ON(before);

	if (!p->known.uid)
		return;
	text_format(&text, "sudo -u '#%llu' test -x ", (unsigned long long)p->uid);
	exec_verify(observation, ret, before, path, " && echo yes");
}

bool exec_mode_matches(const struct observation *observation)
{
	return exec_failed_for(observation, EXEC_FAILURE_NOT_EXECUTABLE);
}

void exec_mode_explain(const struct observation *observation, struct verdict *ret)
{
	struct text text = say_cause(ret);

	say_fault(&text, observation);
	text_add(&text, " has no execute permission (x) for ");
	exec_say_user(&text, observation);
	exec_advise(observation, ret, "chmod +x -- ", exec_fault(observation), "");
	advise(ret, "for good, where it comes from: git update-index --chmod=+x, COPY --chmod=755, install -m 755; a script "
		    "can be started without: sh FILE");
	verify_as_user(observation, ret, exec_fault(observation));
	exec_verify(observation, ret, "ls -l -- ", exec_fault(observation), "");
	exec_conclude(observation, ret, BASIS_INFERRED, "it has no execute permission");
}

bool exec_mount_matches(const struct observation *observation)
{
	return exec_failed_for(observation, EXEC_FAILURE_NOEXEC_MOUNT);
}

void exec_mount_explain(const struct observation *observation, struct verdict *ret)
{
	struct text text = say_cause(ret);

	say_fault(&text, observation);
	text_add(&text, " is on a file system mounted noexec: the kernel executes nothing from there, whatever the modes "
			"and the user are");
	advise(ret, "put the program elsewhere (/usr/local/bin, /opt); a program that unpacks itself into /tmp takes "
		    "another place from TMPDIR");
	advise(ret, "only if noexec is not meant: mount -o remount,exec TARGET, and /etc/fstab or the volume's options");
	exec_verify(observation, ret, "findmnt -o TARGET,OPTIONS -T ", exec_fault(observation), "");
	exec_conclude(observation, ret, BASIS_INFERRED, "its file system is mounted noexec");
}

bool exec_type_matches(const struct observation *observation)
{
	return exec_failed_for(observation, EXEC_FAILURE_NOT_A_FILE);
}

void exec_type_explain(const struct observation *observation, struct verdict *ret)
{
	struct text text = say_cause(ret);

	say_fault(&text, observation);
	text_add(&text, " is not a file that could be executed, but a directory, a device, a FIFO or a socket");
	advise(ret, "name the program and not its directory; a volume mounted over a file that was not there makes a "
		    "directory of it, as docker -v does");
	exec_verify(observation, ret, "stat -c '%F  %n' -- ", exec_fault(observation), "");
	exec_conclude(observation, ret, BASIS_INFERRED, "it is not a file");
}

bool exec_search_matches(const struct observation *observation)
{
	return exec_failed_for(observation, EXEC_FAILURE_SEARCH_DENIED);
}

void exec_search_explain(const struct observation *observation, struct verdict *ret)
{
	const struct process *p = &observation->process;
	const char *culprit = culprit_of(observation);
	char before[64];
	struct text text = say_cause(ret);

	exec_say_user(&text, observation);
	text_add(&text, " may not pass through ");
	if (culprit)
		say_path(&text, culprit);
	else
		text_add(&text, "a directory");
	text_add(&text, " on the way to ");
	exec_say_program(&text, observation);
	text_add(&text, ": the directory has no search permission (x) for it");
	text = (struct text)TEXT_ON(before);
	text_add(&text, "let the user pass: setfacl -m u:");
	text_format(&text, p->known.uid ? "%llu:x -- " : "USER:x -- ", (unsigned long long)p->uid);
	exec_advise(observation, ret, before, culprit, "  (or chmod o+x, for everybody)");
	advise(ret, "or put the program where every user may go; below /home and /root most may not");
	exec_verify(observation, ret, "namei -l -- ", filename_of(observation), "");
	verify_as_user(observation, ret, filename_of(observation));
	exec_conclude(observation, ret, BASIS_INFERRED, "a directory on the way is closed to its user");
}

bool exec_denied_matches(const struct observation *observation)
{
	return exec_failed_for(observation, EXEC_FAILURE_INTERPRETER_DENIED);
}

void exec_denied_explain(const struct observation *observation, struct verdict *ret)
{
	const char *culprit = culprit_of(observation), *interpreter = interpreter_of(observation);
	struct text text = say_cause(ret);

	exec_say_program(&text, observation);
	text_add(&text, " may be executed, but ");
	say_interpreter(&text, observation);
	text_add(&text, interpreter ? ", the interpreter or loader it asks for, may not" : " or loader may not");
	if (culprit && interpreter && strcmp(culprit, interpreter) != 0) {
		text_add(&text, ", because of ");
		say_path(&text, culprit);
	}
	text_add(&text, ": no x permission for ");
	exec_say_user(&text, observation);
	text_add(&text, ", a file system mounted noexec, or no file");
	exec_advise(observation, ret, "see which of them: namei -l ", culprit ? culprit : interpreter,
		    "; findmnt -o TARGET,OPTIONS -T of the same");
	advise(ret, "install the interpreter where everybody may execute it, or name another one in the first line (#!)");
	verify_as_user(observation, ret, interpreter);
	exec_conclude(observation, ret, BASIS_INFERRED, "its interpreter may not be executed");
}

/* ---- format --------------------------------------------------------- */

bool exec_format_matches(const struct observation *observation)
{
	return exec_failed_for(observation, EXEC_FAILURE_WRONG_FORMAT);
}

void exec_format_explain(const struct observation *observation, struct verdict *ret)
{
	struct text text = say_cause(ret);

	say_fault(&text, observation);
	text_add(&text, " is no program: neither a sound ELF executable, nor a script with an interpreter in its first "
			"line");
	advise(ret, "see what it is; a download that was cut or is a web page of an error, an archive not unpacked, an "
		    "object file (.o) or a #! line without a name are the usual ones");
	exec_verify(observation, ret, "file -- ", exec_fault(observation), "");
	exec_conclude(observation, ret, BASIS_INFERRED, "it is no program");
}

bool exec_machine_matches(const struct observation *observation)
{
	return exec_failed_for(observation, EXEC_FAILURE_OTHER_MACHINE);
}

void exec_machine_explain(const struct observation *observation, struct verdict *ret)
{
	struct text text = say_cause(ret);

	say_fault(&text, observation);
	text_add(&text, " was built for another machine (architecture) than this kernel runs");
	advise(ret, "take the build for this machine: uname -m; of an image: docker pull --platform linux/amd64 or "
		    "linux/arm64, kubectl get nodes -L kubernetes.io/arch");
	advise(ret, "or emulate the other one: qemu-user-static, registered with binfmt_misc");
	exec_verify(observation, ret, "file -L -- ", exec_fault(observation), "; uname -m");
	exec_conclude(observation, ret, BASIS_INFERRED, "it was built for another machine");
}

bool exec_text_matches(const struct observation *observation)
{
	return exec_failed_for(observation, EXEC_FAILURE_NO_SHEBANG);
}

/* a shell goes on by itself: whether the work was refused depends on who asked */
void exec_text_explain(const struct observation *observation, struct verdict *ret)
{
	struct text text = say_cause(ret);

	say_fault(&text, observation);
	text_add(&text, " is text without a first line that names its interpreter (#!): a shell then reads it itself, other "
			"callers (systemd, subprocess, an entrypoint) give up");
	advise(ret, "write #!/bin/sh, or what it is written for, as its very first characters: no empty line, no blank and "
		    "no byte order mark before");
	exec_verify(observation, ret, "head -c 64 -- ", exec_fault(observation), " | od -c | head -n 4");
	ret->severity = SEVERITY_WARNING;
	exec_conclude(observation, ret, BASIS_INFERRED, "a text without #!");
}

bool exec_empty_matches(const struct observation *observation)
{
	return exec_failed_for(observation, EXEC_FAILURE_EMPTY_FILE);
}

void exec_empty_explain(const struct observation *observation, struct verdict *ret)
{
	struct text text = say_cause(ret);

	say_fault(&text, observation);
	text_add(&text, " is empty: there is nothing in it to execute (a shell takes it for a script without a line, and "
			"reports success)");
	advise(ret, "write or deploy it again; a full disk, a copy that was cut or a crash before the data reached the disk "
		    "leave such files: df -h, df -i");
	exec_verify(observation, ret, "stat -c '%s bytes  %y  %n' -- ", exec_fault(observation), "");
	exec_conclude(observation, ret, BASIS_INFERRED, "it is empty");
}

/* ---- loops ---------------------------------------------------------- */

bool exec_links_matches(const struct observation *observation)
{
	return exec_failed_for(observation, EXEC_FAILURE_SYMLINK_LOOP);
}

void exec_links_explain(const struct observation *observation, struct verdict *ret)
{
	struct text text = say_cause(ret);

	exec_say_program(&text, observation);
	text_add(&text, " leads through symbolic links that never end");
	if (culprit_of(observation)) {
		text_add(&text, "; one of them is ");
		say_path(&text, culprit_of(observation));
	}
	exec_advise(observation, ret, "make one of them lead to a file: namei ", exec_fault(observation),
		    " shows where each leads");
	advise(ret, "update-alternatives, a package half upgraded or ln -s run twice leave such links");
	exec_verify(observation, ret, "readlink -e -- ", exec_fault(observation), "   (must print a path)");
	exec_conclude(observation, ret, BASIS_INFERRED, "its symbolic links lead in a circle");
}

bool exec_scripts_matches(const struct observation *observation)
{
	return exec_failed_for(observation, EXEC_FAILURE_INTERPRETER_LOOP);
}

void exec_scripts_explain(const struct observation *observation, struct verdict *ret)
{
	struct text text = say_cause(ret);

	exec_say_program(&text, observation);
	text_add(&text, " is a script whose interpreter is a script, and so on: the kernel goes no more than four or five "
			"deep");
	if (interpreter_of(observation)) {
		text_add(&text, "; its first line asks for ");
		say_path(&text, interpreter_of(observation));
	}
	advise(ret, "let the first line (#!) name a program that is no script; one that names the script itself, a wrapper "
		    "installed in place of the interpreter, is the usual one");
	exec_verify(observation, ret, "head -n 1 -- ", filename_of(observation), "");
	exec_verify(observation, ret, "file -L -- ", interpreter_of(observation), "");
	exec_conclude(observation, ret, BASIS_INFERRED, "its interpreter is a script, and so on");
}
