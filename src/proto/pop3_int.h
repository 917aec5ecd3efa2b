/* pop3_int.h - what the files of the POP3 adapter share. */
#ifndef DUNLIN_PROTO_POP3_INT_H
#define DUNLIN_PROTO_POP3_INT_H

#include "pop3.h"
#include "str.h"

enum {
	POP3_IO_MS = 60 * 1000,
	POP3_LINE = 2000,		/* RFC 2449 4 says 512; what is longer is cut,
					 * in lists dropped */
	POP3_WINDOW = 256,
	POP3_MAX_MECHANISMS = 1000,
	POP3_MAX_MSGS = 1000 * 1000	/* in one listing */
};

enum pop3_ext { P_STLS = 1, P_USER = 2, P_TOP = 4, P_UIDL = 8, P_PIPELINING = 16, P_SASL = 32,
	P_CAPA = 64 };

enum pop3_at { AT_END, AT_LINE, AT_DOT, AT_DOT_CR, IN_LINE };

struct pop3 {
	struct pop3_config cfg;		/* owned copies */
	struct cancel *cancel;
	struct net *net;
	struct _mailstream *stream;
	unsigned ext;
	struct str mechanisms;
	const char *how;		/* how we logged in */
	bool is_dead;

	char in[16384];
	size_t in_pos, in_len;
	char line[POP3_LINE + 1];	/* the last one read, without its end */
	size_t line_len;
	bool is_line_long;		/* there was more of it */
	bool is_lf_only;		/* it ended in LF without CR */

	/* What was asked for and not yet taken, a ring. */
	struct { uint32_t number; uint64_t size_bytes; bool header_only; } asked[POP3_WINDOW];
	size_t asked_at, n_asked;
	bool is_written;		/* bytes wait for a flush */

	enum pop3_at at;		/* in the message being read; AT_END: none */
	bool was_cr;			/* its last byte was a CR */
	bool message_is_lf_only;	/* its status line ended in LF without CR */
};

/* ---- pop3_io.c ---- */

/* Ends the session: what the connection says of it, else `why`. */
enum err pop3_die(struct pop3 *p, struct error *e, const char *why);
enum err pop3_send(struct pop3 *p, struct error *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
enum err pop3_send_bytes(struct pop3 *p, const char *bytes, size_t n, struct error *e);
enum err pop3_flush(struct pop3 *p, struct error *e);
bool pop3_has_input(const struct pop3 *p);
enum err pop3_fill(struct pop3 *p, struct error *e);	/* waits for at least one byte */
enum err pop3_line(struct pop3 *p, struct error *e);
/* What stands behind +OK or -ERR. */
const char *pop3_words(const struct pop3 *p);
/* What the line just read says. +OK: ERR_OK. -ERR: `refused` with the
 * server's words, after "what: ". */
enum err pop3_verdict(struct pop3 *p, enum err refused, const char *what, struct error *e);
/* Sends what is buffered and reads a status line. */
enum err pop3_status(struct pop3 *p, enum err refused, const char *what, struct error *e);
/* The next line of a list into p->line; *more false at its ".". */
enum err pop3_list_line(struct pop3 *p, bool *more, struct error *e);
/* One command and its status; `refused` as above. */
enum err pop3_command(struct pop3 *p, enum err refused, struct error *e, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* ---- pop3_login.c ---- */
enum err pop3_connect(struct pop3 *p, const struct backend_login *l, struct error *e);

#endif
