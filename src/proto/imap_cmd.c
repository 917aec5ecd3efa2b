/* imap_cmd.c - commands out, responses in.
 *
 * Commands may be sent several at once (RFC 9051 5.5); answers are found by their tag. What is
 * untagged goes to the session's own state first, then to the handler of the commands under
 * way. What nobody knows is skipped. A continuation, tag or framing that does not fit ends the
 * connection: it is never used again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "imap_int.h"

void
imap_cmd_printf(struct imap_cmd *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	str_vprintf(&c->text, fmt, ap);
	va_end(ap);
}

void
imap_cmd_init(struct imap_cmd *c, const char *fmt, ...)
{
	va_list ap;

	memset(c, 0, sizeof *c);
	va_start(ap, fmt);
	str_vprintf(&c->text, fmt, ap);
	va_end(ap);
}

void
imap_cmd_clear(struct imap_cmd *c)
{
	if (c->text.data)
		explicit_bzero(c->text.data, c->text.len);	/* it may hold a password */
	str_clear(&c->text);
	str_clear(&c->words);
	memset(c, 0, sizeof *c);
}

static void
announce(struct imap *im, struct imap_cmd *c, uint64_t n)
{
	bool is_private = im->net && net_is_private(im->net);
	/* What is large waits all the same: a full mailbox says NO before it is sent. */
	bool waits = !is_private || !(((im->ext & X_LITERAL_PLUS) && n <= IMAP_MAX_EAGER) ||
		((im->ext & X_LITERAL_MINUS) && n <= 4096));

	str_printf(&c->text, "{%llu%s}\r\n", (unsigned long long)n, waits ? "" : "+");
	if (waits && c->n_sync == IMAP_MAX_SYNC)
		c->bad = "too many literals";
	else if (waits)
		c->sync[c->n_sync++] = c->text.len;
}

void
imap_cmd_literal(struct imap *im, struct imap_cmd *c, const void *p, size_t n)
{
	announce(im, c, n);
	str_add(&c->text, p, n);
}

void
imap_cmd_tail(struct imap *im, struct imap_cmd *c, const struct byte_source *src)
{
	announce(im, c, src->size);
	c->tail = src;
}

void
imap_cmd_string(struct imap *im, struct imap_cmd *c, const char *s)
{
	size_t n = strlen(s);
	bool is_quotable = n < 1000;

	for (const char *p = s; *p; p++) {
		if (*p == '\r' || *p == '\n')
			c->bad = "a name with a line end in it is refused";
		if ((unsigned char)*p >= 0x80)
			is_quotable = false;
	}
	if (c->bad)
		return;
	if (!is_quotable) {
		imap_cmd_literal(im, c, s, n);
		return;
	}
	str_putc(&c->text, '"');
	for (const char *p = s; *p; p++) {
		if (*p == '"' || *p == '\\')
			str_putc(&c->text, '\\');
		str_putc(&c->text, *p);
	}
	str_putc(&c->text, '"');
}

/* ---- what the server says ---- */

static void
code_number32(struct scan *s, uint32_t *out)
{
	scan_spaces(s);
	scan_u32(s, out);
}

static void
keep_set(struct scan *s, struct str *out)
{
	const char *p;
	size_t n;

	scan_spaces(s);
	str_cut(out, 0);
	if (scan_set(s, &p, &n))
		str_add(out, p, n);
}

/* With SELECT, and at any time after it: access to the open mailbox
 * has changed (RFC 9051 7.1). */
static void
rights_changed(struct imap *im, bool is_readonly)
{
	if (!im->is_selecting && im->st.is_readonly != is_readonly)
		im->is_dirty = true;
	im->st.is_readonly = is_readonly;
}

/* A response code, s behind the '['. */
static void
on_code(struct imap *im, struct scan *s)
{
	char name[32];
	uint32_t ignored;
	bool has_star = false;

	if (!scan_word(s, name, sizeof name))
		return;
	if (strcmp(name, "CAPABILITY") == 0) {
		imap_capability(im, s);
	} else if (strcmp(name, "COPYUID") == 0) {
		code_number32(s, &ignored);
		keep_set(s, &im->copy_from);
		keep_set(s, &im->copy_to);
	} else if (strcmp(name, "APPENDUID") == 0) {
		code_number32(s, &ignored);
		code_number32(s, &im->append_uid);
	} else if (strcmp(name, "READ-ONLY") == 0 || strcmp(name, "READ-WRITE") == 0) {
		rights_changed(im, strcmp(name, "READ-ONLY") == 0);
	} else if (!im->is_selecting) {
		return;
	} else if (strcmp(name, "UIDVALIDITY") == 0) {
		code_number32(s, &im->st.uidvalidity);
	} else if (strcmp(name, "UIDNEXT") == 0) {
		code_number32(s, &im->st.uidnext);
	} else if (strcmp(name, "HIGHESTMODSEQ") == 0) {
		scan_spaces(s);
		im->is_modseq = scan_u64(s, &im->st.modseq) && im->st.modseq > 0;
	} else if (strcmp(name, "PERMANENTFLAGS") == 0) {
		scan_spaces(s);
		im->st.flags_allowed = imap_flags_parse(s, &has_star);
		if (has_star)
			im->st.flags_allowed |= MSG_FORWARDED | MSG_JUNK | MSG_NOTJUNK |
				MSG_MDNSENT;
	}
}

static void
on_text(struct imap *im, struct scan s)
{
	scan_spaces(&s);
	if (scan_char(&s, '['))
		on_code(im, &s);
}

static bool
are_own(const struct imap *im, const struct uidset *uids)
{
	struct uidset foreign = {0};

	if (!im->own)
		return false;
	uidset_minus(&foreign, uids, im->own);
	bool is_own = foreign.n == 0;
	uidset_clear(&foreign);
	return is_own;
}

static void
on_vanished(struct imap *im, struct scan *s)
{
	struct uidset uids = {0};
	struct str text = {0};
	bool is_earlier;

	scan_spaces(s);
	is_earlier = scan_char(s, '(');
	if (is_earlier)
		while (!scan_done(s) && !scan_char(s, ')'))
			s->p++;
	keep_set(s, &text);
	if (!im->is_qresync || !uidset_parse(&uids, str_get(&text)))
		goto out;			/* nobody asked for it */
	if (!is_earlier) {
		uint64_t n = uidset_count(&uids);
		im->st.n_msgs -= n < im->st.n_msgs ? (uint32_t)n : im->st.n_msgs;
		if (!are_own(im, &uids))
			im->is_dirty = true;
	}
	if (im->handler && im->handler->vanished)
		im->handler->vanished(im->handler->ctx, im, &uids);
out:
	uidset_clear(&uids);
	str_clear(&text);
}

static void
on_fetch(struct imap *im, uint32_t seq, struct scan *s)
{
	struct imap_fetch f;

	scan_spaces(s);
	imap_fetch_parse(s, &f);
	f.seq = seq;
	if (f.uid > im->max_uid)
		im->max_uid = f.uid;
	if (im->handler && im->handler->fetch)
		im->handler->fetch(im->handler->ctx, im, &f);
	else if (f.has_flags && !(im->own && uidset_has(im->own, f.uid)))
		im->is_dirty = true;
	if (++im->n_responses % 64 == 0)	/* it goes on: the deadline is for silence */
		net_command(im->net, im->cfg.net.io_ms, im->max_bytes);
}

static void
on_numbered(struct imap *im, uint32_t number, struct scan *s)
{
	char name[32];

	scan_spaces(s);
	if (!scan_word(s, name, sizeof name))
		return;
	if (strcmp(name, "FETCH") == 0) {
		on_fetch(im, number, s);
	} else if (strcmp(name, "EXISTS") == 0) {
		if (number != im->st.n_msgs && !im->is_selecting)
			im->is_dirty = true;
		im->st.n_msgs = number;
	} else if (strcmp(name, "EXPUNGE") == 0) {
		if (im->st.n_msgs > 0)
			im->st.n_msgs--;
		if (im->own_expunges > 0)
			im->own_expunges--;
		else
			im->is_dirty = true;
	}
}

static void
on_enabled(struct imap *im, struct scan *s)
{
	char word[32];

	for (scan_spaces(s); scan_word(s, word, sizeof word); scan_spaces(s)) {
		if (strcmp(word, "QRESYNC") == 0)
			im->is_qresync = im->is_condstore = true;
		else if (strcmp(word, "CONDSTORE") == 0)
			im->is_condstore = true;
	}
}

static void
on_untagged(struct imap *im, struct scan s)
{
	char name[64];
	uint32_t number;

	if (scan_u32(&s, &number)) {
		on_numbered(im, number, &s);
		return;
	}
	if (!scan_word(&s, name, sizeof name))
		return;
	if (strcmp(name, "OK") == 0 || strcmp(name, "NO") == 0 || strcmp(name, "BAD") == 0) {
		on_text(im, s);
	} else if (strcmp(name, "BYE") == 0) {
		scan_spaces(&s);
		str_cut(&im->bye, 0);
		str_add(&im->bye, s.p, (size_t)(s.end - s.p));
	} else if (strcmp(name, "CAPABILITY") == 0) {
		imap_capability(im, &s);
	} else if (strcmp(name, "ENABLED") == 0) {
		on_enabled(im, &s);
	} else if (strcmp(name, "VANISHED") == 0) {
		on_vanished(im, &s);
	} else if (strcmp(name, "NAMESPACE") == 0) {
		imap_namespace(im, &s);
	} else if (im->handler && im->handler->other) {
		im->handler->other(im->handler->ctx, im, name, &s);
	}
}

static struct imap_cmd *
find_sent(struct imap *im, struct scan *s)
{
	for (size_t i = 0; i < im->n_sent; i++) {
		struct imap_cmd *c = &im->sent[i];
		size_t n = strlen(c->tag);
		if (c->status == IMAP_OPEN && n > 0 && (size_t)(s->end - s->p) > n
		    && memcmp(s->p, c->tag, n) == 0 && s->p[n] == ' ') {
			s->p += n + 1;
			return c;
		}
	}
	return NULL;
}

static enum err
on_tagged(struct imap *im, struct scan s, struct error *e)
{
	struct imap_cmd *c = find_sent(im, &s);
	char word[8];

	if (!c || !scan_word(&s, word, sizeof word))
		return imap_die(im, e, "the server answers what was not asked");
	if (strcmp(word, "OK") == 0)
		c->status = IMAP_OK;
	else if (strcmp(word, "NO") == 0)
		c->status = IMAP_NO;
	else if (strcmp(word, "BAD") == 0)
		c->status = IMAP_BAD;
	else
		return imap_die(im, e, "the server answers neither OK nor NO");
	on_text(im, s);
	scan_spaces(&s);
	str_cut(&c->words, 0);
	str_add(&c->words, s.p, (size_t)(s.end - s.p));
	return ERR_OK;
}

enum err
imap_step(struct imap *im, struct error *e)
{
	enum err rc = imap_read(im, e);

	if (rc != ERR_OK)
		return rc;
	struct scan s = scan_of(str_get(&im->resp), im->resp.len);
	if (scan_done(&s))			/* an empty line too many means nothing */
		return ERR_OK;
	if (scan_char(&s, '*')) {
		scan_spaces(&s);
		on_untagged(im, s);
		return ERR_OK;
	}
	if (scan_char(&s, '+')) {
		scan_spaces(&s);
		im->got_plus = true;
		str_cut(&im->challenge, 0);
		str_add(&im->challenge, s.p, (size_t)(s.end - s.p));
		return ERR_OK;
	}
	return on_tagged(im, s, e);
}

/* ---- sending ---- */

void
imap_begin(struct imap *im, uint64_t max_bytes)
{
	im->max_bytes = max_bytes;
	im->bytes_at_start = net_bytes_in(im->net);
	im->n_responses = 0;
	net_command(im->net, im->cfg.net.io_ms, max_bytes);
}

/* What was announced and cannot be read leaves the connection out of step. */
static enum err
send_tail(struct imap *im, const struct byte_source *src, struct error *e)
{
	char buf[IMAP_PROGRESS];
	size_t got;
	enum err rc = ERR_OK;

	for (uint64_t at = 0; at < src->size && rc == ERR_OK; at += got) {
		rc = byte_source_read(src, at, buf, sizeof buf, &got, e);
		if (rc != ERR_OK)
			im->is_dead = true;
		else
			rc = imap_write(im, buf, got, e);
	}
	return rc;
}

enum err
imap_send(struct imap *im, struct imap_cmd *c, struct error *e)
{
	size_t from = 0;
	enum err rc;

	snprintf(c->tag, sizeof c->tag, "d%u", ++im->tag);
	c->status = IMAP_OPEN;
	if ((rc = imap_write(im, c->tag, strlen(c->tag), e)) != ERR_OK
	    || (rc = imap_write(im, " ", 1, e)) != ERR_OK)
		return rc;
	for (size_t i = 0; i < c->n_sync; i++) {
		rc = imap_write(im, c->text.data + from, c->sync[i] - from, e);
		if (rc != ERR_OK || (rc = imap_flush(im, e)) != ERR_OK)
			return rc;
		from = c->sync[i];
		for (im->got_plus = false; !im->got_plus && c->status == IMAP_OPEN;)
			if ((rc = imap_step(im, e)) != ERR_OK)
				return rc;
		if (c->status == IMAP_OK)
			return imap_die(im, e,
				"the server did not wait for what it asked for");
		if (c->status != IMAP_OPEN)
			return ERR_OK;		/* NO: the literal stays here */
	}
	if ((rc = imap_write(im, str_get(&c->text) + from, c->text.len - from, e)) != ERR_OK ||
	    (c->tail && (rc = send_tail(im, c->tail, e)) != ERR_OK))
		return rc;
	return imap_write(im, "\r\n", 2, e);
}

static bool
is_any_open(const struct imap_cmd *cmds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (cmds[i].status == IMAP_OPEN)
			return true;
	return false;
}

enum err
imap_run(struct imap *im, struct imap_cmd *cmds, size_t n, const struct imap_handler *h,
	uint64_t max_bytes, struct error *e)
{
	enum err rc = ERR_OK;

	if (im->is_dead || !im->net)
		return error_set(e, ERR_CONN, "not connected");
	for (size_t i = 0; i < n; i++)
		if (cmds[i].bad)
			return error_set(e, ERR_FOLDER, "%s", cmds[i].bad);
	im->sent = cmds;
	im->n_sent = n;
	im->handler = h;
	imap_begin(im, max_bytes);
	for (size_t i = 0; i < n && rc == ERR_OK; i++)
		rc = imap_send(im, &cmds[i], e);
	if (rc == ERR_OK)
		rc = imap_flush(im, e);
	while (rc == ERR_OK && is_any_open(cmds, n))
		rc = imap_step(im, e);
	im->sent = NULL;
	im->n_sent = 0;
	im->handler = NULL;
	return rc;
}

enum err
imap_verdict(const struct imap_cmd *c, enum err code, struct error *e)
{
	if (c->status == IMAP_OK)
		return ERR_OK;
	return error_set(e, code, "%s", c->words.len ? str_get(&c->words)
		: "refused by the server without a word");
}

enum err
imap_do(struct imap *im, struct imap_cmd *c, const struct imap_handler *h, enum err code,
	struct error *e)
{
	enum err rc = imap_run(im, c, 1, h, IMAP_MAX_BYTES, e);

	if (rc == ERR_OK)
		rc = imap_verdict(c, code, e);
	imap_cmd_clear(c);
	return rc;
}

bool
imap_code_is(const struct imap_cmd *c, const char *code)
{
	const char *w = str_get(&c->words);
	size_t n = strlen(code);

	return w[0] == '[' && strncasecmp(w + 1, code, n) == 0 &&
		(w[n + 1] == ']' || w[n + 1] == ' ');
}
