/* import.h - a mailrc in the making, and what became of each setting that another program's
 * file had.
 *
 * A reader of such a file makes an item of each setting, and a pair of a section where the
 * mailrc says the same. An item about which nobody says anything counts as not taken over.
 * Strings given in are copied, those given out live as long as the import. One thread; nothing
 * here reads or writes a file. */
#ifndef DUNLIN_CLI_IMPORT_H
#define DUNLIN_CLI_IMPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "str.h"

enum { IMPORT_MAX_ITEMS = 20000, IMPORT_NO_ITEM = 0 };
enum import_fate { FATE_OPEN, FATE_TAKEN, FATE_NOT };

struct import_item {
	const char *file, *what, *why;	/* "set sidebar_width"; why: of FATE_NOT */
	int line;
	enum import_fate fate;
};

struct import_pair {
	const char *name, *value;	/* name NULL: value is a comment */
	size_t item;
};

struct import_section {
	const char *kind, *argument;	/* [account work]; argument "": none */
	struct import_pair *pairs;
	size_t n, cap;
	/* all of it is a comment: something is missing that a person has to add */
	bool is_off;
};

struct import {
	struct arena arena;
	struct import_item *items;	/* the first is nobody's: IMPORT_NO_ITEM */
	size_t n_items, cap_items;
	struct import_section *sections;
	size_t n_sections, cap_sections;
	/* what a person has to do or to know, on stderr and above all sections */
	const char **told;
	size_t n_told, cap_told;
};

void import_init(struct import *im);
void import_clear(struct import *im);

/* A setting found at that place; IMPORT_NO_ITEM when there are too many. */
size_t import_item(struct import *im, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* What is said first of an item counts. */
void import_taken(struct import *im, size_t item);
void import_not(struct import *im, size_t item, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool import_is_open(const struct import *im, size_t item);

/* Sets it in the section, made where it is missing, instead of what was set before, and takes
 * the item. A value that cannot stand in a mailrc is refused: false, and the item tells. */
bool import_set(struct import *im, const char *kind, const char *argument, const char *name,
	const char *value, size_t item);
const char *import_get(const struct import *im, const char *kind, const char *argument,
	const char *name);
void import_unset(struct import *im, const char *kind, const char *argument, const char *name);
void import_off(struct import *im, const char *kind, const char *argument);
/* A comment in the section. */
void import_comment(struct import *im, const char *kind, const char *argument,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void import_tell(struct import *im, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The whole as text, sections in the order of the manual. Every line of it reads without a
 * complaint: one that would not becomes a comment, and its item tells why. */
void import_text(struct import *im, struct str *out);
size_t import_n_accounts(const struct import *im);
/* What was not taken over, a line each, and the sum. */
void import_report(const struct import *im, struct str *out);

/* ---- what all readers need ---- */

/* A file of at most 1 MB as UTF-8 (ISO 8859-1 where it is not that),
 * owned; NULL: why is in *e. */
struct error;
char *import_read(const char *path, struct error *e);
/* The same, given to `take` under its path; false: why is in *e. */
bool import_file(struct import *im, const char *path, void (*take)(struct import *im,
	const char *name, const char *text), struct error *e);
/* user@host[:port] behind "scheme://", checked as the mailrc will be; NULL where it makes no
 * URL. port 0: none. */
char *import_url(struct import *im, const char *scheme, const char *user, const char *host,
	unsigned port);
/* A name for an account from a word that may be anything, one that is not taken yet. */
const char *import_account_name(struct import *im, const char *like);
/* The domain's own word: "example" of "ada@mail.example.org" and "imap.example.org". */
const char *import_domain_word(struct import *im, const char *address_or_host);
/* "Ada Example <ada@example.org>", with quotes where the name needs them; name may be NULL. */
const char *import_address(struct import *im, const char *name, const char *address);
/* Whether it can be an address: something, '@', a host. */
bool import_is_address(const char *s);
/* Says where the password stands that is not copied, and what may be put into the account. */
void import_no_password(struct import *im, const char *account, const char *setting,
	const char *theirs,
	size_t item);
/* A name that an alias may have in a mailrc. */
bool import_is_alias(const char *name);

/* The readers. Each returns false when the file cannot be read at all, and *e says why. */
bool import_muttrc(struct import *im, const char *path, struct error *e);
/* .pinerc, and .addressbook beside it */
bool import_alpine(struct import *im, const char *path, struct error *e);
bool import_aerc(struct import *im, const char *dir, struct error *e);
bool import_abook(struct import *im, const char *path, struct error *e);
bool import_addressbook(struct import *im, const char *path, struct error *e);	/* alpine's */
/* The same of a text that is no file. */
void import_muttrc_text(struct import *im, const char *name, const char *text);
void import_alpine_text(struct import *im, const char *name, const char *text);
void import_aerc_text(struct import *im, const char *name, const char *text);
void import_abook_text(struct import *im, const char *name, const char *text);
void import_addressbook_text(struct import *im, const char *name, const char *text);

#endif
