/* status.c - what is going on: what was told, jobs, how the accounts are. status_line.c shows
 * it. */
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "now.h"
#include "store_outbox.h"
#include "str.h"
#include "utf8.h"
#include "writing.h"

/* ---- telling ---- */

static void
set_message(struct ui *ui, enum style st, const char *text)
{
	free(ui->message);
	ui->message = xstrdup(text);
	ui->message_style = st;
	ui_redraw(ui);
}

void
status_clear(struct ui *ui)
{
	free(ui->message);
	ui->message = NULL;
}

static void
keep_notice(struct ui *ui, bool is_error, const char *text)
{
	if (ui->n_notices == NOTICES_MAX) {
		free(ui->notices[0].text);
		memmove(ui->notices, ui->notices + 1, --ui->n_notices * sizeof *ui->notices);
	}
	ui->notices = array_grow(ui->notices, ui->n_notices, &ui->cap_notices,
		sizeof *ui->notices);
	ui->notices[ui->n_notices++] = (struct notice){ ui_now(ui), is_error,
		text_clean_dup(text) };
}

void
ui_status(struct ui *ui, const char *fmt, ...)
{
	struct str s = {0};
	va_list ap;

	va_start(ap, fmt);
	str_vprintf(&s, fmt, ap);
	va_end(ap);
	if (s.len > 0)
		set_message(ui, ST_STATUS, str_get(&s));
	else
		status_clear(ui);
	ui_redraw(ui);
	str_clear(&s);
}

void
ui_notice(struct ui *ui, const char *fmt, ...)
{
	struct str s = {0};
	va_list ap;

	va_start(ap, fmt);
	str_vprintf(&s, fmt, ap);
	va_end(ap);
	set_message(ui, ST_NOTICE, str_get(&s));
	keep_notice(ui, false, str_get(&s));
	str_clear(&s);
}

void
ui_error(struct ui *ui, const struct error *e)
{
	if (e->code == ERR_OK || e->code == ERR_CANCELLED)
		return;
	set_message(ui, ST_ERROR, e->text);
	keep_notice(ui, true, e->text);
}

/* ---- jobs ---- */

void
status_job(struct ui *ui, job_id id, const char *what, account_id account)
{
	ui->jobs = array_grow(ui->jobs, ui->n_jobs, &ui->cap_jobs, sizeof *ui->jobs);
	ui->jobs[ui->n_jobs++] = (struct ui_job){ .id = id, .what = xstrdup(what),
		.since_ms = now_ms(), .account = account };
}

job_id
ui_submit(struct ui *ui, const struct job *job, const char *what)
{
	job_id id = engine_submit(ui->engine, job);

	if (id && what)
		status_job(ui, id, what,
			job->kind == JOB_SYNC ? job->account : job->kind != JOB_DOWNLOAD ? 0
			: store_folder_account(ui->store, msg_folder(job->msg)));
	return id;
}

bool
ui_act(struct ui *ui, const struct act *act, const msg_id *msgs, size_t n, struct error *e)
{
	char label[200] = "";
	struct error own = {0};

	if (engine_act(ui->engine, act, msgs, n, label, sizeof label, &own) == ERR_OK) {
		ui->sent.acts_since++;
		drafting_acted(ui, 1);
		if (label[0])
			ui_status(ui, "%s", label);
		return true;
	}
	if (e)
		*e = own;
	if (!e || own.code != ERR_UNSUPPORTED)
		ui_error(ui, &own);
	return false;
}

static struct ui_job *
find_job(struct ui *ui, job_id id)
{
	for (size_t i = 0; id && i < ui->n_jobs; i++) {
		if (ui->jobs[i].id == id)
			return &ui->jobs[i];
	}
	return NULL;
}

void
ui_cancel(struct ui *ui, job_id id)
{
	engine_cancel(ui->engine, id);
}

bool
status_cancel(struct ui *ui)
{
	if (ui->n_jobs == 0)
		return false;
	engine_cancel(ui->engine, ui->jobs[ui->n_jobs - 1].id);
	return true;
}

static void
job_ended(struct ui *ui, const struct event *ev)
{
	struct ui_job *j = find_job(ui, ev->job);

	if (!j)
		return;
	ui_error(ui, &ev->u.done);
	free(j->what);
	*j = ui->jobs[--ui->n_jobs];
	ui_redraw(ui);
}

/* ---- accounts ---- */

struct ui_account *
status_account(struct ui *ui, account_id id)
{
	for (size_t i = 0; i < ui->n_accounts; i++) {
		if (ui->accounts[i].id == id)
			return &ui->accounts[i];
	}
	return NULL;
}

void
ui_stop_download(struct ui *ui, account_id id)
{
	const struct ui_account *a = status_account(ui, id);

	if (a && a->link == LINK_SYNCING && a->total > 0 &&
	    engine_stop_download(ui->engine, id))
		ui_status(ui, "the download stops behind this message");
}

static void
progress(struct ui *ui, const struct event *ev)
{
	struct ui_job *j = find_job(ui, ev->job);
	struct ui_account *a = status_account(ui, ev->account);

	if (j) {
		j->done = ev->u.progress.done;
		j->total = ev->u.progress.total;
		j->is_bytes = ev->u.progress.is_bytes;
	} else if (a) {
		a->done = ev->u.progress.done;
		a->total = ev->u.progress.total;
		a->is_bytes = ev->u.progress.is_bytes;
		a->n = ev->u.progress.n;
		a->n_total = ev->u.progress.is_bytes ? ev->u.progress.n_total : 0;
		a->is_words = ev->u.progress.is_words;
	}
	ui_redraw(ui);
}

/* A link that went is told in the log; one that needs the person is told at once. */
static void
link_changed(struct ui *ui, const struct event *ev)
{
	struct ui_account *a = status_account(ui, ev->account);
	const struct rc_account *rc = engine_rc_account(ui->engine, ev->account);
	const char *why = ev->u.state.why.code == ERR_OK ? NULL : ev->u.state.why.text;

	if (!a || !rc)
		return;
	if (why && !str_eq(why, a->why)) {
		char *text = xasprintf("%s: %s", rc->name, why);
		keep_notice(ui, true, text);
		if (ev->u.state.link == LINK_NEEDS_PERSON)
			set_message(ui, ST_ERROR, text);
		free(text);
	}
	free(a->why);
	a->why = xstrdup(why);
	a->link = ev->u.state.link;
	a->retry_at = ev->u.state.retry_at;
	if (a->link != LINK_SYNCING && !(a->is_words && a->link == LINK_ONLINE))
		a->done = a->total = 0;
	ui_redraw(ui);
}

/* Which account it is about matters only where there are several. */
static void
told(struct ui *ui, const struct event *ev)
{
	const struct rc_account *rc = engine_rc_account(ui->engine, ev->account);
	bool is_error = ev->u.notice.code != ERR_OK;
	char *text = rc && ui->n_accounts > 1
		? xasprintf("%s: %s", rc->name, ev->u.notice.text)
		: xstrdup(ev->u.notice.text);

	set_message(ui, is_error ? ST_ERROR : ST_NOTICE, text);
	keep_notice(ui, is_error, text);
	free(text);
}

void
status_event(struct ui *ui, const struct event *ev)
{
	struct ui_account *a;

	switch (ev->kind) {
	case EV_PROGRESS:
		progress(ui, ev);
		break;
	case EV_STATE:
		link_changed(ui, ev);
		break;
	case EV_NOTICE:
		told(ui, ev);
		break;
	case EV_PASSWORD:
		a = status_account(ui, ev->account);
		if (a)
			a->wants_password = true;
		break;
	case EV_DONE:
		job_ended(ui, ev);
		break;
	case EV_OUTBOX:
		if (ev->u.outbox.id && ev->u.outbox.state == OUTBOX_SENT)
			sending_tidy(ui);
		ui_redraw(ui);
		break;
	case EV_FOLDERS: case EV_FOLDER: case EV_BODY: case EV_STORE:
		ui_redraw(ui);		/* counts of what is pending may have changed */
		break;
	}
}

void
status_free(struct ui *ui)
{
	for (size_t i = 0; i < ui->n_accounts; i++)
		free(ui->accounts[i].why);
	for (size_t i = 0; i < ui->n_jobs; i++)
		free(ui->jobs[i].what);
	for (size_t i = 0; i < ui->n_notices; i++)
		free(ui->notices[i].text);
	free(ui->accounts);
	free(ui->jobs);
	free(ui->notices);
	free(ui->message);
}
