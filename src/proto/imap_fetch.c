/* imap_fetch.c - summaries: FETCH responses to struct msg.
 *
 * One command brings UID, flags, arrival, size and the header fields of a batch;
 * ENVELOPE would lack References and cost the server more. A message that comes back
 * damaged, or not at all, is asked for again alone and by other means (its whole
 * header), and what can be had of it is listed: none is skipped silently. Every answer
 * is checked against what was asked for. */
#include <string.h>
#include <strings.h>

#include "imap_int.h"
#include "mime.h"

static const struct { const char *name; uint32_t bit; } flag_names[] = {
	{ "\\Seen", MSG_SEEN }, { "\\Answered", MSG_ANSWERED }, { "\\Flagged", MSG_FLAGGED },
	{ "\\Deleted", MSG_DELETED }, { "\\Draft", MSG_DRAFT },
	{ "$Forwarded", MSG_FORWARDED }, { "$Junk", MSG_JUNK }, { "$NotJunk", MSG_NOTJUNK },
	{ "$MDNSent", MSG_MDNSENT },
	/* as other clients write them */
	{ "Forwarded", MSG_FORWARDED }, { "Junk", MSG_JUNK }, { "NonJunk", MSG_NOTJUNK },
	{ "NotJunk", MSG_NOTJUNK }, { "MDNSent", MSG_MDNSENT },
};
enum { N_OWN_NAMES = 9 };	/* those that we write ourselves stand first */

uint32_t
imap_flags_parse(struct scan *s, bool *has_star)
{
	struct scan try = *s;
	uint32_t flags = 0;
	const char *p;
	size_t n;

	if (!scan_char(&try, '('))
		return 0;
	for (scan_spaces(&try); !scan_char(&try, ')'); scan_spaces(&try)) {
		if (!scan_atom(&try, &p, &n, true))
			return flags;
		if (n == 2 && memcmp(p, "\\*", 2) == 0 && has_star)
			*has_star = true;
		for (size_t i = 0; i < LEN(flag_names); i++)
			if (strlen(flag_names[i].name) == n &&
			    strncasecmp(flag_names[i].name, p, n) == 0)
				flags |= flag_names[i].bit;
	}
	*s = try;
	return flags;
}

void
imap_flags_format(struct str *out, uint32_t flags)
{
	const char *sep = "";

	str_putc(out, '(');
	for (size_t i = 0; i < N_OWN_NAMES; i++)
		if (flags & flag_names[i].bit) {
			str_printf(out, "%s%s", sep, flag_names[i].name);
			sep = " ";
		}
	str_putc(out, ')');
}

/* The name of an item: letters, digits, dots; of BODY also "[...]" and "<n>". */
static bool
item_name(struct scan *s, char *name, size_t size)
{
	if (!scan_word(s, name, size))
		return false;
	if (!scan_char(s, '['))
		return true;
	while (!scan_done(s) && *s->p != ']')
		if (*s->p == '"' || *s->p == '{' ? !scan_skip(s) : !s->p++)
			return false;
	if (!scan_char(s, ']') || strlen(name) + 2 >= size)
		return false;
	strcat(name, "[");
	if (scan_char(s, '<'))
		while (!scan_done(s) && !scan_char(s, '>'))
			s->p++;
	return true;
}

static bool
item_number(struct scan s, uint64_t *out)
{
	scan_char(&s, '(');			/* MODSEQ (1) */
	return scan_u64(&s, out);
}

/* BODY[...]: what stands between the brackets decides. `section` is where it begins. */
static void
item_body(struct imap_fetch *f, const char *section, struct scan value)
{
	const char *p = "";
	size_t n = 0;

	if (!scan_bytes(&value, &p, &n) && !scan_nil(&value)) {
		f->is_damaged = true;
		return;
	}
	if (str_istarts(section, "HEADER.FIELDS") || str_istarts(section, "HEADER]")) {
		f->header = p;
		f->header_len = n;
	} else {
		f->body = p;
		f->body_len = n;
	}
}

static void
item(struct imap_fetch *f, const char *name, const char *section, struct scan value)
{
	uint64_t v;
	bool is_good = true;
	const char *p;
	size_t n;

	if (strcmp(name, "UID") == 0) {
		if ((is_good = item_number(value, &v) && v > 0 && v <= UINT32_MAX))
			f->uid = (uint32_t)v;
	} else if (strcmp(name, "FLAGS") == 0) {
		if ((is_good = f->has_flags = scan_peek(&value, '(')))
			f->flags = imap_flags_parse(&value, NULL);
	} else if (strcmp(name, "RFC822.SIZE") == 0) {
		is_good = f->has_size = item_number(value, &f->size_bytes);
	} else if (strcmp(name, "MODSEQ") == 0) {
		is_good = item_number(value, &f->modseq);
	} else if (strcmp(name, "INTERNALDATE") == 0) {
		is_good = f->has_date = scan_bytes(&value, &p, &n) &&
			scan_date(p, n, &f->arrived);
	} else if (strcmp(name, "BODYSTRUCTURE") == 0) {
		f->structure = value;
	} else if (strcmp(name, "BODY[") == 0) {
		item_body(f, section, value);
	}
	if (!is_good)
		f->is_damaged = true;
}

/* From "(" on. False when it breaks off; what stood before is kept. */
bool
imap_fetch_parse(struct scan *s, struct imap_fetch *f)
{
	char name[40];

	memset(f, 0, sizeof *f);
	f->is_damaged = true;
	if (!scan_char(s, '('))
		return false;
	f->is_damaged = false;
	for (scan_spaces(s); !scan_char(s, ')'); scan_spaces(s)) {
		const char *start = s->p;
		if (!item_name(s, name, sizeof name)) {
			f->is_damaged = true;
			return false;
		}
		const char *bracket = memchr(start, '[', (size_t)(s->p - start));
		scan_spaces(s);
		struct scan value = *s;
		if (!scan_skip(s)) {
			f->is_damaged = true;
			return false;
		}
		value.end = s->p;
		item(f, name, bracket ? bracket + 1 : start, value);
	}
	return true;
}

/* ---- summaries ---- */

/* What mime_summary reads. */
#define FIELDS "BODY.PEEK[HEADER.FIELDS (" \
	"DATE FROM SENDER TO CC SUBJECT MESSAGE-ID IN-REPLY-TO REFERENCES " \
	"LIST-ID LIST-POST PRECEDENCE CONTENT-TYPE CONTENT-DISPOSITION)]"

struct summaries {
	const struct folder_sink *sink;
	const struct uidset *asked;	/* NULL: the newest, whatever their UIDs are */
	struct uidset got;		/* came whole, or as well as can be */
	struct uidset damaged;		/* are there, but not whole */
	uint32_t most, n;		/* without `asked`: no more than that */
	bool has_nameless;		/* a damaged one told no UID */
	struct imap_fetch partial;	/* for the last try: what came so far */
	struct str partial_header;
};

static void
deliver(struct summaries *su, const struct imap_fetch *f, const char *header, size_t n)
{
	struct arena a = {0};
	struct msg m = { .id = (msg_id)f->uid, .arrived = f->arrived, .date = f->arrived,
		.size_bytes = f->size_bytes, .modseq = f->modseq, .flags = f->flags,
		.from_name = "", .from_addr = "", .to = "", .cc = "", .subject = "",
		.message_id = "", .in_reply_to = "", .references = "", .list_id = "" };

	mime_summary(&a, &m, header, n);
	if (su->sink->msg)
		su->sink->msg(su->sink->ctx, &m);
	uidset_add(&su->got, f->uid);
	su->n++;
	arena_clear(&a);
}

static void
on_summary(void *ctx, struct imap *im, const struct imap_fetch *f)
{
	struct summaries *su = ctx;

	if (f->uid == 0 && f->is_damaged)
		su->has_nameless = true;
	if (f->uid == 0 || uidset_has(&su->got, f->uid))
		return;
	if (su->asked ? !uidset_has(su->asked, f->uid) : su->n >= su->most) {
		im->is_dirty = im->is_dirty || f->has_flags;	/* news of another message */
		return;
	}
	if (!f->is_damaged && f->has_flags && f->has_date && f->has_size && f->header)
		deliver(su, f, f->header, f->header_len);
	else if (f->is_damaged || f->header)
		uidset_add(&su->damaged, f->uid);
}

static void
on_partial(void *ctx, struct imap *im, const struct imap_fetch *f)
{
	struct summaries *su = ctx;
	struct imap_fetch *p = &su->partial;

	(void)im;
	if (f->uid == 0 || !uidset_has(su->asked, f->uid))
		return;
	p->uid = f->uid;
	if (f->has_flags)
		p->flags = f->flags;
	if (f->has_date)
		p->arrived = f->arrived;
	if (f->has_size)
		p->size_bytes = f->size_bytes;
	if (f->modseq)
		p->modseq = f->modseq;
	if (f->header && su->partial_header.len == 0)
		str_add(&su->partial_header, f->header, f->header_len);
}

/* What can be had of one message: item by item, its whole header last. */
static enum err
rescue(struct imap *im, struct summaries *su, uint32_t uid, struct error *e)
{
	static const char *const items[] = { "UID FLAGS", "UID INTERNALDATE",
		"UID RFC822.SIZE", "UID BODY.PEEK[HEADER]" };
	struct imap_cmd cmds[LEN(items)];
	struct uidset one = {0};
	const struct uidset *asked = su->asked;
	struct imap_handler h = { .ctx = su, .fetch = on_partial };
	enum err rc;

	uidset_add(&one, uid);
	su->asked = &one;
	memset(&su->partial, 0, sizeof su->partial);
	str_cut(&su->partial_header, 0);
	for (size_t i = 0; i < LEN(items); i++)
		imap_cmd_init(&cmds[i], "UID FETCH %u (%s)", uid, items[i]);
	rc = imap_run(im, cmds, LEN(items), &h, IMAP_MAX_BYTES, e);
	for (size_t i = 0; i < LEN(items); i++)
		imap_cmd_clear(&cmds[i]);
	su->asked = asked;
	if (rc == ERR_OK && (su->partial.uid == uid || uidset_has(&su->damaged, uid))) {
		su->partial.uid = uid;
		deliver(su, &su->partial, str_get(&su->partial_header),
			su->partial_header.len);
	}
	uidset_clear(&one);
	return rc;		/* one that is nowhere any more was expunged: no error */
}

static enum err
rescue_all(struct imap *im, struct summaries *su, const struct uidset *uids, struct error *e)
{
	enum err rc = ERR_OK;

	for (uint32_t uid = 0; rc == ERR_OK && (uid = uidset_next(uids, uid)) != 0;)
		rc = rescue(im, su, uid, e);
	return rc;
}

static void
summaries_clear(struct summaries *su)
{
	uidset_clear(&su->got);
	uidset_clear(&su->damaged);
	str_clear(&su->partial_header);
}

static const char *
modseq_item(const struct imap *im)
{
	return im->is_modseq && (im->is_condstore || im->is_qresync) ? " MODSEQ" : "";
}

/* Of the newest: those damaged, and where one told no UID, all that did not come. */
static enum err
missing_newest(struct imap *im, const struct summaries *su, uint32_t from, struct uidset *out,
	struct error *e)
{
	struct uidset all = {0};
	struct imap_cmd c;
	enum err rc = ERR_OK;

	if (!su->has_nameless) {
		uidset_copy(out, &su->damaged);
		return ERR_OK;
	}
	imap_cmd_init(&c, "%u:*", from);
	if ((rc = imap_search(im, &c, &all, e)) == ERR_OK) {
		uidset_minus(out, &all, &su->got);
		while (uidset_count(out) > su->most)
			uidset_remove(out, uidset_min(out));
	}
	imap_cmd_clear(&c);
	uidset_clear(&all);
	return rc;
}

enum err
imap_newest(struct backend *b, uint32_t n, const struct folder_sink *sink, struct error *e)
{
	struct imap *im = imap_of(b);
	struct summaries su = { .sink = sink, .most = n };
	struct imap_handler h = { .ctx = &su, .fetch = on_summary };
	struct uidset missing = {0};
	struct imap_cmd c;
	enum err rc;

	if ((rc = imap_need_folder(im, e)) != ERR_OK)
		return rc;
	if (im->st.n_msgs == 0 || n == 0)
		return ERR_OK;
	uint32_t from = im->st.n_msgs > n ? im->st.n_msgs - n + 1 : 1;
	imap_cmd_init(&c, "FETCH %u:* (UID FLAGS INTERNALDATE RFC822.SIZE%s " FIELDS ")", from,
		modseq_item(im));
	rc = imap_run(im, &c, 1, &h, IMAP_MAX_BYTES, e);
	if (rc == ERR_OK && su.n == 0 && su.damaged.n == 0)
		/* with some there: others come later */
		rc = imap_verdict(&c, ERR_FOLDER, e);
	imap_cmd_clear(&c);
	if (rc == ERR_OK && (rc = missing_newest(im, &su, from, &missing, e)) == ERR_OK)
		rc = rescue_all(im, &su, &missing, e);
	uidset_clear(&missing);
	summaries_clear(&su);
	return rc;
}

static void
summary_command(struct imap *im, struct imap_cmd *c, const struct uidset *uids)
{
	struct str set = {0};

	uidset_format(&set, uids);
	imap_cmd_init(c, "UID FETCH %s (UID FLAGS INTERNALDATE RFC822.SIZE%s " FIELDS ")",
		str_get(&set), modseq_item(im));
	str_clear(&set);
}

/* Takes the highest off `left`: what goes out at once, so that a slow
 * link is waited for once. */
static size_t
summary_commands(struct imap *im, struct imap_cmd *cmds, struct uidset *left,
	struct uidset *uids)
{
	size_t n = 0;

	for (; n < IMAP_AT_ONCE && left->n > 0; n++) {
		struct uidset slice = {0};
		uidset_take_highest(&slice, left, IMAP_SLICE);
		summary_command(im, &cmds[n], &slice);
		for (size_t i = slice.n; i-- > 0;)
			uidset_add_range(uids, slice.ranges[i].lo, slice.ranges[i].hi);
		uidset_clear(&slice);
	}
	return n;
}

static enum err
some_summaries(struct imap *im, struct uidset *left, const struct folder_sink *sink,
	struct error *e)
{
	struct uidset uids = {0}, missing = {0};
	struct summaries su = { .sink = sink, .asked = &uids };
	struct imap_handler h = { .ctx = &su, .fetch = on_summary };
	struct imap_cmd cmds[IMAP_AT_ONCE];
	size_t n = summary_commands(im, cmds, left, &uids);
	bool is_ok = true;
	enum err rc = imap_run(im, cmds, n, &h, n * IMAP_MAX_BYTES, e);

	for (size_t i = 0; i < n; i++) {
		is_ok = is_ok && cmds[i].status == IMAP_OK;
		imap_cmd_clear(&cmds[i]);
	}
	if (rc == ERR_OK) {
		/* On OK what did not come is gone; on NO it may be one
		 * that the server chokes on. */
		if (is_ok && !su.has_nameless)
			uidset_copy(&missing, &su.damaged);
		else
			uidset_minus(&missing, &uids, &su.got);
		rc = rescue_all(im, &su, &missing, e);
	}
	uidset_clear(&uids);
	uidset_clear(&missing);
	summaries_clear(&su);
	return rc;
}

enum err
imap_summaries(struct imap *im, const struct uidset *uids, const struct folder_sink *sink,
	struct error *e)
{
	struct uidset left = {0};
	enum err rc = ERR_OK;

	uidset_copy(&left, uids);
	while (rc == ERR_OK && left.n > 0)
		rc = some_summaries(im, &left, sink, e);
	uidset_clear(&left);
	return rc;
}

enum err
imap_headers(struct backend *b, const struct uidset *uids, const struct folder_sink *sink,
	struct error *e)
{
	struct imap *im = imap_of(b);
	enum err rc = imap_need_folder(im, e);

	return rc == ERR_OK ? imap_summaries(im, uids, sink, e) : rc;
}
