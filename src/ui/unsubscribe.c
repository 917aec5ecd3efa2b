/* unsubscribe.c - `gu`: out of the mailing list that the message came by.
 *
 * Nothing is sent or opened by itself: the mail that the list wants stands in the compose
 * view, from the address that the message came to, and goes out as any other; a page is asked
 * about with its host, as every link is. */
#include <stdlib.h>
#include <string.h>

#include "identity.h"
#include "pager_impl.h"
#include "reply.h"
#include "str.h"
#include "writing.h"

/* Lists know a person by the address that they write to. */
static void
by_mail(struct pager *p, const char *url)
{
	struct ui *ui = p->view.ui;
	char *from = identity_of_message(ui, p->id, p->message.header, p->message.header_len);

	writing_mailto(ui, url);
	if (from && ui_top(ui)->ops->bit == V_COMPOSE) {
		struct call c = { command_at(CMD_FROM), from, false };
		ui_top(ui)->ops->command(ui_top(ui), &c);
		ui_status(ui, "y sends it, and the list lets you go; q throws it away");
	}
	free(from);
}

/* The header is read again: the message may have been laid out anew since. */
static void
chosen(void *ctx, char way)
{
	struct pager *p = ctx;
	struct arena a = { 0 };
	struct unsubscribe u;

	if (p->message.header && reply_unsubscribe(&u, &a, p->message.header,
	    p->message.header_len)) {
		if (way == 'm' && u.mail)
			by_mail(p, u.mail);
		else if (way == 'o' && u.web)
			links_ask_url(&p->links, &p->view, u.web);
	}
	arena_clear(&a);
}

static void
ask_which(struct pager *p, const struct unsubscribe *u)
{
	char *host = link_host(u->web);
	char *question = xasprintf("Leave the list: m write to %.*s, o open %s?",
		(int)strcspn(u->mail + 7, "?"), u->mail + 7, host ? host : "its page");

	ui_choose(p->view.ui, &p->view, question, "mo", chosen, p);
	free(question);
	free(host);
}

void
unsubscribe_ask(struct pager *p)
{
	struct arena a = { 0 };
	struct unsubscribe u;

	if (!p->message.header)
		ui_status(p->view.ui, "this message is not here yet");
	else if (!reply_unsubscribe(&u, &a, p->message.header, p->message.header_len))
		ui_status(p->view.ui, "this message says no way to leave a list");
	else if (u.mail && u.web)
		ask_which(p, &u);
	else
		chosen(p, u.mail ? 'm' : 'o');
	arena_clear(&a);
}
