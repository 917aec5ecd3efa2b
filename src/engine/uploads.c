/* uploads.c - see uploads.h.
 *
 * Order: claim; the folder's next UID; RUNNING (durable); APPEND; its UID; DONE with what
 * follows (durable). One that is found RUNNING is looked for by its Message-ID first. So a cut
 * anywhere costs a look, and a copy too many only where neither the server nor the message
 * gives anything to look by. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine_act.h"
#include "log.h"
#include "store_uploads.h"
#include "str.h"
#include "uploads.h"

enum { FIRST_RETRY_S = 15 * 60, MAX_RETRY_S = 24 * 3600 };

static bool
is_link_error(enum err rc)
{
	return rc == ERR_CONN || rc == ERR_TLS || rc == ERR_CANCELLED || rc == ERR_AUTH;
}

/* ---- the folder ---- */

char *
uploads_role_folder(const struct uploads *x, enum folder_role role)
{
	struct arena arena = {0};
	struct folder f;
	char *wire;

	if (x->conf->folder[role])
		return x->b->ops->wire_name(x->b, x->conf->folder[role]);
	if (store_folder_by_role(x->store, x->account, role, &arena, &f))
		wire = xstrdup(f.wire);
	else
		wire = x->b->ops->wire_name(x->b, folder_role_name(role));
	arena_clear(&arena);
	return wire;
}

static char *
wire_of(const struct uploads *x, const struct upload *u)
{
	if (u->role != ROLE_NONE)
		return uploads_role_folder(x, u->role);
	const char *name = act_dest_name(u->dest);
	return name ? x->b->ops->wire_name(x->b, name) : xstrdup(u->dest);
}

enum err
uploads_find_folder(const struct uploads *x, const char *wire, uint32_t *uidnext,
	struct error *e)
{
	struct folder_status st = {0};
	enum err rc = x->b->ops->status(x->b, wire, &st, e);

	if ((rc == ERR_FOLDER || rc == ERR_MSG) && (x->b->caps & CAP_FOLDERS)) {
		rc = x->b->ops->folder_create(x->b, wire, e);
		if (rc == ERR_OK)
			rc = x->b->ops->status(x->b, wire, &st, e);
	}
	*uidnext = rc == ERR_OK ? st.uidnext : 0;
	return rc == ERR_UNSUPPORTED ? ERR_OK : rc;
}

/* ---- one ---- */

enum err
uploads_look(const struct uploads *x, const char *wire, const char *message_id, uint32_t from,
	uint32_t *uid, struct error *e)
{
	struct uidset found = {0};
	enum err rc = *message_id ? x->b->ops->find(x->b, wire, message_id, from ? from : 1,
		&found, e) : ERR_OK;

	*uid = rc == ERR_OK && found.n > 0 ? uidset_max(&found) : 0;
	uidset_clear(&found);
	return rc;
}

static enum err
store_bytes(const struct uploads *x, const struct upload *u, const char *wire, uint32_t *uid,
	struct error *e)
{
	int fd = store_upload_open(x->store, u, e);

	if (fd < 0)
		/* not the disk's moment of weakness: these bytes are lost */
		return ERR_MSG;
	struct byte_source src = byte_source_file(&fd, u->size_bytes);
	enum err rc = x->b->ops->append(x->b, wire, &src, u->flags, u->arrived, uid, e);
	close(fd);
	return rc;
}

/* *uid 0: it stands there, and nobody says where. */
static enum err
carry_out(const struct uploads *x, const struct upload *u, const char *wire, uint32_t *uid,
	struct error *e)
{
	uint32_t uidnext, from = u->dest_uidnext;
	bool was_running = u->state == UPLOAD_RUNNING;

	*uid = 0;
	if (x->conf->read_only || !(x->b->caps & CAP_APPEND))
		return error_set(e, ERR_UNSUPPORTED, "account '%s' is read-only",
			x->conf->name);
	enum err rc = uploads_find_folder(x, wire, &uidnext, e);
	if (!was_running || uidnext < from || from == 0)
		from = uidnext;
	if (rc == ERR_OK && was_running)
		rc = uploads_look(x, wire, u->message_id, from, uid, e);
	if (rc != ERR_OK || *uid)
		return rc;
	rc = store_upload_running(x->store, u->id, from, e);
	if (rc == ERR_OK)
		rc = store_bytes(x, u, wire, uid, e);
	if (rc == ERR_OK && !*uid)
		rc = uploads_look(x, wire, u->message_id, from, uid, e);
	return rc;
}

/* ---- how it ended ---- */

static int64_t
retry_in_s(uint32_t n_tries)
{
	int64_t s = FIRST_RETRY_S;

	for (; n_tries > 0 && s < MAX_RETRY_S; n_tries--)
		s *= 2;
	return s < MAX_RETRY_S ? s : MAX_RETRY_S;
}

static const char *
advice(const struct upload *u, const char *words)
{
	if (u->after == UPLOAD_THEN_CARRY)
		return "it stays where it was";
	if (strstr(words, "OVERQUOTA") || strstr(words, "LIMIT") || strstr(words, "TOOBIG"))
		return "make room there; $ tries again";
	if (u->role != ROLE_NONE)
		return "the mailrc can name another folder; $ tries again";
	return "it is kept; $ tries again";
}

static enum err
refused(const struct uploads *x, const struct upload *u, const char *wire,
	struct upload_result *r, struct error *e)
{
	struct arena arena = {0};
	struct folder f;
	bool is_known = store_folder_by_wire(x->store, x->account, wire, &arena, &f);
	struct error why = *e;

	if (!str_eq(u->error, why.text))
		error_set(&r->refusal, ERR_MSG,
			"%s: %.100s could not be stored in %.60s: %.200s (%s)", x->conf->name,
			u->label, is_known ? f.name : wire, why.text, advice(u, why.text));
	arena_clear(&arena);
	return store_upload_refused(x->store, u->id, why.text,
		time(NULL) + retry_in_s(u->n_tries), e);
}

static enum err
end(const struct uploads *x, const struct upload *u, char *wire, enum err rc, uint32_t uid,
	struct upload_result *r, struct error *e)
{
	log_msg("%s: upload %lld (%s, %llu bytes)%s: %s", x->conf->name, (long long)u->id,
		u->label, (unsigned long long)u->size_bytes,
		u->state == UPLOAD_RUNNING ? ", perhaps done before" : "",
		rc == ERR_OK ? "done" : e->text);
	if (is_link_error(rc) || rc == ERR_LOCAL)
		return rc;		/* it stays what it is, and is looked into */
	if (rc != ERR_OK)
		return refused(x, u, wire, r, e);
	char *trash = uploads_role_folder(x, ROLE_TRASH);
	struct removal how = { .can_expunge = x->b->caps & CAP_DELETE, .trash = trash };
	rc = store_upload_done(x->store, u, wire, uid, &how, &r->other, e);
	if (rc == ERR_OK)
		r->wire = xstrdup(wire);
	free(trash);
	return rc;
}

enum err
uploads_one(const struct uploads *x, struct upload_result *r, struct error *e)
{
	struct arena arena = {0};
	struct upload u;
	uint32_t uid;
	enum err rc = ERR_OK;
	int claim = -1;

	*r = (struct upload_result){0};
	if (store_uploads_due(x->store, x->account) > 0)
		claim = store_uploads_claim(x->store, x->account);
	r->did = claim >= 0 && store_upload_next(x->store, x->account, &arena, &u);
	if (r->did) {
		char *wire = wire_of(x, &u);
		r->id = u.id;
		rc = carry_out(x, &u, wire, &uid, e);
		rc = end(x, &u, wire, rc, uid, r, e);
		free(wire);
	}
	if (claim >= 0)
		close(claim);
	arena_clear(&arena);
	return rc;
}
