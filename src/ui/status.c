/* status.c - the bottom line: what is going on, always.
 *
 * At the left the first that there is of: keys begun, what was told (until a key), the newest
 * job, an account that synchronises, how the accounts are. At the right what waits for the
 * servers, and who is offline where that is hidden; before it the usual keys, where there is
 * room. Short jobs are not shown, so that the line does not flicker. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "frame.h"
#include "str.h"
#include "utf8.h"
#include "writing.h"

int64_t
ui_clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

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
		.since_ms = ui_clock_ms(), .account = account };
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

static struct ui_account *
find_account(struct ui *ui, account_id id)
{
	for (size_t i = 0; i < ui->n_accounts; i++) {
		if (ui->accounts[i].id == id)
			return &ui->accounts[i];
	}
	return NULL;
}

static void
progress(struct ui *ui, const struct event *ev)
{
	struct ui_job *j = find_job(ui, ev->job);
	struct ui_account *a = find_account(ui, ev->account);

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
	struct ui_account *a = find_account(ui, ev->account);
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
		a = find_account(ui, ev->account);
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

/* ---- the line ---- */

static void
add_amount(struct str *s, uint64_t n, bool is_bytes)
{
	if (!is_bytes)
		str_printf(s, "%llu", (unsigned long long)n);
	else if (n < 1000 * 1000)
		str_printf(s, "%llu kB", (unsigned long long)(n + 999) / 1000);
	else
		str_printf(s, "%.1f MB", (double)n / 1e6);
}

/* "what  ━━━━━─────  45 of 100  Esc cancels"; returns the columns used. */
static int
draw_progress(const struct area *a, int x, const char *what, uint64_t done, uint64_t total,
	bool is_bytes, const char *before)
{
	enum { BAR = 12 };
	struct str s = {0};

	x += area_put(a, 0, x, -1, ST_STATUS, what);
	if (total > 0 && done <= total && a->columns >= 60) {
		int full = (int)(done * BAR / total);
		area_fill(a, 0, x + 2, full, ST_PROGRESS, "━");
		area_fill(a, 0, x + 2 + full, BAR - full, ST_DIM, "─");
		x += 2 + BAR;
	}
	if (done > 0 || total > 0) {
		str_puts(&s, before);
		add_amount(&s, done, is_bytes);
		if (total > 0) {
			str_puts(&s, " of ");
			add_amount(&s, total, is_bytes);
		}
		x += 2 + area_put(a, 0, x + 2, -1, ST_STATUS, str_get(&s));
	}
	str_clear(&s);
	return x;
}

/* Of several large messages it is said, too, how many are done. */
static int
draw_account_progress(const struct area *a, int x, const char *what,
	const struct ui_account *acc)
{
	char messages[40] = "";

	if (acc->n_total > 1)
		snprintf(messages, sizeof messages, "%u of %u, ", acc->n, acc->n_total);
	return draw_progress(a, x, what, acc->done, acc->total, acc->is_bytes, messages);
}

static bool
draw_job(struct ui *ui, const struct area *a)
{
	const struct ui_job *j = ui->n_jobs ? &ui->jobs[ui->n_jobs - 1] : NULL;

	if (!j || ui_clock_ms() - j->since_ms < JOB_QUIET_MS)
		return false;
	const struct ui_account *acc = j->done == 0 && j->total == 0
		? find_account(ui, j->account) : NULL;
	int x = acc && acc->link == LINK_SYNCING
		? draw_account_progress(a, 1, j->what, acc)
		: draw_progress(a, 1, j->what, j->done, j->total, j->is_bytes, "");
	x += 2 + area_put(a, 0, x + 2, -1, ST_KEY, "Esc");
	area_put(a, 0, x + 1, -1, ST_DIM, "cancels");
	return true;
}

void
ui_key_of(struct ui *ui, unsigned view, enum command_id id, struct str *out)
{
	keymap_key_of(&ui->keymap, view, id, out);
}

/* Whether there is no server to be on line with: files alone. */
static bool
is_local(const struct ui *ui, const struct ui_account *a)
{
	const struct rc_account *rc = engine_rc_account(ui->engine, a->id);

	return rc && !rc->receive.host;
}

static const char *
link_word(const struct ui *ui, const struct ui_account *a)
{
	static const char *const words[][2] = {
		[LINK_OFFLINE] = { "offline", "no access" },
		[LINK_CONNECTING] = { "connecting", "opening" },
		[LINK_SYNCING] = { "synchronising", "reading" },
		[LINK_ONLINE] = { "online", "local" },
		[LINK_NEEDS_PERSON] = { "needs you", "needs you" },
	};
	bool is_file = is_local(ui, a);

	return is_file && a->link == LINK_OFFLINE && !a->why
		? "local" : words[a->link][is_file];
}

/* `in_full`: with the reason, which for the others is in the log. */
static void
describe_link(struct ui *ui, const struct ui_account *a, bool in_full, struct str *text,
	enum style *st)
{
	int64_t wait_s = a->retry_at - ui_now(ui);

	*st = a->link == LINK_NEEDS_PERSON ? ST_ERROR : a->link == LINK_ONLINE ? ST_OK
		: ST_DIM;
	if (a->link == LINK_NEEDS_PERSON && a->why) {
		str_puts(text, a->why);
		return;
	}
	str_puts(text, link_word(ui, a));
	if (a->link == LINK_OFFLINE && wait_s > 0)
		str_printf(text, ", again in %lld s", (long long)wait_s);
	if (a->link == LINK_OFFLINE && a->why && in_full)
		str_printf(text, " (%s)", a->why);
}

/* How the accounts are: that of the view on top first and in full. The column behind it. */
static int
draw_accounts(struct ui *ui, const struct area *a)
{
	struct view *v = ui_top(ui);
	account_id mine = v && v->ops->account ? v->ops->account(v) : 0;
	int x = 1;

	for (size_t pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < ui->n_accounts && x < a->columns; i++) {
			const struct ui_account *acc = &ui->accounts[i];
			struct str s = {0};
			enum style st;
			if ((acc->id == mine) != (pass == 0))
				continue;
			x += area_printf(a, 0, x, -1, ST_STATUS, "%s:",
				engine_rc_account(ui->engine, acc->id)->name) + 1;
			describe_link(ui, acc, pass == 0 || ui->n_accounts == 1, &s, &st);
			bool is_indexing = acc->is_words && acc->done < acc->total;
			if (is_indexing ||
			    (acc->link == LINK_SYNCING && acc->done && !acc->is_words))
				x = draw_account_progress(a, x,
				is_indexing ? "indexing texts" : str_get(&s), acc);
			else
				x += area_put(a, 0, x, -1, st, str_get(&s));
			x += 3;
			str_clear(&s);
		}
	}
	if (ui->options.is_tutorial)
		x += area_put(a, 0, x, -1, ST_DIM,
			"a sample to try things on; nothing here is real");
	return x;
}

/* What was told hides how the accounts are; that one is offline is said beside it. */
static void
offline_text(struct ui *ui, int room, struct str *out)
{
	for (size_t i = 0; i < ui->n_accounts; i++) {
		const struct ui_account *acc = &ui->accounts[i];
		const char *name = engine_rc_account(ui->engine, acc->id)->name;
		bool is_told = acc->link == LINK_OFFLINE && (!is_local(ui, acc) || acc->why);
		if (is_told && text_width(name, strlen(name)) + 14 <= room) {
			str_printf(out, "%s: %s   ", name, link_word(ui, acc));
			return;
		}
	}
}

/* The right edge: what waits for the servers, else which key leads on from here. */
static void
right_text(struct ui *ui, const struct area *a, struct str *out, enum style *st)
{
	uint32_t n = ui->store ? store_intents_pending(ui->store, 0) : 0;
	int used = ui->message ? text_width(ui->message, strlen(ui->message)) : 0;
	bool is_long = used > a->columns - 12;
	enum command_id hint = is_long && ui->message_style != ST_STATUS
		? CMD_MESSAGES : CMD_HELP;

	*st = n ? ST_NOTICE : ST_DIM;
	if (ui->message && ui->n_keys == 0 && !ui->on_tagged)
		offline_text(ui, a->columns - used - 18, out);
	if (n) {
		str_printf(out, "%u pending", n);
		return;
	}
	size_t before = out->len;
	keymap_key_of(&ui->keymap, ui_top(ui)->ops->bit, hint, out);
	if (out->len > before)
		str_puts(out, hint == CMD_HELP ? " help" : " more");
}

void
status_draw(struct ui *ui, const struct area *all)
{
	struct area bottom = area_sub(all, all->rows - 1, 0, 1, -1), *line = &bottom;
	struct str right = {0};
	enum style st;

	area_fill(line, 0, 0, -1, ST_STATUS, " ");
	right_text(ui, line, &right, &st);
	int used = area_put_right(line, 0, 0, line->columns - 1, st, str_get(&right));
	struct area left = area_sub(line, 0, 0, 1, line->columns - used - 3);
	str_clear(&right);
	if (ui->n_keys > 0)
		hints_draw(ui, all, &left);
	else if (ui->on_tagged)
		area_put(&left, 0, 1, -1, ST_PROMPT, "; the next command goes to all tagged");
	else if (ui->message)
		area_put(&left, 0, 1, -1, ui->message_style, ui->message);
	else if (!draw_job(ui, &left)) {
		int x = draw_accounts(ui, &left);
		if (ui_rc(ui)->hints)
			hints_usual(ui, &left, x);
	}
}

int
status_next_ms(const struct ui *ui)
{
	int64_t now_ms = ui_clock_ms();

	if (ui->n_jobs) {
		int64_t wait = ui->jobs[ui->n_jobs - 1].since_ms + JOB_QUIET_MS - now_ms;
		if (wait > 0)
			return (int)wait;
	}
	for (size_t i = 0; i < ui->n_accounts; i++) {
		if (ui->accounts[i].link == LINK_OFFLINE &&
		    ui->accounts[i].retry_at >= time(NULL))
			return 1000;
	}
	return -1;
}
