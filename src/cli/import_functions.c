/* import_functions.c - mutt's functions and the commands that do the same here. */
#include <string.h>

#include "import_mutt.h"

#define LISTS "index parts folders compose drafts"
#define ALL "index pager parts folders compose drafts"
#define MAIL "index pager"

static const struct {
	const char *function, *views, *command;
} functions[] = {
	{ "noop", ALL, "none" },
	/* moving */
	{ "next-entry", LISTS, "down" }, { "previous-entry", LISTS, "up" },
	{ "next-undeleted", LISTS, "down" }, { "previous-undeleted", LISTS, "up" },
	{ "next-entry", "pager", "next-message" },
	{ "previous-entry", "pager", "previous-message" },
	{ "next-undeleted", "pager", "next-message" },
	{ "previous-undeleted", "pager", "previous-message" },
	{ "next-line", ALL, "down" }, { "previous-line", ALL, "up" },
	{ "next-page", ALL, "page-down" }, { "previous-page", ALL, "page-up" },
	{ "half-down", ALL, "half-down" }, { "half-up", ALL, "half-up" },
	{ "first-entry", ALL, "first" }, { "last-entry", ALL, "last" },
	{ "top", "pager", "first" }, { "bottom", "pager", "last" },
	{ "next-new", MAIL, "next-unread" }, { "next-unread", MAIL, "next-unread" },
	{ "next-new-then-unread", MAIL, "next-unread" },
	{ "next-unread-mailbox", MAIL, "next-unread" },
	{ "previous-new", MAIL, "previous-unread" },
	{ "previous-unread", MAIL, "previous-unread" },
	{ "previous-new-then-unread", MAIL, "previous-unread" },
	{ "next-thread", "index", "next-thread" },
	{ "previous-thread", "index", "previous-thread" },
	{ "search", ALL, "search" }, { "search-next", ALL, "search-next" },
	{ "search-opposite", ALL, "search-previous" },
	/* one thing to another */
	{ "select-entry", LISTS, "open" }, { "display-message", "index", "open" },
	{ "view-attach", "parts compose", "open" }, { "view-file", "folders", "open" },
	{ "descend-directory", "folders", "open" }, { "view-mailcap", "parts", "open-with" },
	{ "exit", "pager parts folders compose drafts", "back" }, { "exit", "index", "quit" },
	{ "quit", "index pager folders", "quit" }, { "quit", "parts compose drafts", "back" },
	{ "change-folder", MAIL, "folder" }, { "browse-mailboxes", MAIL, "folders" },
	{ "toggle-mailboxes", "folders", "folders" },
	{ "view-attachments", MAIL, "parts" }, { "help", ALL, "help" },
	{ "enter-command", ALL, "command" },
	{ "error-history", ALL, "messages" }, { "refresh", ALL, "redraw" },
	{ "sync-mailbox", MAIL, "sync" }, { "imap-fetch-mail", "index", "sync" },
	{ "fetch-mail", "index", "sync" },
	{ "check-new", "folders", "sync" }, { "check-stats", MAIL " folders", "sync" },
	/* writing */
	{ "mail", MAIL, "compose" }, { "reply", MAIL, "reply" },
	{ "group-reply", MAIL, "reply-all" },
	{ "group-chat-reply", MAIL, "reply-all" }, { "list-reply", MAIL, "reply-list" },
	{ "forward-message", MAIL, "forward" }, { "bounce-message", MAIL, "bounce" },
	{ "resend-message", MAIL, "edit-as-new" }, { "create-alias", MAIL, "alias" },
	{ "recall-message", MAIL, "drafts" }, { "compose-to-sender", MAIL, "reply" },
	{ "send-message", "compose", "send" }, { "edit-message", "compose", "edit" },
	{ "edit-file", "compose", "edit" }, { "edit-from", "compose", "from" },
	{ "edit-to", "compose", "to" },
	{ "edit-cc", "compose", "cc" }, { "edit-bcc", "compose", "bcc" },
	{ "edit-subject", "compose", "subject" },
	{ "attach-file", "compose", "attach" }, { "detach-file", "compose", "remove" },
	{ "postpone-message", "compose", "postpone" }, { "delete-entry", "drafts", "remove" },
	/* triage */
	{ "delete-message", MAIL, "delete" }, { "purge-message", MAIL, "purge" },
	{ "undelete-message", MAIL, "undo" }, { "save-message", MAIL, "move" },
	{ "copy-message", MAIL, "copy" },
	{ "flag-message", MAIL, "flag" }, { "toggle-new", MAIL, "read" },
	{ "toggle-read", MAIL, "read" },
	{ "tag-entry", "index", "tag" }, { "tag-message", "index", "tag" },
	{ "tag-thread", "index", "tag-thread" },
	{ "tag-pattern", "index", "tag-query" }, { "tag-prefix", "index", "tagged" },
	{ "tag-prefix-cond", "index", "tagged" },
	/* how it looks */
	{ "limit", "index", "limit" }, { "vfolder-from-query", "index", "find" },
	{ "sort-mailbox", "index", "sort" },
	{ "collapse-thread", "index", "fold" }, { "collapse-all", "index", "fold-all" },
	{ "display-toggle-weed", "pager", "headers" },
	{ "skip-quoted", "pager", "skip-quoted" }, { "toggle-quoted", "pager", "fold-quoted" },
	{ "pipe-message", MAIL, "pipe" }, { "pipe-entry", "parts", "pipe" },
	{ "save-entry", "parts", "save" },
	/* folders */
	{ "create-mailbox", "folders", "create-folder" },
	{ "rename-mailbox", "folders", "rename-folder" },
	{ "delete-mailbox", "folders", "delete-folder" },
};

static const struct { const char *begins, *why; } missing[] = {
	{ "sidebar-", "there is no sidebar: y lists the folders" },
	{ "change-folder-readonly", "a folder is not opened read only; 'read-only' is of a "
	  "whole account" },
	{ "change-vfolder",
		"there are no virtual mailboxes: 'find' lists what fits a query in all" },
	{ "vfolder-",
		"there are no virtual mailboxes: 'find' lists what fits a query in all" },
	{ "delete-thread", "tag the thread, then delete what is tagged: T ; d" },
	{ "delete-subthread", "tag the thread, then delete what is tagged: T ; d" },
	{ "delete-pattern", "tag by a query, then delete what is tagged" },
	{ "read-thread", "tag the thread, then mark what is tagged: T ; N" },
	{ "read-subthread", "tag the thread, then mark what is tagged: T ; N" },
	{ "undelete-", "u takes back what was done last, as often as you like" },
	{ "untag-pattern", "'untag-all' takes all tags away" },
	{ "tag-subthread", "'tag-thread' tags the whole thread" },
	{ "print-", "'pipe-text lpr' prints; bind it to a key if you like" },
	{ "search-reverse", "'search' goes down, and 'search-previous' up from there" },
	{ "set-flag", "'flag' and 'read' set flags and take them off" },
	{ "clear-flag", "'flag' and 'read' set flags and take them off" },
	{ "shell-escape", "there is no shell here; 'suspend' (^Z) leads to yours" },
	{ "toggle-write", "what is done is done at once, and can be undone" },
	{ "edit", "a message that came is not changed; 'edit-as-new' makes a new one of it" },
	{ "query", "people are looked up while an address is typed" },
	{ "jump", "no number leads to a message; 'search' and 'limit' find it" },
	{ "break-thread", "threads are as their messages say" },
	{ "link-threads", "threads are as their messages say" },
	{ "next-subthread", "'next-thread' goes to the next thread" },
	{ "previous-subthread", "'previous-thread' goes to the one before" },
	{ "parent-message", "threads are shown, but there is no way up in them by a key" },
	{ "pgp", "'sign' and 'encrypt' are for what is written, 'decrypt' for what is read" },
	{ "smime",
		"'sign' and 'encrypt' are for what is written, 'decrypt' for what is read" },
	{ "autocrypt", "keys are gpg's: there is no Autocrypt" },
	{ "extract-keys", "keys are gpg's: save the part, and import it there" },
	{ "mail-key", "keys are gpg's: attach what it exports" },
	{ "check-traditional", "OpenPGP without MIME is not looked at" },
	{ "forget-passphrase", "passphrases are kept by gpg-agent" },
	{ "mix", "there is no mixmaster" }, { "modify-labels", "there are no labels" },
	{ "decode-", "'copy' and 'move' keep a message as it is" },
	{ "decrypt-", "nothing decrypted is stored" },
	{ "top-page", "gg and G lead to the ends; there is none for the edges of the screen" },
	{ "bottom-page",
		"gg and G lead to the ends; there is none for the edges of the screen" },
	{ "middle-page",
		"gg and G lead to the ends; there is none for the edges of the screen" },
	{ "current-", "the list moves as the cursor does" },
	{ "goto-parent", "all folders stand in one tree" },
	{ "change-dir", "all folders stand in one tree" },
	{ "what-key", "the keys are listed by ?" },
	{ "view-", "Enter opens it, in the way that fits" },
};

static bool
has_word(const char *words, const char *word)
{
	size_t n = strlen(word);

	for (const char *w = words; (w = strstr(w, word)) != NULL; w++) {
		if ((w == words || w[-1] == ' ') && (w[n] == ' ' || w[n] == '\0'))
			return true;
	}
	return false;
}

const char *
mutt_function(const char *name, const char *view, const char **why)
{
	bool is_elsewhere = false;

	for (size_t i = 0; i < LEN(functions); i++) {
		if (!str_eq(functions[i].function, name))
			continue;
		if (has_word(functions[i].views, view))
			return functions[i].command;
		is_elsewhere = true;
	}
	*why = is_elsewhere ? "that is not done there" : NULL;
	for (size_t i = 0; !is_elsewhere && !*why && i < LEN(missing); i++) {
		if (str_starts(name, missing[i].begins))
			*why = missing[i].why;
	}
	return NULL;
}

const char *
mutt_function_at(size_t i)
{
	return i < LEN(functions) ? functions[i].function : NULL;
}
