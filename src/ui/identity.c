/* identity.c - see identity.h. */
#include <stdlib.h>

#include "identity.h"
#include "mime.h"
#include "note.h"
#include "reply.h"

struct list {
	const char **v;
	size_t n, cap;
};

static void
add(struct list *l, const char *from)
{
	if (!from || !*from)
		return;
	l->v = array_grow(l->v, l->n, &l->cap, sizeof *l->v);
	l->v[l->n++] = from;
}

static void
add_account(struct list *l, const struct rc_account *rc, struct arena *a)
{
	const char *rest = rc->identities ? rc->identities : "";
	size_t n;

	add(l, rc->from);
	for (const char *one; (one = note_next_address(&rest, &n)) != NULL; )
		add(l, arena_strndup(a, one, n));
}

const char **
identity_all(struct ui *ui, account_id account, struct arena *a, size_t *n)
{
	const struct rc *rc = ui_rc(ui);
	struct list l = { .v = xcalloc(1, sizeof *l.v), .cap = 1 };

	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < rc->n_accounts; i++) {
			bool is_first = engine_account(ui_engine(ui), i) == account;
			if (is_first == (pass == 0))
				add_account(&l, &rc->accounts[i], a);
		}
	}
	*n = l.n;
	return l.v;
}

static const char *
address_in(struct arena *a, const char *from)
{
	const struct address *v;

	return from && mime_addresses(a, &v, from) > 0 ? v[0].addr : "";
}

account_id
identity_account(struct ui *ui, const char *from)
{
	const struct rc *rc = ui_rc(ui);
	struct arena a = { 0 };
	const char *addr = address_in(&a, from);
	account_id id = 0;

	for (size_t i = 0; i < rc->n_accounts && !id && *addr; i++) {
		struct list l = { 0 };
		add_account(&l, &rc->accounts[i], &a);
		for (size_t k = 0; k < l.n && !id; k++) {
			if (str_ieq(addr, address_in(&a, l.v[k])))
				id = engine_account(ui_engine(ui), i);
		}
		free(l.v);
	}
	arena_clear(&a);
	return id;
}

account_id
identity_sender(struct ui *ui, const char *from, msg_id about)
{
	const struct rc *rc = ui_rc(ui);
	account_id id = identity_account(ui, from);

	if (!id && about)
		id = store_folder_account(ui_store(ui), msg_folder(about));
	for (size_t i = 0; i < rc->n_accounts && !id; i++) {
		if (rc_account_sends(&rc->accounts[i]))
			id = engine_account(ui_engine(ui), i);
	}
	return id;
}

char *
identity_of_message(struct ui *ui, msg_id id, const char *header, size_t len)
{
	struct reply_source s = { .header = header, .header_len = len, .text = "" };
	struct arena a = { 0 };
	struct note note = { 0 };
	size_t n;
	const char **mine = identity_all(ui,
		store_folder_account(ui_store(ui), msg_folder(id)), &a, &n);
	char *from = reply_make(&note, REPLY_FORWARD_WHOLE, &s, mine, n, NULL) == ERR_OK
		? xstrdup(note.from) : NULL;

	note_clear(&note);
	free(mine);
	arena_clear(&a);
	return from;
}
