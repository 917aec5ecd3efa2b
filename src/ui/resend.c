/* resend.c - see resend.h. A resending is the frame's, not a view's: it goes
 * on whatever is looked at. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "compose.h"
#include "frame.h"
#include "bring.h"
#include "identity.h"
#include "message.h"
#include "outbox.h"
#include "recipients.h"
#include "resend.h"
#include "store_outbox.h"
#include "utf8.h"
#include "work.h"
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
	bool is_busy;			/* one of them is being built */
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

/* ---- one message: a task ---- */

struct resending {
	struct work work;
	struct resend *x;		/* stays until `done` */
	msg_id id;
	char *from, *to;
	account_id account;
	int64_t due;
	outbox_id out;
};

static enum err
run(struct task *t, struct error *e)
{
	struct resending *r = (struct resending *)t;
	struct compose_stamp stamp = outbox_stamp();
	struct letter l = { 0 };
	uint64_t size;
	int fd = store_body(t->store, r->id, "", &size);
	void *raw = fd >= 0 && size > 0 && size <= COMPOSE_MAX_BYTES
		? mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
	enum err rc = raw == MAP_FAILED
		? error_set(e, ERR_MSG, "this message could not be read as a whole")
		: compose_resend(&l, raw, (size_t)size, r->from, r->to, &stamp, e);

	if (raw != MAP_FAILED)
		munmap(raw, (size_t)size);
	if (fd >= 0)
		close(fd);
	if (rc == ERR_OK)
		rc = task_step(t, 0, 0, e);
	if (rc == ERR_OK)
		rc = task_send(t, r->account, &l, r->due, false, &r->out, e);
	free((char *)(uintptr_t)stamp.token);
	letter_clear(&l);
	return rc;
}

/* From whom: the address of ours that it came to, as with an answer.
 * Owned; NULL: we have none. */
static char *
sender_of(struct resend *x, msg_id id)
{
	size_t len = 0;
	char *header = message_header(ui_store(x->ui), id, &len);
	char *from = identity_of_message(x->ui, id, header ? header : "", len);

	free(header);
	return from;
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
		ui_status(x->ui, "%s; goes out in %d s; u stops it", str_get(&s), wait_s);
	else
		ui_status(x->ui, "%s: on its way", str_get(&s));
	str_clear(&s);
}

static void
done(struct work *w, const struct error *e)
{
	struct resending *r = (struct resending *)w;
	struct resend *x = r->x;
	struct ui *ui = w->ui;

	x->is_busy = false;
	if (e->code == ERR_OK) {
		sending_remember(ui, r->out, 0, x->due, x->n_sent > 0);
		if (++x->n_sent == x->n) {
			tell_end(x);
			drop(x);
		}
	} else {
		if (e->code == ERR_CANCELLED && x->n_sent == 0)
			ui_status(ui, "stopped: nothing was resent");
		else if (x->n > 1)
			ui_notice(ui, "%zu of %zu messages resent: %s", x->n_sent, x->n,
				e->text);
		drop(x);
	}
	free(r->from);
	free(r->to);
	free(r);
	ui_redraw(ui);
}

static void
begin(struct resend *x, msg_id id)
{
	struct resending *r = xcalloc(1, sizeof *r);
	uint64_t size = 0;

	store_has_body(ui_store(x->ui), id, "", &size);
	r->work.task.run = run;
	r->work.done = done;
	r->x = x;
	r->id = id;
	r->from = sender_of(x, id);
	r->account = identity_sender(x->ui, r->from, id);
	if (!r->from)
		r->from = xstrdup("");
	r->to = xstrdup(x->to);
	r->due = x->due;
	x->is_busy = true;
	work_begin(x->ui, NULL, &r->work, size, "building the message");
}

bool
resend_work(struct ui *ui)
{
	struct resend *x = ui->resends;

	while (x && (x->state != RESEND_SENDING || x->is_busy))
		x = x->next;
	if (!x)
		return false;
	if (x->n_sent == 0)
		x->due = ui_rc(ui)->undo_send_s > 0 ? ui_now(ui) + ui_rc(ui)->undo_send_s : 0;
	begin(x, x->ids[x->n_sent]);
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
		enum bring_state state = x->state == RESEND_FETCHING
			? bring_event(&x->bring, ui, ev) : BRING_GOING;
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

/* Whom it goes to comes first: that is what has to be right, and a long
 * subject must not push it away. */
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
		q = xasprintf("Bounce to %s: '%s'?", x->to,
			subject.len ? str_get(&subject) : "(no subject)");
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
