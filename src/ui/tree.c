/* tree.c - the store gives folders in display order, but flat; a folder's parent is the one
 * with the longest name that its own begins with. Where a level is missing on the server, the
 * name shown says more than one level. */
#include <stdlib.h>
#include <string.h>

#include "str.h"
#include "tree.h"

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

/* The folders of one account with their parents by index; -1: none. */
struct forest {
	const struct folder *f;
	int *parent;
	size_t n;
};

static int
find_parent(const struct forest *x, size_t i)
{
	size_t best_len = 0;
	int best = -1;

	for (size_t k = 0; k < x->n; k++) {
		size_t len = strlen(x->f[k].name);
		if (k != i && len > best_len && x->f[i].name[len] == '/'
			&& strncmp(x->f[i].name, x->f[k].name, len) == 0) {
			best = (int)k;
			best_len = len;
		}
	}
	return best;
}

static void
count(const struct folder *f, uint32_t *n_msgs, uint32_t *n_unread)
{
	bool is_known = f->is_filled;

	*n_msgs += is_known || f->n_msgs > f->n_server ? f->n_msgs : f->n_server;
	*n_unread += is_known || f->n_unread > f->n_server_unread ? f->n_unread : f->n_server_unread;
}

static bool
is_below(const struct forest *x, int i, int above)
{
	while (i >= 0 && i != above)
		i = x->parent[i];
	return i >= 0;
}

/* A folded row counts for what it hides. */
static void
count_row(const struct forest *x, int i, struct tree_row *r)
{
	count(&x->f[i], &r->n_msgs, &r->n_unread);
	for (size_t k = 0; r->is_folded && k < x->n; k++)
		if ((int)k != i && is_below(x, (int)k, i))
			count(&x->f[k], &r->n_msgs, &r->n_unread);
}

static void
add_folder(struct tree *t, const struct forest *x, int i, int depth)
{
	struct tree_row *r = add_row(t);
	size_t skip = x->parent[i] < 0 ? 0 : strlen(x->f[x->parent[i]].name) + 1;

	r->kind = TREE_FOLDER;
	r->account = x->f[i].account;
	r->folder = &x->f[i];
	r->name = x->f[i].name + skip;
	r->depth = depth;
	r->is_folded = idset_has(&t->folds, x->f[i].id);
	for (size_t k = 0; k < x->n; k++)
		r->has_children |= x->parent[k] == i;
	r->is_folded &= r->has_children;
	count_row(x, i, r);
}

/* The next in preorder behind i that is below `parent`'s hierarchy; folded ones are not
 * entered. Depth-first without recursion: names may be as deep as a server likes. */
static void
add_children(struct tree *t, const struct forest *x)
{
	int *stack = xcalloc(x->n + 1, sizeof *stack), *depths = xcalloc(x->n + 1, sizeof *depths);
	size_t top = 0;

	for (size_t k = x->n; k-- > 0;)
		if (x->parent[k] < 0)
			stack[top++] = (int)k;
	while (top > 0) {
		int i = stack[--top], depth = depths[i];
		add_folder(t, x, i, depth);
		if (t->rows[t->n - 1].is_folded)
			continue;
		for (size_t k = x->n; k-- > 0;) {
			if (x->parent[k] != i)
				continue;
			stack[top++] = (int)k;
			depths[k] = depth + 1;
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
	x.f = f;
	x.parent = xcalloc(x.n + 1, sizeof *x.parent);
	for (size_t i = 0; i < x.n; i++) {
		x.parent[i] = find_parent(&x, i);
		if (r->is_folded)
			count(&f[i], &r->n_msgs, &r->n_unread);
	}
	if (!r->is_folded)
		add_children(t, &x);
	free(x.parent);
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
