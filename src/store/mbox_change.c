/* mbox_change.c - marking and removing messages, when each is still the one that was meant. */
#include <stdlib.h>
#include <unistd.h>

#include "mbox.h"
#include "mbox_reader.h"

/* Every change must still mean the message it was made for. */
static enum err
verify(int fd, uint64_t size, const struct mbox_change *c, size_t n, struct mbox_head *heads,
	bool *in_place, struct error *e)
{
	*in_place = true;
	for (size_t i = 0; i < n; i++) {
		enum err rc = mbox_head_read(&heads[i], fd, c[i].from_pos, size, e);
		if (rc != ERR_OK)
			return rc;
		if (heads[i].msg.hash != c[i].hash)
			return error_set(e, ERR_FOLDER, "the mailbox file has changed");
		*in_place &= !c[i].remove && mbox_fits_in_place(&heads[i], c[i].flags);
	}
	return ERR_OK;
}

enum err
mbox_change_held(const struct mbox_lock *l, const struct mbox_change *changes, size_t n,
	struct mbox_stamp *stamp, bool *was_rewritten, struct error *e)
{
	struct mbox_head *heads = xcalloc(n, sizeof *heads);
	struct mbox_stamp before = {0}, after = {0};
	bool in_place = false;
	enum err rc = mbox_stamp_fd(&before, l->fd, e);

	*was_rewritten = false;
	if (rc == ERR_OK)
		rc = verify(l->fd, before.size_bytes, changes, n, heads, &in_place, e);
	if (rc == ERR_OK && in_place) {
		rc = mbox_mark_all(l->fd, changes, heads, n, e);
		if (rc == ERR_OK)
			rc = mbox_stamp_fd(&after, l->fd, e);
	} else if (rc == ERR_OK) {
		rc = mbox_rewrite(l, before.size_bytes, changes, n, &after, e);
		*was_rewritten = rc == ERR_OK;
	}
	bool was_known = rc == ERR_OK && mbox_stamp_is_same(stamp, &before);
	*stamp = was_known ? after : (struct mbox_stamp){0};
	free(heads);
	return rc;
}

enum err
mbox_change(const char *path, const struct mbox_change *changes, size_t n,
	struct mbox_stamp *stamp, bool *was_rewritten, const struct cancel *cancel,
	struct error *e)
{
	struct mbox_lock l;
	enum err rc = mbox_lock(&l, path, false, cancel, e);

	*was_rewritten = false;
	if (rc != ERR_OK)
		return rc;
	rc = mbox_change_held(&l, changes, n, stamp, was_rewritten, e);
	mbox_unlock(&l);
	return rc;
}

enum err
mbox_hold(struct mbox_lock **out, const char *path, const struct mbox_change *changes,
	size_t n, const struct cancel *cancel, struct error *e)
{
	struct mbox_head *heads = xcalloc(n, sizeof *heads);
	struct mbox_lock *l = xcalloc(1, sizeof *l);
	bool in_place;
	enum err rc = mbox_lock(l, path, false, cancel, e);
	off_t size = rc == ERR_OK ? lseek(l->fd, 0, SEEK_END) : 0;

	if (rc == ERR_OK && size < 0)
		rc = error_errno(e, ERR_LOCAL, "cannot read '%s'", path);
	if (rc == ERR_OK && verify(l->fd, (uint64_t)size, changes, n, heads, &in_place,
	    e) != ERR_OK)
		rc = ERR_MSG;
	free(heads);
	*out = rc == ERR_OK ? l : NULL;
	if (rc != ERR_OK)
		mbox_release(l);
	return rc;
}

void
mbox_release(struct mbox_lock *l)
{
	if (!l)
		return;
	if (l->path)
		mbox_unlock(l);
	free(l);
}
