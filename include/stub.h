/* stub.h - a message of which only the header was downloaded, as it stands in an mbox.
 *
 * A stub is a message like others: the header as the server gave it, one field of ours more
 * that says how large the message is and by which hash the ledger knows it, and a line of text
 * for whoever reads it with another program. Fields that begin with Content- are set aside as
 * X-Dunlin-Content-..., since the text is not what they tell of. The field may be forged by
 * whoever sends mail: it is shown, and nothing is ever deleted because of it. Any thread. */
#ifndef DUNLIN_STUB_H
#define DUNLIN_STUB_H

#include "mbox.h"
#include "str.h"

struct stub {
	uint64_t size_bytes;		/* of the whole message, as LIST said */
	uint64_t hash;			/* of its header, as in struct pop3_entry */
};

/* The stub as a whole; `head` may have CRLF, and an empty line at its end. */
void stub_write(struct str *out, const struct stub *s, const char *head, size_t n_head);
/* False: that is no stub's header. */
bool stub_parse(struct stub *out, const char *head, size_t n_head);
/* What stands in a stub instead of the message. */
void stub_text(struct str *out, uint64_t size_bytes);

/* What an mbox has of the message with that header. STUB_WHOLE: no stub, but a message that is
 * as long as `size_bytes` says; STUB_OTHER: one with that header, of another length. *subject
 * (owned, raw, may be NULL) is of what was found. A missing file is empty. */
enum stub_there { STUB_NONE, STUB_OTHER, STUB_WHOLE, STUB_HERE };
enum err stub_find(const char *path, const struct stub *s, enum stub_there *there,
	char **subject, const struct cancel *cancel, struct error *e);

/* Puts the one message in the spool (as mbox_encode wrote it, n_bytes) in the place of the
 * stub, with the flags and the From_ line of the stub, by a new file and rename: before it
 * there is the stub, afterwards the message, at no time both or neither. *done false: there is
 * no such stub. `cancel` ends waiting for the lock, may be NULL. */
enum err stub_replace(const char *path, const struct stub *s, int spool, uint64_t n_bytes,
	bool *done, const struct cancel *cancel, struct error *e);

#endif
