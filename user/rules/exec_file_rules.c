// SPDX-License-Identifier: BSD-2-Clause
#include "exec_file_rules.h"

#include <string.h>

#include "exec_words.h"
#include "say.h"

/* the path at fault: the culprit, or else the program */
static void say_fault(struct text *text, const struct observation *observation)
{
	const char *culprit = exec_culprit(observation);

	if (culprit)
		exec_say_shown(text, culprit);
	else
		exec_say_program(text, observation);
}

/* ---- denied --------------------------------------------------------- */

/* "must say yes", asked as the user */
static void verify_as_user(const struct observation *observation, struct verdict *ret, const char *path)
{
	const struct process *p = &observation->process;
	char before[64];
	struct text text = TEXT_ON(before);

	/* root may do what its capabilities say, and sudo to root has them all */
	if (!p->known.uid || !p->uid)
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
	exec_suggest(ret, "for good, where it comes from: git update-index --chmod=+x, COPY --chmod=755, install -m 755; a script "
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
	exec_suggest(ret, "put the program elsewhere (/usr/local/bin, /opt); a program that unpacks itself into /tmp takes "
		    "another place from TMPDIR");
	exec_suggest(ret, "only if noexec is not meant: mount -o remount,exec TARGET, and /etc/fstab or the volume's options");
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
	exec_suggest(ret, "name the program and not its directory; a volume mounted over a file that was not there makes a "
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
	const char *culprit = exec_culprit(observation);
	char before[64];
	struct text text = say_cause(ret);

	exec_say_user(&text, observation);
	text_add(&text, " may not pass through ");
	if (culprit)
		exec_say_shown(&text, culprit);
	else
		text_add(&text, "a directory");
	text_add(&text, " on the way to ");
	exec_say_program(&text, observation);
	text_add(&text, ": the directory has no search permission (x) for it");
	text = (struct text)TEXT_ON(before);
	text_add(&text, "let the user pass: setfacl -m u:");
	text_format(&text, p->known.uid ? "%llu:x -- " : "USER:x -- ", (unsigned long long)p->uid);
	exec_advise(observation, ret, before, culprit, "  (or chmod o+x, for everybody)");
	exec_suggest(ret, "put the program where every user may go; below /home and /root most may not");
	exec_verify(observation, ret, "namei -l -- ", exec_filename(observation), "");
	verify_as_user(observation, ret, exec_filename(observation));
	exec_conclude(observation, ret, BASIS_INFERRED, "a directory on the way is closed to its user");
}

bool exec_denied_matches(const struct observation *observation)
{
	return exec_failed_for(observation, EXEC_FAILURE_INTERPRETER_DENIED);
}

void exec_denied_explain(const struct observation *observation, struct verdict *ret)
{
	const char *culprit = exec_culprit(observation), *interpreter = exec_interpreter(observation);
	/* of a directory at fault the whole way is to be seen */
	const char *path = !culprit || exec_is_above(culprit, interpreter) ? interpreter : culprit;
	struct text text = say_cause(ret);

	exec_say_program(&text, observation);
	text_add(&text, " may be executed, but ");
	exec_say_interpreter(&text, observation);
	text_add(&text, interpreter ? ", the interpreter or loader it asks for, may not" : " or loader may not");
	if (culprit && interpreter && strcmp(culprit, interpreter) != 0) {
		text_add(&text, ", because of ");
		exec_say_shown(&text, culprit);
	}
	text_add(&text, ": no x permission for ");
	exec_say_user(&text, observation);
	text_add(&text, ", a file system mounted noexec, or no file");
	exec_advise(observation, ret, "see which of them it is: namei -l ", path, "");
	exec_suggest(ret, "install the interpreter where everybody may execute it, or name another one in the first line (#!)");
	exec_verify(observation, ret, "findmnt -o TARGET,OPTIONS -T ", path, "");
	verify_as_user(observation, ret, path);
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
	exec_suggest(ret, "see what it is; a download that was cut or is a web page of an error, an archive not unpacked, an "
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
	exec_suggest(ret, "take the build for this machine: uname -m; of an image: docker pull --platform linux/amd64 or "
		    "linux/arm64, kubectl get nodes -L kubernetes.io/arch");
	exec_suggest(ret, "or emulate the other one: qemu-user-static, registered with binfmt_misc");
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
	exec_suggest(ret, "write #!/bin/sh, or what it is written for, as its very first characters: no empty line, no blank and "
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
	exec_suggest(ret, "write or deploy it again; a full disk, a copy that was cut or a crash before the data reached the disk "
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
	if (exec_culprit(observation)) {
		text_add(&text, "; one of them is ");
		exec_say_shown(&text, exec_culprit(observation));
	}
	exec_advise(observation, ret, "make one of them lead to a file: namei ", exec_fault(observation),
		    " shows where each leads");
	exec_suggest(ret, "update-alternatives, a package half upgraded or ln -s run twice leave such links");
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
	if (exec_interpreter(observation)) {
		text_add(&text, "; its first line asks for ");
		say_path(&text, exec_interpreter(observation));
	}
	exec_suggest(ret, "let the first line (#!) name a program that is no script; one that names the script itself, a wrapper "
		    "installed in place of the interpreter, is the usual one");
	exec_verify(observation, ret, "head -n 1 -- ", exec_filename(observation), "");
	exec_verify(observation, ret, "file -L -- ", exec_interpreter(observation), "");
	exec_conclude(observation, ret, BASIS_INFERRED, "its interpreter is a script, and so on");
}
