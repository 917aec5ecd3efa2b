/* drain_relearn.c - what a ledger has lost, from the mbox files that have not.
 *
 * With no ledger at all, or an older one that was put back, and mail in the account's files,
 * every message of the server that the ledger does not know is compared with what is here, by
 * the hash of its header (TOP n 0), before anything is downloaded. One that is here with the
 * very length that the server tells counts as downloaded. One of another length, which a
 * program may have written to, or that lost the Status of its sender, is not downloaded again
 * and never deleted there; and what is here with less than that is torn, and is downloaded. A
 * stub says itself what it is. */
#include <stdlib.h>
#include <string.h>

#include "drain_int.h"
#include "log.h"

enum { SLACK_BYTES = 512 };

/* A message that is here. */
struct known {
	const char *path;
	uint64_t pos, hash;		/* in the file */
	struct stub stub;		/* size 0: none */
	uint64_t key;			/* the hash of its header on the server */
	bool is_taken;
};

struct files {
	struct pass *p;
	const char *path;		/* the file being read */
	struct known *v;
	size_t n, cap;
	struct error cancelled;		/* code ERR_OK: not */
};

/* ---- what is here ---- */

static bool
note(void *ctx, const struct mbox_msg *m, const char *head, size_t n_head)
{
	struct files *f = ctx;
	struct known k = { .path = f->path, .pos = m->from_pos, .hash = m->hash };

	if (!stub_parse(&k.stub, head, n_head))
		k.stub = (struct stub){0};
	k.key = k.stub.size_bytes ? k.stub.hash : k.hash;
	f->v = array_grow(f->v, f->n, &f->cap, sizeof *f->v);
	f->v[f->n++] = k;
	return true;
}

/* A file that cannot be read keeps nobody from downloading. */
static bool
read_file(void *ctx, const char *path)
{
	struct files *f = ctx;
	struct error e;

	f->path = arena_strdup(&f->p->plan.arena, path);
	enum err rc = mbox_scan(path, 0, note, f, f->p->d->cancel, &e);
	if (rc == ERR_FOLDER || rc == ERR_LOCAL)
		log_msg("%s: not looked into: %s", path, e.text);
	if (rc != ERR_CANCELLED)
		return true;
	f->cancelled = e;
	return false;
}

static enum err
read_all(struct files *f, struct error *e)
{
	pass_each_file(f->p, read_file, f);
	if (f->cancelled.code != ERR_OK)
		*e = f->cancelled;
	return f->cancelled.code;
}

/* ---- what of it the server has ---- */

struct length {
	uint64_t bytes, lines;
};

static enum err
count(void *ctx, const void *p, size_t n, struct error *e)
{
	struct length *l = ctx;

	(void)e;
	l->bytes += n;
	for (const char *c = p, *end = c + n; c < end &&
	    (c = memchr(c, '\n', (size_t)(end - c))); c++)
		l->lines++;
	return ERR_OK;
}

/* Servers count CRLF or LF; a last line without end got one here. False:
 * something of it is missing. */
static bool
compare(const struct known *k, uint64_t size_bytes, enum pop3_state *state)
{
	struct length l = {0};

	if (k->stub.size_bytes > 0) {
		*state = POP3_HEADER;
		return k->stub.size_bytes == size_bytes;
	}
	*state = POP3_FOUND;
	if (mbox_read(k->path, k->pos, k->hash, count, &l, NULL) != ERR_OK)
		return false;
	uint64_t crlf = l.bytes + l.lines;
	if (crlf == size_bytes || crlf == size_bytes + 2 || l.bytes == size_bytes)
		*state = POP3_HERE;
	return *state == POP3_HERE || crlf + SLACK_BYTES >= size_bytes;
}

/* ---- which of it the ledger does not know ---- */

static int
by_key(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

/* The first with that header that stands for nothing yet; n: none. */
static size_t
first_free(const struct files *f, uint64_t key)
{
	size_t lo = 0, hi = f->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (f->v[mid].key < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo < f->n && f->v[lo].key == key && f->v[lo].is_taken)
		lo++;
	return lo < f->n && f->v[lo].key == key ? lo : f->n;
}

/* Each entry accounts for one message: so of two equal ones the second
 * may be what the ledger lost. */
static void
take_what_is_known(struct files *f)
{
	const struct plan *plan = &f->p->plan;

	qsort(f->v, f->n, sizeof *f->v, by_key);
	for (size_t i = 0; i < plan->n_entries; i++) {
		size_t at = first_free(f, plan->entries[i].hash);
		if (at < f->n)
			f->v[at].is_taken = true;
	}
}

/* The headers of what is new by the ledger. */
static enum err
find_hashes(struct pass *p, struct error *e)
{
	struct plan *plan = &p->plan;

	for (size_t i = 0; i < plan->n; i++)
		plan->v[i].wants_hash = !plan->v[i].entry && plan->v[i].hash == 0;
	return pass_find_hashes(p, e);
}

/* ---- into the ledger ---- */

/* Of those with its header the one that is it; false: none, or what is here is torn. */
static bool
find_message(struct files *f, const struct plan_item *item, enum pop3_state *state)
{
	size_t at = first_free(f, item->hash), found = f->n;

	for (; at < f->n && f->v[at].key == item->hash; at++) {
		enum pop3_state is;
		if (f->v[at].is_taken || !compare(&f->v[at], item->m.size_bytes, &is))
			continue;
		if (found < f->n && is == POP3_FOUND)
			continue;
		found = at;
		*state = is;
		if (is != POP3_FOUND)
			break;
	}
	if (found < f->n)
		f->v[found].is_taken = true;
	return found < f->n;
}

static void
tell(struct pass *p, size_t n)
{
	struct error told;

	error_set(&told, ERR_OK, "%zu message%s of the server %s here already", n,
		n == 1 ? "" : "s", n == 1 ? "is" : "are");
	p->d->notice(p->d->ctx, &told);
}

/* Durably, before anything else happens. */
static enum err
record(struct files *f, struct error *e)
{
	struct pass *p = f->p;
	struct plan *plan = &p->plan;
	struct pop3_entry *v = arena_alloc(&plan->arena, (plan->n + 1) * sizeof *v);
	struct plan_item **items = xcalloc(plan->n + 1, sizeof *items);
	size_t n = 0;

	for (size_t i = 0; i < plan->n; i++) {
		struct plan_item *item = &plan->v[i];
		enum pop3_state state;
		if (item->entry || item->hash == 0 || !find_message(f, item, &state))
			continue;
		v[n] = (struct pop3_entry){ .uidl = item->m.uidl, .hash = item->hash,
			.state = state, .size_bytes = item->m.size_bytes, .fetched = p->now,
			.listed = p->now };
		items[n++] = item;
	}
	enum err rc = n > 0 ? store_pop3_learn(p->d->store, p->d->cfg->account, v, n, e)
		: ERR_OK;
	for (size_t i = 0; i < n && rc == ERR_OK; i++)
		items[i]->entry = &v[i];
	free(items);
	if (rc == ERR_OK && n > 0)
		tell(p, n);
	return rc;
}

/* From here on the ledger is the one that knows. */
static enum err
settle(struct pass *p, struct error *e)
{
	enum err rc = witness_count(p, e);

	if (rc == ERR_OK)
		rc = store_sync(p->d->store, e);
	return rc == ERR_OK ? witness_repeat(p, e) : rc;
}

enum err
relearn(struct pass *p, struct error *e)
{
	struct files f = { .p = p };
	bool is_ahead = witness_is_ahead(p);
	enum err rc = p->plan.n > 0 ? read_all(&f, e) : ERR_OK;

	if (rc == ERR_OK && f.n > 0) {
		take_what_is_known(&f);
		rc = find_hashes(p, e);
		if (rc == ERR_OK)
			rc = record(&f, e);
	}
	if (rc == ERR_OK && is_ahead)
		rc = settle(p, e);
	free(f.v);
	return rc;
}
