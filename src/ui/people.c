/* people.c - see people.h. */
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "note.h"
#include "people.h"

/* ---- short names ---- */

static const char *
alias_of(const struct rc *rc, const char *name)
{
	for (size_t i = 0; i < rc->n_aliases; i++) {
		if (str_ieq(rc->aliases[i].name, name))
			return rc->aliases[i].value;
	}
	return NULL;
}

char *
people_expand(struct ui *ui, const char *list)
{
	struct str out = { 0 };
	size_t n;

	for (const char *one; (one = note_next_address(&list, &n)) != NULL; ) {
		char *name = xstrndup(one, n);
		const char *value = alias_of(ui_rc(ui), name);
		str_printf(&out, "%s%s", out.len ? ", " : "", value ? value : name);
		free(name);
	}
	return str_take(&out);
}

/* ---- completion ---- */

/* The address behind the last comma: names and aliases of the rc. */
void
ui_complete_addresses(struct ui *ui, const char *text, struct completion *out)
{
	const char *comma = strrchr(text, ',');

	out->from = comma ? (size_t)(comma + 1 - text) : 0;
	out->from += strspn(text + out->from, " ");
	for (size_t i = 0; text[out->from] && i < ui->rc->n_aliases; i++) {
		const struct rc_pair *a = &ui->rc->aliases[i];
		if (str_istarts(a->name, text + out->from))
			completion_add(out, a->value, a->name, true);
		else
			completion_offer(out, text, a->value, a->name);
	}
}
