/* outbox_seek.c - what can be found out about mail that is unsure,
 * and forgetting what is sent.
 *
 * Many servers file what they take, and programs beside us may: so the Message-ID in
 * Sent says that it went. That it is not there says something only where the server is
 * known to file (copy = no). */
#include <stdlib.h>
#include <time.h>

#include "drafts.h"
#include "outbox_int.h"
#include "store_outbox.h"
#include "str.h"

enum { KEEP_SENT_S = 14 * 86400 };

const char *
outbox_sought_text(const struct outbox_mail *m, const struct rc_account *a)
{
	if (m->state != OUTBOX_UNSURE)
		return "";
	if (m->copy != COPY_NONE && m->copy != COPY_WANTED)
		return "some recipients have it surely; the others may, or not";
	switch (m->sought) {
	case SOUGHT_FOUND:
		return "found in Sent: it very probably went";
	case SOUGHT_ABSENT:
	case SOUGHT_AGAIN:
		return !a->copy
			? "not in Sent, where the server files it: it probably did not go"
			: "not in Sent, which says little: "
			"few servers file mail by themselves";
	case SOUGHT_NOT:
		break;
	}
	return "Sent was not looked into yet";
}

enum err
outbox_seek_one(struct store *s, const struct rc_account *a, account_id account,
	struct backend *b, outbox_id *id, struct error *told, struct error *e)
{
	struct arena arena = {0};
	struct uidset uids = {0};
	struct outbox_mail m;
	enum err rc = ERR_OK;

	*told = (struct error){0};
	*id = store_outbox_seek_next(s, account);
	if (*id == 0 || !store_outbox_get(s, *id, &arena, &m))
		goto out;
	char *wire = outbox_sent_folder(s, a, account, b);
	rc = b->ops->find(b, wire, m.message_id, 1, &uids, e);
	free(wire);
	if (is_link_error(rc))
		goto out;
	bool is_news = m.sought == SOUGHT_NOT || uids.n > 0;
	/* or no such folder */
	m.sought = rc == ERR_OK && uids.n > 0 ? SOUGHT_FOUND : SOUGHT_ABSENT;
	if ((rc = store_outbox_sought(s, *id, m.sought, e)) == ERR_OK && is_news)
		error_set(told, ERR_MSG, "'%.100s' may have been sent, or not: %s", m.subject,
			outbox_sought_text(&m, a));
out:
	uidset_clear(&uids);
	arena_clear(&arena);
	return rc;
}

enum err
outbox_forget(struct store *s, const char *data_dir, struct error *e)
{
	struct draft_info *v = NULL;
	size_t n = draft_list(data_dir, &v);
	const char **keep = xcalloc(n + 1, sizeof *keep);

	for (size_t i = 0; i < n; i++)
		keep[i] = v[i].message_id;
	enum err rc = store_outbox_forget(s, time(NULL) - KEEP_SENT_S, keep, n, e);
	free(keep);
	draft_list_free(v, n);
	return rc;
}
