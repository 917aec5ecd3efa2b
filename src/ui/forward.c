/* forward.c - messages forwarded as they are, each an attachment of its own (message/rfc822).
 *
 * The view is pushed at once, waits until all of them are here, and then takes one after
 * another, since each is copied to disk. */
#include <stdlib.h>
#include <unistd.h>

#include "message.h"
#include "identity.h"
#include "reply.h"
#include "utf8.h"
#include "writing.h"

/* A name for the file of a message: its subject. Owned. */
static char *
file_name(const char *subject)
{
	char *clean = text_clean_dup(*subject ? subject : "message");
	struct str s = { 0 };

	text_column(&s, clean, 60, false);
	str_puts(&s, ".eml");
	free(clean);
	return str_take(&s);
}

static void
give_up(struct compose *x, const struct error *e)
{
	ui_error(x->view.ui, e);
	ui_pop(x->view.ui, &x->view);
}

static void
attached(struct compose *x, const struct error *e)
{
	if (e->code != ERR_OK) {
		ui_pop(x->view.ui, &x->view);	/* why is told */
		return;
	}
	ui_redraw(x->view.ui);
	if (++x->n_attached < x->bring.n)
		return;
	x->is_attaching = false;
	if (!x->is_begun)
		compose_sign(x);
	compose_begun(x, !x->is_begun);
}

static void
attach_one(struct compose *x, msg_id id)
{
	struct ui *ui = x->view.ui;
	struct arena a = { 0 };
	struct error e;
	struct msg m;
	uint64_t size;
	int fd = store_body(ui_store(ui), id, "", &size);

	if (fd >= 0 && store_msg(ui_store(ui), id, &a, &m)) {
		char *name = file_name(m.subject);
		attach_fd(x, fd, size, name, "message/rfc822", attached);
		free(name);
	} else {
		error_set(&e, ERR_MSG, "this message is gone");
		give_up(x, &e);
		if (fd >= 0)
			close(fd);
	}
	arena_clear(&a);
}

/* From, subject and thread: of one message its own; several have only
 * their number in common. */
static enum err
make_header(struct compose *x, struct error *e)
{
	struct ui *ui = x->view.ui;
	msg_id id = x->bring.ids[0];
	struct arena a = { 0 };
	size_t n_mine, len;
	const char **mine = identity_all(ui,
		store_folder_account(ui_store(ui), msg_folder(id)), &a, &n_mine);
	char *raw = message_header(ui_store(ui), id, &len);
	enum err r;

	if (raw) {
		struct reply_source s = { .header = raw, .header_len = len, .text = "" };
		r = reply_make(&x->note, REPLY_FORWARD_WHOLE, &s, mine, n_mine, e);
	} else {
		r = error_set(e, ERR_MSG, "this message is gone");
	}
	if (r == ERR_OK && x->bring.n > 1) {
		char *subject = xasprintf("Fwd: %zu messages", x->bring.n);
		note_set(&x->note.subject, subject);
		note_set(&x->note.references, NULL);
		free(subject);
	}
	if (r == ERR_OK)
		x->note.about = id;		/* all of them are marked once it is sent */
	for (size_t i = 1; r == ERR_OK && i < x->bring.n; i++)
		note_add_other(&x->note, x->bring.ids[i]);
	free(raw);
	free(mine);
	arena_clear(&a);
	return r;
}

static void
follow(struct compose *x, enum bring_state state)
{
	struct error e;

	if (state == BRING_FAILED) {
		ui_pop(x->view.ui, &x->view);
		return;
	}
	if (state != BRING_READY)
		return;
	if (!x->is_begun && make_header(x, &e) != ERR_OK)
		give_up(x, &e);
	else
		x->is_attaching = true;
	ui_redraw(x->view.ui);
}

void
forward_event(struct compose *x, const struct event *ev)
{
	follow(x, bring_event(&x->bring, x->view.ui, ev));
}

/* One of them. True: there are more. */
bool
forward_idle(struct compose *x)
{
	if (!x->is_attaching || x->n_works > 0)
		return false;
	attach_one(x, x->bring.ids[x->n_attached]);
	return x->n_works == 0;
}

void
forward_whole(struct ui *ui, const msg_id *ids, size_t n)
{
	struct compose *x = compose_new(ui);

	if (!compose_begin_new(x))
		return;
	x->wish = CMD_FORWARD_ATTACHED;
	ui_push(ui, &x->view);
	follow(x, bring_start(&x->bring, ui, ids, n));
}

void
forward_to_draft(struct ui *ui, const msg_id *ids, size_t n)
{
	bool is_there;
	struct compose *x = writing_last_draft(ui, &is_there);

	if (!x && !is_there)
		forward_whole(ui, ids, n);
	if (!x)
		return;
	x->is_begun = true;
	x->n_attached = 0;
	x->wish = CMD_FORWARD_ATTACHED;
	follow(x, bring_start(&x->bring, ui, ids, n));
}
