/* seal_lines.c - what is said of signatures and encryption beside the text.
 *
 * Everything here is a line of ours, with the mark that no line of a mail begins with, and
 * says where what it speaks of begins and ends. Names come from keys that anybody can make:
 * they are said to be the sender's only where the key has the address of From. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "internal.h"
#include "seal.h"

enum { MAX_INSIDE = 200 };

static const char *
scheme_name(const struct seal *s)
{
	return s->scheme == SCHEME_SMIME ? "S/MIME" : "OpenPGP";
}

static void
say(struct seal_walk *w, const char *text)
{
	lines_add(w->out, SPAN_NOTICE, text, w->columns);
}

/* ---- a signature ---- */

/* In groups of four, as people compare them. */
static void
put_fingerprint(struct str *out, const char *fpr)
{
	for (size_t i = 0; fpr[i]; i++)
		str_printf(out, "%s%c", i > 0 && i % 4 == 0 ? " " : "", fpr[i]);
}

static void
put_key(struct str *out, const struct seal *s, const struct signature *sig)
{
	char date[40];
	time_t t = (time_t)sig->made;
	struct tm tm;

	str_printf(out, " (%s", scheme_name(s));
	if (sig->made && localtime_r(&t, &tm) && strftime(date, sizeof date, "%F %R", &tm))
		str_printf(out, ", made %s", date);
	if (*sig->fingerprint) {
		str_puts(out, s->scheme == SCHEME_SMIME ? ", certificate " : ", key ");
		put_fingerprint(out, sig->fingerprint);
	}
	str_puts(out, ")");
}

static void
put_good(struct str *out, const struct seal *s, const struct signature *sig,
	const char *sender)
{
	const char *mail = s->is_embedded ? "the message in this message" : "the mail";

	if (!sig->is_sender) {
		str_printf(out, "NOT OF THE SENDER: this is the good signature of %s, and %s "
			"says it is from %s", *sig->who ? sig->who : "somebody", mail,
			*sender ? sender : "more than one, or nobody");
	} else if (sig->trust == TRUST_FULL || sig->trust == TRUST_MARGINAL) {
		str_printf(out, "Good signature of the sender%s%s, %s%s",
			s->is_embedded ? " of " : "", s->is_embedded ? mail : "", sig->who,
			sig->trust == TRUST_MARGINAL ? " (vouched for by a few only)" : "");
	} else if (sig->trust == TRUST_NEVER) {
		str_printf(out, "DISTRUSTED KEY: the signature fits it, and you said not to "
			"trust that it is of %s", sig->who);
	} else {
		str_printf(out, "The signature fits a key that calls itself %s; nobody you "
			"trust vouches for that: compare the fingerprint", sig->who);
	}
	put_key(out, s, sig);
}

static void
put_signature(struct str *out, const struct seal *s, const struct signature *sig,
	const char *sender)
{
	const char *who = *sig->who ? sig->who : "somebody";

	switch (sig->state) {
	case SIG_GOOD: put_good(out, s, sig, sender); return;
	case SIG_BAD:
		str_printf(out, "BAD SIGNATURE: what stands here is not what %s signed", who);
		break;
	case SIG_NO_KEY:
		str_puts(out, "Signed, and not checked: the key is not here. None is fetched");
		break;
	case SIG_EXPIRED:
		str_printf(out, "EXPIRED SIGNATURE of %s", who);
		break;
	case SIG_KEY_EXPIRED:
		str_printf(out, "Signature of %s with a key that is EXPIRED", who);
		break;
	case SIG_KEY_REVOKED:
		str_printf(out, "Signature of %s with a key that is REVOKED", who);
		break;
	case SIG_UNCHECKED:
		str_printf(out, "Signed, and not checked: %s", *sig->why ? sig->why
			: "what gpg said of it makes no sense");
		break;
	}
	put_key(out, s, sig);
	if (sig->state != SIG_NO_KEY && sig->state != SIG_UNCHECKED && !sig->is_sender)
		str_puts(out, ", and not of the sender");
}

static void
say_signatures(struct seal_walk *w, const struct seal *s)
{
	struct str text = { 0 };

	for (size_t i = 0; i < s->n_sigs; i++) {
		str_cut(&text, 0);
		put_signature(&text, s, &s->sigs[i], s->sender ? s->sender : "");
		say(w, str_get(&text));
	}
	str_clear(&text);
}

/* ---- what is not open ---- */

static void
say_closed(struct seal_walk *w, const struct seal *s)
{
	static const char *const says[] = {
		[SEAL_CLOSED] = "",
		[SEAL_LOCKED] = "its passphrase is needed",
		[SEAL_NEEDS_TERMINAL] = "its passphrase is asked for on a terminal",
		[SEAL_NO_KEY] = "to somebody else: none of your keys opens it",
		[SEAL_NO_PROGRAM] = "",
		[SEAL_UNSAFE] = "not shown: it is not protected against changes on its way, "
			"or was changed", [SEAL_FAILED] = "", [SEAL_OPEN] = "",
	};
	struct str text = { 0 };

	str_printf(&text, "%s (%s)", s->kind == SEAL_ENCRYPTED ? "Encrypted" : "Signed",
		scheme_name(s));
	if (s->state == SEAL_CLOSED)
		str_puts(&text, s->kind == SEAL_ENCRYPTED ? ": not opened yet"
			: ": not checked yet");
	if (*says[s->state])
		str_printf(&text, ": %s", says[s->state]);
	if (s->why)
		str_printf(&text, ": %s", s->why);
	if (w->advice && (s->state == SEAL_LOCKED || s->state == SEAL_NEEDS_TERMINAL ||
	    s->state == SEAL_CLOSED))
		str_printf(&text, "; %s %s it", w->advice, s->kind == SEAL_ENCRYPTED ? "opens"
			: "checks");
	say(w, str_get(&text));
	str_clear(&text);
}

/* ---- what was inside ---- */

/* Subject and the like, which a mailer hid in there (RFC 9788): shown, and not put in the
 * place of what stands outside. */
static void
show_hidden_header(struct seal_walk *w, const struct opened *inside)
{
	struct arena a = { 0 };
	const struct header *h;
	struct str raw = { 0 }, line = { 0 };

	mime_part_header(inside->m, "", &raw);
	size_t n = mime_headers(&a, &h, str_get(&raw), raw.len);
	const char *subject = mime_header_value(h, n, "subject");
	if (subject) {
		str_printf(&line, "Subject: %s", subject);
		say(w, str_get(&line));
	}
	str_wipe(&raw);
	str_wipe(&line);
	arena_wipe(&a);
}

void
seal_note_inline(struct lines *out, const char *text, size_t n, int columns)
{
	static const char *const begins[] = { "-----BEGIN PGP MESSAGE-----",
		"-----BEGIN PGP SIGNED MESSAGE-----" };

	for (size_t i = 0; i < LEN(begins); i++) {
		const char *at = memmem(text, n, begins[i], strlen(begins[i]));
		if (!at || (at > text && at[-1] != '\n'))
			continue;
		lines_add(out, SPAN_NOTICE, "OpenPGP inside of this text, without MIME, is "
			"not looked at: it was neither checked nor decrypted", columns);
		return;
	}
}

static void
show_text(struct lines *out, const struct opened *o, const struct part *p, int columns)
{
	struct str bytes = { 0 }, text = { 0 };

	mime_part_bytes_at(o->m, p->index, &bytes, SEAL_MAX_BYTES);
	mime_to_utf8(&text, p, str_get(&bytes), bytes.len);
	seal_note_inline(out, str_get(&text), text.len, columns);
	mime_render(out, p, str_get(&text), text.len, columns);
	str_wipe(&bytes);
	str_wipe(&text);
}

static void
list_attachments(struct seal_walk *w, const struct opened *o)
{
	struct str line = { 0 };

	for (const struct part *p = mime_root(o->m); p; p = part_next(p)) {
		if (!part_is_attachment(p))
			continue;
		str_cut(&line, 0);
		str_printf(&line, "attached inside: %s (%s)", *p->filename ? p->filename
			: "without a name", p->type);
		lines_add(w->out, SPAN_ATTACHMENT, str_get(&line), w->columns);
	}
	str_wipe(&line);
}

static void
show_inside(struct seal_walk *w, const struct opened *inside)
{
	const struct part *parts[MAX_INSIDE];
	const struct part *root = mime_root(inside->m);
	size_t n = part_readable(root, w->prefer_html, parts, MAX_INSIDE);
	struct seal_walk deeper;

	seal_walk_init(&deeper, w->out, root, inside, w->columns);
	deeper.advice = w->advice;
	deeper.prefer_html = w->prefer_html;
	show_hidden_header(w, inside);
	list_attachments(w, inside);
	for (size_t i = 0; i < n; i++) {
		seal_before(&deeper, parts[i]);
		lines_blank(w->out, 0, "");
		show_text(w->out, inside, parts[i], w->columns);
	}
	seal_before(&deeper, NULL);
	if (n == 0 && deeper.n == 0)
		say(w, "no text to read in there");
	if (mime_warning(inside->m))
		say(w, mime_warning(inside->m));
}

static void
say_opened(struct seal_walk *w, const struct seal *s)
{
	char text[160];

	if (s->kind == SEAL_ENCRYPTED) {
		snprintf(text, sizeof text, "Decrypted from here on (%s)%s%s", scheme_name(s),
			s->scheme == SCHEME_SMIME
			? ", which does not protect it against changes" : "",
			s->n_sigs > 0 ? "; signed inside:" : "");
		say(w, text);
	}
	say_signatures(w, s);
	if (s->inside)
		show_inside(w, s->inside);
	say(w, s->kind == SEAL_ENCRYPTED ? "End of what was encrypted"
		: "End of what was signed");
}

/* ---- along the text ---- */

static void
say_seal(struct seal_walk *w, const struct seal *s)
{
	if (s->kind != SEAL_SIGNED && (s->inside || s->state == SEAL_OPEN))
		say_opened(w, s);
	else if (s->state == SEAL_OPEN)
		say_signatures(w, s);
	else if (!w->o && w->advice)
		say_closed(w, s);
	else if (!w->o && s->kind == SEAL_SIGNED)
		say(w, "a part of this message is signed; the signature is not checked");
	else if (!w->o)
		say(w, "this message is encrypted or wrapped (OpenPGP, S/MIME): it is not "
			"opened here");
	else
		say_closed(w, s);
}

static bool
is_in(const struct seal *s, const struct part *p)
{
	return p->index >= s->part && p->index < s->end;
}

bool
seal_before(struct seal_walk *w, const struct part *p)
{
	size_t before = w->out->n;

	while (w->n_around > 0 && p && !is_in(w->around[w->n_around - 1], p)) {
		w->n_around--;
		say(w, "End of what was signed; what follows is not");
	}
	while (w->next < w->n && (!p || w->v[w->next].part <= p->index)) {
		const struct seal *s = &w->v[w->next++];
		say_seal(w, s);
		if (s->kind == SEAL_SIGNED && s->state == SEAL_OPEN && p && is_in(s, p))
			w->around[w->n_around++] = s;
	}
	if (!p && w->o && w->o->is_more)
		say(w, "more signed or encrypted parts are not looked at");
	return w->out->n > before;
}

void
seal_walk_init(struct seal_walk *w, struct lines *out, const struct part *root,
	const struct opened *o, int columns)
{
	bool is_more;

	*w = (struct seal_walk){ .out = out, .o = o, .root = root, .columns = columns };
	if (o) {
		w->v = o->v;
		w->n = o->n;
	} else {
		w->n = seal_find(w->found, root, &is_more);
		w->v = w->found;
	}
}
