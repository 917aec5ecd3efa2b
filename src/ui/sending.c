/* sending.c - what is asked before a draft is sent, and how it comes
 * back; building.c is between.
 *
 * The draft stays until its mail is sent: so taking back opens it again, and a draft whose
 * mail is in the outbox is not offered as one that was not sent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compose.h"
#include "forgotten.h"
#include "frame.h"
#include "identity.h"
#include "mime.h"
#include "outbox.h"
#include "sealing.h"
#include "store_outbox.h"
#include "utf8.h"
#include "when.h"
#include "writing.h"

enum { OUTBOX_LOOK = 2000 };

account_id
sending_account(struct compose *x)
{
	return identity_sender(x->view.ui, x->note.from, x->note.about);
}

/* ---- what is asked before ---- */

static void
send_as_it_is(void *ctx)
{
	sealing_send(ctx);
}

static void
send_without_subject(void *ctx)
{
	struct compose *x = ctx;

	if (x->note.n_files == 0 && forgotten_attachment(str_get(&x->note.text)))
		ui_confirm(x->view.ui, &x->view,
			"The text speaks of an attachment, and there is none. Send?",
			send_as_it_is, x);
	else
		sealing_send(x);
}

static void ask_and_send(struct compose *x);

static void
send_the_secret(void *ctx)
{
	struct compose *x = ctx;

	x->clear_is_meant = true;
	ask_and_send(x);
}

static void
ask_and_send(struct compose *x)
{
	bool is_clear = (x->note.seal & (NOTE_SECRET | NOTE_ENCRYPT)) == NOTE_SECRET;

	if (is_clear && !x->clear_is_meant)
		ui_confirm(x->view.ui, &x->view,
			"It quotes what came encrypted, and goes out in clear. Send?",
			send_the_secret, x);
	else if (!x->note.to && !x->note.cc && !x->note.bcc)
		ui_status(x->view.ui, "it goes to nobody yet: t asks whom");
	else if (!x->note.subject)
		ui_confirm(x->view.ui, &x->view, "There is no subject. Send?",
			send_without_subject, x);
	else
		send_without_subject(x);
}

void
sending_send(struct compose *x)
{
	x->when = 0;
	x->clear_is_meant = false;
	ask_and_send(x);
}

static void
send_then(void *ctx)
{
	ask_and_send(ctx);
}

void
sending_send_at(struct compose *x, const char *text)
{
	struct ui *ui = x->view.ui;
	char shown[80], question[120];
	struct error e;

	if (when_parse(&x->when, text, ui_now(ui), &e) != ERR_OK) {
		ui_status(ui, "%s", e.text);
		return;
	}
	x->clear_is_meant = false;
	when_format(shown, sizeof shown, x->when, ui_now(ui));
	snprintf(question, sizeof question, "Send %s?", shown);
	ui_confirm(ui, &x->view, question, send_then, x);
}

/* ---- back again ---- */

void
sending_remember(struct ui *ui, outbox_id id, uint32_t draft, int64_t until, bool one_more)
{
	if (!one_more)
		ui->sent.n = 0;
	ui->sent.ids = array_grow(ui->sent.ids, ui->sent.n, &ui->sent.cap,
		sizeof *ui->sent.ids);
	ui->sent.ids[ui->sent.n++] = id;
	ui->sent.draft = draft;
	ui->sent.until = until;
	ui->sent.acts_since = 0;
	drafting_acted(ui, 1);
}

bool
sending_take_back(struct ui *ui)
{
	size_t n = ui->sent.n, n_back = 0;
	struct error e = { 0 };

	if (n == 0 || ui->sent.acts_since > 0 || ui_now(ui) >= ui->sent.until)
		return false;
	ui->sent.n = 0;
	drafting_acted(ui, -1);
	/* Held it surely was not begun, and will not be. */
	for (size_t i = 0; i < n; i++) {
		n_back += engine_outbox(ui->engine, ui->sent.ids[i], OUTBOX_HOLD,
			&e) == ERR_OK && engine_outbox(ui->engine, ui->sent.ids[i],
			OUTBOX_REMOVE, &e) == ERR_OK;
	}
	if (n_back < n && n_back > 0) {
		ui_notice(ui, "%zu of %zu messages taken back: %s", n_back, n, e.text);
	} else if (n_back == 0) {
		ui_error(ui, &e);
	} else {
		if (ui->sent.draft)
			writing_resume(ui, ui->sent.draft);
		ui_status(ui,
			n == 1
			? "taken back: it was not sent" : "taken back: none of them was sent");
	}
	return true;
}

/* ---- drafts and the outbox ---- */

static const struct outbox_mail *
find_mail(const struct outbox_mail *v, size_t n, const char *message_id)
{
	for (size_t i = 0; *message_id && i < n; i++) {
		if (str_eq(v[i].message_id, message_id))
			return &v[i];
	}
	return NULL;
}

draft_id
sending_draft_of(struct ui *ui, const char *message_id)
{
	struct draft_info *v = NULL;
	size_t n = ui_data_dir(ui) ? draft_list(ui_data_dir(ui), &v) : 0;
	draft_id id = 0;

	for (size_t i = 0; *message_id && i < n; i++) {
		if (str_eq(v[i].message_id, message_id))
			id = v[i].id;
	}
	draft_list_free(v, n);
	return id;
}

size_t
sending_drafts(struct ui *ui, struct draft_info **out)
{
	struct arena a = { 0 };
	struct outbox_mail *mails;
	size_t n_mails = store_outbox(ui_store(ui), 0, OUTBOX_LOOK, &a, &mails);
	size_t n, kept = 0;

	*out = NULL;
	n = ui_data_dir(ui) ? draft_list(ui_data_dir(ui), out) : 0;
	for (size_t i = 0; i < n; i++) {
		struct draft_info *d = &(*out)[i];
		if (!find_mail(mails, n_mails, d->message_id)) {
			(*out)[kept++] = *d;
			continue;
		}
		draft_info_clear(d);
	}
	arena_clear(&a);
	return kept;
}

/* A draft to those who were refused; *is_needed: there are some. */
static enum err
save_refused(const char *dir, draft_id id, const struct outbox_mail *m, bool *is_needed)
{
	struct str to = { 0 };
	struct note n = { 0 };
	enum err r = ERR_OK;

	for (size_t i = 0; i < m->n_rcpts; i++) {
		if (m->rcpts[i].state == RCPT_REFUSED)
			str_printf(&to, "%s%s", to.len ? ", " : "", m->rcpts[i].addr);
	}
	*is_needed = to.len > 0;
	if (to.len > 0 && (r = draft_load(dir, id, &n, NULL)) == ERR_OK) {
		note_set(&n.to, str_get(&to));
		note_set(&n.cc, NULL);
		note_set(&n.bcc, NULL);
		note_set(&n.message_id, NULL);
		n.about = 0;
		r = draft_save(dir, id, &n, NULL);
		note_clear(&n);
	}
	str_clear(&to);
	return r;
}

static void
tidy_one(struct ui *ui, draft_id id, outbox_id mail)
{
	const char *dir = ui_data_dir(ui);
	struct arena a = { 0 };
	struct outbox_mail m;
	struct draft_lock lock;
	bool is_needed = false;

	if (draft_take(dir, id, &lock, NULL) == ERR_OK &&
	    store_outbox_get(ui_store(ui), mail, &a, &m)
		&& save_refused(dir, id, &m, &is_needed) == ERR_OK) {
		if (is_needed)
			ui_notice(ui,
				"some recipients were refused: there is a draft to them (gd)");
		else
			writing_remove_draft(ui, id, false, NULL);
	}
	draft_release(&lock);
	arena_clear(&a);
}

void
sending_tidy(struct ui *ui)
{
	struct arena a = { 0 };
	struct outbox_mail *mails;
	size_t n_mails = store_outbox(ui_store(ui), 0, OUTBOX_LOOK, &a, &mails);
	struct draft_info *v = NULL;
	size_t n = ui_data_dir(ui) ? draft_list(ui_data_dir(ui), &v) : 0;

	for (size_t i = 0; i < n; i++) {
		const struct outbox_mail *m = find_mail(mails, n_mails, v[i].message_id);
		if (m && m->state == OUTBOX_SENT)
			tidy_one(ui, v[i].id, m->id);
	}
	draft_list_free(v, n);
	arena_clear(&a);
}
