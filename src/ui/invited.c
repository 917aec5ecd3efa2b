/* invited.c - `gi`: an answer to the invitation that is read.
 *
 * Nothing is sent by itself: the answer stands in the compose view, from the address that was
 * invited, and goes out, can be held back and taken back as any other mail. */
#include <stdlib.h>

#include "identity.h"
#include "invitation.h"
#include "pager_impl.h"
#include "writing.h"

/* The text of the calendar part that is shown. False, and told: there is none here. */
static bool
calendar_text(struct pager *p, struct str *out)
{
	const struct opened *inside = opened_content(p->opened);
	const struct part *parts[50], *calendar = NULL;
	struct message m = p->message;

	if (inside) {
		m.parsed = inside->m;
		m.root = mime_root(inside->m);
	}
	size_t n = m.root ? part_readable(m.root, p->is_html, parts, LEN(parts)) : 0;
	for (size_t i = 0; i < n && !calendar; i++)
		calendar = part_is_calendar(parts[i]) ? parts[i] : NULL;
	if (calendar && message_text(&m, calendar, out))
		return true;
	ui_status(p->view.ui, calendar || !m.root ? "this message is not here yet"
		: "there is no invitation in this message");
	return false;
}

/* What is asked about, read anew for the answer: the message may have been laid out anew. */
struct asked {
	struct arena arena;
	struct str text;
	const char **mine;
	size_t n_mine;
	struct invitation i;
};

static bool
read_invitation(struct pager *p, struct asked *q)
{
	struct ui *ui = p->view.ui;
	struct error e;

	*q = (struct asked){ 0 };
	q->mine = identity_all(ui, store_folder_account(ui_store(ui), msg_folder(p->id)),
		&q->arena, &q->n_mine);
	if (!calendar_text(p, &q->text))
		return false;
	if (invitation_read(&q->i, &q->arena, str_get(&q->text), q->text.len, q->mine,
	    q->n_mine, &e) == ERR_OK)
		return true;
	ui_error(ui, &e);
	return false;
}

static void
forget(struct asked *q)
{
	free(q->mine);
	str_clear(&q->text);
	arena_clear(&q->arena);
}

/* From the address that was invited; else the one that the message came to. Owned. */
static char *
sender(struct pager *p, const struct asked *q)
{
	if (*q->i.invited)
		return xstrdup(q->mine[q->i.mine]);
	return identity_of_message(p->view.ui, p->id, p->message.header,
		p->message.header_len);
}

static void
write_answer(struct pager *p, const struct asked *q, enum invitation_answer answer)
{
	struct ui *ui = p->view.ui;
	char *from = sender(p, q);
	const struct address *v;
	struct arena a = { 0 };
	const char *who = *q->i.invited ? q->i.invited
		: from && mime_addresses(&a, &v, from) > 0 ? v[0].addr : NULL;
	struct note note = { .from = from, .about = p->id, .about_flag = MSG_ANSWERED };
	struct str calendar = { 0 };

	note_set(&note.to, q->i.organizer);
	note.subject = xasprintf("%s: %s", invitation_word(answer),
		*q->i.summary ? q->i.summary : p->message.m.subject);
	note_set(&note.in_reply_to, p->message.m.message_id);
	note_set(&note.references, p->message.m.message_id);
	str_printf(&note.text, "%s\n", note.subject);
	if (who) {
		invitation_write(&calendar, str_get(&q->text), q->text.len, who, answer,
			ui_now(ui));
		writing_prepared(ui, &note, "answer.ics", INVITATION_ANSWER_TYPE, &calendar);
		if (ui_top(ui)->ops->bit == V_COMPOSE)
			ui_status(ui, "y sends your answer; q throws it away");
	} else {
		ui_status(ui, "there is no address to answer from");
	}
	str_clear(&calendar);
	note_clear(&note);
	arena_clear(&a);
}

static void
chosen(void *ctx, char answer)
{
	struct pager *p = ctx;
	struct asked q;

	if (read_invitation(p, &q))
		write_answer(p, &q, answer == 'a' ? INVITATION_ACCEPTED
			: answer == 'd' ? INVITATION_DECLINED : INVITATION_TENTATIVE);
	forget(&q);
}

void
invitation_ask(struct pager *p)
{
	struct asked q;

	if (read_invitation(p, &q)) {
		char *question = xasprintf("%s: a accept, m maybe, d decline?",
			*q.i.summary ? q.i.summary : "Invitation");
		ui_choose(p->view.ui, &p->view, question, "amd", chosen, p);
		free(question);
	}
	forget(&q);
}
