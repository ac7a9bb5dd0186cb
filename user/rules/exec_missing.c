// SPDX-License-Identifier: BSD-2-Clause
#include "exec_file_rules.h"

#include <errno.h>
#include <string.h>

#include "exec_words.h"
#include "say.h"

/* ---- missing -------------------------------------------------------- */

bool exec_no_file_matches(const struct observation *observation)
{
	return exec_failed_for(observation, EXEC_FAILURE_NO_FILE);
}

/* a search along PATH: any one failure of it says nothing, all of them do */
static void search_explain(const struct observation *observation, struct verdict *ret)
{
	const char *filename = exec_filename(observation), *slash = filename ? strrchr(filename, '/') : NULL;
	const char *name = slash ? slash + 1 : filename;
	struct text text = say_cause(ret);

	text_add(&text, name && *name ? name : "the program");
	text_format(&text, " was looked for in %llu places, as a search along PATH does, and is in none of them",
		    (unsigned long long)observation->exec.attempts);
	exec_suggest(ret, "look at the spelling; install what has it; or give its whole path to who starts it");
	exec_suggest(ret, "where it works in a login shell: PATH of a systemd unit, of cron, sudo and of ssh HOST COMMAND is "
		    "shorter (Environment=PATH=..., or a whole path)");
	if (name && *name && exec_path_is_known(observation, filename)) {
		text = say_verify(ret);
		text_add(&text, "command -v -- ");
		text_shell(&text, name, strlen(name));
		text_add(&text, "   (with the PATH of the caller)");
		say_whole(&text, &ret->diagnosis.verify_count);
	}
	ret->severity = SEVERITY_WARNING;
	exec_conclude(observation, ret, BASIS_INFERRED, "a search along PATH did not find it");
}

static void advise_missing(const struct observation *observation, bool no_directory, struct verdict *ret)
{
	const struct exec *e = &observation->exec;
	const char *culprit = exec_culprit(observation), *filename = exec_filename(observation);

	if (no_directory) {
		exec_suggest(ret, "mend the path in what starts it: a name behind a file leads nowhere");
		return;
	}
	if (culprit && exec_is_above(culprit, filename))
		exec_suggest(ret, "see whether a volume is not mounted that has the directory: findmnt, systemctl --failed");
	else if (culprit && say_path_is_whole(culprit))
		exec_suggest(ret, "where a symbolic link leads there, it is left of something removed or upgraded");
	if (e->known.kernel_helper && e->kernel_helper)
		exec_suggest(ret, "the kernel was told this path: sysctl kernel.modprobe kernel.core_pattern");
	else if (observation->container.known.id)
		exec_suggest(ret, "the path is one inside the container: see whether its image has the file, or mend the path");
	else
		exec_suggest(ret, "install it, or mend the path in what starts it");
}

void exec_no_file_explain(const struct observation *observation, struct verdict *ret)
{
	const char *culprit = exec_culprit(observation);
	bool no_directory = culprit && exec_failed_with(observation, ENOTDIR);
	struct text text;

	if (exec_is_search(observation)) {
		search_explain(observation, ret);
		return;
	}
	text = say_cause(ret);
	exec_say_program(&text, observation);
	text_add(&text, culprit ? " cannot be reached: " : " does not exist");
	if (culprit) {
		exec_say_shown(&text, culprit);
		text_add(&text, no_directory ? " is not a directory" : " does not exist");
	}
	advise_missing(observation, no_directory, ret);
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
	const char *culprit = exec_culprit(observation), *interpreter = exec_interpreter(observation);
	struct text text = say_cause(ret);

	exec_say_program(&text, observation);
	text_add(&text, " is there, but ");
	if (interpreter) {
		text_add(&text, "its first line (#!) asks for ");
		say_path(&text, interpreter);
		text_add(&text, ", and ");
	}
	if (culprit && (!interpreter || strcmp(culprit, interpreter) != 0))
		exec_say_shown(&text, culprit);
	else
		text_add(&text, interpreter ? "that" : "the interpreter its first line (#!) asks for");
	text_add(&text, " does not exist");
	text = say_advice(ret);
	text_add(&text, "install ");
	exec_say_interpreter(&text, observation);
	text_add(&text, ", or let the first line name one that is there (#!/usr/bin/env NAME finds it along PATH)");
	exec_verify(observation, ret, "head -n 1 -- ", exec_filename(observation), "");
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
	const char *loader = exec_interpreter(observation), *culprit = exec_culprit(observation);
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
	exec_suggest(ret, words ? words[1] : "take the build for this system, or one that is linked statically");
	exec_verify(observation, ret, "readelf -lW -- ", exec_filename(observation), " | grep interpreter");
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
	bool by_name = !exec_interpreter(observation);
	struct text text = say_cause(ret);

	if (by_name) {
		exec_say_program(&text, observation);
		text_add(&text, " ends with a carriage return, and nothing has that name: it comes from a text with Windows "
				"line ends, as a script that begins with #!/usr/bin/env");
		exec_suggest(ret, "save the script that asked for it with Unix line ends: sed -i 's/\\r$//' SCRIPT");
	} else {
		exec_say_program(&text, observation);
		text_add(&text, " is saved with Windows line ends: its first line asks for an interpreter whose name ends with "
				"a carriage return, and there is none");
		exec_advise(observation, ret, "save it with Unix line ends: sed -i 's/\\r$//' -- ",
			    exec_filename(observation), "");
	}
	exec_suggest(ret, "where git makes it so: .gitattributes with *.sh text eol=lf");
	if (!by_name)
		exec_verify(observation, ret, "head -n 1 -- ", exec_filename(observation),
			    " | cat -A   (must not end with ^M$)");
	exec_conclude(observation, ret, BASIS_INFERRED, "Windows line ends (carriage return)");
}
