/* drain_doubt.c - whether the names that a server gives to messages are to be believed.
 *
 * A UIDL of the same size is taken for a message that is here, and what is here may be
 * deleted. That is wrong where the names are those of another mailbox (the account has another
 * user or server by now), or where they are the numbers of the messages, which all change
 * when one is deleted (RFC 1939 7 forbids it). The first is seen at the account, the second at
 * the header of the last one that is known; then all are told by their headers. And nothing
 * is deleted on its name alone: its header is asked for, unless it came in this session. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drain_int.h"
#include "log.h"

enum { PROBE_BYTES = 1 << 20 };		/* what is larger is not asked for in each pass */

/* ---- whose names they are ---- */

static char *
peer_name(const struct pass *p)
{
	return xasprintf("pop3-peer-%u", (unsigned)p->d->cfg->account);
}

static char *
peer_of(const struct pass *p)
{
	const struct rc_url *u = &p->d->cfg->conf->receive;

	return xasprintf("%s@%s:%u", u->user ? u->user : "", u->host, (unsigned)u->port);
}

/* A ledger of a release that did not note it is believed. */
bool
doubt_is_other_peer(const struct pass *p)
{
	char *name = peer_name(p), *peer = peer_of(p);
	char *known = store_value(p->d->store, name);
	bool is_other = known && !str_eq(known, peer);

	if (is_other)
		log_msg("%s: the ledger's names are of '%s'", p->d->cfg->conf->name, known);
	free(known);
	free(peer);
	free(name);
	return is_other;
}

enum err
doubt_note_peer(struct pass *p, struct error *e)
{
	char *name = peer_name(p), *peer = peer_of(p);
	char *known = store_value(p->d->store, name);
	enum err rc = str_eq(known ? known : "", peer) ? ERR_OK
		: store_value_put(p->d->store, name, peer, e);

	free(known);
	free(peer);
	free(name);
	return rc;
}

/* Names of what was not found, which would else be met by other messages. */
enum err
doubt_unname(struct pass *p, struct error *e)
{
	struct plan *plan = &p->plan;
	struct pop3_entry *v = xcalloc(plan->n_entries + 1, sizeof *v);
	size_t n = 0;

	for (size_t i = 0; i < plan->n_entries; i++) {
		if (plan->is_taken[i] || !*plan->entries[i].uidl)
			continue;
		plan->entries[i].uidl = "";
		v[n++] = plan->entries[i];
	}
	enum err rc = n > 0 ? store_pop3_update(p->d->store, v, n, e) : ERR_OK;
	free(v);
	return rc;
}

/* ---- is it another one? ---- */

/* A filter between may change headers of whole messages only: what looks like another by TOP
 * is asked for as it was downloaded. Afterwards its hash is 0 where that cannot be had. */
static enum err
look_closer(struct pass *p, struct plan_item **v, size_t n, struct error *e)
{
	for (size_t i = 0; i < n; i++)
		v[i]->hash = 0;
	return n > 0 ? pass_hash_headers(p, v, n, false, e) : ERR_OK;
}

enum err
doubt_is_renumbered(struct pass *p, bool *is, struct error *e)
{
	enum err rc = ERR_OK;

	*is = false;
	for (size_t i = 0; i < p->plan.n && rc == ERR_OK; i++) {
		struct plan_item *item = &p->plan.v[i];
		if (!item->is_probe || item->m.size_bytes > PROBE_BYTES)
			continue;
		rc = look_closer(p, &item, 1, e);
		*is = item->hash != 0 && item->hash != item->entry->hash;
	}
	return rc;
}

/* ---- before something is deleted ---- */

/* What bears the name of another message is new to the next pass. */
static enum err
part(struct pass *p, struct plan_item *item, struct error *e)
{
	item->entry->uidl = "";
	log_msg("%s: message %u is not the one that was downloaded by its name: kept",
		p->d->cfg->conf->name, (unsigned)item->m.number);
	enum err rc = store_pop3_update(p->d->store, item->entry, 1, e);
	item->entry = NULL;
	return rc;
}

enum err
doubt_before_deleting(struct pass *p, bool (*may)(const struct pass *p,
	const struct pop3_entry *entry), struct error *e)
{
	struct plan *plan = &p->plan;
	enum err rc = ERR_OK;

	for (size_t i = 0; i < plan->n; i++) {
		struct plan_item *item = &plan->v[i];
		item->wants_hash = item->entry && !item->is_fetched && item->hash == 0 &&
			may(p, item->entry);
	}
	struct plan_item **other = xcalloc(plan->n + 1, sizeof(struct plan_item *));
	size_t n = 0;
	rc = pass_find_hashes(p, e);
	for (size_t i = 0; i < plan->n; i++) {
		struct plan_item *item = &plan->v[i];
		if (item->wants_hash && item->hash != 0 && item->hash != item->entry->hash)
			other[n++] = item;
	}
	if (rc == ERR_OK)
		rc = look_closer(p, other, n, e);
	free(other);
	for (size_t i = 0; i < plan->n && rc == ERR_OK; i++) {
		struct plan_item *item = &plan->v[i];
		if (!item->wants_hash)
			continue;
		if (item->hash == 0)
			item->entry = NULL;	/* it cannot be had: another time */
		else if (item->hash != item->entry->hash)
			rc = part(p, item, e);
	}
	return rc;
}
