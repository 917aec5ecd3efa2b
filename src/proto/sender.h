/* sender.h - what the two ways of sending share: verdicts, addresses, and what is asked of the
 * servers behind (DSN). */
#ifndef DUNLIN_PROTO_SENDER_H
#define DUNLIN_PROTO_SENDER_H

#include "smtp.h"
#include "str.h"

/* All that are `from` become `to`; words NULL: theirs stay. */
void sender_verdicts(struct send_mail *mail, enum send_verdict from, enum send_verdict to,
	const char *words);
bool sender_has(const struct send_mail *mail, enum send_verdict v);
/* No control byte and no angle bracket, which would end it in a command; not empty. */
bool sender_is_safe_address(const char *a);
/* Those whose address is not safe are refused; false: nobody is left who waits. */
bool sender_refuse_unsafe(struct send_mail *mail);

/* "FAILURE,DELAY", as RFC 3461 4.1 wants it. */
void sender_notify(struct str *out, unsigned notify);
/* The envelope id for `id` as xtext (RFC 3461 4 and 4.4); false: it has none that fits. */
bool sender_envid(struct str *out, const char *id);

#endif
