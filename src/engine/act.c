/* act.c - a keypress becomes intents: one a folder, all of one group, so that undo takes them
 * back together. Runs in the UI's thread: reads and writes the store, and touches nothing of
 * a worker but its wake-up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend.h"
#include "engine_act.h"
#include "engine_int.h"
#include "str.h"

const char *
act_dest_name(const char *dest)
{
	return str_starts(dest, ACT_DEST_MARK) ? dest + strlen(ACT_DEST_MARK) : NULL;
}

enum { MAX_CARRIED = 2000 };	/* each is fetched whole */

/* One act on the way to the store. */
struct acting {
	struct engine *g;
	const struct act *act;
	struct arena arena;
	int64_t group;
	size_t n;			/* messages it is about */
	size_t n_done;			/* messages it changed, or 1 for a folder act */
	char label[160];
};

static int
by_id(const void *a, const void *b)
{
	msg_id x = *(const msg_id *)a, y = *(const msg_id *)b;

	return x < y ? -1 : x > y;
}

/* ---- words ---- */

struct flag_words {
	uint32_t bit;
	const char *set, *clear;
};

static const struct flag_words flag_words[] = {
	{ MSG_SEEN, "marked read", "marked unread" },
	{ MSG_FLAGGED, "flagged", "unflagged" },
	{ MSG_ANSWERED, "marked answered", "marked unanswered" },
	{ MSG_DELETED, "marked deleted", "undeleted" },
	{ MSG_JUNK, "marked as junk", "marked as no junk" },
	{ MSG_NOTJUNK, "marked as no junk", "unmarked" },
	{ MSG_FORWARDED, "marked forwarded", "marked as not forwarded" },
};

static const char *
flags_word(const struct act *act)
{
	for (size_t i = 0; i < LEN(flag_words); i++) {
		if (act->set & flag_words[i].bit)
			return flag_words[i].set;
		if (act->clear & flag_words[i].bit)
			return flag_words[i].clear;
	}
	return "changed";
}

static void
make_label(struct acting *x, size_t n)
{
	const struct act *act = x->act;
	char count[48];
	int size = (int)sizeof x->label;

	snprintf(count, sizeof count, n == 1 ? "1 message" : "%zu messages", n);
	switch (act->kind) {
	case ACT_FLAGS:
		snprintf(x->label, size, "%s %s", count, flags_word(act));
		break;
	case ACT_MOVE:
		snprintf(x->label, size, "%s moved to %.80s", count, act->dest);
		break;
	case ACT_COPY:
		snprintf(x->label, size, "%s copied to %.80s", count, act->dest);
		break;
	case ACT_DELETE:
		snprintf(x->label, size, "%s deleted", count);
		break;
	case ACT_ARCHIVE:
		snprintf(x->label, size, "%s archived", count);
		break;
	case ACT_EXPUNGE:
	case ACT_EMPTY_TRASH:
		snprintf(x->label, size, "%s removed for good", count);
		break;
	case ACT_FOLDER_CREATE:
		snprintf(x->label, size, "folder %.80s created", act->dest);
		break;
	case ACT_FOLDER_RENAME:
		snprintf(x->label, size, "folder renamed to %.80s", act->dest);
		break;
	case ACT_FOLDER_DELETE:
		snprintf(x->label, size, "folder deleted");
		break;
	}
}

/* ---- destinations ---- */

static const char *
named_dest(struct acting *x, account_id account, const char *name)
{
	struct folder *f;
	size_t n = store_folders(x->g->store, account, &x->arena, &f);

	for (size_t i = 0; i < n; i++) {
		if (str_eq(f[i].name, name) ||
		    (str_ieq(name, "INBOX") && f[i].role == ROLE_INBOX))
			return f[i].wire;
	}
	return arena_printf(&x->arena, ACT_DEST_MARK "%s", name);
}

/* The account's folder of that role: what the mailrc names, else what the server says it is,
 * else one that is to be made. */
static const char *
role_dest(struct acting *x, account_id account, enum folder_role role)
{
	struct worker *w = engine_worker(x->g, account);
	struct folder f;

	if (w->conf->folder[role])
		return named_dest(x, account, w->conf->folder[role]);
	if (store_folder_by_role(x->g->store, account, role, &x->arena, &f))
		return f.wire;
	if (role == ROLE_ARCHIVE &&
	    store_folder_by_role(x->g->store, account, ROLE_ALL, &x->arena, &f))
		return f.wire;	/* where all mail is kept, archiving is leaving the inbox */
	return named_dest(x, account, folder_role_name(role));
}

/* Can the other account take messages? */
static enum err
check_other(struct acting *x, struct error *e)
{
	struct worker *w = engine_worker(x->g, x->act->account);

	if (!w)
		return error_set(e, ERR_UNSUPPORTED,
			"that account is not in the mailrc any more");
	if (w->conf->read_only || !(atomic_load(&w->caps) & CAP_APPEND))
		return error_set(e, ERR_UNSUPPORTED, "account '%s' is read-only",
			w->conf->name);
	if (x->n > MAX_CARRIED)
		return error_set(e, ERR_UNSUPPORTED,
			"no more than %d messages at once to another account", MAX_CARRIED);
	return ERR_OK;
}

/* What the server of this account has of it could not be fetched from another one. */
static enum err
check_whole(struct acting *x, const msg_id *msgs, size_t n, struct error *e)
{
	for (size_t i = 0; i < n; i++) {
		struct msg m;
		if (store_msg(x->g->store, msgs[i], &x->arena, &m) &&
		    (m.flags & MSG_HEADER_ONLY))
			return error_set(e, ERR_MSG,
			"a message of which only the header is here stays"
				" in its account");
	}
	return ERR_OK;
}

static enum err
find_dest(struct acting *x, const struct folder *source, const char **dest, struct error *e)
{
	account_id account = source->account;

	*dest = "";
	switch (x->act->kind) {
	case ACT_MOVE:
	case ACT_COPY:
		if (x->act->account && x->act->account != account) {
			*dest = named_dest(x, x->act->account, x->act->dest);
			return check_other(x, e);
		}
		*dest = named_dest(x, account, x->act->dest);
		break;
	case ACT_DELETE:
		*dest = role_dest(x, account, ROLE_TRASH);
		if (source->role == ROLE_TRASH || str_eq(*dest, source->wire))
			return error_set(e, ERR_UNSUPPORTED,
				"this is the Trash already: remove for good?");
		break;
	case ACT_ARCHIVE:
		*dest = role_dest(x, account, ROLE_ARCHIVE);
		break;
	default:
		return ERR_OK;
	}
	if (str_eq(*dest, source->wire) && x->act->kind != ACT_COPY)
		return error_set(e, ERR_UNSUPPORTED, "already in %s", source->name);
	return ERR_OK;
}

/* ---- whether the account can do that ---- */

static unsigned
needed_caps(enum act_kind kind)
{
	switch (kind) {
	case ACT_FLAGS:
		return CAP_FLAGS;
	case ACT_EXPUNGE:
	case ACT_EMPTY_TRASH:
		return CAP_DELETE;
	case ACT_FOLDER_CREATE:
	case ACT_FOLDER_RENAME:
	case ACT_FOLDER_DELETE:
		return CAP_FOLDERS;
	default:
		return CAP_MOVE;
	}
}

static enum err
check_account(struct acting *x, account_id account, struct error *e)
{
	struct worker *w = engine_worker(x->g, account);
	unsigned needs = needed_caps(x->act->kind);

	if (!w)
		return error_set(e, ERR_UNSUPPORTED,
			"this account is not in the mailrc any more");
	if (w->conf->read_only)
		return error_set(e, ERR_UNSUPPORTED, "account '%s' is read-only",
			w->conf->name);
	if ((atomic_load(&w->caps) & needs) != needs)
		return error_set(e, ERR_UNSUPPORTED, "account '%s' cannot do that",
			w->conf->name);
	return ERR_OK;
}

/* ---- recording ---- */

static enum intent_kind
intent_kind_of(enum act_kind kind)
{
	switch (kind) {
	case ACT_FLAGS:
		return INTENT_FLAGS;
	case ACT_COPY:
		return INTENT_COPY;
	case ACT_EXPUNGE:
	case ACT_EMPTY_TRASH:
		return INTENT_EXPUNGE;
	case ACT_FOLDER_CREATE:
		return INTENT_FOLDER_CREATE;
	case ACT_FOLDER_RENAME:
		return INTENT_FOLDER_RENAME;
	case ACT_FOLDER_DELETE:
		return INTENT_FOLDER_DELETE;
	case ACT_MOVE:
	case ACT_DELETE:
	case ACT_ARCHIVE:
		break;
	}
	return INTENT_MOVE;
}

static enum err
record(struct acting *x, account_id account, folder_id folder, const char *dest,
	const msg_id *msgs, size_t n, struct error *e)
{
	struct intent in = {
		.group = x->group,
		.account = account,
		.kind = intent_kind_of(x->act->kind),
		.folder = folder,
		.dest = dest,
		.to_account = x->act->account != account && (x->act->kind == ACT_MOVE ||
			x->act->kind == ACT_COPY) ? x->act->account : 0,
		.set = x->act->kind == ACT_FLAGS ? x->act->set & MSG_SERVER_FLAGS : 0,
		.clear = x->act->kind == ACT_FLAGS ? x->act->clear & MSG_SERVER_FLAGS : 0,
		.created = time(NULL),
		.label = x->act->is_automatic ? "" : x->label,
		.error = "",
	};
	intent_id id = 0;
	enum err rc = store_intent_add(x->g->store, &in, msgs, n, &x->group, &id, e);

	if (rc == ERR_OK && id) {
		x->n_done += n ? n : 1;
		x->g->has_later = true;
		jobs_acted(&engine_worker(x->g, account)->jobs);
	}
	return rc;
}

/* A run of messages of one folder. First looked at only, then recorded: an act that one of
 * several accounts cannot do leaves no half behind. */
static enum err
act_in_folder(struct acting *x, const msg_id *msgs, size_t n, bool is_trial, struct error *e)
{
	struct folder f;
	const char *dest = "";

	if (!store_folder(x->g->store, msg_folder(msgs[0]), &x->arena, &f))
		return error_set(e, ERR_FOLDER, "the folder of a message is gone");
	enum err rc = check_account(x, f.account, e);
	if (rc == ERR_OK && (f.attrs & FOLDER_READONLY) && x->act->kind != ACT_COPY)
		rc = error_set(e, ERR_FOLDER,
			"the server lets nobody change '%s': it is read-only", f.name);
	if (rc == ERR_OK)
		rc = find_dest(x, &f, &dest, e);
	if (rc == ERR_OK && is_trial && x->act->account && x->act->account != f.account)
		rc = check_whole(x, msgs, n, e);
	if (rc != ERR_OK || is_trial)
		return rc;
	return record(x, f.account, f.id, dest, msgs, n, e);
}

static enum err
act_on_messages(struct acting *x, const msg_id *msgs, size_t n, bool is_trial, struct error *e)
{
	enum err rc = ERR_OK;

	for (size_t i = 0, end; i < n && rc == ERR_OK; i = end) {
		for (end = i + 1; end < n && msg_folder(msgs[end]) == msg_folder(msgs[i]);)
			end++;
		rc = act_in_folder(x, msgs + i, end - i, is_trial, e);
	}
	return rc;
}

static enum err
act_messages(struct acting *x, const msg_id *msgs, size_t n, struct error *e)
{
	msg_id *sorted = xmemdup(msgs, n * sizeof *msgs);
	size_t m = 0;

	qsort(sorted, n, sizeof *sorted, by_id);
	for (size_t i = 0; i < n; i++) {
		if (m == 0 || sorted[m - 1] != sorted[i])
			sorted[m++] = sorted[i];
	}
	make_label(x, m);
	x->n = m;
	enum err rc = act_on_messages(x, sorted, m, true, e);
	if (rc == ERR_OK)
		rc = act_on_messages(x, sorted, m, false, e);
	free(sorted);
	return rc;
}

static enum err
act_empty_trash(struct acting *x, struct error *e)
{
	const struct store *s = x->g->store;
	struct uidset uids = {0};
	struct folder trash;
	size_t n = 0;

	if (x->act->folder ? !store_folder(s, x->act->folder, &x->arena, &trash)
	    : !store_folder_by_role(s, x->act->account, ROLE_TRASH, &x->arena, &trash))
		return error_set(e, ERR_UNSUPPORTED, "this account has no Trash");
	enum err rc = store_uids(s, trash.id, &uids, e);
	msg_id *msgs = xcalloc((size_t)uidset_count(&uids), sizeof *msgs);
	for (uint32_t uid = 0; rc == ERR_OK && (uid = uidset_next(&uids, uid)) != 0;)
		msgs[n++] = msg_id_of(trash.id, uid);
	if (rc == ERR_OK && n > 0)
		rc = act_messages(x, msgs, n, e);
	free(msgs);
	uidset_clear(&uids);
	return rc;
}

static enum err
act_folder(struct acting *x, struct error *e)
{
	const struct act *act = x->act;
	struct folder f = { .account = act->account };
	const char *dest = "";

	if (act->kind != ACT_FOLDER_CREATE &&
	    !store_folder(x->g->store, act->folder, &x->arena, &f))
		return error_set(e, ERR_FOLDER, "there is no such folder any more");
	if (f.role == ROLE_INBOX && act->kind == ACT_FOLDER_DELETE)
		return error_set(e, ERR_UNSUPPORTED, "the inbox cannot be deleted");
	enum err rc = check_account(x, f.account, e);
	if (rc != ERR_OK)
		return rc;
	if (act->kind != ACT_FOLDER_DELETE) {
		if (!act->dest || !*act->dest || strpbrk(act->dest, "\r\n\001"))
			return error_set(e, ERR_UNSUPPORTED, "a folder needs a name");
		dest = named_dest(x, f.account, act->dest);
		if (!act_dest_name(dest))
			return error_set(e, ERR_UNSUPPORTED, "there is a folder '%s' already",
				act->dest);
	}
	make_label(x, 1);
	return record(x, f.account, f.id, dest, NULL, 0, e);
}

enum err
engine_act(struct engine *g, const struct act *act, const msg_id *msgs, size_t n,
	char *label, size_t label_size, struct error *e)
{
	struct acting x = { .g = g, .act = act };
	enum err rc = ERR_OK;

	switch (act->kind) {
	case ACT_FOLDER_CREATE:
	case ACT_FOLDER_RENAME:
	case ACT_FOLDER_DELETE:
		rc = act_folder(&x, e);
		break;
	case ACT_EMPTY_TRASH:
		rc = act_empty_trash(&x, e);
		break;
	default:
		if (n > 0)
			rc = act_messages(&x, msgs, n, e);
	}
	if (rc == ERR_OK && x.n_done == 0)
		snprintf(x.label, sizeof x.label, "nothing to change");
	snprintf(label, label_size, "%s", rc == ERR_OK ? x.label : "");
	arena_clear(&x.arena);
	return rc;
}

enum err
engine_undo(struct engine *g, char *label, size_t label_size, struct error *e)
{
	enum err rc = store_undo(g->store, label, label_size, e);

	g->has_later = true;
	for (size_t i = 0; i < g->n_workers && rc == ERR_OK; i++) {
		if (store_intents_pending(g->store, g->workers[i]->account) > 0)
			jobs_acted(&g->workers[i]->jobs);
	}
	return rc;
}
