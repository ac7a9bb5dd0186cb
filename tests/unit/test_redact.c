// SPDX-License-Identifier: BSD-2-Clause
/* Secrets as they stand in command lines, and what only looks like them. */
#include "user/redact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))
#define ARGS 8
#define TEN "abcdefghij"
#define PASSWORD "<redacted:password>"

struct row {
	const char *before[ARGS], *after[ARGS];
};

/* nothing is redacted */
#define KEPT(...) { { __VA_ARGS__ }, { __VA_ARGS__ } }

static const struct row rows[] = {
	/* options by name */
	{ { "x", "--password=hunter2" }, { "x", "--password=" PASSWORD } },
	{ { "x", "--password=my own phrase" }, { "x", "--password=" PASSWORD } },
	{ { "x", "--password", "hunter2", "db" }, { "x", "--password", PASSWORD, "db" } },
	{ { "x", "--Password=hunter2" }, { "x", "--Password=" PASSWORD } },
	{ { "x", "-password", "hunter2" }, { "x", "-password", PASSWORD } },
	KEPT("x", "--password", "--verbose"),
	KEPT("x", "--password"),
	KEPT("x", "--password="),
	KEPT("x", "--password=", "db"),
	KEPT("x", "--password-file=/run/secrets/db"),
	KEPT("x", "--password-file", "/run/secrets/db"),
	KEPT("x", "--password-stdin", "user"),
	KEPT("x", "--ask-password", "user"),
	KEPT("x", "--tokenizer=bert"),
	KEPT("x", "--tokenizer", "bert"),
	KEPT("x", "--max-tokens=4096"),
	{ { "x", "--token=t0k3n" }, { "x", "--token=<redacted:token>" } },
	{ { "x", "--api-key=k" }, { "x", "--api-key=<redacted:api-key>" } },
	{ { "x", "--apiKey", "k" }, { "x", "--apiKey", "<redacted:api-key>" } },
	KEPT("x", "--client-secret", "-s"),
	{ { "java", "-Djavax.net.ssl.keyStorePassword=changeit" },
	  { "java", "-Djavax.net.ssl.keyStorePassword=" PASSWORD } },
	KEPT("java", "-Djavax.net.ssl.keyStorePath=/etc/keys"),
	KEPT("gcc", "-DSECRET", "main.c"),
	KEPT("ffmpeg", "-pass", "1"),
	{ { "x", "--pass", "hunter2" }, { "x", "--pass", PASSWORD } },
	KEPT("x", "--bypass=yes"),
	{ { "x", "-\xff\xfepassword=\xff\xfe" }, { "x", "-\xff\xfepassword=" PASSWORD } },

	/* variables */
	KEPT("env", "PWD=/home/joe", "OLDPWD=/", "MONKEY=banana", "KEYBOARD=de"),
	{ { "env", "PGPASSWORD=hunter2", "psql" }, { "env", "PGPASSWORD=" PASSWORD, "psql" } },
	{ { "env", "MYSQL_PWD=hunter2" }, { "env", "MYSQL_PWD=" PASSWORD } },
	{ { "env", "DB_PASS=hunter2" }, { "env", "DB_PASS=" PASSWORD } },
	{ { "env", "DB_PASSWORD_2=hunter2" }, { "env", "DB_PASSWORD_2=" PASSWORD } },
	KEPT("env", "DB_PASSWORD_FILE=/run/x"),
	{ { "env", "db_passwd=hunter2" }, { "env", "db_passwd=" PASSWORD } },
	KEPT("env", "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE"),
	{ { "env", "AWS_SECRET_ACCESS_KEY=wJalr/K7" },
	  { "env", "AWS_SECRET_ACCESS_KEY=<redacted:access-key>" } },
	{ { "env", "GITHUB_TOKEN=t" }, { "env", "GITHUB_TOKEN=<redacted:token>" } },
	{ { "env", "STRIPE_APIKEY=t" }, { "env", "STRIPE_APIKEY=<redacted:api-key>" } },
	{ { "env", "SSH_PRIVATE_KEY=t" }, { "env", "SSH_PRIVATE_KEY=<redacted:private-key>" } },
	{ { "env", "APP_CREDENTIALS=t" }, { "env", "APP_CREDENTIALS=<redacted:credential>" } },
	{ { "docker", "run", "-e", "DB_PASSWORD=x y" },
	  { "docker", "run", "-e", "DB_PASSWORD=" PASSWORD } },
	{ { "docker", "run", "--env=DB_PASSWORD=x y" },
	  { "docker", "run", "--env=DB_PASSWORD=" PASSWORD } },
	KEPT("docker", "run", "-v", "/run/secret:/run/secret", "-p", "80:80"),
	{ { "vault", "write", "login", "role_id=r", "secret_id=s" },
	  { "vault", "write", "login", "role_id=r", "secret_id=<redacted:secret>" } },

	/* programs with short options of their own */
	{ { "mysql", "-uroot", "-phunter2", "db" }, { "mysql", "-uroot", "-p" PASSWORD, "db" } },
	{ { "/usr/bin/mysqldump", "-phunter2" }, { "/usr/bin/mysqldump", "-p" PASSWORD } },
	{ { "sudo", "mariadb", "-phunter2" }, { "sudo", "mariadb", "-p" PASSWORD } },
	KEPT("mysql", "-p", "db"),
	KEPT("mysql", "--password", "db"),
	KEPT("nmap", "-p80", "-phunter2"),
	KEPT("mkdir", "-pv", "x"),
	{ { "sshpass", "-p", "hunter2", "ssh", "-p", "22", "host" },
	  { "sshpass", "-p", PASSWORD, "ssh", "-p", "22", "host" } },
	{ { "sshpass", "-phunter2", "ssh" }, { "sshpass", "-p" PASSWORD, "ssh" } },
	KEPT("sshpass", "-e", "ssh", "-p", "22"),
	{ { "curl", "-u", "joe:hunter2", "h" }, { "curl", "-u", "joe:" PASSWORD, "h" } },
	{ { "curl", "-sSu", "joe:hunter2" }, { "curl", "-sSu", "joe:" PASSWORD } },
	{ { "curl", "-ujoe:hunter2" }, { "curl", "-ujoe:" PASSWORD } },
	{ { "curl", "--user", "joe:a:b" }, { "curl", "--user", "joe:" PASSWORD } },
	KEPT("curl", "-u", "joe"),
	{ { "curl", "-u", "--password=hunter2" }, { "curl", "-u", "--password=" PASSWORD } },
	{ { "wget", "--password=hunter2" }, { "wget", "--password=" PASSWORD } },
	{ { "redis-cli", "-a", "hunter2", "ping" }, { "redis-cli", "-a", PASSWORD, "ping" } },
	{ { "openssl", "rsa", "-passin", "pass:hunter2" },
	  { "openssl", "rsa", "-passin", "pass:" PASSWORD } },
	KEPT("openssl", "rsa", "-passin", "file:/etc/x"),
	{ { "docker", "login", "-u", "joe", "-p", "hunter2" },
	  { "docker", "login", "-u", "joe", "-p", PASSWORD } },
	{ { "htpasswd", "-bc", "file", "joe", "hunter2" },
	  { "htpasswd", "-bc", "file", "joe", PASSWORD } },
	{ { "htpasswd", "-nbB", "-C", "10", "joe", "hunter2" },
	  { "htpasswd", "-nbB", "-C", "10", "joe", PASSWORD } },
	KEPT("htpasswd", "-c", "file", "joe"),
	{ { "skopeo", "copy", "--src-creds=joe:hunter2" },
	  { "skopeo", "copy", "--src-creds=joe:" PASSWORD } },
	KEPT("skopeo", "copy", "docker://reg/img:tag@sha256:0123"),
	{ { "smbclient", "-U", "joe%hunter2" }, { "smbclient", "-U", "joe%" PASSWORD } },
	{ { "7z", "a", "-phunter2" }, { "7z", "a", "-p" PASSWORD } },
	{ { "mount", "-o", "username=joe,password=a,b" },
	  { "mount", "-o", "username=joe,password=" PASSWORD } },
	{ { "beam.smp", "-setcookie", "monster" }, { "beam.smp", "-setcookie", "<redacted:token>" } },

	/* headers */
	{ { "curl", "-H", "Authorization: Bearer abc.def" },
	  { "curl", "-H", "Authorization: Bearer <redacted:authorization>" } },
	{ { "curl", "-H", "authorization:Basic am9lOmg=" },
	  { "curl", "-H", "authorization:Basic <redacted:authorization>" } },
	{ { "curl", "-H", "Authorization: abc def" },
	  { "curl", "-H", "Authorization: <redacted:authorization>" } },
	{ { "curl", "-HProxy-Authorization: Digest username=\"joe\", x=\"y\"" },
	  { "curl", "-HProxy-Authorization: Digest <redacted:authorization>" } },
	{ { "curl", "--header=Authorization: Bearer abc" },
	  { "curl", "--header=Authorization: Bearer <redacted:authorization>" } },
	{ { "curl", "-H", "X-Api-Key:k" }, { "curl", "-H", "X-Api-Key:<redacted:api-key>" } },
	{ { "curl", "-H", "PRIVATE-TOKEN: k" }, { "curl", "-H", "PRIVATE-TOKEN: <redacted:token>" } },
	KEPT("curl", "-H", "Accept: text/html"),
	{ { "git", "-c", "http.extraHeader=Authorization: Basic am9l", "pull" },
	  { "git", "-c", "http.extraHeader=Authorization: Basic <redacted:authorization>", "pull" } },

	/* shells */
	{ { "sh", "-c", "PGPASSWORD=hunter2 psql -h db" },
	  { "sh", "-c", "PGPASSWORD=" PASSWORD " psql -h db" } },
	{ { "sh", "-c", "PGPASSWORD='hunter 2' psql -h db" },
	  { "sh", "-c", "PGPASSWORD=" PASSWORD " psql -h db" } },
	{ { "bash", "-lc", "exec mysql -uroot -phunter2 db" },
	  { "bash", "-lc", "exec mysql -uroot -p" PASSWORD " db" } },
	{ { "bash", "-c", "x --token t && y" }, { "bash", "-c", "x --token <redacted:token> && y" } },
	{ { "bash", "-c", "su - joe -c 'mysql -p\"hunter 2\"'" },
	  { "bash", "-c", "su - joe -c 'mysql -p" PASSWORD "'" } },
	{ { "bash", "-c", "don't; mysql -phunter2" }, { "bash", "-c", "don't; mysql -p" PASSWORD } },
	{ { "bash", "-c", "curl -H 'Authorization: Bearer abc' h" },
	  { "bash", "-c", "curl -H 'Authorization: Bearer <redacted:authorization>' h" } },
	{ { "ssh", "host", "PGPASSWORD=hunter2 psql" }, { "ssh", "host", "PGPASSWORD=" PASSWORD } },
	{ { "psql", "-c", "ALTER USER joe PASSWORD 'hunter 2';" },
	  { "psql", "-c", "ALTER USER joe PASSWORD " PASSWORD } },
	{ { "mysql", "-e", "SET PASSWORD = 'hunter 2' ;" },
	  { "mysql", "-e", "SET PASSWORD = " PASSWORD " ;" } },
	KEPT("sh", "-c", "echo forgot your password again"),

	/* data */
	{ { "psql", "host=db password=hunter2 dbname=x" },
	  { "psql", "host=db password=" PASSWORD " dbname=x" } },
	{ { "x", "Server=h;User Id=sa;Password=hunter2;Encrypt=true" },
	  { "x", "Server=h;User Id=sa;Password=" PASSWORD ";Encrypt=true" } },
	{ { "x", "Server=h;Password=hunter2;Encrypt=true" },
	  { "x", "Server=h;Password=" PASSWORD ";Encrypt=true" } },
	{ { "curl", "-d", "user=joe&password=hunter 2&x=y" },
	  { "curl", "-d", "user=joe&password=" PASSWORD "&x=y" } },
	{ { "curl", "-d", "{\"user\":\"joe\",\"password\":\"hun\\\"ter\",\"x\":1}" },
	  { "curl", "-d", "{\"user\":\"joe\",\"password\":\"" PASSWORD "\",\"x\":1}" } },
	{ { "curl", "-d", "{\"password\": \"hunter 2\", \"x\": 1}" },
	  { "curl", "-d", "{\"password\": \"" PASSWORD "\", \"x\": 1}" } },
	{ { "curl", "-d", "{\"x\": 1, \"password\": \"hunter 2\"}" },
	  { "curl", "-d", "{\"x\": 1, \"password\": " PASSWORD } },
	{ { "curl", "-d", "{\"pin_token\":1234,\"x\":1}" },
	  { "curl", "-d", "{\"pin_token\":<redacted:token>,\"x\":1}" } },

	/* URLs */
	{ { "git", "clone", "https://joe:hunter2@host/x" },
	  { "git", "clone", "https://joe:<redacted:url>@host/x" } },
	{ { "x", "--db=postgres://joe:hu@nter2@host:5432/db?x=y" },
	  { "x", "--db=postgres://joe:<redacted:url>@host:5432/db?x=y" } },
	{ { "x", "postgres://joe:hu/nter#2@host/db" }, { "x", "postgres://joe:<redacted:url>@host/db" } },
	{ { "x", "redis://:hunter2@host" }, { "x", "redis://:<redacted:url>@host" } },
	{ { "x", "http://a:b@h http://c:d@h" },
	  { "x", "http://a:<redacted:url>@h http://c:<redacted:url>@h" } },
	{ { "x", "mongodb://joe:1234@a:1,b:2/db" }, { "x", "mongodb://joe:<redacted:url>@a:1,b:2/db" } },
	{ { "x", "https://h/?a=b&access_token=t&c=d" },
	  { "x", "https://h/?a=b&access_token=<redacted:token>&c=d" } },
	KEPT("x", "https://host:8080/~joe@home"),
	KEPT("x", "ssh://git@host:22/x", "git@host:x", "http://[::1]:80/@"),
	KEPT("x", "https://host/a:b@c"),

	/* tokens by their looks */
	{ { "x", "ghp_16C7e42F292c6912E7" }, { "x", "<redacted:known-token>" } },
	{ { "x", "https://ghp_16C7e42F292c@h" }, { "x", "https://<redacted:known-token>@h" } },
	{ { "x", "glpat-AbC-_12345" }, { "x", "<redacted:known-token>" } },
	{ { "x", "xoxb-12345-abcde" }, { "x", "<redacted:known-token>" } },
	{ { "x", "sk_live_4eC39HqLyjW" }, { "x", "<redacted:known-token>" } },
	KEPT("x", "AKIAIOSFODNN7EXAMPLE", "npm_config_registry", "task-runner-0123456789abcdef"),
	{ { "x", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3" }, { "x", "<redacted:jwt>" } },
	KEPT("x", "eyJhbGciOiJIUzI1NiJ9"),
	{ { "x", "-----BEGIN RSA PRIVATE KEY-----\nMIIE" },
	  { "x", "-----BEGIN RSA PRIVATE KEY-----<redacted:private-key>" } },
	KEPT("", "", ""),
};

enum { ARG_BYTES = 160 };

static size_t args_fill(char (*args)[ARG_BYTES], const char *const *from)
{
	size_t count = 0;

	memset(args, 0, ARGS * sizeof(*args));
	while (count < ARGS && from[count]) {
		snprintf(args[count], sizeof(*args), "%s", from[count]);
		count++;
	}
	return count;
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t row = 0; row < COUNT(rows); row++) {
		const char *const *after = rows[row].after;
		char args[ARGS][ARG_BYTES];
		size_t count = args_fill(args, rows[row].before);
		uint64_t expected = 0, redacted = 99;
		bool changed = redact_args(args[0], sizeof(args[0]), count, &redacted);

		for (size_t i = 0; i < count; i++) {
			assert_string_equal(args[i], after[i]);
			expected += strcmp(rows[row].before[i], after[i]) != 0;
		}
		assert_int_equal(redacted, expected);
		assert_int_equal(changed, expected > 0);
		/* again: a token is no secret */
		assert_false(redact_args(args[0], sizeof(args[0]), count, &redacted));
		assert_int_equal(redacted, 0);
	}
}

/* 160 bytes hold the beginning of a secret, whose end was the mark of it */
static void test_cut(void **state)
{
	static const char *const starts[] = {
		"--db=https://joe:hunter2" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN,
		"x=" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "/ https://joe:hunter2",
		"x=" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "/ghp_hunter2",
		"x=" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "abcdefg/eyJhunter2",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(starts); i++) {
		char args[1][ARG_BYTES] = { 0 };
		uint64_t redacted;

		memcpy(args[0], starts[i], strnlen(starts[i], ARG_BYTES - 1));
		assert_true(redact_args(args[0], sizeof(args[0]), 1, &redacted));
		assert_null(strstr(args[0], "hunter"));
	}
}

/* the token may be longer than the secret: what follows is pushed out, on a character's boundary */
static void test_growth(void **state)
{
	char args[1][ARG_BYTES] = { "password=x&" };
	char text[24] = "a=1&token=t&\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4";
	uint64_t redacted;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++) {
		char copy[sizeof(text)];

		memcpy(copy, text, sizeof(copy));
		redact_text(copy, i);
	}
	assert_int_equal(redact_text(text, sizeof(text)), 1);
	assert_string_equal(text, "a=1&token=<redacted:tok");

	memset(args[0] + strlen(args[0]), 'y', sizeof(args[0]) - 1 - strlen(args[0]));
	assert_true(redact_args(args[0], sizeof(args[0]), 1, &redacted));
	assert_string_equal(args[0], "password=" PASSWORD);
	for (size_t i = strlen(args[0]); i < sizeof(args[0]); i++)
		assert_int_equal(args[0][i], 0);
}

static void test_text(void **state)
{
	char url[64] = "amqp://joe:hunter2@host/vhost", plain[32] = "/var/lib/x";
	char line[64] = "mysql -phunter2 db";

	(void)state;
	assert_int_equal(redact_text(url, sizeof(url)), 1);
	assert_string_equal(url, "amqp://joe:<redacted:url>@host/vhost");
	assert_int_equal(redact_text(plain, sizeof(plain)), 0);
	assert_string_equal(plain, "/var/lib/x");
	assert_int_equal(redact_text(line, sizeof(line)), 1);
	assert_string_equal(line, "mysql -p" PASSWORD " db");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
