/* settings.c - every setting, and how its value is read. One row here, a line in
 * mailrc.example and a paragraph in dunlin-mailrc(5) are all that a setting takes; a test
 * holds the three together. */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "note.h"
#include "path.h"
#include "query.h"
#include "settings.h"
#include "str.h"

enum { DAY_S = 86400, MAX_DAYS = 36500 };

#define MAIL(field) "mail", .offset = offsetof(struct rc, field)
#define ACCOUNT(field) "account", .offset = offsetof(struct rc_account, field)

/* A section's settings stand together. */
static const struct rc_setting table[] = {
	{ MAIL(editor), .name = "editor", .type = RC_T_STRING,
	  .help = "command that edits text; else $VISUAL, $EDITOR, vi" },
	{ MAIL(address_query), .name = "address-query", .type = RC_T_STRING,
	  .help = "command that looks addresses up: prints address, tab, name" },
	{ MAIL(keymap), .name = "keys", .type = RC_T_CHOICE, .initial = "default",
	  .choices = "default mutt vim",
	  .help = "which keys there are before [keys] changes them" },
	{ MAIL(threads), .name = "threads", .type = RC_T_BOOL, .initial = "no",
	  .help = "message lists begin threaded" },
	{ MAIL(sort), .name = "sort", .type = RC_T_CHOICE, .initial = "date",
	  .choices = "date sender subject size -date -sender -subject -size",
	  .help = "how message lists are ordered at first" },
	{ MAIL(start_folder), .name = "start-folder", .type = RC_T_STRING,
	  .help = "where to begin: last, inbox, or a folder as account/folder" },
	{ MAIL(unified), .name = "unified", .type = RC_T_BOOL, .initial = "no",
	  .help = "with several accounts, begin in the inbox of them all" },
	{ MAIL(mark_seen), .name = "mark-seen", .type = RC_T_BOOL, .initial = "yes",
	  .help = "a message that is opened counts as read" },
	{ MAIL(prefer_html), .name = "prefer-html", .type = RC_T_BOOL, .initial = "no",
	  .help = "of a message that is both, show the HTML instead of the plain text" },
	{ MAIL(fold_quoted), .name = "fold-quoted", .type = RC_T_BOOL, .initial = "no",
	  .help = "quoted text of some lines is one line that says how many they are" },
	{ MAIL(page_context), .name = "page-context", .type = RC_T_INT, .initial = "2",
		.max = 20,
	  .help = "lines that stay on the screen when a page is turned" },
	{ MAIL(wrap), .name = "wrap", .type = RC_T_INT, .initial = "0", .max = 1000,
	  .help = "text is read in so many columns at most; 0: as wide as the screen" },
	{ MAIL(hints), .name = "hints", .type = RC_T_BOOL, .initial = "yes",
	  .help = "the usual keys stand on the bottom line, where there is room" },
	{ MAIL(mouse), .name = "mouse", .type = RC_T_BOOL, .initial = "yes",
	  .help = "take clicks and the wheel; with Shift the terminal has them" },
	{ MAIL(bell), .name = "bell", .type = RC_T_BOOL, .initial = "no",
	  .help = "the terminal's bell rings for new mail in an inbox" },
	{ MAIL(notify), .name = "notify", .type = RC_T_STRING,
	  .help = "command run for new mail in an inbox; what came is in its environment" },
	{ MAIL(date_format), .name = "date-format", .type = RC_T_STRING,
	  .help = "of the message list, as for strftime(3); else short, by age" },
	{ MAIL(download_dir), .name = "download-dir", .type = RC_T_PATH, .initial = "~",
	  .help = "where attachments are saved" },
	{ MAIL(browser), .name = "browser", .type = RC_T_STRING, .initial = "xdg-open",
	  .help = "command that opens links" },
	{ MAIL(timeout_s), .name = "timeout", .type = RC_T_DURATION, .initial = "60s",
		.min = 1,
	  .max = 3600, .help = "how long a server may be silent" },
	{ MAIL(undo_send_s), .name = "undo-send", .type = RC_T_DURATION, .initial = "10s",
		.min = 0,
	  .max = 3600, .help = "how long sending can be taken back with u" },
	{ MAIL(edit_headers), .name = "edit-headers", .type = RC_T_BOOL, .initial = "no",
	  .help = "the editor gets the header above the text" },
	{ MAIL(attribution), .name = "attribution", .type = RC_T_STRING,
	  .initial = "On %Y-%m-%d %H:%M %z, {name} wrote:",
	  .help = "the line above what is quoted: strftime(3), {name} and {address}" },
	{ MAIL(flowed), .name = "flowed", .type = RC_T_BOOL, .initial = "no",
	  .help = "lines you end in a space go on in the next, at any width (format=flowed)" },
	{ MAIL(lists), .name = "lists", .type = RC_T_ADDRESSES,
	  .help = "mailing lists you write to: answers to all shall go there, and to you" },
	{ MAIL(subscribed), .name = "subscribed", .type = RC_T_ADDRESSES,
	  .help = "mailing lists you read: answers to all shall go there, "
		"and not to you as well" },
	{ MAIL(cache_mb), .name = "cache-size", .type = RC_T_MEGABYTES, .initial = "1G",
		.min = 1,
	  .max = INT_MAX, .help = "room for the bodies of messages kept for reading offline" },
	{ MAIL(search_mb), .name = "search-size", .type = RC_T_MEGABYTES, .initial = "1G",
		.min = 0,
	  .max = 1024 * 1024,
	  .help = "room for the index of words in mail that is here; 0: none" },

	{ ACCOUNT(from), .name = "from", .type = RC_T_ADDRESS,
	  .help = "your name and address; every account needs one" },
	{ ACCOUNT(identities), .name = "identities", .type = RC_T_ADDRESSES,
	  .help = "further addresses of yours in this account, separated by commas" },
	{ ACCOUNT(signature), .name = "signature", .type = RC_T_PATH,
	  .help = "file with what stands at the end of what you write; or a directory" },
	{ ACCOUNT(signature_command), .name = "signature-command", .type = RC_T_STRING,
	  .help = "command that prints it, run for each message" },
	{ ACCOUNT(receive), .name = "receive", .type = RC_T_URL,
	  .help = "where mail comes from; every account needs one" },
	{ ACCOUNT(send), .name = "send", .type = RC_T_URL, .help = "where mail goes to" },
	{ ACCOUNT(sendmail), .name = "sendmail", .type = RC_T_STRING,
	  .help = "command that mail is handed to, instead of a server ('send')" },
	{ ACCOUNT(dsn), .name = "dsn", .type = RC_T_WORDS,
		.choices = "never failure delay success",
	  .help = "what the servers on the way are to report back" },
	{ ACCOUNT(password_command), .name = "password-command", .type = RC_T_STRING,
	  .help = "command whose first line of output is the password or token" },
	{ ACCOUNT(password), .name = "password", .type = RC_T_SECRET,
	  .help = "the password itself, in a file that nobody else can read" },
	{ ACCOUNT(send_password_command), .name = "send-password-command", .type = RC_T_STRING,
	  .help = "the same for sending, where it is another password" },
	{ ACCOUNT(send_password), .name = "send-password", .type = RC_T_SECRET,
	  .help = "the password for sending, where it is another" },
	{ ACCOUNT(copy), .name = "copy", .type = RC_T_BOOL, .initial = "yes",
	  .help = "copy what was sent to the folder of sent mail; "
		"no where the server does that" },
	{ ACCOUNT(sign), .name = "sign", .type = RC_T_BOOL, .initial = "no",
	  .help = "sign what you write" },
	{ ACCOUNT(encrypt), .name = "encrypt", .type = RC_T_CHOICE, .initial = "no",
	  .choices = "no when-possible always",
	  .help = "encrypt what you write: where all recipients have keys, or always" },
	{ ACCOUNT(key), .name = "key", .type = RC_T_STRING,
	  .help = "fingerprint of your key; else the one of your address" },
	{ ACCOUNT(crypto), .name = "crypto", .type = RC_T_CHOICE, .initial = "openpgp",
	  .choices = "openpgp smime",
	  .help = "how you sign and encrypt; both are read" },
	{ ACCOUNT(hello), .name = "hello", .type = RC_T_STRING,
	  .help = "how to greet the server for sending; else by our address" },
	{ ACCOUNT(auth), .name = "auth", .type = RC_T_CHOICE,
	  .choices = "plain login scram-sha-1 scram-sha-256 xoauth2 oauthbearer",
	  .help = "how to log in; else the best that the server offers" },
	{ ACCOUNT(ca_file), .name = "ca-file", .type = RC_T_PATH,
	  .help = "certificates (PEM) to trust besides the system's" },
	{ ACCOUNT(tls_fingerprint), .name = "tls-fingerprint", .type = RC_T_FINGERPRINT,
	  .help = "SHA-256 of the one certificate to trust" },
	{ ACCOUNT(allow_insecure), .name = "allow-insecure", .type = RC_T_BOOL,
		.initial = "no",
	  .help = "let +insecure URLs send mail and password in the clear" },
	{ ACCOUNT(read_only), .name = "read-only", .type = RC_T_BOOL, .initial = "no",
	  .help = "look, but change nothing on the server" },
	{ ACCOUNT(check_every_s), .name = "check-every", .type = RC_T_DURATION,
		.initial = "5m",
	  .min = 10, .max = 30 * DAY_S,
	  .help = "how often to look at what does not tell by itself" },
	{ ACCOUNT(keep_days), .name = "keep", .type = RC_T_DAYS, .initial = "yes",
	  .help = "POP3: leave downloaded mail on the server" },
	{ ACCOUNT(max_size_kb), .name = "max-size", .type = RC_T_KILOBYTES, .min = 1,
		.max = INT_MAX,
	  .help = "POP3: of larger messages download only the header" },
	{ ACCOUNT(mbox), .name = "mbox", .type = RC_T_PATH,
	  .help = "POP3: directory of the mbox files" },
	{ ACCOUNT(folder[ROLE_DRAFTS]), .name = "drafts", .type = RC_T_STRING,
	  .help = "the folder of drafts, where it is not found by itself" },
	{ ACCOUNT(folder[ROLE_SENT]), .name = "sent", .type = RC_T_STRING,
	  .help = "the folder of sent mail" },
	{ ACCOUNT(folder[ROLE_ARCHIVE]), .name = "archive", .type = RC_T_STRING,
	  .help = "the folder that 'archive' moves to" },
	{ ACCOUNT(folder[ROLE_JUNK]), .name = "junk", .type = RC_T_STRING,
	  .help = "the folder of junk" },
	{ ACCOUNT(folder[ROLE_TRASH]), .name = "trash", .type = RC_T_STRING,
	  .help = "the folder that 'delete' moves to" },
};

const struct rc_setting *
rc_settings(size_t *n)
{
	*n = LEN(table);
	return table;
}

void
settings_of(const char *section, size_t *first, size_t *n)
{
	for (*first = 0; *first < LEN(table) && !str_eq(table[*first].section, section); )
		++*first;
	for (*n = 0; *first + *n < LEN(table) && str_eq(table[*first + *n].section, section); )
		++*n;
}

const struct rc_setting *
setting_find(const char *section, const char *name)
{
	size_t first, n;

	settings_of(section, &first, &n);
	for (size_t i = first; i < first + n; i++) {
		if (str_ieq(table[i].name, name))
			return &table[i];
	}
	return NULL;
}

/* ---- numbers with units ---- */

struct unit {
	const char *name;
	double scale;
};

static const struct unit time_units[] = {
	{ "", 1 }, { "s", 1 }, { "sec", 1 }, { "second", 1 }, { "seconds", 1 },
	{ "m", 60 }, { "min", 60 }, { "minute", 60 }, { "minutes", 60 },
	{ "h", 3600 }, { "hour", 3600 }, { "hours", 3600 }, { "d", DAY_S }, { "day", DAY_S },
	{ "days", DAY_S },
	{ NULL, 0 }
};
static const struct unit size_units[] = {	/* in megabytes */
	{ "m", 1 }, { "mb", 1 }, { "mib", 1 }, { "g", 1024 }, { "gb", 1024 }, { "gib", 1024 },
	{ "t", 1048576 }, { "tb", 1048576 }, { "tib", 1048576 }, { NULL, 0 }
};
static const struct unit small_size_units[] = {		/* in kilobytes */
	{ "k", 1 }, { "kb", 1 }, { "kib", 1 }, { "m", 1024 }, { "mb", 1024 }, { "mib", 1024 },
	{ "g", 1048576 }, { "gb", 1048576 }, { "gib", 1048576 }, { NULL, 0 }
};
static const struct unit day_units[] = {
	{ "", 1 }, { "d", 1 }, { "day", 1 }, { "days", 1 }, { "w", 7 }, { "week", 7 },
	{ "weeks", 7 }, { NULL, 0 }
};
static const struct unit no_units[] = { { "", 1 }, { NULL, 0 } };

/* "5", "5m", "5 minutes". False when it is none; what is too large for an int is INT_MAX. */
static bool
parse_amount(const char *v, const struct unit *units, int *out)
{
	size_t digits = strspn(v, "0123456789");
	const char *unit = v + digits + strspn(v + digits, " \t");

	if (digits == 0 || digits > 15)
		return false;
	for (; units->name; units++) {
		if (str_ieq(unit, units->name)) {
			double n = strtod(v, NULL) * units->scale;
			*out = n < INT_MAX ? (int)n : INT_MAX;
			return true;
		}
	}
	return false;
}

/* ---- a reader for each type; each leaves *p as it was on an error ---- */

static void
replace(char **p, char *by)
{
	secret_free(*p);
	*p = by;
}

static enum err
put_string(const struct rc_setting *s, void *p, const char *v, struct error *e)
{
	(void)s;
	(void)e;
	replace(p, *v ? xstrdup(v) : NULL);
	return ERR_OK;
}

static enum err
put_path(const struct rc_setting *s, void *p, const char *v, struct error *e)
{
	char *path = path_expand(v);

	if (*path != '/') {
		free(path);
		return error_set(e, ERR_LOCAL, "'%s' must begin with '/' or '~/', not '%s'",
			s->name, v);
	}
	replace(p, path);
	return ERR_OK;
}

static enum err
put_bool(const struct rc_setting *s, void *p, const char *v, struct error *e)
{
	static const char *const words[] = { "yes", "true", "on", "1", "no", "false", "off",
		"0", NULL };

	for (size_t i = 0; words[i]; i++) {
		if (str_ieq(v, words[i])) {
			*(bool *)p = i < 4;
			return ERR_OK;
		}
	}
	return error_set(e, ERR_LOCAL, "'%s' is 'yes' or 'no', not '%s'", s->name, v);
}

static enum err
put_choice(const struct rc_setting *s, void *p, const char *v, struct error *e)
{
	const char *words[16] = { NULL };
	char *copy = xstrdup(s->choices), *rest = copy;
	enum err rc = ERR_LOCAL;

	for (size_t n = 0; n + 1 < LEN(words) && (words[n] = strsep(&rest, " ")); n++) {
		if (str_ieq(v, words[n])) {
			replace(p, xstrdup(words[n]));
			rc = ERR_OK;
		}
	}
	if (rc != ERR_OK && nearest_word(v, words))
		error_set(e, rc, "unknown '%s' for '%s' (did you mean '%s'?)", v, s->name,
			nearest_word(v, words));
	else if (rc != ERR_OK)
		error_set(e, rc, "unknown '%s' for '%s' (one of: %s)", v, s->name, s->choices);
	free(copy);
	return rc;
}

/* Some of the choices, as bits in their order; nothing at all is none. */
static enum err
put_words(const struct rc_setting *s, void *p, const char *v, struct error *e)
{
	char *copy = xstrdup(v), *rest = copy, *word;
	unsigned bits = 0;
	enum err rc = ERR_OK;

	while (rc == ERR_OK && (word = strsep(&rest, ", \t"))) {
		const char *choice = s->choices;
		unsigned bit = 1;
		size_t n = strlen(word);
		for (; n && *choice; bit <<= 1) {
			size_t len = strcspn(choice, " ");
			if (len == n && str_istarts(choice, word))
				break;
			choice += len + (choice[len] == ' ');
		}
		if (n && !*choice)
			rc = error_set(e, ERR_LOCAL, "unknown '%s' for '%s' (some of: %s)",
				word, s->name, s->choices);
		bits |= n ? bit : 0;
	}
	if (rc == ERR_OK)
		*(unsigned *)p = bits;
	free(copy);
	return rc;
}

static enum err
put_url(const struct rc_setting *s, void *p, const char *v, struct error *e)
{
	struct rc_url u, *have = p;
	bool is_send = str_eq(s->name, "send");
	enum err rc = rc_url_parse(&u, v, e);

	if (rc != ERR_OK)
		return rc;
	if ((u.protocol == RC_SMTP) != is_send) {
		rc_url_clear(&u);
		return error_set(e, ERR_LOCAL, is_send ? "'send' needs smtps: or smtp:"
			: "'receive' needs imaps:, imap:, pop3s:, pop3: or mbox:");
	}
	rc_url_clear(have);
	*have = u;
	return ERR_OK;
}

static enum err
put_days(const struct rc_setting *s, void *p, const char *v, struct error *e)
{
	int n;

	if (str_ieq(v, "no"))
		n = 0;
	else if (str_ieq(v, "yes"))
		n = -1;
	else if (!parse_amount(v, day_units, &n) || n < 1 || n > MAX_DAYS)
		return error_set(e, ERR_LOCAL,
			"'%s' is yes, no or days such as '14 days', not '%s'", s->name, v);
	*(int *)p = n;
	return ERR_OK;
}

/* Of a plain number what would do; times and sizes are written in many ways. */
static const char *
limit_text(char *buf, size_t size, const struct rc_setting *s, int limit, const char *word)
{
	if (s->type == RC_T_INT)
		snprintf(buf, size, " (at %s %d)", word, limit);
	else
		buf[0] = '\0';
	return buf;
}

static enum err
put_amount(const struct rc_setting *s, void *p, const char *v, struct error *e)
{
	static const struct { const struct unit *units; const char *like; } kinds[] = {
		[RC_T_INT] = { no_units, "a number" },
		[RC_T_DURATION] = { time_units, "a time such as 30s, 5m or 2h" },
		[RC_T_MEGABYTES] = { size_units, "a size such as 500M or 2G" },
		[RC_T_KILOBYTES] = { small_size_units, "a size such as 500K or 5M" },
	};
	char limit[40];
	int n;

	if (!parse_amount(v, kinds[s->type].units, &n))
		return error_set(e, ERR_LOCAL, "'%s' is %s, not '%s'", s->name,
			kinds[s->type].like, v);
	if (n < s->min)
		return error_set(e, ERR_LOCAL, "'%s' is too little for '%s'%s", v, s->name,
			limit_text(limit, sizeof limit, s, s->min, "least"));
	if (n > s->max)
		return error_set(e, ERR_LOCAL, "'%s' is too much for '%s'%s", v, s->name,
			limit_text(limit, sizeof limit, s, s->max, "most"));
	*(int *)p = n;
	return ERR_OK;
}

static enum err
put_fingerprint(const struct rc_setting *s, void *p, const char *v, struct error *e)
{
	struct str hex = {0};

	for (const char *c = v; *c; c++) {
		if (isxdigit((unsigned char)*c))
			str_putc(&hex, (char)tolower((unsigned char)*c));
		else if (*c != ':' && *c != ' ')
			break;
	}
	if (hex.len != 64 || strspn(v, "0123456789abcdefABCDEF: ") != strlen(v)) {
		str_clear(&hex);
		return error_set(e, ERR_LOCAL, "'%s' is a SHA-256: 64 hexadecimal digits",
			s->name);
	}
	replace(p, str_take(&hex));
	return ERR_OK;
}

/* "Ada <ada@example.org>" or the address alone; enough of RFC 5322 to catch a slip. */
static enum err
check_address(const char *name, const char *v, struct error *e)
{
	const char *open = strrchr(v, '<'), *addr = open ? open + 1 : v;
	size_t n = open ? strcspn(addr, ">") : strlen(v);
	const char *at = memrchr(addr, '@', n);

	if (!at || at == addr || at + 1 == addr + n || (open && !str_eq(addr + n, ">")) ||
	    memchr(addr, ' ', n) || memchr(addr, ',', n))
		return error_set(e, ERR_LOCAL,
		"'%s' needs an address such as Ada <ada@example.org>, not '%s'",
			name, v);
	return ERR_OK;
}

enum err
addresses_check(const char *name, const char *list, struct error *e)
{
	enum err rc = ERR_OK;
	size_t n;

	for (const char *one; rc == ERR_OK && (one = note_next_address(&list, &n)) != NULL; ) {
		char *address = xstrndup(one, n);
		rc = check_address(name, address, e);
		free(address);
	}
	return rc;
}

static enum err
put_address(const struct rc_setting *s, void *p, const char *v, struct error *e)
{
	enum err rc = check_address(s->name, v, e);

	if (rc == ERR_OK)
		replace(p, xstrdup(v));
	return rc;
}

static enum err
put_addresses(const struct rc_setting *s, void *p, const char *v, struct error *e)
{
	enum err rc = addresses_check(s->name, v, e);

	if (rc == ERR_OK)
		replace(p, xstrdup(v));
	return rc;
}

static enum err (*const readers[])(const struct rc_setting *, void *, const char *,
	struct error *) = {
	[RC_T_STRING] = put_string, [RC_T_SECRET] = put_string, [RC_T_BOOL] = put_bool,
	[RC_T_INT] = put_amount, [RC_T_PATH] = put_path, [RC_T_URL] = put_url,
	[RC_T_DAYS] = put_days, [RC_T_MEGABYTES] = put_amount, [RC_T_KILOBYTES] = put_amount,
	[RC_T_DURATION] = put_amount, [RC_T_CHOICE] = put_choice, [RC_T_WORDS] = put_words,
	[RC_T_FINGERPRINT] = put_fingerprint, [RC_T_ADDRESS] = put_address,
	[RC_T_ADDRESSES] = put_addresses,
};

enum err
setting_put(const struct rc_setting *s, void *into, const char *value, struct error *e)
{
	return readers[s->type](s, (char *)into + s->offset, value, e);
}

void
settings_init(const char *section, void *into)
{
	size_t first, n;

	settings_of(section, &first, &n);
	for (size_t i = first; i < first + n; i++) {
		if (table[i].initial)
			setting_put(&table[i], into, table[i].initial, NULL);
	}
}

void
settings_clear(const char *section, void *into)
{
	size_t first, n;

	settings_of(section, &first, &n);
	for (size_t i = first; i < first + n; i++) {
		void *p = (char *)into + table[i].offset;
		switch (table[i].type) {
		case RC_T_URL: rc_url_clear(p); break;
		case RC_T_BOOL: case RC_T_INT: case RC_T_DAYS: case RC_T_DURATION:
		case RC_T_MEGABYTES: case RC_T_KILOBYTES: case RC_T_WORDS: break;
		default: replace(p, NULL); break;
		}
	}
}
