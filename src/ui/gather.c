/* gather.c - see gather.h. Taking a message of some 50 MB apart, and its attachments out of
 * it, takes a second: that is a task's work, and so all of it is done with what the task was
 * given, and put into the draft when it has ended. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "gather.h"
#include "identity.h"
#include "message.h"
#include "opening.h"
#include "partial.h"
#include "work.h"

enum { MAX_TEXT_PARTS = 50, HTML_COLUMNS = 76 };

struct gathering {
	struct work work;
	msg_id about;
	enum command_id what;
	enum reply_kind kind;
	bool prefer_html;
	const char *attribution;	/* of the mailrc; NULL: not set */
	struct arena arena;		/* of mine */
	const char **mine;
	size_t n_mine;
	char *data_dir;
	draft_id id;
	int lock;			/* of the draft, held to the end */
	struct note note;
	struct gathered out;
	void (*then)(struct compose *x, const struct gathered *g);
};

bool
gather_attachments(enum command_id what)
{
	return what == CMD_FORWARD || what == CMD_EDIT_AS_NEW || what == CMD_OPEN;
}

/* ---- what is there ---- */

static bool
is_in_message(const struct part *p)
{
	for (p = p->parent; p; p = p->parent) {
		if (part_is_message(p))
			return true;
	}
	return false;
}

/* What an attached message has attached goes along in it, and not a second time. */
static bool
is_own_attachment(const struct part *p)
{
	return part_is_attachment(p) && !is_in_message(p);
}

/* All of it is encrypted, or inside of its signature: the text is had of the whole alone. */
static bool
is_sealed(const struct part *root)
{
	struct seal v[SEAL_MAX];
	bool is_more, is = false;
	size_t n = root ? seal_find(v, root, &is_more) : 0;

	for (size_t i = 0; i < n; i++)
		is |= v[i].is_whole && v[i].kind != SEAL_SIGNED;
	return is;
}

static bool
has_all(const struct message *m, enum command_id what, bool prefer_html)
{
	const struct part *parts[MAX_TEXT_PARTS];
	bool has = m->header && m->root && (m->parsed || !is_sealed(m->root));
	size_t n = m->root ? part_texts(m->root, prefer_html, parts, MAX_TEXT_PARTS) : 0;

	for (size_t i = 0; i < n && has; i++)
		has = message_has(m, parts[i]);
	for (const struct part *p = m->root; p && has && gather_attachments(what);
	    p = part_next(p))
		has = !is_own_attachment(p) || message_has(m, p);
	return has;
}

bool
gather_is_here(struct ui *ui, msg_id id, enum command_id what)
{
	const struct store *s = ui_store(ui);
	struct message m;

	if (store_has_body(s, id, "", NULL))
		return true;
	bool is_here = !message_read(&m, s, id) || has_all(&m, what, ui_rc(ui)->prefer_html);
	message_clear(&m);
	return is_here;
}

bool
gather_needs_whole(struct ui *ui, msg_id id)
{
	struct message m;
	bool needs = message_read(&m, ui_store(ui), id) && is_sealed(m.root);

	message_clear(&m);
	return needs;
}

/* Something in it is neither plain text nor an attachment: it will not
 * be in what is stored next. */
static bool
is_richer(const struct message *m)
{
	for (const struct part *p = m->root; p; p = part_next(p)) {
		if (message_is_leaf(p) && !is_in_message(p) && !part_is_attachment(p) &&
			!str_eq(p->type, "text/plain"))
			return true;
	}
	return false;
}

/* ---- in the task's thread ---- */

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
readable_text(const struct message *m, bool prefer_html, struct str *out,
	struct reply_source *s)
{
	const struct part *parts[MAX_TEXT_PARTS];
	size_t n = part_texts(m->root, prefer_html, parts, MAX_TEXT_PARTS);
	bool is_here = true;

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

static enum err
take_attachments(struct gathering *g, const struct message *m, struct error *e)
{
	uint64_t done = 0, total = 0;
	enum err r = ERR_OK;

	for (const struct part *p = m->root; p; p = part_next(p))
		total += is_own_attachment(p) ? message_part_size(p) : 0;
	for (const struct part *p = m->root; p && r == ERR_OK; p = part_next(p)) {
		struct str bytes = { 0 };
		if (!is_own_attachment(p))
			continue;
		if ((r = task_step(&g->work.task, done, total, e)) == ERR_OK)
			r = message_decode(m, p, &bytes)
				? draft_attach(g->data_dir, g->id, &g->note, p->filename,
				p->type, str_get(&bytes), bytes.len, e)
				: error_set(e, ERR_MSG,
				"an attachment of it could not be read");
		done += message_part_size(p);
		str_clear(&bytes);
	}
	return r;
}

static enum err
fill(struct gathering *g, const struct message *m, struct error *e)
{
	struct reply_source s = { .header = m->header, .header_len = m->header_len,
		.attribution = g->attribution };
	struct str text = { 0 };
	enum err r = ERR_OK;

	if (!readable_text(m, g->prefer_html, &text, &s))
		r = error_set(e, ERR_MSG, "this message could not be read as a whole");
	else if ((r = reply_make(&g->note, g->kind, &s, g->mine, g->n_mine, e)) == ERR_OK &&
	    gather_attachments(g->what))
		r = take_attachments(g, m, e);
	str_clear(&text);
	g->out.message_id = xstrdup(m->m.message_id);
	g->out.is_richer = is_richer(m);
	return r;
}

/* Of what was encrypted: opened as far as nobody is to be asked. */
static enum err
fill_sealed(struct gathering *g, const struct message *m, struct error *e)
{
	struct gnupg_how how = { .go_on = opening_go_on, .ctx = g };
	size_t n;
	char *raw = store_body_read(m->store, g->about, "", SEAL_MAX_BYTES, &n);
	struct opened *o = NULL;
	struct message inner = { 0 };
	enum err r = raw ? gnupg_open(&o, raw, n, &how, e)
		: error_set(e, ERR_MSG, "this message could not be read as a whole");
	const struct opened *content = opened_content(o);

	if (content) {
		struct str bytes = { 0 };
		const char *p = mime_bytes(content->m, &n);
		str_add(&bytes, p, n);
		message_of_copy(&inner, &bytes);
		str_wipe(&bytes);
		inner.m = m->m;
		inner.header = m->header;
		inner.header_len = m->header_len;
		r = fill(g, &inner, e);
		g->note.seal |= content->is_secret ? NOTE_SECRET | NOTE_ENCRYPT : 0;
	} else if (r == ERR_OK) {
		r = fill(g, m, e);
		g->note.seal |= NOTE_ENCRYPT;
		g->out.is_locked = true;
	}
	message_clear(&inner);
	opened_free(o);
	free(raw);
	return r;
}

static enum err
run(struct task *t, struct error *e)
{
	struct gathering *g = (struct gathering *)t;
	struct message m;
	enum err r;

	if (!message_read(&m, t->store, g->about))
		r = error_set(e, ERR_MSG, "this message is gone");
	else if (is_sealed(m.root) && !(m.m.flags & MSG_HEADER_ONLY))
		r = fill_sealed(g, &m, e);
	else if (!has_all(&m, g->what, g->prefer_html) && !message_map(&m))
		r = error_set(e, ERR_MSG, "this message could not be read as a whole");
	else
		r = fill(g, &m, e);
	message_clear(&m);
	return r;
}

/* ---- around it ---- */

static void
gathering_free(struct gathering *g)
{
	if (g->lock >= 0)
		close(g->lock);
	free(g->mine);
	arena_clear(&g->arena);
	free(g->data_dir);
	free(g->out.message_id);
	note_clear(&g->note);
	free(g);
}

static void
done(struct work *w, const struct error *e)
{
	struct gathering *g = (struct gathering *)w;
	struct compose *x = (struct compose *)w->owner;

	if (x)
		x->n_works--;
	if (!x) {
		drafting_left(g->data_dir, g->id);
	} else if (e->code != ERR_OK) {
		if (e->code == ERR_CANCELLED)
			ui_status(w->ui, "stopped");
		ui_pop(w->ui, &x->view);
	} else {
		note_clear(&x->note);
		x->note = g->note;
		g->note = (struct note){ 0 };
		g->then(x, &g->out);
	}
	gathering_free(g);
}

void
gather_begin(struct compose *x, enum reply_kind kind, void (*then)(struct compose *x,
	const struct gathered *g))
{
	struct ui *ui = x->view.ui;
	struct gathering *g = xcalloc(1, sizeof *g);
	account_id account = store_folder_account(ui_store(ui), msg_folder(x->about));
	uint64_t size = 0;
	struct msg m;

	g->work.task.run = run;
	g->work.done = done;
	g->about = x->about;
	g->what = x->wish;
	g->kind = kind;
	g->prefer_html = ui_rc(ui)->prefer_html;
	g->attribution = ui_rc(ui)->attribution;
	g->mine = identity_all(ui, account, &g->arena, &g->n_mine);
	g->data_dir = xstrdup(ui_data_dir(ui));
	g->id = x->id;
	g->lock = fcntl(x->lock.fd, F_DUPFD_CLOEXEC, 0);
	g->then = then;
	if (store_msg(ui_store(ui), x->about, &g->arena, &m))
		size = m.size_bytes;
	g->work.task.waits_for_person = gather_needs_whole(ui, x->about);
	x->n_works++;
	work_begin(ui, &x->view, &g->work, size, "taking the message apart");
}
