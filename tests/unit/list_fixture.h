/* list_fixture.h - a store with two folders and a message list over it. */
#ifndef LIST_FIXTURE_H
#define LIST_FIXTURE_H

#include <unistd.h>

#include "remove_tree.h"
#include "test.h"

#include "ui/list.h"

struct fixture {
	struct store *s;
	folder_id inbox, other;
	account_id account;
	struct list *l;
	char dir[40];
};

static inline void
ok(enum err rc, const struct error *e)
{
	if (rc != ERR_OK)
		fail_msg("%s", e->text);
}

static inline folder_id
make_folder(struct fixture *fx, const char *name, enum folder_role role)
{
	struct error e;
	struct folder f = { .account = fx->account, .wire = name, .name = name, .delim = '/',
		.role = role };
	folder_id id;

	ok(store_folder_put(fx->s, &f, &id, &e), &e);
	ok(store_folder_validity(fx->s, &id, 1, &e), &e);
	return id;
}

/* Message k: arrived at minute k, every third unread, sizes and senders in no order. */
static inline void
put(struct fixture *fx, folder_id folder, uint32_t k, uint32_t parent)
{
	char subject[40], mid[40], ref[40] = "", from[40];
	struct error e;

	snprintf(subject, sizeof subject, "%sletter %u", parent ? "Re: " : "",
		parent ? parent : k);
	snprintf(mid, sizeof mid, "%u.%u@t", folder, k);
	snprintf(from, sizeof from, "Writer %02u", k * 7 % 20);
	if (parent)
		snprintf(ref, sizeof ref, "%u.%u@t", folder, parent);
	struct msg m = { .id = msg_id_of(folder, k), .arrived = 1700000000 + 60 * (int64_t)k,
		.date = 1700000000 + 60 * (int64_t)k, .size_bytes = 1000 + k * 37 % 500,
		.flags = k % 3 ? MSG_SEEN : 0, .from_name = from, .from_addr = "w@example.org",
		.to = "", .cc = "", .subject = subject, .message_id = mid, .in_reply_to = ref,
		.references = ref, .list_id = "" };
	ok(store_msg_put(fx->s, &m, &e), &e);
}

static inline void
fill(struct fixture *fx, folder_id folder, uint32_t from, uint32_t to)
{
	struct error e;

	ok(store_begin(fx->s, &e), &e);
	for (uint32_t k = from; k <= to; k++)
		put(fx, folder, k, 0);
	ok(store_commit(fx->s, &e), &e);
}

static inline void
gone(struct fixture *fx, uint32_t lo, uint32_t hi)
{
	struct uidset u = { 0 };
	struct error e;

	uidset_add_range(&u, lo, hi);
	ok(store_msgs_gone(fx->s, fx->inbox, &u, &e), &e);
	uidset_clear(&u);
}

static inline int
setup(void **state)
{
	struct fixture *fx = xcalloc(1, sizeof *fx);
	struct error e;
	char data[60], cache[60];

	strcpy(fx->dir, "/tmp/dunlin-list-XXXXXX");
	assert_non_null(mkdtemp(fx->dir));
	snprintf(data, sizeof data, "%s/d", fx->dir);
	snprintf(cache, sizeof cache, "%s/c", fx->dir);
	ok(store_open(&fx->s, data, cache, STORE_WRITE, &e), &e);
	fx->account = store_account(fx->s, "work");
	fx->inbox = make_folder(fx, "INBOX", ROLE_INBOX);
	fx->other = make_folder(fx, "Trash", ROLE_TRASH);
	fx->l = list_new(fx->s);
	*state = fx;
	return 0;
}

static inline int
teardown(void **state)
{
	struct fixture *fx = *state;

	list_free(fx->l);
	store_close(fx->s);
	int rc = remove_tree(fx->dir);
	free(fx);
	return rc;
}

static inline void
show(struct fixture *fx)
{
	list_folders(fx->l, &fx->inbox, 1);
}

static inline uint32_t
cursor(struct fixture *fx)
{
	return msg_uid(list_cursor_id(fx->l));
}

static inline void
finish(struct list *l)
{
	bool changed = false;

	while (list_idle(l, &changed))
		;
}

/* The UIDs on the screen, with the cursor's in brackets. */
static inline const char *
screen(struct fixture *fx, int height)
{
	static char text[4000];
	const struct list_row *rows;
	size_t at, n = list_screen(fx->l, height, 0, &rows, &at), len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof text - len,
			i == at ? "%s[%u]" : "%s%u", i ? " " : "", msg_uid(rows[i].m->id));
	return text;
}

static inline void
hide(struct fixture *fx, const uint32_t *uids, size_t n)
{
	struct intent in = { .account = fx->account, .kind = INTENT_MOVE, .folder = fx->inbox,
		.dest = "Trash", .label = "moved", .error = "" };
	msg_id ids[100];
	int64_t group = 0;
	intent_id id;
	struct error e;

	for (size_t i = 0; i < n; i++)
		ids[i] = msg_id_of(fx->inbox, uids[i]);
	list_leave(fx->l);
	ok(store_intent_add(fx->s, &in, ids, n, &group, &id, &e), &e);
	list_refresh(fx->l);
}

static inline void
undo(struct fixture *fx)
{
	char label[100];
	struct error e;

	ok(store_undo(fx->s, label, sizeof label, &e), &e);
	list_return(fx->l);
}

#endif
