/* quote.h - the text of a message as it stands in an answer to it. */
#ifndef DUNLIN_MIME_QUOTE_H
#define DUNLIN_MIME_QUOTE_H

#include "reply.h"

/* Every line one level deeper, without the signature; paragraphs of
 * format=flowed are laid out anew. */
void quote_text(struct str *out, const struct reply_source *s);
/* As it is, with the soft line ends of format=flowed taken out. */
void quote_plain(struct str *out, const struct reply_source *s);

#endif
