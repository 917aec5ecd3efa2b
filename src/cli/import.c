/* import.c - `dunlin import KIND FILE`: the mailrc that says what another program's
 * configuration says.
 *
 * It goes to standard output; what could not be said, and what is to do by hand, to standard
 * error. Nothing is run, nothing is written, nothing but configuration is read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli.h"
#include "import.h"
#include "path.h"
#include "utf8.h"

static const struct {
	const char *kind;
	bool (*read)(struct import *im, const char *path, struct error *e);
	bool is_book;			/* people, no accounts */
} kinds[] = {
	{ "muttrc", import_muttrc, false }, { "alpine", import_alpine, false },
	{ "aerc", import_aerc, false },
	{ "abook", import_abook, true }, { "addressbook", import_addressbook, true },
};

bool
cli_import_is_kind(const char *kind)
{
	for (size_t i = 0; i < LEN(kinds); i++) {
		if (str_eq(kinds[i].kind, kind))
			return true;
	}
	return false;
}

char *
cli_import_offer(void)
{
	static const struct { const char *path, *kind; } usual[] = {
		{ "~/.muttrc", "muttrc" }, { "~/.mutt/muttrc", "muttrc" },
		{ "~/.config/mutt/muttrc", "muttrc" },
		{ "~/.neomuttrc", "muttrc" }, { "~/.config/neomutt/neomuttrc", "muttrc" },
		{ "~/.config/neomutt/muttrc", "muttrc" }, { "~/.pinerc", "alpine" },
		{ "~/.config/aerc", "aerc" },
	};

	for (size_t i = 0; i < LEN(usual); i++) {
		char *path = path_expand(usual[i].path);
		bool is_there = access(path, R_OK) == 0;
		free(path);
		if (is_there)
			return xasprintf("dunlin import %s %s", usual[i].kind, usual[i].path);
	}
	return NULL;
}

static void
complain(const struct str *lines)
{
	struct str clean = {0};

	text_clean(&clean, str_get(lines), lines->len, CLEAN_TEXT);
	fputs(str_get(&clean), stderr);
	str_clear(&clean);
}

int
cli_import(const char *kind, const char *path)
{
	struct import im;
	struct error e = {0};
	struct str text = {0}, report = {0};
	int code = EX_NOINPUT;
	bool is_read = false, is_book = false;

	import_init(&im);
	for (size_t i = 0; i < LEN(kinds); i++) {
		if (!str_eq(kinds[i].kind, kind))
			continue;
		is_read = kinds[i].read(&im, path, &e);
		is_book = kinds[i].is_book;
	}
	if (is_read) {
		import_text(&im, &text);
		import_report(&im, &report);
		code = is_book || import_n_accounts(&im) > 0 ? 0 : 1;
		if (fd_write_all(STDOUT_FILENO, str_get(&text), text.len, &e) != ERR_OK) {
			fprintf(stderr, "dunlin: %s\n", e.text);
			code = EX_IOERR;
		}
		complain(&report);
	} else {
		fprintf(stderr, "dunlin: %s\n", e.text);
	}
	str_clear(&text);
	str_clear(&report);
	import_clear(&im);
	return code;
}
