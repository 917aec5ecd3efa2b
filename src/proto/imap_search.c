/* imap_search.c - UID SEARCH (RFC 9051 6.4.4) and what it answers, old form and new (ESEARCH).
 *
 * Texts are searched in a range of UIDs at a time, so that whoever asks can stop in between,
 * and nobody waits behind a server that reads all its mail. */
#include <stdlib.h>
#include <string.h>

#include "imap_int.h"

static void
on_search(void *ctx, struct imap *im, const char *name, struct scan *s)
{
	struct uidset *out = ctx, some = {0};
	uint32_t uid;
	char word[16];
	const char *p;
	size_t n;

	(void)im;
	scan_spaces(s);
	if (strcmp(name, "SEARCH") == 0) {
		for (; scan_u32(s, &uid); scan_spaces(s))
			if (uid > 0)
				uidset_add(out, uid);
		return;
	}
	if (strcmp(name, "ESEARCH") != 0)
		return;
	if (scan_peek(s, '('))			/* the tag */
		scan_skip(s);
	for (scan_spaces(s); scan_word(s, word, sizeof word); scan_spaces(s)) {
		if (strcmp(word, "UID") == 0)
			continue;
		scan_spaces(s);
		if (strcmp(word, "ALL") != 0 || !scan_set(s, &p, &n)) {
			scan_skip(s);
			continue;
		}
		char *text = xstrndup(p, n);
		if (uidset_parse(&some, text))
			for (size_t i = 0; i < some.n; i++)
				uidset_add_range(out, some.ranges[i].lo, some.ranges[i].hi);
		uidset_clear(&some);
		free(text);
	}
}

enum err
imap_search(struct imap *im, const struct imap_cmd *criteria, struct uidset *out,
	struct error *e)
{
	struct imap_handler h = { .ctx = out, .other = on_search };
	struct imap_cmd c;
	enum err rc;

	imap_cmd_init(&c, "UID SEARCH %s", im->ext & X_ESEARCH ? "RETURN (ALL) " : "");
	str_add(&c.text, str_get(&criteria->text), criteria->text.len);
	c.bad = criteria->bad;
	size_t shift = c.text.len - criteria->text.len;
	for (c.n_sync = 0; c.n_sync < criteria->n_sync; c.n_sync++)
		c.sync[c.n_sync] = criteria->sync[c.n_sync] + shift;
	rc = imap_run(im, &c, 1, &h, IMAP_MAX_BULK, e);
	if (rc == ERR_OK)
		rc = imap_verdict(&c, ERR_FOLDER, e);
	imap_cmd_clear(&c);
	return rc;
}

static bool
is_ascii(const char *s)
{
	while (*s > 0)
		s++;
	return *s == '\0';
}

enum err
imap_search_text(struct backend *b, const struct uidset *uids, const char *words,
	struct uidset *out, struct error *e)
{
	struct imap *im = imap_of(b);
	struct imap_cmd c;
	enum err rc;

	if (uids->n == 0)
		return ERR_OK;
	if ((rc = imap_need_folder(im, e)) != ERR_OK)
		return rc;
	imap_cmd_init(&c, "%sUID %u:%u BODY ", is_ascii(words) ? "" : "CHARSET UTF-8 ",
		uidset_min(uids), uidset_max(uids));
	imap_cmd_string(im, &c, words);
	rc = imap_search(im, &c, out, e);
	imap_cmd_clear(&c);
	return rc;
}
