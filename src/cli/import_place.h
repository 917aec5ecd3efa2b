/* import_place.h - where mail is, as muttrcs name it, and the patterns of hooks. */
#ifndef DUNLIN_CLI_IMPORT_PLACE_H
#define DUNLIN_CLI_IMPORT_PLACE_H

#include "import_mutt.h"

enum place_kind { PLACE_IMAP, PLACE_POP, PLACE_SMTP };

struct mutt_place {
	enum place_kind kind;
	bool is_tls;			/* from the first byte */
	/* decoded; user, password NULL: not in it; path without '/' around it */
	const char *user, *password, *host, *path;
	unsigned port;			/* 0: not in it */
};

/* imap[s]://, pop[s]://, smtp[s]://[user[:password]@]host[:port][/path]; {host}path is the old
 * way. */
bool mutt_place(struct import *im, const char *url, struct mutt_place *out);

/* Whether a hook's expression is somewhere in the text. Understood are . * + ? ^ $ [...] \x
 * and alternatives that are not within brackets; what needs more, or too long to find out,
 * fits nothing. */
bool mutt_match(const char *pattern, const char *text);

/* One server with the settings that hold there. */
struct mutt_site {
	struct mutt_place place;
	const struct mutt_hook *origin;	/* the hook that names it; NULL: the file itself */
	struct mutt_vars vars;
};

/* import_account.c: the section of an account, and its name; NULL: its URL is none. */
const char *mutt_account(struct mutt *m, struct mutt_site *site);
/* What does not depend on where mail comes from: from, signature, sending. */
void mutt_account_rest(struct mutt *m, const struct mutt_vars *vars, const char *name,
	const char *user,
	const char *host);

#endif
