/* store_fixture.h - a store in a directory of its own, one account, folders INBOX and Trash.
 */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "path.h"
#include "remove_tree.h"
#include "store.h"
#include "str.h"
#include "test.h"

struct fixture {
	char *dir, *data, *cache;
	struct store *s;
	struct error e;
	struct arena a;
	account_id account;
	folder_id inbox, trash;
};

#define OK(call) assert_ok(fx, (call), __LINE__)

static inline void
assert_ok(struct fixture *fx, enum err rc, int line)
{
	if (rc != ERR_OK)
		fail_msg("line %d: %s", line, fx->e.text);
}

static inline folder_id
fx_folder(struct fixture *fx, const char *wire, enum folder_role role)
{
	struct folder f = { .account = fx->account,
		.wire = wire,
		.name = wire,
		.delim = '/',
		.role = role };
	folder_id id;

	OK(store_folder_put(fx->s, &f, &id, &fx->e));
	return id;
}

static inline int
fx_open(void **state)
{
	struct fixture *fx = xcalloc(1, sizeof *fx);

	*state = fx;
	fx->dir = xstrdup("/tmp/dunlin-store-XXXXXX");
	assert_non_null(mkdtemp(fx->dir));
	fx->data = path_join(fx->dir, "data");
	fx->cache = path_join(fx->dir, "cache");
	OK(store_open(&fx->s, fx->data, fx->cache, STORE_WRITE, &fx->e));
	fx->account = store_account(fx->s, "work");
	fx->inbox = fx_folder(fx, "INBOX", ROLE_INBOX);
	fx->trash = fx_folder(fx, "Trash", ROLE_TRASH);
	return 0;
}

static inline void
fx_reopen(struct fixture *fx)
{
	store_close(fx->s);
	OK(store_open(&fx->s, fx->data, fx->cache, STORE_WRITE, &fx->e));
}

static inline int
fx_close(void **state)
{
	struct fixture *fx = *state;

	store_close(fx->s);
	remove_tree(fx->dir);
	arena_clear(&fx->a);
	free(fx->dir);
	free(fx->data);
	free(fx->cache);
	free(fx);
	return 0;
}

/* A message that arrived at second `uid`, with id "<uid>@<folder>", in reply to `parent`, or
 * none. */
static inline msg_id
fx_msg(struct fixture *fx, folder_id folder, uint32_t uid, uint32_t flags, const char *parent)
{
	char mid[64], subject[64];
	struct msg m = { .id = msg_id_of(folder, uid),
		.arrived = uid,
		.date = uid,
		.size_bytes = 1000,
		.flags = flags,
		.from_name = "Ada",
		.from_addr = "ada@example.org",
		.to = "bob@example.org",
		.cc = "",
		.subject = subject,
		.message_id = mid,
		.in_reply_to = parent ? parent : "",
		.references = "",
		.list_id = "" };

	snprintf(mid, sizeof mid, "%u@%u", uid, folder);
	snprintf(subject, sizeof subject, "subject %u", uid);
	OK(store_msg_put(fx->s, &m, &fx->e));
	return m.id;
}

static inline void
fx_msgs(struct fixture *fx, folder_id folder, uint32_t lo, uint32_t hi)
{
	OK(store_begin(fx->s, &fx->e));
	for (uint32_t uid = lo; uid <= hi; uid++)
		fx_msg(fx, folder, uid, 0, NULL);
	OK(store_commit(fx->s, &fx->e));
}

/* The UIDs of a page as text, "9,8,7". */
static inline const char *
fx_page(struct fixture *fx, folder_id folder, struct page_key from, bool newer, size_t max)
{
	struct msg *page = arena_alloc(&fx->a, (max + 1) * sizeof *page);
	size_t n = store_page(fx->s, &folder, 1, from, newer, max, &fx->a, page);
	struct str text = {0};

	for (size_t i = 0; i < n; i++)
		str_printf(&text, "%s%u", i ? "," : "", msg_uid(page[i].id));
	const char *result = arena_strdup(&fx->a, str_get(&text));
	str_clear(&text);
	return result;
}

static inline const char *
fx_top(struct fixture *fx, folder_id folder)
{
	return fx_page(fx, folder, page_top, false, 50);
}

static inline intent_id
fx_intend(struct fixture *fx, enum intent_kind kind, const char *dest, uint32_t set,
	uint32_t clear, const msg_id *msgs, size_t n)
{
	struct intent in = { .account = fx->account,
		.kind = kind,
		.folder = n ? msg_folder(msgs[0]) : 0,
		.dest = dest,
		.set = set,
		.clear = clear,
		.label = "act" };
	int64_t group;
	intent_id id;

	OK(store_intent_add(fx->s, &in, msgs, n, &group, &id, &fx->e));
	return id;
}

static inline intent_id
fx_move(struct fixture *fx, msg_id id)
{
	return fx_intend(fx, INTENT_MOVE, "Trash", 0, 0, &id, 1);
}

static inline intent_id
fx_flag(struct fixture *fx, msg_id id, uint32_t set, uint32_t clear)
{
	return fx_intend(fx, INTENT_FLAGS, "", set, clear, &id, 1);
}

/* Takes the next batch as a worker does and says it is running; its UIDs as text. */
static inline const char *
fx_next(struct fixture *fx, struct intent_batch *b)
{
	struct str text = {0};

	if (!store_intent_next(fx->s, fx->account, &fx->a, b))
		return "none";
	OK(store_intents_running(fx->s, b, 0, &fx->e));
	uidset_format(&text, &b->uids);
	const char *result = arena_strdup(&fx->a, str_get(&text));
	str_clear(&text);
	return result;
}

/* Done, message `uid` having become `uid + offset` where it went; offset 0: the server does
 * not say. */
static inline void
fx_done(struct fixture *fx, struct intent_batch *b, uint32_t offset)
{
	uint32_t from[2000], to[2000];
	size_t n = 0;

	for (uint32_t uid = 0; offset && (uid = uidset_next(&b->uids, uid)); n++) {
		from[n] = uid;
		to[n] = uid + offset;
	}
	OK(store_intents_done(fx->s, b, n ? from : NULL, n ? to : NULL, n, &fx->e));
	intent_batch_clear(b);
}

static inline struct folder
fx_counts(struct fixture *fx, folder_id id)
{
	struct folder f;

	assert_true(store_folder(fx->s, id, &fx->a, &f));
	return f;
}

#define FX(f) cmocka_unit_test_setup_teardown(f, fx_open, fx_close)

#endif
