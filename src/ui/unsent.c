/* unsent.c - from a mail in the outbox back to a draft.
 *
 * A mail that was written here has one still; of one that came from a command line a draft
 * is made of its bytes. Who got the mail already is not written to again. The order is
 * hold, draft, remove, open: so that it surely does not go out meanwhile, and is there
 * whatever is killed in between. */
#include <stdlib.h>
#include <string.h>

#include "identity.h"
#include "message.h"
#include "outbox.h"
#include "reply.h"
#include "seal.h"
#include "store_outbox.h"
#include "utf8.h"
#include "writing.h"

enum { HTML_COLUMNS = 76 };

/* ---- to whom ---- */

static size_t
count(const struct outbox_mail *m, enum outbox_rcpt_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_rcpts; i++)
		n += m->rcpts[i].state == state;
	return n;
}

/* Of a mail that is sent, those who were refused; else all who did not get it. Owned. */
static char *
left_out(const struct outbox_mail *m)
{
	struct str to = { 0 };

	for (size_t i = 0; i < m->n_rcpts; i++) {
		enum outbox_rcpt_state s = m->rcpts[i].state;
		if (m->state == OUTBOX_SENT ? s == RCPT_REFUSED : s != RCPT_SENT)
			str_printf(&to, "%s%s", to.len ? ", " : "", m->rcpts[i].addr);
	}
	return str_take(&to);
}

static bool
has_address(const char *list, const char *addr)
{
	struct arena a = { 0 };
	const struct address *v;
	size_t n = list ? mime_addresses(&a, &v, list) : 0;
	bool has = false;

	for (size_t i = 0; i < n; i++)
		has = has || str_ieq(v[i].addr, addr);
	arena_clear(&a);
	return has;
}

/* Those in the envelope whom the header does not name. */
static void
add_bcc(struct note *n, const struct outbox_mail *m)
{
	struct str bcc = { 0 };

	for (size_t i = 0; i < m->n_rcpts; i++) {
		if (!has_address(n->to, m->rcpts[i].addr) &&
		    !has_address(n->cc, m->rcpts[i].addr))
			str_printf(&bcc, "%s%s", bcc.len ? ", " : "", m->rcpts[i].addr);
	}
	note_set(&n->bcc, str_get(&bcc));
	str_clear(&bcc);
}

static void
narrow(struct note *n, const struct outbox_mail *m)
{
	char *to = left_out(m);

	note_set(&n->to, to);
	note_set(&n->cc, NULL);
	note_set(&n->bcc, NULL);
	free(to);
}

/* ---- a draft of its bytes ---- */

static void
add_text(struct ui *ui, struct str *out, const struct message *m, struct reply_source *s)
{
	const struct part *parts[50];
	size_t n_parts = part_texts(m->root, ui_rc(ui)->prefer_html, parts, LEN(parts));

	for (size_t i = 0; i < n_parts; i++) {
		struct str text = { 0 };
		struct lines l = { 0 };
		message_text(m, parts[i], &text);
		if (str_eq(parts[i]->type, "text/html")) {
			mime_render(&l, parts[i], str_get(&text), text.len, HTML_COLUMNS);
			for (size_t k = 0; k < l.n; k++)
				str_printf(out, "%s\n", l.v[k].text);
		} else {
			str_add(out, str_get(&text), text.len);
		}
		lines_clear(&l);
		str_clear(&text);
	}
	s->is_flowed = n_parts == 1 && str_ieq(parts[0]->format, "flowed");
	s->delsp = n_parts == 1 && str_ieq(parts[0]->delsp, "yes");
	s->text = str_get(out);
	s->text_len = out->len;
}

/* The identity whose address the mail is from; else what reply_make found. */
static void
set_from(struct ui *ui, struct note *n, const struct outbox_mail *mail)
{
	struct arena a = { 0 };
	size_t n_mine;
	const char **mine = identity_all(ui, mail->account, &a, &n_mine);

	for (size_t i = n_mine; i-- > 0;) {
		if (has_address(mine[i], mail->sender))
			note_set(&n->from, mine[i]);
	}
	free(mine);
	arena_clear(&a);
}

/* Addresses are taken apart and written anew: decoded, a comma within a name would end it. */
static enum err
set_header_and_text(struct ui *ui, struct note *n, const struct outbox_mail *mail,
	const struct message *m, struct error *e)
{
	struct reply_source s = { .header = m->header, .header_len = m->header_len };
	struct arena a = { 0 };
	struct str text = { 0 };
	struct msg sum = { 0 };

	add_text(ui, &text, m, &s);
	enum err r = reply_make(n, REPLY_EDIT, &s, &mail->sender, 1, e);
	mime_summary(&a, &sum, m->header, m->header_len);
	note_set(&n->in_reply_to, sum.in_reply_to);
	note_set(&n->references, sum.references);
	set_from(ui, n, mail);
	arena_clear(&a);
	str_clear(&text);
	return r;
}

static enum err
set_files(struct ui *ui, draft_id id, struct note *n, const struct message *m, struct error *e)
{
	enum err r = ERR_OK;

	for (const struct part *p = m->root; p && r == ERR_OK; p = part_next(p)) {
		struct str bytes = { 0 };
		bool is_inside = p->parent && part_is_message(p->parent);
		if (part_is_attachment(p) && !is_inside)
			r = message_decode(m, p, &bytes)
				? draft_attach(ui_data_dir(ui), id, n, p->filename, p->type,
				str_get(&bytes), bytes.len, e)
				: error_set(e, ERR_MSG, "an attachment of it cannot be read");
		str_clear(&bytes);
	}
	return r;
}

static enum err
make_note(struct ui *ui, draft_id id, struct note *n, const struct outbox_mail *mail,
	struct error *e)
{
	struct message m;
	size_t len;
	char *bytes = store_outbox_bytes(ui_store(ui), mail->id, &len);
	bool is_encrypted;
	enum err r;

	if (!message_of_bytes(&m, bytes, len))
		r = error_set(e, ERR_MSG, "the message cannot be read");
	else if (str_starts(m.header, "Resent-"))
		r = error_set(e, ERR_MSG,
			"a message that is sent on as it is cannot be edited: remove it");
	else if (seal_has(m.root, &is_encrypted) && is_encrypted)
		r = error_set(e, ERR_MSG,
			"what is encrypted cannot be edited without its draft: write it anew");
	else if ((r = set_header_and_text(ui, n, mail, &m, e)) == ERR_OK) {
		add_bcc(n, mail);
		r = set_files(ui, id, n, &m, e);
	}
	message_clear(&m);
	return r;
}

/* It names the mail, as one from which the mail was made; not the mail that stays. */
static enum err
make_draft(struct ui *ui, const struct outbox_mail *mail, draft_id *id, struct error *e)
{
	struct draft_lock lock = { .fd = -1 };
	struct note n = { 0 };
	enum err r = draft_new(ui_data_dir(ui), id, &lock, e);

	if (r != ERR_OK)
		return r;
	if ((r = make_note(ui, *id, &n, mail, e)) == ERR_OK) {
		if (count(mail, RCPT_SENT) > 0)
			narrow(&n, mail);
		if (mail->state != OUTBOX_SENT)
			note_set(&n.message_id, mail->message_id);
		r = draft_save(ui_data_dir(ui), *id, &n, e);
	}
	if (r != ERR_OK)
		draft_remove(ui_data_dir(ui), *id, NULL);
	draft_release(&lock);
	note_clear(&n);
	return r;
}

/* The draft it was made from, to those who did not get it. */
static enum err
narrow_draft(struct ui *ui, const struct outbox_mail *mail, draft_id id, struct error *e)
{
	const char *dir = ui_data_dir(ui);
	struct draft_lock lock = { .fd = -1 };
	struct note n = { 0 };
	enum err r = draft_take(dir, id, &lock, e);

	if (r == ERR_OK && (r = draft_load(dir, id, &n, e)) == ERR_OK) {
		narrow(&n, mail);
		r = draft_save(dir, id, &n, e);
	}
	draft_release(&lock);
	note_clear(&n);
	return r;
}

/* ---- all of it ---- */

static enum err
to_draft(struct ui *ui, const struct outbox_mail *mail, draft_id *id, struct error *e)
{
	bool is_made = false;
	enum err r = ERR_OK;

	if (!ui_data_dir(ui))
		return error_set(e, ERR_LOCAL, "there is no place for drafts");
	*id = mail->state == OUTBOX_SENT ? 0 : sending_draft_of(ui, mail->message_id);
	if (*id == 0) {
		is_made = true;
		r = make_draft(ui, mail, id, e);
	} else if (count(mail, RCPT_SENT) > 0) {
		r = narrow_draft(ui, mail, *id, e);
	}
	if (r != ERR_OK || mail->state == OUTBOX_SENT)
		return r;
	r = engine_outbox(ui_engine(ui), mail->id, OUTBOX_REMOVE, e);
	if (r != ERR_OK && is_made)
		draft_remove(ui_data_dir(ui), *id, NULL);
	return r;
}

void
unsent_edit(struct ui *ui, outbox_id id)
{
	struct arena a = { 0 };
	struct outbox_mail mail;
	struct error e = { 0 };
	draft_id draft = 0;
	bool is_held = false;

	if (!store_outbox_get(ui_store(ui), id, &a, &mail)) {
		ui_status(ui, "it is not in the outbox any more");
		goto out;
	}
	if (mail.state == OUTBOX_SENT && count(&mail, RCPT_REFUSED) == 0) {
		ui_status(ui, "it is sent already");
		goto out;
	}
	if (mail.state == OUTBOX_QUEUED && !mail.is_held) {
		if (engine_outbox(ui_engine(ui), id, OUTBOX_HOLD, &e) != ERR_OK)
			goto out;
		is_held = true;
	}
	if (to_draft(ui, &mail, &draft, &e) != ERR_OK) {
		if (is_held)
			engine_outbox(ui_engine(ui), id, OUTBOX_RELEASE, NULL);
		goto out;
	}
	writing_resume(ui, draft);
	if (count(&mail, RCPT_SENT) > 0)
		ui_status(ui, "this goes to those only who did not get it");
out:
	ui_error(ui, &e);
	arena_clear(&a);
}
