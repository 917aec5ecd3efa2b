/* texts.c - see texts.h. Opening the index of words for a moment costs
 * less than keeping it open. */
#include <stdlib.h>

#include "str.h"
#include "texts.h"

void
texts_clear(struct texts *t)
{
	for (size_t i = 0; i < t->n_bodies * t->n_folders; i++)
		uidset_clear(&t->v[i].uids);
	free(t->v);
	free(t->folders);
	*t = (struct texts){ 0 };
}

static enum query_fit
has_words(void *ctx, size_t body, msg_id id)
{
	const struct texts *t = ctx;

	for (size_t f = 0; f < t->n_folders && body < t->n_bodies; f++) {
		const struct search_answer *a = &t->v[body * t->n_folders + f];
		if (t->folders[f] != msg_folder(id))
			continue;
		if (uidset_has(&a->uids, msg_uid(id)))
			return FIT_YES;
		return a->is_complete ? FIT_NO : FIT_UNKNOWN;
	}
	return FIT_UNKNOWN;
}

void
texts_load(struct texts *t, const struct store *s, struct query *q, const folder_id *folders,
	size_t n)
{
	const char *const *words;
	struct search *x;

	texts_clear(t);
	t->n_bodies = query_bodies(q, &words);
	query_ask(q, has_words, t);
	if (t->n_bodies == 0 || n == 0) {
		t->n_bodies = 0;
		return;
	}
	t->folders = xmemdup(folders, n * sizeof *folders);
	t->n_folders = n;
	t->v = xcalloc(t->n_bodies * n, sizeof *t->v);
	if (search_open(&x, s, STORE_READ, NULL) != ERR_OK)
		return;				/* nothing was ever asked for */
	for (size_t b = 0; b < t->n_bodies; b++)
		for (size_t f = 0; f < n; f++)
			search_answer(x, folders[f], words[b], &t->v[b * n + f]);
	search_close(x);
}

msg_id
texts_next(const struct texts *t, size_t body, msg_id after)
{
	msg_id next = 0;

	for (size_t f = 0; f < t->n_folders && body < t->n_bodies; f++) {
		const struct uidset *uids = &t->v[body * t->n_folders + f].uids;
		msg_id from = msg_id_of(t->folders[f], 0);
		uint32_t uid = after > from ? msg_uid(after) : 0;
		if (after >= msg_id_of(t->folders[f] + 1, 0))
			continue;
		uid = uidset_next(uids, uid);
		msg_id id = uid ? msg_id_of(t->folders[f], uid) : 0;
		if (id && (!next || id < next))
			next = id;
	}
	return next;
}
