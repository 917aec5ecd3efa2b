/* request.c - JOB_DOWNLOAD: the whole of a message whose header alone is here.
 *
 * The stub itself says which entry of the ledger it is (stub.h). The entry is marked as
 * wanted, durably, and a pass of the drain does the rest; so a request outlives a lost
 * connection and the program. */
#include <string.h>

#include "str.h"
#include "stub.h"
#include "worker.h"

enum { MAX_STUB_BYTES = 2 * MBOX_MAX_HEADER };

static enum err
collect(void *ctx, const void *p, size_t n, struct error *e)
{
	struct str *s = ctx;

	if (s->len + n > MAX_STUB_BYTES)
		return error_set(e, ERR_MSG, "this message is here as a whole");
	str_add(s, p, n);
	return ERR_OK;
}

static size_t
header_length(const struct str *s)
{
	const char *end = s->len ? memmem(s->data, s->len, "\n\n", 2) : NULL;

	return end ? (size_t)(end - s->data) + 1 : s->len;
}

static enum err
read_stub(struct worker *w, msg_id id, struct stub *out, struct error *e)
{
	struct str text = {0};
	struct byte_sink sink = { .ctx = &text, .write = collect };
	enum err rc = mirror_open(w, msg_folder(id), e);

	if (rc == ERR_OK)
		rc = w->b->ops->fetch(w->b, msg_uid(id), "", &sink, e);
	if (rc == ERR_OK && !stub_parse(out, str_get(&text), header_length(&text)))
		rc = error_set(e, ERR_MSG, "this message is here as a whole");
	str_clear(&text);
	return rc;
}

enum err
request_begin(struct worker *w, msg_id id, int64_t *entry, struct error *e)
{
	struct pop3_entry found;
	struct stub s;
	bool did = false;

	if (!w->drain)
		return error_set(e, ERR_UNSUPPORTED,
			"only the POP3 account that left it on the server can fetch it");
	enum err rc = read_stub(w, id, &s, e);
	if (rc != ERR_OK)
		return rc;
	if (!store_pop3_find(w->store, w->account, s.hash, s.size_bytes, &found))
		return error_set(e, ERR_MSG,
			"the server no longer has this message, as far as is known");
	*entry = found.id;
	if (found.state == POP3_HEADER || found.state == POP3_WANTED)
		rc = store_pop3_turn(w->store, found.id, POP3_HEADER, POP3_WANTED, 0, &did, e);
	return rc == ERR_OK && !did ? error_set(e, ERR_MSG,
		"it was downloaded already; this is another copy of its header") : rc;
}

void
request_cancel(struct worker *w, int64_t entry)
{
	struct error e;
	bool did;

	if (store_pop3_turn(w->store, entry, POP3_WANTED, POP3_HEADER, 0, &did, &e) != ERR_OK)
		worker_notice(w, &e);
}

enum err
request_end(struct worker *w, int64_t entry, const struct error *pass, struct error *e)
{
	struct pop3_entry now;

	if (!store_pop3_get(w->store, entry, &now) || now.state == POP3_HEADER)
		return ERR_CANCELLED;
	if (now.state != POP3_WANTED)
		return ERR_OK;
	return error_set(e, ERR_CONN,
		"not yet downloaded, it will be with the next check (%.250s)",
		pass->code != ERR_OK ? pass->text : "the pass was stopped");
}
