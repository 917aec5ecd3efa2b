/* Any bytes are HTML, or a calendar: rendered at any width, what comes out is clean and fits. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "invitation.h"
#include "mime.h"
#include "utf8.h"

/* What goes back to an organizer has no line longer than calendars take, and no control byte. */
static void
answer(const struct str *text)
{
	static const char *const mine[] = { "Ada <ada@example.org>" };
	struct arena a = {0};
	struct invitation i;
	struct error e;
	struct str out = {0};
	size_t line = 0;

	if (invitation_read(&i, &a, str_get(text), text->len, mine, 1, &e) == ERR_OK) {
		invitation_write(&out, str_get(text), text->len, "ada@example.org",
			INVITATION_ACCEPTED, 1790000000);
		for (size_t k = 0; k < out.len; k++) {
			unsigned char c = (unsigned char)out.data[k];
			line = c == '\n' ? 0 : line + 1;
			must(line <= 76 && (c >= ' ' || c == '\r' || c == '\n'));
		}
	}
	str_clear(&out);
	arena_clear(&a);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	mime_init();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char calendar[] = "BEGIN:VCALENDAR";
	bool is_calendar = n >= sizeof calendar - 1 &&
		memcmp(data, calendar, sizeof calendar - 1) == 0;
	struct part p = { .type = is_calendar ? "text/calendar" : "text/html", .charset = "",
		.format = "", .delsp = "" };
	struct lines l = {0};
	struct str text = {0};
	int columns = n ? 20 + data[n - 1] % 80 : 80;

	mime_to_utf8(&text, &p, (const char *)data, n);
	mime_render(&l, &p, str_get(&text), text.len, columns);
	for (size_t i = 0; i < l.n; i++) {
		const char *s = l.v[i].text;
		struct str clean = {0};
		text_clean(&clean, s, strlen(s), CLEAN_LINE);
		if (strcmp(str_get(&clean), s) != 0 || text_width(s, strlen(s)) > columns)
			abort();
		str_clear(&clean);
	}
	if (is_calendar)
		answer(&text);
	str_clear(&text);
	lines_clear(&l);
	return 0;
}
