/* sealing.c - see sealing.h.
 *
 * Keys come from the local keyrings alone, beside the keys of the screen, as gpg may take its
 * time. What a person is asked is decided here: a recipient without a key, or with one that
 * nobody vouches for. No is the answer to both unless she says yes. Bcc recipients are
 * encrypted to without being named (OpenPGP); S/MIME names all, and so takes none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "mime.h"
#include "opening.h"
#include "sealing.h"

enum { MAX_RECIPIENTS = 250 };

struct sealing {
	struct work work;
	enum seal_scheme scheme;
	struct gnupg_key *keys;		/* ours, To and Cc, Bcc */
	size_t n, n_open;		/* the first n_open are named in the message */
};

/* ---- what the draft says ---- */

static const struct rc_account *
account_of(struct compose *x)
{
	account_id id = sending_account(x);

	return id ? engine_rc_account(ui_engine(x->view.ui), id) : NULL;
}

static bool
is_smime(struct compose *x)
{
	const struct rc_account *rc = account_of(x);

	return rc && str_eq(rc->crypto, "smime");
}

void
sealing_defaults(struct compose *x)
{
	const struct rc_account *rc = account_of(x);

	if (rc && rc->sign)
		x->note.seal |= NOTE_SIGN;
	if (rc && str_eq(rc->encrypt, "always"))
		x->note.seal |= NOTE_ENCRYPT;
	if (rc && str_eq(rc->encrypt, "when-possible"))
		x->note.seal |= NOTE_TRY;
}

void
sealing_toggle(struct compose *x, enum command_id what)
{
	unsigned *seal = &x->note.seal;
	bool was_private = note_is_private(&x->note);

	if (what == CMD_SIGN)
		*seal ^= NOTE_SIGN;
	else if (*seal & (NOTE_ENCRYPT | NOTE_TRY))
		*seal &= ~(unsigned)(NOTE_ENCRYPT | NOTE_TRY);
	else
		*seal |= NOTE_ENCRYPT;
	compose_changed(x);
	if (was_private && !note_is_private(&x->note) && x->note.account)
		engine_draft_keep(ui_engine(x->view.ui), x->note.name, NULL);
}

void
sealing_describe(struct compose *x, struct str *out)
{
	unsigned seal = x->note.seal;

	if (seal & NOTE_SIGN)
		str_puts(out, "signed");
	if (seal & NOTE_ENCRYPT)
		str_printf(out, "%sencrypted", out->len ? " and " : "");
	else if (seal & NOTE_TRY)
		str_printf(out, "%sencrypted if all have keys", out->len ? ", " : "");
	if (out->len > 0)
		str_printf(out, " (%s)", is_smime(x) ? "S/MIME" : "OpenPGP");
	if ((seal & NOTE_SECRET) && !(seal & NOTE_ENCRYPT))
		str_printf(out, "%sIN CLEAR, and it quotes what came encrypted",
			out->len ? "; " : "");
}

/* ---- whose keys ---- */

static bool
is_known(const struct sealing *s, const char *address)
{
	for (size_t i = 0; i < s->n; i++) {
		if (str_ieq(s->keys[i].address, address))
			return true;
	}
	return false;
}

static void
add_addresses(struct sealing *s, const char *list)
{
	struct arena a = { 0 };
	const struct address *v;
	size_t n = list ? mime_addresses(&a, &v, list) : 0;

	for (size_t i = 0; i < n && s->n < MAX_RECIPIENTS; i++) {
		if (*v[i].addr && !is_known(s, v[i].addr))
			s->keys[s->n++].address = xstrdup(v[i].addr);
	}
	arena_clear(&a);
}

static enum err
run(struct task *t, struct error *e)
{
	struct sealing *s = (struct sealing *)t;
	struct gnupg_how how = { .go_on = opening_go_on, .ctx = s };

	return gnupg_find_keys(s->keys, s->n, s->scheme, &how, e);
}

static void
sealing_free(struct sealing *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->keys[i].address);
		free(s->keys[i].fingerprint);
	}
	free(s->keys);
	free(s);
}

/* ---- what came of it ---- */

static void
add(char ***v, size_t *n, size_t *cap, const char *key)
{
	*v = array_grow(*v, *n, cap, sizeof **v);
	(*v)[(*n)++] = xstrdup(key);
}

/* The sender's own: what the mailrc names, else by address. Owned. */
static char *
own_key(struct compose *x)
{
	const struct rc_account *rc = account_of(x);
	struct arena a = { 0 };
	const struct address *v;
	char *key = rc && rc->key ? xstrdup(rc->key) : NULL;

	if (!key && mime_addresses(&a, &v, note_get(x->note.from)) > 0)
		key = xasprintf("<%s>", v[0].addr);
	arena_clear(&a);
	return key;
}

/* x->plan anew: signed as the draft says, encrypted to nobody yet. */
static void
begin_plan(struct compose *x)
{
	gnupg_plan_free(x->plan);
	x->plan = NULL;
	if (!(x->note.seal & (NOTE_SIGN | NOTE_ENCRYPT | NOTE_TRY)))
		return;
	x->plan = xcalloc(1, sizeof *x->plan);
	x->plan->scheme = is_smime(x) ? SCHEME_SMIME : SCHEME_OPENPGP;
	if (x->note.seal & NOTE_SIGN)
		x->plan->sign_key = own_key(x);
}

static void
fill_plan(struct gnupg_plan *p, const struct sealing *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (i < s->n_open)
			add(&p->keys, &p->n_keys, &p->cap_keys, s->keys[i].fingerprint);
		else
			add(&p->hidden, &p->n_hidden, &p->cap_hidden, s->keys[i].fingerprint);
	}
}

/* In clear: signed perhaps. */
static void
send_in_clear(void *ctx)
{
	struct compose *x = ctx;

	begin_plan(x);
	if (x->plan && !x->plan->sign_key) {
		gnupg_plan_free(x->plan);
		x->plan = NULL;
	}
	building_send(x);
}

static void
send_planned(void *ctx)
{
	building_send(ctx);
}

static void
ask_clear(struct compose *x, size_t n_missing, const char *who)
{
	char *question = xasprintf("No key of %s%s: send to all UNENCRYPTED%s?", who,
		n_missing > 1 ? " and others" : "", x->note.seal & NOTE_SECRET
		? ", though it quotes what came encrypted" : "");

	ui_confirm(x->view.ui, &x->view, question, send_in_clear, x);
	free(question);
}

static void
ask_unvouched(struct compose *x, const struct gnupg_key *key, size_t n)
{
	size_t len = strlen(key->fingerprint);
	char *question = xasprintf("Nobody vouches for the key ...%s of %s%s. Encrypt to it?",
		key->fingerprint + (len > 16 ? len - 16 : 0), key->address,
		n > 1 ? " (nor for others)" : "");

	ui_confirm(x->view.ui, &x->view, question, send_planned, x);
	free(question);
}

static void
judge(struct compose *x, const struct sealing *s)
{
	const struct gnupg_key *missing = NULL, *unvouched = NULL;
	size_t n_missing = 0, n_unvouched = 0;
	bool must = x->note.seal & NOTE_ENCRYPT;

	for (size_t i = s->n; i-- > 0;) {
		const struct gnupg_key *k = &s->keys[i];
		if (!k->fingerprint) {
			missing = k;
			n_missing++;
		} else if (!k->is_vouched) {
			unvouched = k;
			n_unvouched++;
		}
	}
	if (missing == s->keys && must) {
		ui_notice(x->view.ui, "not sent: there is no key of yours for %s, and you "
			"could not read it in Sent yourself; 'key' in the mailrc names one",
			missing->address);
	} else if (missing && must) {
		ask_clear(x, n_missing, missing->address);
	} else if (missing || (unvouched && !must)) {
		send_in_clear(x);
	} else {
		begin_plan(x);
		fill_plan(x->plan, s);
		if (unvouched)
			ask_unvouched(x, unvouched, n_unvouched);
		else
			building_send(x);
	}
}

static void
done(struct work *w, const struct error *e)
{
	struct sealing *s = (struct sealing *)w;
	struct compose *x = (struct compose *)w->owner;

	if (x) {
		x->n_works--;
		x->is_building = false;
	}
	if (x && e->code == ERR_OK)
		judge(x, s);
	else if (x)
		ui_status(w->ui, "not sent: %s", e->text);
	sealing_free(s);
}

/* ---- before ---- */

static bool
can_be_hidden(struct compose *x)
{
	if (!x->note.bcc || !is_smime(x) || !(x->note.seal & NOTE_ENCRYPT))
		return true;
	ui_notice(x->view.ui, "not sent: S/MIME names all who can read it, those in Bcc too");
	return false;
}

void
sealing_send(struct compose *x)
{
	if (!(x->note.seal & (NOTE_ENCRYPT | NOTE_TRY)) ||
	    (is_smime(x) && x->note.bcc && !(x->note.seal & NOTE_ENCRYPT))) {
		send_in_clear(x);
		return;
	}
	if (!can_be_hidden(x))
		return;
	struct sealing *s = xcalloc(1, sizeof *s);
	const struct rc_account *rc = account_of(x);
	s->work.task.run = run;
	s->work.task.waits_for_person = true;
	s->work.done = done;
	s->scheme = is_smime(x) ? SCHEME_SMIME : SCHEME_OPENPGP;
	s->keys = xcalloc(MAX_RECIPIENTS + 1, sizeof *s->keys);
	add_addresses(s, x->note.from);
	add_addresses(s, x->note.to);
	add_addresses(s, x->note.cc);
	s->n_open = s->n;
	add_addresses(s, x->note.bcc);
	if (rc && rc->key && s->n > 0) {
		s->keys[0].fingerprint = xstrdup(rc->key);
		s->keys[0].is_vouched = true;
	}
	x->n_works++;
	x->is_building = true;
	work_begin(x->view.ui, &x->view, &s->work, 0, "looking for keys");
}
