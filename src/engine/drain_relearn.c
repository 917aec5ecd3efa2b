/* drain_relearn.c - a ledger that was lost, from the mbox files that were not.
 *
 * With no ledger at all and mail in the account's files, every message of the server is compared with what is here,
 * by the hash of its header (TOP n 0), before anything is downloaded. One that is here with the very length that the
 * server tells counts as downloaded. One of another length, which a program may have written to, or that lost the
 * Status of its sender, is not downloaded again and never deleted there; and what is here with less than that is
 * torn, and is downloaded. A stub says itself what it is. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "drain_int.h"
#include "log.h"
#include "path.h"

enum { MAX_DEPTH = 4, SLACK_BYTES = 512 };

/* A message that is here. */
struct known {
	const char *path;
	uint64_t pos, hash;		/* in the file */
	struct stub stub;		/* size 0: none */
};

struct files {
	struct pass *p;
	const char *path;		/* the file being read */
	struct known *v;
	size_t n, cap;
};

/* ---- what is here ---- */

static bool
note(void *ctx, const struct mbox_msg *m, const char *head, size_t n_head)
{
	struct files *f = ctx;
	struct known k = { .path = f->path, .pos = m->from_pos, .hash = m->hash };

	if (!stub_parse(&k.stub, head, n_head))
		k.stub = (struct stub){0};
	f->v = array_grow(f->v, f->n, &f->cap, sizeof *f->v);
	f->v[f->n++] = k;
	return true;
}

/* A file that cannot be read keeps nobody from downloading. */
static enum err
read_file(struct files *f, const char *path, struct error *e)
{
	f->path = arena_strdup(&f->p->plan.arena, path);
	enum err rc = mbox_scan(path, 0, note, f, f->p->d->cancel, e);

	if (rc == ERR_FOLDER || rc == ERR_LOCAL)
		log_msg("%s: not looked into: %s", path, e->text);
	return rc == ERR_CANCELLED ? rc : ERR_OK;
}

static enum err
read_below(struct files *f, const char *dir, int depth, struct error *e)
{
	struct dirent **names;
	int n = scandir(dir, &names, NULL, alphasort);
	enum err rc = ERR_OK;

	for (int i = 0; i < n; i++) {
		char *path = path_join(dir, names[i]->d_name);
		struct stat st;
		if (rc == ERR_OK && names[i]->d_name[0] != '.' && stat(path, &st) == 0) {
			if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH)
				rc = read_below(f, path, depth + 1, e);
			else if (S_ISREG(st.st_mode) && st.st_size > 0 && mbox_looks_like(path))
				rc = read_file(f, path, e);
		}
		free(path);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return rc;
}

static enum err
read_all(struct files *f, struct error *e)
{
	char *dir = xstrdup(f->p->d->inbox), *slash = strrchr(dir, '/');
	enum err rc = ERR_OK;

	if (slash) {
		*slash = '\0';
		rc = read_below(f, dir, 0, e);
	}
	free(dir);
	return rc;
}

/* ---- what of it the server has ---- */

struct length {
	uint64_t bytes, lines;
};

static enum err
count(void *ctx, const void *p, size_t n, struct error *e)
{
	struct length *l = ctx;

	(void)e;
	l->bytes += n;
	for (const char *c = p, *end = c + n; c < end && (c = memchr(c, '\n', (size_t)(end - c))); c++)
		l->lines++;
	return ERR_OK;
}

/* Servers count CRLF or LF; a last line without end got one here. False: something of it is missing. */
static bool
compare(const struct known *k, uint64_t size_bytes, enum pop3_state *state)
{
	struct length l = {0};

	if (k->stub.size_bytes > 0) {
		*state = POP3_HEADER;
		return k->stub.size_bytes == size_bytes;
	}
	*state = POP3_FOUND;
	if (mbox_read(k->path, k->pos, k->hash, count, &l, NULL) != ERR_OK)
		return false;
	uint64_t crlf = l.bytes + l.lines;
	if (crlf == size_bytes || crlf == size_bytes + 2 || l.bytes == size_bytes)
		*state = POP3_HERE;
	return *state == POP3_HERE || crlf + SLACK_BYTES >= size_bytes;
}

/* As if the ledger knew them by their headers alone. */
static void
make_entries(struct files *f)
{
	struct plan *plan = &f->p->plan;

	plan->n_entries = f->n;
	plan->entries = arena_alloc(&plan->arena, f->n * sizeof *plan->entries);
	for (size_t i = 0; i < f->n; i++)
		plan->entries[i] = (struct pop3_entry){ .uidl = "", .state = POP3_FOUND,
			.hash = f->v[i].stub.size_bytes ? f->v[i].stub.hash : f->v[i].hash };
}

/* Durably, before anything else happens. */
static enum err
record(struct files *f, struct error *e)
{
	struct pass *p = f->p;
	struct plan *plan = &p->plan;
	struct pop3_entry *v = xcalloc(plan->n + 1, sizeof *v);
	size_t n = 0;

	for (size_t i = 0; i < plan->n; i++) {
		struct plan_item *item = &plan->v[i];
		enum pop3_state state;
		if (!item->entry)
			continue;
		if (!compare(&f->v[item->entry - plan->entries], item->m.size_bytes, &state)) {
			item->entry = NULL;
			continue;
		}
		*item->entry = (struct pop3_entry){ .uidl = item->m.uidl, .hash = item->hash, .state = state,
			.size_bytes = item->m.size_bytes, .fetched = p->now, .listed = p->now };
		v[n++] = *item->entry;
	}
	enum err rc = n > 0 ? store_pop3_learn(p->d->store, p->d->cfg->account, v, n, e) : ERR_OK;
	for (size_t i = 0, k = 0; i < plan->n && rc == ERR_OK; i++) {
		if (plan->v[i].entry)
			plan->v[i].entry->id = v[k++].id;
	}
	free(v);
	if (rc == ERR_OK && n > 0) {
		struct error told;
		error_set(&told, ERR_OK, "%zu message%s of the server %s here already", n, n == 1 ? "" : "s",
			n == 1 ? "is" : "are");
		p->d->notice(p->d->ctx, &told);
	}
	return rc;
}

enum err
relearn(struct pass *p, struct error *e)
{
	struct files f = { .p = p };
	enum err rc = p->plan.n > 0 ? read_all(&f, e) : ERR_OK;

	if (rc == ERR_OK && f.n > 0) {
		make_entries(&f);
		plan_by_uidl(&p->plan);
		rc = pass_find_hashes(p, e);
		if (rc == ERR_OK) {
			plan_by_hash(&p->plan);
			rc = record(&f, e);
		}
	} else if (rc == ERR_OK) {
		plan_by_uidl(&p->plan);
	}
	free(f.v);
	return rc;
}
