/* engine_fixture.h - an engine over a fake server, in directories of its own. */
#ifndef DUNLIN_ENGINE_FIXTURE_H
#define DUNLIN_ENGINE_FIXTURE_H

#include <dirent.h>
#include <poll.h>

#include "engine/engine_int.h"
#include "fake_server.h"
#include "path.h"
#include "remove_tree.h"
#include "test.h"

enum { PATIENCE_MS = 20 * 1000 };

struct fixture {
	struct rc rc;
	struct rc_account conf;
	struct dirs dirs;
	char dir[64];
	struct fake_server *server;
	struct engine *engine;
	account_id account;
	struct event last;		/* the newest of each kind that tests ask for */
	struct error notice;
	uint32_t n_new, n_notices;
	enum link_state link;		/* as last told */
};

static inline struct backend *
fixture_make(void *ctx, const struct rc *rc, const struct rc_account *a, struct cancel *cancel,
	struct error *e)
{
	(void)rc, (void)a, (void)e;
	return fake_new(ctx, cancel);
}

static inline void
fixture_init(struct fixture *fx)
{
	*fx = (struct fixture){0};
	snprintf(fx->dir, sizeof fx->dir, "/tmp/dunlin-engine-XXXXXX");
	assert_non_null(mkdtemp(fx->dir));
	fx->dirs = (struct dirs){ xstrdup(fx->dir), path_join(fx->dir, "data"),
		path_join(fx->dir, "cache") };
	fx->conf = (struct rc_account){
		.name = "work", .from = "ada@example.org", .password = "secret",
			.check_every_s = 300,
		.receive = { .protocol = RC_IMAP, .user = "ada", .host = "mail.example.org",
		.port = 993 },
	};
	fx->rc = (struct rc){ .accounts = &fx->conf, .n_accounts = 1, .timeout_s = 60 };
	fx->server = fake_server_new();
}

static inline void
fixture_new_engine(struct fixture *fx)
{
	struct backend_maker maker = { .ctx = fx->server, .make = fixture_make };
	struct error e;

	if (engine_new_with(&fx->engine, &fx->rc, &fx->dirs, &maker, &e) != ERR_OK)
		fail_msg("%s", e.text);
	fx->engine->workers[0]->linger_ms = 0;
	fx->engine->workers[0]->settle_ms = 20;
	fx->account = engine_account(fx->engine, 0);
}

static inline void
fixture_start(struct fixture *fx)
{
	if (!fx->engine)
		fixture_new_engine(fx);
	assert_int_equal(ERR_OK, engine_start(fx->engine, NULL));
}

static inline void
fixture_stop(struct fixture *fx)
{
	engine_free(fx->engine, 5000);
	fx->engine = NULL;
}

static inline void
fixture_clear(struct fixture *fx)
{
	fixture_stop(fx);
	fake_server_free(fx->server);
	remove_tree(fx->dir);
	dirs_clear(&fx->dirs);
}

/* The next event within the time; false when none came. */
static inline bool
next_event(struct fixture *fx, struct event *ev, int timeout_ms)
{
	struct pollfd p = { .fd = engine_fd(fx->engine), .events = POLLIN };

	if (!engine_next(fx->engine, ev)) {
		poll(&p, 1, timeout_ms);
		if (!engine_next(fx->engine, ev))
			return false;
	}
	if (ev->kind == EV_FOLDER)
		fx->n_new += ev->u.folder.n_new;
	if (ev->kind == EV_STATE)
		fx->link = ev->u.state.link;
	if (ev->kind == EV_NOTICE) {
		fx->notice = ev->u.notice;
		fx->n_notices++;
	}
	return true;
}

/* Until an event of that kind, of that job (0: any). */
static inline struct event
wait_for(struct fixture *fx, enum event_kind kind, job_id job)
{
	struct event ev;
	int64_t until = now_ms() + PATIENCE_MS;

	while (now_ms() < until) {
		if (next_event(fx, &ev, 100) && ev.kind == kind && (!job || ev.job == job))
			return ev;
	}
	fail_msg("no event of kind %d, job %llu", kind, (unsigned long long)job);
	return (struct event){0};
}

static inline struct event
wait_for_link(struct fixture *fx, enum link_state state)
{
	struct event ev;

	if (fx->link == state)		/* it came while something else was waited for */
		return (struct event){ .kind = EV_STATE, .u.state.link = state };
	do
		ev = wait_for(fx, EV_STATE, 0);
	while (ev.u.state.link != state);
	return ev;
}

static inline enum err
sync_all(struct fixture *fx)
{
	struct job job = { .kind = JOB_SYNC, .account = fx->account };

	return wait_for(fx, EV_DONE, engine_submit(fx->engine, &job)).u.done.code;
}

static inline void
lock(struct fixture *fx)
{
	pthread_mutex_lock(&fx->server->lock);
}

static inline void
unlock(struct fixture *fx)
{
	pthread_mutex_unlock(&fx->server->lock);
}

/* Until the fault was met, or there is nothing left to do; then as if it was killed, as far as
 * store and server can tell, and begun again without a fault. */
static inline void
kill_at_fault(struct fixture *fx)
{
	struct job job = { .kind = JOB_SYNC, .account = fx->account };
	job_id id = engine_submit(fx->engine, &job);
	struct event ev;

	for (int64_t until = now_ms() + PATIENCE_MS; now_ms() < until;) {
		lock(fx);
		bool is_there = fx->server->has_faulted;
		unlock(fx);
		if (is_there)
			break;
		if (next_event(fx, &ev, 1) && ev.kind == EV_DONE && ev.job == id)
			break;
	}
	jobs_quit(&fx->engine->workers[0]->jobs);
	cancel_fire(&fx->engine->workers[0]->cancel);	/* reaches it in the stall */
	fixture_stop(fx);
	fx->server->fault_at = 0;
	fixture_start(fx);
}

static inline bool
find_folder(struct fixture *fx, const char *name, struct arena *a, struct folder *f)
{
	return store_folder_by_wire(engine_store(fx->engine), fx->account, name, a, f);
}

static inline folder_id
folder_named(struct fixture *fx, const char *name)
{
	struct arena a = {0};
	struct folder f;
	folder_id id = find_folder(fx, name, &a, &f) ? f.id : 0;

	arena_clear(&a);
	return id;
}

static inline enum err
act_on(struct fixture *fx, enum act_kind kind, uint32_t set, uint32_t clear, const char *dest,
	const char *folder, uint32_t lo, uint32_t hi)
{
	struct act act = { .kind = kind, .set = set, .clear = clear, .dest = dest,
		.folder = folder ? folder_named(fx, folder) : 0 };
	msg_id msgs[512];
	size_t n = 0;
	char label[160];
	struct error e;

	for (uint32_t uid = lo; uid && uid <= hi; uid++)
		msgs[n++] = msg_id_of(act.folder, uid);
	if (n > 0 || kind >= ACT_FOLDER_CREATE)
		act.account = kind >= ACT_FOLDER_CREATE ? fx->account : 0;
	enum err rc = engine_act(fx->engine, &act, msgs, n, label, sizeof label, &e);
	if (rc != ERR_OK)
		print_message("act: %s\n", e.text);
	return rc;
}

static inline bool
is_visible(struct fixture *fx, const char *folder, uint32_t uid)
{
	struct arena a = {0};
	struct msg m;
	bool is = store_msg(engine_store(fx->engine), msg_id_of(folder_named(fx, folder), uid),
		&a, &m);

	arena_clear(&a);
	return is;
}

/* "NAME: id/flags id/flags" for each folder of the server, sorted within it. */
static inline int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static inline void
dump_server(struct fake_server *s, struct str *out)
{
	for (size_t i = 0; i < FAKE_FOLDERS; i++) {
		struct fake_folder *f = &s->folders[i];
		char **words = xcalloc(f->n, sizeof *words);
		if (!*f->name) {
			free(words);
			continue;
		}
		str_printf(out, "%s:", f->name);
		for (size_t k = 0; k < f->n; k++)
			words[k] = f->v[k].flags
				? xasprintf(" %s/%x", f->v[k].message_id, f->v[k].flags)
				: xasprintf(" %s", f->v[k].message_id);
		if (f->n)
			qsort(words, f->n, sizeof *words, by_text);
		for (size_t k = 0; k < f->n; k++) {
			str_puts(out, words[k]);
			free(words[k]);
		}
		free(words);
		str_putc(out, '\n');
	}
}

/* The index holds what the server holds: the same UIDs with the same
 * flags, and nothing waits. */
static inline void
assert_in_step(struct fixture *fx, const char *what)
{
	const struct store *s = engine_store(fx->engine);

	if (store_intents_pending(s, 0) != 0)
		fail_msg("%s: intents are left", what);
	for (size_t i = 0; i < FAKE_FOLDERS; i++) {
		struct fake_folder *f = &fx->server->folders[i];
		struct uidset uids = {0};
		if (!*f->name)
			continue;
		folder_id id = folder_named(fx, f->name);
		if (!id)
			fail_msg("%s: folder %s is not known", what, f->name);
		assert_int_equal(ERR_OK, store_uids(s, id, &uids, NULL));
		if (uidset_count(&uids) != f->n)
			fail_msg("%s: %s has %llu messages here, %zu there", what, f->name,
				(unsigned long long)uidset_count(&uids), f->n);
		for (size_t k = 0; k < f->n; k++) {
			struct uid_flags have = {0};
			size_t n = store_uid_flags(s, id, f->v[k].uid, 1, &have);
			if (n != 1 || have.uid != f->v[k].uid || have.flags != f->v[k].flags)
				fail_msg("%s: %s/%u has flags %x there, %x here", what,
					f->name, f->v[k].uid, f->v[k].flags, have.flags);
		}
		uidset_clear(&uids);
	}
}

#endif
