/* imap_select.c - opening a folder, and what changed in it since we last knew it.
 *
 * With QRESYNC the changes come with the SELECT; with CONDSTORE flags come by CHANGEDSINCE and
 * the absence of messages by one compressed search; with neither, the flags of all are
 * compared. What a server says is gone is believed only where the folder's size agrees with
 * it, or a search does: a wrong VANISHED must not empty a folder here (SECURITY 10). */
#include <stdlib.h>
#include <string.h>

#include "imap_int.h"
#include "log.h"

/* Flags go on as they come; what is gone waits for the end of the command. */
struct delta {
	const struct folder_known *known;
	const struct folder_sink *sink;
	bool is_selecting;		/* nothing counts before UIDVALIDITY agrees */
	bool is_dropped;
	struct uidset gone;		/* of known */
	struct uidset seen;		/* every UID with flags */
	uint64_t modseq;		/* the highest seen */
};

static bool
is_ours(const struct delta *d, const struct imap *im)
{
	return !d->is_selecting || im->st.uidvalidity == d->known->uidvalidity;
}

static const struct uidset *
uids_of(const struct delta *d)
{
	return folder_known_uids(d->known);
}

static void
on_flags(void *ctx, struct imap *im, const struct imap_fetch *f)
{
	struct delta *d = ctx;

	if (f->uid == 0 || !f->has_flags)
		return;
	if (!is_ours(d, im)) {
		d->is_dropped = true;
		return;
	}
	uidset_add(&d->seen, f->uid);
	if (f->modseq > d->modseq)
		d->modseq = f->modseq;
	if (d->sink->flags)
		d->sink->flags(d->sink->ctx, f->uid, f->flags, f->modseq);
}

static void
on_gone(void *ctx, struct imap *im, const struct uidset *uids)
{
	struct delta *d = ctx;
	struct uidset gone = {0};

	if (!is_ours(d, im)) {
		d->is_dropped = true;
		return;
	}
	if (uids_of(d))
		uidset_and(&gone, uids, uids_of(d));
	else
		uidset_copy(&gone, uids);
	for (size_t i = 0; i < gone.n; i++)
		uidset_add_range(&d->gone, gone.ranges[i].lo, gone.ranges[i].hi);
	uidset_clear(&gone);
}

static void
delta_clear(struct delta *d)
{
	uidset_clear(&d->gone);
	uidset_clear(&d->seen);
}

/* Does the number of messages leave room for what is said to be gone? */
static bool
is_plausible(const struct imap *im, const struct delta *d)
{
	struct uidset left = {0}, fresh = {0};
	uint64_t n_gone = uidset_count(&d->gone);

	if (!uids_of(d))
		return n_gone == 0;
	uidset_minus(&left, uids_of(d), &d->gone);
	uidset_minus(&fresh, &d->seen, uids_of(d));
	uint64_t n_left = uidset_count(&left), n_fresh = uidset_count(&fresh);
	uidset_clear(&left);
	uidset_clear(&fresh);
	if (n_left > im->st.n_msgs)
		return false;			/* more went than was said */
	/* few may go without proof; of many the count must tell the same */
	return n_gone <= 100 || n_left + n_fresh == im->st.n_msgs;
}

/* What is known and not among all that there are is gone. A list shorter than the folder is no
 * proof: then nothing is, until the server agrees with itself. */
static void
gone_by_absence(struct imap *im, struct delta *d, const struct uidset *all)
{
	uidset_clear(&d->gone);
	if (!uids_of(d))
		return;
	if (uidset_count(all) >= im->st.n_msgs)
		uidset_minus(&d->gone, uids_of(d), all);
	else
		log_msg("imap: %u messages, %llu listed: nothing is taken for gone",
			im->st.n_msgs, (unsigned long long)uidset_count(all));
}

static enum err
gone_by_search(struct imap *im, struct delta *d, struct error *e)
{
	struct uidset all = {0};
	enum err rc = imap_uids(&im->b, &all, e);

	if (rc == ERR_OK)
		gone_by_absence(im, d, &all);
	uidset_clear(&all);
	return rc;
}

static void
report_gone(const struct delta *d)
{
	if (d->gone.n > 0 && d->sink->vanished)
		d->sink->vanished(d->sink->ctx, &d->gone);
}

/* ---- SELECT ---- */

static void
select_command(struct imap *im, struct imap_cmd *c, const char *verb, const char *wire,
	const struct folder_known *known, bool with_delta)
{
	imap_cmd_init(c, "%s ", verb);
	imap_cmd_string(im, c, wire);
	/* Without the known UIDs: given those, nothing is told of others (RFC 7162 3.2.5). */
	if (with_delta)
		imap_cmd_printf(c, " (QRESYNC (%u %llu))", known->uidvalidity,
			(unsigned long long)known->modseq);
	else if ((im->ext & X_CONDSTORE) && !(im->ext & X_ENABLE))
		imap_cmd_printf(c, " (CONDSTORE)");
}

static void
forget_folder(struct imap *im)
{
	free(im->selected);
	im->selected = NULL;
	memset(&im->st, 0, sizeof im->st);
	/* until PERMANENTFLAGS (RFC 3501 7.1) */
	im->st.flags_allowed = MSG_SERVER_FLAGS;
	im->is_modseq = im->is_dirty = false;
	im->max_uid = 0;
}

static enum err
open_folder(struct imap *im, const char *verb, const char *wire,
	const struct folder_known *known, const struct folder_sink *sink,
	struct folder_status *st, bool *delta, struct error *e)
{
	static const struct folder_sink nobody;
	struct delta d = { .known = known, .sink = sink ? sink : &nobody,
		.is_selecting = true };
	struct imap_handler h = { .ctx = &d, .fetch = on_flags, .vanished = on_gone };
	bool with_delta = (im->ext & X_QRESYNC) && (im->ext & X_ENABLE) && known &&
		known->uidvalidity && known->modseq;
	struct imap_cmd cmds[4];
	size_t n = 0;
	enum err rc;

	*delta = false;
	imap_prelude(im, cmds, &n);
	forget_folder(im);
	select_command(im, &cmds[n], verb, wire, known, with_delta);
	im->is_selecting = true;
	rc = imap_run(im, cmds, n + 1, with_delta ? &h : NULL, IMAP_MAX_BULK, e);
	im->is_selecting = im->is_dirty = false;
	bool is_refused = rc == ERR_OK && with_delta && cmds[n].status == IMAP_BAD;
	if (rc == ERR_OK)
		rc = imap_verdict(&cmds[n], ERR_FOLDER, e);
	for (size_t i = 0; i <= n; i++)
		imap_cmd_clear(&cmds[i]);
	if (is_refused) {			/* it offers QRESYNC and does not know it */
		delta_clear(&d);
		im->ext &= ~(uint32_t)X_QRESYNC;
		return open_folder(im, verb, wire, known, sink, st, delta, e);
	}
	if (rc != ERR_OK)
		goto out;
	im->selected = xstrdup(wire);
	if (im->ext & X_CONDSTORE)
		im->is_condstore = true;
	if (im->st.uidvalidity == 0) {
		rc = error_set(e, ERR_FOLDER,
			"the server names no UIDVALIDITY for this folder: "
			"its messages cannot be told apart");
		goto out;
	}
	if (with_delta && is_ours(&d, im) && !d.is_dropped && im->is_modseq) {
		if (!is_plausible(im, &d) && (rc = gone_by_search(im, &d, e)) != ERR_OK)
			goto out;
		report_gone(&d);
		*delta = true;
	}
	*st = im->st;
out:
	delta_clear(&d);
	return rc;
}

enum err
imap_open(struct backend *b, const char *wire, const struct folder_known *known,
	const struct folder_sink *sink, struct folder_status *st, bool *delta, struct error *e)
{
	struct imap *im = imap_of(b);

	free(im->return_to);
	im->return_to = NULL;
	return open_folder(im, "SELECT", wire, known, sink, st, delta, e);
}

/* ---- changes ---- */

static enum err
find_gone(struct imap *im, struct delta *d, bool by_modseq, bool by_vanished, struct error *e)
{
	struct uidset fresh = {0};

	if (!uids_of(d))
		return ERR_OK;
	if (!by_modseq) {
		gone_by_absence(im, d, &d->seen);
		return ERR_OK;
	}
	if (by_vanished)
		return is_plausible(im, d) ? ERR_OK : gone_by_search(im, d, e);
	uidset_minus(&fresh, &d->seen, uids_of(d));
	uint64_t expected = uidset_count(uids_of(d)) + uidset_count(&fresh);
	uidset_clear(&fresh);
	return expected == im->st.n_msgs ? ERR_OK : gone_by_search(im, d, e);
}

/* Makes the server look. Not in one go with the FETCH: Dovecot then answers the
 * FETCH from what it knew before, and new messages are missing. Needless when
 * it told of news by itself. */
static enum err
look(struct imap *im, const struct imap_handler *h, struct error *e)
{
	struct imap_cmd c;
	enum err rc = ERR_OK;

	if (!im->is_dirty) {
		imap_cmd_init(&c, "NOOP");
		rc = imap_run(im, &c, 1, h, IMAP_MAX_BULK, e);
		imap_cmd_clear(&c);
	}
	/* what comes now may be newer than the answer */
	im->is_dirty = false;
	return rc;
}

static void
changes_command(const struct imap *im, struct imap_cmd *c, uint64_t since)
{
	imap_cmd_init(c, "UID FETCH 1:* (UID FLAGS%s)", im->is_modseq ? " MODSEQ" : "");
	if (since > 0)
		imap_cmd_printf(c, " (CHANGEDSINCE %llu%s)", (unsigned long long)since,
			im->is_qresync ? " VANISHED" : "");
}

enum err
imap_changes(struct backend *b, const struct folder_known *known,
	const struct folder_sink *sink, struct folder_status *st, struct error *e)
{
	struct imap *im = imap_of(b);
	struct delta d = { .known = known, .sink = sink };
	struct imap_handler h = { .ctx = &d, .fetch = on_flags, .vanished = on_gone };
	struct imap_cmd c;
	uint64_t since;
	enum err rc;

	if ((rc = imap_need_folder(im, e)) != ERR_OK)
		return rc;
	if (known->uidvalidity && known->uidvalidity != im->st.uidvalidity)
		return error_set(e, ERR_FOLDER, "the server built this folder anew");
	since = im->is_modseq ? known->modseq : 0;
	changes_command(im, &c, since);
	if ((rc = look(im, &h, e)) == ERR_OK
	    && (rc = imap_run(im, &c, 1, &h, IMAP_MAX_BULK, e)) == ERR_OK
	    && (rc = imap_verdict(&c, ERR_FOLDER, e)) == ERR_OK
	    && (rc = find_gone(im, &d, since > 0, since > 0 && im->is_qresync, e)) == ERR_OK) {
		report_gone(&d);
		if (im->is_modseq && d.modseq > im->st.modseq)
			im->st.modseq = d.modseq;
		if (im->max_uid >= im->st.uidnext && im->max_uid < UINT32_MAX)
			im->st.uidnext = im->max_uid + 1;
		*st = im->st;
	}
	imap_cmd_clear(&c);
	delta_clear(&d);
	return rc;
}

/* ---- searches ---- */

enum err
imap_uids(struct backend *b, struct uidset *out, struct error *e)
{
	struct imap *im = imap_of(b);
	struct imap_cmd all;
	enum err rc;

	if ((rc = imap_need_folder(im, e)) != ERR_OK)
		return rc;
	if (im->st.n_msgs == 0)
		return ERR_OK;
	imap_cmd_init(&all, "ALL");
	rc = imap_search(im, &all, out, e);
	imap_cmd_clear(&all);
	if (rc == ERR_OK && out->n == 0 && im->st.n_msgs > 0)
		rc = error_set(e, ERR_FOLDER, "the server says that there are %u messages "
			"and lists none", im->st.n_msgs);
	return rc;
}

static enum err
leave_for(struct imap *im, const char *wire, struct error *e)
{
	struct folder_status st;
	bool delta;

	if (!im->return_to)
		im->return_to = xstrdup(im->selected ? im->selected : "");
	return open_folder(im, "EXAMINE", wire, NULL, NULL, &st, &delta, e);
}

enum err
imap_need_folder(struct imap *im, struct error *e)
{
	struct folder_status st;
	bool delta;
	char *back = im->return_to;
	enum err rc;

	if (!back && im->selected)
		return ERR_OK;
	if (!back || !*back)
		return error_set(e, ERR_FOLDER, "no folder is open");
	im->return_to = NULL;
	rc = open_folder(im, "SELECT", back, NULL, NULL, &st, &delta, e);
	im->is_dirty = true;			/* what came in between was not heard */
	free(back);
	return rc;
}

/* In the open folder a server may search what it last told of it, with messages that are gone
 * by now: it is given the occasion to tell first. */
static enum err
hear_news(struct imap *im, struct error *e)
{
	struct imap_cmd c;

	imap_cmd_init(&c, "NOOP");
	return imap_do(im, &c, NULL, ERR_FOLDER, e);
}

/* Looks elsewhere, by EXAMINE, which changes nothing there. The open folder is opened again
 * when it is needed, so that looking for many messages in one place is one command each. */
static enum err
search_elsewhere(struct imap *im, const char *wire, const struct imap_cmd *criteria,
	uint32_t from, struct uidset *out, struct error *e)
{
	struct uidset found = {0}, wanted = {0};
	enum err rc = ERR_OK;

	if (!str_eq(im->selected, wire))
		rc = leave_for(im, wire, e);
	else if (!im->return_to)
		rc = hear_news(im, e);
	if (rc == ERR_OK && (rc = imap_search(im, criteria, &found, e)) == ERR_OK) {
		uidset_add_range(&wanted, from, UINT32_MAX);	/* "9:*" may name 8 */
		uidset_and(out, &found, &wanted);
	}
	uidset_clear(&found);
	uidset_clear(&wanted);
	return rc;
}

enum err
imap_find(struct backend *b, const char *wire, const char *message_id, uint32_t from,
	struct uidset *out, struct error *e)
{
	struct imap *im = imap_of(b);
	struct imap_cmd c;

	from = from ? from : 1;
	imap_cmd_init(&c, "UID %u:* HEADER Message-ID ", from);
	imap_cmd_string(im, &c, message_id);
	enum err rc = search_elsewhere(im, wire, &c, from, out, e);
	imap_cmd_clear(&c);
	return rc;
}

enum err
imap_arrivals(struct backend *b, const char *wire, uint32_t from,
	const struct folder_sink *sink, struct error *e)
{
	struct imap *im = imap_of(b);
	struct uidset uids = {0};
	struct imap_cmd c;

	from = from ? from : 1;
	imap_cmd_init(&c, "UID %u:*", from);
	enum err rc = search_elsewhere(im, wire, &c, from, &uids, e);
	if (rc == ERR_OK)
		rc = imap_summaries(im, &uids, sink, e);
	imap_cmd_clear(&c);
	uidset_clear(&uids);
	return rc;
}
