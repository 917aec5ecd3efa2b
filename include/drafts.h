/* drafts.h - what is being written, one file a draft in data/drafts, 0600.
 *
 * "N" is the draft (a header of ours, an empty line, the text), replaced as a whole at every
 * save; "N.text" (with the header: "N.eml") is there while an editor has the text; "N.K" are
 * the bytes of attachment K, written once; "N.lock" is held by whoever has the draft open, and
 * the kernel takes the lock back when that process dies. So at any instruction there is one
 * good copy: N, and when N.text is there and not empty, its text is the newer one.
 *
 * A draft that was handed to the outbox stays until the mail is surely sent, and
 * names its Message-ID: taking back and editing what is in the outbox is opening that
 * draft. One thread a draft. */
#ifndef DUNLIN_DRAFTS_H
#define DUNLIN_DRAFTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "note.h"

typedef uint32_t draft_id;		/* from 1; 0: none */

enum { DRAFT_MAX_TEXT = 64 << 20, DRAFT_MAX_ATTACHMENT = 256 << 20 };

struct draft_lock {
	int fd;				/* -1: not held */
};

/* A new number, locked; nothing else of it is there before draft_save. */
enum err draft_new(const char *data_dir, draft_id *id, struct draft_lock *lock,
	struct error *e);
/* ERR_MSG: another dunlin has it open. */
enum err draft_take(const char *data_dir, draft_id id, struct draft_lock *lock,
	struct error *e);
void draft_release(struct draft_lock *lock);

/* Durable before it returns. Line ends within a field become spaces. */
enum err draft_save(const char *data_dir, draft_id id, const struct note *n, struct error *e);
/* With the text that an editor left behind. *n is zero before; on error empty. */
enum err draft_load(const char *data_dir, draft_id id, struct note *n, struct error *e);
/* As it was saved last, without the editor's text; needs no lock. */
enum err draft_peek(const char *data_dir, draft_id id, struct note *n, struct error *e);
/* Removes all of it: its mail is in the outbox and sent, or the person said so. */
enum err draft_remove(const char *data_dir, draft_id id, struct error *e);

/* Thrown away, so that it can be had back: out of sight under another name, until draft_sweep
 * removes those that were put aside before `before` (seconds since 1970). */
enum err draft_put_aside(const char *data_dir, draft_id id, struct error *e);
enum err draft_bring_back(const char *data_dir, draft_id id, struct error *e);
void draft_sweep(const char *data_dir, int64_t before);

/* Those that can be resumed, the one saved last first; owned. */
struct draft_info {
	draft_id id;
	int64_t saved;			/* seconds since 1970 */
	char *to, *subject, *message_id, *name;	/* never NULL */
};
size_t draft_list(const char *data_dir, struct draft_info **out);
void draft_list_free(struct draft_info *v, size_t n);
void draft_info_clear(struct draft_info *d);
/* Which draft has that name; 0: none. */
draft_id draft_named(const char *data_dir, const char *name);
/* All there are, with the time of their last save in nanoseconds: cheap,
 * for who looks often; owned. */
struct draft_seen {
	draft_id id;
	int64_t saved_ns;
};
size_t draft_scan(const char *data_dir, struct draft_seen **out);

/* ---- the editor ---- */

/* with_header: From, To, Cc, Bcc and Subject above the text, an empty line between. */
char *draft_editor_path(const char *data_dir, draft_id id, bool with_header);	/* owned */
enum err draft_editor_begin(const char *data_dir, draft_id id, const struct note *n,
	bool with_header, struct error *e);
/* Takes over what the file that is there says; an empty one only with `is_over`, since editors
 * empty a file before they write it. A header line that is none of those five stays, in the
 * text. *changed: it says something else than the note did. */
enum err draft_editor_read(const char *data_dir, draft_id id, struct note *n, bool is_over,
	bool *changed, struct error *e);
void draft_editor_end(const char *data_dir, draft_id id);	/* after draft_save */

/* ---- attachments ---- */

/* Keeps a copy of the bytes, so that what was attached is what is
 * sent; then save the draft. */
enum err draft_attach(const char *data_dir, draft_id id, struct note *n, const char *name,
	const char *type, const void *p, size_t len, struct error *e);

/* The same by pieces, from any thread: under a number that the note does not have yet
 * (draft_free_number), to be added to it (note_add_file) when it is whole. What a crash leaves
 * goes with the draft. ERR_MSG: it becomes too large. */
struct draft_file_writer;
uint32_t draft_free_number(const struct note *n);
enum err draft_file_create(struct draft_file_writer **out, const char *data_dir, draft_id id,
	uint32_t number, struct error *e);
enum err draft_file_write(struct draft_file_writer *w, const void *p, size_t n,
	struct error *e);
/* Durable; *size_bytes of it. w is freed, whatever comes of it. */
enum err draft_file_commit(struct draft_file_writer *w, uint64_t *size_bytes, struct error *e);
void draft_file_abort(struct draft_file_writer *w);	/* NULL is fine */

/* To read from; -1 and *e. Nobody changes it while the draft is there. */
int draft_attached(const char *data_dir, draft_id id, const struct note_file *f, size_t *len,
	struct error *e);

#endif
