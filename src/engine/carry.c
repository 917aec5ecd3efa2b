/* carry.c - fetches what is to go to another account, whole, into an upload of that account.
 *
 * The message stays where it is until the other account's server has said that it has it
 * (src/store/carry.c). Line ends become CRLF on the way: an mbox has its own. */
#include <string.h>

#include "engine_int.h"
#include "log.h"
#include "str.h"

struct fetch {
	struct upload_file *out;
	char last;
	uint64_t n;
};

static enum err
take_bytes(void *ctx, const void *p, size_t n, struct error *e)
{
	struct fetch *f = ctx;
	const char *at = p, *end = at + n;
	enum err rc = ERR_OK;

	f->n += n;
	while (at < end && rc == ERR_OK) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		const char *stop = lf ? lf : end;
		if (stop > at) {
			rc = upload_write(f->out, at, (size_t)(stop - at), e);
			f->last = stop[-1];
		}
		if (lf && rc == ERR_OK)
			rc = upload_write(f->out, f->last == '\r' ? "\n" : "\r\n",
				f->last == '\r' ? 1 : 2, e);
		if (lf)
			f->last = '\n';
		at = lf ? lf + 1 : end;
	}
	return rc;
}

static enum err
fetch_whole(struct worker *w, const struct carry *c, struct fetch *f, struct error *e)
{
	struct byte_sink sink = { .ctx = f, .write = take_bytes };
	enum err rc;

	if (!engine_worker(w->engine, c->to))
		return error_set(e, ERR_FOLDER,
			"the other account is not in the mailrc any more");
	if (!msg_uid(c->msg))
		return error_set(e, ERR_MSG, "nobody knows where it is");
	rc = w->mirror.is_listed ? ERR_OK : folders_list(w, e);
	if (rc == ERR_OK)
		rc = mirror_open(w, msg_folder(c->msg), e);
	if (rc == ERR_OK && w->mirror.open.id != msg_folder(c->msg))
		rc = error_set(e, ERR_FOLDER, "the server rebuilt this mailbox");
	if (rc == ERR_OK)
		rc = w->b->ops->fetch(w->b, msg_uid(c->msg), "", &sink, e);
	if (rc == ERR_OK && f->n == 0)
		rc = error_set(e, ERR_MSG, "the server sends nothing of it");
	return rc;
}

static enum err
refused(struct worker *w, const struct carry *c, const struct error *why, struct error *e)
{
	struct error n;

	error_set(&n, ERR_MSG, "%s: '%.80s' stays where it is: %s", w->conf->name, c->subject,
		why->text);
	worker_notice(w, &n);
	return store_carry_refused(w->store, c->intent, why->text, e);
}

enum err
carry_step(struct worker *w, bool *did, struct error *e)
{
	struct arena a = {0};
	struct fetch f = {0};
	struct carry c;
	enum err rc = ERR_OK;

	*did = store_carries_left(w->store, w->account) > 0 &&
		store_carry_next(w->store, w->account, &a, &c);
	if (!*did)
		goto out;
	if ((rc = upload_create(&f.out, w->store, e)) == ERR_OK)
		rc = fetch_whole(w, &c, &f, e);
	if (rc == ERR_OK) {
		rc = store_carry_add(w->store, &c, f.out, e);
		f.out = NULL;
		if (rc == ERR_OK)
			engine_acted(w->engine, c.to);
	}
	upload_abort(f.out);
	log_msg("%s: carrying message %lld to account %u: %s", w->conf->name, (long long)c.msg,
		c.to, rc == ERR_OK ? "fetched" : e->text);
	if (rc != ERR_OK && rc != ERR_LOCAL && !link_is_lost(rc)) {
		struct error why = *e;
		rc = refused(w, &c, &why, e);
		post_folder(w, msg_folder(c.msg), 0);
	}
out:
	arena_clear(&a);
	return rc;
}
