/* Any text as a query: it parses or tells why, in clean text, and a match ends. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "query.h"
#include "str.h"
#include "utf8.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct msg m = { .arrived = 1770000000, .size_bytes = 5000, .flags = MSG_SEEN,
		.from_name = "Ada", .from_addr = "ada@example.org",
		.to = "Bob <b@example.net>", .cc = "", .subject = "Grüße", .message_id = "",
		.in_reply_to = "", .references = "", .list_id = "" };
	char *text = xstrndup((const char *)p, n);
	struct query *q;
	struct error e = {0};

	if (query_parse(&q, text, 1770724800, &e) == ERR_OK)
		query_match(q, &m);
	else
		assert(!q && *e.text && utf8_valid(e.text, strlen(e.text)) &&
			!strchr(e.text, '\033'));
	query_free(q);
	msg_base_subject(text);
	free(text);
	return 0;
}
