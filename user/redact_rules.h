/* SPDX-License-Identifier: BSD-2-Clause */
/* What a secret looks like: tables of names, options and tokens, and look-ups in them. */
#ifndef KWHY_REDACT_RULES_H
#define KWHY_REDACT_RULES_H

#include <stdbool.h>
#include <stddef.h>

/* programs whose options tell secrets, bits of a set: sudo, env, timeout run them too */
enum redact_program {
	REDACT_PROGRAM_MYSQL = 1 << 0,
	REDACT_PROGRAM_SSHPASS = 1 << 1,
	REDACT_PROGRAM_CURL = 1 << 2,
	REDACT_PROGRAM_REDIS = 1 << 3,
	REDACT_PROGRAM_OPENSSL = 1 << 4,
	REDACT_PROGRAM_REGISTRY = 1 << 5,
	REDACT_PROGRAM_LOGIN = 1 << 6,		/* counts only after one of REGISTRY */
	REDACT_PROGRAM_HTPASSWD = 1 << 7,
	REDACT_PROGRAM_MONGO = 1 << 8,
	REDACT_PROGRAM_SQLCMD = 1 << 9,
	REDACT_PROGRAM_SAMBA = 1 << 10,
	REDACT_PROGRAM_LDAP = 1 << 11,
	REDACT_PROGRAM_ZIP = 1 << 12,
	REDACT_PROGRAM_SEVENZIP = 1 << 13,
	REDACT_PROGRAM_LFTP = 1 << 14,
	REDACT_PROGRAM_PUTTY = 1 << 15,
	REDACT_PROGRAM_SHELL = 1 << 16,
	REDACT_PROGRAM_POSTGRES = 1 << 17,
	REDACT_PROGRAM_ANY = 1 << 18,
};

/* where an option has its value */
enum redact_where {
	REDACT_NEXT = 1 << 0,
	REDACT_ATTACHED = 1 << 1,	/* -pVALUE, --creds=VALUE */
	REDACT_CLUSTER = 1 << 2,	/* last of several short options: -sSu VALUE */
};

struct redact_option {
	unsigned int program;
	const char *option;
	unsigned int where;
	char separator;		/* user:password: only what follows it */
	const char *rule;	/* NULL: the value is no secret, but no operand either */
};

bool ascii_is_letter(char c);
bool ascii_is_digit(char c);

/* The bit of the program that word, a path or a name, is; 0: no special one. */
unsigned int redact_program_find(const char *word, size_t length);

/*
 * The row of an option of these programs. ret_value is where in the word its
 * value begins, 0 when that is the next word.
 */
const struct redact_option *redact_option_find(unsigned int programs, const char *word,
					       size_t length, size_t *ret_value);

/* The rule for what is called so: DB_PASSWORD, --api-key, clientSecret, user[password]; or NULL. */
const char *redact_name_rule(const char *name, size_t length);

/* --ask-password: takes no value */
bool redact_name_asks(const char *name, size_t length);

/* what names are made of */
bool redact_is_name(char c);

/* sh -c, bash -lc: a command follows */
bool redact_option_is_command(const char *word);

/* Bearer, Basic: what may stand between "Authorization:" and the secret */
bool redact_is_scheme(const char *word, size_t length);

/*
 * Length of the token that string begins with, 0 for none. cut: the string
 * may go on, so that any beginning of a token will do.
 */
size_t redact_token_find(const char *string, size_t length, bool cut, const char **ret_rule);

#endif
