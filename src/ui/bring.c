/* bring.c - see bring.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bring.h"
#include "partial.h"

static enum bring_state
go_on(struct bring *g, struct ui *ui)
{
	struct error e;
	char what[60];

	while (g->at < g->n && store_has_body(ui_store(ui), g->ids[g->at], "", NULL)) {
		if (partial_check_id(ui, g->ids[g->at++], &e) != ERR_OK) {
			ui_error(ui, &e);
			return BRING_FAILED;
		}
	}
	if (g->at == g->n)
		return BRING_READY;
	struct job job = { .kind = JOB_FETCH, .msg = g->ids[g->at],
		.folder = msg_folder(g->ids[g->at]),
		.account = store_folder_account(ui_store(ui), msg_folder(g->ids[g->at])) };
	if (g->n > 1)
		snprintf(what, sizeof what, "fetching message %zu of %zu", g->at + 1, g->n);
	else
		snprintf(what, sizeof what, "fetching the message");
	g->job = ui_submit(ui, &job, what);
	return BRING_GOING;
}

enum bring_state
bring_start(struct bring *g, struct ui *ui, const msg_id *ids, size_t n)
{
	*g = (struct bring){ .ids = xcalloc(n, sizeof *ids), .n = n };
	memcpy(g->ids, ids, n * sizeof *ids);
	return go_on(g, ui);
}

enum bring_state
bring_event(struct bring *g, struct ui *ui, const struct event *ev)
{
	struct error e;

	if (ev->kind != EV_DONE || !g->job || ev->job != g->job)
		return BRING_GOING;
	g->job = 0;
	if (ev->u.done.code != ERR_OK)
		return BRING_FAILED;		/* why is told by the frame */
	if (store_has_body(ui_store(ui), g->ids[g->at], "", NULL))
		return go_on(g, ui);
	error_set(&e, ERR_MSG, "this message could not be read as a whole");
	ui_error(ui, &e);
	return BRING_FAILED;
}

void
bring_clear(struct bring *g)
{
	free(g->ids);
	*g = (struct bring){ 0 };
}
