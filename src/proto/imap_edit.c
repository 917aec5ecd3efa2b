/* imap_edit.c - flags, move, copy, expunge, append.
 *
 * Sets of UIDs are cut into commands that every server takes, and sent together. A bare
 * EXPUNGE would remove what other clients marked, so without UIDPLUS nothing is expunged: a
 * moved message's original stays, marked \Deleted (doc/imap.md). The echo of our own commands
 * does not count as news; what comes with it about other messages does. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "imap_int.h"

enum { MAX_BATCH = 16, EXPUNGE_TRIES = 6 };

/* Cuts the lowest part off `left` whose text fits into a command. */
static void
take_set(struct uidset *left, struct str *text)
{
	struct uidset part = {0}, rest = {0};
	size_t most = IMAP_SET_MAX / strlen("4294967295:4294967295,");
	size_t n = left->n < most ? left->n : most;

	for (size_t i = 0; i < left->n; i++)
		uidset_add_range(i < n ? &part : &rest, left->ranges[i].lo,
			left->ranges[i].hi);
	uidset_format(text, &part);
	uidset_clear(&part);
	uidset_clear(left);
	*left = rest;
}

static enum err
first_refusal(const struct imap_cmd *cmds, size_t n, struct error *e)
{
	enum err rc = ERR_OK;

	for (size_t i = 0; i < n && rc == ERR_OK; i++)
		rc = imap_verdict(&cmds[i], ERR_MSG, e);
	return rc;
}

/* Sends them together; stops at nothing, tells the first refusal. Clears them. `own` are the
 * messages they are about, `removes` says that these may be expunged by it. */
static enum err
run_all(struct imap *im, struct imap_cmd *cmds, size_t n, const struct uidset *own,
	bool removes, struct error *e)
{
	enum err rc;

	im->own = own;
	im->own_expunges = removes ? uidset_count(own) : 0;
	rc = imap_run(im, cmds, n, NULL, IMAP_MAX_BYTES, e);
	im->own = NULL;
	im->own_expunges = 0;
	if (rc == ERR_OK)
		rc = first_refusal(cmds, n, e);
	for (size_t i = 0; i < n; i++)
		imap_cmd_clear(&cmds[i]);
	return rc;
}

static enum err
need_writable(struct imap *im, struct error *e)
{
	enum err rc = imap_need_folder(im, e);

	if (rc == ERR_OK && im->st.is_readonly)
		rc = error_set(e, ERR_MSG, "this folder is read-only");
	return rc;
}

static void
store_command(struct imap_cmd *c, const char *set, char sign, uint32_t flags)
{
	imap_cmd_init(c, "UID STORE %s %cFLAGS.SILENT ", set, sign);
	imap_flags_format(&c->text, flags);
}

enum err
imap_set_flags(struct backend *b, const struct uidset *uids, uint32_t set, uint32_t clear,
	struct error *e)
{
	struct imap *im = imap_of(b);
	struct uidset left = {0};
	enum err rc = need_writable(im, e);

	set &= MSG_SERVER_FLAGS;
	clear &= MSG_SERVER_FLAGS;
	if (rc != ERR_OK || (set | clear) == 0)
		return rc;
	set &= im->st.flags_allowed;
	clear &= im->st.flags_allowed;
	if ((set | clear) == 0)
		return error_set(e, ERR_MSG,
			"the server does not keep this flag in this folder");
	uidset_copy(&left, uids);
	while (rc == ERR_OK && left.n > 0) {
		struct imap_cmd cmds[MAX_BATCH];
		size_t n = 0;
		while (left.n > 0 && n + 2 <= MAX_BATCH) {
			struct str text = {0};
			take_set(&left, &text);
			if (set)
				store_command(&cmds[n++], str_get(&text), '+', set);
			if (clear)
				store_command(&cmds[n++], str_get(&text), '-', clear);
			str_clear(&text);
		}
		rc = run_all(im, cmds, n, uids, false, e);
	}
	uidset_clear(&left);
	return rc;
}

/* ---- where copies went (RFC 4315) ---- */

/* The UIDs of a set in the order it names them; at most max. */
static size_t
expand(const char *text, uint32_t *out, size_t max)
{
	struct scan s = scan_of(text, strlen(text));
	uint32_t lo, hi;
	size_t n = 0;

	while (!scan_done(&s)) {
		if (!scan_u32(&s, &lo) || lo == 0)
			return 0;
		hi = lo;
		if (scan_char(&s, ':') && (!scan_u32(&s, &hi) || hi == 0))
			return 0;
		if (hi < lo) {
			uint32_t swap = lo;
			lo = hi;
			hi = swap;
		}
		if (hi - lo >= max - n)
			return 0;		/* more than was asked for */
		for (uint32_t uid = lo; n < max; uid++) {
			out[n++] = uid;
			if (uid == hi)
				break;
		}
		if (!scan_done(&s) && !scan_char(&s, ','))
			return 0;
	}
	return n;
}

static void
add_map(struct imap *im, struct uid_map *map, const struct uidset *asked)
{
	uint64_t max = uidset_count(asked);
	uint32_t *from, *to;
	size_t n;

	if (!map || im->copy_from.len == 0 || max == 0 || max > 10000000)
		return;
	from = xcalloc((size_t)max + 1, sizeof *from);
	to = xcalloc((size_t)max + 1, sizeof *to);
	n = expand(str_get(&im->copy_from), from, (size_t)max + 1);
	if (n != expand(str_get(&im->copy_to), to, (size_t)max + 1))
		n = 0;
	map->from = xreallocarray(map->from, map->n + n + 1, sizeof *from);
	map->to = xreallocarray(map->to, map->n + n + 1, sizeof *to);
	for (size_t i = 0; i < n; i++)
		if (uidset_has(asked, from[i])) {
			map->from[map->n] = from[i];
			map->to[map->n++] = to[i];
		}
	free(from);
	free(to);
}

static void
forget_copyuid(struct imap *im)
{
	str_cut(&im->copy_from, 0);
	str_cut(&im->copy_to, 0);
}

/* Which of the set are there, or there and marked, after all that the server said of them. */
static enum err
still_there(struct imap *im, const char *set, bool only_marked, struct uidset *out,
	struct error *e)
{
	struct imap_cmd c;

	imap_cmd_init(&c, "UID %s%s", set, only_marked ? " DELETED" : "");
	enum err rc = imap_search(im, &c, out, e);
	imap_cmd_clear(&c);
	return rc;
}

static enum err
mark_and_expunge(struct imap *im, const char *set, bool is_again, const struct uidset *asked,
	struct error *e)
{
	struct imap_cmd cmds[3];
	size_t n = 0;

	if (is_again)				/* what others removed is heard of now */
		imap_cmd_init(&cmds[n++], "NOOP");
	store_command(&cmds[n++], set, '+', MSG_DELETED);
	if (im->ext & X_UIDPLUS)
		imap_cmd_init(&cmds[n++], "UID EXPUNGE %s", set);
	return run_all(im, cmds, n, asked, true, e);
}

/* Marks and removes, and looks whether they are gone. While another client expunges, Dovecot
 * 2.3 may answer OK to UID EXPUNGE and remove nothing, or refuse to mark what is there for the
 * sake of what is not. A server that says yes and does not let go of them is left: who comes
 * back finds that the copies are there, and removes the originals. One that says no:
 * ERR_FOLDER, in its words, since trying smaller sets would copy again. */
static enum err
remove_set(struct imap *im, const char *set, const struct uidset *asked, struct error *e)
{
	for (int i = 1;; i++) {
		struct uidset left = {0};
		struct error why;
		enum err did = mark_and_expunge(im, set, i > 1, asked, &why);
		if (did == ERR_OK && !(im->ext & X_UIDPLUS))
			return ERR_OK;
		if (did != ERR_OK && did != ERR_MSG)
			return error_set(e, did, "%s", why.text);
		enum err rc = still_there(im, set, did == ERR_OK, &left, e);
		bool is_over = left.n == 0;
		uidset_clear(&left);
		if (rc != ERR_OK || is_over)
			return rc;
		if (i == EXPUNGE_TRIES)
			return did == ERR_MSG ? error_set(e, ERR_FOLDER, "%s", why.text)
				: error_set(e, ERR_CONN,
				"the server says that it removed messages, and"
					" still has them");
	}
}

/* One set: moved, or copied, and where it should have been moved the originals are removed. */
static enum err
transfer_part(struct imap *im, const char *set, const char *wire, bool is_move,
	struct uid_map *map, const struct uidset *asked, struct error *e)
{
	bool has_move = is_move && (im->ext & X_MOVE);
	struct imap_cmd c;
	enum err rc;

	forget_copyuid(im);
	imap_cmd_init(&c, "UID %s %s ", has_move ? "MOVE" : "COPY", set);
	imap_cmd_string(im, &c, wire);
	if ((rc = run_all(im, &c, 1, asked, has_move, e)) != ERR_OK)
		return rc;
	add_map(im, map, asked);
	return is_move && !has_move ? remove_set(im, set, asked, e) : ERR_OK;
}

static enum err
transfer(struct imap *im, const struct uidset *uids, const char *wire, bool is_move,
	struct uid_map *map, struct error *e)
{
	struct uidset left = {0};
	struct str text = {0};
	enum err rc;

	rc = is_move ? need_writable(im, e) : imap_need_folder(im, e);
	if (rc != ERR_OK)
		return rc;
	if (map)
		memset(map, 0, sizeof *map);
	uidset_copy(&left, uids);
	while (rc == ERR_OK && left.n > 0) {
		str_cut(&text, 0);
		take_set(&left, &text);
		rc = transfer_part(im, str_get(&text), wire, is_move, map, uids, e);
	}
	str_clear(&text);
	uidset_clear(&left);
	if (rc != ERR_OK && map)
		uid_map_clear(map);
	return rc;
}

enum err
imap_move(struct backend *b, const struct uidset *uids, const char *wire, struct uid_map *map,
	struct error *e)
{
	return transfer(imap_of(b), uids, wire, true, map, e);
}

enum err
imap_copy(struct backend *b, const struct uidset *uids, const char *wire, struct uid_map *map,
	struct error *e)
{
	return transfer(imap_of(b), uids, wire, false, map, e);
}

enum err
imap_expunge(struct backend *b, const struct uidset *uids, struct error *e)
{
	struct imap *im = imap_of(b);
	struct uidset left = {0};
	enum err rc = need_writable(im, e);

	if (rc != ERR_OK)
		return rc;
	if (!(im->ext & X_UIDPLUS))
		return error_set(e, ERR_UNSUPPORTED,
			"this server cannot remove single messages (no UIDPLUS): "
			"they can be marked deleted only");
	uidset_copy(&left, uids);
	while (rc == ERR_OK && left.n > 0) {
		struct str text = {0};
		take_set(&left, &text);
		rc = remove_set(im, str_get(&text), uids, e);
		str_clear(&text);
	}
	uidset_clear(&left);
	return rc;
}

/* A NUL cannot stand in a literal (RFC 9051 4.3): found out before anything is announced. */
static enum err
check_bytes(const struct byte_source *src, struct error *e)
{
	char buf[IMAP_PROGRESS];
	size_t got;
	enum err rc = ERR_OK;

	for (uint64_t at = 0; at < src->size && rc == ERR_OK; at += got) {
		rc = byte_source_read(src, at, buf, sizeof buf, &got, e);
		if (rc == ERR_OK && memchr(buf, '\0', got))
			rc = error_set(e, ERR_MSG,
				"a message with a NUL byte in it cannot be stored");
	}
	return rc;
}

enum err
imap_append(struct backend *b, const char *wire, const struct byte_source *src, uint32_t flags,
	int64_t arrived, uint32_t *uid, struct error *e)
{
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
		"Aug", "Sep", "Oct", "Nov", "Dec" };
	struct imap *im = imap_of(b);
	struct imap_cmd c;
	struct tm tm;
	time_t t = (time_t)arrived;
	enum err rc;

	*uid = 0;
	if ((rc = check_bytes(src, e)) != ERR_OK)
		return rc;
	imap_cmd_init(&c, "APPEND ");
	imap_cmd_string(im, &c, wire);
	imap_cmd_printf(&c, " ");
	imap_flags_format(&c.text, flags & MSG_SERVER_FLAGS);
	if (arrived > 0 && gmtime_r(&t, &tm) && tm.tm_year < 8100)
		imap_cmd_printf(&c, " \"%02d-%s-%04d %02d:%02d:%02d +0000\"", tm.tm_mday,
			months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
			tm.tm_sec);
	imap_cmd_printf(&c, " ");
	imap_cmd_tail(im, &c, src);
	im->append_uid = 0;
	if ((rc = imap_do(im, &c, NULL, ERR_FOLDER, e)) == ERR_OK)
		*uid = im->append_uid;
	return rc;
}
