/* tree.h - accounts and folders as rows: a heading each account, below it the hierarchy of its
 * names, what is folded left out. No drawing. */
#ifndef DUNLIN_UI_TREE_H
#define DUNLIN_UI_TREE_H

#include "idset.h"
#include "store.h"
#include "str.h"

enum tree_kind { TREE_ALL_INBOXES, TREE_ACCOUNT, TREE_FOLDER };

struct tree_row {
	enum tree_kind kind;
	account_id account;
	const struct folder *folder;	/* TREE_FOLDER */
	const char *name;		/* what its parent's name does not say already */
	int depth;
	bool has_children, is_folded;
	uint32_t n_msgs, n_unread;	/* as far as known, of what is folded away too */
};

struct tree {
	struct tree_row *rows;
	size_t n, cap;
	struct idset folds;		/* folder ids; an account's as tree_account_key */
	struct arena arena;
};

uint64_t tree_account_key(account_id id);
void tree_begin(struct tree *t);	/* empties it; the folds stay */
void tree_add_all_inboxes(struct tree *t);
void tree_add_account(struct tree *t, const struct store *s, account_id id, const char *name);
void tree_end(struct tree *t);		/* sums up for the row of all inboxes */
void tree_clear(struct tree *t);

/* The row of the folder, or of what it is folded away in. */
size_t tree_nearest(const struct tree *t, const struct folder *f);

/* The folds as text, to be kept over a restart, and back. */
void tree_print_folds(const struct tree *t, struct str *out);
void tree_parse_folds(struct tree *t, const char *text);

#endif
