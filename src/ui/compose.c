/* compose.c - the view of one draft: its header as rows, its attachments, and the text as the
 * recipient will see it.
 *
 * Every change is saved before the next key. While the editor runs its file is looked at every two
 * seconds; so whatever is killed, the draft on disk is at most that old. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "format.h"
#include "mime.h"
#include "outfile.h"
#include "path.h"
#include "recipients.h"
#include "utf8.h"
#include "writing.h"

enum { LABEL_COLUMNS = 10, N_FIELDS = 5, MAX_FILE = 256 << 20 };

static struct compose *
compose_of(struct view *v)
{
	return (struct compose *)v;
}

/* ---- the header ---- */

static const struct {
	const char *label;
	enum command_id id;
	size_t offset;
} rows[N_FIELDS] = {
	{ "From", CMD_FROM, offsetof(struct note, from) }, { "To", CMD_TO, offsetof(struct note, to) },
	{ "Cc", CMD_CC, offsetof(struct note, cc) }, { "Bcc", CMD_BCC, offsetof(struct note, bcc) },
	{ "Subject", CMD_SUBJECT, offsetof(struct note, subject) },
};

static char **
field_at(struct compose *x, size_t i)
{
	return (char **)((char *)&x->note + rows[i].offset);
}

/* The field that a command changes; N_FIELDS: none. */
static size_t
field_of(enum command_id id)
{
	size_t i = 0;

	while (i < N_FIELDS && rows[i].id != id)
		i++;
	return i;
}

/* ---- saving ---- */

void
compose_save(struct compose *x)
{
	struct error e;

	drafting_name(x);
	x->is_saved = draft_save(ui_data_dir(x->view.ui), x->id, &x->note, &e) == ERR_OK;
	if (!x->is_saved)
		ui_error(x->view.ui, &e);
	drafting_saved(x, false);
}

void
compose_changed(struct compose *x)
{
	x->columns = 0;
	compose_save(x);
	ui_redraw(x->view.ui);
}

/* ---- the editor ---- */

struct editing {
	struct compose *x;
	struct timespec seen;		/* when the file was last changed, as far as is known */
};

static void
save_from_editor(void *ctx)
{
	struct editing *d = ctx;
	struct compose *x = d->x;
	const char *dir = ui_data_dir(x->view.ui);
	char *path = draft_editor_path(dir, x->id);
	struct stat st;
	bool changed = false;

	if (stat(path, &st) == 0 && (st.st_mtim.tv_sec != d->seen.tv_sec ||
		st.st_mtim.tv_nsec != d->seen.tv_nsec)) {
		d->seen = st.st_mtim;
		if (draft_editor_read(dir, x->id, &x->note, false, &changed, NULL) == ERR_OK && changed &&
			draft_save(dir, x->id, &x->note, NULL) == ERR_OK)
			drafting_saved(x, false);
	}
	free(path);
}

static const char *
editor_of(const struct rc *rc)
{
	const char *const names[] = { rc->editor, getenv("VISUAL"), getenv("EDITOR") };

	for (size_t i = 0; i < LEN(names); i++) {
		if (names[i] && *names[i])
			return names[i];
	}
	return "vi";
}

/* What the rc or the environment names is a command line; the path is an argument of its own. */
static bool
run_editor(struct compose *x, const char *path)
{
	char *line = xasprintf("%s \"$1\"", editor_of(ui_rc(x->view.ui)));
	char sh[] = "sh", c[] = "-c";
	char *file = xstrdup(path);
	struct editing d = { .x = x };

	bool ok = ui_run_ticking(x->view.ui, (char *[]){ sh, c, line, sh, file, NULL }, save_from_editor, &d);
	free(file);
	free(line);
	return ok;
}

void
compose_edit(struct compose *x)
{
	const char *dir = ui_data_dir(x->view.ui);
	char *path = draft_editor_path(dir, x->id);
	struct error e = { 0 };
	bool changed;

	if (draft_editor_begin(dir, x->id, &x->note, &e) != ERR_OK) {
		ui_error(x->view.ui, &e);
		free(path);
		return;
	}
	bool ok = run_editor(x, path);
	if (draft_editor_read(dir, x->id, &x->note, ok, &changed, &e) != ERR_OK)
		ui_error(x->view.ui, &e);
	else if (!ok)
		ui_notice(x->view.ui, "the editor failed (%s); the text is as it was left",
			editor_of(ui_rc(x->view.ui)));
	compose_changed(x);
	drafting_saved(x, true);
	if (x->is_saved && e.code == ERR_OK)
		draft_editor_end(dir, x->id);
	free(path);
}

/* ---- attachments ---- */

static const char *
type_of(const char *name)
{
	static const struct { const char *ending, *type; } types[] = {
		{ ".txt", "text/plain" }, { ".md", "text/markdown" }, { ".html", "text/html" },
		{ ".csv", "text/csv" }, { ".patch", "text/x-diff" }, { ".diff", "text/x-diff" },
		{ ".ics", "text/calendar" }, { ".png", "image/png" }, { ".jpg", "image/jpeg" },
		{ ".jpeg", "image/jpeg" }, { ".gif", "image/gif" }, { ".webp", "image/webp" },
		{ ".svg", "image/svg+xml" }, { ".pdf", "application/pdf" }, { ".zip", "application/zip" },
		{ ".gz", "application/gzip" }, { ".json", "application/json" }, { ".mp3", "audio/mpeg" },
		{ ".mp4", "video/mp4" }, { ".odt", "application/vnd.oasis.opendocument.text" },
		{ ".ods", "application/vnd.oasis.opendocument.spreadsheet" },
		{ ".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document" },
		{ ".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" },
	};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < LEN(types); i++) {
		if (str_ieq(types[i].ending, dot))
			return types[i].type;
	}
	return "application/octet-stream";
}

static void
attach(struct compose *x, const char *typed)
{
	char *path = path_expand(typed), *bytes = NULL;
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	struct error e;
	struct stat st;
	size_t len;
	char size[8];

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		ui_status(x->view.ui, "%s is not a file", path);
	} else if (file_read(&bytes, &len, path, MAX_FILE, &e) != ERR_OK ||
		draft_attach(ui_data_dir(x->view.ui), x->id, &x->note, name, type_of(name), bytes, len,
			&e) != ERR_OK) {
		ui_error(x->view.ui, &e);
	} else {
		format_size(size, len);
		ui_status(x->view.ui, "attached %s (%s)", name, size);
		x->cursor = N_FIELDS + x->note.n_files - 1;
		compose_changed(x);
	}
	free(bytes);
	free(path);
}

static void
detach(struct compose *x)
{
	if (x->cursor < N_FIELDS || x->cursor >= N_FIELDS + x->note.n_files) {
		ui_status(x->view.ui, "go to an attachment to remove it");
		return;
	}
	note_remove_file(&x->note, x->cursor - N_FIELDS);
	if (x->cursor >= N_FIELDS + x->note.n_files)
		x->cursor--;
	compose_changed(x);
}

/* ---- drawing ---- */

static void
lay_out(struct compose *x, int columns)
{
	static const struct part plain = { .type = "text/plain", .charset = "utf-8", .format = "",
		.delsp = "", .section = "1", .filename = "", .id = "", .description = "", .protocol = "" };
	struct str text = { 0 };

	text_clean(&text, str_get(&x->note.text), x->note.text.len, CLEAN_TEXT);
	lines_clear(x->preview);
	mime_render(x->preview, &plain, str_get(&text), text.len, columns > 10 ? columns : 10);
	str_clear(&text);
	x->columns = columns;
}

static enum style
style_of(const struct line *l)
{
	switch (l->style) {
	case SPAN_QUOTE:
		return (enum style)(ST_QUOTE1 + (l->quote_level + 2) % 3);
	case SPAN_SIGNATURE:
		return ST_SIGNATURE;
	case SPAN_LINK:
		return ST_LINK;
	default:
		return ST_NORMAL;
	}
}

static int
draw_header(struct compose *x, const struct area *a)
{
	int y = 0;

	for (size_t i = 0; i < N_FIELDS && y < a->rows; i++, y++) {
		const char *value = note_get(*field_at(x, i));
		area_put_right(a, y, 0, LABEL_COLUMNS - 1, ST_HEADER_NAME, rows[i].label);
		area_put(a, y, LABEL_COLUMNS + 1, -1, i == N_FIELDS - 1 ? ST_STRONG : ST_HEADER, value);
	}
	for (size_t i = 0; i < x->note.n_files && y < a->rows; i++, y++) {
		const struct note_file *f = &x->note.files[i];
		char size[8];
		format_size(size, f->size_bytes);
		area_put_right(a, y, 0, LABEL_COLUMNS - 1, ST_HEADER_NAME, i == 0 ? "Attached" : "");
		area_printf(a, y, LABEL_COLUMNS + 1, -1, ST_ATTACHMENT, "%s  %s  %s", f->name, size, f->type);
	}
	if (x->cursor < (size_t)y)
		area_over(a, (int)x->cursor, 0, -1, ST_CURSOR);
	return y;
}

static void
draw_preview(struct compose *x, const struct area *a)
{
	if (x->columns != a->columns - 2)
		lay_out(x, a->columns - 2);
	x->rows = a->rows;
	size_t last = x->preview->n > (size_t)a->rows ? x->preview->n - (size_t)a->rows : 0;
	if (x->top > last)
		x->top = last;
	for (int y = 0; y < a->rows && x->top + (size_t)y < x->preview->n; y++) {
		const struct line *l = &x->preview->v[x->top + (size_t)y];
		area_put(a, y, 1, -1, style_of(l), l->text);
	}
	if (x->note.text.len == 0)
		area_put(a, 0, 1, -1, ST_DIM, "No text yet: e edits it");
}

static void
compose_draw(struct view *v, const struct area *a)
{
	struct compose *x = compose_of(v);

	if (x->wish) {
		if (x->bring.n > 1)
			area_printf(a, a->rows / 3, 2, -1, ST_NORMAL, "%s message %zu of %zu ...",
				x->is_attaching ? "Attaching" : "Fetching",
				(x->is_attaching ? x->n_attached : x->bring.at) + 1, x->bring.n);
		else
			area_put(a, a->rows / 3, 2, -1, ST_NORMAL, "Fetching the message ...");
		return;
	}
	int y = draw_header(x, a);
	if (y < a->rows)
		area_fill(a, y, 0, -1, ST_DIM, "─");
	if (y + 1 < a->rows) {
		struct area below = area_sub(a, y + 1, 0, -1, -1);
		draw_preview(x, &below);
	}
}

static void
compose_title(struct view *v, struct str *left, struct str *right)
{
	struct compose *x = compose_of(v);
	uint64_t bytes = x->note.text.len;
	char size[8];

	for (size_t i = 0; i < x->note.n_files; i++)
		bytes += x->note.files[i].size_bytes * 78 / 57;
	format_size(size, bytes);
	str_puts(left, "compose: y sends, e edits, P postpones, ? help");
	str_printf(right, "%s%s", size, x->is_saved ? "" : "  NOT SAVED");
}

/* ---- commands ---- */

static void
set_field(struct compose *x, size_t i, const char *value)
{
	struct error e;
	char *clean = text_clean_dup(value);
	char *expanded = rows[i].id == CMD_SUBJECT ? xstrdup(clean)
		: recipients_expand(x->view.ui, clean);

	note_set(field_at(x, i), expanded);
	if (rows[i].id == CMD_FROM)
		note_set(&x->note.account, NULL);	/* whose it is then */
	x->cursor = i;
	compose_changed(x);
	/* Kept as it is, but not left to be found out at the end. */
	if (rows[i].id != CMD_SUBJECT && compose_addresses(rows[i].label, expanded, &e) != ERR_OK)
		ui_error(x->view.ui, &e);
	free(expanded);
	free(clean);
}

static void
discard(void *ctx)
{
	struct compose *x = ctx;
	struct error e;

	if (writing_remove_draft(x->view.ui, x->id, true, &e) != ERR_OK) {
		ui_error(x->view.ui, &e);
		return;
	}
	x->id = 0;
	ui_status(x->view.ui, "thrown away; u brings it back");
	ui_pop(x->view.ui, &x->view);
}

static bool
compose_back(struct view *v)
{
	struct compose *x = compose_of(v);

	if (x->wish)
		return false;
	if (drafting_is_unchanged(x))
		drafting_leave(x);
	else
		ui_confirm(v->ui, v, "Throw this message away? (P keeps it as a draft)", discard, x);
	return true;
}

static void
postpone(struct compose *x)
{
	compose_save(x);
	if (x->is_saved)
		drafting_postpone(x);
}

static void
open_row(struct compose *x)
{
	if (x->cursor >= N_FIELDS) {
		ui_status(x->view.ui, "d removes the attachment, a adds one");
		return;
	}
	const struct command *c = command_at(rows[x->cursor].id);
	ui_ask_argument(x->view.ui, c);
}

static void
move(struct compose *x, int by)
{
	size_t n = N_FIELDS + x->note.n_files;

	if (by < 0 && x->cursor > 0)
		x->cursor--;
	if (by > 0 && x->cursor + 1 < n)
		x->cursor++;
}

static void
scroll(struct compose *x, int lines)
{
	x->top = lines < 0 && x->top < (size_t)-lines ? 0 : x->top + (size_t)lines;
}

static void
compose_command(struct view *v, const struct call *c)
{
	struct compose *x = compose_of(v);
	size_t field = field_of(c->cmd->id);

	ui_redraw(v->ui);
	if (x->wish)
		return;
	if (field < N_FIELDS) {
		set_field(x, field, c->arg);
		return;
	}
	switch (c->cmd->id) {
	case CMD_DOWN: move(x, 1); break;
	case CMD_UP: move(x, -1); break;
	case CMD_FIRST: x->cursor = 0; x->top = 0; break;
	case CMD_LAST: scroll(x, (int)x->preview->n); break;
	case CMD_PAGE_DOWN: scroll(x, x->rows - 1); break;
	case CMD_PAGE_UP: scroll(x, 1 - x->rows); break;
	case CMD_HALF_DOWN: scroll(x, x->rows / 2); break;
	case CMD_HALF_UP: scroll(x, -(x->rows / 2)); break;
	case CMD_OPEN: open_row(x); break;
	case CMD_EDIT: compose_edit(x); break;
	case CMD_ATTACH: attach(x, c->arg); break;
	case CMD_REMOVE: detach(x); break;
	case CMD_POSTPONE: postpone(x); break;
	case CMD_SEND: sending_send(x); break;
	case CMD_SEND_AT: sending_send_at(x, c->arg); break;
	default: break;
	}
}

/* ---- the rest of the view ---- */

static const char *
compose_initial(struct view *v, const struct command *c)
{
	size_t i = field_of(c->id);

	return i < N_FIELDS ? note_get(*field_at(compose_of(v), i)) : NULL;
}

static bool
compose_complete(struct view *v, const struct command *c, const char *text, struct completion *out)
{
	const struct rc *rc = ui_rc(v->ui);

	if (c->id != CMD_FROM)
		return false;
	for (size_t i = 0; i < rc->n_accounts; i++)
		completion_offer(out, text, rc->accounts[i].from, rc->accounts[i].name);
	return true;
}

static void
compose_event(struct view *v, const struct event *ev)
{
	struct compose *x = compose_of(v);

	if (x->bring.n > 0)
		forward_event(x, ev);
	if (ev->kind != EV_DONE || !ev->job || ev->job != x->job)
		return;
	x->job = 0;
	if (ev->u.done.code != ERR_OK)
		ui_pop(v->ui, v);		/* why is told by the frame */
	else
		compose_fill(x);
}

static bool
compose_idle(struct view *v)
{
	return forward_idle(compose_of(v));
}

static void
compose_shown(struct view *v)
{
	struct compose *x = compose_of(v);

	if (!x->edits_next)
		return;
	x->edits_next = false;
	compose_edit(x);
}

static account_id
compose_account(struct view *v)
{
	return sending_account(compose_of(v));
}

static void
compose_click(struct view *v, int y, int column)
{
	struct compose *x = compose_of(v);

	(void)column;
	if ((size_t)y >= N_FIELDS + x->note.n_files)
		return;
	if (x->cursor == (size_t)y)
		open_row(x);
	x->cursor = (size_t)y;
	ui_redraw(v->ui);
}

static void
compose_close(struct view *v)
{
	struct compose *x = compose_of(v);

	if (x->id && !x->is_saved && x->wish)	/* nothing came of it */
		draft_remove(ui_data_dir(v->ui), x->id, NULL);
	draft_release(&x->lock);
	note_clear(&x->note);
	bring_clear(&x->bring);
	lines_clear(x->preview);
	free(x->preview);
	free(x);
}

static const struct view_ops compose_ops = {
	.bit = V_COMPOSE,
	.draw = compose_draw,
	.title = compose_title,
	.command = compose_command,
	.event = compose_event,
	.idle = compose_idle,
	.shown = compose_shown,
	.account = compose_account,
	.initial = compose_initial,
	.complete = compose_complete,
	.back = compose_back,
	.click = compose_click,
	.close = compose_close,
};

struct compose *
compose_new(struct ui *ui)
{
	struct compose *x = xcalloc(1, sizeof *x);

	x->view.ops = &compose_ops;
	x->view.ui = ui;
	x->lock.fd = -1;
	x->preview = xcalloc(1, sizeof *x->preview);
	return x;
}
