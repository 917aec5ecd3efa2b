/* arrivals.c - see arrivals.h. The rows of the inbox are looked at, not the event's count: a
 * server's news are also what we moved there ourselves, and what another window took in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arrivals.h"
#include "frame.h"
#include "hash.h"
#include "index.h"
#include "now.h"
#include "notify.h"
#include "str.h"

enum {
	LOOKED_AT_MAX = 500,		/* rows; of more the newest */
	CHECKED_MAX = 50,		/* of these the newest are looked up one by one */
	TOLD_MAX = 256,
	FILLED_MS = 3000		/* from being in step to having all in the store */
};

/* An inbox, told of up to `uid`. One that no Dunlin ever told of is being filled: nothing of
 * it is new, and the store gets its number only when the account was in step once, so that a
 * download that is broken off and goes on tomorrow is not ten thousand news. */
struct mark {
	folder_id folder;
	account_id account;
	uint32_t uid;
	bool is_filling;
	int64_t filled_ms;		/* when that is over; 0: not yet known */
};

struct arrivals {
	struct notify *notify;		/* NULL: no command */
	struct mark *marks;
	size_t n_marks, cap_marks;
	uint64_t told[TOLD_MAX];	/* Message-IDs, by their hash */
	size_t n_told;
};

static struct arrivals *
arrivals_of(struct ui *ui)
{
	if (!ui->arrivals) {
		ui->arrivals = xcalloc(1, sizeof *ui->arrivals);
		if (ui->rc->notify)
			ui->arrivals->notify = notify_new(ui->rc->notify);
	}
	return ui->arrivals;
}

/* ---- what is new ---- */

static void
mark_name(char name[40], folder_id folder)
{
	snprintf(name, 40, "told.%u", folder);
}

static void
in_step(struct ui *ui, struct mark *m)
{
	const struct ui_account *a = status_account(ui, m->account);

	if (m->is_filling && m->filled_ms == 0 && a && a->link == LINK_ONLINE)
		m->filled_ms = now_ms() + FILLED_MS;
}

static struct mark *
mark_of(struct ui *ui, const struct folder *f)
{
	struct arrivals *a = arrivals_of(ui);
	char name[40];

	for (size_t i = 0; i < a->n_marks; i++)
		if (a->marks[i].folder == f->id)
			return &a->marks[i];
	mark_name(name, f->id);
	char *value = store_value(ui->store, name);
	a->marks = array_grow(a->marks, a->n_marks, &a->cap_marks, sizeof *a->marks);
	struct mark *m = &a->marks[a->n_marks++];
	*m = (struct mark){ .folder = f->id, .account = f->account, .is_filling = !value };
	free(value);
	in_step(ui, m);
	return m;
}

/* Whoever fills it too may have come further. */
static void
end_filling(struct ui *ui, struct mark *m)
{
	char name[40];
	int64_t was;

	mark_name(name, m->folder);
	m->is_filling = engine_raise(ui->engine, name, m->uid, &was, NULL) != ERR_OK;
	m->filled_ms = m->is_filling ? now_ms() + FILLED_MS : 0;
}

/* What nobody was told of yet: the UIDs behind *from. False: nothing, or somebody else tells.
 */
static bool
claim(struct ui *ui, const struct folder *f, uint32_t *from)
{
	struct mark *m = mark_of(ui, f);
	uint32_t top = f->uidnext ? f->uidnext - 1 : 0;
	char name[40];
	int64_t was;

	mark_name(name, f->id);
	if (top <= m->uid)
		return false;
	if (m->is_filling) {
		m->uid = top;
		return false;
	}
	if (engine_raise(ui->engine, name, top, &was, NULL) != ERR_OK)
		return false;
	m->uid = top;
	*from = was > 0 ? (uint32_t)was : 0;
	return was >= 0 && was < top;
}

/* A message that was a header and became whole is another one with the same Message-ID. */
static bool
was_told(struct arrivals *a, const char *message_id)
{
	uint64_t hash = hash_string(message_id);
	size_t n = a->n_told < TOLD_MAX ? a->n_told : TOLD_MAX;

	if (!*message_id)
		return false;
	for (size_t i = 0; i < n; i++)
		if (a->told[i] == hash)
			return true;
	a->told[a->n_told++ % TOLD_MAX] = hash;
	return false;
}

static bool
is_new(struct ui *ui, msg_id id, struct arena *arena, struct msg *m)
{
	return store_msg(ui->store, id, arena, m) && !(m->flags & (MSG_SEEN | MSG_DELETED)) &&
		!store_was_moved_here(ui->store, m) &&
		!was_told(arrivals_of(ui), m->message_id);
}

/* The unread ones behind `from`, the newest last. */
static size_t
unread_from(struct ui *ui, folder_id id, uint32_t from, uint32_t *uids)
{
	struct uid_flags v[64];
	size_t n = 0, got;

	while ((got = store_uid_flags(ui->store, id, from + 1, LEN(v), v)) > 0) {
		for (size_t i = 0; i < got; i++) {
			if (v[i].flags & (MSG_SEEN | MSG_DELETED))
				continue;
			if (n == LOOKED_AT_MAX)
				memmove(uids, uids + 1, --n * sizeof *uids);
			uids[n++] = v[i].uid;
		}
		from = v[got - 1].uid;
	}
	return n;
}

/* How many are new; the newest of them in *out. */
static uint32_t
look(struct ui *ui, folder_id id, uint32_t from, struct arena *arena, struct msg *out)
{
	uint32_t uids[LOOKED_AT_MAX], n_new = 0;
	size_t n = unread_from(ui, id, from, uids), n_checked = 0;

	for (size_t i = n; i > 0 && n_checked < CHECKED_MAX; i--, n_checked++) {
		struct msg m;
		if (is_new(ui, msg_id_of(id, uids[i - 1]), arena, &m) && n_new++ == 0)
			*out = m;
	}
	return n_new > 0 ? n_new + (uint32_t)(n - n_checked) : 0;
}

/* ---- telling ---- */

/* Whether the person sees the list it is in. */
static bool
is_in_sight(struct ui *ui, folder_id id)
{
	struct view *v = ui_top(ui);

	return v && v->ops->bit == V_INDEX && !index_is_find(v) &&
		(index_folder(v) == id || index_folder(v) == INDEX_ALL_INBOXES);
}

static void
tell(struct ui *ui, const struct folder *f, const struct msg *m, uint32_t count)
{
	const struct rc_account *rc = engine_rc_account(ui->engine, f->account);
	const char *from = *m->from_name ? m->from_name : m->from_addr;
	struct new_mail mail = { rc ? rc->name : "", f->name, from, m->subject, count };
	struct notify *n = arrivals_of(ui)->notify;

	if (n)
		notify_add(n, &mail, now_ms());
	if (ui->rc->bell && ui->term->ops->bell)
		ui->term->ops->bell(ui->term);
	if (ui->message || ui->is_asking || is_in_sight(ui, f->id))
		return;
	struct str where = { 0 };
	if (ui->n_accounts > 1)
		str_printf(&where, "  (%s)", mail.account);
	if (count == 1)
		ui_status(ui, "new: %s: %s%s", from, m->subject, str_get(&where));
	else
		ui_status(ui, "%u new: %s: %s%s", count, from, m->subject, str_get(&where));
	str_clear(&where);
}

void
arrivals_event(struct ui *ui, const struct event *ev)
{
	struct arena arena = { 0 };
	struct folder f;
	struct msg m = { 0 };
	uint32_t from, n;

	for (size_t i = 0; ev->kind == EV_STATE && ui->arrivals && i < ui->arrivals->n_marks;
	    i++)
		in_step(ui, &ui->arrivals->marks[i]);
	if (ev->kind != EV_FOLDER || !ui->store)
		return;
	if (store_folder(ui->store, ev->u.folder.id, &arena, &f) && f.role == ROLE_INBOX &&
	    claim(ui, &f, &from) && (n = look(ui, f.id, from, &arena, &m)) > 0)
		tell(ui, &f, &m, n);
	arena_clear(&arena);
}

void
arrivals_step(struct ui *ui)
{
	struct arrivals *a = ui->arrivals;

	for (size_t i = 0; a && i < a->n_marks; i++)
		if (a->marks[i].filled_ms && now_ms() >= a->marks[i].filled_ms)
			end_filling(ui, &a->marks[i]);
	if (a && a->notify)
		notify_step(a->notify, now_ms());
}

int
arrivals_next_ms(const struct ui *ui)
{
	const struct arrivals *a = ui->arrivals;
	int64_t now = now_ms();
	int next = a && a->notify ? notify_next_ms(a->notify, now) : -1;

	for (size_t i = 0; a && i < a->n_marks; i++) {
		int64_t left = a->marks[i].filled_ms - now;
		if (a->marks[i].filled_ms && (next < 0 || left < next))
			next = left > 0 ? (int)left : 0;
	}
	return next;
}

void
arrivals_free(struct ui *ui)
{
	if (!ui->arrivals)
		return;
	notify_free(ui->arrivals->notify);
	free(ui->arrivals->marks);
	free(ui->arrivals);
	ui->arrivals = NULL;
}
