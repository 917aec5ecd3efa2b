/* Any bytes in any field of a draft, or as a program's message: refused, or fit to go out. */
#include <stdlib.h>
#include <string.h>

#include "compose.h"
#include "fuzz.h"
#include "mime.h"

static const struct compose_stamp stamp = { .now = 1790000000, .tz_minutes = -90,
	.token = "abc123" };

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	mime_init();
	return 0;
}

/* The next piece of the input, up to a byte 0x01. Owned. */
static char *
piece(const uint8_t **p, const uint8_t *end)
{
	const uint8_t *stop = memchr(*p, 1, (size_t)(end - *p));
	char *s = xstrndup((const char *)*p, (size_t)((stop ? stop : end) - *p));

	*p = stop ? stop + 1 : end;
	return s;
}

static void
check(const struct letter *l)
{
	size_t line = 0;

	for (size_t i = 0; i < l->bytes.len; i++) {
		char c = l->bytes.data[i];
		must(c != '\0');
		must(c != '\n' || (i > 0 && l->bytes.data[i - 1] == '\r'));
		must(c != '\r' || (i + 1 < l->bytes.len && l->bytes.data[i + 1] == '\n'));
		line = c == '\n' ? 0 : line + 1;
		must(line <= 999);
	}
	must(l->n_to > 0 && l->sender && l->message_id);
	for (size_t i = 0; i < l->n_to; i++)
		must(!strpbrk(l->to[i], "\r\n<>") && strchr(l->to[i], '@'));
	size_t head = mime_header_length(l->bytes.data, l->bytes.len);
	char *copy = xstrndup(l->bytes.data, head);
	must(!strcasestr(copy, "\nbcc:") && strncasecmp(copy, "bcc:", 4) != 0);
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const uint8_t *p = data, *end = data + n;
	char *field[8];
	struct letter l;

	if (compose_prepare(&l, (const char *)data, n, "ada@example.org", NULL, &stamp,
		NULL) == ERR_OK) {
		check(&l);
		letter_clear(&l);
	}
	for (size_t i = 0; i < LEN(field); i++)
		field[i] = piece(&p, end);
	struct draft_file file = { field[6], field[7], p, (size_t)(end - p) };
	struct draft d = { .from = *field[0] ? field[0] : "ada@example.org",
		.to = "bob@example.org",
		.cc = field[1], .bcc = field[2], .subject = field[3], .in_reply_to = field[4],
		.references = field[5], .text = (const char *)p, .text_len = (size_t)(end - p),
		.files = &file, .n_files = n & 1 };
	if (compose_build(&l, &d, &stamp, NULL) == ERR_OK) {
		check(&l);
		must(!l.needs_8bit);
		letter_clear(&l);
	}
	for (size_t i = 0; i < LEN(field); i++)
		free(field[i]);
	return 0;
}
