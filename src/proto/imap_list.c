/* imap_list.c - folders: the list with roles and counts, names both ways, create and the like.
 *
 * With LIST-EXTENDED and LIST-STATUS everything comes in one round trip. Roles come
 * from the server's flags; a role that no folder has is given by well-known names, at
 * the top or directly under the personal namespace. Shown names have '/' between levels
 * whatever the server's is; a '/' inside a level is shown as U+2215, so that a shown
 * name means one folder only. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "hash.h"
#include "imap_int.h"
#include "utf7.h"

struct entry {
	char *wire, *name;
	char delim;
	uint32_t attrs;
	enum folder_role role;
	struct folder_status st;
};

struct list {
	struct entry *v;
	size_t n, cap;
	uint32_t *slots;		/* N_SLOTS; by the hash of the wire name:
					 * index + 1, 0: none */
};

/* more than IMAP_MAX_FOLDERS: there is always a free one */
enum { N_SLOTS = 1 << 16 };

static const struct { const char *flag; uint32_t attr; enum folder_role role; } flags[] = {
	{ "\\Noselect", FOLDER_NOSELECT, ROLE_NONE }, { "\\NonExistent", FOLDER_NOSELECT,
		ROLE_NONE },
	{ "\\Noinferiors", FOLDER_NOINFERIORS, ROLE_NONE },
	{ "\\Subscribed", FOLDER_SUBSCRIBED, ROLE_NONE }, { "\\Drafts", 0, ROLE_DRAFTS },
	{ "\\Sent", 0, ROLE_SENT }, { "\\Archive", 0, ROLE_ARCHIVE },
	{ "\\Junk", 0, ROLE_JUNK }, { "\\Spam", 0, ROLE_JUNK }, { "\\Trash", 0, ROLE_TRASH },
	{ "\\All", 0, ROLE_ALL }, { "\\AllMail", 0, ROLE_ALL },
	{ "\\Flagged", 0, ROLE_FLAGGED }, { "\\Starred", 0, ROLE_FLAGGED },
	{ "\\Inbox", 0, ROLE_INBOX },
};

#define DIVISION_SLASH "\xe2\x88\x95"

static char *
shown_name(const char *wire, char delim)
{
	struct str text = {0}, name = {0};

	if (str_ieq(wire, "INBOX"))
		return xstrdup("INBOX");
	if (!utf7_decode(&text, wire))
		str_puts(&text, wire);
	for (const char *p = str_get(&text); *p; p++) {
		if (delim && *p == delim)
			str_putc(&name, '/');
		else if (*p == '/')
			str_puts(&name, DIVISION_SLASH);
		else
			str_putc(&name, *p);
	}
	str_clear(&text);
	return name.data ? str_take(&name) : xstrdup("");
}

static bool
starts_with_prefix(const char *name, const struct str *prefix)
{
	return prefix->len > 0 && strncmp(name, prefix->data, prefix->len) == 0;
}

char *
imap_wire_name(struct backend *b, const char *name)
{
	struct imap *im = imap_of(b);
	struct str wire = {0}, text = {0};
	char delim = im->delim ? im->delim : '/';

	if (str_ieq(name, "INBOX"))
		return xstrdup("INBOX");
	for (const char *p = name; *p; p++) {
		if (str_starts(p, DIVISION_SLASH) && delim != '/') {
			str_putc(&text, '/');
			p += strlen(DIVISION_SLASH) - 1;
		} else {
			str_putc(&text, *p == '/' ? delim : *p);
		}
	}
	utf7_encode(&wire, str_get(&text));
	if (im->prefix.len > 0 && !starts_with_prefix(str_get(&wire), &im->prefix)) {
		struct str full = {0};
		str_puts(&full, str_get(&im->prefix));
		str_puts(&full, str_get(&wire));
		str_clear(&wire);
		wire = full;
	}
	str_clear(&text);
	return wire.data ? str_take(&wire) : xstrdup("");
}

/* NAMESPACE ((prefix delim ...)...) others shared: the first personal one. */
void
imap_namespace(struct imap *im, struct scan *s)
{
	struct str prefix = {0}, delim = {0};

	scan_spaces(s);
	if (scan_char(s, '(') && scan_char(s, '(') && scan_string(s, &prefix)) {
		scan_spaces(s);
		if (scan_nstring(s, &delim)) {
			str_cut(&im->prefix, 0);
			if (!memchr(str_get(&prefix), '\0', prefix.len) && prefix.len < 200)
				str_add(&im->prefix, str_get(&prefix), prefix.len);
			if (delim.len == 1)
				im->delim = delim.data[0];
		}
	}
	str_clear(&prefix);
	str_clear(&delim);
}

static void
parse_flags(struct scan *s, struct entry *en)
{
	const char *p;
	size_t n;

	if (!scan_char(s, '('))
		return;
	for (scan_spaces(s); !scan_char(s, ')'); scan_spaces(s)) {
		if (!scan_atom(s, &p, &n, true))
			return;
		for (size_t i = 0; i < LEN(flags); i++)
			if (strlen(flags[i].flag) == n &&
			    strncasecmp(flags[i].flag, p, n) == 0) {
				en->attrs |= flags[i].attr;
				if (flags[i].role)
					en->role = flags[i].role;
			}
	}
}

/* Where the name is, or would be. */
static uint32_t *
slot_of(const struct list *l, const char *wire)
{
	size_t i = hash_string(wire) % N_SLOTS;

	while (l->slots[i] && strcmp(l->v[l->slots[i] - 1].wire, wire) != 0)
		i = (i + 1) % N_SLOTS;
	return &l->slots[i];
}

static struct entry *
find_entry(struct list *l, const char *wire)
{
	uint32_t at = l->slots ? *slot_of(l, wire) : 0;

	return at ? &l->v[at - 1] : NULL;
}

/* Of two with the same name the first is found. */
static void
add_entry(struct list *l, const struct entry *en)
{
	if (!l->slots)
		l->slots = xcalloc(N_SLOTS, sizeof *l->slots);
	uint32_t *slot = slot_of(l, en->wire);
	l->v = array_grow(l->v, l->n, &l->cap, sizeof *l->v);
	l->v[l->n++] = *en;
	if (!*slot)
		*slot = (uint32_t)l->n;
}

/* (flags) delim name ... ; what stands behind the name is of no interest. */
static void
on_list(struct imap *im, struct list *l, struct scan *s, bool is_lsub)
{
	struct entry en = {0}, *old;
	struct str text = {0};

	scan_spaces(s);
	parse_flags(s, &en);
	scan_spaces(s);
	if (!scan_nstring(s, &text))
		goto out;
	en.delim = text.len == 1 ? text.data[0] : '\0';
	scan_spaces(s);
	if (!scan_astring(s, &text) || text.len == 0 || text.len > 1000 ||
	    memchr(text.data, '\0', text.len) || l->n == IMAP_MAX_FOLDERS)
		goto out;
	if (is_lsub) {
		if ((old = find_entry(l, text.data)))
			old->attrs |= FOLDER_SUBSCRIBED;
		goto out;
	}
	if (en.delim && !im->delim)
		im->delim = en.delim;
	en.wire = str_take(&text);
	en.name = shown_name(en.wire, en.delim);
	add_entry(l, &en);
out:
	str_clear(&text);
}

/* name (item number ...) */
static bool
parse_status(struct scan *s, struct str *wire, struct folder_status *st)
{
	char item[32];
	uint64_t v;

	scan_spaces(s);
	if (!scan_astring(s, wire))
		return false;
	scan_spaces(s);
	if (!scan_char(s, '('))
		return false;
	for (scan_spaces(s); !scan_char(s, ')'); scan_spaces(s)) {
		if (!scan_word(s, item, sizeof item))
			return false;
		scan_spaces(s);
		struct scan value = *s;
		if (!scan_skip(s))
			return false;
		if (!scan_u64(&value, &v))
			continue;
		uint32_t v32 = v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
		if (strcmp(item, "MESSAGES") == 0)
			st->n_msgs = v32;
		else if (strcmp(item, "UNSEEN") == 0)
			st->n_unread = v32;
		else if (strcmp(item, "UIDNEXT") == 0)
			st->uidnext = v32;
		else if (strcmp(item, "UIDVALIDITY") == 0)
			st->uidvalidity = v32;
		else if (strcmp(item, "HIGHESTMODSEQ") == 0)
			st->modseq = v;
	}
	return true;
}

static void
on_folder_data(void *ctx, struct imap *im, const char *name, struct scan *s)
{
	struct list *l = ctx;

	if (strcmp(name, "LIST") == 0 || strcmp(name, "LSUB") == 0) {
		on_list(im, l, s, name[1] == 'S');
	} else if (strcmp(name, "STATUS") == 0) {
		struct folder_status st = {0};
		struct str wire = {0};
		struct entry *en;
		if (parse_status(s, &wire, &st) && (en = find_entry(l, str_get(&wire)))) {
			en->st = st;
		}
		str_clear(&wire);
	}
}

/* The last level, when it stands at the top or directly under the
 * personal namespace or INBOX. */
static const char *
top_name(const struct imap *im, const struct entry *en)
{
	const char *rest = en->name;

	if (starts_with_prefix(en->wire, &im->prefix))
		rest = en->name + (im->prefix.len < strlen(en->name) ? im->prefix.len : 0);
	else if (str_istarts(rest, "INBOX/"))
		rest += strlen("INBOX/");
	return strchr(rest, '/') ? NULL : rest;
}

static void
assign_roles(const struct imap *im, struct list *l)
{
	bool is_taken[N_ROLES] = { [ROLE_NONE] = true };

	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].name, "INBOX") == 0)
			l->v[i].role = ROLE_INBOX;
	for (size_t i = 0; i < l->n; i++) {
		struct entry *en = &l->v[i];
		if (en->role == ROLE_INBOX && strcmp(en->name, "INBOX") != 0)
			en->role = ROLE_NONE;
		if (en->role && is_taken[en->role])
			en->role = ROLE_NONE;
		is_taken[en->role] = true;
	}
	for (size_t i = 0; i < l->n; i++) {
		struct entry *en = &l->v[i];
		const char *top = top_name(im, en);
		enum folder_role role = en->role || !top || (en->attrs & FOLDER_NOSELECT)
			? ROLE_NONE : folder_role_by_name(top);
		if (role == ROLE_NONE || is_taken[role])
			continue;
		en->role = role;
		is_taken[role] = true;
	}
}

static void
deliver(const struct list *l, const struct backend_folder_sink *sink)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct entry *en = &l->v[i];
		struct folder f = { .wire = en->wire, .name = en->name, .delim = en->delim,
			.role = en->role, .attrs = en->attrs, .n_server = en->st.n_msgs,
			.n_server_unread = en->st.n_unread, .uidnext = en->st.uidnext,
			.uidvalidity = en->st.uidvalidity };
		sink->folder(sink->ctx, &f);
	}
}

static void
list_clear(struct list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].wire);
		free(l->v[i].name);
	}
	free(l->v);
	free(l->slots);
}

enum err
imap_folders(struct backend *b, const struct backend_folder_sink *sink, struct error *e)
{
	struct imap *im = imap_of(b);
	struct imap_cmd cmds[5];
	struct list l = {0};
	struct imap_handler h = { .ctx = &l, .other = on_folder_data };
	size_t n = 0, list;
	enum err rc;

	imap_prelude(im, cmds, &n);
	list = n;
	if (im->ext & X_LIST_EXTENDED) {
		imap_cmd_init(&cmds[n++], "LIST \"\" \"*\" RETURN (SUBSCRIBED%s%s)",
			im->ext & X_SPECIAL_USE ? " SPECIAL-USE" : "",
			im->ext & X_LIST_STATUS
			? " STATUS (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)" : "");
	} else {
		imap_cmd_init(&cmds[n++], "LIST \"\" \"*\"");
		imap_cmd_init(&cmds[n++], "LSUB \"\" \"*\"");
	}
	if ((rc = imap_run(im, cmds, n, &h, IMAP_MAX_BYTES, e)) == ERR_OK
	    && (rc = imap_verdict(&cmds[list], ERR_FOLDER, e)) == ERR_OK) {
		assign_roles(im, &l);
		deliver(&l, sink);
	}
	for (size_t i = 0; i < n; i++)
		imap_cmd_clear(&cmds[i]);
	list_clear(&l);
	return rc;
}

/* Other clients show subscribed folders only. Whether it works is of no interest. */
static enum err
subscribe(struct imap *im, const char *verb, const char *wire, struct error *e)
{
	struct imap_cmd c;
	enum err rc;

	imap_cmd_init(&c, "%s ", verb);
	imap_cmd_string(im, &c, wire);
	rc = imap_run(im, &c, 1, NULL, IMAP_MAX_BYTES, e);
	imap_cmd_clear(&c);
	return rc;
}

static void
forget_selected(struct imap *im, const char *wire)
{
	if (!str_eq(im->selected, wire))
		return;
	free(im->selected);
	im->selected = NULL;
}

enum err
imap_folder_create(struct backend *b, const char *wire, struct error *e)
{
	struct imap *im = imap_of(b);
	struct imap_cmd c;
	enum err rc;

	imap_cmd_init(&c, "CREATE ");
	imap_cmd_string(im, &c, wire);
	rc = imap_do(im, &c, NULL, ERR_FOLDER, e);
	return rc == ERR_OK ? subscribe(im, "SUBSCRIBE", wire, e) : rc;
}

enum err
imap_folder_rename(struct backend *b, const char *wire, const char *to, struct error *e)
{
	struct imap *im = imap_of(b);
	struct imap_cmd c;
	enum err rc;

	imap_cmd_init(&c, "RENAME ");
	imap_cmd_string(im, &c, wire);
	imap_cmd_printf(&c, " ");
	imap_cmd_string(im, &c, to);
	if ((rc = imap_do(im, &c, NULL, ERR_FOLDER, e)) != ERR_OK)
		return rc;
	forget_selected(im, wire);
	if ((rc = subscribe(im, "UNSUBSCRIBE", wire, e)) == ERR_OK)
		rc = subscribe(im, "SUBSCRIBE", to, e);
	return rc;
}

enum err
imap_folder_delete(struct backend *b, const char *wire, struct error *e)
{
	struct imap *im = imap_of(b);
	struct imap_cmd c;
	enum err rc;

	imap_cmd_init(&c, "DELETE ");
	imap_cmd_string(im, &c, wire);
	if ((rc = imap_do(im, &c, NULL, ERR_FOLDER, e)) != ERR_OK)
		return rc;
	forget_selected(im, wire);
	return subscribe(im, "UNSUBSCRIBE", wire, e);
}

struct status_ctx {
	struct folder_status *st;
	bool is_seen;
};

static void
on_status(void *ctx, struct imap *im, const char *name, struct scan *s)
{
	struct status_ctx *sc = ctx;
	struct folder_status st = {0};
	struct str wire = {0};

	(void)im;
	if (strcmp(name, "STATUS") == 0 && parse_status(s, &wire, &st)) {
		*sc->st = st;
		sc->is_seen = true;
	}
	str_clear(&wire);
}

enum err
imap_folder_status(struct backend *b, const char *wire, struct folder_status *st,
	struct error *e)
{
	struct imap *im = imap_of(b);
	struct status_ctx sc = { .st = st };
	struct imap_handler h = { .ctx = &sc, .other = on_status };
	struct imap_cmd c;
	enum err rc;

	memset(st, 0, sizeof *st);
	imap_cmd_init(&c, "STATUS ");
	imap_cmd_string(im, &c, wire);
	imap_cmd_printf(&c, " (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)");
	rc = imap_do(im, &c, &h, ERR_FOLDER, e);
	if (rc == ERR_OK && !sc.is_seen)
		rc = error_set(e, ERR_FOLDER, "the server tells no counts of this folder");
	return rc;
}
