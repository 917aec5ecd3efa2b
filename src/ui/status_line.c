/* status_line.c - the bottom line: what is going on, always.
 *
 * At the left the first that there is of: keys begun, what was told (until a key), the newest
 * job, an account that synchronises, how the accounts are. At the right what waits for the
 * servers, and who is offline where that is hidden; before it the usual keys, where there is
 * room. Short jobs are not shown, so that the line does not flicker. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "frame.h"
#include "mime.h"
#include "now.h"
#include "str.h"
#include "utf8.h"

enum { MAX_TOLD_ROWS = 4 };

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

/* What it is about; of several alike, how many there are still. */
static void
describe_job(const struct ui *ui, const struct ui_job *j, struct str *out)
{
	size_t n = 0;

	for (size_t i = 0; i < ui->n_jobs; i++)
		n += str_eq(ui->jobs[i].what, j->what);
	str_puts(out, j->what);
	if (n > 1)
		str_printf(out, ", %zu left", n);
}

static bool
draw_job(struct ui *ui, const struct area *a)
{
	const struct ui_job *j = ui->n_jobs ? &ui->jobs[ui->n_jobs - 1] : NULL;
	struct str what = { 0 };

	if (!j || now_ms() - j->since_ms < JOB_QUIET_MS)
		return false;
	const struct ui_account *acc = j->done == 0 && j->total == 0
		? status_account(ui, j->account) : NULL;
	describe_job(ui, j, &what);
	int x = acc && acc->link == LINK_SYNCING
		? draw_account_progress(a, 1, str_get(&what), acc)
		: draw_progress(a, 1, str_get(&what), j->done, j->total, j->is_bytes, "");
	str_clear(&what);
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
	bool is_long = used > (a->columns - 14) * MAX_TOLD_ROWS;
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

/* What was told, whole: where the bottom line is too short it begins above it, over the view,
 * until the next key. */
static void
draw_told(struct ui *ui, const struct area *all, const struct area *line)
{
	struct lines told = {0};
	int bottom = all->rows - 1, columns = line->columns - 1;

	if (text_width(ui->message, strlen(ui->message)) <= columns) {
		area_put(line, 0, 1, -1, ui->message_style, ui->message);
		return;
	}
	lines_add(&told, SPAN_TEXT, ui->message, columns);
	int n = told.n < MAX_TOLD_ROWS ? (int)told.n : MAX_TOLD_ROWS;
	for (int i = 0; i < n; i++) {
		struct area row = i + 1 < n ? area_sub(all, bottom - n + 1 + i, 0, 1, -1)
			: *line;
		bool is_cut = i + 1 == n && told.n > (size_t)n;
		area_fill(&row, 0, 0, -1, ST_STATUS, " ");
		area_printf(&row, 0, 1, -1, ui->message_style, "%s%s", told.v[i].text,
			is_cut ? " …" : "");
	}
	lines_clear(&told);
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
		draw_told(ui, all, &left);
	else if (!draw_job(ui, &left)) {
		int x = draw_accounts(ui, &left);
		if (ui_rc(ui)->hints)
			hints_usual(ui, &left, x);
	}
}

int
status_next_ms(const struct ui *ui)
{
	int64_t now = now_ms();

	if (ui->n_jobs) {
		int64_t wait = ui->jobs[ui->n_jobs - 1].since_ms + JOB_QUIET_MS - now;
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
