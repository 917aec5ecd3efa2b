/* import_muttrc.c - reads a muttrc by the rules of mutt's manual, and never runs anything.
 *
 * Settings are kept as they are at the end of the file, and beside them what each hook would
 * set. All is bounded: files, bytes, how deep they read each other. */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "err.h"
#include "import_mutt.h"
#include "path.h"

enum { MAX_LINE = 64 << 10, MAX_BYTES = 4 << 20, MAX_NAMES = 500 };

/* ---- variables ---- */

const char *
mutt_var_name(struct import *im, const char *name)
{
	struct str s = {0};

	if (str_istarts(name, "my_"))
		return arena_strdup(&im->arena, name);
	for (; *name; name++) {
		if (*name != '_')
			str_putc(&s, (char)tolower((unsigned char)*name));
	}
	const char *out = arena_strdup(&im->arena, str_get(&s));
	str_clear(&s);
	return out;
}

static struct mutt_var *
find(const struct mutt_vars *vars, const char *name)
{
	for (size_t i = 0; i < vars->n; i++) {
		if (str_eq(vars->v[i].name, name))
			return &vars->v[i];
	}
	return NULL;
}

const struct mutt_var *
mutt_var(const struct mutt_vars *vars, const char *name)
{
	const struct mutt_var *v = find(vars, name);

	return v && !v->is_unset ? v : NULL;
}

void
mutt_vars_set(struct import *im, struct mutt_vars *vars, const struct mutt_var *v)
{
	struct mutt_var *was = find(vars, v->name);

	if (was) {
		/* of two lines the later counts, there as here */
		import_taken(im, was->item);
		*was = *v;
		return;
	}
	if (vars->n == MAX_NAMES)
		return;
	vars->v = array_grow(vars->v, vars->n, &vars->cap, sizeof *vars->v);
	vars->v[vars->n++] = *v;
}

void
mutt_list_add(struct mutt_list *l, const char *name, const char *value, size_t item)
{
	l->v = array_grow(l->v, l->n, &l->cap, sizeof *l->v);
	l->v[l->n++] = (struct mutt_pair){ name, value, item };
}

struct expansion {
	struct mutt *m;
	const char *unknown;
};

/* As mutt does: the environment, then the settings. */
static const char *
value_of(void *ctx, const char *name, const char **command, bool *is_command)
{
	struct expansion *x = ctx;
	const char *ours = mutt_var_name(x->m->im, name), *env = getenv(name);
	const struct mutt_var *v = find(&x->m->env, name);

	if (v || env)
		return v ? v->value : env;
	v = find(x->m->into, ours);
	if (!v)
		v = find(&x->m->vars, ours);
	if (!v) {
		x->unknown = x->unknown ? x->unknown : arena_strdup(&x->m->im->arena, name);
		return NULL;
	}
	import_taken(x->m->im, str_istarts(name, "my_") ? v->item : IMPORT_NO_ITEM);
	if (v->unknown && !x->unknown)
		x->unknown = v->unknown;
	*command = v->command;
	*is_command = v->is_command;
	return v->value;
}

void
mutt_take_word(struct mutt *m, struct mutt_text *t, unsigned flags, struct mutt_var *v)
{
	struct expansion x = { .m = m };
	struct mutt_names names = { value_of, &x };
	struct mutt_word w;

	mutt_word(&w, t, flags, &names);
	v->value = arena_strdup(&m->im->arena, str_get(&w.text));
	v->command = arena_strdup(&m->im->arena, w.command);
	v->is_command = w.is_command;
	v->unknown = x.unknown;
	mutt_word_clear(&w);
}

/* ---- files ---- */

const char *
mutt_path(struct mutt *m, const char *path)
{
	char *expanded = path_expand(path);
	const char *out, *slash = strrchr(m->file, '/');

	if (*expanded == '/' || !slash)
		out = arena_strdup(&m->im->arena, expanded);
	else
		out = arena_printf(&m->im->arena, "%.*s/%s", (int)(slash - m->file), m->file,
			expanded);
	free(expanded);
	return out;
}

static bool read_file(struct mutt *m, const char *path, struct error *e);

void
mutt_source(struct mutt *m, const char *name, size_t item)
{
	struct error e = {0};
	const char *path = mutt_path(m, name);
	struct stat st;

	if (m->depth == (int)LEN(m->stack)) {
		import_not(m->im, item, "files read each other too deep");
		return;
	}
	for (int i = 0; i < m->depth; i++) {
		if (str_eq(m->stack[i], path)) {
			import_not(m->im, item, "the file reads itself");
			return;
		}
	}
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		import_not(m->im, item, "'%s' is no file", path);
	else if (read_file(m, path, &e))
		import_taken(m->im, item);
	else
		import_not(m->im, item, "%s", e.text);
}

static void
read_text(struct mutt *m, const char *name, const char *text)
{
	const char *p = text, *file = m->file;
	int line = m->line, n_lines = 0, at = 1;
	struct str s = {0};

	m->n_bytes += strlen(text);
	m->stack[m->depth++] = m->file = arena_strdup(&m->im->arena, name);
	while (m->n_bytes <= MAX_BYTES && !m->is_done &&
	    mutt_line(&s, &p, &n_lines, MAX_LINE)) {
		m->line = at;
		at += n_lines;
		mutt_commands(m, str_get(&s));
	}
	m->is_done = false;
	m->depth--;
	m->file = file;
	m->line = line;
	str_clear(&s);
	if (m->n_bytes > MAX_BYTES)
		import_tell(m->im, "the files are larger than %d bytes together: the rest was "
			"not looked at", MAX_BYTES);
}

static bool
read_file(struct mutt *m, const char *path, struct error *e)
{
	char *text = import_read(path, e);

	if (text)
		read_text(m, path, text);
	bool is_read = text != NULL;
	free(text);
	return is_read;
}

static void
run_hook(struct mutt *m, struct mutt_hook *h)
{
	struct mutt_vars vars = {0};

	m->into = &vars;
	m->file = h->file;
	m->line = h->line;
	m->depth = 0;
	m->is_done = false;
	mutt_commands(m, h->commands);
	h->vars = vars;
	m->into = &m->vars;
}

static void
clear(struct mutt *m)
{
	for (size_t i = 0; i < m->n_hooks; i++)
		free(m->hooks[i].vars.v);
	free(m->hooks);
	free(m->vars.v);
	free(m->env.v);
	free(m->aliases.v);
	free(m->alternates.v);
	free(m->mailboxes.v);
	free(m->nots.v);
}

void
import_muttrc_text(struct import *im, const char *name, const char *text)
{
	struct mutt m = { .im = im, .file = "" };

	m.into = &m.vars;
	read_text(&m, name, text);
	for (size_t i = 0; i < m.n_hooks; i++)
		run_hook(&m, &m.hooks[i]);
	mutt_accounts(&m);
	mutt_identities(&m);
	mutt_settings(&m);
	mutt_keys_finish(&m);
	mutt_aliases(&m);
	clear(&m);
}

bool
import_muttrc(struct import *im, const char *path, struct error *e)
{
	return import_file(im, path, import_muttrc_text, e);
}
