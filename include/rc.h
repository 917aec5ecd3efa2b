/* rc.h - the mailrc: read once into one struct, never written again.
 *
 * A wrong line costs that line: it is told with file, line and the nearest valid word, and
 * the rest works. The settings are one table (rc_settings) that the parser, mailrc.example and
 * dunlin-mailrc(5) are held against by a test. Read before any thread starts, then shared. */
#ifndef DUNLIN_RC_H
#define DUNLIN_RC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "folder.h"

enum rc_protocol { RC_NONE, RC_IMAP, RC_POP3, RC_SMTP, RC_MBOX };
enum rc_security { RC_TLS, RC_STARTTLS, RC_PLAIN };	/* RC_PLAIN: "+insecure" */

/* imaps://user@host:port ; user is percent-decoded. mbox:DIR has only `path`. */
struct rc_url {
	enum rc_protocol protocol;
	enum rc_security security;
	char *user, *host, *path;
	uint16_t port;			/* the scheme's default filled in */
};

struct rc_account {
	char *name;
	char *from;			/* "Ada Example <ada@example.org>"; "" when missing
					 * (a problem tells) */
	char *signature, *signature_command;	/* a file, or a command that
						 * prints it; NULL: none */
	char *identities;		/* further ones, separated by commas; NULL: none */
	struct rc_url receive;		/* never RC_NONE: an account without is a
					 * problem, and left out */
	struct rc_url send;		/* RC_NONE: none */
	char *password, *password_command;	/* one of them at most */
	char *send_password, *send_password_command;	/* the same for sending; neither:
							 * as for receiving */
	char *sendmail;			/* command for sending instead of `send`; NULL: none */
	unsigned dsn;			/* reports wanted, bits in the order of
					 * rc_setting.choices: never, failure, delay, success;
					 * 0: as the servers like */
	bool sign;
	char *encrypt;			/* "no", "when-possible" or "always" */
	char *key;			/* of ours; NULL: that of our address */
	char *crypto;			/* "openpgp" or "smime" */
	char *hello;			/* for EHLO; NULL: our address */
	bool copy;			/* what was sent is copied to the folder for it */
	char *auth;			/* NULL: the best the server offers */
	char *ca_file, *tls_fingerprint;
	char *mbox;			/* directory of local mbox files, expanded */
	int keep_days;			/* POP3: -1 keep for ever, 0 delete, else days */
	int max_size_kb;		/* POP3: of larger messages only the header is
					 * downloaded; 0: of none */
	int check_every_s;		/* poll where IDLE is lacking, and for
					 * folders not open */
	bool allow_insecure, read_only;
	char *folder[N_ROLES];		/* by enum folder_role: a name given in
					 * the rc, else NULL */
	int line;			/* where its section begins */
};

struct rc_pair {
	char *section;			/* "index", "pager", ... for keys; "" otherwise */
	char *name, *value;
	int line;
};

struct rc {
	char *path;
	struct rc_account *accounts;
	size_t n_accounts;
	struct rc_pair *keys, *colors, *aliases;
	size_t n_keys, n_colors, n_aliases;
	struct { char *line; } *problems;	/* "mailrc:12: unknown setting 'form' (did
						 * you mean 'from'?)" */
	size_t n_problems;
	/* [mail] */
	char *address_query;		/* NULL: none */
	char *editor, *keymap, *date_format, *download_dir, *browser;	/* NULL: not set */
	char *sort;			/* "date", "-size", ...: how lists are
					 * ordered at first */
	char *start_folder;		/* "last", "inbox", "account/folder"; NULL: not set */
	bool threads, hints, mouse, prefer_html, mark_seen, unified, fold_quoted;
	int page_context, timeout_s;
	int wrap;			/* columns of text for reading at most; 0: no limit */
	char *notify;			/* command for new mail; NULL: none */
	bool bell;			/* the terminal's, for new mail */
	bool edit_headers;		/* the editor gets the header, too */
	char *attribution;		/* above quoted text; reply_source (reply.h) */
	bool flowed;			/* format=flowed: lines that end in a space go on */
	char *lists, *subscribed;	/* mailing lists, separated by commas; NULL: none */
	int undo_send_s;		/* 0: mail goes out at once */
	int cache_mb;			/* bodies kept in the cache directory */
	int search_mb;			/* of the index of words; 0: there is none */
};

enum rc_type { RC_T_STRING, RC_T_SECRET, RC_T_BOOL, RC_T_INT, RC_T_PATH, RC_T_URL, RC_T_DAYS,
	RC_T_MEGABYTES, RC_T_KILOBYTES, RC_T_DURATION, RC_T_CHOICE, RC_T_WORDS,
	RC_T_FINGERPRINT, RC_T_ADDRESS, RC_T_ADDRESSES };

/* The table of every setting. */
struct rc_setting {
	const char *section;		/* "mail" or "account" */
	const char *name;
	enum rc_type type;
	size_t offset;			/* into struct rc or struct rc_account */
	const char *initial;		/* default, as it would be written */
	const char *choices;		/* RC_T_CHOICE: "default mutt vim"; RC_T_WORDS: some
					 * of them, as bits */
	int min, max;			/* RC_T_INT, RC_T_DURATION (seconds),
					 * RC_T_MEGABYTES, RC_T_KILOBYTES */
	const char *help;		/* one line */
};

const struct rc_setting *rc_settings(size_t *n);

/* Reads a file. A missing file gives an rc without accounts and ERR_OK. A file with a password
 * in it that others can read or that is not ours: a problem, and the password is dropped
 * (SECURITY 19). Errors: ERR_LOCAL when it cannot be read at all. */
enum err rc_read(struct rc **out, const char *path, struct error *e);
/* tests, setup */
enum err rc_parse(struct rc **out, const char *name, const char *text, size_t n,
	struct error *e);
void rc_free(struct rc *rc);

bool rc_account_sends(const struct rc_account *a);	/* it has `send` or `sendmail` */

enum err rc_url_parse(struct rc_url *out, const char *text, struct error *e);
void rc_url_clear(struct rc_url *u);
bool rc_host_is_loopback(const char *host);	/* localhost, 127.0.0.0/8, ::1 */

/* What stands in [colors] behind a style: attributes, and up to two colours, the
 * second (or that behind "on") being the background: "bold red", "underline
 * bright-blue on #202020", "reverse". */
enum rc_attr { RC_BOLD = 1 << 0, RC_DIM = 1 << 1, RC_ITALIC = 1 << 2, RC_UNDERLINE = 1 << 3,
	RC_REVERSE = 1 << 4 };
enum { RC_COLOR_DEFAULT = -1, RC_COLOR_RGB = 1 << 24 };
struct rc_color {
	int fg, bg;			/* RC_COLOR_DEFAULT, 0 to 255, or
					 * RC_COLOR_RGB | 0xrrggbb */
	unsigned attrs;			/* enum rc_attr */
};
enum err rc_color_parse(struct rc_color *out, const char *text, struct error *e);

#endif
