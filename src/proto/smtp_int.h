/* smtp_int.h - what the files of the SMTP adapter share. */
#ifndef DUNLIN_PROTO_SMTP_INT_H
#define DUNLIN_PROTO_SMTP_INT_H

#include "smtp.h"
#include "str.h"

enum {
	SMTP_IO_MS = 60 * 1000,
	SMTP_ANSWER_MS = 10 * 60 * 1000,
	SMTP_MAX_LINE = 4000,		/* what is longer is cut */
	SMTP_MAX_LINES = 200,		/* of one answer */
	SMTP_MAX_BYTES = 1 << 20,	/* that a command may bring */
	SMTP_MAX_WORDS = 390
};

enum smtp_ext { M_STARTTLS = 1, M_SIZE = 2, M_8BIT = 4, M_UTF8 = 8, M_PIPELINING = 16,
	M_AUTH = 32, M_DSN = 64 };

struct smtp {
	struct sender s;
	struct smtp_config cfg;		/* owned copies */
	struct cancel *cancel;
	struct net *net;
	struct _mailstream *stream;
	unsigned ext;
	uint64_t max_bytes;		/* of a message; 0: not told */
	struct str mechanisms;
	const char *how;		/* how we logged in; NULL: not */
	bool is_dead, is_begun;		/* begun: a transaction that RSET has to end */

	char in[16384];
	size_t in_pos, in_len;
	/* the last answer */
	int code;
	/* its lines, each without its code, '\n' between; bounded */
	struct str text;
};

/* ---- smtp_io.c ---- */
enum err smtp_die(struct smtp *m, struct error *e, const char *why);
enum err smtp_write(struct smtp *m, const char *p, size_t n, struct error *e);
enum err smtp_flush(struct smtp *m, struct error *e);
/* A line, CRLF added; refuses one that holds a line end or NUL of its own. */
enum err smtp_line(struct smtp *m, struct error *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Flushes, and reads an answer into code and text. */
enum err smtp_answer(struct smtp *m, struct error *e);
/* A deadline, a line, and its answer. */
enum err smtp_command(struct smtp *m, struct error *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void smtp_begin(struct smtp *m, int ms);	/* the next command's deadline */
/* "550 5.1.1 no such user", clean. */
void smtp_words(const struct smtp *m, char *out, size_t size);
static inline bool
smtp_ok(const struct smtp *m)
{
	return m->code / 100 == 2;
}
bool smtp_has_input(const struct smtp *m);

/* ---- smtp_login.c ---- */
enum err smtp_connect(struct sender *s, const struct sender_login *l, struct error *e);

#endif
