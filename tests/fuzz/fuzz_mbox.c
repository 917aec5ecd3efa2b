/* Any bytes are an mbox or refused: its messages tile it, are found again by place and from
 * the end, and written anew they are as many, with the same headers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "mbox.h"
#include "str.h"

enum { MOST = 4000 };

struct all {
	struct mbox_msg v[MOST];
	size_t n;
};

static bool
collect(void *ctx, const struct mbox_msg *m, const char *head, size_t n_head)
{
	struct all *a = ctx;

	must(m->from_pos < m->head_pos && m->head_pos <= m->body_pos &&
		m->body_pos <= m->end_pos);
	must(a->n == 0 || a->v[a->n - 1].end_pos <= m->from_pos);
	must(n_head <= m->body_pos - m->head_pos && (n_head == 0 || head));
	a->v[a->n++] = *m;
	return a->n < MOST;
}

static bool
compare(void *ctx, const struct mbox_msg *m, const char *head, size_t n_head)
{
	struct all *a = ctx;

	(void)head;
	(void)n_head;
	must(a->v[a->n].from_pos == m->from_pos && a->v[a->n].hash == m->hash);
	must(a->v[a->n].flags == m->flags && a->v[a->n].body_pos == m->body_pos);
	a->n++;
	return true;
}

static enum err
to_str(void *ctx, const void *p, size_t n, struct error *e)
{
	(void)e;
	str_add(ctx, p, n);
	return ERR_OK;
}

struct text {
	const char *p;
	size_t left;
};

static enum err
from_text(void *ctx, char *buf, size_t size, size_t *n, struct error *e)
{
	struct text *t = ctx;

	(void)e;
	*n = t->left < size ? t->left : size;
	memcpy(buf, t->p, *n);
	t->p += *n;
	t->left -= *n;
	return ERR_OK;
}

/* Into a new file: what is read is one message there, known by the hash that was foretold. */
static void
copy_all(const char *path, const struct all *a, const char *copy_path, int copy)
{
	static struct all again;
	size_t n = 0;

	must(ftruncate(copy, 0) == 0);
	static uint64_t hashes[MOST];
	for (size_t i = 0; i < a->n; i++) {
		struct str s = {0};
		struct mbox_encoded out;
		must(mbox_read(path, a->v[i].from_pos, a->v[i].hash, to_str, &s,
			NULL) == ERR_OK);
		struct text t = { str_get(&s), s.len };
		struct mbox_source src = { &t, from_text };
		must(mbox_encode_at(copy, &src, a->v[i].flags, 0, NULL, &out, NULL) == ERR_OK);
		hashes[n++] = out.hash;
		str_clear(&s);
	}
	again.n = 0;
	must(mbox_scan(copy_path, 0, collect, &again, NULL, NULL) == ERR_OK);
	must(again.n == n);
	for (size_t i = 0; i < n; i++)
		must(again.v[i].hash == hashes[i]);
}

static void
check_tail(const char *path, struct all *a)
{
	static struct all tail;
	uint64_t from;

	tail.n = 0;
	must(mbox_tail(path, 2, &from, NULL) == ERR_OK);
	must(mbox_scan(path, from, collect, &tail, NULL, NULL) == ERR_OK);
	must(from == 0 ? tail.n == a->n : tail.n >= 2 && tail.n <= a->n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static int fds[2] = { -1, -1 };
	static char paths[2][64];
	static struct all a;
	static uint64_t pos[MOST];

	for (int i = 0; i < 2 && fds[i] < 0; i++) {
		fds[i] = memfd_create("mbox", 0);
		snprintf(paths[i], sizeof paths[i], "/proc/self/fd/%d", fds[i]);
	}
	must(ftruncate(fds[0], 0) == 0 && pwrite(fds[0], data, n, 0) == (ssize_t)n);
	a.n = 0;
	if (mbox_scan(paths[0], 0, collect, &a, NULL, NULL) != ERR_OK || a.n == MOST)
		return 0;
	for (size_t i = 0; i < a.n; i++)
		pos[i] = a.v[i].from_pos;
	size_t n_all = a.n;
	a.n = 0;
	must(mbox_heads(paths[0], pos, n_all, compare, &a, NULL, NULL) == ERR_OK &&
		a.n == n_all);
	copy_all(paths[0], &a, paths[1], fds[1]);
	check_tail(paths[0], &a);
	return 0;
}
