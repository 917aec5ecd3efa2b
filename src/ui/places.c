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
	for (size_t k = 0; k < p->n_names; k++)
		idset_clear(&p->meant[k]);
	free(p->meant);
	*p = (struct places){ 0 };
}

static bool
is_in(void *ctx, size_t place, folder_id folder)
{
	const struct places *p = ctx;

	return place < p->n_names && idset_has(&p->meant[place], folder);
}

static void
look_at(struct places *p, const char *const *names, const struct folder *f,
	const char *account)
{
	for (size_t k = 0; k < p->n_names; k++)
		if (place_means(names[k], f, account ? account : ""))
			idset_add(&p->meant[k], f->id);
}

struct seen {
	struct idset folders, accounts;
};

/* The folder, and all others of its account: each by itself would cost two reads. */
static void
look_up(struct places *p, const struct store *s, const char *const *names, folder_id id,
	struct seen *seen)
{
	struct arena a = { 0 };
	struct folder one, *v;
	account_id account = store_folder_account(s, id);
	char *name = store_account_name(s, account);
	bool is_first = !idset_has(&seen->accounts, account);
	size_t n = is_first ? store_folders(s, account, &a, &v) : 0;

	for (size_t i = 0; i < n; i++) {
		look_at(p, names, &v[i], name);
		idset_add(&seen->folders, v[i].id);
	}
	idset_add(&seen->accounts, account);
	if (!idset_has(&seen->folders, id) && store_folder(s, id, &a, &one))
		look_at(p, names, &one, name);		/* gone from the server */
	free(name);
	arena_clear(&a);
}

void
places_load(struct places *p, const struct store *s, struct query *q, const folder_id *folders,
	size_t n)
{
	const char *const *names;
	struct seen seen = { 0 };

	places_clear(p);
	query_ask_place(q, is_in, p);
	if ((p->n_names = query_places(q, &names)) == 0)
		return;
	p->meant = xcalloc(p->n_names, sizeof *p->meant);
	for (size_t f = 0; f < n; f++)
		if (!idset_has(&seen.folders, folders[f]))
			look_up(p, s, names, folders[f], &seen);
	idset_clear(&seen.folders);
	idset_clear(&seen.accounts);
}

bool
places_name(const struct places *p, folder_id folder)
{
	for (size_t k = 0; k < p->n_names; k++)
		if (idset_has(&p->meant[k], folder))
			return true;
	return false;
}
