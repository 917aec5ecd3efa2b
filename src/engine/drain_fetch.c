/* drain_fetch.c - messages out of a session into the spool, and by batches into the mbox.
 *
 * Of messages larger than max-size only the header comes, in a batch like others;
 * drain_wanted.c brings the rest. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "drain_int.h"
#include "log.h"
#include "mime.h"

enum {
	BATCH_BYTES = 8 << 20,
	BATCH_MSGS = 1000,
	BATCH_MS = 1000,		/* so that what has arrived is soon seen */
	TELL_BYTES = 1 << 18,		/* between two reports of how far it is */
	STOP_BYTES = 2 << 20		/* of the current message, still to come: not waited
					 * for when stopped */
};

/* ---- one message ---- */

static int64_t
received_date(const struct header *h)
{
	const char *semicolon = strrchr(h->raw, ';');

	return semicolon ? mime_date(semicolon + 1, NULL) : 0;
}

/* When the last server took it in; else when it was written, or now. */
int64_t
pass_arrival(const char *head, size_t n)
{
	struct arena a = {0};
	const struct header *h;
	size_t n_fields = mime_headers(&a, &h, head, n);
	int64_t when = 0, now = time(NULL);

	for (size_t i = 0; i < n_fields && when == 0; i++) {
		if (str_ieq(h[i].name, "Received"))
			when = received_date(&h[i]);
	}
	for (size_t i = 0; i < n_fields && when == 0; i++) {
		if (str_ieq(h[i].name, "Date"))
			when = mime_date(h[i].raw, NULL);
	}
	arena_clear(&a);
	return when > 0 && when < now ? when : now;
}

void
pass_tell(struct pass *p)
{
	bool is_bytes = p->bytes_todo / (p->n_todo + 1) > TELL_BYTES;

	p->d->n_done = p->n_done;
	p->d->n_todo = p->n_todo;
	if (is_bytes)
		p->d->progress(p->d->ctx, p->bytes_done, p->bytes_todo, true);
	else
		p->d->progress(p->d->ctx, p->n_done, p->n_todo, false);
}

/* A message is read to its end also when somebody wants to stop, unless that takes long: then
 * the session ends here, and nothing of it is kept. */
enum err
pass_from_server(void *ctx, char *buf, size_t size, size_t *n, struct error *e)
{
	struct pass *p = ctx;
	uint64_t step = p->bytes_done / TELL_BYTES;

	if (atomic_load(p->d->stop) && p->message_bytes > STOP_BYTES)
		return error_set(e, ERR_CANCELLED, "stopped");
	enum err rc = pop3_read(p->pop3, buf, size, n, e);
	p->bytes_done += *n;
	p->message_bytes -= *n < p->message_bytes ? *n : p->message_bytes;
	if (rc == ERR_OK && p->bytes_done / TELL_BYTES != step)
		pass_tell(p);
	return rc;
}

static void
add_to_batch(struct pass *p, struct plan_item *item, enum pop3_state state, uint64_t hash,
	uint64_t end)
{
	p->batch = array_grow(p->batch, p->n_batch, &p->cap_batch, sizeof *p->batch);
	p->batch_items = array_grow(p->batch_items, p->n_batch, &p->cap_items,
		sizeof *p->batch_items);
	p->batch_items[p->n_batch] = item;
	item->is_fetched = true;
	p->batch[p->n_batch++] = (struct pop3_entry){
		.uidl = item->m.uidl, .hash = hash, .size_bytes = item->m.size_bytes,
		.state = state, .fetched = p->now, .listed = p->now,
	};
	p->batch_bytes = end;
}

/* Nothing at all came, with a +OK. Taken for the message it would cost the message, so it is
 * as if that had been refused. */
static enum err
take_back(struct pass *p, struct error *e)
{
	if (ftruncate(p->spool, (off_t)p->batch_bytes) < 0)
		return error_errno(e, ERR_LOCAL, "cannot cut back the spool");
	return error_set(e, ERR_MSG, "the server sent nothing of it");
}

static enum err
fetch_whole(struct pass *p, struct plan_item *item, struct error *e)
{
	struct mbox_source src = { p, pass_from_server };
	struct mbox_encoded out = {0};
	uint64_t before = p->bytes_done;
	enum err rc = pop3_take(p->pop3, e);

	p->message_bytes = item->m.size_bytes;
	if (rc == ERR_OK)
		rc = mbox_encode(p->spool, &src, 0, pass_arrival, &out, e);
	if (rc == ERR_OK && p->bytes_done == before && item->m.size_bytes > 0)
		rc = take_back(p, e);
	if (rc == ERR_OK)
		add_to_batch(p, item, POP3_HERE, out.hash, out.end);
	return rc;
}

/* Where the server gives no header alone, the item is left for whole messages. */
static enum err
fetch_header(struct pass *p, struct plan_item *item, struct error *e)
{
	struct mbox_encoded out = {0};
	struct str head = {0};
	enum err rc = pop3_take(p->pop3, e);

	item->is_topless = rc == ERR_MSG;
	if (item->is_topless)
		return ERR_OK;
	if (rc == ERR_OK)
		rc = pass_read_header(p, &head, e);
	uint64_t hash = mbox_header_hash(str_get(&head), head.len);
	if (rc == ERR_OK)
		rc = stub_encode(p->spool, item->m.size_bytes, hash, &head, &out, e);
	if (rc == ERR_OK)
		add_to_batch(p, item, POP3_HEADER, hash, out.end);
	str_clear(&head);
	return rc;
}

/* ---- many ---- */

static void
note_failure(struct pass *p, const struct error *e)
{
	if (p->n_failed++ == 0)
		p->failure = *e;
}

static bool
is_batch_full(const struct pass *p)
{
	return p->n_batch >= BATCH_MSGS || p->batch_bytes >= BATCH_BYTES ||
		now_ms() - p->batch_ms >= BATCH_MS;
}

/* What tells a message from one session to the next, also where it has no name. */
static char *
key_of(const struct plan_item *item)
{
	return xasprintf("%s %llu", item->m.uidl, (unsigned long long)item->m.size_bytes);
}

static bool
is_bad(const struct pass *p, const struct plan_item *item)
{
	char *key = key_of(item);
	bool is = str_eq(key, p->d->bad);

	free(key);
	return is;
}

/* During which message the link broke, so that the next session leaves it to the end; and the
 * one after, when that breaks in it again, leaves it out. */
static void
remember_bad(struct pass *p, const struct plan_item *item, enum err rc, const struct error *e)
{
	if (rc != ERR_CONN)
		return;
	p->did_break = true;
	p->is_bad_left_out = p->d->bad && is_bad(p, item);
	if (p->is_bad_left_out)
		error_set(&p->failure, ERR_MSG, "the connection breaks in it: %.200s",
			e->text);
	free(p->d->bad);
	p->d->bad = key_of(item);
}

/* Whole messages, or their headers alone. */
static enum err
fetch_all(struct pass *p, struct plan_item **v, size_t n, bool header_only, struct error *e)
{
	size_t asked = 0;
	enum err rc = pass_empty_spool(p, e);
	struct error ignored;

	for (size_t i = 0; i < n && rc == ERR_OK; i++) {
		if (atomic_load(p->d->stop) && i >= asked)
			break;
		if (!atomic_load(p->d->stop) &&
		    (i == asked || asked - i < pop3_window(p->pop3) / 2 + 1))
			rc = pass_ask_more(p, v, n, i, &asked, header_only, e);
		if (rc == ERR_OK)
			rc = header_only ? fetch_header(p, v[i], e) : fetch_whole(p, v[i], e);
		remember_bad(p, v[i], rc, e);
		if (rc == ERR_MSG) {
			note_failure(p, e);
			rc = ERR_OK;
		}
		p->n_done += !v[i]->is_topless || !header_only;
		pass_tell(p);
		/* One that fails is not tried again: what fsync refused
		 * once it would call written. */
		if (rc == ERR_OK && is_batch_full(p) && (rc = pass_commit(p, e)) != ERR_OK)
			return rc;
	}
	/* What arrived whole counts, whatever became of the rest. */
	enum err last = pass_commit(p, rc == ERR_OK ? e : &ignored);
	return rc == ERR_OK ? last : rc;
}

static bool
is_large(const struct pass *p, const struct plan_item *item)
{
	int kb = p->d->cfg->conf->max_size_kb;

	return kb > 0 && item->m.size_bytes > (uint64_t)kb * 1024 && !item->is_topless;
}

/* Those that are new, and larger than max-size or not; the one under which the link
 * broke last time at the end, or left out. */
static size_t
choose(struct pass *p, bool large, struct plan_item **v)
{
	struct plan_item *bad = NULL;
	size_t n = 0;

	for (size_t i = 0; i < p->plan.n; i++) {
		struct plan_item *item = &p->plan.v[i];
		if (item->entry || is_large(p, item) != large)
			continue;
		if (!bad && p->d->bad && is_bad(p, item))
			bad = item;
		else
			v[n++] = item;
	}
	if (bad && !p->is_bad_left_out)
		v[n++] = bad;
	p->n_failed += bad && p->is_bad_left_out;
	return n;
}

static void
count_todo(struct pass *p)
{
	for (size_t i = 0; i < p->plan.n; i++) {
		const struct plan_item *item = &p->plan.v[i];
		bool is_wanted = item->entry && item->entry->state == POP3_WANTED;
		if (item->entry && !is_wanted)
			continue;
		p->n_todo++;
		if (is_wanted || !is_large(p, item))
			p->bytes_todo += item->m.size_bytes;
	}
	log_msg("%s: %zu messages on the server, %llu of them to be downloaded",
		p->d->cfg->conf->name, p->plan.n, (unsigned long long)p->n_todo);
}

/* Headers of large ones first: they are soon here. */
enum err
pass_download(struct pass *p, struct error *e)
{
	struct plan_item **v = xcalloc(p->plan.n + 1, sizeof *v);
	enum err rc = ERR_OK;
	size_t n;

	count_todo(p);
	if (p->n_todo > 0)
		pass_tell(p);
	if ((n = choose(p, true, v)) > 0)
		rc = fetch_all(p, v, n, true, e);
	if (rc == ERR_OK && !atomic_load(p->d->stop) && (n = choose(p, false, v)) > 0)
		rc = fetch_all(p, v, n, false, e);
	if (rc == ERR_OK)
		rc = wanted_fetch(p, e);
	free(v);
	return rc;
}
