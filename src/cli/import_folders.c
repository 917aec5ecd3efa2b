/* import_folders.c - the folders that a muttrc names, as they are called here, and which of an
 * account's folders is for what. */
#include <string.h>

#include "import_place.h"

const char *
mutt_folder(struct mutt *m, const struct mutt_vars *vars, const char *value)
{
	const struct mutt_var *folder = mutt_var(vars, "folder");
	const struct mutt_var *spool = mutt_var(vars, "spoolfile");
	const char *base = folder ? folder->value : spool ? spool->value : "";
	struct mutt_place root, p;
	bool has_root = mutt_place(m->im, base, &root) && root.kind == PLACE_IMAP;
	const char *name = NULL;

	if (str_eq(value, "!"))
		name = "INBOX";
	else if ((*value == '=' || *value == '+') && (has_root || !folder))
		name = !has_root || !*root.path || !value[1] ? value + 1
			: arena_printf(&m->im->arena, "%s/%s", root.path, value + 1);
	else if (mutt_place(m->im, value, &p) && p.kind == PLACE_IMAP)
		name = *p.path ? p.path : "INBOX";
	if (!name || !*(name += strspn(name, "/ ")))
		return NULL;
	char *out = arena_strdup(&m->im->arena, name);
	for (char *end = out + strlen(out); end > out && end[-1] == '/'; )
		*--end = '\0';
	/* Levels are parted by '/' here, whatever the server's own character is. */
	for (char *c = out; str_istarts(out, "INBOX.") && *c; c++)
		*c = *c == '.' ? '/' : *c;
	if (str_istarts(out, "INBOX") && (out[5] == '\0' || out[5] == '/'))
		memcpy(out, "INBOX", 5);
	return out;
}

void
mutt_account_folders(struct mutt *m, const struct mutt_vars *vars, const char *account)
{
	static const struct { const char *theirs, *ours; } roles[] = {
		{ "record", "sent" }, { "postponed", "drafts" }, { "trash", "trash" },
		{ "mbox", "archive" },
	};

	for (size_t i = 0; i < LEN(roles); i++) {
		const struct mutt_var *v = mutt_var(vars, roles[i].theirs);
		bool is_record = i == 0;
		if (!v)
			continue;
		if (!is_record && (!*v->value || str_eq(v->value, "no")) && !v->command) {
			import_taken(m->im, v->item);
			continue;
		}
		const char *name = mutt_folder(m, vars, v->value);
		if (is_record &&
		    (!*v->value || str_eq(v->value, "no") || str_eq(v->value, "/dev/null")))
			import_set(m->im, "account", account, "copy", "no", v->item);
		else if (v->command)
			import_not(m->im, v->item, "`%s` was not run: put the folder's name "
				"into '%s'", v->command, roles[i].ours);
		else if (name && str_ieq(name, "INBOX"))
			import_not(m->im, v->item, "the inbox has no other purpose here");
		else if (name)
			import_set(m->im, "account", account, roles[i].ours, name, v->item);
		else
			import_not(m->im, v->item,
				"it is no folder of this account, "
				"which has one of its own for that");
	}
	const struct mutt_var *copy = mutt_var(vars, "copy");
	if (copy && str_ieq(copy->value, "no"))
		import_set(m->im, "account", account, "copy", "no", copy->item);
}
