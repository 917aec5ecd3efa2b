/* words.c - which valid word a person may have meant.
 *
 * Edit distance with swapped neighbours counted as one slip (optimal string alignment),
 * because that is the commonest one on a keyboard. */
#include <ctype.h>
#include <string.h>

#include "query.h"
#include "str.h"

enum { MAX_WORD = 40 };

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

static bool
same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Both are at most MAX_WORD long. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned rows[3][MAX_WORD + 1];
	unsigned *before = rows[0], *last = rows[1], *row = rows[2];
	size_t la = strlen(a), lb = strlen(b);

	for (size_t j = 0; j <= lb; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			row[j] = min3(last[j] + 1, row[j - 1] + 1,
				last[j - 1] + !same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) &&
			    same(a[i - 2], b[j - 1]) && before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		unsigned *spare = before;
		before = last;
		last = row;
		row = spare;
	}
	return last[lb];
}

const char *
nearest_word(const char *word, const char *const *words)
{
	size_t len = strlen(word);
	const char *best = NULL;

	if (len == 0 || len > MAX_WORD)
		return NULL;
	/* A slip in three letters, and never so many that any short word would do. */
	unsigned least = len < 3 ? 1 : len / 3 + 1;
	for (; *words; words++) {
		if (strlen(*words) > MAX_WORD)
			continue;
		unsigned d = distance(word, *words);
		if (len >= 3 && str_istarts(*words, word))
			d = 1;		/* the beginning of it */
		if (d < least || (d == least && !best && d < len && d * 2 <= len)) {
			least = d;
			best = *words;
		}
	}
	return best;
}
