/* resend.c - see resend.h. A resending is the frame's, not a view's: it goes on whatever is looked at. */
#include <stdlib.h>

#include "compose.h"
#include "frame.h"
#include "bring.h"
#include "identity.h"
#include "mime.h"
#include "outbox.h"
#include "recipients.h"
#include "reply.h"
#include "resend.h"
#include "utf8.h"
#include "writing.h"

enum { SUBJECT_COLUMNS = 40 };
enum resend_state { RESEND_ASKED, RESEND_FETCHING, RESEND_SENDING };

struct resend {
	struct resend *next;
	struct ui *ui;
	enum resend_state state;
	struct bring bring;
	msg_id *ids;
	size_t n, n_sent;
	char *to;
	int64_t due;			/* of all of them */
};

static void
drop(struct resend *x)
{
	struct resend **at = &x->ui->resends;

	while (*at != x)
		at = &(*at)->next;
	*at = x->next;
	bring_clear(&x->bring);
	free(x->ids);
	free(x->to);
	free(x);
}

static void
drop_asked(struct ui *ui)
{
	for (struct resend *x = ui->resends, *next; x; x = next) {
		next = x->next;
		if (x->state == RESEND_ASKED)
			drop(x);
	}
}

/* ---- one message ---- */

/* From whom: the address of ours that it came to, as with an answer. Owned; NULL: we have none. */
static char *
sender_of(struct resend *x, msg_id id, const char *raw, size_t len)
{
	struct reply_source s = { .header = raw, .header_len = mime_header_length(raw, len), .text = "" };
	struct arena a = { 0 };
	size_t n;
	const char **mine = identity_all(x->ui, store_folder_account(ui_store(x->ui), msg_folder(id)), &a, &n);
	struct note note = { 0 };
	char *from = reply_make(&note, REPLY_FORWARD_WHOLE, &s, mine, n, NULL) == ERR_OK ? xstrdup(note.from) : NULL;

	note_clear(&note);
	free(mine);
	arena_clear(&a);
	return from;
}

static enum err
send_one(struct resend *x, msg_id id, struct error *e)
{
	struct compose_stamp stamp = outbox_stamp();
	struct letter l = { 0 };
	outbox_id out;
	size_t len;
	char *raw = store_body_read(ui_store(x->ui), id, "", COMPOSE_MAX_BYTES, &len);
	char *from = raw ? sender_of(x, id, raw, len) : NULL;
	enum err r = !raw ? error_set(e, ERR_MSG, "this message could not be read as a whole")
		: compose_resend(&l, raw, len, from ? from : "", x->to, &stamp, e);

	if (r == ERR_OK)
		r = engine_send(ui_engine(x->ui), identity_sender(x->ui, from, id), &l, x->due, &out, e);
	if (r == ERR_OK)
		sending_remember(x->ui, out, 0, x->due, x->n_sent > 0);
	free((char *)(uintptr_t)stamp.token);
	letter_clear(&l);
	free(from);
	free(raw);
	return r;
}

static void
tell_end(struct resend *x)
{
	int wait_s = ui_rc(x->ui)->undo_send_s;
	struct str s = { 0 };

	if (x->n == 1)
		str_puts(&s, "resent");
	else
		str_printf(&s, "%zu messages resent", x->n);
	if (wait_s > 0)
		ui_status(x->ui, "%s; goes out in %d s, u takes it back", str_get(&s), wait_s);
	else
		ui_status(x->ui, "%s: on its way", str_get(&s));
	str_clear(&s);
}

bool
resend_work(struct ui *ui)
{
	struct resend *x = ui->resends;
	struct error e;

	while (x && x->state != RESEND_SENDING)
		x = x->next;
	if (!x)
		return false;
	if (x->n_sent == 0)
		x->due = ui_rc(ui)->undo_send_s > 0 ? ui_now(ui) + ui_rc(ui)->undo_send_s : 0;
	if (send_one(x, x->ids[x->n_sent], &e) != ERR_OK) {
		if (x->n > 1)
			ui_notice(ui, "%zu of %zu messages resent: %s", x->n_sent, x->n, e.text);
		else
			ui_error(ui, &e);
		drop(x);
	} else if (++x->n_sent == x->n) {
		tell_end(x);
		drop(x);
	}
	ui_redraw(ui);
	return true;
}

/* ---- before ---- */

static void
follow(struct resend *x, enum bring_state state)
{
	struct ui *ui = x->ui;

	if (state == BRING_READY)
		x->state = RESEND_SENDING;
	else if (state == BRING_FAILED)
		drop(x);
	ui_redraw(ui);
}

void
resend_event(struct ui *ui, const struct event *ev)
{
	for (struct resend *x = ui->resends, *next; x; x = next) {
		next = x->next;
		enum bring_state state = x->state == RESEND_FETCHING ? bring_event(&x->bring, ui, ev) : BRING_GOING;
		if (state != BRING_GOING)
			follow(x, state);
	}
}

static void
yes(void *ctx)
{
	struct resend *x = ctx;

	x->state = RESEND_FETCHING;
	follow(x, bring_start(&x->bring, x->ui, x->ids, x->n));
}

/* Whom it goes to comes first: that is what has to be right, and a long subject must not push it away. */
static char *
question(struct resend *x)
{
	struct arena a = { 0 };
	struct str subject = { 0 };
	struct msg m;
	char *q;

	if (x->n == 1 && store_msg(ui_store(x->ui), x->ids[0], &a, &m) && *m.subject)
		text_column(&subject, m.subject, SUBJECT_COLUMNS, false);
	if (x->n > 1)
		q = xasprintf("Bounce to %s: %zu messages?", x->to, x->n);
	else
		q = xasprintf("Bounce to %s: '%s'?", x->to, subject.len ? str_get(&subject) : "(no subject)");
	str_clear(&subject);
	arena_clear(&a);
	return q;
}

void
resend_ask(struct ui *ui, struct view *owner, const msg_id *ids, size_t n, const char *to)
{
	struct error e;
	char *list = recipients_expand(ui, to);

	drop_asked(ui);
	if (!*list) {
		ui_status(ui, "to nobody: nothing was sent");
	} else if (compose_addresses("the recipients", list, &e) != ERR_OK) {
		ui_error(ui, &e);
	} else {
		struct resend *x = xcalloc(1, sizeof *x);
		*x = (struct resend){ .next = ui->resends, .ui = ui, .n = n, .to = list,
			.ids = xcalloc(n, sizeof *ids) };
		for (size_t i = 0; i < n; i++)
			x->ids[i] = ids[i];
		ui->resends = x;
		char *q = question(x);
		ui_confirm(ui, owner, q, yes, x);
		free(q);
		return;
	}
	free(list);
}

size_t
resend_waiting(const struct ui *ui)
{
	size_t n = 0;

	for (const struct resend *x = ui->resends; x; x = x->next)
		n += x->state == RESEND_ASKED ? 0 : x->n - x->n_sent;
	return n;
}

void
resend_free(struct ui *ui)
{
	while (ui->resends)
		drop(ui->resends);
}
