/* err.h - what went wrong, and how far the damage reaches.
 *
 * The code chooses the reaction, the text is for people. Whoever knows most about a
 * failure fills in the struct, once; those above pass it on. */
#ifndef DUNLIN_ERR_H
#define DUNLIN_ERR_H

enum err {
	ERR_OK,
	ERR_MSG,		/* this message only: skip it, go on */
	ERR_FOLDER,		/* this folder only */
	ERR_CONN,		/* the connection is gone or out of step: reconnect */
	ERR_AUTH,		/* refused credentials: ask the person */
	ERR_LOCAL,		/* our disk, database, memory, or a bug of ours */
	ERR_CANCELLED,		/* by the person or at quit: say nothing */
	ERR_UNSUPPORTED,	/* this protocol or server has no such thing */
	ERR_TLS			/* the peer could not be verified: stop, never
				 * retry by itself */
};

struct error {
	enum err code;
	char text[400];		/* one line, lower case, no full stop, no secret, UTF-8 */
};

/* Writes code and text and returns the code, so that `return error_set(...)` reads well. Text
 * of a server or a mail in the arguments is made safe here: control bytes and invalid UTF-8
 * are replaced (text_clean in utf8.h), line ends become spaces; passwords of ours in it become
 * "***" (hide.h). e may be NULL. */
enum err error_set(struct error *e, enum err code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* error_set with ": " and the text of errno behind. */
enum err error_errno(struct error *e, enum err code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
