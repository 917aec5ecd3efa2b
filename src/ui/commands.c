/* commands.c - the table of commands, and how a line finds its row. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "look.h"
#include "query.h"

#define ROW(id, name, keys, views, needs, arg, help) \
	[CMD_##id] = { CMD_##id, name, keys, views, needs, ARG_##arg, help }

static const struct command commands[N_COMMANDS] = {
	ROW(DOWN, "down", "j <Down>", V_ALL, 0, NONE, "one line down"),
	ROW(UP, "up", "k <Up>", V_ALL, 0, NONE, "one line up"),
	ROW(PAGE_DOWN, "page-down", "<PageDown> <C-f>", V_ALL, 0, NONE, "one page down"),
	ROW(PAGE_UP, "page-up", "<PageUp> <C-b>", V_ALL, 0, NONE, "one page up"),
	ROW(HALF_DOWN, "half-down", "<C-d>", V_ALL, 0, NONE, "half a page down"),
	ROW(HALF_UP, "half-up", "<C-u>", V_ALL, 0, NONE, "half a page up"),
	ROW(FIRST, "first", "gg <Home>", V_ALL, 0, NONE, "to the top"),
	ROW(LAST, "last", "G <End>", V_ALL, 0, NONE, "to the end"),
	ROW(READ_ON, "read-on", "<Space>", V_PAGER, 0, NONE,
		"a page down; at the end to the next message"),
	ROW(NEXT_UNREAD, "next-unread", "<Tab>", V_MAIL | V_FOLDERS, 0, NONE,
		"next unread message, or folder with one"),
	ROW(PREVIOUS_UNREAD, "previous-unread", "<S-Tab>", V_MAIL | V_FOLDERS, 0, NONE,
		"previous unread message, or folder with one"),
	ROW(NEXT_MESSAGE, "next-message", "J", V_PAGER, 0, NONE, "read the next message"),
	ROW(PREVIOUS_MESSAGE, "previous-message", "K", V_PAGER, 0, NONE,
		"read the previous message"),
	ROW(NEXT_THREAD, "next-thread", "J", V_INDEX, 0, NONE, "to the next thread"),
	ROW(PREVIOUS_THREAD, "previous-thread", "K", V_INDEX, 0, NONE,
		"to the previous thread"),
	ROW(SEARCH, "search", "/", V_ALL, 0, TEXT, "search, and go to the first match"),
	ROW(SEARCH_NEXT, "search-next", "n", V_ALL, 0, NONE, "next match"),
	ROW(SEARCH_PREVIOUS, "search-previous", "<Alt-n>", V_ALL, 0, NONE, "previous match"),
	ROW(FIND, "find", "gs", V_MAIL | V_FOLDERS, 0, QUERY,
		"list what fits a query in all folders of all accounts"),

	ROW(OPEN, "open", "<Enter> <Space> <Right>", V_LISTS | V_WRITING, 0, NONE,
		"open this line"),
	ROW(BACK, "back", "q <Left>", V_ALL, 0, NONE,
		"back to where you came from; leave at the last"),
	ROW(QUIT, "quit", "Q", V_ALL, 0, NONE, "leave dunlin; nothing is lost"),
	ROW(FOLDERS, "folders", "y", V_BUT_COMPOSE, 0, NONE, "list of folders"),
	ROW(FOLDER, "folder", "c", V_BUT_COMPOSE, 0, FOLDER, "change to a folder"),
	ROW(PARTS, "parts", "v", V_MAIL, 0, NONE, "parts and attachments"),
	ROW(HELP, "help", "? <F1>", V_ALL, 0, NONE, "keys and commands of this view"),
	ROW(MESSAGES, "messages", "gm", V_ALL, 0, NONE, "what was told so far"),
	ROW(COMMAND, "command", ":", V_ALL, 0, NONE, "type a command"),

	ROW(COMPOSE, "compose", "m", V_BUT_COMPOSE, 0, ADDRESSES, "write a new message"),
	ROW(REPLY, "reply", "r", V_MAIL, 0, NONE, "answer the sender"),
	ROW(REPLY_ALL, "reply-all", "R", V_MAIL, 0, NONE, "answer all who got it"),
	ROW(REPLY_LIST, "reply-list", "L", V_MAIL, 0, NONE, "answer the mailing list"),
	ROW(FORWARD, "forward", "f", V_MAIL, 0, NONE, "forward, with its attachments"),
	ROW(FORWARD_ATTACHED, "forward-attached", "gf", V_MAIL, 0, NONE,
		"forward as an attachment; of several tagged each is one"),
	ROW(ATTACH_HERE, "attach-to-draft", "ga", V_MAIL | V_PARTS, 0, NONE,
		"attach to the draft you wrote at last, and go on with it"),
	ROW(BOUNCE, "bounce", "b", V_MAIL, 0, ADDRESSES, "send on to others as it is"),
	ROW(UNSUBSCRIBE, "unsubscribe", "gu", V_PAGER, 0, NONE,
		"leave the mailing list, by mail or on its page"),
	ROW(INVITATION, "answer-invitation", "gi", V_PAGER, 0, NONE,
		"accept or decline the invitation, or say maybe"),
	ROW(ALIAS, "alias", "A", V_MAIL, 0, NONE, "give who wrote this a short name"),
	ROW(UNALIAS, "unalias", "", V_MAIL, 0, TEXT, "forget a short name"),
	ROW(EDIT_AS_NEW, "edit-as-new", "ge", V_MAIL, 0, NONE,
		"write a new message that begins as this one"),
	ROW(EDIT, "edit", "e", V_WRITING, 0, NONE, "edit the text in your editor"),
	ROW(SEND, "send", "y", V_COMPOSE, 0, NONE, "send; u takes it back for some seconds"),
	ROW(SEND_AT, "send-at", "Y", V_COMPOSE | V_OUTBOX, 0, WHEN,
		"send later: 18:30, tomorrow 9, mon 8:30, +2h"),
	ROW(POSTPONE, "postpone", "P", V_COMPOSE, 0, NONE,
		"keep it as a draft, and go on later"),
	ROW(FROM, "from", "F", V_COMPOSE, 0, ADDRESSES, "change who it is from"),
	ROW(TO, "to", "t", V_COMPOSE, 0, ADDRESSES, "change whom it goes to"),
	ROW(CC, "cc", "c", V_COMPOSE, 0, ADDRESSES, "change who gets a copy"),
	ROW(BCC, "bcc", "b", V_COMPOSE, 0, ADDRESSES,
		"change who gets a copy unseen by the others"),
	ROW(SUBJECT, "subject", "s", V_COMPOSE, 0, LINE, "change the subject"),
	ROW(ATTACH, "attach", "a", V_COMPOSE, 0, FILE, "attach a file"),
	ROW(ATTACH_OUTPUT, "attach-output", "|", V_COMPOSE, 0, SHELL,
		"attach what a command prints"),
	ROW(SIGN, "sign", "S", V_COMPOSE, 0, NONE, "sign it, or do not"),
	ROW(ENCRYPT, "encrypt", "E", V_COMPOSE, 0, NONE, "encrypt it, or do not"),
	ROW(PREVIEW, "preview", "p", V_COMPOSE, 0, NONE, "see it as who gets it will"),
	ROW(DRAFTS, "drafts", "gd", V_BUT_COMPOSE, 0, NONE, "what was begun and not sent"),
	ROW(OUTBOX, "outbox", "go", V_BUT_COMPOSE, 0, NONE,
		"what is being sent, and what became of it"),
	ROW(REMOVE, "remove", "d <Delete>", V_WRITING, 0, NONE,
		"remove the attachment, the draft, the mail to be sent"),
	ROW(HOLD, "hold", "h", V_OUTBOX, 0, NONE, "hold it back, or let it go"),
	ROW(RETRY, "retry", "r", V_OUTBOX, 0, NONE, "try again now"),
	ROW(ARRIVED, "arrived", "a", V_OUTBOX, 0, NONE,
		"it surely arrived: end the doubt about it"),

	ROW(DELETE, "delete", "d <Delete>", V_MAIL, NEEDS_MOVE, NONE, "move to Trash"),
	ROW(PURGE, "purge", "", V_MAIL, NEEDS_DELETE, NONE,
		"delete for good; cannot be undone"),
	ROW(UNDO, "undo", "u", V_ALL, 0, NONE, "take back what was done last"),
	ROW(ARCHIVE, "archive", "a", V_MAIL, NEEDS_MOVE, NONE, "move to Archive"),
	ROW(MOVE, "move", "s", V_MAIL, NEEDS_MOVE, FOLDER, "move to a folder"),
	ROW(COPY, "copy", "C", V_MAIL, NEEDS_MOVE, FOLDER, "copy to a folder"),
	ROW(FLAG, "flag", "F", V_MAIL, NEEDS_FLAGS, NONE, "flag, or take the flag off"),
	ROW(READ, "read", "N", V_MAIL, NEEDS_FLAGS, NONE, "mark unread, or read"),
	ROW(READ_ALL, "read-all", "gN", V_INDEX, NEEDS_FLAGS, NONE,
		"mark all of the list read"),
	ROW(JUNK, "junk", "!", V_MAIL, NEEDS_MOVE, NONE, "move to Junk"),
	ROW(DOWNLOAD, "download", "gw", V_MAIL, 0, NONE,
		"get the whole message, where its header alone is here"),
	ROW(TAG, "tag", "t", V_INDEX, 0, NONE, "tag, or untag"),
	ROW(TAG_THREAD, "tag-thread", "T", V_INDEX, 0, NONE, "tag the whole thread"),
	ROW(TAG_QUERY, "tag-query", "<Alt-t>", V_INDEX, 0, QUERY, "tag all that fit a query"),
	ROW(UNTAG_ALL, "untag-all", "<C-t>", V_INDEX, 0, NONE, "no tags any more"),
	ROW(TAGGED, "tagged", ";", V_INDEX, 0, NONE, "the next command goes to all tagged"),

	ROW(LIMIT, "limit", "l", V_INDEX, 0, QUERY, "show only what fits a query"),
	ROW(SORT, "sort", "o", V_INDEX, 0, SORT, "sort by date, sender, subject or size"),
	ROW(THREADS, "threads", "gt", V_INDEX, 0, NONE, "threads, or a flat list"),
	ROW(FOLD, "fold", "z", V_INDEX | V_FOLDERS, 0, NONE,
		"fold what is below, or unfold it"),
	ROW(FOLD_ALL, "fold-all", "Z", V_INDEX, 0, NONE, "fold all threads, or unfold them"),

	ROW(HEADERS, "headers", "h", V_PAGER, 0, NONE, "all headers, or the usual ones"),
	ROW(HTML, "html", "H", V_PAGER, 0, NONE, "HTML part, or plain text"),
	ROW(DECRYPT, "decrypt", "X", V_PAGER, 0, NONE,
		"decrypt it, or check who signed it; asks for a passphrase"),
	ROW(SKIP_QUOTED, "skip-quoted", "S", V_PAGER, 0, NONE, "to behind the quoted text"),
	ROW(FOLD_QUOTED, "fold-quoted", "z", V_PAGER, 0, NONE,
		"fold the quoted text, or show it"),
	ROW(PIPE, "pipe", "|", V_MAIL | V_PARTS, 0, SHELL, "pipe to a command"),
	ROW(PIPE_TEXT, "pipe-text", "g|", V_MAIL, 0, SHELL,
		"pipe the text as it is read, to print or copy it"),
	ROW(SAVE, "save", "s", V_PARTS, 0, FILE, "save in a file"),
	ROW(SAVE_ALL, "save-all", "S", V_PARTS, 0, FILE,
		"save all attachments in a directory"),
	ROW(OPEN_WITH, "open-with", "o", V_PARTS, 0, NONE,
		"open with the program for its type"),
	ROW(LINK, "link", "o", V_PAGER, 0, NUMBER, "open a numbered link in the browser"),

	ROW(CREATE_FOLDER, "create-folder", "+", V_FOLDERS, NEEDS_FOLDERS, TEXT,
		"make a folder"),
	ROW(RENAME_FOLDER, "rename-folder", "r", V_FOLDERS, NEEDS_FOLDERS, TEXT,
		"rename the folder"),
	ROW(DELETE_FOLDER, "delete-folder", "d", V_FOLDERS, NEEDS_FOLDERS, NONE,
		"delete the folder with all in it"),
	ROW(EMPTY_TRASH, "empty-trash", "E", V_FOLDERS | V_INDEX, NEEDS_DELETE, NONE,
		"delete all in Trash for good"),

	ROW(SYNC, "sync", "$", V_ALL, 0, NONE, "synchronise now"),
	ROW(RECONNECT, "reconnect", "gr", V_ALL, 0, NONE,
		"connect again, also after a refused login"),
	ROW(CANCEL, "cancel", "<Esc> <C-g> <C-c>", V_ALL, 0, NONE, "cancel what is under way"),
	ROW(REDRAW, "redraw", "<C-l>", V_ALL, 0, NONE, "draw the screen anew"),
	ROW(SUSPEND, "suspend", "<C-z>", V_ALL, 0, NONE, "back to the shell for a while"),
};

static const struct {
	unsigned bit;
	const char *name;
} view_bits[] = {
	{ V_FOLDERS, "folders" }, { V_INDEX, "index" }, { V_PAGER, "pager" },
	{ V_PARTS, "parts" }, { V_HELP, "help" }, { V_MESSAGES, "messages" },
	{ V_COMPOSE, "compose" }, { V_DRAFTS, "drafts" }, { V_OUTBOX, "outbox" },
};

static const char *const arg_names[] = {
	[ARG_NONE] = "", [ARG_FOLDER] = "FOLDER", [ARG_QUERY] = "QUERY", [ARG_TEXT] = "TEXT",
	[ARG_SORT] = "ORDER", [ARG_FILE] = "FILE", [ARG_SHELL] = "COMMAND",
	[ARG_COMMAND] = "COMMAND", [ARG_NUMBER] = "NUMBER",
	[ARG_ADDRESSES] = "ADDRESSES", [ARG_LINE] = "TEXT", [ARG_WHEN] = "WHEN",
};

const struct command *
command_at(enum command_id id)
{
	return &commands[id];
}

const struct command *
command_find(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (str_eq(commands[i].name, name))
			return &commands[i];
	}
	return NULL;
}

const char *
view_bit_name(unsigned bit)
{
	for (size_t i = 0; i < LEN(view_bits); i++) {
		if (view_bits[i].bit == bit)
			return view_bits[i].name;
	}
	return NULL;
}

unsigned
view_bit_by_name(const char *name)
{
	for (size_t i = 0; i < LEN(view_bits); i++) {
		if (str_ieq(view_bits[i].name, name))
			return view_bits[i].bit;
	}
	return 0;
}

const char *
arg_kind_name(enum arg_kind k)
{
	return arg_names[k];
}

/* The one command of the view whose name begins so; NULL: none or several. */
static const struct command *
find_abbreviated(const char *name, unsigned view)
{
	const struct command *found = NULL;

	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (!(commands[i].views & view) || !str_starts(commands[i].name, name))
			continue;
		if (found)
			return NULL;
		found = &commands[i];
	}
	return found;
}

static enum err
unknown_command(const char *name, unsigned view, struct error *e)
{
	const char *names[N_COMMANDS + 1];
	size_t n = 0;

	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (commands[i].views & view)
			names[n++] = commands[i].name;
	}
	names[n] = NULL;
	const char *near = nearest_word(name, names);
	return error_set(e, ERR_UNSUPPORTED, near ? "no command '%s' (did you mean '%s'?)"
		: "no command '%s'", name, near);
}

/* "send at 18:30": where the first word takes no argument, a space may stand for the dash of
 * another name. *arg moves behind it. */
static const struct command *
find_joined(const char *first, const char **arg, unsigned view)
{
	size_t n = strcspn(*arg, " \t");
	char *name = xasprintf("%s-%.*s", first, (int)n, *arg);
	const struct command *c = command_find(name);

	free(name);
	if (!c || !(c->views & view))
		return NULL;
	*arg += n + strspn(*arg + n, " \t");
	if (**arg == '\0')
		*arg = NULL;
	return c;
}

static enum err
not_here(const struct command *c, struct error *e)
{
	struct str where = {0};

	for (size_t i = 0; i < LEN(view_bits); i++) {
		if (c->views & view_bits[i].bit)
			str_printf(&where, "%s%s", where.len ? ", " : "", view_bits[i].name);
	}
	error_set(e, ERR_UNSUPPORTED, "'%s' does nothing here, but in %s", c->name,
		str_get(&where));
	str_clear(&where);
	return ERR_UNSUPPORTED;
}

bool
command_takes(const struct command *c, unsigned views, const char *arg, int64_t now,
	struct error *e)
{
	struct query *q = NULL;
	struct look look;
	bool is_query = c->arg == ARG_QUERY || (c->id == CMD_SEARCH && views == V_INDEX);

	if (is_query && !str_eq(arg, "all") && query_parse(&q, arg, now, e) != ERR_OK)
		return false;
	query_free(q);
	if (c->arg == ARG_SORT && *arg && !look_parse_order(&look, arg)) {
		error_set(e, ERR_LOCAL, "'%s' is no order: %s", arg, look_order_help);
		return false;
	}
	if (c->arg == ARG_NUMBER && arg[strspn(arg, "0123456789")]) {
		error_set(e, ERR_LOCAL, "'%s' wants a number, not '%s'", c->name, arg);
		return false;
	}
	return true;
}

const struct command *
command_parse(const char *line, unsigned view, bool abbreviated, const char **arg,
	struct error *e)
{
	char name[40];
	size_t n = strcspn(line, " \t");

	*arg = line + n + strspn(line + n, " \t");
	if (**arg == '\0')
		*arg = NULL;
	if (n >= sizeof name)
		n = sizeof name - 1;
	memcpy(name, line, n);
	name[n] = '\0';
	const struct command *c = command_find(name), *joined;
	if (!c && abbreviated && n > 0)
		c = find_abbreviated(name, view);
	if (!c) {
		unknown_command(name, view, e);
		return NULL;
	}
	if (*arg && c->arg == ARG_NONE && (joined = find_joined(c->name, arg, view)) != NULL)
		c = joined;
	if (!(c->views & view)) {
		not_here(c, e);
		return NULL;
	}
	if (*arg && c->arg == ARG_NONE) {
		error_set(e, ERR_UNSUPPORTED, "'%s' takes no argument", c->name);
		return NULL;
	}
	return c;
}

void
command_dump(struct str *out)
{
	for (size_t i = 0; i < N_COMMANDS; i++) {
		const struct command *c = &commands[i];
		str_printf(out, "%s\t%s\t", c->name, c->keys);
		const char *comma = "";
		for (size_t b = 0; b < LEN(view_bits); b++) {
			if (!(c->views & view_bits[b].bit))
				continue;
			str_printf(out, "%s%s", comma, view_bits[b].name);
			comma = ",";
		}
		str_printf(out, "\t%s\t%s\n", arg_names[c->arg], c->help);
	}
}
