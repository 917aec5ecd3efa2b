/* smtp.h - handing a message to a server (RFC 5321, submission RFC 6409).
 *
 * A sender has one verb. It tells of each recipient what surely happened: only between the
 * final dot and the server's answer to it is anything unsure, and `before_end` is called right
 * before that moment. A sender belongs to one thread, but for the cancel. */
#ifndef DUNLIN_SMTP_H
#define DUNLIN_SMTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cancel.h"
#include "err.h"
#include "net.h"

enum send_verdict {
	SEND_WAITING,		/* nothing was handed over for it; may be tried again */
	SEND_ACCEPTED,		/* on the way only: the server takes this recipient */
	SEND_DONE,		/* the server has taken the mail for it */
	SEND_UNSURE,		/* the final dot went out, and no answer came */
	SEND_REFUSED		/* for good, in the server's words */
};

/* When the servers on the way are to write back (RFC 3461 4.1); 0: as they like. */
enum send_notify { NOTIFY_NEVER = 1 << 0, NOTIFY_FAILURE = 1 << 1, NOTIFY_DELAY = 1 << 2,
	NOTIFY_SUCCESS = 1 << 3 };

struct send_rcpt {
	const char *addr;
	enum send_verdict verdict;	/* SEND_WAITING on the way in */
	char words[400];		/* the answer: codes and text, one clean line */
};

struct send_mail {
	const char *from;		/* envelope sender */
	struct send_rcpt *rcpts;
	size_t n_rcpts;
	const char *bytes;		/* as compose.h promises */
	size_t len;
	const char *id;			/* what a report is to name it by
					 * (ENVID); NULL: nothing */
	bool needs_utf8, needs_8bit;
	/* All but the final dot is there: record it. Anything but ERR_OK ends it unsent. */
	enum err (*before_end)(void *ctx, struct error *e);
	void *ctx;
};

struct sender_login {
	const char *user, *password;	/* no user: no login */
};

struct sender {
	const struct sender_ops *ops;
	/* the implementation's own fields follow */
};

struct sender_ops {
	/* Connects and logs in where that was not done yet. */
	enum err (*connect)(struct sender *s, const struct sender_login *l, struct error *e);
	/* ERR_OK: the verdicts tell all, refusals included. ERR_CONN, ERR_TLS, ERR_CANCELLED,
	 * ERR_LOCAL: the session is over, close it; the verdicts tell what is known. */
	enum err (*send)(struct sender *s, struct send_mail *m, struct error *e);
	/* For people, after connect. */
	void (*describe)(struct sender *s, struct str *out);
	/* Says goodbye if that takes no longer than `ms`, frees. */
	void (*close)(struct sender *s, int ms);
};

struct smtp_config {
	struct net_config net;		/* strings are copied */
	const char *auth;		/* NULL: the best offered */
	/* for EHLO; NULL: our address as a literal, never the machine's name */
	const char *hello;
	unsigned notify;		/* enum send_notify; asked only where DSN is offered */
	/* how long the answer to the final dot may take; 0: 10 min (RFC 5321 4.5.3.2.6) */
	int answer_ms;
};

/* Not connected yet. The caller owns it (ops->close). The cancel outlives it. */
struct sender *smtp_new(const struct smtp_config *cfg, struct cancel *cancel);

#endif
