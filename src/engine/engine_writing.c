/* engine_writing.c - the public functions about mail that is written here: the
 * outbox, and drafts with a copy on the server. */
#include "engine_int.h"
#include "store_outbox.h"
#include "store_uploads.h"
#include "str.h"

/* ---- sending ---- */

enum err
engine_put(struct engine *g, struct store *s, account_id id, const struct letter *l,
	int64_t not_before, bool is_planned, outbox_id *out, struct error *e)
{
	struct worker *w = engine_worker(g, id);

	*out = 0;
	if (!w)
		return error_set(e, ERR_LOCAL, "there is no such account");
	enum err rc = outbox_put(s, w->conf, id, l, not_before, is_planned, out, e);
	if (rc == ERR_OK)
		outboxer_wake(w->outboxer);
	return rc;
}

enum err
engine_send(struct engine *g, account_id id, const struct letter *l, int64_t not_before,
	outbox_id *out, struct error *e)
{
	return engine_put(g, g->store, id, l, not_before, false, out, e);
}

enum err
engine_send_at(struct engine *g, account_id id, const struct letter *l, int64_t when,
	outbox_id *out, struct error *e)
{
	return engine_put(g, g->store, id, l, when, true, out, e);
}

static void
wake_outboxes(struct engine *g)
{
	for (size_t i = 0; i < g->n_workers; i++) {
		struct worker *w = g->workers[i];
		if (w->outboxer)
			outboxer_wake(w->outboxer);
		jobs_wake(&w->jobs);		/* a copy */
	}
}

enum err
engine_outbox_when(struct engine *g, outbox_id id, int64_t when, struct error *e)
{
	enum err rc = store_outbox_when(g->store, id, when, e);

	if (rc == ERR_OK)
		wake_outboxes(g);
	return rc;
}

static enum err
act_on_mail(struct store *s, outbox_id id, enum outbox_act act, struct error *e)
{
	switch (act) {
	case OUTBOX_HOLD: return store_outbox_hold(s, id, true, e);
	case OUTBOX_RELEASE: return store_outbox_hold(s, id, false, e);
	case OUTBOX_RETRY: return store_outbox_retry(s, id, e);
	case OUTBOX_REMOVE: return store_outbox_remove(s, id, e);
	case OUTBOX_BELIEVE_SENT: return store_outbox_believe_sent(s, id, e);
	}
	return error_set(e, ERR_UNSUPPORTED, "nothing that can be done to mail");
}

enum err
engine_outbox(struct engine *g, outbox_id id, enum outbox_act act, struct error *e)
{
	enum err rc = act_on_mail(g->store, id, act, e);

	if (rc == ERR_OK)
		wake_outboxes(g);
	return rc;
}

bool
engine_is_sending(struct engine *g, account_id id)
{
	struct worker *w = engine_worker(g, id);

	return w && w->has_thread && w->outboxer && outboxer_is_busy(w->outboxer);
}

/* ---- drafts ---- */

void
engine_draft_saved(struct engine *g, const char *account, bool now)
{
	for (size_t i = 0; i < g->n_workers; i++) {
		if (str_eq(g->workers[i]->conf->name, account))
			jobs_drafts(&g->workers[i]->jobs, now);
	}
}

static enum err
look_at_drafts(struct engine *g, enum err rc)
{
	for (size_t i = 0; i < g->n_workers; i++)
		jobs_drafts(&g->workers[i]->jobs, true);
	return rc;
}

enum err
engine_draft_link(struct engine *g, const struct draft_copy *d, struct error *e)
{
	return store_draft_put(g->store, d, e);
}

enum err
engine_draft_keep(struct engine *g, const char *name, struct error *e)
{
	return look_at_drafts(g, store_draft_state(g->store, name, DRAFT_KEPT, e));
}

static account_id
account_named(const struct engine *g, const char *name)
{
	for (size_t i = 0; i < g->n_workers; i++) {
		if (str_eq(g->workers[i]->conf->name, name))
			return g->workers[i]->account;
	}
	return 0;
}

enum err
engine_draft_leave(struct engine *g, const char *name, const char *account, struct error *e)
{
	return look_at_drafts(g,
		store_draft_leave(g->store, name, account_named(g, account), e));
}
