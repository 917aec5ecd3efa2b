/* import_commands.c - the commands of a muttrc: a table, and what it takes to know what each
 * says. */
#include <string.h>

#include "import_mutt.h"

static const char *
take(struct mutt *m, struct mutt_text *t, unsigned flags)
{
	struct mutt_var v = {0};

	mutt_take_word(m, t, flags, &v);
	return v.value;
}

static void
cmd_source(struct mutt *m, struct mutt_text *t, size_t item)
{
	struct mutt_var v = {0};

	for (int n = 0; n == 0 || !mutt_at_end(t); n++) {
		mutt_take_word(m, t, 0, &v);
		size_t len = strlen(v.value);
		if (v.command) {
			import_not(m->im, item, "`%s` was not run: write the name of the file "
				"instead", v.command);
		} else if (len == 0) {
			import_not(m->im, item, "it names no file");
		} else if (v.value[len - 1] == '|') {
			m->unread_source = arena_strndup(&m->im->arena, v.value, len - 1);
			import_not(m->im, item,
				"the command was not run: write what it prints into a file "
				"and read that instead, without the passwords");
		} else {
			mutt_source(m, v.value, item);
		}
	}
}

static void
cmd_alias(struct mutt *m, struct mutt_text *t, size_t item)
{
	const char *name = take(m, t, 0);

	while (str_eq(name, "-group")) {
		take(m, t, 0);
		name = take(m, t, 0);
	}
	/* Names and backticks have no meaning here: a '$' in an address is one. */
	struct mutt_word w;
	mutt_word(&w, t, WORD_SPACES | WORD_QUOTES | WORD_SEMICOLON, NULL);
	const char *list = arena_strdup(&m->im->arena, str_get(&w.text));
	mutt_word_clear(&w);
	for (size_t i = 0; i < m->aliases.n; i++) {
		struct mutt_pair *p = &m->aliases.v[i];
		if (!str_ieq(p->name, name))
			continue;
		import_taken(m->im, p->item);
		*p = (struct mutt_pair){ name, list, item };
		return;
	}
	mutt_list_add(&m->aliases, name, list, item);
}

static void
cmd_unalias(struct mutt *m, struct mutt_text *t, size_t item)
{
	while (!mutt_at_end(t)) {
		const char *name = take(m, t, 0);
		for (size_t i = m->aliases.n; i-- > 0;) {
			if (!str_eq(name, "*") && !str_ieq(name, m->aliases.v[i].name))
				continue;
			import_taken(m->im, m->aliases.v[i].item);
			m->aliases.v[i] = m->aliases.v[--m->aliases.n];
		}
	}
	import_taken(m->im, item);
}

static void
cmd_alternates(struct mutt *m, struct mutt_text *t, size_t item)
{
	while (!mutt_at_end(t)) {
		const char *word = take(m, t, 0);
		if (str_eq(word, "-group"))
			take(m, t, 0);
		else
			mutt_list_add(&m->alternates, word, "", item);
	}
}

static void
cmd_mailboxes(struct mutt *m, struct mutt_text *t, size_t item)
{
	while (!mutt_at_end(t)) {
		struct mutt_var v = {0};
		mutt_take_word(m, t, 0, &v);
		if (v.command)
			/* a list of folders: all are listed here anyway */
			import_taken(m->im, item);
		else if (str_eq(v.value, "-label") || str_eq(v.value, "-type"))
			take(m, t, 0);
		else if (v.value[0] != '-' || !v.value[1])
			mutt_list_add(&m->mailboxes, v.value, "", item);
	}
	import_taken(m->im, item);
}

static void
cmd_my_hdr(struct mutt *m, struct mutt_text *t, size_t item)
{
	struct mutt_var v = {0};

	mutt_take_word(m, t, WORD_SPACES | WORD_QUOTES, &v);
	const char *colon = strchr(v.value, ':');
	if (!colon) {
		import_not(m->im, item, "it is no header field");
	} else if (str_istarts(v.value, "From:") && !v.command) {
		m->from = colon + 1 + strspn(colon + 1, " \t");
		m->from_item = item;
	} else {
		import_not(m->im, item, "no header fields of your own are sent");
	}
}

static void
cmd_hook(struct mutt *m, struct mutt_text *t, size_t item, enum mutt_hook_kind kind)
{
	struct mutt_hook h = { .kind = kind, .item = item, .file = m->file, .line = m->line };
	const char *pattern = take(m, t, 0);

	while (str_eq(pattern, "-noregex") || (str_eq(pattern, "!") && (h.is_not = true)))
		pattern = take(m, t, 0);
	if (*pattern == '!' && pattern[1]) {
		h.is_not = true;
		pattern++;
	}
	h.pattern = pattern;
	h.commands = take(m, t, WORD_SPACES);
	if (m->into != &m->vars) {
		import_not(m->im, item, "a hook in a hook is not looked at");
		return;
	}
	m->hooks = array_grow(m->hooks, m->n_hooks, &m->cap_hooks, sizeof *m->hooks);
	m->hooks[m->n_hooks++] = h;
}

static void
cmd_alternative_order(struct mutt *m, struct mutt_text *t, size_t item)
{
	while (!mutt_at_end(t)) {
		const char *type = take(m, t, 0);
		bool is_rich = str_istarts(type, "text/html"), is_plain = str_istarts(type,
			"text/plain");
		m->has_rich_first |= is_rich && !m->has_plain_first;
		m->has_plain_first |= is_plain && !m->has_rich_first;
	}
	import_taken(m->im, item);
}

/* HTML is shown as text anyway. */
static void
cmd_auto_view(struct mutt *m, struct mutt_text *t, size_t item)
{
	while (!mutt_at_end(t)) {
		if (!str_istarts(take(m, t, 0), "text/"))
			import_not(m->im, item,
				"types that are no text open with Enter in the list "
				"of parts (v)");
	}
	import_taken(m->im, item);
}

/* Of ignore, unignore and hdr_order: what is shown here anyway is the same. */
static void
cmd_unignore(struct mutt *m, struct mutt_text *t, size_t item)
{
	static const char *const shown[] = { "from", "from:", "date", "date:", "to", "to:",
		"cc", "cc:",
		"subject", "subject:", "reply-to", "reply-to:", "*" };
	const char *other = NULL;

	while (!mutt_at_end(t)) {
		const char *word = take(m, t, 0);
		bool is_shown = false;
		for (size_t i = 0; i < LEN(shown); i++)
			is_shown |= str_ieq(shown[i], word);
		other = other || is_shown ? other : word;
	}
	if (other)
		import_not(m->im, item, "the pager shows From, Reply-To, To, Cc, Date and "
			"Subject, and all with h; not '%s'",
			other);
	else
		import_taken(m->im, item);
}

static void
cmd_setenv(struct mutt *m, struct mutt_text *t, size_t item)
{
	struct mutt_var v = {0};
	const char *name = take(m, t, WORD_EQUAL);

	if (*t->p == '=')
		t->p++;
	mutt_take_word(m, t, 0, &v);
	v.name = name;
	v.item = IMPORT_NO_ITEM;
	mutt_vars_set(m->im, &m->env, &v);
	import_not(m->im, item,
		"the environment of commands is that of dunlin: set it in your shell");
}

/* The settings that follow count: who wrote them has them. */
static void
cmd_ifdef(struct mutt *m, struct mutt_text *t, size_t item)
{
	take(m, t, 0);
	const char *line = take(m, t, WORD_SPACES);

	import_taken(m->im, item);
	if (++m->depth < (int)LEN(m->stack)) {
		m->stack[m->depth - 1] = "";
		mutt_commands(m, line);
	}
	m->depth--;
}

enum command {
	C_SET, C_SOURCE, C_ALIAS, C_UNALIAS, C_ALTERNATES, C_UNALTERNATES, C_MAILBOXES, C_BIND,
		C_MACRO, C_COLOR,
	C_FOLDER_HOOK, C_ACCOUNT_HOOK, C_MY_HDR, C_UNIGNORE, C_ORDER, C_AUTO_VIEW, C_SETENV,
	C_IFDEF, C_FINISH, C_SAME, C_NOT
};

static const struct {
	const char *name;
	enum command command;
	const char *why;
} commands[] = {
	{ "set", C_SET, NULL }, { "unset", C_SET, NULL }, { "toggle", C_SET, NULL },
	{ "reset", C_SET, NULL }, { "source", C_SOURCE, NULL }, { "alias", C_ALIAS, NULL },
	{ "unalias", C_UNALIAS, NULL }, { "alternates", C_ALTERNATES, NULL },
	{ "unalternates", C_UNALTERNATES, NULL }, { "mailboxes", C_MAILBOXES, NULL },
	{ "named-mailboxes", C_MAILBOXES, NULL }, { "bind", C_BIND, NULL },
	{ "macro", C_MACRO, NULL }, { "color", C_COLOR, NULL },
	{ "folder-hook", C_FOLDER_HOOK, NULL }, { "account-hook", C_ACCOUNT_HOOK, NULL },
	{ "my_hdr", C_MY_HDR, NULL }, { "unignore", C_UNIGNORE, NULL },
	{ "hdr_order", C_UNIGNORE, NULL }, { "alternative_order", C_ORDER, NULL },
	{ "setenv", C_SETENV, NULL }, { "auto_view", C_AUTO_VIEW, NULL },
	{ "ifdef", C_IFDEF, NULL }, { "finish", C_FINISH, NULL },
	/* What happens here without being told. */
	{ "ifndef", C_SAME, NULL }, { "ignore", C_SAME, NULL }, { "lists", C_SAME, NULL },
	{ "subscribe", C_SAME, NULL }, { "unhook", C_SAME, NULL },
	{ "unmy_hdr", C_SAME, NULL }, { "unhdr_order", C_SAME, NULL },
	{ "unmailboxes", C_SAME, NULL }, { "unlists", C_SAME, NULL },
	{ "unsubscribe", C_SAME, NULL }, { "uncolor", C_SAME, NULL },
	{ "unmono", C_SAME, NULL }, { "unalternative_order", C_SAME, NULL },
	{ "unauto_view", C_SAME, NULL }, { "unsetenv", C_SAME, NULL },
	{ "echo", C_SAME, NULL }, { "mime_lookup", C_SAME, NULL },
	{ "unmime_lookup", C_SAME, NULL }, { "version", C_SAME, NULL },
	{ "unbind", C_SAME, NULL }, { "unmacro", C_SAME, NULL }, { "unscore", C_SAME, NULL },
	{ "subscribe-to", C_SAME, NULL }, { "unsubscribe-from", C_SAME, NULL },

	{ "send-hook", C_NOT, "who a mail is from is chosen by whom it answers, and with F "
	  "where it is written" },
	{ "send2-hook", C_NOT, "nothing depends on whom a mail goes to" },
	{ "reply-hook", C_NOT, "an answer is from the identity that the mail came to; nothing "
	  "else depends on it" },
	{ "message-hook", C_NOT, "nothing depends on the message that is shown" },
	{ "save-hook", C_NOT, "s asks for the folder, with completion and history" },
	{ "fcc-hook", C_NOT, "what is sent is copied to the account's 'sent' folder" },
	{ "fcc-save-hook", C_NOT, "what is sent is copied to the account's 'sent' folder" },
	{ "mbox-hook", C_NOT, "mail is moved by nobody but you: a moves it to the archive" },
	{ "crypt-hook", C_NOT, "the key is the one of the address in gpg's keyring" },
	{ "pgp-hook", C_NOT, "the key is the one of the address in gpg's keyring" },
	{ "charset-hook", C_NOT, "character sets are known by their names" },
	{ "iconv-hook", C_NOT, "character sets are known by their names" },
	{ "index-format-hook", C_NOT, "the list has its columns" },
	{ "open-hook", C_NOT, "files compressed with gzip open by themselves" },
	{ "append-hook", C_NOT, "there are no hooks for files" },
	{ "close-hook", C_NOT, "there are no hooks for files" },
	{ "startup-hook", C_NOT, "nothing is run at the start" },
	{ "shutdown-hook", C_NOT, "nothing is run at the end" },
	{ "timeout-hook", C_NOT, "nothing is run by time" },
	{ "mono", C_NOT, "attributes stand beside the colours: see [colors]" },
	{ "push", C_NOT, "nothing is typed at the start; 'start-folder' says where to begin" },
	{ "exec", C_NOT, "nothing is typed at the start" },
	{ "score", C_NOT, "there are no scores" }, { "spam", C_NOT, "there are no spam tags" },
	{ "nospam", C_NOT, "there are no spam tags" },
	{ "group", C_NOT, "there are no groups of addresses; an alias may have several" },
	{ "ungroup", C_NOT, "there are no groups of addresses" },
	{ "attachments", C_NOT, "what counts as an attachment is fixed" },
	{ "unattachments", C_NOT, "what counts as an attachment is fixed" },
	{ "cd", C_NOT, "the directory is that of the shell" },
	{ "virtual-mailboxes", C_NOT, "there are no virtual mailboxes; limits and searches "
	  "take queries" },
	{ "tag-transforms", C_NOT, "there are no notmuch tags" },
	{ "tag-formats", C_NOT, "there are no notmuch tags" },
	{ "sidebar_whitelist", C_NOT, "there is no sidebar: y lists the folders" },
	{ "sidebar_pin", C_NOT, "there is no sidebar: y lists the folders" },
	{ "sidebar_unwhitelist", C_NOT, "there is no sidebar" },
	{ "sidebar_unpin", C_NOT, "there is no sidebar" },
	{ "subjectrx", C_NOT, "subjects are shown as they are" },
	{ "unsubjectrx", C_NOT, "subjects are shown as they are" },
	{ "mailto_allow", C_NOT, "mailto: links fill in To, Cc, Bcc, Subject and the text" },
	{ "lua", C_NOT, "there is no Lua" }, { "lua-source", C_NOT, "there is no Lua" },
};

static void
run(struct mutt *m, enum command c, const char *why, struct mutt_text *t, size_t item)
{
	switch (c) {
	case C_SET: break;			/* makes an item of each variable */
	case C_SOURCE: cmd_source(m, t, item); break;
	case C_ALIAS: cmd_alias(m, t, item); break;
	case C_UNALIAS: cmd_unalias(m, t, item); break;
	case C_ALTERNATES: cmd_alternates(m, t, item); break;
	case C_UNALTERNATES:
		mutt_list_add(&m->nots, take(m, t, 0), "", item);
		import_taken(m->im, item);
		break;
	case C_MAILBOXES: cmd_mailboxes(m, t, item); break;
	case C_BIND: case C_MACRO:
		mutt_bind(m, t, c == C_MACRO, item);
		break;
	case C_COLOR: mutt_color(m, t, item); break;
	case C_FOLDER_HOOK: cmd_hook(m, t, item, HOOK_FOLDER); break;
	case C_ACCOUNT_HOOK: cmd_hook(m, t, item, HOOK_ACCOUNT); break;
	case C_MY_HDR: cmd_my_hdr(m, t, item); break;
	case C_UNIGNORE: cmd_unignore(m, t, item); break;
	case C_ORDER: cmd_alternative_order(m, t, item); break;
	case C_AUTO_VIEW: cmd_auto_view(m, t, item); break;
	case C_SETENV: cmd_setenv(m, t, item); break;
	case C_IFDEF: cmd_ifdef(m, t, item); break;
	case C_FINISH:
		m->is_done = true;
		import_taken(m->im, item);
		break;
	case C_SAME: import_taken(m->im, item); break;
	case C_NOT: import_not(m->im, item, "%s", why); break;
	}
}

/* What the item is called: the command and its first word. No value: it may be a secret. */
static const char *
label(struct mutt *m, const char *command, struct mutt_text rest)
{
	static const char *const with_word[] = { "source", "alias", "my_hdr", "folder-hook",
		"account-hook", "color",
		"mailboxes", "ifdef", "macro", "bind" };

	for (size_t i = 0; i < LEN(with_word); i++) {
		if (!str_eq(command, with_word[i]))
			continue;
		struct mutt_word w;
		const char *from = rest.p;
		mutt_word(&w, &rest, 0, NULL);
		mutt_word_clear(&w);
		if (i >= LEN(with_word) - 2) {		/* the key */
			mutt_word(&w, &rest, 0, NULL);
			mutt_word_clear(&w);
		}
		size_t n = (size_t)(rest.p - from);
		while (n && strchr(" \t:", from[n - 1]))
			n--;
		return arena_printf(&m->im->arena, "%s %.*s", command, (int)(n < 90 ? n : 90),
			from);
	}
	/* What is no command may be a password that begins with a '='. */
	return arena_strndup(&m->im->arena, command, strcspn(command, "="));
}

static void
one_command(struct mutt *m, struct mutt_text *t)
{
	struct mutt_word w;

	mutt_word(&w, t, 0, NULL);
	const char *name = arena_strdup(&m->im->arena, str_get(&w.text));
	mutt_word_clear(&w);
	size_t at = 0;
	while (at < LEN(commands) && !str_eq(commands[at].name, name))
		at++;
	if (at < LEN(commands) && commands[at].command == C_SET) {
		mutt_set(m, t, name);
	} else {
		size_t item = import_item(m->im, m->file, m->line, "%s", label(m, name, *t));
		if (at < LEN(commands))
			run(m, commands[at].command, commands[at].why, t, item);
		else
			import_not(m->im, item, "mutt's manual has no such command");
	}
	while (!mutt_at_end(t)) {		/* whatever was left of it */
		mutt_word(&w, t, 0, NULL);
		mutt_word_clear(&w);
	}
}

void
mutt_commands(struct mutt *m, const char *line)
{
	struct mutt_text t = { line };

	for (;;) {
		mutt_skip_space(&t);
		if (*t.p == ';')
			t.p++;
		else if (mutt_at_end(&t) || m->is_done || m->im->n_items == IMPORT_MAX_ITEMS)
			return;
		else
			one_command(m, &t);
	}
}

