/* work.c - see work.h. */
#include <poll.h>
#include <stdlib.h>

#include "frame.h"
#include "now.h"
#include "work.h"

enum { SMALL_BYTES = 1 << 20, END_MS = 2000 };

static void
finish(struct work *w, const struct error *e)
{
	free(w->what);
	w->what = NULL;
	w->done(w, e);
}

void
work_begin(struct ui *ui, struct view *owner, struct work *w, uint64_t size_bytes,
	const char *what)
{
	struct work **last = &ui->works;

	w->ui = ui;
	w->owner = owner;
	w->next = NULL;
	if (size_bytes < SMALL_BYTES && !w->task.waits_for_person) {
		struct error e = { 0 };
		e.code = engine_run(ui->engine, &w->task, &e);
		ui_error(ui, &e);	/* of what runs beside, the bottom line tells it */
		finish(w, &e);
		return;
	}
	while (*last)
		last = &(*last)->next;
	*last = w;
	w->what = xstrdup(what);
	status_job(ui, engine_begin(ui->engine, &w->task), what, 0);
	ui_redraw(ui);
}

const struct work *
work_of(const struct ui *ui, const struct view *owner, size_t i)
{
	for (const struct work *w = ui->works; w; w = w->next) {
		if (w->owner == owner && i-- == 0)
			return w;
	}
	return NULL;
}

const struct work *
work_to_ask_for(const struct ui *ui)
{
	const struct work *w = ui->works;

	while (w && w->is_quiet)
		w = w->next;
	return w;
}

void
work_stop(struct ui *ui, const struct view *owner)
{
	for (struct work *w = ui->works; w; w = w->next) {
		if (w->owner == owner)
			engine_cancel(ui->engine, w->task.id);
	}
}

void
work_event(struct ui *ui, const struct event *ev)
{
	struct work **at = &ui->works, *w;

	if (ev->kind != EV_DONE)
		return;
	while (*at && (*at)->task.id != ev->job)
		at = &(*at)->next;
	if (!(w = *at))
		return;
	*at = w->next;
	finish(w, &ev->u.done);
	ui_redraw(ui);
}

void
work_disown(struct ui *ui, const struct view *owner)
{
	work_stop(ui, owner);
	for (struct work *w = ui->works; w; w = w->next) {
		if (w->owner == owner)
			w->owner = NULL;
	}
}

/* What does not end in time keeps its memory: the process is about to end. */
void
work_end(struct ui *ui)
{
	struct pollfd p = { .fd = engine_fd(ui->engine), .events = POLLIN };
	int64_t until = now_ms() + END_MS;
	struct event ev;

	for (struct work *w = ui->works; w; w = w->next) {
		engine_cancel(ui->engine, w->task.id);
		w->owner = NULL;
	}
	while (ui->works && now_ms() < until) {
		poll(&p, 1, 20);
		while (engine_next(ui->engine, &ev))
			work_event(ui, &ev);
	}
}
