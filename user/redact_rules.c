// SPDX-License-Identifier: BSD-2-Clause
#include "redact_rules.h"

#include <stdint.h>
#include <string.h>

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))

#define PROGRAM(BIT, NAME) { REDACT_PROGRAM_##BIT, sizeof(NAME) - 1, NAME }

/* with their lengths: nearly every word of a command line is looked up here, and is none of these */
static const struct {
	unsigned int program;
	unsigned int length;
	char name[16];
} programs[] = {
	PROGRAM(MYSQL, "mysql"), PROGRAM(MYSQL, "mysqldump"), PROGRAM(MYSQL, "mysqladmin"),
	PROGRAM(MYSQL, "mysqlimport"), PROGRAM(MYSQL, "mysqlcheck"), PROGRAM(MYSQL, "mysqlshow"),
	PROGRAM(MYSQL, "mysqlslap"), PROGRAM(MYSQL, "mysqlpump"), PROGRAM(MYSQL, "mysqlbinlog"),
	PROGRAM(MYSQL, "mysqlsh"), PROGRAM(MYSQL, "mariadb"), PROGRAM(MYSQL, "mariadb-dump"),
	PROGRAM(MYSQL, "mariadb-admin"), PROGRAM(MYSQL, "mariadb-check"), PROGRAM(MYSQL, "mariadb-import"),
	PROGRAM(MYSQL, "mariadb-show"), PROGRAM(MYSQL, "mariadb-backup"),
	PROGRAM(SSHPASS, "sshpass"),
	PROGRAM(CURL, "curl"),
	PROGRAM(REDIS, "redis-cli"), PROGRAM(REDIS, "valkey-cli"),
	PROGRAM(OPENSSL, "openssl"),
	PROGRAM(REGISTRY, "docker"), PROGRAM(REGISTRY, "podman"), PROGRAM(REGISTRY, "nerdctl"),
	PROGRAM(REGISTRY, "buildah"), PROGRAM(REGISTRY, "skopeo"), PROGRAM(REGISTRY, "helm"),
	PROGRAM(REGISTRY, "oras"), PROGRAM(REGISTRY, "crane"), PROGRAM(REGISTRY, "az"),
	PROGRAM(LOGIN, "login"),
	PROGRAM(HTPASSWD, "htpasswd"),
	PROGRAM(MONGO, "mongo"), PROGRAM(MONGO, "mongosh"), PROGRAM(MONGO, "mongodump"),
	PROGRAM(MONGO, "mongorestore"), PROGRAM(MONGO, "mongoexport"), PROGRAM(MONGO, "mongoimport"),
	PROGRAM(SQLCMD, "sqlcmd"), PROGRAM(SQLCMD, "bcp"), PROGRAM(SQLCMD, "tsql"),
	PROGRAM(SAMBA, "smbclient"), PROGRAM(SAMBA, "rpcclient"),
	PROGRAM(LDAP, "ldapsearch"), PROGRAM(LDAP, "ldapmodify"), PROGRAM(LDAP, "ldapadd"),
	PROGRAM(LDAP, "ldapdelete"), PROGRAM(LDAP, "ldapwhoami"), PROGRAM(LDAP, "ldappasswd"),
	PROGRAM(ZIP, "zip"), PROGRAM(ZIP, "unzip"),
	PROGRAM(SEVENZIP, "7z"), PROGRAM(SEVENZIP, "7za"), PROGRAM(SEVENZIP, "7zr"),
	PROGRAM(LFTP, "lftp"),
	PROGRAM(PUTTY, "plink"), PROGRAM(PUTTY, "pscp"), PROGRAM(PUTTY, "psftp"),
	PROGRAM(SHELL, "sh"), PROGRAM(SHELL, "bash"), PROGRAM(SHELL, "dash"), PROGRAM(SHELL, "ash"),
	PROGRAM(SHELL, "ksh"), PROGRAM(SHELL, "mksh"), PROGRAM(SHELL, "zsh"), PROGRAM(SHELL, "fish"),
	PROGRAM(SHELL, "su"), PROGRAM(SHELL, "runuser"), PROGRAM(SHELL, "busybox"),
	PROGRAM(SHELL, "script"),
	PROGRAM(POSTGRES, "psql"), PROGRAM(POSTGRES, "pg_dump"), PROGRAM(POSTGRES, "pg_dumpall"),
	PROGRAM(POSTGRES, "pg_restore"), PROGRAM(POSTGRES, "pg_basebackup"),
};

static const struct redact_option options[] = {
	{ REDACT_PROGRAM_MYSQL, "-p", REDACT_ATTACHED, 0, "password" },
	{ REDACT_PROGRAM_SSHPASS, "-p", REDACT_NEXT | REDACT_ATTACHED, 0, "password" },
	{ REDACT_PROGRAM_CURL, "-u", REDACT_NEXT | REDACT_ATTACHED | REDACT_CLUSTER, ':', "password" },
	{ REDACT_PROGRAM_CURL, "--user", REDACT_NEXT | REDACT_ATTACHED, ':', "password" },
	{ REDACT_PROGRAM_CURL, "-U", REDACT_NEXT | REDACT_ATTACHED | REDACT_CLUSTER, ':', "password" },
	{ REDACT_PROGRAM_CURL, "--proxy-user", REDACT_NEXT | REDACT_ATTACHED, ':', "password" },
	{ REDACT_PROGRAM_CURL, "--oauth2-bearer", REDACT_NEXT | REDACT_ATTACHED, 0, "token" },
	{ REDACT_PROGRAM_REDIS, "-a", REDACT_NEXT, 0, "password" },
	{ REDACT_PROGRAM_OPENSSL, "-k", REDACT_NEXT, 0, "password" },
	{ REDACT_PROGRAM_OPENSSL, "-K", REDACT_NEXT, 0, "private-key" },
	{ REDACT_PROGRAM_LOGIN, "-p", REDACT_NEXT | REDACT_ATTACHED, 0, "password" },
	{ REDACT_PROGRAM_REGISTRY, "--creds", REDACT_NEXT | REDACT_ATTACHED, ':', "password" },
	{ REDACT_PROGRAM_REGISTRY, "--src-creds", REDACT_NEXT | REDACT_ATTACHED, ':', "password" },
	{ REDACT_PROGRAM_REGISTRY, "--dest-creds", REDACT_NEXT | REDACT_ATTACHED, ':', "password" },
	{ REDACT_PROGRAM_HTPASSWD, "-C", REDACT_NEXT | REDACT_CLUSTER, 0, NULL },
	{ REDACT_PROGRAM_HTPASSWD, "-r", REDACT_NEXT | REDACT_CLUSTER, 0, NULL },
	{ REDACT_PROGRAM_MONGO, "-p", REDACT_NEXT, 0, "password" },
	{ REDACT_PROGRAM_SQLCMD, "-P", REDACT_NEXT | REDACT_ATTACHED, 0, "password" },
	{ REDACT_PROGRAM_SAMBA, "-U", REDACT_NEXT | REDACT_ATTACHED, '%', "password" },
	{ REDACT_PROGRAM_SAMBA, "--user", REDACT_NEXT | REDACT_ATTACHED, '%', "password" },
	{ REDACT_PROGRAM_LDAP, "-w", REDACT_NEXT | REDACT_ATTACHED, 0, "password" },
	{ REDACT_PROGRAM_ZIP, "-P", REDACT_NEXT | REDACT_ATTACHED, 0, "password" },
	{ REDACT_PROGRAM_SEVENZIP, "-p", REDACT_ATTACHED, 0, "password" },
	{ REDACT_PROGRAM_LFTP, "-u", REDACT_NEXT | REDACT_ATTACHED, ',', "password" },
	{ REDACT_PROGRAM_PUTTY, "-pw", REDACT_NEXT, 0, "password" },
	{ REDACT_PROGRAM_ANY, "-setcookie", REDACT_NEXT, 0, "token" },
};

/*
 * What names a secret, also with separators between its words (api-key,
 * apiKey). The first row found in a name gives the rule, so keys come first:
 * AWS_SECRET_ACCESS_KEY.
 */
static const struct {
	const char *word;
	bool whole;		/* begins a word, too: DB_PASS but not BYPASS */
	const char *rule;
} secret_names[] = {
	{ "accesskey", false, "access-key" },
	{ "accountkey", false, "access-key" },
	{ "apikey", false, "api-key" },
	{ "privatekey", false, "private-key" },
	{ "passphrase", false, "password" },
	{ "password", false, "password" },
	{ "passwd", false, "password" },
	{ "mysqlpwd", true, "password" },
	{ "secret", false, "secret" },
	{ "token", false, "token" },
	{ "credential", false, "credential" },
	{ "authorization", true, "authorization" },
	{ "pass", true, "password" },
};

/* last words of names that tell about a secret but hold none: --password-file */
static const char harmless_names[] =
	"age algorithm arn audience cmd command count dir directory duration enabled encoder "
	"endpoint env expiration expires expiry fd field file format header hint id interval "
	"issuer label length lifetime limit location manager max min name path policy prompt "
	"provider ref required rotation scope size source stdin store timeout ttl type uri url "
	"validation version";

/* words of options that take no value: --ask-password */
static const char question_names[] =
	"allow ask disable enable force hide no prompt require show";

static const char authorization_schemes[] = "apikey basic bearer digest negotiate ntlm token";

#define TOKEN(PREFIX, MORE, ALSO, RULE) { PREFIX, sizeof(PREFIX) - 1, MORE, ALSO, RULE }

/* what the tokens of well-known makers begin with (AKIA is an id, no secret) */
static const struct {
	char prefix[12];
	size_t size;		/* of the prefix */
	size_t more;		/* characters that follow, unless the string was cut there */
	const char *also;	/* beside letters and digits */
	const char *rule;
} tokens[] = {
	TOKEN("ghp_", 6, "", "known-token"), TOKEN("gho_", 6, "", "known-token"),
	TOKEN("ghu_", 6, "", "known-token"), TOKEN("ghs_", 6, "", "known-token"),
	TOKEN("ghr_", 6, "", "known-token"), TOKEN("sk_live_", 6, "", "known-token"),
	TOKEN("sk_test_", 6, "", "known-token"), TOKEN("rk_live_", 6, "", "known-token"),
	TOKEN("github_pat_", 6, "-_.", "known-token"), TOKEN("xoxb-", 6, "-_.", "known-token"),
	TOKEN("xoxp-", 6, "-_.", "known-token"), TOKEN("xoxa-", 6, "-_.", "known-token"),
	TOKEN("xoxr-", 6, "-_.", "known-token"), TOKEN("xoxs-", 6, "-_.", "known-token"),
	TOKEN("xapp-", 6, "-_.", "known-token"), TOKEN("glpat-", 6, "-_.", "known-token"),
	TOKEN("glptt-", 6, "-_.", "known-token"),
	TOKEN("whsec_", 16, "-_", "known-token"), TOKEN("shpat_", 16, "-_", "known-token"),
	TOKEN("dckr_pat_", 16, "-_", "known-token"),
	TOKEN("sk-", 20, "-_", "known-token"), TOKEN("hvs.", 20, "-_", "known-token"),
	TOKEN("ya29.", 20, "-_", "known-token"),
	TOKEN("npm_", 30, "", "known-token"), TOKEN("hf_", 30, "", "known-token"),
	TOKEN("AIza", 30, "-_.", "known-token"), TOKEN("pypi-", 30, "-_.", "known-token"),
	TOKEN("SG.", 30, "-_.", "known-token"),
	TOKEN("eyJ", 17, "-_.", "jwt"),
};

bool ascii_is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static bool one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

/* fooBar: a word begins at B */
static bool is_hump(const char *at)
{
	return at[-1] >= 'a' && at[-1] <= 'z' && at[0] >= 'A' && at[0] <= 'Z';
}

/* whether word is, in any case, what these lower case letters are */
static bool same(const char *letters, const char *word, size_t length)
{
	size_t i = 0;

	while (i < length && letters[i] == lower(word[i]))
		i++;
	return i == length;
}

/* whether word, in any case, is one of the list's, which are parted by spaces */
static bool list_has(const char *list, const char *word, size_t length)
{
	for (const char *at = list; length && *at;) {
		size_t n = strcspn(at, " ");

		if (n == length && same(at, word, length))
			return true;
		at += n + (at[n] == ' ');
	}
	return false;
}

unsigned int redact_program_find(const char *word, size_t length)
{
	const char *slash = memrchr(word, '/', length);

	if (slash) {
		length -= slash + 1 - word;
		word = slash + 1;
	}
	for (size_t i = 0; i < COUNT(programs); i++) {
		if (programs[i].length == length && same(programs[i].name, word, length))
			return programs[i].program;
	}
	return 0;
}

/* -sSu, where option is -u */
static bool in_cluster(const char *word, size_t length, const char *option)
{
	if (length < 3 || word[length - 1] != option[1])
		return false;
	for (size_t i = 1; i < length; i++) {
		if (!ascii_is_letter(word[i]) && !ascii_is_digit(word[i]) && word[i] != '#')
			return false;
	}
	return true;
}

const struct redact_option *redact_option_find(unsigned int seen, const char *word,
					       size_t length, size_t *ret_value)
{
	for (size_t i = 0; i < COUNT(options); i++) {
		const struct redact_option *row = &options[i];
		bool is_long = row->option[1] == '-';
		size_t n;

		if (!(row->program & (seen | REDACT_PROGRAM_ANY)))
			continue;
		n = strlen(row->option);
		if (length >= n && !memcmp(word, row->option, n)) {
			if (length == n && (row->where & REDACT_NEXT)) {
				*ret_value = 0;
				return row;
			}
			if (length > n && (row->where & REDACT_ATTACHED) &&
			    (!is_long || word[n] == '=')) {
				*ret_value = n + is_long;
				return row;
			}
		}
		if ((row->where & REDACT_CLUSTER) && in_cluster(word, length, row->option)) {
			*ret_value = 0;
			return row;
		}
	}
	return NULL;
}

/* Length of word at the front of name, separators between its letters aside; 0: it is not there. */
static size_t name_match(const char *name, size_t length, const char *word)
{
	size_t n = 0;
	bool plural = !one_of(word[strlen(word) - 1], "n");

	for (; *word; n++) {
		if (n == length)
			return 0;
		if (lower(name[n]) == *word)
			word++;
		else if (!n || !one_of(name[n], "_-.") || !ascii_is_letter(name[n - 1]))
			return 0;
	}
	/* secrets are some, --max-tokens of a language model are not */
	if (plural && n < length && lower(name[n]) == 's')
		n++;
	if (n < length && ascii_is_letter(name[n]) && !is_hump(name + n))
		return 0;
	return n;
}

/* where the last word of a name begins */
static size_t last_word(const char *name, size_t end)
{
	size_t last = end;

	while (last && ascii_is_letter(name[last - 1])) {
		if (last < end && is_hump(name + last))
			break;
		last--;
	}
	return last;
}

/* the letters of a name, in any case, as a set */
static uint32_t letter_set(const char *name, size_t length)
{
	uint32_t set = 0;

	for (size_t i = 0; i < length; i++)
		set |= ascii_is_letter(name[i]) ? 1U << (name[i] & 31) : 0;
	return set;
}

static bool spelled_with(uint32_t set, const char *word)
{
	while (*word && set >> (*word & 31) & 1)
		word++;
	return !*word;
}

const char *redact_name_rule(const char *name, size_t length)
{
	uint32_t letters = letter_set(name, length);
	size_t last;

	while (length && !ascii_is_letter(name[length - 1]))
		length--;
	last = last_word(name, length);
	for (size_t row = 0; row < COUNT(secret_names); row++) {
		const char *word = secret_names[row].word;

		/* most names end here */
		if (!spelled_with(letters, word))
			continue;
		for (size_t i = 0; i < length; i++) {
			size_t n = lower(name[i]) == *word ?
					   name_match(name + i, length - i, word) : 0;
			bool inside = i && ascii_is_letter(name[i - 1]);

			if (!n || (secret_names[row].whole && i + n != length))
				continue;
			if (secret_names[row].whole && inside && !is_hump(name + i))
				continue;
			if (last < i + n || !list_has(harmless_names, name + last, length - last))
				return secret_names[row].rule;
			/* SECRET_ID: how Vault's AppRole calls a secret */
			if (!strcmp(word, "secret") && list_has("id", name + last, length - last) &&
			    last <= i + n + 1)
				return secret_names[row].rule;
			return NULL;
		}
	}
	return NULL;
}

bool redact_name_asks(const char *name, size_t length)
{
	while (length) {
		const char *dash = memchr(name, '-', length);
		size_t n = dash ? (size_t)(dash - name) : length;

		if (list_has(question_names, name, n))
			return true;
		name += n + !!dash;
		length -= n + !!dash;
	}
	return false;
}

bool redact_is_name(char c)
{
	return ascii_is_letter(c) || ascii_is_digit(c) || one_of(c, "_-.[]");
}

bool redact_option_is_command(const char *word)
{
	size_t n = strspn(word, "abcdefghijklmnopqrstuvwxyz-");

	return word[0] == '-' && word[1] != '-' && n > 1 && !word[n] && word[n - 1] == 'c';
}

bool redact_is_scheme(const char *word, size_t length)
{
	return list_has(authorization_schemes, word, length);
}

static size_t token_length(const char *string, size_t length, const char *prefix, size_t size,
			   const char *also)
{
	size_t n = size;

	if (length < size || memcmp(string, prefix, size))
		return 0;
	while (n < length && (ascii_is_letter(string[n]) || ascii_is_digit(string[n]) ||
			      one_of(string[n], also)))
		n++;
	return n;
}

size_t redact_token_find(const char *string, size_t length, bool cut, const char **ret_rule)
{
	for (size_t i = 0; i < COUNT(tokens); i++) {
		size_t size = tokens[i].size;
		size_t n = *tokens[i].prefix != *string ? 0 :
			token_length(string, length, tokens[i].prefix, size, tokens[i].also);
		bool whole = n >= size + tokens[i].more;

		if (!n)
			continue;
		/* a JSON Web Token has a header and a body */
		if (whole && !strcmp(tokens[i].rule, "jwt"))
			whole = memchr(string, '.', n);
		if (whole || (cut && n == length && n > size)) {
			*ret_rule = tokens[i].rule;
			return n;
		}
	}
	return 0;
}
