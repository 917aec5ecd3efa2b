/* fake_server.h - a small mail server in memory behind backend_ops, with faults on order.
 *
 * One struct fake_server outlives connections and engines, as a real one does. Every call is
 * counted; at call number `fault_at` the fault happens: the link breaks before or after the
 * work was done, or the call stalls there until it is cancelled. `lies` makes the sessions up
 * to that number see empty folders. All of it behind one lock, so that a test may change the
 * server's mail at any time. */
#ifndef DUNLIN_FAKE_SERVER_H
#define DUNLIN_FAKE_SERVER_H

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backend.h"
#include "cancel.h"
#include "now.h"
#include "str.h"

enum { FAKE_FOLDERS = 8, FAKE_MSGS = 1500 };
enum fake_fault {
	FAULT_NONE, FAULT_BEFORE, FAULT_AFTER, FAULT_STALL_BEFORE, FAULT_STALL_AFTER
};

struct fake_msg {
	uint32_t uid, flags, size;
	int64_t arrived;
	uint64_t modseq;
	char message_id[64];
};

struct fake_folder {
	char name[32];			/* wire and UTF-8 alike; "" : a free place */
	uint32_t uidvalidity, uidnext;
	uint64_t modseq;
	bool is_readonly;
	struct fake_msg v[FAKE_MSGS];
	size_t n;
};

struct fake_server {
	pthread_mutex_t lock;
	struct fake_folder folders[FAKE_FOLDERS];
	unsigned caps;
	bool has_delta_open;		/* QRESYNC: changes come with the opening */
	bool lists_counts;		/* LIST-STATUS */
	int n_more_folders;		/* empty ones, listed behind the others */
	bool is_down;			/* refuses connections */
	const char *password;		/* NULL: any */
	const char *refusal;		/* what it says to every change; NULL: does them */
	/* a change that names a message which is gone, as a whole */
	bool refuses_gone;
	const char *refusal_code;	/* "[LIMIT] " */
	/* a change that names a message with that Message-ID, as a whole */
	const char *refuses;
	/* the link breaks when so many of a move were moved; 0: not */
	uint32_t breaks_in_move;
	/* the link breaks in the next copy or move, which is done so much later */
	int late_ms;
	bool late_until_edit;		/* or, before that, just as the next one comes */
	struct fake_late {		/* it */
		struct fake_folder *from, *to;
		uint32_t lo, hi;
		bool is_move;
		int64_t at_ms;		/* 0: none */
	} late;
	int lies;
	int n_appends;
	int n_sessions, n_calls, n_edits, n_headers, n_fetches, n_opens, n_statuses,
		n_passwords;
	int fault_at;
	enum fake_fault fault;
	bool has_faulted;		/* the fault happened */
	int changed;			/* eventfd: wait() ends */
};

struct fake {
	struct backend b;
	struct fake_server *s;
	struct cancel *cancel;
	struct fake_folder *open;
	int session;
	bool is_dead;
};

static inline struct fake_server *
fake_server_new(void)
{
	struct fake_server *s = xcalloc(1, sizeof *s);

	pthread_mutex_init(&s->lock, NULL);
	s->caps = CAP_FLAGS | CAP_MOVE | CAP_DELETE | CAP_FOLDERS | CAP_APPEND | CAP_PARTS |
		CAP_WAIT | CAP_DELTA | CAP_UIDMAP;
	s->has_delta_open = true;
	s->changed = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return s;
}

static inline void
fake_server_free(struct fake_server *s)
{
	close(s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static inline struct fake_folder *
fake_folder(struct fake_server *s, const char *name)
{
	for (size_t i = 0; i < FAKE_FOLDERS; i++) {
		if (*s->folders[i].name && strcmp(s->folders[i].name, name) == 0)
			return &s->folders[i];
	}
	return NULL;
}

static inline struct fake_folder *
fake_folder_add(struct fake_server *s, const char *name)
{
	for (size_t i = 0; i < FAKE_FOLDERS; i++) {
		struct fake_folder *f = &s->folders[i];
		if (*f->name)
			continue;
		*f = (struct fake_folder){ .uidvalidity = 1000 + (uint32_t)i, .uidnext = 1,
			.modseq = 1 };
		snprintf(f->name, sizeof f->name, "%s", name);
		return f;
	}
	return NULL;
}

static inline struct fake_msg *
fake_msg(struct fake_folder *f, uint32_t uid)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->v[i].uid == uid)
			return &f->v[i];
	}
	return NULL;
}

static inline uint32_t
fake_deliver(struct fake_folder *f, const char *message_id, uint32_t flags)
{
	struct fake_msg *m = &f->v[f->n++];

	*m = (struct fake_msg){ .uid = f->uidnext, .flags = flags, .modseq = ++f->modseq,
		.size = 1000, .arrived = 1700000000 + f->uidnext };
	f->uidnext++;
	snprintf(m->message_id, sizeof m->message_id, "%s", message_id);
	return m->uid;
}

/* `n` messages named PREFIX1, PREFIX2, ... */
static inline void
fake_deliver_many(struct fake_folder *f, const char *prefix, int n)
{
	char id[24];

	for (int i = 1; i <= n; i++) {
		snprintf(id, sizeof id, "%s%d", prefix, i);
		fake_deliver(f, id, 0);
	}
}

static inline void
fake_remove(struct fake_folder *f, uint32_t uid)
{
	struct fake_msg *m = fake_msg(f, uid);

	if (!m)
		return;
	memmove(m, m + 1, (size_t)(f->v + f->n - (m + 1)) * sizeof *m);
	f->n--;
	f->modseq++;
}

static inline void
fake_flag(struct fake_folder *f, uint32_t uid, uint32_t set, uint32_t clear)
{
	struct fake_msg *m = fake_msg(f, uid);

	if (m && ((m->flags | set) & ~clear) != m->flags) {
		m->flags = (m->flags | set) & ~clear;
		m->modseq = ++f->modseq;
	}
}

static inline void
fake_changed(struct fake_server *s)
{
	uint64_t one = 1;

	if (write(s->changed, &one, sizeof one) < 0)
		abort();
}

/* ---- a call ---- */

static inline struct fake *
fake_of(struct backend *b)
{
	return (struct fake *)b;
}

static inline enum err
fake_break(struct fake *f, struct error *e)
{
	f->is_dead = true;
	return error_set(e, ERR_CONN, "the link broke");
}

static inline enum err
fake_stall(struct fake *f, struct error *e)
{
	struct pollfd p = { .fd = cancel_fd(f->cancel), .events = POLLIN };

	f->is_dead = true;
	pthread_mutex_unlock(&f->s->lock);
	while (poll(&p, 1, -1) < 0)
		;
	pthread_mutex_lock(&f->s->lock);
	return error_set(e, ERR_CANCELLED, "cancelled");
}

static inline void
fake_transfer_one(struct fake_folder *from, uint32_t uid, struct fake_folder *to, bool is_move,
	uint32_t *made)
{
	struct fake_msg *m = fake_msg(from, uid);

	*made = 0;
	if (!m)
		return;
	*made = fake_deliver(to, m->message_id, m->flags);
	fake_msg(to, *made)->arrived = m->arrived;
	if (is_move)
		fake_remove(from, uid);
}

/* What was begun on a link that broke is done, by and by. */
static inline void
fake_catch_up(struct fake_server *s)
{
	struct fake_late *l = &s->late;
	uint32_t made;

	if (!l->at_ms || now_ms() < l->at_ms)
		return;
	l->at_ms = 0;
	for (uint32_t uid = l->lo; uid <= l->hi; uid++)
		fake_transfer_one(l->from, uid, l->to, l->is_move, &made);
}

/* Takes the lock, which fake_leave gives back whatever this says. *is_mine:
 * the fault is this call's. */
static inline enum err
fake_enter(struct fake *f, bool *is_mine, struct error *e)
{
	struct fake_server *s = f->s;

	pthread_mutex_lock(&s->lock);
	fake_catch_up(s);
	*is_mine = ++s->n_calls == s->fault_at;
	if (f->is_dead)
		return fake_break(f, e);
	if (*is_mine)
		s->has_faulted = true;
	if (*is_mine && s->fault == FAULT_BEFORE)
		return fake_break(f, e);
	if (*is_mine && s->fault == FAULT_STALL_BEFORE)
		return fake_stall(f, e);
	return ERR_OK;
}

static inline enum err
fake_leave(struct fake *f, bool is_mine, enum err rc, struct error *e)
{
	if (is_mine && !f->is_dead && f->s->fault == FAULT_AFTER)
		rc = fake_break(f, e);
	if (is_mine && !f->is_dead && f->s->fault == FAULT_STALL_AFTER)
		rc = fake_stall(f, e);
	pthread_mutex_unlock(&f->s->lock);
	return rc;
}

/* Opens a body of a slot: `mine`, `rc`, and the way out at fake_leave. */
#define FAKE_BEGIN(f)						\
	bool mine;						\
	enum err rc = fake_enter((f), &mine, e);		\
	if (rc != ERR_OK)					\
		return fake_leave((f), mine, rc, e)
#define FAKE_END(f)	return fake_leave((f), mine, rc, e)

static inline bool
fake_is_lying(const struct fake *f)
{
	return f->session <= f->s->lies;
}

static inline void
fake_status_of(const struct fake *f, const struct fake_folder *d, struct folder_status *st)
{
	*st = (struct folder_status){
		.uidvalidity = d->uidvalidity, .uidnext = d->uidnext,
		.n_msgs = fake_is_lying(f) ? 0 : (uint32_t)d->n,
		.modseq = f->b.caps & CAP_DELTA ? d->modseq : 0,
		.flags_allowed = MSG_SERVER_FLAGS, .is_readonly = d->is_readonly,
	};
	for (size_t i = 0; i < d->n; i++)
		st->n_unread += !(d->v[i].flags & MSG_SEEN);
}

static inline void
fake_tell(struct fake *f, const struct fake_msg *m, const struct folder_sink *sink)
{
	char subject[64];

	(void)f;
	snprintf(subject, sizeof subject, "about %s", m->message_id);
	struct msg out = {
		.id = m->uid, .arrived = m->arrived, .date = m->arrived,
		.size_bytes = m->size, .modseq = m->modseq, .flags = m->flags,
		.from_name = "Ada", .from_addr = "ada@example.org", .to = "bob@example.org",
		.cc = "", .subject = subject, .message_id = m->message_id, .in_reply_to = "",
		.references = "", .list_id = "",
	};
	sink->msg(sink->ctx, &out);
}

/* ---- slots ---- */

static inline enum err
fake_connect(struct backend *b, const struct backend_login *l, struct error *e)
{
	struct fake *f = fake_of(b);
	FAKE_BEGIN(f);

	f->session = ++f->s->n_sessions;
	f->s->n_passwords++;
	if (f->s->is_down)
		rc = error_set(e, ERR_CONN, "nobody answers");
	else if (f->s->password && strcmp(f->s->password, l->password) != 0)
		rc = error_set(e, ERR_AUTH, "wrong password");
	b->caps = f->s->caps;
	FAKE_END(f);
}

static inline void
fake_describe(struct backend *b, struct str *out)
{
	(void)b;
	str_puts(out, "in memory");
}

static inline enum err
fake_folders(struct backend *b, const struct backend_folder_sink *sink, struct error *e)
{
	struct fake *f = fake_of(b);
	FAKE_BEGIN(f);

	for (size_t i = 0; i < FAKE_FOLDERS; i++) {
		const char *name = f->s->folders[i].name;
		struct folder out = { .wire = name, .name = name, .delim = '/',
			.role = strcmp(name, "INBOX") == 0 ? ROLE_INBOX : ROLE_NONE };
		struct folder_status st = {0};
		if (*name && f->s->lists_counts)
			fake_status_of(f, &f->s->folders[i], &st);
		out.uidvalidity = st.uidvalidity;
		out.uidnext = st.uidnext;
		out.n_server = st.n_msgs;
		out.n_server_unread = st.n_unread;
		if (*name)
			sink->folder(sink->ctx, &out);
	}
	for (int i = 0; i < f->s->n_more_folders; i++) {
		char name[24];
		struct folder out = { .wire = name, .name = name, .delim = '/' };
		snprintf(name, sizeof name, "more%d", i);
		sink->folder(sink->ctx, &out);
	}
	FAKE_END(f);
}

static inline enum err
fake_edit(struct fake *f, struct error *e)
{
	f->s->n_edits++;
	return f->s->refusal ? error_set(e, ERR_MSG, "%s", f->s->refusal) : ERR_OK;
}

/* The same for a change of messages in the open folder. */
static inline enum err
fake_edit_of(struct fake *f, const struct uidset *uids, struct error *e)
{
	enum err rc = fake_edit(f, e);
	if (f->open->is_readonly)
		return error_set(e, ERR_MSG, "this folder is read-only");

	for (uint32_t uid = 0; rc == ERR_OK && f->s->refuses_gone &&
	    (uid = uidset_next(uids, uid)) != 0;) {
		if (!fake_msg(f->open, uid))
			rc = error_set(e, ERR_MSG,
				"[EXPUNGEISSUED] some messages no longer exist");
	}
	for (uint32_t uid = 0; rc == ERR_OK && f->s->refuses &&
	    (uid = uidset_next(uids, uid)) != 0;) {
		struct fake_msg *m = fake_msg(f->open, uid);
		if (m && strncmp(m->message_id, f->s->refuses, strlen(f->s->refuses)) == 0)
			rc = error_set(e, ERR_MSG, "%snot %s*",
				f->s->refusal_code ? f->s->refusal_code : "[LIMIT] ",
				f->s->refuses);
	}
	return rc;
}

static inline enum err
fake_folder_create(struct backend *b, const char *wire, struct error *e)
{
	struct fake *f = fake_of(b);
	FAKE_BEGIN(f);

	if ((rc = fake_edit(f, e)) == ERR_OK) {
		if (fake_folder(f->s, wire))
			rc = error_set(e, ERR_FOLDER, "it exists already");
		else
			fake_folder_add(f->s, wire);
	}
	FAKE_END(f);
}

static inline enum err
fake_folder_rename(struct backend *b, const char *wire, const char *to, struct error *e)
{
	struct fake *f = fake_of(b);
	FAKE_BEGIN(f);
	struct fake_folder *d = fake_folder(f->s, wire);

	rc = fake_edit(f, e);
	if (rc == ERR_OK && (!d || fake_folder(f->s, to)))
		rc = error_set(e, ERR_FOLDER, "cannot rename");
	else if (rc == ERR_OK)
		snprintf(d->name, sizeof d->name, "%s", to);
	FAKE_END(f);
}

static inline enum err
fake_folder_delete(struct backend *b, const char *wire, struct error *e)
{
	struct fake *f = fake_of(b);
	FAKE_BEGIN(f);
	struct fake_folder *d = fake_folder(f->s, wire);

	rc = fake_edit(f, e);
	if (rc == ERR_OK && !d)
		rc = error_set(e, ERR_FOLDER, "no such folder");
	else if (rc == ERR_OK)
		d->name[0] = '\0';
	FAKE_END(f);
}

static inline char *
fake_wire_name(struct backend *b, const char *name)
{
	(void)b;
	return xstrdup(name);
}

static inline enum err
fake_status(struct backend *b, const char *wire, struct folder_status *st, struct error *e)
{
	struct fake *f = fake_of(b);
	FAKE_BEGIN(f);
	struct fake_folder *d = fake_folder(f->s, wire);

	f->s->n_statuses++;
	if (d)
		fake_status_of(f, d, st);
	else
		rc = error_set(e, ERR_FOLDER, "no such folder");
	FAKE_END(f);
}

/* Flags since a modseq, or of all; what of `uids` is not there. */
static inline void
fake_tell_changes(struct fake *f, const struct folder_known *known,
	const struct folder_sink *sink)
{
	struct uidset there = {0}, gone = {0};
	uint64_t since = f->b.caps & CAP_DELTA ? known->modseq : 0;

	for (size_t i = 0; i < f->open->n && !fake_is_lying(f); i++) {
		const struct fake_msg *m = &f->open->v[i];
		uidset_add(&there, m->uid);
		if (m->modseq > since && sink->flags)
			sink->flags(sink->ctx, m->uid, m->flags,
				f->b.caps & CAP_DELTA ? m->modseq : 0);
	}
	if (folder_known_uids(known))
		uidset_minus(&gone, folder_known_uids(known), &there);
	if (gone.n > 0 && sink->vanished)
		sink->vanished(sink->ctx, &gone);
	uidset_clear(&there);
	uidset_clear(&gone);
}

static inline enum err
fake_open(struct backend *b, const char *wire, const struct folder_known *known,
	const struct folder_sink *sink, struct folder_status *st, bool *delta, struct error *e)
{
	struct fake *f = fake_of(b);
	FAKE_BEGIN(f);

	*delta = false;
	f->s->n_opens++;
	f->open = fake_folder(f->s, wire);
	if (!f->open) {
		rc = error_set(e, ERR_FOLDER, "no such folder");
	} else {
		fake_status_of(f, f->open, st);
		*delta = f->s->has_delta_open && (b->caps & CAP_DELTA) && known &&
			known->modseq && known->uidvalidity == f->open->uidvalidity;
		if (*delta)
			fake_tell_changes(f, known, sink);
	}
	FAKE_END(f);
}

static inline enum err
fake_changes(struct backend *b, const struct folder_known *known,
	const struct folder_sink *sink, struct folder_status *st, struct error *e)
{
	struct fake *f = fake_of(b);
	FAKE_BEGIN(f);

	fake_tell_changes(f, known, sink);
	fake_status_of(f, f->open, st);
	FAKE_END(f);
}

static inline enum err
fake_uids(struct backend *b, struct uidset *out, struct error *e)
{
	struct fake *f = fake_of(b);
	FAKE_BEGIN(f);

	for (size_t i = 0; i < f->open->n && !fake_is_lying(f); i++)
		uidset_add(out, f->open->v[i].uid);
	FAKE_END(f);
}

static inline enum err
fake_newest(struct backend *b, uint32_t n, const struct folder_sink *sink, struct error *e)
{
	struct fake *f = fake_of(b);
	FAKE_BEGIN(f);
	size_t from = f->open->n > n ? f->open->n - n : 0;

	for (size_t i = f->open->n; i-- > from && !fake_is_lying(f);)
		fake_tell(f, &f->open->v[i], sink);
	FAKE_END(f);
}

static inline enum err
fake_headers(struct backend *b, const struct uidset *uids, const struct folder_sink *sink,
	struct error *e)
{
	struct fake *f = fake_of(b);
	FAKE_BEGIN(f);

	f->s->n_headers++;
	for (size_t i = 0; i < f->open->n && !fake_is_lying(f); i++) {
		if (uidset_has(uids, f->open->v[i].uid))
			fake_tell(f, &f->open->v[i], sink);
	}
	FAKE_END(f);
}

static inline enum err
fake_structure(struct backend *b, uint32_t uid, struct arena *a, struct part **root,
	struct error *e)
{
	struct fake *f = fake_of(b);
	FAKE_BEGIN(f);

	if (!fake_msg(f->open, uid)) {
		rc = error_set(e, ERR_MSG, "no such message");
	} else {
		*root = part_new(a, NULL);
		(*root)->section = "1";
		(*root)->type = "text/plain";
	}
	FAKE_END(f);
}

static inline enum err
fake_fetch(struct backend *b, uint32_t uid, const char *section, const struct byte_sink *sink,
	struct error *e)
{
	static const char header[] = "Subject: hello\r\nContent-Type: text/plain\r\n\r\n";
	static const char text[] = "How do you do?\r\n";
	struct fake *f = fake_of(b);
	FAKE_BEGIN(f);

	f->s->n_fetches++;
	if (!fake_msg(f->open, uid))
		rc = error_set(e, ERR_MSG, "no such message");
	if (rc == ERR_OK && (!*section || strcmp(section, "HEADER") == 0))
		rc = sink->write(sink->ctx, header, strlen(header), e);
	if (rc == ERR_OK && (!*section || strcmp(section, "1") == 0))
		rc = sink->write(sink->ctx, text, strlen(text), e);
	FAKE_END(f);
}

static inline enum err
fake_set_flags(struct backend *b, const struct uidset *uids, uint32_t set, uint32_t clear,
	struct error *e)
{
	struct fake *f = fake_of(b);
	FAKE_BEGIN(f);

	rc = fake_edit_of(f, uids, e);
	for (uint32_t uid = 0; rc == ERR_OK && (uid = uidset_next(uids, uid)) != 0;)
		fake_flag(f->open, uid, set, clear);
	FAKE_END(f);
}

static inline void
fake_map_add(struct uid_map *map, uint32_t from, uint32_t to)
{
	map->from = xreallocarray(map->from, map->n + 1, sizeof *map->from);
	map->to = xreallocarray(map->to, map->n + 1, sizeof *map->to);
	map->from[map->n] = from;
	map->to[map->n++] = to;
}

static inline enum err
fake_transfer(struct fake *f, const struct uidset *uids, const char *wire, bool is_move,
	struct uid_map *map, struct error *e)
{
	struct fake_folder *d = fake_folder(f->s, wire);
	enum err rc = fake_edit_of(f, uids, e);
	uint32_t n = 0;

	if (rc == ERR_OK && !d)
		rc = error_set(e, ERR_FOLDER, "[TRYCREATE] no such folder");
	if (rc == ERR_OK && f->s->late.at_ms && f->s->late_until_edit) {
		f->s->late.at_ms = 1;
		fake_catch_up(f->s);
	}
	if (rc == ERR_OK && f->s->late_ms) {
		f->s->late = (struct fake_late){ f->open, d, uidset_min(uids),
			uidset_max(uids), is_move, now_ms() + f->s->late_ms };
		f->s->late_ms = 0;
		return fake_break(f, e);
	}
	for (uint32_t uid = 0; rc == ERR_OK && (uid = uidset_next(uids, uid)) != 0;) {
		uint32_t to;
		fake_transfer_one(f->open, uid, d, is_move, &to);
		if (!to)
			continue;
		if (f->b.caps & CAP_UIDMAP)
			fake_map_add(map, uid, to);
		if (is_move && ++n == f->s->breaks_in_move) {
			f->s->breaks_in_move = 0;
			rc = fake_break(f, e);
		}
	}
	return rc;
}

static inline enum err
fake_move(struct backend *b, const struct uidset *uids, const char *wire, struct uid_map *map,
	struct error *e)
{
	struct fake *f = fake_of(b);
	FAKE_BEGIN(f);

	rc = fake_transfer(f, uids, wire, true, map, e);
	FAKE_END(f);
}

static inline enum err
fake_copy(struct backend *b, const struct uidset *uids, const char *wire, struct uid_map *map,
	struct error *e)
{
	struct fake *f = fake_of(b);
	FAKE_BEGIN(f);

	rc = fake_transfer(f, uids, wire, false, map, e);
	FAKE_END(f);
}

static inline enum err
fake_expunge(struct backend *b, const struct uidset *uids, struct error *e)
{
	struct fake *f = fake_of(b);
	FAKE_BEGIN(f);

	rc = fake_edit_of(f, uids, e);
	for (uint32_t uid = 0; rc == ERR_OK && (uid = uidset_next(uids, uid)) != 0;)
		fake_remove(f->open, uid);
	FAKE_END(f);
}

static inline enum err
fake_append(struct backend *b, const char *wire, const struct byte_source *src, uint32_t flags,
	int64_t arrived, uint32_t *uid, struct error *e)
{
	struct fake *f = fake_of(b);
	char head[4096] = "", id[64] = "";
	size_t got;
	FAKE_BEGIN(f);
	struct fake_folder *d = fake_folder(f->s, wire);

	*uid = 0;
	rc = byte_source_read(src, 0, head, sizeof head - 1, &got, e);
	const char *at = strcasestr(head, "Message-ID: <");
	if (at)
		sscanf(at + 13, "%63[^>]", id);
	if (rc == ERR_OK)
		rc = fake_edit(f, e);
	if (rc == ERR_OK && !d)
		rc = error_set(e, ERR_FOLDER, "[TRYCREATE] no such folder");
	if (rc == ERR_OK) {
		uint32_t made = fake_deliver(d, id, flags);
		fake_msg(d, made)->size = (uint32_t)src->size;
		*uid = f->b.caps & CAP_UIDMAP ? made : 0;
		f->s->n_appends++;
	}
	(void)arrived;
	FAKE_END(f);
}

static inline enum err
fake_find(struct backend *b, const char *wire, const char *message_id, uint32_t from,
	struct uidset *out, struct error *e)
{
	struct fake *f = fake_of(b);
	FAKE_BEGIN(f);
	struct fake_folder *d = fake_folder(f->s, wire);

	f->open = NULL;			/* looking elsewhere may close what was open */
	for (size_t i = 0; d && i < d->n; i++) {
		if (d->v[i].uid >= from && strcmp(d->v[i].message_id, message_id) == 0)
			uidset_add(out, d->v[i].uid);
	}
	FAKE_END(f);
}

/* The text of every message is its Message-ID. */
static inline enum err
fake_search(struct backend *b, const struct uidset *uids, const char *words,
	struct uidset *out, struct error *e)
{
	struct fake *f = fake_of(b);
	FAKE_BEGIN(f);

	for (size_t i = 0; f->open && i < f->open->n; i++) {
		if (uidset_has(uids, f->open->v[i].uid) &&
		    strstr(f->open->v[i].message_id, words))
			uidset_add(out, f->open->v[i].uid);
	}
	FAKE_END(f);
}

static inline enum err
fake_arrivals(struct backend *b, const char *wire, uint32_t from,
	const struct folder_sink *sink, struct error *e)
{
	struct fake *f = fake_of(b);
	FAKE_BEGIN(f);
	struct fake_folder *d = fake_folder(f->s, wire);

	f->open = NULL;
	for (size_t i = 0; d && i < d->n; i++) {
		if (d->v[i].uid >= from)
			fake_tell(f, &d->v[i], sink);
	}
	FAKE_END(f);
}

static inline enum err
fake_wait(struct backend *b, int timeout_ms, int wake, int *what, struct error *e)
{
	struct fake *f = fake_of(b);
	struct pollfd p[] = {
		{ .fd = wake, .events = POLLIN },
		{ .fd = f->s->changed, .events = POLLIN },
		{ .fd = cancel_fd(f->cancel), .events = POLLIN },
	};
	uint64_t n;

	*what = 0;
	poll(p, 3, timeout_ms);
	if (p[2].revents)
		return error_set(e, ERR_CANCELLED, "cancelled");
	if (p[0].revents)
		*what |= WAIT_WOKEN;
	if (p[1].revents && read(f->s->changed, &n, sizeof n) > 0)
		*what |= WAIT_CHANGED;
	return ERR_OK;
}

static inline void
fake_close(struct backend *b, int ms)
{
	(void)ms;
	free(b);
}

static const struct backend_ops fake_ops = {
	fake_connect, fake_describe, fake_folders, fake_folder_create, fake_folder_rename,
	fake_folder_delete, fake_wire_name, fake_status, fake_open, fake_changes, fake_uids,
	fake_newest, fake_headers, fake_structure, fake_fetch, fake_set_flags, fake_move,
	fake_copy, fake_expunge, fake_append, fake_find, fake_arrivals, fake_search, fake_wait,
	fake_close,
};

static inline struct backend *
fake_new(struct fake_server *s, struct cancel *cancel)
{
	struct fake *f = xcalloc(1, sizeof *f);

	f->b.ops = &fake_ops;
	f->s = s;
	f->cancel = cancel;
	return &f->b;
}

#endif
