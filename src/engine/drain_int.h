/* drain_int.h - what the files of a pass share. */
#ifndef DUNLIN_ENGINE_DRAIN_INT_H
#define DUNLIN_ENGINE_DRAIN_INT_H

#include "drain.h"
#include "mbox.h"
#include "str.h"
#include "stub.h"

struct pass {
	struct drain_pass *d;
	struct pop3 *pop3;
	struct plan plan;
	int spool;
	bool are_names_durable;		/* of spool, store and inbox, and of
					 * their directories */
	int64_t now;
	/* the batch in the spool */
	struct pop3_entry *batch;
	struct plan_item **batch_items;	/* whose entries they will be */
	size_t n_batch, cap_batch, cap_items;
	uint64_t batch_bytes;
	int64_t batch_ms;
	/* for people */
	uint64_t n_done, n_todo, bytes_done, bytes_todo;
	uint64_t message_bytes;		/* of the message that is being read: about as
					 * many are to come */
	bool did_break;			/* the link, in the message d->bad */
	bool is_bad_left_out;		/* it did so twice */
	uint32_t n_failed;
	struct error failure;
};

/* ---- drain_pass.c ---- */
enum err pass_empty_spool(struct pass *p, struct error *e);
/* A whole header, or as much of it as an mbox would keep for the hash. */
enum err pass_read_header(struct pass *p, struct str *head, struct error *e);
/* Keeps as many asked for as the server's window allows; `taken` of v are
 * done, *asked were asked for. */
enum err pass_ask_more(struct pass *p, struct plan_item **v, size_t n, size_t taken,
	size_t *asked, bool header_only, struct error *e);
/* Asks for the headers of these, alone or with all of the message; what cannot be had
 * keeps the hash it has. */
enum err pass_hash_headers(struct pass *p, struct plan_item **v, size_t n, bool header_only,
	struct error *e);
/* Of those that want it. */
enum err pass_find_hashes(struct pass *p, struct error *e);
/* What of the session before must not be in the next one of the same pass. */
void pass_begin_anew(struct pass *p);
/* In the worker's thread, where there is one. */
enum err pass_errand(struct pass *p, enum err (*run)(void *arg, struct error *e), void *arg,
	const char *path, struct error *e);
/* The batch in the spool into the mbox and the ledger. */
enum err pass_commit(struct pass *p, struct error *e);

/* ---- drain_fetch.c ---- */
enum err pass_download(struct pass *p, struct error *e);
/* An mbox_source: the message that was taken. */
enum err pass_from_server(void *ctx, char *buf, size_t size, size_t *n, struct error *e);
int64_t pass_arrival(const char *head, size_t n);
void pass_tell(struct pass *p);

/* ---- drain_witness.c: the number of the last batch, in the ledger and in a
 * file beside the inbox ---- */
/* Whether mail was appended of which this ledger cannot know: it was
 * put back from a backup. */
bool witness_is_ahead(struct pass *p);
/* ERR_LOCAL: mail was brought into this inbox, and neither it nor the file beside it is there:
 * perhaps a disk that is not mounted. */
enum err witness_look(struct pass *p, struct error *e);
/* One more, in the ledger; durable with what is synced next there. */
enum err witness_count(struct pass *p, struct error *e);
/* What the ledger says, durably beside the inbox. Before anything of the batch is appended. */
enum err witness_repeat(struct pass *p, struct error *e);

/* ---- drain_doubt.c: whether names are to be believed ---- */
/* The ledger's names were given by another server, or to another user. */
bool doubt_is_other_peer(const struct pass *p);
/* Behind doubt_unname, where they were. */
enum err doubt_note_peer(struct pass *p, struct error *e);
/* What the plan did not find on the server has no name any more. */
enum err doubt_unname(struct pass *p, struct error *e);
/* Whether the message that plan_is_renumbered told from its entry is another one indeed. */
enum err doubt_is_renumbered(struct pass *p, bool *is, struct error *e);
/* Of what may be deleted, and is known by its name alone, the header is looked at; what is
 * another message has no entry behind this. */
enum err doubt_before_deleting(struct pass *p, bool (*may)(const struct pass *p,
	const struct pop3_entry *entry), struct error *e);

/* ---- drain_files.c ---- */
/* Every mbox file in the directory of the inbox and below that is not empty, itself included,
 * by name, until `visit` returns false. */
void pass_each_file(const struct pass *p, bool (*visit)(void *ctx, const char *path),
	void *ctx);

/* ---- drain_relearn.c ---- */
/* After the plan: what is new by the ledger, and stands in the mbox files all the
 * same, is put into the ledger. */
enum err relearn(struct pass *p, struct error *e);

/* ---- drain_wanted.c ---- */
/* Into the spool. */
enum err stub_encode(int spool, uint64_t size_bytes, uint64_t hash, const struct str *head,
	struct mbox_encoded *out, struct error *e);
/* Downloads what was asked for and is listed. What cannot be had is told, and asked for no
 * more; the error is the session's or the disk's. */
enum err wanted_fetch(struct pass *p, struct error *e);

#endif
