/* drafts.c - what stands in data/drafts is kept in the account's Drafts folder, too.
 *
 * Nobody says what changed: the files are looked at, and one whose content is not that of its
 * copy (note_stamp) is uploaded. So no crash between a save and a word about it can lose the
 * save, and while there is no connection nothing piles up: the newest version is the one that
 * is there. An upload takes the place of the copy before it in the commit that says it stands
 * there (uploads.c); only then that one is removed, by its UID.
 *
 * A message on a server never changes: who edits a draft elsewhere stores another one and
 * removes ours. So before ours gets a successor its copy is looked for, by Message-ID. Is
 * it gone, somebody else has changed, sent or thrown away this draft: ours is kept here,
 * apart, and the person is told. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "drafts.h"
#include "log.h"
#include "outbox.h"
#include "store_outbox.h"
#include "store_uploads.h"
#include "str.h"
#include "uploads.h"
#include "utf8.h"
#include "worker.h"

enum {
	EVERY_S = 60,			/* while somebody writes */
	BYTES_A_SECOND = 100 << 10,	/* a large one less often */
	LOOK_MS = 60 * 1000,
	YOUNG_S = 60,
	OUTBOX_LOOK = 2000
};

struct draft_known {
	draft_id id;
	int64_t saved_ns;
	char *name, *account, *stamp, *message_id, *subject;
	uint64_t size_bytes;
	int64_t dirty_s;		/* differs from its copy since; 0: does not */
	bool is_bad;			/* could not be made into a message: not
					 * before it changes */
	bool is_there;			/* in the directory, at this look */
};

/* One look. */
struct turn {
	struct worker *w;
	struct arena arena;
	struct outbox_mail *mails;
	size_t n_mails;
	bool has_mails;			/* they were read */
	int64_t now, next;		/* seconds; when something is due */
	bool did;
};

static void
known_clear(struct draft_known *k)
{
	free(k->name);
	free(k->account);
	free(k->stamp);
	free(k->message_id);
	free(k->subject);
	*k = (struct draft_known){0};
}

void
drafts_clear(struct drafts *d)
{
	for (size_t i = 0; i < d->n; i++)
		known_clear(&d->v[i]);
	free(d->v);
	*d = (struct drafts){0};
}

/* ---- what is there ---- */

static struct draft_known *
known_of(struct drafts *d, draft_id id)
{
	for (size_t i = 0; i < d->n; i++) {
		if (d->v[i].id == id)
			return &d->v[i];
	}
	d->v = array_grow(d->v, d->n, &d->cap, sizeof *d->v);
	d->v[d->n] = (struct draft_known){ .id = id };
	return &d->v[d->n++];
}

static void
read_again(struct worker *w, struct draft_known *k, int64_t saved_ns)
{
	struct note n = {0};
	int64_t dirty_s = k->dirty_s;
	draft_id id = k->id;

	if (draft_peek(w->data_dir, id, &n, NULL) != ERR_OK)
		/* it is just being removed, or is none of ours */
		return;
	known_clear(k);
	*k = (struct draft_known){ .id = id, .saved_ns = saved_ns, .dirty_s = dirty_s,
		.name = xstrdup(note_get(n.name)), .account = xstrdup(note_get(n.account)),
		.stamp = note_stamp(&n), .message_id = xstrdup(note_get(n.message_id)),
		.subject = text_clean_dup(note_get(n.subject)), .size_bytes = n.text.len };
	for (size_t i = 0; i < n.n_files; i++)
		k->size_bytes += n.files[i].size_bytes;
	note_clear(&n);
}

static void
look(struct worker *w)
{
	struct drafts *d = &w->drafts;
	struct draft_seen *v;
	size_t n = draft_scan(w->data_dir, &v);

	for (size_t i = 0; i < d->n; i++)
		d->v[i].is_there = false;
	for (size_t i = 0; i < n; i++) {
		struct draft_known *k = known_of(d, v[i].id);
		if (k->saved_ns != v[i].saved_ns)
			read_again(w, k, v[i].saved_ns);
		k->is_there = k->name != NULL;
	}
	for (size_t i = d->n; i-- > 0;) {
		if (d->v[i].is_there)
			continue;
		known_clear(&d->v[i]);
		d->v[i] = d->v[--d->n];
	}
	free(v);
}

/* ---- its copy ---- */

static struct removal
removal_of(const struct turn *t, char **trash)
{
	struct uploads x = { t->w->store, t->w->conf, t->w->account, t->w->b };

	*trash = uploads_role_folder(&x, ROLE_TRASH);
	return (struct removal){ .can_expunge = t->w->b->caps & CAP_DELETE, .trash = *trash };
}

static enum err
remove_copy(struct turn *t, const struct draft_copy *d, struct error *e)
{
	char *trash;
	struct removal how = removal_of(t, &trash);
	enum err rc = store_draft_remove_copy(t->w->store, d, &how, e);

	free(trash);
	intents_ours(t->w);
	t->did = true;
	return rc;
}

/* Where to look for it; owned. A mailbox that was rebuilt has another id: *uid is 0 then. */
static char *
folder_of(const struct turn *t, const struct draft_copy *d, uint32_t *uid)
{
	struct uploads x = { t->w->store, t->w->conf, t->w->account, t->w->b };
	struct arena a = {0};
	struct folder f;
	char *wire;

	*uid = msg_uid(d->msg);
	if (store_folder(t->w->store, msg_folder(d->msg), &a, &f) &&
	    !(f.attrs & FOLDER_GONE)) {
		wire = xstrdup(f.wire);
	} else {
		*uid = 0;
		wire = uploads_role_folder(&x, ROLE_DRAFTS);
	}
	arena_clear(&a);
	return wire;
}

/* d->msg is set to where it is by now. */
static enum err
find_copy(struct turn *t, struct draft_copy *d, bool *is_there, struct error *e)
{
	struct worker *w = t->w;
	struct uidset found = {0};
	struct folder f;
	uint32_t uid;

	*is_there = true;
	if (!*d->message_id)		/* another client's, without one: what the index has */
		return ERR_OK;
	char *wire = folder_of(t, d, &uid);
	enum err rc = w->b->ops->find(w->b, wire, d->message_id, 1, &found, e);
	w->mirror.open.id = 0;		/* looking may have opened another folder */
	if (rc == ERR_OK && uid)
		*is_there = uidset_has(&found, uid);
	else if (rc == ERR_OK)
		*is_there = found.n > 0;
	if (rc == ERR_OK && *is_there && !uid &&
	    store_folder_by_wire(w->store, w->account, wire, &t->arena, &f))
		d->msg = msg_id_of(f.id, uidset_max(&found));
	if (rc == ERR_FOLDER || rc == ERR_MSG) {	/* the folder itself is gone */
		*is_there = false;
		rc = ERR_OK;
	}
	uidset_clear(&found);
	free(wire);
	return rc;
}

/* Ours stays, and is not stored again by itself. */
static enum err
part(struct turn *t, const struct draft_known *k, const struct draft_copy *d, struct error *e)
{
	struct draft_copy apart = *d;
	struct error n;

	apart.state = DRAFT_APART;
	apart.msg = 0;
	apart.message_id = "";
	error_set(&n, ERR_FOLDER,
		"%s: changed or removed elsewhere, and kept here (gd): the draft '%.100s'",
		t->w->conf->name, k->subject);
	t->did = true;
	enum err rc = store_draft_put(t->w->store, &apart, e);
	if (rc == ERR_OK)
		worker_notice(t->w, &n);
	return rc;
}

/* The index says that its row went, and has all rows. */
static bool
seems_gone(const struct turn *t, const struct draft_copy *d)
{
	const struct store *s = t->w->store;
	struct arena a = {0};
	struct folder f;
	struct msg m;
	bool is_known = store_folder(s, msg_folder(d->msg), &a, &f);
	bool is = !is_known || (f.is_filled && msg_uid(d->msg) < f.uidnext &&
		!store_msg(s, d->msg, &a, &m));

	arena_clear(&a);
	return is;
}

/* Deleted or moved from the list of messages, by the person, here: that was meant for the
 * draft. It is in Trash, or where it was moved to, and is opened from there. */
static enum err
follow_removal(struct turn *t, const struct draft_known *k, const struct draft_copy *d,
	struct error *e)
{
	struct draft_lock lock;
	enum err rc;

	if (draft_take(t->w->data_dir, k->id, &lock, NULL) != ERR_OK)
		return part(t, k, d, e);	/* it is open */
	rc = draft_put_aside(t->w->data_dir, k->id, e);
	draft_release(&lock);
	t->did = rc == ERR_OK;
	return rc == ERR_OK ? store_draft_forget(t->w->store, d->name, d->account, e) : rc;
}

static enum err
check_copy(struct turn *t, const struct draft_known *k, struct draft_copy *d, struct error *e)
{
	bool is_there;
	msg_id was = d->msg;

	if (!d->msg || !seems_gone(t, d))
		return ERR_OK;
	enum err rc = find_copy(t, d, &is_there, e);
	if (rc != ERR_OK)
		return rc;
	if (!is_there && store_was_removed_here(t->w->store, was))
		return follow_removal(t, k, d, e);
	if (!is_there)
		return part(t, k, d, e);
	return d->msg != was ? store_draft_put(t->w->store, d, e) : ERR_OK;
}

/* ---- storing ---- */

static void
due_at(struct turn *t, int64_t when)
{
	if (when > t->now && (!t->next || when < t->next))
		t->next = when;
}

static enum err
write_letter(struct turn *t, const struct letter *l, const struct upload *u, struct error *e)
{
	struct upload_file *f;
	upload_id id;
	enum err rc = upload_create(&f, t->w->store, e);

	if (rc != ERR_OK)
		return rc;
	if ((rc = upload_write(f, l->bytes.data, l->bytes.len, e)) != ERR_OK) {
		upload_abort(f);
		return rc;
	}
	return store_upload_add(t->w->store, u, f, &id, e);
}

static enum err
upload(struct turn *t, struct draft_known *k, struct error *e)
{
	struct worker *w = t->w;
	struct note n = {0};
	struct letter l = {0};
	enum err rc = draft_peek(w->data_dir, k->id, &n, e);
	char *stamp = rc == ERR_OK ? note_stamp(&n) : NULL;

	if (rc == ERR_OK)
		rc = outbox_letter(&l, w->data_dir, k->id, &n, true, NULL, e);
	if (rc != ERR_OK) {
		struct error why = *e;
		k->is_bad = true;
		error_set(e, ERR_MSG, "the draft '%.100s' is kept here only: %s", k->subject,
			why.text);
		worker_notice(w, e);
		rc = ERR_OK;
	} else {
		char *label = xasprintf("the draft '%s'",
			*k->subject ? k->subject : "(no subject)");
		struct upload u = { .account = w->account, .role = ROLE_DRAFTS,
			.name = k->name, .flags = MSG_DRAFT | MSG_SEEN, .arrived = t->now,
			.message_id = l.message_id, .label = label, .after = UPLOAD_THEN_DRAFT,
			.after_text = stamp };
		rc = write_letter(t, &l, &u, e);
		free(label);
		t->did = true;
	}
	free(stamp);
	letter_clear(&l);
	note_clear(&n);
	return rc;
}

/* An upload of it is on its way, or this very version was refused. */
static bool
is_on_its_way(struct turn *t, const struct draft_known *k)
{
	struct upload u;

	return store_upload_named(t->w->store, k->name, &t->arena, &u) &&
		u.account == t->w->account && (u.state == UPLOAD_RUNNING ||
		str_eq(u.after_text, k->stamp));
}

static enum err
store_it(struct turn *t, struct draft_known *k, struct draft_copy *d, struct error *e)
{
	int64_t every = EVERY_S + (int64_t)(k->size_bytes / BYTES_A_SECOND);
	bool is_there = true;
	enum err rc = ERR_OK;

	k->dirty_s = k->dirty_s && k->dirty_s <= t->now ? k->dirty_s : t->now;
	int64_t due = (d->stored > k->dirty_s ? d->stored : k->dirty_s) + every;
	/* the clock was set back since it was stored */
	if (due > t->now + every)
		due = t->now;
	if (!t->w->drafts.are_due && t->now < due) {
		due_at(t, due);
		return ERR_OK;
	}
	if (k->is_bad || is_on_its_way(t, k))
		return ERR_OK;
	msg_id was = d->msg;
	if (d->msg)
		rc = find_copy(t, d, &is_there, e);
	if (rc == ERR_OK && !is_there)
		return part(t, k, d, e);
	if (rc == ERR_OK && d->msg != was)
		rc = store_draft_put(t->w->store, d, e);
	if (rc == ERR_OK)
		rc = upload(t, k, e);
	if (rc == ERR_OK)
		k->dirty_s = 0;
	return rc;
}

/* ---- in the outbox ---- */

static const struct outbox_mail *
mail_of(struct turn *t, const struct draft_known *k)
{
	if (!*k->message_id)
		return NULL;
	if (!t->has_mails)
		t->n_mails = store_outbox(t->w->store, 0, OUTBOX_LOOK, &t->arena, &t->mails);
	t->has_mails = true;
	for (size_t i = 0; i < t->n_mails; i++) {
		if (str_eq(t->mails[i].message_id, k->message_id))
			return &t->mails[i];
	}
	return NULL;
}

/* Handed over, and not to be taken back by `u` any more: on the server it would be taken for
 * one that is still to be sent. Should it come back from the outbox, it is stored anew. */
static enum err
leave_for_outbox(struct turn *t, const struct draft_copy *d, const struct outbox_mail *m,
	struct error *e)
{
	int64_t due = m->created + t->w->rc->undo_send_s;

	if (!d->msg || t->now < due) {
		due_at(t, due);
		return ERR_OK;
	}
	return remove_copy(t, d, e);
}

/* ---- one draft; and copies of drafts that are not there ---- */

static enum err
one_draft(struct turn *t, struct draft_known *k, struct error *e)
{
	struct worker *w = t->w;
	struct draft_copy d = { .name = k->name, .account = w->account, .message_id = "",
		.stamp = "" };
	const struct outbox_mail *m;

	if (!*k->name || !str_eq(k->account, w->conf->name))
		return ERR_OK;
	store_draft(w->store, k->name, w->account, &t->arena, &d);
	if (d.state == DRAFT_LEAVING)
		return d.msg ? remove_copy(t, &d, e) : ERR_OK;
	if ((m = mail_of(t, k)) != NULL)
		return leave_for_outbox(t, &d, m, e);
	if (d.state == DRAFT_APART)
		return ERR_OK;
	if (str_eq(d.stamp, k->stamp)) {
		k->dirty_s = 0;
		return check_copy(t, k, &d, e);
	}
	return store_it(t, k, &d, e);
}

static const struct draft_known *
named(const struct worker *w, const char *name)
{
	for (size_t i = 0; i < w->drafts.n; i++) {
		if (str_eq(w->drafts.v[i].name, name))
			return &w->drafts.v[i];
	}
	return NULL;
}

/* The draft belongs to another account now, and stands there. */
static bool
has_moved(struct turn *t, const struct draft_known *k, const struct draft_copy *d)
{
	struct draft_copy other;

	return *k->account && !str_eq(k->account, t->w->conf->name) &&
		store_draft(t->w->store, k->name, 0, &t->arena, &other) &&
		other.account != d->account && other.msg && other.state == DRAFT_KEPT;
}

static enum err
one_copy(struct turn *t, const struct draft_copy *d, struct error *e)
{
	struct store *s = t->w->store;
	const struct draft_known *k = named(t->w, d->name);
	/* encrypted from now on, and its file says already that it is no account's */
	bool is_here_only = k && !*k->account && d->state == DRAFT_LEAVING;
	struct upload u;

	if (k && !is_here_only && !has_moved(t, k, d))
		return ERR_OK;
	if (d->msg && (k || d->state == DRAFT_LEAVING))
		return remove_copy(t, d, e);
	if (store_upload_named(s, d->name, &t->arena, &u))
		return ERR_OK;			/* it is still to come */
	if (d->state == DRAFT_KEPT && t->now - d->stored < YOUNG_S)
		/* so is the draft: recorded before it (drafting.c) */
		return ERR_OK;
	return store_draft_forget(s, d->name, d->account, e);
}

static enum err
all(struct turn *t, struct error *e)
{
	struct worker *w = t->w;
	struct draft_copy *copies;
	size_t n = store_drafts(w->store, w->account, &t->arena, &copies);
	enum err rc = ERR_OK;

	for (size_t i = 0; i < n && rc == ERR_OK && !t->did; i++)
		rc = one_copy(t, &copies[i], e);
	for (size_t i = 0; i < w->drafts.n && rc == ERR_OK && !t->did; i++)
		rc = one_draft(t, &w->drafts.v[i], e);
	if (n > 0 || w->drafts.n > 0)
		due_at(t, t->now + LOOK_MS / 1000);
	return rc;
}

static void
plan(struct turn *t)
{
	struct drafts *d = &t->w->drafts;

	if (t->did) {			/* there may be more */
		d->next_ms = 0;
		return;
	}
	d->are_due = false;
	d->next_ms = t->next ? now_ms() + (t->next - t->now) * 1000 : INT64_MAX;
}

enum err
drafts_step(struct worker *w, bool *did, struct error *e)
{
	struct turn t = { .w = w, .now = time(NULL) };
	int claim;

	*did = false;
	if (now_ms() < w->drafts.next_ms || w->conf->read_only || !(w->b->caps & CAP_APPEND))
		return ERR_OK;
	if ((claim = store_uploads_claim(w->store, w->account)) < 0) {
		w->drafts.next_ms = now_ms() + 1000;	/* another process is at it */
		return ERR_OK;
	}
	look(w);
	enum err rc = all(&t, e);
	if (rc == ERR_OK)
		plan(&t);
	*did = t.did;
	close(claim);
	arena_clear(&t.arena);
	return rc;
}
