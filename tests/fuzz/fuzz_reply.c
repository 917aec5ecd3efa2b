/* Any bytes as a message that is answered or forwarded in every way, as a mailto: link, and as
 * a folder's name on the wire: the fields of the draft are one line of clean text each, and
 * names come back as they went. */
#include <stdlib.h>
#include <string.h>

#include "compose.h"
#include "fuzz.h"
#include "mailstatus.h"
#include "mime.h"
#include "proto/utf7.h"
#include "reply.h"
#include "stub.h"
#include "utf8.h"

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	mime_init();
	return 0;
}

static void
check_note(struct note *note, bool by_link)
{
	const char *fields[] = { note->from, note->to, note->cc, note->bcc, note->subject,
		note->in_reply_to, note->references };

	for (size_t i = 0; i < LEN(fields); i++) {
		const char *s = note_get(fields[i]);
		must(utf8_valid(s, strlen(s)));
		for (; *s; s++)
			must((unsigned char)*s >= ' ' && *s != 0x7f);
	}
	must(utf8_valid(str_get(&note->text), note->text.len) &&
		!memchr(str_get(&note->text), 0, note->text.len));
	must(note->n_files == 0 && (!by_link || (!note->bcc && !note->from)));
	note_clear(note);
}

static void
answer(const char *raw, size_t n)
{
	static const char *const mine[] = { "Ada <ada@example.org>", "a@x.net" };
	size_t head = mime_header_length(raw, n);
	struct str text = {0};

	text_clean(&text, raw + head, n - head, CLEAN_TEXT);
	for (int kind = REPLY_SENDER; kind <= REPLY_RESUME; kind++) {
		struct reply_source s = { raw, head, str_get(&text), text.len, n & 1, n & 2,
			n & 4 ? "%A %Z%n{name} <{address}>:" : NULL };
		struct note note = {0};
		struct error e;
		if (reply_make(&note, (enum reply_kind)kind, &s, mine, LEN(mine),
		    &e) != ERR_OK)
			must(*e.text && !note.to);
		check_note(&note, false);
	}
	str_clear(&text);
}

static void
follow_link(const char *z)
{
	char *url = xasprintf("mailto:%s", z);
	struct note note = {0};

	reply_mailto(&note, url, NULL);
	check_note(&note, true);
	free(url);
}

/* What a wire name means goes back to a wire name that means the same. */
static void
name_folder(const char *z)
{
	struct str name = {0}, wire = {0}, again = {0};

	if (utf7_decode(&name, z)) {
		must(utf8_valid(str_get(&name), name.len));
		utf7_encode(&wire, str_get(&name));
		must(utf7_decode(&again, str_get(&wire)) &&
			strcmp(str_get(&again), str_get(&name)) == 0);
		for (const char *c = str_get(&wire); *c; c++)
			must((unsigned char)*c < 0x80);
	}
	str_clear(&name);
	str_clear(&wire);
	str_clear(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *z = xstrndup((const char *)data, n);
	struct stub stub;
	struct error e;

	answer((const char *)data, n);
	follow_link(z);
	name_folder(z);
	mail_status(z);
	stub_parse(&stub, (const char *)data, mime_header_length((const char *)data, n));
	if (compose_addresses("to", z, &e) != ERR_OK)
		must(*e.text && utf8_valid(e.text, strlen(e.text)));
	mime_date(z, &(int){0});
	free(z);
	return 0;
}
