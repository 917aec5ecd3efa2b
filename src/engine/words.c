/* words.c - the text of mail into the index of words (search.h), behind everything else.
 *
 * What is near (mbox files) is read and indexed when there is nothing else to do, the newest
 * first, for a quarter of a second at a time and not a message longer when somebody wants
 * something. What is on a server is indexed when its text was fetched to be read: nothing is
 * downloaded for it, and what is not here the server searches (hunts.c). */
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mime.h"
#include "str.h"
#include "worker.h"

enum {
	SLICE_MS = 250,
	MAX_RAW_BYTES = 4 << 20,	/* of a message; of longer ones the
					 * beginning is read */
	MAX_READABLE = 50,
	BLOCK = 1000,			/* messages planned at once */
	MAX_BLOCKS = 32,		/* looked at in one go for one that is not
					 * all in the index */
	CROWDED = 2			/* times as many messages in it as there are:
					 * begun anew when full */
};

/* ---- the index ---- */

/* NULL: there is none, and why was said. */
static struct search *
index_of(struct worker *w)
{
	struct words *x = &w->words;
	struct error e;

	if (x->db || x->is_off)
		return x->db;
	x->is_off = w->rc->search_mb == 0;
	if (!x->is_off && search_open(&x->db, w->store, STORE_WRITE, &e) != ERR_OK) {
		x->is_off = true;
		worker_notice(w, &e);
	}
	return x->db;
}

struct search *
words_index(struct worker *w)
{
	return index_of(w);
}

static void
forget_folders(struct words *x)
{
	for (size_t i = 0; i < x->n_folders; i++)
		uidset_clear(&x->folders[i].todo);
	x->n_folders = 0;
}

void
words_clear(struct worker *w)
{
	forget_folders(&w->words);
	free(w->words.folders);
	search_close(w->words.db);
	w->words = (struct words){ 0 };
}

/* Messages of all accounts, as the index of rows counts them. */
static uint64_t
count_messages(struct worker *w)
{
	uint64_t n = 0;

	for (size_t i = 0; i < w->rc->n_accounts; i++) {
		struct arena a = { 0 };
		struct folder *f;
		account_id id = store_account(w->store, w->rc->accounts[i].name);
		size_t n_folders = store_folders(w->store, id, &a, &f);
		for (size_t k = 0; k < n_folders; k++)
			n += f[k].n_msgs;
		arena_clear(&a);
	}
	return n;
}

/* No room: words of messages that are gone make some, if there are enough of them. */
static void
make_room(struct worker *w)
{
	struct words *x = &w->words;
	struct error e;

	if (search_bytes(x->db) < (uint64_t)w->rc->search_mb << 20)
		return;
	if (search_count(x->db) > CROWDED * count_messages(w)) {
		if (search_wipe(x->db, &e) != ERR_OK)
			log_msg("%s", e.text);
		forget_folders(x);
	} else if (!x->is_full) {
		x->is_full = true;
		error_set(&e, ERR_LOCAL,
			"the index of words is full: 'search-size' in the mailrc gives it "
			"more room; mail that is not in it is not found by body:");
		worker_notice(w, &e);
	}
}

/* ---- what is near ---- */

static struct words_folder *
folder_state(struct words *x, folder_id id)
{
	for (size_t i = 0; i < x->n_folders; i++)
		if (x->folders[i].id == id)
			return &x->folders[i];
	x->folders = array_grow(x->folders, x->n_folders, &x->cap_folders, sizeof *x->folders);
	x->folders[x->n_folders] = (struct words_folder){ .id = id };
	return &x->folders[x->n_folders++];
}

/* The next downwards that are not in the index yet. */
static enum err
plan_block(struct worker *w, struct words_folder *f, struct error *e)
{
	struct uidset covered = { 0 };
	uint32_t hi = f->below - 1;
	enum err rc = store_uids_to(w->store, f->id, hi, BLOCK, &f->todo, e);
	uint32_t lo = uidset_min(&f->todo);

	if (rc == ERR_OK && lo > 0)
		rc = search_covered(w->words.db, f->id, lo, hi, &covered, e);
	f->below = lo;
	f->n_planned += uidset_count(&f->todo);
	if (rc == ERR_OK)
		uidset_subtract(&f->todo, &covered);
	uidset_clear(&covered);
	return rc;
}

/* What came since; search_add passes over what another process has indexed meanwhile. */
static void
plan_new(struct worker *w, struct words_folder *f)
{
	struct uid_flags v[500];
	uint32_t from = f->next;
	size_t n;

	while ((n = store_uid_flags(w->store, f->id, from, LEN(v), v)) > 0) {
		for (size_t i = 0; i < n; i++)
			uidset_add(&f->todo, v[i].uid);
		f->n_planned += n;
		if (n < LEN(v) || v[n - 1].uid == UINT32_MAX)
			break;
		from = v[n - 1].uid + 1;
	}
}

static enum err
plan_folder(struct worker *w, const struct folder *f, struct error *e)
{
	struct words_folder *state = folder_state(&w->words, f->id);
	enum err rc = ERR_OK;

	if (!f->is_filled)
		return ERR_OK;
	if (state->next == 0)
		state->below = f->uidnext;
	else if (f->uidnext > state->next)
		plan_new(w, state);
	if (f->uidnext > state->next)
		state->next = f->uidnext;
	for (int i = 0; i < MAX_BLOCKS && rc == ERR_OK && state->todo.n == 0 &&
	    state->below > 0; i++)
		rc = plan_block(w, state, e);
	return rc;
}

static enum err
plan(struct worker *w, struct error *e)
{
	struct arena a = { 0 };
	struct folder *f;
	size_t n = store_folders(w->store, w->account, &a, &f);
	enum err rc = ERR_OK;

	for (size_t i = 0; i < n && rc == ERR_OK; i++)
		rc = plan_folder(w, &f[i], e);
	arena_clear(&a);
	return rc;
}

/* The folder that somebody searches, or looks at, first. */
static struct words_folder *
next_folder(struct worker *w)
{
	struct words *x = &w->words;
	struct words_folder *best = NULL;

	for (size_t i = 0; i < x->n_folders; i++) {
		struct words_folder *f = &x->folders[i];
		if (f->todo.n == 0 && f->below == 0)
			continue;
		if (f->id == hunts_folder(w))
			return f;
		if (!best || f->id == w->mirror.open.id)
			best = f;
	}
	return best;
}

bool
words_due(struct worker *w)
{
	struct error e;

	if (!(w->b->caps & CAP_NEAR) || w->words.is_full || !index_of(w))
		return false;
	if (plan(w, &e) != ERR_OK) {
		log_msg("%s: %s", w->conf->name, e.text);
		w->words.is_off = true;
		return false;
	}
	return next_folder(w) != NULL;
}

enum words_state
words_state(struct worker *w, folder_id folder)
{
	struct words *x = &w->words;
	struct error e;

	if (x->is_full || !index_of(w))
		return WORDS_NEVER;
	if (plan(w, &e) != ERR_OK)
		return WORDS_NEVER;
	for (size_t i = 0; i < x->n_folders; i++)
		if (x->folders[i].id == folder && x->folders[i].next > 0)
			return x->folders[i].todo.n > 0 || x->folders[i].below > 0
				? WORDS_COMING : WORDS_COMPLETE;
	return WORDS_COMING;			/* its rows are not all in the index yet */
}

struct reading {
	struct str raw;
	bool is_cut;
};

static enum err
keep(void *ctx, const void *p, size_t n, struct error *e)
{
	struct reading *r = ctx;
	size_t room = MAX_RAW_BYTES - r->raw.len;

	str_add(&r->raw, p, n < room ? n : room);
	if (n <= room)
		return ERR_OK;
	r->is_cut = true;
	return error_set(e, ERR_MSG, "long enough");
}

/* A message that cannot be read costs nobody anything but that it is not found. */
static enum err
index_near(struct worker *w, folder_id folder, uint32_t uid, struct error *e)
{
	struct reading r = { 0 };
	struct byte_sink sink = { .ctx = &r, .write = keep };
	struct mime_msg *m = NULL;
	struct str text = { 0 };
	enum err rc = w->b->ops->fetch(w->b, uid, "", &sink, e);

	if (rc == ERR_OK || r.is_cut) {
		if (mime_parse(&m, str_get(&r.raw), r.raw.len, NULL) == ERR_OK)
			mime_text(&text, m);
		rc = search_add(w->words.db, msg_id_of(folder, uid), str_get(&text), text.len,
			e);
	} else if (rc == ERR_MSG) {
		rc = ERR_OK;
	}
	mime_free(m);
	str_clear(&text);
	str_clear(&r.raw);
	return rc;
}

static enum err
index_slice(struct worker *w, struct words_folder *f, struct error *e)
{
	int64_t until = now_ms() + SLICE_MS;
	folder_id id = f->id;
	enum err rc = search_begin(w->words.db, e);

	if (rc != ERR_OK)
		return rc;
	do {
		uint32_t uid = uidset_max(&f->todo);
		uidset_remove(&f->todo, uid);
		rc = index_near(w, id, uid, e);
	} while (rc == ERR_OK && f->todo.n > 0 && now_ms() < until &&
	    jobs_count(&w->jobs) == 0 && !jobs_quitting(&w->jobs));
	if (rc == ERR_OK)
		return search_commit(w->words.db, e);
	search_rollback(w->words.db);
	return rc;
}

static void
tell_progress(struct worker *w, const struct words_folder *f)
{
	struct event ev = { .kind = EV_PROGRESS, .account = w->account };
	struct arena a = { 0 };
	struct folder folder;
	uint64_t done = f->n_planned - uidset_count(&f->todo);

	if (store_folder(w->store, f->id, &a, &folder)) {
		ev.u.progress.folder = f->id;
		ev.u.progress.is_words = true;
		ev.u.progress.total = folder.n_msgs;
		ev.u.progress.done = done < folder.n_msgs ? done : folder.n_msgs;
		events_post(w->events, &ev);
	}
	arena_clear(&a);
}

enum err
words_step(struct worker *w, struct error *e)
{
	struct words_folder *f = next_folder(w);
	enum err rc = mirror_open(w, f->id, e);

	if (rc == ERR_OK && w->mirror.open.id == f->id && f->todo.n > 0)
		rc = index_slice(w, f, e);
	if (rc == ERR_OK) {
		tell_progress(w, f);
		make_room(w);
		return ERR_OK;
	}
	if (link_is_lost(rc))
		return rc;
	log_msg("%s: %s", w->conf->name, e->text);
	if (rc == ERR_LOCAL)
		w->words.is_off = true;		/* our disk: mail goes on without */
	uidset_clear(&f->todo);
	f->below = 0;
	return ERR_OK;
}

/* ---- what was fetched to be read ---- */

static void
add_section(struct worker *w, msg_id id, const struct part *p, struct str *text)
{
	struct str decoded = { 0 };
	size_t n;
	char *raw = store_body_read(w->store, id, p->section, MAX_RAW_BYTES, &n);

	if (raw) {
		mime_decode_body(&decoded, p, raw, n, MAX_RAW_BYTES);
		mime_text_of_part(text, p, str_get(&decoded), decoded.len);
	}
	str_clear(&decoded);
	free(raw);
}

static void
collect_text(struct worker *w, msg_id id, struct str *text)
{
	struct arena a = { 0 };
	const struct part *root = store_parts(w->store, id, &a), *parts[MAX_READABLE];
	size_t n = root ? part_readable(root, false, parts, MAX_READABLE) : 0;

	for (size_t i = 0; i < n; i++)
		add_section(w, id, parts[i], text);
	mime_text_of_names(text, root);
	arena_clear(&a);
}

void
words_fetched(struct worker *w, msg_id id)
{
	struct str text = { 0 };
	struct error e;

	if ((w->b && w->b->caps & CAP_NEAR) || w->words.is_full || !index_of(w) ||
	    search_has(w->words.db, id))
		return;
	collect_text(w, id, &text);
	if (search_add(w->words.db, id, str_get(&text), text.len, &e) != ERR_OK)
		log_msg("%s: %s", w->conf->name, e.text);
	str_clear(&text);
	make_room(w);
}
