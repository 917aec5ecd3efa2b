/* import_settings.c - a muttrc's settings that are of the program
 * here, and why others are not. */
#include <stdlib.h>
#include <string.h>

#include "import_mutt.h"

static const struct mutt_var *
var(const struct mutt *m, const char *name)
{
	const struct mutt_var *v = mutt_var(&m->vars, name);

	return v && !str_eq(v->value, "no") && (*v->value || v->command || v->unknown)
		? v : NULL;
}

static void
set(struct mutt *m, const char *name, const char *value, size_t item)
{
	import_set(m->im, "mail", "", name, value, item);
}

static bool
is_yes(const struct mutt_var *v)
{
	return str_ieq(v->value, "yes") || str_ieq(v->value, "ask-yes");
}

/* ---- those that are made of several ---- */

/* "reverse-last-date-received": which of our orders, and whether the other way round. NULL:
 * none. */
static const char *
order_of(const char *text, bool *is_reverse)
{
	static const struct { const char *theirs, *ours; } orders[] = {
		{ "date", "date" }, { "date-sent", "date" }, { "date-received", "date" },
		{ "mailbox-order", "date" },
		{ "unsorted", "date" }, { "threads", "threads" }, { "from", "sender" },
		{ "subject", "subject" },
		{ "size", "size" },
	};

	*is_reverse = str_starts(text, "reverse-");
	text += *is_reverse ? strlen("reverse-") : 0;
	text += str_starts(text, "last-") ? strlen("last-") : 0;
	for (size_t i = 0; i < LEN(orders); i++) {
		if (str_eq(orders[i].theirs, text))
			return orders[i].ours;
	}
	return NULL;
}

/* Ours begins with the newest and the largest; mutt's, where nothing is said, with the oldest
 * and the smallest. */
static const char *
our_order(struct mutt *m, const char *order, bool is_reverse)
{
	bool is_down = str_eq(order, "date") || str_eq(order, "size");

	return is_reverse == is_down ? order : arena_printf(&m->im->arena, "-%s", order);
}

static void
put_sort(struct mutt *m)
{
	const struct mutt_var *sort = var(m, "sort"), *aux = var(m, "sortaux");
	const struct mutt_var *use = var(m, "usethreads");
	bool is_reverse = false, is_aux_reverse = false;
	const char *order = sort ? order_of(sort->value, &is_reverse) : "date";
	bool is_threaded = str_eq(order, "threads") ||
		(use && !str_eq(use->value, "no") && !str_eq(use->value, "flat"));

	if (sort && !order) {
		import_not(m->im, sort->item,
			"lists are sorted by date, sender, subject or size");
		order = "date";
	}
	if (str_eq(order, "threads")) {
		const char *by = aux ? order_of(aux->value, &is_aux_reverse) : "date";
		if (aux && by && !str_eq(by, "threads"))
			import_taken(m->im, aux->item);
		order = by && !str_eq(by, "threads") ? by : "date";
		is_reverse ^= is_aux_reverse;
	} else if (aux) {
		import_not(m->im, aux->item, "there is one order; equal ones are by date");
	}
	is_reverse ^= use && str_eq(use->value, "reverse");
	if (!sort)
		import_comment(m->im, "mail", "", "As in mutt, where nothing else is said; "
			"'date' begins with the newest:");
	set(m, "sort", our_order(m, order, is_reverse),
		sort && import_is_open(m->im, sort->item) ? sort->item : IMPORT_NO_ITEM);
	if (is_threaded)
		set(m, "threads", "yes", use ? use->item : IMPORT_NO_ITEM);
	else if (use)
		import_taken(m->im, use->item);
}

/* The first date in an index_format, %{...}, %[...] or %(...); NULL: none. */
static const char *
format_in(struct mutt *m, const char *format)
{
	static const char pairs[] = "{}[]()";

	for (const char *p = format; (p = strchr(p, '%')) && p[1]; p++) {
		p += strspn(p + 1, "-0123456789.");
		const char *open = p[1] ? strchr(pairs, p[1]) : NULL;
		if (!open || (open - pairs) % 2)
			continue;
		const char *end = strchr(p + 2, open[1]);
		if (end)
			return arena_strndup(&m->im->arena, p + 2, (size_t)(end - p - 2));
	}
	return NULL;
}

static void
put_dates(struct mutt *m)
{
	const struct mutt_var *index = var(m, "indexformat"), *date = var(m, "dateformat");
	const char *in_index = index && !index->command ? format_in(m, index->value) : NULL;
	bool is_used = index && (strstr(index->value, "%d") || strstr(index->value, "%D"));
	const char *format = in_index ? in_index : is_used && date && !date->command
		? date->value : NULL;

	if (format && *format == '!')
		format++;
	if (format && *format && strlen(format) < 60)
		set(m, "date-format", format, date && format != in_index ? date->item
			: IMPORT_NO_ITEM);
	if (index)
		import_not(m->im, index->item,
			"the list has its columns: flags, date, sender, subject, size%s",
			in_index ? "; its date was taken" : "");
	if (date)
		import_not(m->im, date->item, "dates are in the list ('date-format', as the "
			"index_format has them) and in headers");
}

/* The editor gets the file behind its words. */
static void
put_editor(struct mutt *m)
{
	const struct mutt_var *v = var(m, "editor");
	size_t n = v ? strlen(v->value) : 0;

	if (!v)
		return;
	if (v->command) {
		import_not(m->im, v->item, "`%s` was not run: put the command into 'editor'",
			v->command);
		return;
	}
	const char *command = v->value;
	if (n > 3 && (str_eq(command + n - 3, " %s") || str_eq(command + n - 3, " %S")))
		command = arena_strndup(&m->im->arena, command, n - 3);
	if (strstr(command, "%s"))
		import_not(m->im, v->item, "the file stands behind the editor's words, not "
			"between them");
	else
		set(m, "editor", command, v->item);
}

/* neomutt's reflow_wrap is that of flowed text alone, which is nearly all there is to wrap. */
static void
put_wrap(struct mutt *m)
{
	const struct mutt_var *v = var(m, "wrap");
	long n;

	if (!v)
		v = var(m, "reflowwrap");
	if (v && (n = atol(v->value)) > 0)
		set(m, "wrap", arena_printf(&m->im->arena, "%ld", n < 1000 ? n : 1000),
			v->item);
}

static void
put_pager(struct mutt *m)
{
	const struct mutt_var *context = var(m, "pagercontext");
	const struct mutt_var *timeout = var(m, "connecttimeout");
	long n = context ? atol(context->value) : 0, s = timeout ? atol(timeout->value) : 0;

	if (context && n >= 0)
		set(m, "page-context", arena_printf(&m->im->arena, "%ld", n < 20 ? n : 20),
			context->item);
	put_wrap(m);
	if (timeout && s > 0)
		set(m, "timeout", arena_printf(&m->im->arena, "%lds", s < 3600 ? s : 3600),
			timeout->item);
	else if (timeout)
		import_not(m->im, timeout->item, "a server is not waited for without end");
	if (m->has_rich_first)
		set(m, "prefer-html", "yes", IMPORT_NO_ITEM);
}

/* The key that would go on to the next message only turns pages. */
static void
put_stop(struct mutt *m)
{
	const struct mutt_var *v = var(m, "pagerstop");

	if (v && is_yes(v) && !import_get(m->im, "keys", "pager", "<Space>"))
		import_set(m->im, "keys", "pager", "<Space>", "page-down", v->item);
	else if (v)
		import_taken(m->im, v->item);
}

static void
put_one(struct mutt *m, const char *theirs, const char *ours)
{
	const struct mutt_var *v = var(m, theirs);

	if (v && v->command)
		import_not(m->im, v->item, "`%s` was not run: put what it prints into '%s'",
			v->command, ours);
	else if (v)
		set(m, ours, v->value, v->item);
}

static void
put_bool(struct mutt *m, const char *theirs, const char *ours)
{
	const struct mutt_var *v = var(m, theirs);

	if (v && is_yes(v))
		set(m, ours, "yes", v->item);
	else if (v)
		import_taken(m->im, v->item);
}

/* In quotes of either kind, or outside, a variable of ours is one word. */
static void
put_variable(struct str *out, const char *name, char quote)
{
	const char *around = quote == '\'' ? "'\"" : quote ? "" : "\"";

	str_printf(out, "%s$%s%s", around, name, quote == '\'' ? "\"'" : around);
}

/* mutt's command with our variables for its %f and %n. False: it has others. */
static bool
put_expanded(struct str *out, const char *s)
{
	char quote = '\0';

	for (; *s; s++) {
		if (*s == '\\' && quote != '\'' && s[1]) {
			str_add(out, s++, 2);
			continue;
		}
		if ((*s == '\'' || *s == '"') && (!quote || quote == *s))
			quote = quote ? '\0' : *s;
		if (*s != '%') {
			str_putc(out, *s);
			continue;
		}
		s += 1 + strspn(s + 1, "-0123456789.");
		if (*s == '%')
			str_putc(out, '%');
		else if (*s == 'f' || *s == 'D')
			put_variable(out, "DUNLIN_FOLDER", quote);
		else if (*s == 'n' || *s == 'u')
			put_variable(out, "DUNLIN_COUNT", quote);
		else
			return false;
	}
	return true;
}

static void
put_new_mail(struct mutt *m)
{
	const struct mutt_var *v = var(m, "newmailcommand");
	struct str command = { 0 };

	put_bool(m, "beepnew", "bell");
	if (!v)
		return;
	if (v->command)
		put_one(m, "newmailcommand", "notify");
	else if (put_expanded(&command, v->value))
		set(m, "notify", arena_strdup(&m->im->arena, str_get(&command)), v->item);
	else
		import_not(m->im, v->item, "'notify' has what came in its environment, "
			"and of mutt's only %%f, %%n and %%u");
	str_clear(&command);
}

/* ---- the others ---- */

#define SIDEBAR "there is no sidebar: y lists the folders"
#define PGP "gpg does it as its own settings say; see 'sign' and 'encrypt' of an account"
#define FORMAT "what lines look like is fixed"
#define NOTMUCH "there is no notmuch here; limits and searches take queries"
#define STORED "mail is kept in ~/.cache/dunlin, see 'cache-size'"
#define NEWS "news is not read"

/* By name, or with a '*' by its beginning; the first that fits. why NULL: it is so here, or
 * nothing would change. "no" is as it is here, but with a '!' before the name "yes" is. */
static const struct {
	const char *name, *why;
} fates[] = {
	{ "my_*", NULL }, { "sidebar*", SIDEBAR }, { "pgp*", PGP }, { "crypt*", PGP },
	{ "smime*", PGP }, { "autocrypt*", PGP }, { "nm*", NOTMUCH }, { "virtual*", NOTMUCH },
	{ "vfolder*", NOTMUCH }, { "nntp*", NEWS }, { "newsrc", NEWS }, { "newsserver", NEWS },
	{ "headercache*", STORED }, { "messagecache*", STORED }, { "hcache*", STORED },
	{ "accountcommand",
		"put the command that prints the password into 'password-command'" },
	{ "mimetypequerycommand", NULL }, { "textflowed", NULL }, { "edithdrs", NULL },
	{ "pagerstop", NULL }, { "usethreads", NULL },
	{ "tunnel*", "a command cannot stand for the connection; ssh -L and "
	  "imap+insecure://USER@127.0.0.1:PORT can" },
	{ "preconnect", "no command is run before connecting" },
	{ "!sslverifyhost",
		"the name is always verified; tls-fingerprint is for a certificate "
	  "that has another" },
	{ "!sslverifydates", "dates are always verified; tls-fingerprint is for a certificate "
	  "that ran out" },
	{ "sslclientcert", "there are no client certificates" },
	{ "sslciphers", "they are those of OpenSSL" }, { "sslforcetls", NULL },
	{ "sslusesystemcerts", NULL }, { "sslusesslv*", NULL }, { "sslusetls*", NULL },
	{ "sslmindh*", NULL }, { "sslverifypartialchains", NULL }, { "entropyfile", NULL },
	{ "sslstarttls", NULL }, { "sslcacertificatesfile", NULL }, { "imapidle", NULL },
	{ "imapkeepalive", NULL }, { "imappassive", NULL }, { "imappeek", NULL },
	{ "imapqresync", NULL }, { "imapcondstore", NULL }, { "imappipelinedepth", NULL },
	{ "imapdeflate", NULL }, { "imapservernoise", NULL },
	{ "imaplistsubscribed", "all folders of the server are listed" },
	{ "imapchecksubscribed", NULL }, { "imapheaders", NULL }, { "imappolltimeout", NULL },
	{ "imapfetchchunksize", NULL }, { "imapdelimchars", NULL }, { "imaprfc5161", NULL },
	{ "imapsendid", NULL }, { "imapuser", NULL }, { "imaplogin", NULL },
	{ "smtpuser", NULL }, { "popuser", NULL }, { "imapauthenticators", NULL },
	{ "smtpauthenticators", NULL }, { "popauthenticators", NULL }, { "poplast", NULL },
	{ "popreconnect", NULL }, { "imapreconnect", NULL }, { "popauthtryall", NULL },
	{ "mailchecks*", NULL }, { "mailcheckrecent", NULL }, { "timeout", NULL },
	{ "spoolfile", NULL }, { "folder", NULL }, { "mboxtype", NULL }, { "mailcheck", NULL },
	{ "record", "there is no account that it belongs to" },
	{ "postponed", "there is no account that it belongs to" },
	{ "trash", "there is no account that it belongs to" },
	{ "move", "mail that was read stays where it is; a moves it to the archive" },
	{ "keepflagged", NULL }, { "delete", NULL }, { "resolve", NULL },
	{ "confirmappend", NULL }, { "confirmcreate", NULL }, { "deleteuntag", NULL },
	{ "flagsafe", "flagged mail is deleted like other; u takes it back" },
	{ "waitkey", NULL }, { "beepnew", NULL },
	{ "beep", "no error rings: 'bell' is for new mail" }, { "quit", NULL },
	{ "suspend", NULL }, { "saveaddress", "s asks for the folder" },
	{ "savename", "s asks for the folder" }, { "forcename", "s asks for the folder" },
	{ "saveempty", NULL }, { "saveunsubscribed", NULL }, { "saveunsub", NULL },
	{ "tmpdir", NULL }, { "aliasfile", NULL }, { "aliasformat", FORMAT },
	{ "sortalias", NULL }, { "reversealias", NULL }, { "queryformat", FORMAT },
	{ "historyfile", NULL }, { "history", NULL }, { "savehistory", NULL },
	{ "historyremovedups", NULL }, { "charset", NULL }, { "sendcharset", NULL },
	{ "assumedcharset", NULL }, { "configcharset", NULL }, { "attachcharset", NULL },
	{ "attachsavedir", NULL }, { "allow8bit", NULL }, { "use8bitmime", NULL },
	{ "encodefrom", NULL }, { "rfc2047parameters", NULL }, { "thoroughsearch", NULL },
	{ "threadreceived", NULL }, { "strictthreads", NULL }, { "sortre", NULL },
	{ "collapseunread", NULL }, { "uncollapsejump", NULL }, { "uncollapsenew", NULL },
	{ "duplicatethreads", NULL }, { "hidemissing", NULL }, { "hidethreadsubject", NULL },
	{ "hidetoplimited", NULL }, { "hidelimited", NULL }, { "narrowtree", NULL },
	{ "asciichars", NULL }, { "arrowcursor", NULL }, { "arrowstring", NULL },
	{ "menuscroll", NULL }, { "menucontext", NULL }, { "menumoveoff", NULL },
	{ "markers", NULL }, { "smartwrap", NULL }, { "tilde", NULL }, { "braille*", NULL },
	{ "pagerindexlines", "the pager has the whole screen" },
	{ "wrap", "text is wrapped at a number of columns, not at a margin" },
	{ "wrapmargin", "text is as wide as the screen" }, { "reflowtext", NULL },
	{ "reflowwrap", NULL }, { "reflowspacequotes", NULL },
	{ "allowansi", "no mail acts on the terminal" }, { "pagerformat", FORMAT },
	{ "statusformat", FORMAT }, { "statuschars", FORMAT }, { "folderformat", FORMAT },
	{ "attachformat", FORMAT }, { "composeformat", FORMAT },
	{ "mailboxfolderformat", FORMAT }, { "groupindexformat", FORMAT },
	{ "flagchars", FORMAT }, { "tochars", FORMAT }, { "fromchars", FORMAT },
	{ "crypt_chars", FORMAT }, { "ts*", NULL }, { "tsenabled", NULL },
	{ "xtermtitle", NULL }, { "xterm*", NULL }, { "statusontop", FORMAT },
	{ "help", FORMAT }, { "hiddenhost", NULL },
	{ "displayfilter", "no command stands between a message and the screen" },
	{ "print*", "'pipe-text lpr' prints, or whatever command you name there" },
	{ "mailcappath", "~/.mailcap is read, or what MAILCAPS in the environment names" },
	{ "mailcapsanitize", NULL },
	{ "implicitautoview", NULL }, { "includeonlyfirst", NULL },
	{ "honordisposition", NULL }, { "markold", NULL },
	{ "maildirtrash", NULL }, { "maildirheadercacheverify", NULL }, { "maildir*", NULL },
	{ "mh*", NULL },
	{ "attributionlocale", "the names of days and months in 'attribution' are English" },
	{ "attribution", NULL }, { "attributionintro", NULL }, { "attributiontrailer", NULL },
	{ "indentstring", "quoted text begins with '> '" }, { "quoteregexp", NULL },
	{ "quoteregex", NULL }, { "quotechars", NULL }, { "replyregexp", NULL },
	{ "replyregex", NULL },
	{ "smileys", NULL }, { "include", NULL }, { "header", "a header is not quoted" },
	{ "postindentstring", NULL }, { "postindentstr", NULL },
	{ "forwardformat", "the subject of what is forwarded is fixed" },
	{ "forwardquote", "what is forwarded is not quoted" }, { "forwardattachments", NULL },
	{ "forwarddecode", NULL },
	{ "forward*", NULL },
	{ "mimeforward*",
		"f forwards the text with its attachments, gf the message as it is" },
	{ "fastreply", NULL }, { "autoedit", NULL },
	{ "askcc", "it is not asked; c where you write takes who gets a copy" },
	{ "askbcc", "it is not asked; b where you write takes who gets a blind copy" },
	{ "abortnoattach*", NULL }, { "abortnosubject", NULL }, { "abortunmodified", NULL },
	{ "recall", NULL }, { "postpone", NULL }, { "postponeencrypt", PGP },
	{ "!sigdashes", "the signature stands behind a line of two dashes" },
	{ "sigontop", "the signature stands at the end" }, { "reversename", NULL },
	{ "reverserealname", NULL }, { "userfrom", NULL }, { "usefrom", NULL },
	{ "usedomain", NULL }, { "useenvelopefrom", NULL },
	{ "envelopefromaddress", "the envelope's sender is the address in From" },
	{ "useragent", NULL }, { "useipv6", NULL }, { "metoo", NULL }, { "replyself", NULL },
	{ "replyto", NULL }, { "honorfollowupto", NULL }, { "ignorelistreplyto", NULL },
	{ "followupto", "Mail-Followup-To is not sent" }, { "bouncedelivered", NULL },
	{ "reversealias", NULL }, { "dsnreturn", NULL },
	{ "dsnnotify", "see 'dsn' in dunlin-mailrc(5)" }, { "sendmailwait", NULL },
	{ "sendmail", NULL }, { "ispell", "spelling is the editor's" }, { "shell", NULL },
	{ "visual", NULL }, { "escape", NULL },
	{ "pager", "there is one pager; 'pipe' hands a message to another program" },
	{ "mixmaster", NULL }, { "mixentryformat", NULL }, { "mbox", NULL }, { "copy", NULL },
	{ "fccattach", NULL }, { "fccclear", NULL }, { "fccbeforesend", NULL },
	{ "fccdelimiter", NULL }, { "score*", "there are no scores" },
	{ "spamseparator", NULL }, { "simplesearch", NULL },
	{ "browserabbreviatemailboxes", NULL }, { "sortbrowser", NULL }, { "mask", NULL },
	{ "autosubscribe", NULL }, { "writebcc", NULL }, { "writeinc", NULL },
	{ "readinc", NULL }, { "netinc", NULL }, { "sleeptime", NULL }, { "timeinc", NULL },
	{ "readonly", "'read-only' is of an account: set it there" },
	{ "autotag", "';' before a command means all that are tagged" },
	{ "digestcollapse", NULL }, { "editheaders", NULL }, { "changefoldernext", NULL },
	{ "mailboxescurrent", NULL }, { "newmailcommand", NULL },
	{ "metakey", NULL }, { "skipquotedoffset", NULL }, { "skipquotedcontext", NULL },
	{ "togglequotedshowlevels", NULL }, { "weed", NULL }, { "uncollapse*", NULL },
	{ "abortkey", NULL }, { "statusontop", FORMAT }, { "colordirectcolor", NULL },
	{ "muttlispinlineeval", NULL }, { "backgroundedit", NULL },
	{ "countalternatives", NULL },
	{ "imappass", "there is no account that it belongs to" },
};

static bool
fits(const char *pattern, const char *name)
{
	pattern += *pattern == '!';
	size_t n = strlen(pattern);

	return pattern[n - 1] == '*'
		? strncmp(pattern, name, n - 1) == 0 : str_eq(pattern, name);
}

static void
tell_fates(struct mutt *m)
{
	for (size_t i = 0; i < m->vars.n; i++) {
		const struct mutt_var *v = &m->vars.v[i];
		for (size_t k = 0; import_is_open(m->im, v->item) && k < LEN(fates); k++) {
			if (!fits(fates[k].name, v->name))
				continue;
			bool is_no = str_eq(v->value, "no");
			if (fates[k].why && !v->is_unset && is_no == (*fates[k].name == '!'))
				import_not(m->im, v->item, "%s", fates[k].why);
			else
				import_taken(m->im, v->item);
		}
	}
}

void
mutt_settings(struct mutt *m)
{
	import_set(m->im, "mail", "", "keys", "mutt", IMPORT_NO_ITEM);
	put_sort(m);
	put_editor(m);
	put_one(m, "querycommand", "address-query");
	put_bool(m, "editheaders", "edit-headers");
	put_bool(m, "edithdrs", "edit-headers");
	put_bool(m, "textflowed", "flowed");
	put_pager(m);
	put_stop(m);
	mutt_attribution(m);
	put_dates(m);
	put_new_mail(m);
	tell_fates(m);
}
