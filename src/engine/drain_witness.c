/* drain_witness.c - whether the ledger is the one that knows what was downloaded.
 *
 * An older dunlin.db that somebody put back has lost what came after its day, and does not
 * look like it. So the number of the last batch stands in two places: in the ledger, and in a
 * small file beside the inbox, which a backup of dunlin.db does not bring back. The ledger's
 * is durable before the file's, the file's before the first byte of the batch is in the
 * inbox; so whatever a crash leaves, mail of a batch that the ledger does not know means a
 * file that is ahead of it. A random name, given once, tells this ledger from one that was
 * begun anew, or of another home. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "drain_int.h"
#include "log.h"
#include "path.h"

struct number {
	uint64_t name, batch;		/* name 0: none yet */
};

static bool
parse(struct number *out, const char *text)
{
	int n = 0;

	return sscanf(text, "%16" SCNx64 " %20" SCNu64 "%n", &out->name, &out->batch,
		&n) == 2 && text[n + (int)strspn(text + n, "\n")] == '\0';
}

/* ---- in the ledger ---- */

static char *
value_name(const struct pass *p)
{
	return xasprintf("pop3-batch-%u", (unsigned)p->d->cfg->account);
}

/* Which inbox the batches went to. */
static char *
place_name(const struct pass *p)
{
	return xasprintf("pop3-inbox-%u", (unsigned)p->d->cfg->account);
}

static struct number
in_ledger(struct pass *p)
{
	char *name = value_name(p), *value = store_value(p->d->store, name);
	struct number n;

	if (!value || !parse(&n, value))
		n = (struct number){0};
	free(value);
	free(name);
	return n;
}

static enum err
put_in_ledger(struct pass *p, struct number n, struct error *e)
{
	char *name = value_name(p), *value = xasprintf("%016" PRIx64 " %" PRIu64, n.name,
		n.batch);
	enum err rc = store_value_put(p->d->store, name, value, e);
	char *place = place_name(p);

	if (rc == ERR_OK)
		rc = store_value_put(p->d->store, place, p->d->inbox, e);
	free(place);
	free(value);
	free(name);
	return rc;
}

/* ---- beside the inbox ---- */

/* Several accounts may have one inbox. */
static char *
file_of(const struct pass *p)
{
	const char *slash = strrchr(p->d->inbox, '/'), *base = slash ? slash + 1 : p->d->inbox;
	char *account = path_safe_name(p->d->cfg->conf->name);
	char *path = xasprintf("%.*s.%s.%s.dunlin-batch", (int)(base - p->d->inbox),
		p->d->inbox, base, account);

	free(account);
	return path;
}

/* *fd -1: the directory is not ours to write; then nothing is noticed, as
 * if there were no such file. */
static enum err
open_file(int *fd, bool *is_new, const char *path, struct error *e)
{
	*is_new = false;
	*fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (*fd < 0 && errno == ENOENT) {
		*is_new = true;
		*fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	}
	if (*fd >= 0 || errno == EACCES || errno == EPERM || errno == EROFS)
		return ERR_OK;
	return error_errno(e, ERR_LOCAL, "cannot write '%s'", path);
}

/* Always as long, so that it is written over itself within one sector. */
static enum err
put_in_file(int fd, bool is_new, const char *path, struct number n, struct error *e)
{
	char line[48];
	int len = snprintf(line, sizeof line, "%016" PRIx64 " %020" PRIu64 "\n", n.name,
		n.batch);
	enum err rc = fd_pwrite_all(fd, line, (size_t)len, 0, e);

	if (rc == ERR_OK)
		rc = fd_sync(fd, e);
	return rc == ERR_OK && is_new ? path_sync_dir_of(path, e) : rc;
}

enum err
witness_repeat(struct pass *p, struct error *e)
{
	struct number n = in_ledger(p);
	char *path = file_of(p);
	bool is_new;
	int fd = -1;
	enum err rc = n.name ? open_file(&fd, &is_new, path, e) : ERR_OK;

	if (rc == ERR_OK && fd >= 0)
		rc = put_in_file(fd, is_new, path, n, e);
	if (fd >= 0)
		close(fd);
	free(path);
	return rc;
}

/* ---- for the pass ---- */

/* False: none is to be read. */
static bool
in_file(const char *path, struct number *out)
{
	char *text = NULL;
	size_t len;
	bool is = file_read(&text, &len, path, 4096, NULL) == ERR_OK && parse(out, text);

	free(text);
	return is;
}

bool
witness_is_ahead(struct pass *p)
{
	struct number known = in_ledger(p), seen = {0};
	char *path = file_of(p);
	bool is_there = in_file(path, &seen);
	bool is_ahead = is_there ? seen.name != known.name || seen.batch > known.batch
		: known.name != 0;

	if (is_ahead)
		log_msg("%s: batch %" PRIu64 " of %016" PRIx64
			" is in the inbox, the ledger knows %" PRIu64 " of %016" PRIx64,
			p->d->cfg->conf->name, seen.batch, seen.name, known.batch, known.name);
	free(path);
	return is_ahead;
}

/* Another place in the mailrc is meant; one that is empty all of a sudden is not. */
enum err
witness_look(struct pass *p, struct error *e)
{
	char *place = place_name(p), *known = store_value(p->d->store, place);
	char *path = file_of(p);
	enum err rc = ERR_OK;

	if (str_eq(known ? known : "", p->d->inbox) && in_ledger(p).name != 0 &&
	    access(p->d->inbox, F_OK) < 0 && access(path, F_OK) < 0)
		rc = error_set(e, ERR_LOCAL,
			"'%.200s' is gone, and all that was beside it: is its disk mounted? "
			"an empty file there begins anew", p->d->inbox);
	free(path);
	free(known);
	free(place);
	return rc;
}

enum err
witness_count(struct pass *p, struct error *e)
{
	struct number n = in_ledger(p), seen;
	char *path = file_of(p);
	bool is_writable = access(path, W_OK) == 0 || errno == ENOENT;
	enum err rc = ERR_OK;

	if (in_file(path, &seen) && seen.name == n.name && seen.batch > n.batch)
		n.batch = seen.batch;
	if (is_writable && n.name == 0 &&
	    getrandom(&n.name, sizeof n.name, 0) != sizeof n.name)
		rc = error_errno(e, ERR_LOCAL, "no random number is to be had");
	n.batch++;
	if (rc == ERR_OK && n.name)
		rc = put_in_ledger(p, n, e);
	free(path);
	return rc;
}
