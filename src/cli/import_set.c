/* import_set.c - set, unset, reset and toggle of a muttrc: several variables in one command,
 * each an item.
 *
 *	set name  set noname  set invname  set &name  set ?name  set name?
 *	set name=value  set name = value  set name += value  set name -= value */
#include <ctype.h>
#include <string.h>

#include "import_mutt.h"

enum how { HOW_SET, HOW_UNSET, HOW_RESET, HOW_TOGGLE, HOW_ASK };
enum { MAX_NAME = 80, MAX_VALUE = 16 << 10 };

/* What stands before the name, and the name. NULL: there is none. */
static const char *
take_name(struct mutt *m, struct mutt_text *t, enum how *how)
{
	char name[MAX_NAME];
	size_t n = 0;

	if (*t->p == '?' || *t->p == '&')
		*how = *t->p++ == '?' ? HOW_ASK : HOW_RESET;
	while (isalnum((unsigned char)*t->p) || *t->p == '_') {
		if (n + 1 < sizeof name)
			name[n++] = *t->p;
		t->p++;
	}
	name[n] = '\0';
	const char *bare = name;
	if (str_starts(name, "inv") && n > 3) {
		*how = HOW_TOGGLE;
		bare = name + 3;
	} else if (str_starts(name, "no") && n > 2) {
		*how = HOW_UNSET;
		bare = name + 2;
	}
	return *bare ? arena_strdup(&m->im->arena, bare) : NULL;
}

/* Defaults of mutt's that a toggle or += would stand upon need not be known: they stay what
 * they are. */
static void
toggle(const struct mutt *m, struct mutt_var *v)
{
	const struct mutt_var *was = mutt_var(m->into, v->name);

	if (!was)
		was = mutt_var(&m->vars, v->name);
	v->value = was && str_eq(was->value, "yes") ? "no" : "yes";
}

static void
join(struct mutt *m, struct mutt_var *v)
{
	const struct mutt_var *was = mutt_var(m->into, v->name);

	if (!was && m->into != &m->vars)
		was = mutt_var(&m->vars, v->name);
	if (!was || strlen(was->value) + strlen(v->value) > MAX_VALUE)
		return;
	v->value = arena_printf(&m->im->arena, "%s%s", was->value, v->value);
	if (!v->command) {
		v->command = was->command;
		v->is_command = false;
	}
}

static void
take_value(struct mutt *m, struct mutt_text *t, struct mutt_var *v)
{
	mutt_skip_space(t);
	bool is_more = (*t->p == '+' || *t->p == '-') && t->p[1] == '=';
	bool is_less = is_more && *t->p == '-';
	t->p += is_more;
	if (*t->p != '=') {
		v->value = "yes";
		return;
	}
	t->p++;
	mutt_take_word(m, t, 0, v);
	if (is_more && !is_less)
		join(m, v);
}

static void
assign(struct mutt *m, struct mutt_text *t, const char *label, enum how how)
{
	struct mutt_var v = { .name = mutt_var_name(m->im, label), .value = "no" };

	v.item = import_item(m->im, m->file, m->line, "%s %s", how == HOW_RESET ? "reset"
		: how == HOW_UNSET
		? "unset" : "set", label);
	if (how == HOW_SET)
		take_value(m, t, &v);
	else if (how == HOW_TOGGLE)
		toggle(m, &v);
	v.is_unset = how == HOW_RESET;
	if (how == HOW_RESET)
		import_taken(m->im, v.item);
	if (how != HOW_ASK)
		mutt_vars_set(m->im, m->into, &v);
	else
		import_taken(m->im, v.item);
}

void
mutt_set(struct mutt *m, struct mutt_text *t, const char *command)
{
	enum how usual = str_eq(command, "unset") ? HOW_UNSET
		: str_eq(command, "reset") ? HOW_RESET
		: str_eq(command, "toggle") ? HOW_TOGGLE : HOW_SET;

	while (!mutt_at_end(t)) {
		enum how how = usual;
		const char *label = take_name(m, t, &how), *at = t->p;
		if (*t->p == '?') {
			how = HOW_ASK;
			t->p++;
		}
		if (label)
			assign(m, t, label, how);
		mutt_skip_space(t);
		if (!label && t->p == at && !mutt_at_end(t))
			t->p++;			/* no name: whatever it is, go on behind it */
	}
}
