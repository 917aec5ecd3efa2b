/* The power goes, the disk fills up, or fsync fails, at every point of what is done to mbox
 * files: delivery, flags, moving, removing.
 *
 * Afterwards every message stands in one folder once, whole, with its old flags or the new
 * ones, and nothing stands between them; what was said to be done is done. */
#include "cancel.h"
#include "local.h"
#include "mbox.h"
#include "mime.h"
#include "power.h"
#include "remove_tree.h"

enum { N_MAILS = 6, NEW = 5, TRASHED = 4, NEW_FLAGS = MSG_SEEN | MSG_FLAGGED };

struct world {
	char dir[64];
	char *mail, *maps;
	struct cancel cancel;
	struct backend *b;
	struct str text[N_MAILS];	/* LF */
	/* the census */
	size_t n[N_MAILS], n_total;
	const char *where[N_MAILS];
	uint32_t flags[N_MAILS];
};

static const char *const folders[] = { "inbox", "Trash", "Archive/2026" };

static void
connect_to(struct world *w)
{
	struct local_config cfg = { .dir = w->mail, .map_dir = w->maps };
	struct error e;

	w->b = local_new(&cfg, &w->cancel);
	if (w->b->ops->connect(w->b, NULL, &e) != ERR_OK)
		fail_msg("%s", e.text);
}

static void
hang_up(struct world *w)
{
	w->b->ops->close(w->b, 0);
	w->b = NULL;
}

static void
write_mail(struct str *s, int number)
{
	str_printf(s, "Message-ID: <%d@x>\nSubject: number %d\n\n", number, number);
	for (int i = 0; i < number * 25; i++)
		str_printf(s, "line %d of message %d\n", i, number);
	if (number % 2)
		str_puts(s,
			"\nFrom ada@example.org Thu Jan  1 00:00:00 2026\nSubject: "
			"quoted\n\n>From bob\n");
}

static enum err
deliver(struct world *w, const char *wire, int number, struct error *e)
{
	struct byte_source src = byte_source_memory(w->text[number].data, w->text[number].len);
	uint32_t uid;

	return w->b->ops->append(w->b, wire, &src, 0, 1000 + number, &uid, e);
}

static void
set_up(struct power *p)
{
	struct world *w = xcalloc(1, sizeof *w);

	mime_init();
	snprintf(w->dir, sizeof w->dir, "%s/dunlin-power-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(w->dir));
	w->mail = path_join(w->dir, "mail");
	w->maps = path_join(w->dir, "maps");
	cancel_init(&w->cancel, NULL);
	connect_to(w);
	for (int i = 0; i < N_MAILS; i++)
		write_mail(&w->text[i], i);
	for (int i = 0; i < NEW; i++)
		assert_int_equal(ERR_OK, deliver(w, i == TRASHED ? "Trash" : "inbox", i,
			NULL));
	hang_up(w);
	p->world = w;
	p->root = w->dir;
}

/* By a program that leaves no room for flags. */
static void
set_up_tight(struct power *p)
{
	struct str s = {0};

	set_up(p);
	struct world *w = p->world;
	char *inbox = path_join(w->mail, "inbox");
	for (int i = 0; i < TRASHED; i++) {
		str_puts(&s, "From ada@example.org Thu Jan  1 00:00:00 2026\n");
		for (const char *line = w->text[i].data, *end;
		    line < w->text[i].data + w->text[i].len; line = end) {
			end = strchr(line, '\n') + 1;
			const char *c = line + strspn(line, ">");
			str_puts(&s, strncmp(c, "From ", 5) == 0 ? ">" : "");
			str_add(&s, line, (size_t)(end - line));
		}
		str_putc(&s, '\n');
	}
	assert_int_equal(ERR_OK, file_write_atomic(inbox, s.data, s.len, NULL));
	str_clear(&s);
	free(inbox);
}

static void
tear_down(struct power *p)
{
	struct world *w = p->world;

	remove_tree(w->dir);
	for (int i = 0; i < N_MAILS; i++)
		str_clear(&w->text[i]);
	cancel_close(&w->cancel);
	free(w->mail);
	free(w->maps);
	free(w);
}

/* ---- the census ---- */

static enum err
into_str(void *ctx, const void *p, size_t n, struct error *e)
{
	(void)e;
	str_add(ctx, p, n);
	return ERR_OK;
}

struct counting {
	struct world *w;
	const char *wire;
	size_t n;
};

static void
note_msg(void *ctx, const struct msg *m)
{
	struct counting *c = ctx;
	int number = atoi(m->message_id);
	struct str text = {0};
	struct byte_sink sink = { .ctx = &text, .write = into_str };
	struct error e;

	if (number < 0 || number >= N_MAILS || c->w->b->ops->fetch(c->w->b, (uint32_t)m->id,
	    "", &sink, &e) != ERR_OK)
		fail_msg("%s: %s: %s", c->wire, m->message_id, e.text);
	if (text.len != c->w->text[number].len || memcmp(text.data, c->w->text[number].data,
	    text.len) != 0)
		fail_msg("%s: message %d is another:\n%s", c->wire, number, str_get(&text));
	c->w->n[number]++;
	c->w->where[number] = c->wire;
	c->w->flags[number] = m->flags & MSG_SERVER_FLAGS;
	c->n++;
	str_clear(&text);
}

static bool
count_mbox(void *ctx, const struct mbox_msg *m, const char *head, size_t n_head)
{
	(void)m, (void)head, (void)n_head;
	++*(size_t *)ctx;
	return true;
}

static void
count_folder(struct world *w, const char *wire)
{
	struct counting c = { .w = w, .wire = wire };
	struct folder_sink none = {0}, sink = { .ctx = &c, .msg = note_msg };
	struct folder_status st;
	struct uidset uids = {0};
	struct error e;
	char *path = path_join(w->mail, wire);
	size_t n = 0;
	bool delta;

	if (w->b->ops->open(w->b, wire, NULL, &none, &st, &delta, &e) != ERR_OK)
		fail_msg("%s: %s", wire, e.text);
	assert_int_equal(ERR_OK, w->b->ops->uids(w->b, &uids, NULL));
	assert_int_equal(ERR_OK, w->b->ops->headers(w->b, &uids, &sink, NULL));
	if (mbox_scan(path, 0, count_mbox, &n, NULL, &e) != ERR_OK)
		fail_msg("%s: %s", wire, e.text);
	if (n != c.n)
		fail_msg("%s: %zu messages, of which %zu are told", wire, n, c.n);
	uidset_clear(&uids);
	free(path);
}

static void
census(struct power *p)
{
	struct world *w = p->world;

	memset(w->n, 0, sizeof w->n);
	connect_to(w);
	for (size_t i = 0; i < LEN(folders); i++)
		count_folder(w, folders[i]);
	hang_up(w);
	for (int i = 0; i < NEW; i++) {
		if (w->n[i] > 1 || (w->n[i] == 0 && i != 0 && i != 2))
			fail_msg("message %d is there %zu times", i, w->n[i]);
	}
	assert_true(w->n[NEW] <= 1);
}

static bool
is_in(const struct world *w, int number, const char *wire)
{
	return w->n[number] == 1 && str_eq(w->where[number], wire);
}

/* ---- acts ---- */

/* The UIDs of those of the messages `wanted` (a bit each) that are in the open inbox. */
struct picking {
	unsigned wanted;
	struct uidset uids;
};

static void
pick(void *ctx, const struct msg *m)
{
	struct picking *x = ctx;

	if (x->wanted & 1u << atoi(m->message_id))
		uidset_add(&x->uids, (uint32_t)m->id);
}

static enum err
open_inbox(struct world *w, unsigned wanted, struct uidset *out, struct error *e)
{
	struct picking x = { .wanted = wanted };
	struct folder_sink none = {0}, sink = { .ctx = &x, .msg = pick };
	struct folder_status st;
	struct uidset all = {0};
	bool delta;
	struct local_config cfg = { .dir = w->mail, .map_dir = w->maps };

	w->b = local_new(&cfg, &w->cancel);
	enum err rc = w->b->ops->connect(w->b, NULL, e);
	if (rc == ERR_OK)
		rc = w->b->ops->open(w->b, "inbox", NULL, &none, &st, &delta, e);
	if (rc == ERR_OK)
		rc = w->b->ops->uids(w->b, &all, e);
	if (rc == ERR_OK)
		rc = w->b->ops->headers(w->b, &all, &sink, e);
	uidset_clear(&all);
	*out = x.uids;
	return rc;
}

/* As the outbox makes a copy: not, where it is found. */
static enum err
add_to(struct power *p, const char *wire)
{
	struct world *w = p->world;
	struct uidset uids;
	enum err rc = open_inbox(w, 0, &uids, &p->e);

	if (rc == ERR_OK)
		rc = w->b->ops->find(w->b, wire, "5@x", 1, &uids, &p->e);
	if (rc == ERR_OK && uids.n == 0)
		rc = deliver(w, wire, NEW, &p->e);
	uidset_clear(&uids);
	hang_up(w);
	return rc;
}

static enum err
act_deliver(struct power *p)
{
	return add_to(p, "inbox");
}

static void
look_deliver(struct power *p)
{
	struct world *w = p->world;

	census(p);
	assert_true(w->n[0] == 1 && w->n[2] == 1);
	assert_true(!power_has_mark(p, POWER_ACKED) || is_in(w, NEW, "inbox"));
}

/* Into a file and a directory that are not there yet. */
static enum err
act_file(struct power *p)
{
	return add_to(p, "Archive/2026");
}

static void
look_file(struct power *p)
{
	struct world *w = p->world;

	census(p);
	assert_true(w->n[0] == 1 && w->n[2] == 1);
	assert_true(!power_has_mark(p, POWER_ACKED) || is_in(w, NEW, "Archive/2026"));
}

static enum err
act_mark(struct power *p)
{
	struct world *w = p->world;
	struct uidset uids;
	enum err rc = open_inbox(w, 15, &uids, &p->e);

	if (rc == ERR_OK)
		rc = w->b->ops->set_flags(w->b, &uids, NEW_FLAGS, 0, &p->e);
	uidset_clear(&uids);
	hang_up(w);
	return rc;
}

static void
look_mark(struct power *p)
{
	struct world *w = p->world;

	census(p);
	for (int i = 0; i < TRASHED; i++) {
		/* Either header is the old or the new: they may lie in two sectors. */
		if (!is_in(w, i, "inbox") || (w->flags[i] & ~NEW_FLAGS) ||
		    (w->flags[i] != NEW_FLAGS && power_has_mark(p, POWER_ACKED)))
			fail_msg("message %d in %s has the flags %x", i, w->where[i],
			w->flags[i]);
	}
}

static enum err
act_move(struct power *p)
{
	struct world *w = p->world;
	struct uid_map map = {0};
	struct uidset uids;
	enum err rc = open_inbox(w, 1 << 1 | 1 << 3, &uids, &p->e);

	if (rc == ERR_OK)
		rc = w->b->ops->move(w->b, &uids, "Trash", &map, &p->e);
	uid_map_clear(&map);
	uidset_clear(&uids);
	hang_up(w);
	return rc;
}

static void
look_move(struct power *p)
{
	struct world *w = p->world;

	census(p);
	assert_true(is_in(w, 0, "inbox") && is_in(w, 2, "inbox"));
	assert_true(is_in(w, 1, "Trash") == is_in(w, 3, "Trash"));
	assert_true(is_in(w, 1, "Trash") || !power_has_mark(p, POWER_ACKED));
}

static enum err
act_remove(struct power *p)
{
	struct world *w = p->world;
	struct uidset uids;
	enum err rc = open_inbox(w, 1 << 0 | 1 << 2, &uids, &p->e);

	if (rc == ERR_OK)
		rc = w->b->ops->expunge(w->b, &uids, &p->e);
	uidset_clear(&uids);
	hang_up(w);
	return rc;
}

static void
look_remove(struct power *p)
{
	struct world *w = p->world;

	census(p);
	assert_true(is_in(w, 1, "inbox") && is_in(w, 3, "inbox"));
	assert_true(w->n[0] == w->n[2]);
	assert_true(w->n[0] == 0 || !power_has_mark(p, POWER_ACKED));
}

static const struct play delivery = { set_up, act_deliver, NULL, look_deliver, tear_down, 7 };
static const struct play filing = { set_up, act_file, NULL, look_file, tear_down, 7 };
static const struct play marking = { set_up, act_mark, NULL, look_mark, tear_down, 3 };
static const struct play rewriting = { set_up_tight, act_mark, NULL, look_mark, tear_down, 5 };
static const struct play moving = { set_up, act_move, NULL, look_move, tear_down, 7 };
static const struct play removing = { set_up, act_remove, NULL, look_remove, tear_down, 5 };

POWER_TESTS(delivery, delivery)
POWER_TESTS(filing, filing)
POWER_TESTS(marking, marking)
POWER_TESTS(rewriting, rewriting)
POWER_TESTS(moving, moving)
POWER_TESTS(removing, removing)

TEST_MAIN(POWER_LIST(delivery), POWER_LIST(filing), POWER_LIST(marking), POWER_LIST(rewriting),
	POWER_LIST(moving), POWER_LIST(removing))
