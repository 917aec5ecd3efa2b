/* find.c - a search over all folders of all accounts.
 *
 * Where a person means "everywhere": Junk and Trash only where the query names them with in:,
 * what repeats other folders (Gmail's All Mail) only for what is nowhere else, and flagged
 * mail's own folder never, unless it is named. The account one came from is asked first for
 * texts. Folders that were never read from their server are not silently left out: they are
 * counted, and sync reads them; mailbox files are read at once. */
#include <stdlib.h>
#include <string.h>

#include "find.h"
#include "index_impl.h"
#include "str.h"
#include "utf8.h"

enum { FOUND_MAX = 100000 };		/* the newest that many of what fits are shown */

/* ---- which folders ---- */

struct choice {
	folder_id *ids, *unread;	/* unread: those not in the index */
	size_t n, n_unread;
};

static void
choice_clear(struct choice *c)
{
	free(c->ids);
	free(c->unread);
}

/* What of the server is not in the index, or not all of it. */
static bool
is_unread(const struct folder *f)
{
	return !f->is_filled && (f->n_server > 0 || f->n_server_unread > 0);
}

static bool
is_apart(const struct folder *f)
{
	return f->role == ROLE_JUNK || f->role == ROLE_TRASH || f->role == ROLE_FLAGGED;
}

static bool
is_chosen(const struct folder *f, const struct query *q, const struct places *p)
{
	return !(f->attrs & FOLDER_NOSELECT) && query_may_fit_in(q, f->id) &&
		(!is_apart(f) || places_name(p, f->id));
}

/* All there are, those of the account `first` before the others. Owned. */
static struct folder *
all_folders(struct ui *ui, account_id first, struct arena *a, size_t *n)
{
	struct folder *all = NULL, *v;

	*n = 0;
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < ui_rc(ui)->n_accounts; i++) {
			account_id id = engine_account(ui_engine(ui), i);
			if ((id == first) != (pass == 0))
				continue;
			size_t n_here = store_folders(ui_store(ui), id, a, &v);
			all = xreallocarray(all, *n + n_here + 1, sizeof *all);
			for (size_t k = 0; k < n_here; k++)
				all[(*n)++] = v[k];
		}
	}
	return all;
}

/* The query's in: terms are answered meanwhile, about all folders, and then by nobody. */
static void
choose(struct ui *ui, account_id first, struct query *q, struct choice *out)
{
	struct places places = { 0 };
	struct arena a = { 0 };
	size_t n;
	struct folder *all = all_folders(ui, first, &a, &n);

	*out = (struct choice){ .ids = xcalloc(n + 1, sizeof *out->ids),
		.unread = xcalloc(n + 1, sizeof *out->unread) };
	for (size_t i = 0; i < n; i++)
		out->ids[i] = all[i].id;
	places_load(&places, ui_store(ui), q, out->ids, n);
	for (size_t i = 0; i < n; i++) {
		if (!is_chosen(&all[i], q, &places))
			continue;
		out->ids[out->n++] = all[i].id;
		if (is_unread(&all[i]))
			out->unread[out->n_unread++] = all[i].id;
	}
	query_ask_place(q, NULL, NULL);
	places_clear(&places);
	free(all);
	arena_clear(&a);
}

static void
keep_unread(struct index *x, struct choice *c)
{
	free(x->find.unread);
	x->find.unread = c->unread;
	x->find.n_unread = c->n_unread;
	c->unread = NULL;
}

/* ---- the list ---- */

void
find_describe(const struct index *x, struct str *out)
{
	size_t n = x->find.n_unread;

	if (n > 0)
		str_printf(out, "%zu folder%s not looked at yet", n, n == 1 ? "" : "s");
}

/* Files of our own need no asking for. */
static bool
is_near(struct ui *ui, account_id account)
{
	const struct rc_account *rc = engine_rc_account(ui_engine(ui), account);

	return rc && rc->receive.protocol == RC_MBOX;
}

/* Whether there is anything that the person has to ask for. */
static bool
has_far(struct index *x)
{
	struct ui *ui = x->view.ui;

	for (size_t i = 0; i < x->find.n_unread; i++)
		if (!is_near(ui, store_folder_account(ui_store(ui), x->find.unread[i])))
			return true;
	return false;
}

static void
tell_unread(struct index *x)
{
	struct str text = { 0 };

	ui_key_of(x->view.ui, V_INDEX, CMD_SYNC, &text);
	str_puts(&text, " reads ");
	find_describe(x, &text);
	if (has_far(x))
		ui_status(x->view.ui, "%s", str_get(&text));
	str_clear(&text);
}

static void
read_folder(struct index *x, folder_id id)
{
	struct job job = { .kind = JOB_SYNC, .folder = id,
		.account = store_folder_account(ui_store(x->view.ui), id) };

	ui_submit(x->view.ui, &job, "reading folders");
}

void
find_sync(struct index *x)
{
	for (size_t i = 0; i < x->find.n_unread; i++)
		read_folder(x, x->find.unread[i]);
}

/* Each once, also those that are listed later. */
static void
read_near(struct index *x)
{
	struct ui *ui = x->view.ui;

	for (size_t i = 0; i < x->find.n_unread; i++) {
		folder_id id = x->find.unread[i];
		if (!is_near(ui, store_folder_account(ui_store(ui), id)) ||
		    idset_has(&x->find.read, id))
			continue;
		idset_add(&x->find.read, id);
		read_folder(x, id);
	}
}

void
find_show(struct index *x, const char *text)
{
	struct ui *ui = x->view.ui;
	struct query *q;
	struct choice c;
	struct error e;

	if (query_parse(&q, text, ui_now(ui), &e) != ERR_OK) {
		ui_error(ui, &e);
		return;
	}
	index_ask_no_more(x);
	choose(ui, x->find.first, q, &c);
	bool is_any = text[strspn(text, " ")] != '\0';
	if (!is_any) {
		query_free(q);
		q = NULL;
	}
	list_find(x->list, c.ids, c.n, FOUND_MAX, is_any ? text : NULL, q);
	keep_unread(x, &c);
	tell_unread(x);
	read_near(x);
	if (is_any)
		index_ask(x, text, ASKED_LIMIT);
	choice_clear(&c);
	ui_redraw(ui);
}

static bool
is_same(const struct source *src, const struct choice *c)
{
	return src->n_folders == c->n &&
		(c->n == 0 || memcmp(src->folders, c->ids, c->n * sizeof *c->ids) == 0);
}

void
find_reread(struct index *x)
{
	struct ui *ui = x->view.ui;
	const char *text = list_limit_text(x->list);
	struct query *q;
	struct choice c;

	if (query_parse(&q, text ? text : "", ui_now(ui), NULL) != ERR_OK)
		return;
	choose(ui, x->find.first, q, &c);
	if (!is_same(list_source(x->list), &c))
		list_other_folders(x->list, c.ids, c.n);
	keep_unread(x, &c);
	read_near(x);
	choice_clear(&c);
	query_free(q);
}

void
find_command(struct ui *ui, const struct call *c)
{
	struct view *top = ui_top(ui);
	account_id account = top->ops->account ? top->ops->account(top) : 0;

	if (c->arg[strspn(c->arg, " ")] == '\0')
		return;
	const char *text = str_eq(c->arg, "all") ? "" : c->arg;
	if (!index_is_find(top)) {
		top = index_new_find(ui, account);
		ui_push(ui, top);
	}
	find_show((struct index *)top, text);
}

/* ---- where a message is ---- */

const char *
find_place(struct ui *ui, const struct folder *f, int columns, struct arena *a)
{
	const struct rc_account *rc = engine_rc_account(ui_engine(ui), f->account);
	const char *slash = strrchr(f->name, '/'), *last = slash ? slash + 1 : f->name;
	const char *account = rc && ui_rc(ui)->n_accounts > 1 ? rc->name : "";
	const char *bar = *account ? "/" : "";
	const char *full = arena_printf(a, "%s%s%s", account, bar, f->name);

	if (text_width(full, strlen(full)) <= columns)
		return full;
	full = arena_printf(a, "%s%s%s", account, bar, last);
	return text_width(full, strlen(full)) <= columns ? full : last;
}

/* ---- completion of a query ---- */

static void
offer_place(const char *text, const char *name, const char *help, struct completion *out)
{
	const char *quote = strpbrk(name, " ()\"") ? "\"" : "";
	char *word = xasprintf("in:%s%s%s", quote, name, quote);

	if (!strchr(name, '"'))
		completion_offer(out, text, word, help);
	free(word);
}

static void
offer_places(struct ui *ui, const char *text, struct completion *out)
{
	const struct rc *rc = ui_rc(ui);

	for (size_t i = 0; ui_store(ui) && i < rc->n_accounts; i++) {
		struct arena a = { 0 };
		struct folder *v;
		size_t n = store_folders(ui_store(ui), engine_account(ui_engine(ui), i), &a,
			&v);
		for (size_t k = 0; k < n; k++)
			if (!(v[k].attrs & FOLDER_NOSELECT))
				offer_place(text, v[k].name, rc->n_accounts > 1
					? rc->accounts[i].name : NULL, out);
		if (rc->n_accounts > 1)
			offer_place(text, rc->accounts[i].name, "all of the account", out);
		arena_clear(&a);
	}
	offer_place(text, "anywhere", "Junk and Trash, too", out);
}

void
ui_complete_query(struct ui *ui, const char *text, struct completion *out)
{
	const char *space = strrchr(text, ' ');

	out->from = space ? (size_t)(space + 1 - text) : 0;
	if (text[out->from] == '-' || text[out->from] == '(')
		out->from++;
	if (str_istarts(text + out->from, "in:")) {
		offer_places(ui, text, out);
		return;
	}
	for (const char *const *w = query_words(); *w; w++)
		completion_offer(out, text, *w, NULL);
}
