/* look.c - see look.h. The text comes from our own database, yet is read as if from anywhere:
 * a number too many is left out, a word unknown is passed over. */
#include <stdlib.h>
#include <string.h>

#include "look.h"

const char *const look_orders[] = { "date", "sender", "subject", "size", NULL };

const char look_order_help[] =
	"sort by date, sender, subject or size; with '-' before it reversed";

bool
look_parse_order(struct look *k, const char *text)
{
	bool reverse = *text == '-';

	for (size_t i = 0; text[reverse] && look_orders[i]; i++) {
		if (str_istarts(look_orders[i], text + reverse)) {
			k->order = (enum list_order)i;
			k->is_reverse = reverse;
			return true;
		}
	}
	return false;
}

void
look_default(struct look *k, const struct rc *rc)
{
	*k = (struct look){ .has_threads = rc->threads };
	if (rc->sort)
		look_parse_order(k, rc->sort);
}

static void
parse_folds(struct look *k, const char *text)
{
	char *end;

	for (k->n_folds = 0; *text && k->n_folds < LOOK_FOLDS_MAX;
	    text = *end ? end + 1 : end) {
		long long id = strtoll(text, &end, 10);
		if (end == text || (*end && *end != ','))
			return;
		if (id > 0)
			k->folds[k->n_folds++] = id;
	}
}

void
look_parse(struct look *k, const char *text)
{
	char *words = xstrdup(text), *save = NULL;

	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		char *value = strchr(w, '=');
		if (!value)
			continue;
		*value++ = '\0';
		if (str_eq(w, "sort"))
			look_parse_order(k, value);
		else if (str_eq(w, "threads"))
			k->has_threads = str_eq(value, "yes");
		else if (str_eq(w, "folded"))
			k->is_all_folded = str_eq(value, "all");
		else if (str_eq(w, "folds"))
			parse_folds(k, value);
	}
	free(words);
}

void
look_print(struct str *out, const struct look *k, const struct look *otherwise)
{
	size_t from = out->len;

	if (k->order != otherwise->order || k->is_reverse != otherwise->is_reverse)
		str_printf(out, " sort=%s%s", k->is_reverse ? "-" : "", look_orders[k->order]);
	if (k->has_threads != otherwise->has_threads)
		str_printf(out, " threads=%s", k->has_threads ? "yes" : "no");
	if (k->is_all_folded)
		str_puts(out, " folded=all");
	for (size_t i = 0; i < k->n_folds; i++)
		str_printf(out, "%s%lld", i ? "," : " folds=", (long long)k->folds[i]);
	if (out->len > from) {		/* without the first space */
		memmove(out->data + from, out->data + from + 1, out->len - from - 1);
		str_cut(out, out->len - 1);
	}
}
