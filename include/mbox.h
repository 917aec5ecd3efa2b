/* mbox.h - mbox files: messages as spans of a file, appended, marked and removed safely.
 *
 * Reads mboxrd, mboxo and mboxcl alike (a message begins at a well-formed From_ line at the
 * beginning, behind an empty line, or where a header follows; Content-Length is never
 * believed: SECURITY 14); writes mboxrd. LF and CRLF. Flags are Status and X-Status headers,
 * as mutt, mailx and Dovecot keep them. A message is known by the hash of its header without
 * those lines, so that it is found again when another program has rewritten the file.
 *
 * No state between calls but the file itself: each call opens it, those that write lock it
 * (fcntl and dotlock), waiting 5 s at most for another program; `cancel` (may be NULL) ends
 * the waiting. Nothing here holds a message in memory; a header counts up to MBOX_MAX_HEADER
 * bytes. Any thread. Errors: ERR_LOCAL (disk), ERR_FOLDER (locked by somebody else, not an
 * mbox, changed since it was scanned: scan again), ERR_CANCELLED. */
#ifndef DUNLIN_MBOX_H
#define DUNLIN_MBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cancel.h"
#include "err.h"
#include "msg.h"

enum { MBOX_MAX_HEADER = 256 * 1024 };

struct mbox_msg {
	uint64_t from_pos;	/* its From_ line */
	uint64_t head_pos;	/* the first header line */
	uint64_t body_pos;	/* behind the empty line that ends the header */
	uint64_t end_pos;	/* behind the body, without the empty line
				 * before the next From_ */
	uint64_t hash;		/* of the header but for lines that programs change */
	int64_t arrived;	/* by the From_ line; 0 when it has no date */
	uint32_t flags;		/* MSG_ bits; a message that was never listed lacks MBOX_OLD */
};
enum { MBOX_OLD = 1 << 24 };	/* Status: O; in mbox_msg.flags only */

/* What the file looked like: equal stamps mean that nothing needs to be scanned. */
struct mbox_stamp {
	uint64_t inode, size_bytes;
	int64_t mtime_ns;
};
/* missing file: all 0 */
enum err mbox_stamp(struct mbox_stamp *out, const char *path, struct error *e);
bool mbox_stamp_is_same(const struct mbox_stamp *a, const struct mbox_stamp *b);
/* A stamp taken within one tick of the clock of the last change would hide a second change in
 * that tick: waits until the tick is over (a few ms at most) and looks once more. */
enum err mbox_stamp_settled(struct mbox_stamp *out, const char *path, struct error *e);

/* Called for each message in file order with its header (cut at
 * MBOX_MAX_HEADER). False stops. */
typedef bool mbox_visit(void *ctx, const struct mbox_msg *m, const char *head, size_t n_head);

/* Scans from `from`, which is 0 or the position of a From_ line. A missing file is empty. */
enum err mbox_scan(const char *path, uint64_t from, mbox_visit *visit, void *ctx,
	const struct cancel *cancel, struct error *e);
/* Scans the whole file, a large one that is in memory by up to n threads: thread i calls visit
 * with ctx[i] for its messages in file order, and those of ctx[i] stand before those of ctx[i
 * + 1]. visit must not stop it. */
enum { MBOX_PARTS = 4 };		/* more than so many are not used */
enum err mbox_scan_parts(const char *path, mbox_visit *visit, void *const *ctx, size_t n,
	const struct cancel *cancel, struct error *e);
/* The position from which at least the last n messages stand, found from the end. */
enum err mbox_tail(const char *path, size_t n, uint64_t *from, struct error *e);

/* Visits the messages at these positions, in that order, reading their headers only: end_pos
 * is 0. Where no From_ line stands (any more), none is visited. */
enum err mbox_heads(const char *path, const uint64_t *from_pos, size_t n, mbox_visit *visit,
	void *ctx, const struct cancel *cancel, struct error *e);

/* The message at from_pos, which must have that hash (else ERR_FOLDER): its bytes without the
 * From_ line and without Status and X-Status, ">From " unquoted, piece by piece. */
typedef enum err mbox_write(void *ctx, const void *p, size_t n, struct error *e);
enum err mbox_read(const char *path, uint64_t from_pos, uint64_t hash, mbox_write *write,
	void *ctx, struct error *e);

/* The date in a From_ line, as ctime(3) without the line end, UTC, in English whatever the
 * locale: other programs read it. That of now when it cannot be written. */
void mbox_from_date(char out[64], int64_t arrived);

/* Appends one message (any line ends; From_ lines in it are quoted; Status lines in it
 * dropped): locks, writes, fsyncs; on failure the file is cut back to what it was. *pos: its
 * From_ line. What dies in the middle leaves a torn message: who must not, uses mbox_join. */
struct mbox_source {
	void *ctx;
	/* Fills buf, *n 0 at the end. */
	enum err (*read)(void *ctx, char *buf, size_t size, size_t *n, struct error *e);
};
enum err mbox_append(const char *path, const struct mbox_source *src, uint32_t flags,
	int64_t arrived, uint64_t *pos, const struct cancel *cancel, struct error *e);

/* ---- many messages at once, prepared in a file of their own (the spool) ---- */

/* A message as mbox_append would write it, at the end of `fd`, where
 * others written so may stand. */
struct mbox_encoded {
	uint64_t hash;			/* of its header, as in mbox_msg */
	uint64_t pos, end;		/* in the spool: its From_ line;
					 * behind its last byte */
};
/* When a message with that header (cut at MBOX_MAX_HEADER) arrived. */
typedef int64_t mbox_arrival(const char *head, size_t n);
/* On failure the spool is as it was. Neither lock nor fsync. */
enum err mbox_encode(int fd, const struct mbox_source *src, uint32_t flags,
	mbox_arrival *arrival, struct mbox_encoded *out, struct error *e);
/* The same of one whose time is known, and perhaps who stands in its From_ line, one word;
 * else, and in the others, MAILER-DAEMON. */
enum err mbox_encode_at(int fd, const struct mbox_source *src, uint32_t flags, int64_t arrived,
	const char *sender, struct mbox_encoded *out, struct error *e);
/* Who stands in the From_ line at from_pos, when that has the usual form; else out is "". */
enum { MBOX_SENDER = 256 };
enum err mbox_sender(const char *path, uint64_t from_pos, char out[MBOX_SENDER],
	struct error *e);
/* The hash that a message with this header will have. */
uint64_t mbox_header_hash(const char *head, size_t n);

/* Appends n_bytes of the spool to the mbox, fsync; on failure the mbox is cut back. `begin` is
 * called under the lock before the first byte is written, with the length of the mbox; when it
 * fails nothing is written. */
typedef enum err mbox_begin(void *ctx, uint64_t before, struct error *e);
enum err mbox_join(const char *path, int spool, uint64_t n_bytes, mbox_begin *begin, void *ctx,
	const struct cancel *cancel, struct error *e);
/* After a crash within or behind mbox_join, called with what `begin` was told: afterwards
 * each message of the spool stands in the mbox once and whole, whatever was written of
 * it, and whoever wrote since. */
enum err mbox_join_again(const char *path, int spool, uint64_t n_bytes, uint64_t before,
	const struct cancel *cancel, struct error *e);

/* Changes: new flags, or removal. In place where the flags have room, else the whole file
 * is written anew beside itself and renamed (mode, owner and symlink kept). All or
 * nothing, but for flags in place, where each message is. ERR_FOLDER if one is not where
 * it was: nothing is changed then.
 *
 * *stamp says what the file looked like when the positions were found. Where it still did,
 * under the lock, *stamp is what it looks like now: nothing but these changes happened in
 * between. Else it is all 0. */
struct mbox_change {
	uint64_t from_pos, hash;
	uint32_t flags;
	bool remove;
};
enum err mbox_change(const char *path, const struct mbox_change *changes, size_t n,
	struct mbox_stamp *stamp, bool *was_rewritten, const struct cancel *cancel,
	struct error *e);	/* sorted by from_pos */

/* The same in two steps: nobody else writes, or reads a locked mbox, in between, so what was
 * verified is changed for certain, unless the disk fails. ERR_FOLDER: locked by somebody else;
 * ERR_MSG: one is not where it was. */
struct mbox_lock;
enum err mbox_hold(struct mbox_lock **out, const char *path, const struct mbox_change *changes,
	size_t n, const struct cancel *cancel, struct error *e);
enum err mbox_change_held(const struct mbox_lock *l, const struct mbox_change *changes,
	size_t n, struct mbox_stamp *stamp, bool *was_rewritten, struct error *e);
void mbox_release(struct mbox_lock *l);		/* NULL is fine */

/* What stands in the file, and its name, survives a power cut; a missing file is fine. Not
 * what an fsync failed on before. */
enum err mbox_settle(const char *path, struct error *e);

/* ERR_OK: the file begins like an mbox, is empty, or is not there. Else what it is. */
enum err mbox_check(const char *path, struct error *e);
bool mbox_looks_like(const char *path);		/* the same of one that is there */

#endif
