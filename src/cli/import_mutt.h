/* import_mutt.h - what a muttrc says, read and not yet understood. */
#ifndef DUNLIN_CLI_IMPORT_MUTT_H
#define DUNLIN_CLI_IMPORT_MUTT_H

#include "import.h"
#include "import_lex.h"

struct mutt_var {
	/* without '_', lower case: spool_file is spoolfile; my_ names as they are */
	const char *name;
	const char *value;		/* "yes", "no" of a boolean */
	const char *command;		/* what stood in backticks, not run; NULL: nothing */
	const char *unknown;		/* the first $name in it that nobody set; NULL: none */
	bool is_command;		/* it is what the command prints, and nothing else */
	bool is_unset;
	size_t item;
};

struct mutt_vars {
	struct mutt_var *v;
	size_t n, cap;
};

enum mutt_hook_kind { HOOK_FOLDER, HOOK_ACCOUNT, HOOK_MACRO };

/* Settings that hold in some folders only, or from the moment a macro is typed. */
struct mutt_hook {
	enum mutt_hook_kind kind;
	const char *pattern;		/* HOOK_MACRO: the key */
	const char *menus;		/* HOOK_MACRO */
	bool is_not;			/* where the pattern does not fit */
	const char *commands;
	const char *source;		/* the file it reads; NULL: none */
	const char *file;
	int line;
	struct mutt_vars vars;		/* what it sets */
	size_t item;
	const char *account;		/* the account it turned out to make; NULL: none */
};

/* alias: name, addresses; alternates, mailboxes: name */
struct mutt_pair {
	const char *name, *value;
	size_t item;
};

struct mutt_list {
	struct mutt_pair *v;
	size_t n, cap;
};

struct mutt {
	struct import *im;
	struct mutt_vars vars;		/* as the file leaves them */
	struct mutt_vars env;		/* of setenv */
	struct mutt_hook *hooks;
	size_t n_hooks, cap_hooks;
	struct mutt_list aliases, alternates, mailboxes, nots;	/* nots: names no alternates */
	/* a `source "command|"`, which was not run: may hold what is unknown */
	const char *unread_source;
	bool has_rich_first, has_plain_first;	/* alternative_order */
	const char *from;		/* of my_hdr From: */
	size_t from_item;

	/* while it is being read */
	struct mutt_vars *into;		/* of the file, or of a hook */
	const char *file;
	int line, depth;
	size_t n_bytes;
	const char *stack[12];
	bool is_done;			/* `finish` */
};

/* Looks in the hook's variables, then in the file's. NULL: unset, or never set. */
const struct mutt_var *mutt_var(const struct mutt_vars *v, const char *name);
void mutt_vars_set(struct import *im, struct mutt_vars *vars, const struct mutt_var *v);
const char *mutt_var_name(struct import *im, const char *name);
void mutt_list_add(struct mutt_list *l, const char *name, const char *value, size_t item);
/* The word with names and backticks as the file's variables are now; *v gets value, command,
 * unknown. */
void mutt_take_word(struct mutt *m, struct mutt_text *t, unsigned flags, struct mutt_var *v);
/* Reads another file of that name, unless that would go too deep. */
void mutt_source(struct mutt *m, const char *name, size_t item);
/* import_commands.c: the commands of a line. */
void mutt_commands(struct mutt *m, const char *line);
/* ~/x, and x below the directory of the file that says it. */
const char *mutt_path(struct mutt *m, const char *path);

/* ---- import_set.c: set, unset, toggle, reset ---- */
void mutt_set(struct mutt *m, struct mutt_text *t, const char *how);

/* ---- import_keys.c ---- */
void mutt_bind(struct mutt *m, struct mutt_text *t, bool is_macro, size_t item);
/* Takes out what one binding hides of another; to be called when all are there. */
void mutt_keys_finish(struct mutt *m);

/* ---- import_functions.c, import_macro.c, import_query.c ---- */
/* Our command for one of mutt's functions in our view. NULL: none, and *why says so, or is
 * NULL where nothing is known of such a function. */
const char *mutt_function(const char *name, const char *view, const char **why);
/* the functions that are known; NULL behind the last */
const char *mutt_function_at(size_t i);
/* Our command line for what a macro types; NULL and *why as above. */
const char *mutt_macro(struct mutt *m, const char *view, const char *body, const char **why);
/* A macro that reads the settings of an account becomes a hook: true. */
bool mutt_macro_account(struct mutt *m, const char *menus, const char *key, const char *body,
	size_t item);
/* A pattern as a query; NULL: it cannot be said. */
const char *mutt_query(struct import *im, const char *pattern);

/* ---- import_colors.c ---- */
void mutt_color(struct mutt *m, struct mutt_text *t, size_t item);

/* ---- import_accounts.c, import_folders.c, import_settings.c, import_people.c ---- */
void mutt_accounts(struct mutt *m);
/* "=Sent", "imaps://host/Sent", "!" as the folder list names it; NULL: it is none on the
 * server of these settings. */
const char *mutt_folder(struct mutt *m, const struct mutt_vars *vars, const char *value);
/* What of these is for what, into the section of the account. */
void mutt_account_folders(struct mutt *m, const struct mutt_vars *vars, const char *account);
void mutt_settings(struct mutt *m);
/* ---- import_attribution.c ---- */
void mutt_attribution(struct mutt *m);
void mutt_aliases(struct mutt *m);
/* The muttrc's alternates that are plain addresses, for the accounts. */
void mutt_identities(struct mutt *m);
/* A list of addresses as a muttrc writes them, as a mailrc does; names of aliases are put in.
 * NULL: one is none. */
const char *mutt_addresses(struct mutt *m, const char *list, int depth);

/* ---- import_local.c: what other programs' files say of servers ---- */
/* msmtp's account as comments of ours; what mbsync fetches as accounts. */
void mutt_msmtp(struct import *im, const char *account, const char *sendmail);
bool mutt_mbsync(struct import *im);

#endif
