/* refusal.c - the server said NO to a command about many messages: to which of them?
 *
 * Decisions are joined into one command (store_intent_next), and one message that the server
 * will not take must not cost the others. So a refused command is halved, down to the single
 * message, and what is refused alone is refused. That costs two commands a message when
 * nothing passes, so it is done in slices: what a slice did not come to stays pending, in its
 * place, and other work goes on between. Of many some, evenly spread, are tried first; when
 * none of them passes, and the server says that the mailbox is the reason, all is refused. */
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "replay.h"
#include "str.h"

enum {
	MANY = 64,			/* more than that are sampled first */
	SAMPLE = 16,
	SLICE_TRIES = 64, SLICE_MS = 1000
};

/* Response codes that are about the mailbox, not about a message (RFC 5530). */
static const char *const of_mailbox[] = { "[NOPERM]", "[OVERQUOTA]", "[NONEXISTENT]",
	"[TRYCREATE]", "[READ-ONLY]", "[UNAVAILABLE]", "[CANNOT]",
	"this folder is read-only" };

static bool
is_about_mailbox(const struct error *why)
{
	for (size_t i = 0; i < LEN(of_mailbox); i++) {
		if (strstr(why->text, of_mailbox[i]))
			return true;
	}
	return false;
}

static bool
is_slice_over(const struct replay *r)
{
	return r->n_tries >= SLICE_TRIES ||
		(r->n_tries > SAMPLE && now_ms() - r->tried_since_ms >= SLICE_MS);
}

enum err
replay_find_present(struct replay *r, struct uidset *present, struct error *e)
{
	struct uidset there = {0};
	enum err rc = r->w->b->ops->uids(r->w->b, &there, e);

	if (rc == ERR_OK)
		uidset_and(present, &r->b.uids, &there);
	uidset_clear(&there);
	return rc;
}

/* Those that were refused in the same words are told in one go. */
static void
note_refusal(struct replay *r, uint32_t uid, const struct error *why)
{
	size_t i = 0;

	while (i < r->n_refusals && strcmp(r->refusals[i].why.text, why->text) != 0)
		i++;
	if (i == r->n_refusals) {
		r->refusals = xreallocarray(r->refusals, i + 1, sizeof *r->refusals);
		r->refusals[i] = (struct refusal){ .why = *why };
		r->n_refusals++;
	}
	uidset_add(&r->refusals[i].uids, uid);
}

static enum err
try_one(struct replay *r, uint32_t uid, replay_act act, bool *did, struct error *e)
{
	struct uidset one = {0};
	struct error why;

	uidset_add(&one, uid);
	enum err rc = act(r, &one, &why);
	*did = rc == ERR_OK;
	if (rc == ERR_MSG)
		note_refusal(r, uid, &why);
	else if (rc != ERR_OK)
		*e = why;
	uidset_clear(&one);
	return rc == ERR_MSG ? ERR_OK : rc;
}

static enum err halve(struct replay *r, const struct uidset *uids, replay_act act,
	struct error *e);

/* A piece of what was refused. */
static enum err
try_piece(struct replay *r, const struct uidset *uids, replay_act act, struct error *e)
{
	struct error why;
	bool did;

	if (uids->n == 0)
		return ERR_OK;
	if (is_slice_over(r)) {
		for (size_t i = 0; i < uids->n; i++)
			uidset_add_range(&r->untried, uids->ranges[i].lo, uids->ranges[i].hi);
		return ERR_OK;
	}
	r->n_tries++;
	if (uidset_count(uids) == 1)
		return try_one(r, uidset_min(uids), act, &did, e);
	enum err rc = act(r, uids, &why);
	if (rc == ERR_MSG)
		return halve(r, uids, act, e);
	if (rc != ERR_OK)
		*e = why;
	return rc;
}

static enum err
halve(struct replay *r, const struct uidset *uids, replay_act act, struct error *e)
{
	struct uidset low = {0}, high = {0};

	uidset_copy(&low, uids);
	uidset_take_highest(&high, &low, (uint32_t)(uidset_count(uids) / 2));
	enum err rc = try_piece(r, &low, act, e);
	if (rc == ERR_OK)
		rc = try_piece(r, &high, act, e);
	uidset_clear(&low);
	uidset_clear(&high);
	return rc;
}

/* Some messages alone, which leave `uids`. *any: one of them passed. */
static enum err
try_sample(struct replay *r, struct uidset *uids, replay_act act, bool *any, struct error *e)
{
	uint64_t n = uidset_count(uids), i = 0, next = 0;
	struct uidset tried = {0};
	enum err rc = ERR_OK;
	bool did;

	*any = false;
	for (uint32_t uid = 0; rc == ERR_OK && (uid = uidset_next(uids, uid)) != 0; i++) {
		if (i != next)
			continue;
		next += n / SAMPLE;
		r->n_tries++;
		rc = try_one(r, uid, act, &did, e);
		*any = *any || did;
		uidset_add(&tried, uid);
	}
	uidset_subtract(uids, &tried);
	uidset_clear(&tried);
	return rc;
}

/* `why` is what was said to all of them at once. */
static enum err
split(struct replay *r, struct uidset *uids, replay_act act, const struct error *why,
	struct error *e)
{
	bool any = true;
	enum err rc = ERR_OK;

	log_msg("%s: %llu messages were refused at once (%s): trying less", r->w->conf->name,
		(unsigned long long)uidset_count(uids), why->text);
	r->tried_since_ms = now_ms();
	if (uidset_count(uids) > MANY)
		rc = try_sample(r, uids, act, &any, e);
	if (rc == ERR_OK && !any &&
	    (is_about_mailbox(why) || !store_intents_can_part(r->w->store, &r->b))) {
		*e = *why;
		return ERR_MSG;
	}
	if (rc == ERR_OK)
		rc = halve(r, uids, act, e);
	if (rc == ERR_OK && r->untried.n > 0 && !store_intents_can_part(r->w->store, &r->b)) {
		for (uint32_t uid = 0; (uid = uidset_next(&r->untried, uid)) != 0;)
			note_refusal(r, uid, why);
		uidset_clear(&r->untried);
	}
	return rc;
}

static uint64_t
count_refused(const struct replay *r)
{
	uint64_t n = 0;

	for (size_t i = 0; i < r->n_refusals; i++)
		n += uidset_count(&r->refusals[i].uids);
	return n;
}

/* A server may refuse a whole command because another client removed one of its messages
 * meanwhile (RFC 5530, EXPUNGEISSUED): it is asked again about those that are left, for as
 * long as they get fewer. Otherwise it was a refusal, of one of them or more. */
enum err
replay_after(struct replay *r, enum err rc, replay_act again, replay_act act, struct error *e)
{
	uint64_t n = uidset_count(&r->b.uids);
	struct uidset present = {0};
	struct error why = {0};

	while (rc == ERR_MSG) {
		why = *e;
		rc = replay_find_present(r, &present, e);
		if (rc != ERR_OK)
			break;
		if (uidset_count(&present) >= n) {
			rc = n > 1 ? split(r, &present, act, &why, e) : ERR_MSG;
			break;
		}
		n = uidset_count(&present);
		rc = n ? again(r, &present, e) : ERR_OK;
	}
	if (rc == ERR_OK && count_refused(r) == uidset_count(&r->b.uids))
		rc = ERR_MSG;
	if (rc == ERR_MSG)
		*e = why;
	uidset_clear(&present);
	return rc;
}

void
replay_clear(struct replay *r)
{
	for (size_t i = 0; i < r->n_refusals; i++)
		uidset_clear(&r->refusals[i].uids);
	free(r->refusals);
	uidset_clear(&r->untried);
	uid_map_clear(&r->map);
	free(r->dest);
	intent_batch_clear(&r->b);
	arena_clear(&r->arena);
}
