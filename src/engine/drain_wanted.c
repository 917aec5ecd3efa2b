/* drain_wanted.c - messages larger than max-size: their headers, and
 * the rest when somebody asks.
 *
 * A request is a state of the ledger (POP3_WANTED), so that it outlives the program and
 * the connection. The message goes into the spool as a whole and from there, with one
 * rename, into the place of its stub; then the ledger says that it is here. Between the
 * two the mbox alone shows it: a pass that finds no stub of a message that is wanted looks
 * whether the message stands there. What is wanted no more, or cannot be had, is a header
 * again: the server keeps it. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "drain_int.h"
#include "log.h"
#include "mime.h"

/* ---- a header into the spool ---- */

struct memory {
	const char *p;
	size_t left;
};

static enum err
from_memory(void *ctx, char *buf, size_t size, size_t *n, struct error *e)
{
	struct memory *m = ctx;

	(void)e;
	*n = m->left < size ? m->left : size;
	memcpy(buf, m->p, *n);
	m->p += *n;
	m->left -= *n;
	return ERR_OK;
}

enum err
stub_encode(int spool, uint64_t size_bytes, uint64_t hash, const struct str *head,
	struct mbox_encoded *out, struct error *e)
{
	struct stub s = { size_bytes, hash };
	struct str text = {0};

	stub_write(&text, &s, str_get(head), head->len);
	struct memory m = { str_get(&text), text.len };
	struct mbox_source src = { &m, from_memory };
	enum err rc = mbox_encode(spool, &src, 0, pass_arrival, out, e);
	str_clear(&text);
	return rc;
}

/* ---- where the stub is ---- */

struct place {
	char *path;			/* owned; NULL: nowhere */
	enum stub_there there;
	char *subject;			/* decoded, owned; NULL: not known */
};

static void
place_clear(struct place *at)
{
	free(at->path);
	free(at->subject);
	*at = (struct place){0};
}

static char *
decoded(char *raw)
{
	struct arena a = {0};
	char *out = raw && *raw ? xstrdup(mime_decode_words(&a, raw)) : NULL;

	free(raw);
	arena_clear(&a);
	return out;
}

/* One file; what it has is noted if it is more than was found before. */
static enum err
look_into(struct pass *p, const char *path, const struct stub *s, struct place *at,
	struct error *e)
{
	enum stub_there there;
	char *subject;
	enum err rc = stub_find(path, s, &there, &subject, p->d->cancel, e);

	if (rc == ERR_FOLDER) {
		log_msg("%s: not looked into: %s", path, e->text);
		return ERR_OK;
	}
	if (rc == ERR_OK && there > at->there) {
		place_clear(at);
		*at = (struct place){ xstrdup(path), there, decoded(subject) };
		subject = NULL;
	}
	free(subject);
	return rc;
}

struct looking {
	struct pass *p;
	const struct stub *s;
	struct place *at;
	enum err rc;
	struct error *e;
};

static bool
look_on(void *ctx, const char *path)
{
	struct looking *l = ctx;

	l->rc = look_into(l->p, path, l->s, l->at, l->e);
	return l->rc == ERR_OK && l->at->there != STUB_HERE;
}

/* Mostly in the inbox; else wherever the person filed it. */
static enum err
find_place(struct pass *p, const struct stub *s, struct place *at, struct error *e)
{
	struct looking l = { p, s, at, ERR_OK, e };

	*at = (struct place){0};
	if (look_on(&l, p->d->inbox))
		pass_each_file(p, look_on, &l);
	return l.rc;
}

/* ---- how it ends ---- */

static enum err
turn(struct pass *p, struct pop3_entry *entry, enum pop3_state to, struct error *e)
{
	bool did;
	enum err rc = store_pop3_turn(p->d->store, entry->id, POP3_WANTED, to,
		to == POP3_HERE ? p->now : 0, &did, e);

	if (rc == ERR_OK)
		entry->state = to;
	if (rc == ERR_OK && to == POP3_HERE)
		entry->fetched = p->now;		/* the days of `keep` begin now */
	return rc;
}

static bool
is_still_wanted(struct pass *p, const struct pop3_entry *entry)
{
	struct pop3_entry now;

	return store_pop3_get(p->d->store, entry->id, &now) && now.state == POP3_WANTED;
}

/* It stays a header, and why is told. */
static enum err
give_up(struct pass *p, struct pop3_entry *entry, const struct place *at, const char *why,
	struct error *e)
{
	struct error told;

	if (at->subject)
		error_set(&told, ERR_MSG, "'%.80s' is not downloaded: %s", at->subject, why);
	else
		error_set(&told, ERR_MSG, "a message of %.1f MB is not downloaded: %s",
			(double)entry->size_bytes / 1e6, why);
	p->d->notice(p->d->ctx, &told);
	return turn(p, entry, POP3_HEADER, e);
}

/* ---- downloading one ---- */

/* The spool, and the mbox a second time with the message in it. */
static bool
has_room(const struct pass *p, const char *path, uint64_t bytes)
{
	struct statvfs spool, mbox;
	struct stat st;

	if (statvfs(p->d->spool_path, &spool) < 0 || statvfs(path, &mbox) < 0 ||
	    stat(path, &st) < 0)
		return true;
	uint64_t free_spool = (uint64_t)spool.f_bavail * spool.f_frsize;
	uint64_t free_mbox = (uint64_t)mbox.f_bavail * mbox.f_frsize,
		anew = (uint64_t)st.st_size + bytes;
	return spool.f_fsid == mbox.f_fsid ? free_mbox >= anew + bytes
		: free_mbox >= anew && free_spool >= bytes;
}

struct replacing {
	const char *path;
	const struct stub *s;
	int spool;
	uint64_t n_bytes;
	bool done;
	const struct cancel *hurry;
};

static enum err
replace_now(void *arg, struct error *e)
{
	struct replacing *r = arg;

	return stub_replace(r->path, r->s, r->spool, r->n_bytes, &r->done, r->hurry, e);
}

static enum err
replace(struct pass *p, const char *path, const struct stub *s, uint64_t n_bytes, bool *done,
	struct error *e)
{
	struct replacing r = { path, s, p->spool, n_bytes, false, p->d->hurry };
	enum err rc = pass_errand(p, replace_now, &r, path, e);

	*done = r.done;
	return rc;
}

/* Out of the spool into the place of the stub, which may be another by now. */
static enum err
put_in_place(struct pass *p, struct plan_item *item, const struct stub *s, uint64_t n_bytes,
	struct place *at, struct error *e)
{
	bool done = false;
	enum err rc = replace(p, at->path, s, n_bytes, &done, e);

	if (rc == ERR_OK && !done) {
		place_clear(at);
		rc = find_place(p, s, at, e);
		if (rc == ERR_OK && at->there == STUB_HERE)
			rc = replace(p, at->path, s, n_bytes, &done, e);
	}
	if (rc != ERR_OK)
		return rc;
	if (!done)
		log_msg("the header was removed while the message was downloaded");
	bool did;
	if (done)		/* whoever changed his mind in this moment: it is here */
		rc = store_pop3_turn(p->d->store, item->entry->id, POP3_HEADER, POP3_WANTED, 0,
			&did, e);
	return rc == ERR_OK ? turn(p, item->entry, done ? POP3_HERE : POP3_HEADER, e) : rc;
}

static enum err
fetch(struct pass *p, struct plan_item *item, const struct stub *s, struct place *at,
	struct error *e)
{
	struct mbox_source src = { p, pass_from_server };
	struct mbox_encoded out = {0};
	enum err rc = pass_empty_spool(p, e);

	if (rc == ERR_OK)
		rc = pop3_ask(p->pop3, &item->m, false, e);
	if (rc == ERR_OK)
		rc = pop3_take(p->pop3, e);
	if (rc == ERR_MSG)
		return give_up(p, item->entry, at, e->text, e);
	p->message_bytes = item->m.size_bytes;
	if (rc == ERR_OK)
		rc = mbox_encode(p->spool, &src, 0, pass_arrival, &out, e);
	if (rc == ERR_OK && is_still_wanted(p, item->entry))
		rc = put_in_place(p, item, s, out.end, at, e);
	/* not again before somebody looked after it */
	if (rc == ERR_LOCAL || rc == ERR_FOLDER) {
		struct error ignored, why = *e;
		rc = give_up(p, item->entry, at, why.text, &ignored);
		if (rc != ERR_OK)
			*e = why;
	}
	struct error ignored;
	if (rc == ERR_OK)
		rc = pass_empty_spool(p, &ignored);
	return rc;
}

static enum err
fetch_wanted(struct pass *p, struct plan_item *item, struct error *e)
{
	struct stub s = { item->entry->size_bytes, item->entry->hash };
	struct place at;
	enum err rc = find_place(p, &s, &at, e);

	if (rc != ERR_OK || !is_still_wanted(p, item->entry))
		goto out;
	if (at.there == STUB_WHOLE)
		rc = turn(p, item->entry, POP3_HERE, e);
	else if (at.there == STUB_OTHER)
		rc = turn(p, item->entry, POP3_FOUND, e);
	else if (at.there == STUB_NONE)
		rc = turn(p, item->entry, POP3_HEADER, e);
	else if (!has_room(p, at.path, item->m.size_bytes))
		rc = give_up(p, item->entry, &at, "there is not enough room on the disk", e);
	else
		rc = fetch(p, item, &s, &at, e);
out:
	place_clear(&at);
	return rc;
}

/* ---- all of them ---- */

/* The server listed all it has, and this was not among it. */
static enum err
tell_lost(struct pass *p, struct pop3_entry *entry, struct error *e)
{
	struct stub s = { entry->size_bytes, entry->hash };
	struct place at;
	enum err rc = find_place(p, &s, &at, e);

	if (rc == ERR_OK && at.there == STUB_WHOLE)
		rc = turn(p, entry, POP3_HERE, e);
	else if (rc == ERR_OK)
		rc = give_up(p, entry, &at, "the server no longer has it", e);
	place_clear(&at);
	return rc;
}

enum err
wanted_fetch(struct pass *p, struct error *e)
{
	struct plan *plan = &p->plan;
	enum err rc = ERR_OK;

	for (size_t i = 0; i < plan->n_entries && rc == ERR_OK; i++) {
		if (!plan->is_taken[i] && plan->entries[i].state == POP3_WANTED)
			rc = tell_lost(p, &plan->entries[i], e);
	}
	for (size_t i = 0; i < plan->n && rc == ERR_OK && !atomic_load(p->d->stop); i++) {
		struct plan_item *item = &plan->v[i];
		if (!item->entry || item->entry->state != POP3_WANTED)
			continue;
		rc = fetch_wanted(p, item, e);
		p->n_done++;
		pass_tell(p);
	}
	return rc;
}
