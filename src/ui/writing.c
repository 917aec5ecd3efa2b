/* writing.c - ways into the compose view. What an answer quotes must be here first: the view is
 * pushed at once, waits for the fetch, and is filled when its job has ended. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identity.h"
#include "message.h"
#include "partial.h"
#include "recipients.h"
#include "reply.h"
#include "resend.h"
#include "signature.h"
#include "writing.h"

enum { MAX_TEXT_PARTS = 50, HTML_COLUMNS = 76 };

/* ---- a draft of one's own ---- */

bool
compose_begin_draft(struct compose *x)
{
	struct error e;

	if (!ui_data_dir(x->view.ui))
		error_set(&e, ERR_LOCAL, "there is no place for drafts");
	else if (draft_new(ui_data_dir(x->view.ui), &x->id, &x->lock, &e) == ERR_OK)
		return true;
	ui_error(x->view.ui, &e);
	return false;
}

static void
set_from(struct compose *x, account_id account)
{
	struct arena a = { 0 };
	size_t n;
	const char **mine = identity_all(x->view.ui, account, &a, &n);

	if (!x->note.from && n > 0)
		note_set(&x->note.from, mine[0]);
	free(mine);
	arena_clear(&a);
}

void
compose_sign(struct compose *x)
{
	char *signature = signature_of(x->view.ui, note_get(x->note.from), true);

	signature_add(&x->note.text, signature);
	free(signature);
}

static account_id
account_here(struct ui *ui)
{
	struct view *v = ui_top(ui);

	return v && v->ops->account ? v->ops->account(v) : 0;
}

static void
start(struct compose *x, account_id account)
{
	set_from(x, account);
	if (x->wish != CMD_EDIT_AS_NEW)		/* that has one already, or wants none */
		compose_sign(x);
	compose_save(x);
}

void
compose_begun(struct compose *x, bool edits)
{
	struct ui *ui = x->view.ui;

	x->wish = 0;
	x->edits_next = edits;
	compose_changed(x);
	if (ui_top(ui) == &x->view)
		x->view.ops->shown(&x->view);
}

static void
subject_typed(void *ctx, const char *text)
{
	struct compose *x = ctx;

	if (!text)
		return;
	note_set(&x->note.subject, text);
	compose_changed(x);
	compose_edit(x);
}

void
writing_new(struct ui *ui, const char *to)
{
	struct compose *x = compose_new(ui);
	account_id account = account_here(ui);

	if (!compose_begin_draft(x)) {
		x->view.ops->close(&x->view);
		return;
	}
	start(x, account);
	ui_push(ui, &x->view);
	if (to && *to) {
		struct call c = { command_at(CMD_TO), to, false };
		x->view.ops->command(&x->view, &c);
	}
	ui_prompt(ui, &x->view, &(struct prompt_spec){ .kind = PROMPT_TEXT, .label = " Subject: ",
		.done = subject_typed, .ctx = x });
}

void
writing_mailto(struct ui *ui, const char *url)
{
	struct compose *x = compose_new(ui);
	struct error e;

	if (reply_mailto(&x->note, url, &e) != ERR_OK) {
		ui_error(ui, &e);
		x->view.ops->close(&x->view);
	} else if (!compose_begin_draft(x)) {
		x->view.ops->close(&x->view);
	} else {
		start(x, account_here(ui));	/* the person sees first what the link wants */
		ui_push(ui, &x->view);
	}
}

struct compose *
writing_resume(struct ui *ui, draft_id id)
{
	struct compose *x = compose_new(ui);
	const char *dir = ui_data_dir(ui);
	struct error e;

	if (draft_take(dir, id, &x->lock, &e) != ERR_OK || draft_load(dir, id, &x->note, &e) != ERR_OK) {
		ui_error(ui, &e);
		x->view.ops->close(&x->view);
		return NULL;
	}
	x->id = id;
	compose_save(x);
	if (x->is_saved)
		draft_editor_end(dir, id);	/* its text is in the draft now */
	drafting_opened(x);
	ui_push(ui, &x->view);
	return x;
}

/* ---- something to be attached ---- */

struct compose *
writing_last_draft(struct ui *ui, bool *is_there)
{
	struct draft_info *v;
	size_t n = sending_drafts(ui, &v);
	draft_id id = n > 0 ? v[0].id : 0;

	draft_list_free(v, n);
	*is_there = id != 0;
	return id ? writing_resume(ui, id) : NULL;
}

void
writing_attach(struct ui *ui, const char *name, const char *type, const struct str *bytes)
{
	bool is_there;
	account_id account = account_here(ui);
	struct compose *x = writing_last_draft(ui, &is_there);
	struct error e;

	if (!x && is_there)
		return;				/* why was told */
	if (!x) {
		x = compose_new(ui);
		if (!compose_begin_draft(x)) {
			x->view.ops->close(&x->view);
			return;
		}
		start(x, account);
		ui_push(ui, &x->view);
	}
	if (draft_attach(ui_data_dir(ui), x->id, &x->note, name, type, str_get(bytes), bytes->len, &e) != ERR_OK) {
		ui_error(ui, &e);
		return;
	}
	ui_status(ui, "attached %s", x->note.files[x->note.n_files - 1].name);
	compose_changed(x);
}

/* ---- about a message ---- */

static enum reply_kind
kind_of(enum command_id what)
{
	switch (what) {
	case CMD_REPLY_ALL:
		return REPLY_ALL;
	case CMD_REPLY_LIST:
		return REPLY_LIST;
	case CMD_FORWARD:
		return REPLY_FORWARD;
	case CMD_EDIT_AS_NEW:
		return REPLY_EDIT;
	case CMD_OPEN:
		return REPLY_RESUME;
	default:
		return REPLY_SENDER;
	}
}

/* HTML as the pager shows it. */
static void
add_html(struct str *out, const struct part *p, const struct str *text)
{
	struct lines l = { 0 };

	mime_render(&l, p, str_get(text), text->len, HTML_COLUMNS);
	for (size_t i = 0; i < l.n; i++)
		str_printf(out, "%s\n", l.v[i].text);
	lines_clear(&l);
}

/* What is for reading. False: some of it is not here. */
static bool
readable_text(const struct message *m, bool prefer_html, struct str *out, struct reply_source *s)
{
	const struct part *parts[MAX_TEXT_PARTS];
	size_t n = m->root ? part_readable(m->root, prefer_html, parts, MAX_TEXT_PARTS) : 0;
	bool is_here = m->root != NULL;

	for (size_t i = 0; i < n && is_here; i++) {
		struct str text = { 0 };
		is_here = message_text(m, parts[i], &text);
		if ((m->m.flags & MSG_HEADER_ONLY) && partial_is_text(m, &text))
			str_cut(&text, 0);	/* nothing that anybody wrote */
		if (out->len > 0 && out->data[out->len - 1] != '\n')
			str_putc(out, '\n');
		if (str_eq(parts[i]->type, "text/html"))
			add_html(out, parts[i], &text);
		else
			str_add(out, str_get(&text), text.len);
		str_clear(&text);
	}
	s->is_flowed = n == 1 && str_ieq(parts[0]->format, "flowed");
	s->delsp = n == 1 && str_ieq(parts[0]->delsp, "yes");
	s->text = str_get(out);
	s->text_len = out->len;
	return is_here;
}

/* What an attached message has attached goes along in it, and not a second time. */
static bool
is_own_attachment(const struct part *p)
{
	for (const struct part *up = p->parent; up; up = up->parent) {
		if (part_is_message(up))
			return false;
	}
	return part_is_attachment(p);
}

/* False: one of them is not here, or the disk has no room. */
static bool
take_attachments(struct compose *x, const struct message *m, struct error *e)
{
	for (const struct part *p = m->root; p; p = part_next(p)) {
		struct str bytes = { 0 };
		if (!is_own_attachment(p))
			continue;
		bool ok = message_decode(m, p, &bytes) && draft_attach(ui_data_dir(x->view.ui), x->id, &x->note,
			p->filename, p->type, str_get(&bytes), bytes.len, e) == ERR_OK;
		str_clear(&bytes);
		if (!ok)
			return false;
	}
	return true;
}

static bool
wants_attachments(enum command_id what)
{
	return what == CMD_FORWARD || what == CMD_EDIT_AS_NEW || what == CMD_OPEN;
}

static bool
is_complete(const struct message *m, enum command_id what)
{
	if (!m->header || !m->root)
		return false;
	for (const struct part *p = m->root; p && wants_attachments(what); p = part_next(p)) {
		if (is_own_attachment(p) && !message_has(m, p))
			return false;
	}
	return true;
}

/* Makes the note. False: something is missing still (*e: ERR_OK), or it cannot be done. */
static bool
make_note(struct compose *x, struct error *e)
{
	struct ui *ui = x->view.ui;
	struct message m;
	struct str text = { 0 };
	account_id account = store_folder_account(ui_store(ui), msg_folder(x->about));
	struct arena a = { 0 };
	size_t n_mine;
	const char **mine = identity_all(ui, account, &a, &n_mine);
	bool is_made = false;

	e->code = ERR_OK;
	if (!message_read(&m, ui_store(ui), x->about)) {
		error_set(e, ERR_MSG, "this message is gone");
		goto out;
	}
	if (wants_attachments(x->wish) && partial_check(ui, &m, e) != ERR_OK)
		goto out;
	struct reply_source s = { .header = m.header, .header_len = m.header_len };
	if (!is_complete(&m, x->wish) || !readable_text(&m, ui_rc(ui)->prefer_html, &text, &s))
		goto out;
	if (!compose_begin_draft(x)) {
		e->code = ERR_CANCELLED;
		goto out;
	}
	is_made = reply_make(&x->note, kind_of(x->wish), &s, mine, n_mine, e) == ERR_OK &&
		(!wants_attachments(x->wish) || take_attachments(x, &m, e));
	x->note.about = x->note.about_flag ? x->about : 0;
	if (is_made && x->wish == CMD_OPEN)
		is_made = drafting_import(x, &m, e);
	else if (is_made)
		start(x, account);
out:
	str_clear(&text);
	message_clear(&m);
	free(mine);
	arena_clear(&a);
	return is_made;
}

static void
fetch(struct compose *x)
{
	struct job job = { .kind = JOB_FETCH, .msg = x->about, .folder = msg_folder(x->about),
		.account = store_folder_account(ui_store(x->view.ui), msg_folder(x->about)) };

	if (!wants_attachments(x->wish))
		snprintf(job.section, sizeof job.section, "TEXT*");
	x->job = ui_submit(x->view.ui, &job, "fetching the message");
}

void
compose_fill(struct compose *x)
{
	struct ui *ui = x->view.ui;
	struct error e;

	if (!make_note(x, &e)) {
		if (e.code == ERR_OK)
			error_set(&e, ERR_MSG, "this message could not be read as a whole");
		ui_error(ui, &e);
		ui_pop(ui, &x->view);
		return;
	}
	compose_begun(x, x->wish != CMD_OPEN);
}

void
writing_about(struct ui *ui, enum command_id what, msg_id id)
{
	struct compose *x = compose_new(ui);
	struct error e;

	x->wish = what;
	x->about = id;
	if (make_note(x, &e)) {
		x->wish = 0;
		x->edits_next = what != CMD_OPEN;
		ui_push(ui, &x->view);
	} else if (e.code == ERR_OK) {
		fetch(x);
		ui_push(ui, &x->view);
	} else {
		ui_error(ui, &e);
		x->view.ops->close(&x->view);
	}
}

/* What the command is about: the tagged ones, or the one. Owned. */
static msg_id *
targets(const struct call *c, msg_id id, const struct list *l, size_t *n)
{
	if (c->on_tagged && l)
		return list_targets(l, true, n);
	msg_id *one = xcalloc(1, sizeof *one);
	*one = id;
	*n = id != 0;
	return one;
}

static bool
is_about_mail(enum command_id id)
{
	switch (id) {
	case CMD_REPLY: case CMD_REPLY_ALL: case CMD_REPLY_LIST: case CMD_FORWARD: case CMD_EDIT_AS_NEW:
	case CMD_BOUNCE: case CMD_FORWARD_ATTACHED: case CMD_ALIAS: case CMD_ATTACH_HERE:
		return true;
	default:
		return false;
	}
}

bool
writing_command(struct view *v, const struct call *c, msg_id id, const struct list *l)
{
	struct ui *ui = v->ui;
	size_t n;

	if (c->cmd->id == CMD_UNALIAS) {
		recipients_unname(ui, c->arg);
		return true;
	}
	if (!is_about_mail(c->cmd->id))
		return false;
	msg_id *ids = targets(c, id, l, &n);
	if (n == 0)
		ui_status(ui, c->on_tagged ? "nothing is tagged: t tags a message" : "no message here");
	else if (c->cmd->id == CMD_BOUNCE)
		resend_ask(ui, v, ids, n, c->arg);
	else if (c->cmd->id == CMD_FORWARD_ATTACHED || (c->cmd->id == CMD_FORWARD && n > 1))
		forward_whole(ui, ids, n);
	else if (c->cmd->id == CMD_ATTACH_HERE)
		forward_to_draft(ui, ids, n);
	else if (n > 1)
		ui_status(ui, "one message at a time");
	else if (c->cmd->id == CMD_ALIAS)
		recipients_name(ui, v, ids[0]);
	else
		writing_about(ui, c->cmd->id, ids[0]);
	free(ids);
	return true;
}
