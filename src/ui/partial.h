/* partial.h - messages of which only the header is here, and the rest
 * on a POP3 server (stub.h). */
#ifndef DUNLIN_UI_PARTIAL_H
#define DUNLIN_UI_PARTIAL_H

#include "message.h"
#include "view.h"

/* Whether the text is what stands in a stub; of a forged one, which says more, it is not. */
bool partial_is_text(const struct message *m, const struct str *text);

/* What a reader is told in the place of the text; nothing of a
 * message that says no such thing. */
void partial_describe(struct ui *ui, const struct message *m, struct str *out);

/* Before the message is sent, saved or handed to a program: a stub is not what the person
 * means. ERR_MSG: only the header is here, and *e says how the rest is had. What is not
 * fetched yet is taken for whole. */
enum err partial_check(struct ui *ui, const struct message *m, struct error *e);
enum err partial_check_id(struct ui *ui, msg_id id, struct error *e);

#endif
