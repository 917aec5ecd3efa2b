/* A POP3 server's side of a session, from the greeting to QUIT, over a stream
 * without a network (no_net.h).
 *
 * The first byte chooses the login and whether its answers are there already. Beyond not
 * crashing: numbers come once and are not 0, a UIDL is visible ASCII, and nothing is read of
 * a message behind its end. */
#include <string.h>

#include "mime.h"
#include "no_net.h"
#include "pop3.h"

static const char *const pieces[] = {
	"+OK\r\n", "-ERR ", "+ \r\n", "\r\n", "\r\n.\r\n", ".\r\n", ".\r", "..", "\n.\n",
	"+OK x\n", "1 100\r\n", "2 ", "1 abc\r\n", "3 abc\r\n", "4294967295 ", "4294967296 ",
	"18446744073709551616 ", "0 1\r\n", "SASL PLAIN LOGIN\r\n", "UIDL\r\n", "TOP\r\n",
	"PIPELINING\r\n", "USER\r\n", "STLS\r\n", "[IN-USE] ", "From a\n",
	"Subject: x\r\n\r\n",
};
static const char hello[] = "+OK\r\n+OK\r\nTOP\r\nUIDL\r\nUSER\r\nPIPELINING\r\nSASL "
	"PLAIN\r\n.\r\n+ \r\n+OK\r\n";
static const char listed[] = "+OK\r\n1 9\r\n2 9\r\n3 9\r\n.\r\n+OK\r\n1 a\r\n2 b\r\n3 "
	"b\r\n.\r\n";

static const uint8_t *input;
static size_t input_len;

static void
net_fill(struct net *n)
{
	unsigned tag = 0;

	n->chunk = input[1];
	if (input[0] & 1)
		str_puts(&n->text, hello);
	if ((input[0] & 3) == 3)
		str_puts(&n->text, listed);
	expand(&n->text, (const char *)input + 2, input_len - 2, pieces, LEN(pieces), &tag);
}

static void
check_list(const struct pop3_msg *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		must(v[i].number != 0 && (i == 0 || v[i].number > v[i - 1].number));
		must(strlen(v[i].uidl) <= POP3_MAX_UIDL);
		for (const char *c = v[i].uidl; *c; c++)
			must(*c > ' ' && *c < 0x7f);
	}
}

/* In pieces of 7 bytes, so that a line end, a dot and an end come apart. */
static enum err
take_message(struct pop3 *p, struct error *e)
{
	char buf[7];
	size_t got = 1;
	enum err rc = pop3_take(p, e);

	if (rc != ERR_OK)
		return rc == ERR_MSG ? ERR_OK : rc;
	while (rc == ERR_OK && got > 0) {
		rc = pop3_read(p, buf, sizeof buf, &got, e);
		must(got <= sizeof buf);
	}
	if (rc == ERR_OK)
		must(pop3_read(p, buf, sizeof buf, &got, e) == ERR_OK && got == 0);
	return rc;
}

static void
session(struct pop3 *p)
{
	struct arena a = {0};
	struct pop3_msg *v;
	struct error e;
	size_t n;

	enum err rc = pop3_list(p, &a, &v, &n, &e);
	if (rc == ERR_OK) {
		check_list(v, n);
		size_t window = pop3_window(p), m = n < window ? n : window;
		uint32_t numbers[2] = { n > 0 ? v[0].number : 0, n > 1 ? v[1].number : 0 };
		bool refused[2];
		for (size_t i = 0; rc == ERR_OK && i < m; i++)
			rc = pop3_ask(p, &v[i], i & 1, &e);
		for (size_t i = 0; rc == ERR_OK && i < m; i++)
			rc = take_message(p, &e);
		if (rc == ERR_OK)
			rc = pop3_dele(p, numbers, n < 2 ? n : 2, refused, &e);
		if (rc == ERR_OK)
			rc = pop3_quit(p, 1, &e);
	}
	must(rc == ERR_OK || *e.text);
	arena_clear(&a);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	mime_init();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const ways[] = { NULL, "plain", "login", "scram-sha-256" };
	struct backend_login login = { "ada", "hunter2" };
	struct cancel cancel;
	struct pop3 *p;

	if (n < 3 || cancel_init(&cancel, NULL) != ERR_OK)
		return 0;
	struct pop3_config cfg = { .net = { .host = "h" }, .auth = ways[data[0] >> 6] };
	input = data;
	input_len = n;
	if (pop3_open(&p, &cfg, &login, &cancel, NULL) == ERR_OK)
		session(p);
	else
		p = NULL;
	pop3_close(p);
	cancel_close(&cancel);
	str_clear(&said);
	return 0;
}
