/* The power goes at every point of a person's decision about mail in mbox files, from the
 * intent to the file: what was deleted stands in Trash or in the inbox, once, and what had
 * been carried out and synced stays so. */
#include "engine/engine_int.h"
#include "mbox.h"
#include "mime.h"
#include "power.h"
#include "remove_tree.h"

#include <poll.h>

enum { N_MAILS = 4, PATIENCE_MS = 30 * 1000 };

struct world {
	char dir[64];
	struct rc rc;
	struct rc_account conf;
	struct dirs dirs;
	struct engine *engine;
	account_id account;
	size_t n[N_MAILS];
	bool is_trashed[N_MAILS];
};

static void
set_up(struct power *p)
{
	struct world *w = xcalloc(1, sizeof *w);
	struct str s = {0};

	mime_init();
	snprintf(w->dir, sizeof w->dir, "%s/dunlin-power-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(w->dir));
	w->dirs = (struct dirs){ w->dir, path_join(w->dir, "data"),
		path_join(w->dir, "cache") };
	w->conf = (struct rc_account){ .name = "files", .from = "ada@example.org",
		.check_every_s = 300, .receive = { .protocol = RC_MBOX,
		.path = path_join(w->dir, "mail") } };
	w->rc = (struct rc){ .accounts = &w->conf, .n_accounts = 1, .timeout_s = 60 };
	for (int i = 0; i < N_MAILS; i++)
		str_printf(&s,
			"From a@x Thu Jan  1 00:00:0%d 2026\nMessage-ID: <%d@x>\nSubject: "
			"number %d\n\nbody %d\n\n", i, i, i, i);
	char *inbox = path_join(w->conf.receive.path, "inbox");
	assert_int_equal(ERR_OK, path_mkdirs(w->conf.receive.path, NULL));
	assert_int_equal(ERR_OK, file_write_atomic(inbox, s.data, s.len, NULL));
	free(inbox);
	str_clear(&s);
	p->world = w;
	p->root = w->dir;
}

static void
tear_down(struct power *p)
{
	struct world *w = p->world;

	remove_tree(w->dir);
	free((char *)w->dirs.data);
	free((char *)w->dirs.cache);
	free(w->conf.receive.path);
	free(w);
}

/* ---- running it ---- */

static enum err
start(struct world *w, struct error *e)
{
	enum err rc = engine_new(&w->engine, &w->rc, &w->dirs, e);

	if (rc == ERR_OK)
		rc = engine_start(w->engine, e);
	w->account = rc == ERR_OK ? engine_account(w->engine, 0) : 0;
	return rc;
}

static void
stop(struct world *w)
{
	engine_free(w->engine, 5000);
	w->engine = NULL;
}

static enum err
sync_all(struct world *w, struct error *e)
{
	struct job job = { .kind = JOB_SYNC, .account = w->account };
	job_id id = engine_submit(w->engine, &job);
	struct pollfd p = { .fd = engine_fd(w->engine), .events = POLLIN };
	struct event ev;

	for (int left = PATIENCE_MS; left > 0; left -= 50) {
		poll(&p, 1, 50);
		while (engine_next(w->engine, &ev)) {
			if (ev.kind == EV_DONE && ev.job == id) {
				*e = ev.u.done;
				return ev.u.done.code;
			}
		}
	}
	return error_set(e, ERR_LOCAL, "the sync does not end");
}

/* Until all that was decided is carried out. */
static enum err
settle(struct world *w, struct error *e)
{
	struct event ev;

	for (int left = PATIENCE_MS; left > 0; left -= 5) {
		if (store_intents_pending(engine_store(w->engine), w->account) == 0)
			return sync_all(w, e);
		while (engine_next(w->engine, &ev))
			;
		usleep(5000);
	}
	return error_set(e, ERR_LOCAL, "intents are pending for ever");
}

/* ---- the act ---- */

static enum err
delete_two(struct world *w, struct error *e)
{
	struct act act = { .kind = ACT_DELETE };
	struct uidset uids = {0};
	struct arena a = {0};
	struct folder inbox;
	msg_id msgs[2];
	size_t n = 0;
	char label[200];

	assert_true(store_folder_by_role(engine_store(w->engine), w->account, ROLE_INBOX, &a,
		&inbox));
	enum err rc = store_uids(engine_store(w->engine), inbox.id, &uids, e);
	for (uint32_t uid = 0; rc == ERR_OK && n < 2 && (uid = uidset_next(&uids, uid)) != 0;)
		msgs[n++] = msg_id_of(inbox.id, uid);
	if (rc == ERR_OK)
		rc = engine_act(w->engine, &act, msgs, n, label, sizeof label, e);
	uidset_clear(&uids);
	arena_clear(&a);
	return rc;
}

static enum err
act(struct power *p)
{
	struct world *w = p->world;
	enum err rc = start(w, &p->e);

	if (rc == ERR_OK)
		rc = sync_all(w, &p->e);
	if (rc == ERR_OK)
		rc = delete_two(w, &p->e);
	if (rc == ERR_OK)
		rc = settle(w, &p->e);
	stop(w);
	return rc;
}

/* ---- the census ---- */

struct counting {
	struct world *w;
	bool is_trash;
	size_t n;
};

static bool
count(void *ctx, const struct mbox_msg *m, const char *head, size_t n_head)
{
	struct counting *c = ctx;
	const char *id = memmem(head, n_head, "<", 1);
	int number = id ? atoi(id + 1) : -1;

	assert_in_range(number, 0, N_MAILS - 1);
	assert_int_equal(7, m->end_pos - m->body_pos);
	c->w->n[number]++;
	c->w->is_trashed[number] = c->is_trash;
	c->n++;
	return true;
}

/* What the file holds, and that the index says as many. */
static void
count_folder(struct world *w, const char *name, enum folder_role role)
{
	struct counting c = { .w = w, .is_trash = role == ROLE_TRASH };
	struct arena a = {0};
	struct folder f;
	struct error e;
	char *path = path_join(w->conf.receive.path, name);

	if (mbox_scan(path, 0, count, &c, NULL, &e) != ERR_OK)
		fail_msg("%s: %s", name, e.text);
	assert_true(store_folder_by_role(engine_store(w->engine), w->account, role, &a, &f));
	if (f.n_msgs != c.n)
		fail_msg("%s: %zu messages, the index says %u", name, c.n, f.n_msgs);
	arena_clear(&a);
	free(path);
}

static void
look(struct power *p)
{
	struct world *w = p->world;
	struct error e;

	memset(w->n, 0, sizeof w->n);
	if (start(w, &e) != ERR_OK || sync_all(w, &e) != ERR_OK || settle(w, &e) != ERR_OK)
		fail_msg("%s", e.text);
	count_folder(w, "inbox", ROLE_INBOX);
	count_folder(w, "Trash", ROLE_TRASH);
	stop(w);
	for (int i = 0; i < N_MAILS; i++) {
		if (w->n[i] != 1 || (i > 1 && w->is_trashed[i]))
			fail_msg("message %d stands %zu times%s", i, w->n[i],
				w->is_trashed[i] ? ", in Trash" : "");
	}
	assert_true(w->is_trashed[0] == w->is_trashed[1]);
	assert_true(w->is_trashed[0] || !power_has_mark(p, POWER_ACKED));
}

static const struct play deciding = { set_up, act, NULL, look, tear_down, 90 };

static void
test_deciding_power(void **state)
{
	(void)state;
	power_at_every_point(&deciding);
}

TEST_MAIN(T(test_deciding_power))
