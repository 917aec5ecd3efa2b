/* drafting.c - drafts here, and their copies in Drafts folders.
 *
 * A draft has a name for ever and an account; the engine keeps its copy in step by itself.
 * What is done here: names, the word that something was saved, and the way back from a message
 * in a Drafts folder, be it the copy of a draft that is here, or another client's. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "frame.h"
#include "outbox.h"
#include "store_uploads.h"
#include "utf8.h"
#include "writing.h"

enum { KEEP_THROWN_S = 24 * 3600 };

static const char *
account_name(struct ui *ui, account_id id)
{
	const struct rc_account *rc = id ? engine_rc_account(ui_engine(ui), id) : NULL;

	return rc ? rc->name : NULL;
}

static void
give_name(struct note *n)
{
	struct compose_stamp stamp = outbox_stamp();

	note_set(&n->name, stamp.token);
	free((char *)(uintptr_t)stamp.token);
}

/* What was, or will be, encrypted is in no Drafts folder of a server's: its copy goes. */
static void
keep_here_only(struct compose *x)
{
	struct error e;

	if (x->note.account && engine_draft_leave(ui_engine(x->view.ui), x->note.name,
	    x->note.account, &e) != ERR_OK) {
		ui_error(x->view.ui, &e);
		return;
	}
	note_set(&x->note.account, NULL);
}

void
drafting_name(struct compose *x)
{
	if (!x->note.name)
		give_name(&x->note);
	if (note_is_private(&x->note))
		keep_here_only(x);
	else if (!x->note.account)
		note_set(&x->note.account, account_name(x->view.ui, sending_account(x)));
}

void
drafting_saved(struct compose *x, bool now)
{
	if (x->is_saved && x->note.account)
		engine_draft_saved(ui_engine(x->view.ui), x->note.account, now);
}

void
drafting_left(const char *data_dir, draft_id id)
{
	struct note n = { 0 };

	if (draft_peek(data_dir, id, &n, NULL) != ERR_OK)
		draft_remove(data_dir, id, NULL);
	note_clear(&n);
}

void
drafting_opened(struct compose *x)
{
	free(x->opened);
	x->opened = note_stamp(&x->note);
}

bool
drafting_is_unchanged(const struct compose *x)
{
	char *stamp = note_stamp(&x->note);
	bool is = x->opened && str_eq(stamp, x->opened);

	free(stamp);
	return is;
}

/* ---- thrown away, and back ---- */

static void
remember_thrown(struct ui *ui, draft_id id)
{
	if (ui->thrown.n == LEN(ui->thrown.v))
		memmove(ui->thrown.v, ui->thrown.v + 1, --ui->thrown.n * sizeof *ui->thrown.v);
	ui->thrown.v[ui->thrown.n].acts_since = 0;
	ui->thrown.v[ui->thrown.n++].draft = id;
	ui->sent.acts_since++;
}

enum err
writing_remove_draft(struct ui *ui, draft_id id, bool is_thrown, struct error *e)
{
	const char *dir = ui_data_dir(ui);
	struct note n = { 0 };
	enum err r = ERR_OK;

	bool is_saved = draft_peek(dir, id, &n, NULL) == ERR_OK;
	if (is_saved && n.name && n.account)
		r = engine_draft_leave(ui_engine(ui), n.name, n.account, e);
	note_clear(&n);
	if (r != ERR_OK)
		return r;
	if (!is_thrown || !is_saved)	/* what never got onto the disk cannot be kept */
		return draft_remove(dir, id, e);
	if ((r = draft_put_aside(dir, id, e)) == ERR_OK)
		remember_thrown(ui, id);
	return r;
}

void
drafting_acted(struct ui *ui, int by)
{
	uint32_t *acts = ui->thrown.n > 0 ? &ui->thrown.v[ui->thrown.n - 1].acts_since : NULL;

	if (acts && (by > 0 || *acts > 0))
		*acts += (uint32_t)by;
}

/* Its copy may be gone from the server by now, or still go: it is stored anew. */
bool
drafting_take_back(struct ui *ui)
{
	const char *dir = ui_data_dir(ui);
	struct note n = { 0 };
	struct error e;

	if (ui->thrown.n == 0 || ui->thrown.v[ui->thrown.n - 1].acts_since > 0)
		return false;
	draft_id id = ui->thrown.v[--ui->thrown.n].draft;
	ui->sent.acts_since -= ui->sent.acts_since > 0;
	if (draft_bring_back(dir, id, &e) != ERR_OK) {
		ui_error(ui, &e);
		return true;
	}
	if (draft_peek(dir, id, &n, NULL) == ERR_OK && n.name)
		engine_draft_keep(ui_engine(ui), n.name, NULL);
	note_clear(&n);
	writing_resume(ui, id);
	ui_status(ui, "here it is again");
	return true;
}

void
drafting_sweep(struct ui *ui)
{
	if (ui_data_dir(ui))
		draft_sweep(ui_data_dir(ui), time(NULL) - KEEP_THROWN_S);
}

/* ---- leaving the view ---- */

/* Made of a message that is still there, and nothing came of it: it was only looked at. */
void
drafting_leave(struct compose *x)
{
	struct ui *ui = x->view.ui;

	if (x->is_import && draft_remove(ui_data_dir(ui), x->id, NULL) == ERR_OK) {
		x->id = 0;
		ui_status(ui, "left as it is");
	} else {
		ui_status(ui, "kept as a draft; gd shows it");
	}
	ui_pop(ui, &x->view);
}

static void
kept(struct compose *x)
{
	ui_status(x->view.ui, "kept as a draft; gd shows it");
	ui_pop(x->view.ui, &x->view);
}

static void
apart_answered(void *ctx, const char *text)
{
	struct compose *x = ctx;
	struct error e;

	if (text && engine_draft_keep(ui_engine(x->view.ui), x->note.name, &e) != ERR_OK)
		ui_error(x->view.ui, &e);
	kept(x);
}

void
drafting_postpone(struct compose *x)
{
	struct ui *ui = x->view.ui;
	struct arena a = { 0 };
	struct draft_copy d;

	bool is_apart = store_draft(ui_store(ui), note_get(x->note.name), 0, &a, &d) &&
		d.state == DRAFT_APART;
	arena_clear(&a);
	drafting_saved(x, true);
	if (is_apart)
		ui_prompt(ui, &x->view, &(struct prompt_spec){ .kind = PROMPT_CONFIRM,
			.done = apart_answered,
			.label = " Changed or removed elsewhere. Store it there anew?",
			.ctx = x });
	else
		kept(x);
}

/* ---- from a message in a Drafts folder ---- */

/* What it answers, to be marked so: looked for in the inbox. */
static void
find_parent(struct compose *x, account_id account)
{
	struct arena a = { 0 };
	struct folder inbox;

	if (x->note.in_reply_to &&
		store_folder_by_role(ui_store(x->view.ui), account, ROLE_INBOX, &a, &inbox))
		x->note.about = store_find(ui_store(x->view.ui), inbox.id,
		x->note.in_reply_to);
	x->note.about_flag = x->note.about ? MSG_ANSWERED : 0;
	arena_clear(&a);
}

/* What its copy is first: a draft without that would be stored beside it. */
bool
drafting_import(struct compose *x, msg_id id, const char *message_id, bool is_richer,
	struct error *e)
{
	struct ui *ui = x->view.ui;
	const char *dir = ui_data_dir(ui);
	account_id account = store_folder_account(ui_store(ui), msg_folder(id));

	if (!x->note.name || draft_named(dir, x->note.name))
		give_name(&x->note);	/* ours of that name is another version: both stay */
	find_parent(x, account);
	char *stamp = note_stamp(&x->note);
	struct draft_copy d = { .name = x->note.name, .account = account, .msg = id,
		.message_id = message_id, .stamp = stamp, .stored = time(NULL),
		.is_richer = is_richer };
	enum err r = engine_draft_link(ui_engine(ui), &d, e);
	free(stamp);
	if (r != ERR_OK)
		return false;
	note_set(&x->note.account, account_name(ui, account));
	x->is_import = true;
	compose_save(x);
	drafting_opened(x);
	if (d.is_richer)
		ui_notice(ui,
			"only the plain text is kept here: "
			"once changed, the original goes to Trash");
	return x->is_saved;
}

static bool
is_in_outbox(struct ui *ui, draft_id id)
{
	struct draft_info *v;
	size_t n = sending_drafts(ui, &v);
	bool is = true;

	for (size_t i = 0; i < n; i++)
		is = is && v[i].id != id;
	draft_list_free(v, n);
	return is;
}

bool
writing_open_draft(struct ui *ui, msg_id id)
{
	struct arena a = { 0 };
	struct folder f;
	struct draft_copy d;
	draft_id here = 0;

	bool is = ui_data_dir(ui) && store_folder(ui_store(ui), msg_folder(id), &a, &f) &&
		f.role == ROLE_DRAFTS;
	if (is && store_draft_by_msg(ui_store(ui), id, &a, &d))
		here = draft_named(ui_data_dir(ui), d.name);
	arena_clear(&a);
	if (here && is_in_outbox(ui, here))
		ui_status(ui, "this is on its way already: go shows the outbox");
	else if (here)
		writing_resume(ui, here);
	else if (is)
		writing_about(ui, CMD_OPEN, id);
	return is;
}
