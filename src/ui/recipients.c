/* recipients.c - see recipients.h.
 *
 * Candidates come best first: short names, people written to, people heard from
 * (people.h), and what a command of the person's finds (lookup.h). Names are of somebody
 * else's making: each candidate is written by mime_write_address, so that it reads back as
 * the one address it shows. */
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "identity.h"
#include "lookup.h"
#include "mime.h"
#include "note.h"
#include "people.h"
#include "recipients.h"
#include "utf8.h"

enum { MAX_PEOPLE = 50 };

/* ---- short names: the mailrc's, then those given with A ---- */

struct names {
	struct short_name *v;
	size_t n;
	struct arena arena;
};

static void
read_names(struct names *x, struct ui *ui)
{
	const struct rc *rc = ui_rc(ui);
	struct short_name *given;
	size_t n = people_short_names(ui_store(ui), &x->arena, &given);

	x->v = xcalloc(rc->n_aliases + n + 1, sizeof *x->v);
	for (size_t i = 0; i < rc->n_aliases; i++)
		x->v[x->n++] = (struct short_name){ rc->aliases[i].name,
			rc->aliases[i].value };
	for (size_t i = 0; i < n; i++)
		x->v[x->n++] = given[i];
}

static void
clear_names(struct names *x)
{
	free(x->v);
	arena_clear(&x->arena);
}

static const char *
value_of(const struct names *x, const char *name)
{
	for (size_t i = 0; i < x->n; i++) {
		if (str_ieq(x->v[i].name, name))
			return x->v[i].value;
	}
	return NULL;
}

char *
recipients_expand(struct ui *ui, const char *list)
{
	struct str out = { 0 };
	struct names names = { 0 };
	size_t n;

	read_names(&names, ui);
	for (const char *one; (one = note_next_address(&list, &n)) != NULL; ) {
		char *name = xstrndup(one, n);
		const char *value = value_of(&names, name);
		str_printf(&out, "%s%s", out.len ? ", " : "", value ? value : name);
		free(name);
	}
	clear_names(&names);
	return str_take(&out);
}

/* ---- completion ---- */

/* Where the last address of a list that is being typed begins. */
static size_t
last_address(const char *text)
{
	const char *rest = text, *last = text;
	size_t n;

	for (const char *one; (one = note_next_address(&rest, &n)) != NULL; )
		last = rest > text && rest[-1] == ',' ? rest : one;
	last += strspn(last, " ");
	return (size_t)(last - text);
}

static bool
is_offered(const struct completion *c, struct arena *a, const char *addr)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct address *v;
		size_t n = mime_addresses(a, &v, c->v[i].word);
		if (n == 1 && str_ieq(v[0].addr, addr))
			return true;
	}
	return false;
}

static void
offer(struct completion *out, struct arena *a, const char *name, const char *addr,
	const char *remark)
{
	const char *word = is_offered(out, a, addr) ? NULL : mime_write_address(a, name, addr);

	if (!word && !is_offered(out, a, addr))
		word = mime_write_address(a, "", addr);	/* a name that cannot be written */
	if (word)
		completion_add(out, word, remark && *remark ? remark : NULL, true);
}

static void
offer_names(struct ui *ui, const char *typed, struct completion *out)
{
	struct names names = { 0 };
	struct str words = { 0 }, have = { 0 };

	read_names(&names, ui);
	text_words(&words, typed, SIZE_MAX);
	for (size_t i = 0; i < names.n; i++) {
		str_cut(&have, 0);
		text_words(&have, names.v[i].value, SIZE_MAX);
		if (str_istarts(names.v[i].name, typed))
			completion_add(out, names.v[i].value, names.v[i].name, true);
		else if (words.len > 0 && text_words_fit(str_get(&have), str_get(&words)))
			completion_add(out, names.v[i].value, names.v[i].name, false);
	}
	str_clear(&have);
	str_clear(&words);
	clear_names(&names);
	out->n_prefix = out->n;
}

void
ui_complete_addresses(struct ui *ui, const char *text, struct completion *out)
{
	struct arena a = { 0 };
	struct person *people;
	const struct looked_up *found;

	out->from = last_address(text);
	out->is_ranked = true;
	const char *typed = text + out->from;
	if (!*typed)
		return;
	offer_names(ui, typed, out);
	size_t n = people_find(ui_store(ui), typed, ui_now(ui), MAX_PEOPLE, &a, &people);
	for (size_t i = 0; i < n; i++)
		offer(out, &a, people[i].name, people[i].addr, NULL);
	n = lookup_get(ui, typed, &found);
	for (size_t i = 0; i < n; i++)
		offer(out, &a, found[i].name, found[i].addr, found[i].remark);
	arena_clear(&a);
}

void
recipients_complete_names(struct ui *ui, const char *text, struct completion *out)
{
	struct arena a = { 0 };
	struct short_name *v;
	size_t n = people_short_names(ui_store(ui), &a, &v);

	for (size_t i = 0; i < n; i++)
		completion_offer(out, text, v[i].name, v[i].value);
	arena_clear(&a);
}

/* ---- giving a short name ---- */

static void
keep_name(struct ui *ui, const char *name)
{
	struct error e;

	if (engine_short_name(ui_engine(ui), name, ui->naming.value, &e) == ERR_OK)
		ui_status(ui, "%s is %s", name, ui->naming.value);
	else
		ui_error(ui, &e);
}

static void
yes_replace(void *ctx)
{
	struct ui *ui = ctx;

	keep_name(ui, ui->naming.name);
}

static void
name_typed(void *ctx, const char *text)
{
	struct ui *ui = ctx;
	struct names names = { 0 };

	if (!text || !*text)
		return;
	read_names(&names, ui);
	const char *old = value_of(&names, text);
	for (size_t i = 0; i < ui_rc(ui)->n_aliases && old; i++) {
		if (str_ieq(ui_rc(ui)->aliases[i].name, text)) {
			ui_status(ui, "'%s' stands in the mailrc already: %s", text, old);
			goto out;
		}
	}
	if (!old || str_eq(old, ui->naming.value)) {
		keep_name(ui, text);
		goto out;
	}
	free(ui->naming.name);
	ui->naming.name = xstrdup(text);
	char *question = xasprintf("%s is %s. Change it?", text, old);
	ui_confirm(ui, NULL, question, yes_replace, ui);
	free(question);
out:
	clear_names(&names);
}

/* The sender; of our own mail the first it went to. NULL: nobody one could write to. */
static const char *
whom(struct ui *ui, msg_id id, struct arena *a)
{
	const struct address *v;
	struct msg m;

	if (!store_msg(ui_store(ui), id, a, &m))
		return NULL;
	const char *from = mime_write_address(a, m.from_name, m.from_addr);
	if (from && !identity_account(ui, from))
		return from;
	return mime_addresses(a, &v, m.to) > 0 ? mime_write_address(a, v[0].name, v[0].addr)
		: from;
}

/* The first word of the name. */
static char *
proposal(const char *address)
{
	struct str s = { 0 };

	text_words(&s, address, 1);
	char *word = xstrdup(s.len ? str_get(&s) + 1 : "");
	str_clear(&s);
	return word;
}

void
recipients_name(struct ui *ui, struct view *owner, msg_id id)
{
	struct arena a = { 0 };
	const char *value = whom(ui, id, &a);

	if (!value) {
		ui_status(ui, "this message names nobody one could write to");
	} else {
		char *label = xasprintf(" Short name for %s: ", value),
			*initial = proposal(value);
		free(ui->naming.value);
		ui->naming.value = xstrdup(value);
		ui_prompt(ui, owner, &(struct prompt_spec){ .kind = PROMPT_TEXT,
			.label = label, .initial = initial, .done = name_typed, .ctx = ui });
		free(initial);
		free(label);
	}
	arena_clear(&a);
}

void
recipients_unname(struct ui *ui, const char *name)
{
	struct error e;

	if (engine_short_name(ui_engine(ui), name, NULL, &e) == ERR_OK)
		ui_status(ui, "%s is forgotten", name);
	else
		ui_error(ui, &e);
}
