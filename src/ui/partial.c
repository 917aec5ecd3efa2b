/* partial.c - see partial.h. The field that marks a stub may be forged, the text below it then
 * hides nothing: so only a message that is no more than a stub counts as one. */
#include <string.h>

#include "partial.h"
#include "stub.h"
#include "utf8.h"

enum { SUBJECT_COLUMNS = 30 };

bool
partial_is_text(const struct message *m, const struct str *text)
{
	struct str stub = { 0 };

	stub_text(&stub, m->m.size_bytes);
	bool is = text->len >= stub.len && memcmp(text->data, stub.data, stub.len) == 0 &&
		strspn(str_get(text) + stub.len, "\r\n") == text->len - stub.len;
	str_clear(&stub);
	return is;
}

/* The ledger's entry. False: what was left on the server is not known (any more). */
static bool
find_entry(struct ui *ui, const struct message *m, const struct stub *s,
	struct pop3_entry *out)
{
	const struct store *st = ui_store(ui);

	return store_pop3_find(st, store_folder_account(st, msg_folder(m->id)), s->hash,
		s->size_bytes, out);
}

static void
add_key(struct ui *ui, struct str *out)
{
	size_t before = out->len;

	ui_key_of(ui, V_PAGER, CMD_DOWNLOAD, out);
	if (out->len == before)
		str_puts(out, ":download");
}

void
partial_describe(struct ui *ui, const struct message *m, struct str *out)
{
	struct pop3_entry entry;
	struct stub stub;

	if (!m->header || !stub_parse(&stub, m->header, m->header_len))
		return;
	str_printf(out, "Not downloaded: %.1f MB", (double)stub.size_bytes / 1e6);
	bool is_known = find_entry(ui, m, &stub, &entry);
	if (is_known && entry.state == POP3_WANTED) {
		str_puts(out, "; asked for, it comes with the next check");
	} else if (is_known && entry.state == POP3_HEADER) {
		str_puts(out, " are on the server; ");
		add_key(ui, out);
		str_puts(out, " downloads it");
	} else {
		str_puts(out, ", and the server has it no more, as far as is known");
	}
}

static bool
is_stub(const struct message *m, struct stub *out)
{
	struct str text = { 0 };
	bool is = (m->m.flags & MSG_HEADER_ONLY) && m->header && m->root &&
		stub_parse(out, m->header, m->header_len) && message_is_leaf(m->root) &&
		message_text(m, m->root, &text) && partial_is_text(m, &text);

	str_clear(&text);
	return is;
}

enum err
partial_check(struct ui *ui, const struct message *m, struct error *e)
{
	struct str subject = { 0 }, key = { 0 };
	struct pop3_entry entry;
	struct stub stub;

	if (!is_stub(m, &stub))
		return ERR_OK;
	bool is_known = find_entry(ui, m, &stub, &entry);
	text_column(&subject, *m->m.subject ? m->m.subject : "(no subject)", SUBJECT_COLUMNS,
		false);
	add_key(ui, &key);
	if (is_known && entry.state == POP3_HEADER)
		error_set(e, ERR_MSG, "'%s' is only a header here: %s downloads it first",
			str_get(&subject), str_get(&key));
	else if (is_known && entry.state == POP3_WANTED)
		error_set(e, ERR_MSG,
			"'%s' is only a header here; it comes with the next check",
			str_get(&subject));
	else
		error_set(e, ERR_MSG, "'%s' is only a header: the message is not here",
			str_get(&subject));
	str_clear(&subject);
	str_clear(&key);
	return ERR_MSG;
}

enum err
partial_check_id(struct ui *ui, msg_id id, struct error *e)
{
	struct message m;
	enum err rc = message_read(&m, ui_store(ui), id) && (m.m.flags & MSG_HEADER_ONLY)
		? partial_check(ui, &m, e) : ERR_OK;

	message_clear(&m);
	return rc;
}
