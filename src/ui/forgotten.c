/* forgotten.c - words that people use when they attach something, in the languages that most
 * mail is written in. A question too many costs a key; one too few an apology. */
#include <stdlib.h>
#include <string.h>

#include "forgotten.h"
#include "str.h"
#include "utf8.h"

/* Beginnings of words; accents and case do not count. */
static const char *const words[] = {
	"attach", "enclosed",
	"anhang", "angehängt", "beigefügt", "anbei",
	"pièce jointe", "pièces jointes", "ci-joint",
	"adjunt", "anexo", "anexad", "anexei", "allegat", "allego",
	"bijlage", "bijgevoegd", "bifoga", "bilaga", "vedhæft", "vedlagt", "vedlegg", "liitte",
	"załącz", "příloh", "přilož", "csatol", "mellékel", "συνημμ",
	"прикреп", "вложен", "приложен",
};
/* Of scripts without spaces between words: anywhere. */
static const char *const signs[] = { "添付", "附件", "첨부" };

static bool
has_any(const char *line, const char *const *v, size_t n, bool anywhere)
{
	bool found = false;

	for (size_t i = 0; i < n && !found; i++) {
		struct str want = { 0 };
		text_words(&want, v[i], SIZE_MAX);
		found = strstr(line, str_get(&want) + anywhere) != NULL;
		str_clear(&want);
	}
	return found;
}

bool
forgotten_attachment(const char *text)
{
	bool found = false;

	while (*text && !found) {
		size_t n = strcspn(text, "\n");
		char *line = xstrndup(text, n);
		struct str folded = { 0 };
		bool is_over = str_eq(line, "-- ") || str_starts(line, "---------- Forwarded");
		text_words(&folded, line, SIZE_MAX);
		found = !is_over && *text != '>' &&
			(has_any(str_get(&folded), words, LEN(words), false) ||
			has_any(str_get(&folded), signs, LEN(signs), true));
		str_clear(&folded);
		free(line);
		if (is_over)
			break;
		text += n + (text[n] == '\n');
	}
	return found;
}
