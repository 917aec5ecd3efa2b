/* imap_wait.c - hears of changes in the open folder: IDLE (RFC 2177), else NOOP now and then.
 *
 * Anything untagged may come before the "+", between, and behind DONE; all of it goes through
 * the session's state, and `is_dirty` says whether it was news. IDLE is left and entered anew
 * well before the server's half hour is over: routers forget silent connections sooner. */
#include <poll.h>

#include "imap_int.h"
#include "now.h"

enum { IDLE_MS = 9 * 60 * 1000, NOOP_MS = 1500 };

/* Until `wake` is readable, something else is, or the time is up. `wake` comes first: a server
 * that never stops talking must not keep us from what the person wants. */
static enum err
pause_for(struct imap *im, int64_t ms, int wake, bool *readable, bool *woken, struct error *e)
{
	struct pollfd p = { .fd = wake, .events = POLLIN };

	*woken = wake >= 0 && poll(&p, 1, 0) > 0;
	*readable = !*woken && imap_has_input(im);
	if (*readable || *woken)
		return ERR_OK;
	enum err rc = net_wait(im->net, (int)(ms < 0 ? 0 : ms), wake, readable, e);
	if (rc == ERR_CONN && im->bye.len > 0)
		rc = imap_die(im, e, "");	/* with what the server said before it went */
	else if (rc != ERR_OK)
		im->is_dead = true;
	else if (!*readable && wake >= 0)
		*woken = poll(&p, 1, 0) > 0;
	return rc;
}

static enum err
idle_until_plus(struct imap *im, struct imap_cmd *c, struct error *e)
{
	enum err rc = imap_send(im, c, e);

	im->got_plus = false;
	if (rc == ERR_OK)
		rc = imap_flush(im, e);
	while (rc == ERR_OK && !im->got_plus && c->status == IMAP_OPEN)
		rc = imap_step(im, e);
	return rc;
}

/* Reads what is there; the folder is news or not afterwards. */
static enum err
idle_watch(struct imap *im, struct imap_cmd *c, int64_t until, int wake, bool *woken,
	struct error *e)
{
	enum err rc = ERR_OK;
	bool readable;

	*woken = false;
	while (rc == ERR_OK && !im->is_dirty && !*woken && c->status == IMAP_OPEN) {
		int64_t left = until - now_ms();
		if (left <= 0)
			return ERR_OK;
		if ((rc = pause_for(im, left, wake, &readable, woken, e)) != ERR_OK)
			return rc;
		if (!readable)
			continue;
		/* the cap is for all of IDLE */
		net_command(im->net, im->cfg.net.io_ms, IMAP_MAX_BYTES);
		rc = imap_step(im, e);
	}
	return rc;
}

static enum err
idle_once(struct imap *im, int64_t until, int wake, bool *woken, struct error *e)
{
	struct imap_cmd c;
	bool is_left = false;
	enum err rc;

	imap_cmd_init(&c, "IDLE");
	im->sent = &c;
	im->n_sent = 1;
	imap_begin(im, IMAP_MAX_BYTES);
	if ((rc = idle_until_plus(im, &c, e)) == ERR_OK)
		rc = idle_watch(im, &c, until, wake, woken, e);
	if (rc == ERR_OK && c.status == IMAP_OPEN) {
		is_left = true;
		imap_begin(im, IMAP_MAX_BYTES);
		if ((rc = imap_write(im, "DONE\r\n", 6, e)) == ERR_OK)
			rc = imap_flush(im, e);
		while (rc == ERR_OK && c.status == IMAP_OPEN)
			rc = imap_step(im, e);
	}
	if (rc == ERR_OK && (!is_left || c.status != IMAP_OK)) {
		/* refused, or over at once: NOOP from now on */
		im->ext &= ~(uint32_t)X_IDLE;
		im->b.caps &= ~(unsigned)CAP_WAIT;
	}
	im->sent = NULL;
	im->n_sent = 0;
	imap_cmd_clear(&c);
	return rc;
}

static enum err
noop_once(struct imap *im, int64_t until, int wake, bool *woken, struct error *e)
{
	int64_t end = now_ms() + NOOP_MS;
	struct imap_cmd c;
	bool readable;
	enum err rc;

	if (end > until)
		end = until;
	if ((rc = pause_for(im, end - now_ms(), wake, &readable, woken, e)) != ERR_OK ||
	    *woken)
		return rc;
	imap_cmd_init(&c, "NOOP");
	return imap_do(im, &c, NULL, ERR_FOLDER, e);
}

enum err
imap_wait(struct backend *b, int timeout_ms, int wake, int *what, struct error *e)
{
	struct imap *im = imap_of(b);
	int64_t until = now_ms() + timeout_ms;
	bool woken = false;
	enum err rc = ERR_OK;

	*what = 0;
	if (im->is_dead || !im->net)
		return error_set(e, ERR_CONN, "not connected");
	if ((rc = imap_need_folder(im, e)) != ERR_OK)
		return rc;
	while (rc == ERR_OK && !im->is_dirty && !woken && now_ms() < until) {
		int64_t renew = now_ms() + IDLE_MS;
		if (im->ext & X_IDLE)
			rc = idle_once(im, renew < until ? renew : until, wake, &woken, e);
		else
			rc = noop_once(im, until, wake, &woken, e);
	}
	if (im->is_dirty)
		*what |= WAIT_CHANGED;
	if (woken)
		*what |= WAIT_WOKEN;
	return rc;
}
