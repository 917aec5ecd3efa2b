/* backend.h - one account's mail as calls that block: IMAP, POP3, local mbox files.
 *
 * Every slot is filled; what a protocol lacks returns ERR_UNSUPPORTED and is absent from
 * `caps`. Above proto, test caps, never the protocol's name. A backend belongs to the
 * worker thread of its account. Callbacks run inside the call, must not call the backend,
 * and what they are given is good until they return. ERR_CONN, ERR_TLS or ERR_CANCELLED
 * from any call: the session is dead, close and connect anew. ERR_MSG and ERR_FOLDER
 * carry the server's own words. */
#ifndef DUNLIN_BACKEND_H
#define DUNLIN_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "cancel.h"
#include "err.h"
#include "folder.h"
#include "msg.h"
#include "part.h"
#include "uidset.h"

enum cap {
	CAP_FLAGS = 1 << 0,		/* flags can be stored */
	CAP_MOVE = 1 << 1,		/* messages can be moved and copied to another
					 * folder */
	CAP_DELETE = 1 << 2,		/* and be removed for good */
	CAP_FOLDERS = 1 << 3,		/* folders can be made, renamed, deleted */
	CAP_APPEND = 1 << 4,
	CAP_PARTS = 1 << 5,		/* single sections can be fetched; else only
					 * the whole message */
	CAP_WAIT = 1 << 6,		/* wait() hears of changes at once (IDLE); else poll */
	CAP_DELTA = 1 << 7,		/* changes() costs what changed
					 * (CONDSTORE or QRESYNC) */
	CAP_UIDMAP = 1 << 8,		/* move and copy tell the new UIDs (UIDPLUS) */
	CAP_SEARCH = 1 << 9,		/* texts can be searched over there */
	CAP_NEAR = 1 << 10		/* texts are read from our own disk: no reason to wait
					 * until they are asked for */
};

struct backend_login {
	const char *user, *password;	/* borrowed for the call; wiped copies only */
};

/* What SELECT said. */
struct folder_status {
	uint32_t uidvalidity, uidnext, n_msgs;
	uint64_t modseq;		/* HIGHESTMODSEQ; 0: the server has none */
	uint32_t n_unread;		/* status() only */
	uint32_t flags_allowed;		/* PERMANENTFLAGS as MSG_ bits */
	bool is_readonly;
};

/* What we know of a folder already; zero: nothing. The UIDs cost what the folder holds, so who
 * may do without asks for them only when they are needed. */
struct folder_known {
	uint32_t uidvalidity;
	uint64_t modseq;
	const struct uidset *uids;	/* NULL: none, or they are to be asked for */
	const struct uidset *(*ask)(void *ctx);	/* borrowed; NULL: none, or they
						 * could not be read */
	void *ctx;
};
const struct uidset *folder_known_uids(const struct folder_known *k);	/* NULL: none */

/* Where what a folder tells arrives. UIDs are nonzero, but otherwise what the server
 * says: intersect with what is known. NULL slots are skipped. */
struct folder_sink {
	void *ctx;
	void (*msg)(void *ctx, const struct msg *m);	/* id: only the UID, in the low half */
	void (*flags)(void *ctx, uint32_t uid, uint32_t flags, uint64_t modseq);
	void (*vanished)(void *ctx, const struct uidset *uids);
};

/* uidvalidity, uidnext, n_server and n_server_unread: the counts, where the server tells them
 * with the list; else uidvalidity is 0. */
struct backend_folder_sink {
	void *ctx;
	void (*folder)(void *ctx, const struct folder *f);	/* account and id are 0 */
};

/* Receives a section piece by piece; anything but ERR_OK stops the transfer. */
struct byte_sink {
	void *ctx;
	enum err (*write)(void *ctx, const void *p, size_t n, struct error *e);
	void (*total)(void *ctx, uint64_t bytes);	/* NULL: not interested */
};

/* A message of `size` bytes, read in any order and as often as is needed: *got from
 * `at` on, 0 only at the end. */
struct byte_source {
	void *ctx;
	uint64_t size;
	enum err (*read)(void *ctx, uint64_t at, void *buf, size_t n, size_t *got,
		struct error *e);
};
/* In memory, or the open file `fd` (ctx is *fd); what is read must outlive it. */
struct byte_source byte_source_memory(const void *p, size_t n);
struct byte_source byte_source_file(const int *fd, uint64_t size);
/* src->read with its bounds kept; ERR_LOCAL too when it ends before `size`. */
enum err byte_source_read(const struct byte_source *src, uint64_t at, void *buf, size_t n,
	size_t *got, struct error *e);

/* Where messages went: from[i] became to[i]. n 0: the server did not say. */
struct uid_map {
	uint32_t *from, *to;
	size_t n;
};
void uid_map_clear(struct uid_map *m);

enum { WAIT_CHANGED = 1, WAIT_WOKEN = 2 };	/* else the time was up */

struct backend {
	const struct backend_ops *ops;
	unsigned caps;			/* enum cap; good after connect */
	/* the implementation's own fields follow */
};

struct backend_ops {
	/* Connects, verifies, logs in. ERR_AUTH: refused; ERR_UNSUPPORTED: no way to log in
	 * that fits, so that another password would not help. cancel outlives the backend. */
	enum err (*connect)(struct backend *b, const struct backend_login *l, struct error *e);
	/* For people, after connect: server, TLS, mechanism; a line each, '\n' between. */
	void (*describe)(struct backend *b, struct str *out);

	enum err (*folders)(struct backend *b, const struct backend_folder_sink *sink,
		struct error *e);
	enum err (*folder_create)(struct backend *b, const char *wire, struct error *e);
	enum err (*folder_rename)(struct backend *b, const char *wire, const char *to,
		struct error *e);
	enum err (*folder_delete)(struct backend *b, const char *wire, struct error *e);
	/* The name the protocol uses for a UTF-8 name with '/' between levels; owned by the
	 * caller. The server's delimiter and prefix are known after folders or open. */
	char *(*wire_name)(struct backend *b, const char *name);
	/* Counts of a folder that is not open (n_msgs, n_unread, uidnext, uidvalidity). */
	enum err (*status)(struct backend *b, const char *wire, struct folder_status *st,
		struct error *e);

	/* Makes it the open folder. With `known` and a server that can (QRESYNC), what changed
	 * since then comes through sink in the same round trip, and *delta is set. */
	enum err (*open)(struct backend *b, const char *wire, const struct folder_known *known,
		const struct folder_sink *sink, struct folder_status *st, bool *delta,
		struct error *e);
	/* The rest works on the open folder. */

	/* What changed since known->modseq (CAP_DELTA), else flags of all and the absence of
	 * any, compared with known->uids: flags and vanished through sink, and *st anew
	 * (n_msgs, uidnext, modseq). New messages are told by their flags, too. */
	enum err (*changes)(struct backend *b, const struct folder_known *known,
		const struct folder_sink *sink, struct folder_status *st, struct error *e);
	/* All UIDs there are. */
	enum err (*uids)(struct backend *b, struct uidset *out, struct error *e);
	/* Summaries of the newest `n` (one round trip), or of the UIDs given, in
	 * slices of the implementation's choosing; a message that cannot be parsed
	 * comes with what can be had of it. */
	enum err (*newest)(struct backend *b, uint32_t n, const struct folder_sink *sink,
		struct error *e);
	enum err (*headers)(struct backend *b, const struct uidset *uids,
		const struct folder_sink *sink, struct error *e);
	enum err (*structure)(struct backend *b, uint32_t uid, struct arena *a,
		struct part **root, struct error *e);
	/* A section as store.h names them ("" the whole, "HEADER",
	 * "1.2"), never marking it seen. */
	enum err (*fetch)(struct backend *b, uint32_t uid, const char *section,
		const struct byte_sink *sink, struct error *e);
	enum err (*set_flags)(struct backend *b, const struct uidset *uids, uint32_t set,
		uint32_t clear, struct error *e);
	enum err (*move)(struct backend *b, const struct uidset *uids, const char *wire,
		struct uid_map *map, struct error *e);
	enum err (*copy)(struct backend *b, const struct uidset *uids, const char *wire,
		struct uid_map *map, struct error *e);
	/* Removes exactly these, never what others marked deleted. */
	enum err (*expunge)(struct backend *b, const struct uidset *uids, struct error *e);
	/* Stores a message (CRLF) into a folder, open or not; *uid 0: not told.
	 * Memory does not grow with it. */
	enum err (*append)(struct backend *b, const char *wire, const struct byte_source *src,
		uint32_t flags, int64_t arrived, uint32_t *uid, struct error *e);
	/* UIDs >= from in folder `wire` with that Message-ID (to find out,
	 * after a crash, what was done). */
	enum err (*find)(struct backend *b, const char *wire, const char *message_id,
		uint32_t from, struct uidset *out, struct error *e);

	/* Summaries of those with UIDs >= from in folder `wire`, through sink's msg: the same
	 * question about many messages at once. */
	enum err (*arrivals)(struct backend *b, const char *wire, uint32_t from,
		const struct folder_sink *sink, struct error *e);

	/* Those of `uids` in the open folder that have `words` in their text, as the
	 * server understands it (RFC 9051 6.4.4, BODY); added to *out, which may get
	 * others as well. CAP_SEARCH. */
	enum err (*search)(struct backend *b, const struct uidset *uids, const char *words,
		struct uidset *out, struct error *e);

	/* Blocks until something changes in the open folder, `wake` is readable, or the time
	 * is up. *what: WAIT_ bits. IDLE is entered and left inside. */
	enum err (*wait)(struct backend *b, int timeout_ms, int wake, int *what,
		struct error *e);

	/* Says goodbye if that takes no longer than `ms`, closes, frees. */
	void (*close)(struct backend *b, int ms);
};

#endif
