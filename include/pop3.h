/* pop3.h - one session with a POP3 server (RFC 1939, 2449, 2595,
 * 5034), over the stream of net.h.
 *
 * No backend: POP3 has no folders and no flags. What is downloaded and what may be deleted is
 * decided above (drain.h); this speaks the protocol. A session belongs to one thread.
 * ERR_CONN, ERR_TLS, ERR_AUTH and ERR_CANCELLED: it is dead, pop3_close and open anew. ERR_MSG
 * carries the server's own words about one message. Nothing here holds a message in memory. */
#ifndef DUNLIN_POP3_H
#define DUNLIN_POP3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "backend.h"
#include "cancel.h"
#include "err.h"
#include "net.h"

enum { POP3_MAX_UIDL = 70 };		/* RFC 1939 7 */

struct pop3_config {
	struct net_config net;		/* strings are copied */
	const char *auth;		/* NULL: the best offered */
};

/* A message as LIST and UIDL tell it. */
struct pop3_msg {
	uint32_t number;
	uint64_t size_bytes;
	const char *uidl;		/* "": none that can be used (absent, longer than 70,
					 * not visible ASCII) */
};

struct pop3;

/* Connects, verifies, logs in. The cancel outlives it. On error *out is NULL. */
enum err pop3_open(struct pop3 **out, const struct pop3_config *cfg,
	const struct backend_login *l, struct cancel *cancel, struct error *e);
/* Never waits; without pop3_quit before, the server deletes nothing. NULL is fine. */
void pop3_close(struct pop3 *p);
/* For people: server, TLS, mechanism, extensions; a line each, '\n' between. */
void pop3_describe(const struct pop3 *p, struct str *out);

/* What there is, in the server's order; each number once. Strings go to the
 * arena, *out is freed with it. */
enum err pop3_list(struct pop3 *p, struct arena *a, struct pop3_msg **out, size_t *n,
	struct error *e);

/* A message is asked for, then taken, in the order of the asking. Up to pop3_window may be
 * asked for before the first is taken: more than one where the server has PIPELINING. */
unsigned pop3_window(const struct pop3 *p);
enum err pop3_ask(struct pop3 *p, const struct pop3_msg *m, bool header_only, struct error *e);
/* Begins the oldest that was asked for. ERR_MSG: the server refuses it;
 * there is nothing to read. */
enum err pop3_take(struct pop3 *p, struct error *e);
/* Its bytes as the server sent them, dots unstuffed; *n 0 at the end.
 * Has to be read to its end. */
enum err pop3_read(struct pop3 *p, char *buf, size_t size, size_t *n, struct error *e);

/* Marks messages deleted; the server removes them at pop3_quit. refused[i] is set where it
 * says -ERR. Nothing may be asked for and not taken. */
enum err pop3_dele(struct pop3 *p, const uint32_t *numbers, size_t n, bool *refused,
	struct error *e);
/* Ends the session. ERR_OK: the server confirmed, and what was marked is deleted. */
enum err pop3_quit(struct pop3 *p, int deadline_ms, struct error *e);

#endif
