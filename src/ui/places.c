/* places.c - see places.h. A name is looked for as whole levels of "/account/folder/", so that
 * "dev" does not mean "Development". */
#include <stdlib.h>
#include <string.h>

#include "places.h"
#include "str.h"
#include "utf8.h"

/* A well-known name in whatever language means the folder for that. */
static bool
means_role(const char *name, enum folder_role role)
{
	return role != ROLE_NONE && (str_ieq(name, folder_role_name(role)) ||
		folder_role_by_name(name) == role);
}

bool
place_means(const char *name, const struct folder *f, const char *account)
{
	if (str_ieq(name, "anywhere") || means_role(name, f->role))
		return true;
	char *path = xasprintf("/%s/%s/", account, f->name);
	char *wanted = xasprintf("/%s/", name), *folded = text_fold(wanted);
	bool means = text_contains(path, folded);
	free(path);
	free(wanted);
	free(folded);
	return means;
}

void
places_clear(struct places *p)
{
	free(p->folders);
	free(p->is_meant);
	*p = (struct places){ 0 };
}

static bool
is_meant(const struct places *p, size_t place, folder_id folder)
{
	for (size_t f = 0; f < p->n_folders; f++)
		if (p->folders[f] == folder)
			return p->is_meant[place * p->n_folders + f];
	return false;
}

static bool
is_in(void *ctx, size_t place, folder_id folder)
{
	return is_meant(ctx, place, folder);
}

static void
look_up(struct places *p, const struct store *s, const char *const *names, size_t f)
{
	struct arena a = { 0 };
	struct folder folder;

	if (store_folder(s, p->folders[f], &a, &folder)) {
		char *account = store_account_name(s, folder.account);
		for (size_t k = 0; k < p->n_names; k++)
			p->is_meant[k * p->n_folders + f] = place_means(names[k], &folder,
				account ? account : "");
		free(account);
	}
	arena_clear(&a);
}

void
places_load(struct places *p, const struct store *s, struct query *q, const folder_id *folders,
	size_t n)
{
	const char *const *names;

	places_clear(p);
	p->n_names = query_places(q, &names);
	query_ask_place(q, is_in, p);
	if (p->n_names == 0 || n == 0)
		return;
	p->folders = xmemdup(folders, n * sizeof *folders);
	p->n_folders = n;
	p->is_meant = xcalloc(p->n_names * n, sizeof *p->is_meant);
	for (size_t f = 0; f < n; f++)
		look_up(p, s, names, f);
}

bool
places_name(const struct places *p, folder_id folder)
{
	for (size_t k = 0; k < p->n_names; k++)
		if (is_meant(p, k, folder))
			return true;
	return false;
}
