/* tree.c - the store gives folders in display order, but flat; a folder's parent is the one
 * with the longest name that its own begins with. Where a level is missing on the server, the
 * name shown says more than one level. */
#include <stdlib.h>
#include <string.h>

#include "str.h"
#include "tree.h"

enum { FOLDS_MAX = 10000 };

uint64_t
tree_account_key(account_id id)
{
	return (uint64_t)1 << 40 | id;
}

static struct tree_row *
add_row(struct tree *t)
{
	t->rows = array_grow(t->rows, t->n, &t->cap, sizeof *t->rows);
	t->rows[t->n] = (struct tree_row){ 0 };
	return &t->rows[t->n++];
}

void
tree_begin(struct tree *t)
{
	t->n = 0;
	arena_clear(&t->arena);
}

void
tree_add_all_inboxes(struct tree *t)
{
	struct tree_row *r = add_row(t);

	r->kind = TREE_ALL_INBOXES;
	r->name = "All inboxes";
}

static void
count(const struct folder *f, uint32_t *n_msgs, uint32_t *n_unread)
{
	bool is_known = f->is_filled;

	*n_msgs += is_known || f->n_msgs > f->n_server ? f->n_msgs : f->n_server;
	*n_unread += is_known || f->n_unread > f->n_server_unread
		? f->n_unread : f->n_server_unread;
}

/* A folder's place among the others, by index; -1: none. A server may have as many folders as
 * it likes, so nothing here compares each with each. */
struct node {
	int parent, child, next;	/* child: the last one; next: the sibling before it */
	uint32_t n_msgs, n_unread;	/* of all that is below, too */
};

struct forest {
	const struct folder *f;
	struct node *v;
	int last_root;
	size_t n;
};

/* The order of names in which all that is below a folder stands right behind it. */
static int
by_hierarchy(const void *a, const void *b, void *ctx)
{
	const struct folder *f = ctx;
	const unsigned char *x = (const unsigned char *)f[*(const int *)a].name;
	const unsigned char *y = (const unsigned char *)f[*(const int *)b].name;

	while (*x && *x == *y)
		x++, y++;
	return (*x == '/' ? 1 : *x ? *x + 1 : 0) - (*y == '/' ? 1 : *y ? *y + 1 : 0);
}

static bool
is_above(const char *name, const char *other)
{
	size_t n = strlen(name);

	return n > 0 && strncmp(name, other, n) == 0 && other[n] == '/';
}

static void
find_parents(struct forest *x)
{
	int *order = xcalloc(x->n + 1, sizeof *order);

	for (size_t i = 0; i < x->n; i++)
		order[i] = (int)i;
	qsort_r(order, x->n, sizeof *order, by_hierarchy, (void *)x->f);
	for (size_t i = 0; i < x->n; i++) {
		struct node *node = &x->v[order[i]];
		int above = i > 0 ? order[i - 1] : -1;
		while (above >= 0 && !is_above(x->f[above].name, x->f[order[i]].name))
			above = x->v[above].parent;
		node->parent = above;
		count(&x->f[order[i]], &node->n_msgs, &node->n_unread);
	}
	/* what is below comes first: sums are complete */
	for (size_t i = x->n; i-- > 0;) {
		const struct node *node = &x->v[order[i]];
		if (node->parent < 0)
			continue;
		x->v[node->parent].n_msgs += node->n_msgs;
		x->v[node->parent].n_unread += node->n_unread;
	}
	free(order);
}

static void
make_forest(struct forest *x)
{
	x->v = xcalloc(x->n + 1, sizeof *x->v);
	x->last_root = -1;
	for (size_t i = 0; i < x->n; i++)
		x->v[i].child = -1;
	find_parents(x);
	for (size_t i = 0; i < x->n; i++) {
		int parent = x->v[i].parent;
		int *last = parent < 0 ? &x->last_root : &x->v[parent].child;
		x->v[i].next = *last;
		*last = (int)i;
	}
}

static void
add_folder(struct tree *t, const struct forest *x, int i, int depth)
{
	struct tree_row *r = add_row(t);
	const struct node *node = &x->v[i];
	size_t skip = node->parent < 0 ? 0 : strlen(x->f[node->parent].name) + 1;

	r->kind = TREE_FOLDER;
	r->account = x->f[i].account;
	r->folder = &x->f[i];
	r->name = x->f[i].name + skip;
	r->depth = depth;
	r->has_children = node->child >= 0;
	r->is_folded = r->has_children && idset_has(&t->folds, x->f[i].id);
	if (r->is_folded) {			/* it counts for what it hides */
		r->n_msgs = node->n_msgs;
		r->n_unread = node->n_unread;
	} else {
		count(&x->f[i], &r->n_msgs, &r->n_unread);
	}
}

/* In preorder; folded ones are not entered. Without recursion: names may be as deep as a
 * server likes. */
static void
add_folders(struct tree *t, const struct forest *x)
{
	int *stack = xcalloc(x->n + 1, sizeof *stack), *depths = xcalloc(x->n + 1,
		sizeof *depths);
	size_t top = 0;

	for (int k = x->last_root; k >= 0; k = x->v[k].next)
		stack[top++] = k;
	while (top > 0) {
		int i = stack[--top];
		add_folder(t, x, i, depths[i]);
		if (t->rows[t->n - 1].is_folded)
			continue;
		for (int k = x->v[i].child; k >= 0; k = x->v[k].next) {
			stack[top++] = k;
			depths[k] = depths[i] + 1;
		}
	}
	free(stack);
	free(depths);
}

void
tree_add_account(struct tree *t, const struct store *s, account_id id, const char *name)
{
	struct folder *f;
	struct forest x = { .n = store_folders(s, id, &t->arena, &f) };
	struct tree_row *r = add_row(t);

	r->kind = TREE_ACCOUNT;
	r->account = id;
	r->name = name;
	r->is_folded = idset_has(&t->folds, tree_account_key(id));
	r->has_children = x.n > 0;
	for (size_t i = 0; r->is_folded && i < x.n; i++)
		count(&f[i], &r->n_msgs, &r->n_unread);
	if (r->is_folded)
		return;
	x.f = f;
	make_forest(&x);
	add_folders(t, &x);
	free(x.v);
}

void
tree_end(struct tree *t)
{
	if (t->n == 0 || t->rows[0].kind != TREE_ALL_INBOXES)
		return;
	for (size_t i = 1; i < t->n; i++) {
		const struct tree_row *r = &t->rows[i];
		if (r->kind == TREE_FOLDER && r->folder->role == ROLE_INBOX)
			count(r->folder, &t->rows[0].n_msgs, &t->rows[0].n_unread);
	}
}

void
tree_clear(struct tree *t)
{
	free(t->rows);
	idset_clear(&t->folds);
	arena_clear(&t->arena);
	*t = (struct tree){ 0 };
}

void
tree_print_folds(const struct tree *t, struct str *out)
{
	size_t at = 0;
	uint64_t key;

	while ((key = idset_next(&t->folds, &at)))
		str_printf(out, "%s%llu", out->len ? "," : "", (unsigned long long)key);
}

void
tree_parse_folds(struct tree *t, const char *text)
{
	char *end;

	idset_clear(&t->folds);
	for (int n = 0; *text && n < FOLDS_MAX; n++, text = *end ? end + 1 : end) {
		unsigned long long key = strtoull(text, &end, 10);
		if (end == text || (*end && *end != ','))
			return;
		if (key)
			idset_add(&t->folds, key);
	}
}

size_t
tree_nearest(const struct tree *t, const struct folder *f)
{
	size_t best = 0, longest = 0;

	for (size_t i = 0; i < t->n; i++) {
		const char *name = t->rows[i].folder ? t->rows[i].folder->name : "";
		size_t n = strlen(name) + 1;
		bool is_above = n == 1 || (str_starts(f->name, name) &&
			(f->name[n - 1] == '/' || f->name[n - 1] == '\0'));
		if (t->rows[i].account == f->account && is_above && n > longest) {
			best = i;
			longest = n;
		}
	}
	return best;
}
