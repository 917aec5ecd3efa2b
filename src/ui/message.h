/* message.h - one message as far as it is in the store: summary, header, part tree, and the
 * bytes of the parts, whether they were fetched one by one or as a whole. */
#ifndef DUNLIN_UI_MESSAGE_H
#define DUNLIN_UI_MESSAGE_H

#include "arena.h"
#include "mime.h"
#include "store.h"

struct message {
	const struct store *store;
	msg_id id;
	struct msg m;			/* strings in arena */
	const char *header;		/* raw; NULL: not here */
	size_t header_len;
	const struct part *root;	/* NULL: not known */
	char *raw;			/* the whole message, where it is here; else NULL */
	size_t raw_len;
	struct mime_msg *parsed;	/* of raw */
	bool is_secret;			/* decrypted: wiped by message_clear */
	struct arena arena;
};

/* Reads what there is. False: there is no such message (any more). Clear it either way. */
bool message_read(struct message *x, const struct store *s, msg_id id);
void message_clear(struct message *x);
/* A message that is in no folder: takes over `raw`, owned, NULL too.
 * False: it cannot be parsed. */
bool message_of_bytes(struct message *x, char *raw, size_t len);

/* A copy of what was decrypted: wiped by message_clear. False: it cannot be parsed. */
bool message_of_copy(struct message *x, const struct str *bytes);

/* Whatever its size, where all of it is here: it is mapped, and takes as long as reading it
 * once. For other threads than the UI's. False: it is not. */
bool message_map(struct message *x);

/* The header of a message that is here as a whole, *len bytes of it (256 KB at most) at the
 * beginning of what is owned; NULL: it is not here. */
char *message_header(const struct store *s, msg_id id, size_t *len);

/* Whether the part's bytes are here. */
bool message_has(const struct message *x, const struct part *p);
/* Its decoded bytes (text parts: still in their charset), appended to out. False: absent. */
bool message_decode(const struct message *x, const struct part *p, struct str *out);
/* A leaf as text in UTF-8, of a large one the first MESSAGE_TEXT_MAX bytes. False: absent. */
enum { MESSAGE_TEXT_MAX = 8 << 20 };
bool message_text(const struct message *x, const struct part *p, struct str *out);
/* All parts that would be saved or opened: not the multiparts. */
bool message_is_leaf(const struct part *p);
/* Decoded size, or what can be guessed from the encoded one. */
uint64_t message_part_size(const struct part *p);

#endif
