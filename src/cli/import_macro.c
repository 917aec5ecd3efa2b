/* import_macro.c - macros of a muttrc that are one command of ours, with what it is told.
 *
 * A macro is keys: <functions> and what is typed in between. Taken over is one function with
 * its line up to <enter>; what only prepares it ("unset wait_key") or tidies up behind it
 * counts as nothing. */
#include <stdio.h>
#include <string.h>

#include "import_mutt.h"

enum { MAX_TYPED = 500 };

/* One function and what is typed behind it, up to the next. */
struct step {
	char function[40];
	char typed[MAX_TYPED];		/* without the end of the line */
};

static bool
take_function(const char **p, char function[40])
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	const char *close = *p;

	if (**p == '<')
		close += 1 + strspn(*p + 1, allowed);
	if (*close != '>' || close == *p + 1 || close - *p > 39)
		return false;
	snprintf(function, 40, "%.*s", (int)(close - *p - 1), *p + 1);
	*p = close + 1;
	return true;
}

static bool
is_enter(const char *function)
{
	return str_ieq(function, "enter") || str_ieq(function, "return") ||
		str_ieq(function, "cr");
}

/* Keys that stand for functions, as they are without a bind. */
static const char *
function_of_key(char c)
{
	static const struct { char key; const char *function; } keys[] = {
		{ 's', "save-message" }, { 'c', "change-folder" }, { 'l', "limit" },
		{ 'C', "copy-message" }, { '|', "pipe-message" }, { 'm', "mail" },
		{ ':', "enter-command" }, { 'o', "sort-mailbox" },
	};

	for (size_t i = 0; i < LEN(keys); i++) {
		if (keys[i].key == c)
			return keys[i].function;
	}
	return NULL;
}

/* False at the end. A step without a function is text that no function asked for. */
static bool
take_step(const char **p, struct step *st)
{
	char other[40];
	size_t n = 0;

	*st = (struct step){0};
	if (!**p)
		return false;
	if (!take_function(p, st->function)) {
		const char *function = function_of_key(**p);
		if (function)
			snprintf(st->function, sizeof st->function, "%s", function);
		*p += function != NULL || **p == '\n' || **p == '\r';
	}
	while (**p && **p != '\n' && **p != '\r') {
		const char *at = *p;
		if (take_function(p, other)) {
			if (is_enter(other))
				return true;
			if (str_ieq(other, "space")) {
				st->typed[n] = ' ';
				n += n + 1 < sizeof st->typed;
				continue;
			}
			*p = at;
			return true;
		}
		if (n + 1 < sizeof st->typed)
			st->typed[n++] = **p;
		++*p;
	}
	*p += **p != '\0';
	return true;
}

/* What is piped after this is the text, as it is read. */
static bool
decodes(const struct step *st)
{
	return str_eq(st->function, "enter-command") &&
		str_starts(st->typed + strspn(st->typed, " :"), "set pipe_decode");
}

/* What changes nothing here: how commands of mutt are run, and drawing. */
static bool
is_nothing(const struct step *st)
{
	static const char *const commands[] = { "set wait_key", "unset wait_key",
		"set pipe_decode", "unset pipe_decode", "set resolve", "unset resolve",
		"set confirmappend", "unset confirmappend", "set delete", "set pipe_split",
		"unset pipe_split", "set my_", "unset my_",
		"set nowait_key", "echo" };
	static const char *const functions[] = { "sync-mailbox", "refresh", "check-stats",
		"enter", "return",
		"untag-pattern", "toggle-mailboxes", "clear", "end-cond", "" };

	if (str_eq(st->function, "enter-command")) {
		for (size_t i = 0; i < LEN(commands); i++) {
			if (str_starts(st->typed + strspn(st->typed, " :"), commands[i]))
				return true;
		}
		return false;
	}
	for (size_t i = 0; i < LEN(functions); i++) {
		if (str_eq(st->function, functions[i]))
			return !*st->typed || str_eq(st->typed, "y") || str_eq(st->function,
				"untag-pattern");
	}
	return false;
}

/* What we say where mutt types `typed` behind the function; NULL: that cannot be said. */
static const char *
line_with(struct mutt *m, const char *command, const char *typed)
{
	const char *arg = typed;

	if (str_eq(command, "folder") && *typed == '?')
		return "folders";
	if (str_eq(command, "move") || str_eq(command, "copy") || str_eq(command, "folder"))
		arg = mutt_folder(m, &m->vars, typed);
	else if (str_eq(command, "limit") || str_eq(command, "tag-query"))
		arg = mutt_query(m->im, typed);
	else if (!str_starts(command, "pipe"))
		arg = NULL;
	return arg ? arena_printf(&m->im->arena, "%s %s", command, arg) : NULL;
}

static const char *
shell_line(const struct step *st)
{
	static const char *const fetchers[] = { "mbsync", "offlineimap", "fetchmail",
		"getmail", "mpop", "isync",
		"mw ", "mailsync", "notmuch new" };

	for (size_t i = 0; i < LEN(fetchers); i++) {
		if (strstr(st->typed, fetchers[i]))
			return "sync";
	}
	return NULL;
}

const char *
mutt_macro(struct mutt *m, const char *view, const char *body, const char **why)
{
	struct step st, only = {0};
	const char *p = body;
	bool is_text = false;
	int n = 0;

	while (take_step(&p, &st)) {
		is_text |= decodes(&st);
		if (is_nothing(&st) && (n > 0 || *p || !*st.function))
			continue;
		only = st;
		n++;
	}
	*why = "several commands in one key are not possible";
	if (*body == ';' || str_starts(body, "<tag-prefix"))
		*why = "what is tagged is meant by ';' before the key, not in it";
	if (n != 1)
		return n == 0 ? mutt_function("sync-mailbox", view, why) : NULL;
	if (str_eq(only.function, "shell-escape")) {
		*why = "there is no shell here; 'suspend' (^Z) leads to yours";
		return shell_line(&only);
	}
	*why = "settings cannot be changed by a key";
	if (str_eq(only.function, "enter-command") && *only.typed)
		return NULL;
	const char *command = mutt_function(only.function, view, why);
	if (is_text && str_eq(command, "pipe") && !str_eq(view, "parts"))
		command = "pipe-text";
	if (!command || !*only.typed)
		return command;
	const char *line = line_with(m, command, only.typed);
	if (!line)
		*why = "what is typed in it has nothing like it here";
	return line;
}

/* ---- other accounts by a key ---- */

bool
mutt_macro_account(struct mutt *m, const char *menus, const char *key, const char *body,
	size_t item)
{
	struct step st;
	const char *p = body;

	while (take_step(&p, &st)) {
		const char *typed = st.typed + strspn(st.typed, " :");
		if (!str_eq(st.function, "enter-command") || !str_starts(typed, "source ") ||
		    strchr(typed, '|'))
			continue;
		struct mutt_hook h = { .kind = HOOK_MACRO, .pattern =
			arena_strdup(&m->im->arena, key),
			.menus = arena_strdup(&m->im->arena, menus), .file = m->file, .line =
			m->line, .item = item,
			.commands = arena_strdup(&m->im->arena, typed) };
		m->hooks = array_grow(m->hooks, m->n_hooks, &m->cap_hooks, sizeof *m->hooks);
		m->hooks[m->n_hooks++] = h;
		return true;
	}
	return false;
}
