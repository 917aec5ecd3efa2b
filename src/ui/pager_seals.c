/* pager_seals.c - signatures and encryption of the message that is read.
 *
 * To open a message is to want to read it: what can be had without asking anybody is looked
 * at at once. A passphrase is asked for when the person says so. What was decrypted lives
 * here, as long as the message is on the screen. */
#include <stdio.h>
#include <string.h>

#include "frame.h"
#include "opening.h"
#include "pager_impl.h"

const char *
pager_advice(struct pager *p)
{
	str_cut(&p->advice, 0);
	keymap_key_of(&p->view.ui->keymap, V_PAGER, CMD_DECRYPT, &p->advice);
	if (p->advice.len == 0)
		str_puts(&p->advice, ":decrypt");
	return str_get(&p->advice);
}

static void
opened(struct view *v, msg_id id, struct opened *o, const struct error *e)
{
	struct pager *p = pager_of(v);
	bool again = p->asks;

	p->is_opening = p->asks = false;
	if (id != p->id || e->code != ERR_OK) {
		opened_free(o);
		if (!p->was_opened)		/* it was left meanwhile, and not by Esc */
			pager_open_seals(p, false);
		return;
	}
	p->was_opened = true;
	opened_free(p->opened);
	p->opened = o;
	pager_lay_out(p, p->columns ? p->columns : 80);
	ui_redraw(v->ui);
	if (again)
		pager_open_seals(p, true);
}

static void
begin(struct pager *p, bool asks)
{
	p->was_opened = p->is_opening = true;
	opening_begin(p->view.ui, &p->view, p->id, asks, opened);
}

void
pager_open_seals(struct pager *p, bool asks)
{
	bool is_encrypted, has = !p->section && p->message.root &&
		!(p->message.m.flags & MSG_HEADER_ONLY) &&
		seal_has(p->message.root, &is_encrypted);

	if (!has && asks)
		ui_status(p->view.ui, "nothing in this message is signed or encrypted");
	if (!has || (p->was_opened && !asks) || p->job || p->page.is_missing)
		return;
	if (p->is_opening) {
		p->asks |= asks;
	} else if (store_has_body(ui_store(p->view.ui), p->id, "", NULL)) {
		begin(p, asks);
	} else if (asks || (!p->was_fetched && p->message.m.size_bytes <= (is_encrypted
	    ? OPENING_FETCHES : OPENING_FETCHES_SIGNED))) {
		p->was_fetched = true;
		pager_fetch(p, "", "fetching the whole message");
	}
}

void
pager_close_seals(struct pager *p)
{
	if (p->is_opening)
		work_stop(p->view.ui, &p->view);
	opened_free(p->opened);
	p->opened = NULL;
	p->was_opened = p->was_fetched = p->asks = false;
	str_clear(&p->advice);
}
