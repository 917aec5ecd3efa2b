/* building.c - a draft becomes a message, by a task where it is large: to be looked
 * at, or to go into the outbox.
 *
 * The draft names the message's Message-ID, on disk, before the outbox gets it; the outbox has
 * it in one commit, and the draft stays until that is sent. So whatever is killed in the
 * middle leaves the draft, or the mail with its draft unseen beside it: never both, never
 * neither. Stopping is looked at for the last time right before that commit. */
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "frame.h"
#include "identity.h"
#include "mime.h"
#include "opening.h"
#include "outbox.h"
#include "preview.h"
#include "reply.h"
#include "store_outbox.h"
#include "when.h"
#include "work.h"
#include "writing.h"

struct building {
	struct work work;
	char *data_dir;
	draft_id id;
	int lock;			/* of the draft, held to the end */
	struct note note;		/* a copy */
	struct mime_msg *m;		/* the preview */
	/* sending */
	account_id account;
	int64_t now, began, when;	/* by the UI's clock; by this computer's; 0: at once */
	int undo_s;
	int64_t due;
	outbox_id out;
	struct gnupg_plan *plan;	/* NULL: as it is */
	struct gnupg_how how;
	bool needs_terminal;
	struct error error;		/* of doing it again on the terminal */
};

/* ---- in the task's thread ---- */

static enum err
run_preview(struct task *t, struct error *e)
{
	struct building *b = (struct building *)t;
	struct letter l = { 0 };
	enum err r = outbox_letter(&l, b->data_dir, b->id, &b->note, false, t, e);

	if (r == ERR_OK) {
		size_t n = l.bytes.len;
		r = mime_parse_taken(&b->m, str_take(&l.bytes), n, e);
	}
	letter_clear(&l);
	return r;
}

/* 0: at once. */
static int64_t
due_of(const struct building *b)
{
	if (b->when)
		return b->when;
	return b->undo_s > 0 ? b->now + (time(NULL) - b->began) + b->undo_s : 0;
}

/* What the outbox gets is sealed already: it is in no store in clear. */
static enum err
seal(struct building *b, struct letter *l, struct error *e)
{
	enum err r = b->plan ? gnupg_seal(&l->bytes, b->plan, &b->how, &b->needs_terminal, e)
		: ERR_OK;

	if (b->plan && r == ERR_OK)
		l->needs_8bit = false;
	return r;
}

static enum err
run_send(struct task *t, struct error *e)
{
	struct building *b = (struct building *)t;
	struct letter l = { 0 };
	enum err r = outbox_letter(&l, b->data_dir, b->id, &b->note, false, t, e);

	if (r == ERR_OK)
		r = seal(b, &l, e);
	if (r == ERR_OK) {
		note_set(&b->note.message_id, l.message_id);
		r = draft_save(b->data_dir, b->id, &b->note, e);
	}
	if (r == ERR_OK)
		r = task_step(t, 0, 0, e);
	if (r == ERR_OK) {
		b->due = due_of(b);
		r = task_send(t, b->account, &l, b->due, b->when != 0, &b->out, e);
	}
	letter_clear(&l);
	return r;
}

/* ---- around it ---- */

static void
building_free(struct building *b)
{
	if (b->lock >= 0)
		close(b->lock);
	free(b->data_dir);
	note_clear(&b->note);
	mime_free(b->m);
	gnupg_plan_free(b->plan);
	free(b);
}

/* Owned; NULL: it goes to no list that the mailrc names. */
static char *
followup_of(struct ui *ui, const struct note *note)
{
	struct arena a = { 0 };
	struct str all = { 0 };
	size_t n;
	const char **mine = identity_all(ui, 0, &a, &n);

	for (size_t i = 0; i < n; i++)
		str_printf(&all, "%s%s", i > 0 ? ", " : "", mine[i]);
	char *to = reply_followup_to(note, &(struct reply_lists){ .known = ui_rc(ui)->lists,
		.subscribed = ui_rc(ui)->subscribed, .mine = str_get(&all) });
	str_clear(&all);
	free(mine);
	arena_clear(&a);
	return to;
}

static struct building *
building_new(struct compose *x)
{
	struct ui *ui = x->view.ui;
	struct building *b = xcalloc(1, sizeof *b);

	x->note.is_flowed = ui_rc(ui)->flowed;
	note_copy(&b->note, &x->note);
	b->note.followup_to = followup_of(ui, &b->note);
	b->data_dir = xstrdup(ui_data_dir(ui));
	b->id = x->id;
	b->lock = fcntl(x->lock.fd, F_DUPFD_CLOEXEC, 0);
	return b;
}

static void
begin(struct compose *x, struct building *b, const char *what)
{
	uint64_t size = x->note.text.len;

	for (size_t i = 0; i < x->note.n_files; i++)
		size += x->note.files[i].size_bytes;
	x->n_works++;
	x->is_building = true;
	work_begin(x->view.ui, &x->view, &b->work, size, what);
}

static struct compose *
owner_of(struct work *w)
{
	struct compose *x = (struct compose *)w->owner;

	if (x) {
		x->n_works--;
		x->is_building = false;
	}
	return x;
}

/* ---- to be looked at ---- */

static void
preview_done(struct work *w, const struct error *e)
{
	struct building *b = (struct building *)w;
	struct compose *x = owner_of(w);

	if (x && e->code == ERR_OK) {
		struct view *v = preview_new(w->ui, b->m);
		b->m = NULL;
		if (ui_top(w->ui) == &x->view)
			ui_push(w->ui, v);
		else
			x->ready = v;
	} else if (x && e->code == ERR_CANCELLED) {
		ui_status(w->ui, "stopped");
	}
	building_free(b);
}

void
building_preview(struct compose *x)
{
	if (!x->note.to && !x->note.cc && !x->note.bcc) {
		ui_status(x->view.ui, "it goes to nobody yet: t asks whom");
		return;
	}
	struct building *b = building_new(x);
	b->work.task.run = run_preview;
	b->work.done = preview_done;
	begin(x, b, "building the message");
}

/* ---- to be sent ---- */

static void
mark_answered(struct ui *ui, const struct note *n)
{
	struct act act = { .kind = ACT_FLAGS, .set = n->about_flag, .is_automatic = true };
	char label[80];
	msg_id *ids = xcalloc(n->n_others + 1, sizeof *ids);

	ids[0] = n->about;
	for (size_t i = 0; i < n->n_others; i++)
		ids[i + 1] = n->others[i];
	if (n->about)
		engine_act(ui_engine(ui), &act, ids, n->n_others + 1, label, sizeof label,
			NULL);
	free(ids);
}

static void
tell_when(struct ui *ui, const struct building *b)
{
	char text[80];
	const char *how = b->plan && b->plan->n_keys > 0 ? ", encrypted"
		: b->note.seal & NOTE_TRY ? ", in clear" : "";

	if (b->when) {
		when_format(text, sizeof text, b->when, ui_now(ui));
		ui_status(ui, "goes out %s%s; u stops it, go shows it", text, how);
	} else if (b->due) {
		ui_status(ui, "goes out in %d s%s; u stops it", b->undo_s, how);
	} else {
		ui_status(ui, "on its way%s", how);
	}
}

/* It was put into the outbox, whether its view is there still or not. */
static void
sent(struct building *b, struct compose *x)
{
	struct ui *ui = b->work.ui;

	if (b->note.account)
		/* its copy leaves Drafts */
		engine_draft_saved(ui_engine(ui), b->note.account, true);
	mark_answered(ui, &b->note);
	sending_remember(ui, b->out, b->id, b->due, false);
	tell_when(ui, b);
	if (x && ui_top(ui) == &x->view)
		ui_pop(ui, &x->view);
	else if (x)
		x->is_sent = true;
}

/* On the terminal, in the UI's thread: there is no screen meanwhile. */
static void
send_aside(void *ctx)
{
	struct building *b = ctx;

	b->how.tty = ttyname(STDIN_FILENO);
	b->how.go_on = NULL;
	b->error = (struct error){ 0 };
	b->error.code = engine_run(ui_engine(b->work.ui), &b->work.task, &b->error);
}

static void
send_done(struct work *w, const struct error *e)
{
	struct building *b = (struct building *)w;
	struct compose *x = owner_of(w);

	if (x && b->needs_terminal && e->code == ERR_MSG) {
		ui_aside(w->ui, send_aside, b);
		e = &b->error;
		ui_error(w->ui, e);
	}
	if (e->code == ERR_OK) {
		sent(b, x);
	} else if (x) {
		compose_save(x);		/* without the Message-ID */
		if (e->code == ERR_CANCELLED)
			ui_status(w->ui, "stopped: it was not sent");
	}
	building_free(b);
}

void
building_send(struct compose *x)
{
	struct ui *ui = x->view.ui;
	struct error e;

	if (x->when && x->when <= ui_now(ui)) {
		error_set(&e, ERR_MSG, "that time is past by now");
		ui_error(ui, &e);
		return;
	}
	note_set(&x->note.message_id, NULL);
	drafting_name(x);
	struct building *b = building_new(x);
	b->work.task.run = run_send;
	b->work.done = send_done;
	b->account = sending_account(x);
	b->now = ui_now(ui);
	b->began = time(NULL);
	b->when = x->when;
	b->undo_s = ui_rc(ui)->undo_send_s;
	b->plan = x->plan;
	x->plan = NULL;
	b->how = (struct gnupg_how){ .asks = true, .go_on = opening_go_on, .ctx = b,
		.timeout_ms = GNUPG_ASK_TIMEOUT_MS };
	b->work.task.waits_for_person = b->plan != NULL;
	begin(x, b, "building the message");
}
