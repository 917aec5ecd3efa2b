/* sample.c - accounts that no mailrc names: one file (-f), and the tutorial.
 *
 * The tutorial's mbox is part of the program, so that it is there wherever the
 * program is. It is unpacked once, into a place of its own beside the real data, and
 * is the person's from then on. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "folder.h"
#include "mbox.h"
#include "str.h"
#include "unpack.h"

__asm__(".section .rodata\n"
	".global tutorial_begin\n.global tutorial_end\n"
	"tutorial_begin:\n.incbin \"doc/tutorial.mbox\"\n"
	"tutorial_end:\n.byte 0\n"
	".previous\n");
extern const char tutorial_begin[], tutorial_end[];

/* Puts one account of mbox files in `dir` in the place of all others. */
static enum err
use_local(struct rc *rc, const char *name, const char *dir, struct error *e)
{
	char *text = xasprintf("[account %s]\nfrom = you@dunlin.example\nreceive = mbox:/\n",
		name);
	struct rc *local;
	enum err err = rc_parse(&local, name, text, strlen(text), e);

	free(text);
	if (err != ERR_OK)
		return err;
	/* Put in behind the parser: a path may hold what an rc line cannot. */
	free(local->accounts[0].receive.path);
	local->accounts[0].receive.path = xstrdup(dir);
	struct rc_account *theirs = rc->accounts;
	size_t n_theirs = rc->n_accounts;
	rc->accounts = local->accounts;
	rc->n_accounts = local->n_accounts;
	local->accounts = theirs;
	local->n_accounts = n_theirs;
	rc_free(local);
	return ERR_OK;
}

/* Each file is an account of its own, by its whole name: else two files would take turns in
 * one index, and each look at the other would begin anew. */
static void
name_after(struct rc_account *a, const char *full)
{
	const char *home = getenv("HOME");
	size_t n = home ? strlen(home) : 0;

	free(a->name);
	a->name = n > 1 && str_starts(full, home) && full[n] == '/'
		? xasprintf("~%s", full + n) : xstrdup(full);
}

enum err
cli_use_file(struct rc *rc, const char *file, bool read_only, const struct dirs *d,
	struct error *e)
{
	char *full = realpath(file, NULL), *dir = path_join(d->data, "files"),
		*unpacked = NULL;
	enum err err;

	if (!full)
		err = error_errno(e, ERR_LOCAL, "cannot open '%s'", file);
	else
		err = unpack(&unpacked, full, d, e);
	if (err == ERR_OK)
		err = mbox_check(unpacked ? unpacked : full, e);
	if (err != ERR_OK && unpacked)
		error_set(e, err, "what '%s' unpacks to is not an mbox", file);
	if (err == ERR_OK && (err = path_mkdirs(dir, e)) == ERR_OK)
		err = use_local(rc, "file", dir, e);
	if (err == ERR_OK) {
		name_after(&rc->accounts[0], full);
		rc->accounts[0].read_only = read_only || unpacked || access(full, W_OK) < 0;
		rc->accounts[0].folder[ROLE_INBOX] = xstrdup(unpacked ? unpacked : full);
	}
	free(unpacked);
	free(full);
	free(dir);
	return err;
}

enum err
cli_use_tutorial(struct rc *rc, struct dirs *d, struct error *e)
{
	char *data = path_join(d->data, "tutorial"), *mail = path_join(data, "mail");
	char *inbox = path_join(mail, "inbox");
	enum err err = path_mkdirs(mail, e);

	if (err == ERR_OK && access(inbox, F_OK) < 0)
		err = file_write_atomic(inbox, tutorial_begin,
			(size_t)(tutorial_end - tutorial_begin), e);
	if (err == ERR_OK)
		err = use_local(rc, "tutorial", mail, e);
	if (err == ERR_OK) {
		free(d->data);
		free(d->cache);
		d->cache = path_join(data, "cache");
		d->data = data;
		data = NULL;
	}
	free(data);
	free(mail);
	free(inbox);
	return err;
}
