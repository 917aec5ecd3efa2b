/* opening.c - see opening.h.
 *
 * First it is tried without asking: then no stranger's mail makes a window pop up, however
 * fast somebody goes through a folder. Where the person asks for it, gpg-agent may ask her: in
 * a window of its own, or, when its pinentry says that it needs a terminal, once more with the
 * screen put aside as for an editor. */
#include <stdlib.h>
#include <unistd.h>

#include "opening.h"

struct opening {
	struct work work;
	msg_id id;
	struct gnupg_how how;
	struct opened *out;
	struct error error;
	void (*then)(struct view *owner, msg_id id, struct opened *o, const struct error *e);
};

bool
opening_go_on(void *task)
{
	return task_step(task, 0, 0, NULL) == ERR_OK;
}

static enum err
run(struct task *t, struct error *e)
{
	struct opening *o = (struct opening *)t;
	size_t n;
	char *raw = store_body_read(t->store, o->id, "", SEAL_MAX_BYTES, &n);
	enum err rc;

	if (!raw)
		return error_set(e, ERR_MSG, "signatures and encryption: the message is not "
			"here, or larger than %d MB", SEAL_MAX_BYTES >> 20);
	rc = gnupg_open(&o->out, raw, n, &o->how, e);
	free(raw);
	return rc;
}

/* On the terminal, in the UI's thread: there is no screen meanwhile. */
static void
run_aside(void *ctx)
{
	struct opening *o = ctx;

	o->how.tty = ttyname(STDIN_FILENO);
	o->how.go_on = NULL;
	opened_free(o->out);
	o->out = NULL;
	o->error = (struct error){ 0 };
	o->error.code = engine_run(ui_engine(o->work.ui), &o->work.task, &o->error);
}

static void
done(struct work *w, const struct error *e)
{
	struct opening *o = (struct opening *)w;
	struct view *owner = w->owner;

	o->error = *e;
	if (owner && o->how.asks && opened_is(o->out, SEAL_NEEDS_TERMINAL))
		ui_aside(w->ui, run_aside, o);
	if (owner)
		o->then(owner, o->id, o->out, &o->error);
	else
		opened_free(o->out);
	free(o);
}

void
opening_begin(struct ui *ui, struct view *owner, msg_id id, bool asks,
	void (*then)(struct view *owner, msg_id id, struct opened *o, const struct error *e))
{
	struct opening *o = xcalloc(1, sizeof *o);

	o->work.task.run = run;
	o->work.task.waits_for_person = true;
	o->work.done = done;
	o->work.is_quiet = true;
	o->id = id;
	o->how = (struct gnupg_how){ .asks = asks, .go_on = opening_go_on, .ctx = o,
		.timeout_ms = asks ? GNUPG_ASK_TIMEOUT_MS : 0 };
	o->then = then;
	work_begin(ui, owner, &o->work, 0,
		asks ? "decrypting; the passphrase may be asked for"
		: "checking signatures and encryption");
}
