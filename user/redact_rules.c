// SPDX-License-Identifier: BSD-2-Clause
#include "redact_rules.h"

#include <string.h>

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))

static const struct {
	unsigned int program;
	const char *names;
} programs[] = {
	{ REDACT_PROGRAM_MYSQL, "mysql mysqldump mysqladmin mysqlimport mysqlcheck mysqlshow mysqlslap "
				"mysqlpump mysqlbinlog mysqlsh mariadb mariadb-dump mariadb-admin "
				"mariadb-check mariadb-import mariadb-show mariadb-backup" },
	{ REDACT_PROGRAM_SSHPASS, "sshpass" },
	{ REDACT_PROGRAM_CURL, "curl" },
	{ REDACT_PROGRAM_REDIS, "redis-cli valkey-cli" },
	{ REDACT_PROGRAM_OPENSSL, "openssl" },
	{ REDACT_PROGRAM_REGISTRY, "docker podman nerdctl buildah skopeo helm oras crane az" },
	{ REDACT_PROGRAM_LOGIN, "login" },
	{ REDACT_PROGRAM_HTPASSWD, "htpasswd" },
	{ REDACT_PROGRAM_MONGO, "mongo mongosh mongodump mongorestore mongoexport mongoimport" },
	{ REDACT_PROGRAM_SQLCMD, "sqlcmd bcp tsql" },
	{ REDACT_PROGRAM_SAMBA, "smbclient rpcclient" },
	{ REDACT_PROGRAM_LDAP, "ldapsearch ldapmodify ldapadd ldapdelete ldapwhoami ldappasswd" },
	{ REDACT_PROGRAM_ZIP, "zip unzip" },
	{ REDACT_PROGRAM_SEVENZIP, "7z 7za 7zr" },
	{ REDACT_PROGRAM_LFTP, "lftp" },
	{ REDACT_PROGRAM_PUTTY, "plink pscp psftp" },
	{ REDACT_PROGRAM_SHELL, "sh bash dash ash ksh mksh zsh fish su runuser busybox script" },
	{ REDACT_PROGRAM_POSTGRES, "psql pg_dump pg_dumpall pg_restore pg_basebackup" },
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

/* what the tokens of well-known makers begin with (AKIA is an id, no secret) */
static const struct {
	const char *prefixes;
	size_t more;		/* characters that follow, unless the string was cut there */
	const char *also;	/* beside letters and digits */
	const char *rule;
} token_prefixes[] = {
	{ "ghp_ gho_ ghu_ ghs_ ghr_ sk_live_ sk_test_ rk_live_", 6, "", "known-token" },
	{ "github_pat_ xoxb- xoxp- xoxa- xoxr- xoxs- xapp- glpat- glptt-", 6, "-_.", "known-token" },
	{ "whsec_ shpat_ dckr_pat_", 16, "-_", "known-token" },
	{ "sk- hvs. ya29.", 20, "-_", "known-token" },
	{ "npm_ hf_", 30, "", "known-token" },
	{ "AIza pypi- SG.", 30, "-_.", "known-token" },
	{ "eyJ", 17, "-_.", "jwt" },
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

/* whether word, in any case, is one of the list's, which are parted by spaces */
static bool list_has(const char *list, const char *word, size_t length)
{
	for (const char *at = list; *at;) {
		size_t n = strcspn(at, " "), i = 0;

		while (n == length && i < n && at[i] == lower(word[i]))
			i++;
		if (n && n == length && i == n)
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
		if (list_has(programs[i].names, word, length))
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
		size_t n = strlen(row->option);
		bool is_long = row->option[1] == '-';

		if (!(row->program & (seen | REDACT_PROGRAM_ANY)))
			continue;
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

const char *redact_name_rule(const char *name, size_t length)
{
	size_t last;

	while (length && !ascii_is_letter(name[length - 1]))
		length--;
	last = last_word(name, length);
	for (size_t row = 0; row < COUNT(secret_names); row++) {
		const char *word = secret_names[row].word;

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
	for (size_t row = 0; row < COUNT(token_prefixes); row++) {
		const char *prefix = token_prefixes[row].prefixes;

		while (*prefix) {
			size_t size = strcspn(prefix, " ");
			size_t n = *prefix != *string ? 0 :
				token_length(string, length, prefix, size, token_prefixes[row].also);
			bool whole = n >= size + token_prefixes[row].more;

			/* a JSON Web Token has a header and a body */
			if (whole && !strcmp(token_prefixes[row].rule, "jwt"))
				whole = memchr(string, '.', n);
			if (n && (whole || (cut && n == length && n > size))) {
				*ret_rule = token_prefixes[row].rule;
				return n;
			}
			prefix += size + (prefix[size] == ' ');
		}
	}
	return 0;
}
