/* sendmail.h - handing a message to a program of the machine's own, as sendmail(1) takes it.
 *
 * The program gets the message on standard input with LF at line
 * ends, and behind its own words
 * 	-i -f SENDER [-N WHEN -R hdrs -V ID] -- RECIPIENT...
 * as arguments of their own, which no shell looks at. A command that says "$@" itself gets the
 * recipients alone there, and finds the sender in DUNLIN_SENDER. What its exit code says is in
 * sysexits.h: 0 sent, EX_TEMPFAIL and EX_OSERR later, any other refused, in the first line
 * of its stderr. Killed, or not over in time: unsure.
 *
 * before_end is called before the program is started, since from then on anything may be. */
#ifndef DUNLIN_SENDMAIL_H
#define DUNLIN_SENDMAIL_H

#include "smtp.h"

struct sendmail_config {
	const char *command;		/* for /bin/sh; copied */
	unsigned notify;		/* enum send_notify */
	int deadline_ms;		/* 0: 10 min */
};

/* The caller owns it (ops->close). The cancel outlives it; fired, the program is left to end
 * by itself, and the mail is unsure. */
struct sender *sendmail_new(const struct sendmail_config *cfg, struct cancel *cancel);

#endif
