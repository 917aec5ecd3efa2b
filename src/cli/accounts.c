/* accounts.c - see accounts.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts.h"
#include "query.h"
#include "str.h"
#include "utf8.h"

bool
account_is_named(const struct rc_account *a, char *const *names, int n)
{
	bool is = n == 0;

	for (int i = 0; i < n; i++)
		is = is || str_eq(a->name, names[i]);
	return is;
}

static void
tell_unknown(const char *name, const char *const *valid)
{
	const char *near = nearest_word(name, valid);
	char *clean = text_clean_dup(name);

	fprintf(stderr, "dunlin: no account '%s' in the mailrc", clean);
	if (near)
		fprintf(stderr, " (did you mean '%s'?)", near);
	fputc('\n', stderr);
	free(clean);
}

int
accounts_unknown(const struct rc *rc, char *const *names, int n)
{
	const char **valid = xcalloc(rc->n_accounts + 1, sizeof *valid);
	int n_unknown = 0;

	for (size_t i = 0; i < rc->n_accounts; i++)
		valid[i] = rc->accounts[i].name;
	for (int i = 0; i < n; i++) {
		bool is_known = false;
		for (size_t k = 0; k < rc->n_accounts; k++)
			is_known = is_known || str_eq(valid[k], names[i]);
		if (!is_known)
			tell_unknown(names[i], valid);
		n_unknown += !is_known;
	}
	free(valid);
	return n_unknown;
}
