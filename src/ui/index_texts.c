/* index_texts.c - body: in a limit, a search or a tagging: the engine is asked which messages
 * have the words, and the list looks at its answers. A limit shows them as they grow; a search
 * and a tagging wait until they are whole, so that "nothing fits" is true.
 *
 * A list over all folders asks about each of them, those of the account it was opened from
 * first, but of no more than ASKS_MAX: each costs a server some commands. Which were left out
 * is told. */
#include <stdio.h>
#include <stdlib.h>

#include "index_impl.h"

enum {
	ASKS_MAX = 200,			/* jobs at once: folders times words */
	ALL_FOLDERS = 0
};

void
index_ask_no_more(struct index *x)
{
	job_id *asks = x->asks;
	size_t n = x->n_asks;

	x->asks = NULL;
	x->n_asks = x->cap_asks = 0;
	for (size_t i = 0; i < n; i++)
		ui_cancel(x->view.ui, asks[i]);
	free(asks);
	free(x->asked_text);
	x->asked_text = NULL;
	x->asked = ASKED_NOTHING;
	x->is_asking_again = false;
	x->n_not_asked = 0;
}

static void
submit(struct index *x, folder_id folder, const char *words, bool is_again)
{
	struct job job = { .kind = JOB_SEARCH, .folder = folder, .is_again = is_again };

	snprintf(job.words, sizeof job.words, "%s", words);
	x->asks = array_grow(x->asks, x->n_asks, &x->cap_asks, sizeof *x->asks);
	x->asks[x->n_asks++] = ui_submit(x->view.ui, &job, "searching texts");
}

/* Of `only`, or of all folders. */
static bool
ask(struct index *x, const char *query, enum asked what, folder_id only, bool is_again)
{
	const struct source *src = list_source(x->list);
	const char *const *words;
	struct query *q;

	if (query_parse(&q, query, ui_now(x->view.ui), NULL) != ERR_OK)
		return false;
	size_t n = query_bodies(q, &words);
	for (size_t f = 0; n > 0 && f < src->n_folders; f++) {
		if (only != ALL_FOLDERS && only != src->folders[f])
			continue;
		for (size_t i = 0; i < n && x->n_asks + n <= ASKS_MAX; i++)
			submit(x, src->folders[f], words[i], is_again);
		x->n_not_asked += x->n_asks + n > ASKS_MAX;
	}
	query_free(q);
	if (x->n_asks == 0)
		return false;
	x->asked = what;
	x->asked_text = xstrdup(query);
	return true;
}

bool
index_ask(struct index *x, const char *query, enum asked what)
{
	index_ask_no_more(x);
	bool is_asked = ask(x, query, what, ALL_FOLDERS, false);

	if (is_asked && x->n_not_asked > 0)
		ui_status(x->view.ui, "the texts of %zu folders are not searched: in: names "
			"some", x->n_not_asked);
	return is_asked;
}

/* One round at a time: what comes meanwhile is asked about by the next. */
void
index_ask_again(struct index *x, folder_id folder)
{
	if (!list_limit_text(x->list))
		return;
	if (x->n_asks == 0) {
		ask(x, list_limit_text(x->list), ASKED_LIMIT, folder, true);
		return;
	}
	x->again_in = !x->is_asking_again || x->again_in == folder ? folder : ALL_FOLDERS;
	x->is_asking_again = true;
}

void
index_answered(struct index *x, job_id job, enum err code)
{
	size_t i = 0;

	while (i < x->n_asks && x->asks[i] != job)
		i++;
	if (i == x->n_asks)
		return;
	if (code == ERR_CANCELLED) {
		index_ask_no_more(x);
		ui_status(x->view.ui, "stopped");
		return;
	}
	x->asks[i] = x->asks[--x->n_asks];
	if (x->n_asks > 0)
		return;
	enum asked what = x->asked;
	char *text = x->asked_text;
	x->asked = ASKED_NOTHING;
	x->asked_text = NULL;
	if (what == ASKED_SEARCH)
		index_search(x, text);
	else if (what == ASKED_TAG)
		index_tag_query(x, text);
	else
		list_refresh(x->list);
	free(text);
	if (x->is_asking_again) {
		x->is_asking_again = false;
		index_ask_again(x, x->again_in);
	}
}
