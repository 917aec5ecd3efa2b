/* An SMTP server's side of a session that sends a mail to three people, over a stream
 * without a network (no_net.h).
 *
 * Beyond not crashing: without an answer of 2xx after the final dot nobody has got
 * the mail, before the dot nobody may have, the answers are clean lines, and what we
 * say has no bare CR or LF. */
#include <string.h>

#include "mime.h"
#include "no_net.h"
#include "smtp.h"
#include "utf8.h"

static const char *const pieces[] = {
	"250 ok\r\n", "\x02" "250 ok\r\n", "\x02" "550 no\r\n", "250-", "250 ", "\r\n", "\n",
	"220 hi\r\n", "354 go\r\n", "334 \r\n", "235 in\r\n", "421 bye\r\n",
	"450 4.2.1 later\r\n", "550 5.1.1 nobody\r\n", "550-", "554 ", "AUTH PLAIN LOGIN\r\n",
	"PIPELINING\r\n", "CHUNKING\r\n", "SIZE 10\r\n", "SIZE 99999999999999999999\r\n",
	"8BITMIME\r\n", "SMTPUTF8\r\n", "DSN\r\n", "STARTTLS\r\n", "ENHANCEDSTATUSCODES\r\n",
};
static const char hello[] =
	"220 hi\r\n250-x\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250 "
	"AUTH PLAIN\r\n235 "
	"in\r\n250-x\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 DSN\r\n";

static const uint8_t *input;
static size_t input_len;

static void
net_fill(struct net *n)
{
	unsigned tag = 0;

	n->chunk = input[1];
	if (input[0] & 1)
		str_puts(&n->text, hello);
	expand(&n->text, (const char *)input + 2, input_len - 2, pieces, LEN(pieces), &tag);
}

static enum err
count_end(void *ctx, struct error *e)
{
	(void)e;
	++*(int *)ctx;
	return ERR_OK;
}

static void
check_words(const char *words)
{
	struct str clean = {0};

	text_clean(&clean, words, strlen(words), CLEAN_LINE);
	must(strcmp(str_get(&clean), words) == 0);
	str_clear(&clean);
}

static void
check_said(void)
{
	for (size_t i = 0; i < said.len; i++) {
		must(said.data[i] != '\n' || (i > 0 && said.data[i - 1] == '\r'));
		must(said.data[i] != '\r' || i + 1 == said.len || said.data[i + 1] == '\n');
	}
}

static void
send_mail(struct sender *s)
{
	static const char text[] = "From: ada@example.org\r\n\r\n.\r\n..dots\r\nend\r\n";
	int n_ends = 0;
	struct send_rcpt to[] = { { .addr = "a@example.org" }, { .addr = "b@example.org" },
		{ .addr = "c@example.org" } };
	struct send_mail m = { .from = "ada@example.org", .rcpts = to, .n_rcpts = LEN(to),
		.bytes = text, .len = sizeof text - 1, .id = "id", .needs_utf8 = input[0] & 4,
		.needs_8bit = input[0] & 8, .before_end = count_end, .ctx = &n_ends };
	struct error e = {0};
	enum err rc = s->ops->send(s, &m, &e);

	must(n_ends <= 1 && (rc == ERR_OK || *e.text));
	for (size_t i = 0; i < LEN(to); i++) {
		must(n_ends == 1 || (to[i].verdict != SEND_DONE &&
			to[i].verdict != SEND_UNSURE));
		must(to[i].verdict != SEND_ACCEPTED);
		must(to[i].verdict != SEND_DONE || strstr(to[i].words, "2"));
		check_words(to[i].words);
	}
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
	struct sender_login login = { "ada", "hunter2" };
	struct smtp_config cfg = { .net = { .host = "h" }, .notify = NOTIFY_FAILURE };
	struct cancel cancel;

	if (n < 3 || cancel_init(&cancel, NULL) != ERR_OK)
		return 0;
	input = data;
	input_len = n;
	struct sender *s = smtp_new(&cfg, &cancel);
	if (s->ops->connect(s, &login, NULL) == ERR_OK) {
		send_mail(s);
		check_said();
		if (data[0] & 16)
			send_mail(s);
	}
	s->ops->close(s, 0);
	cancel_close(&cancel);
	str_clear(&said);
	return 0;
}
