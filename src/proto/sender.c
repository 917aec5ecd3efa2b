/* sender.c - see sender.h. */
#include <stdio.h>
#include <string.h>

#include "sender.h"

enum { ENVID_MAX = 100 };		/* RFC 3461 4.4 */

void
sender_verdicts(struct send_mail *mail, enum send_verdict from, enum send_verdict to,
	const char *words)
{
	for (size_t i = 0; i < mail->n_rcpts; i++) {
		struct send_rcpt *r = &mail->rcpts[i];
		if (r->verdict != from)
			continue;
		r->verdict = to;
		if (words)
			snprintf(r->words, sizeof r->words, "%s", words);
	}
}

bool
sender_has(const struct send_mail *mail, enum send_verdict v)
{
	for (size_t i = 0; i < mail->n_rcpts; i++) {
		if (mail->rcpts[i].verdict == v)
			return true;
	}
	return false;
}

bool
sender_is_safe_address(const char *a)
{
	for (const char *p = a; *p; p++) {
		if ((unsigned char)*p < ' ' || strchr("<>\x7f", *p))
			return false;
	}
	return *a != '\0';
}

bool
sender_refuse_unsafe(struct send_mail *mail)
{
	for (size_t i = 0; i < mail->n_rcpts; i++) {
		struct send_rcpt *r = &mail->rcpts[i];
		if (sender_is_safe_address(r->addr))
			continue;
		r->verdict = SEND_REFUSED;
		snprintf(r->words, sizeof r->words, "this address cannot be sent");
	}
	return sender_has(mail, SEND_WAITING);
}

void
sender_notify(struct str *out, unsigned notify)
{
	static const struct { unsigned bit; const char *word; } words[] = {
		{ NOTIFY_NEVER, "NEVER" }, { NOTIFY_SUCCESS, "SUCCESS" },
		{ NOTIFY_FAILURE, "FAILURE" }, { NOTIFY_DELAY, "DELAY" },
	};
	const char *comma = "";

	for (size_t i = 0; i < LEN(words); i++) {
		if (!(notify & words[i].bit))
			continue;
		str_printf(out, "%s%s", comma, words[i].word);
		comma = ",";
	}
}

bool
sender_envid(struct str *out, const char *id)
{
	size_t before = out->len;

	for (const unsigned char *p = (const unsigned char *)(id ? id : ""); *p; p++) {
		if (*p > ' ' && *p < 0x7f && *p != '+' && *p != '=')
			str_putc(out, (char)*p);
		else
			str_printf(out, "+%02X", *p);
	}
	if (out->len > before && out->len - before <= ENVID_MAX)
		return true;
	str_cut(out, before);
	return false;
}
