/* mbox_out.c - buffered output. */
#include <fcntl.h>
#include <stdio.h>

#include "mbox_out.h"
#include "mbox_reader.h"
#include "path.h"

enum { AHEAD_BYTES = 16 << 20 };

/* The disk is told to begin with what is there, so that the fsync at the end finds little left
 * to do. That is a hint: nothing relies on it, and failing is fine. */
void
out_wrote(struct out *o, size_t n)
{
	if (!o->is_new)
		return;
	o->written += (off_t)n;
	if (o->written - o->begun < AHEAD_BYTES)
		return;
	sync_file_range(o->fd, o->begun, o->written - o->begun, SYNC_FILE_RANGE_WRITE);
	o->begun = o->written;
}

enum err
out_flush(struct out *o, struct error *e)
{
	enum err rc = fd_write_all(o->fd, str_get(&o->buf), o->buf.len, e);

	if (rc == ERR_OK)
		out_wrote(o, o->buf.len);
	str_cut(&o->buf, 0);
	return rc;
}

enum err
out_add(struct out *o, const char *p, size_t n, struct error *e)
{
	str_add(&o->buf, p, n);
	return o->buf.len >= OUT_BYTES ? out_flush(o, e) : ERR_OK;
}

enum err
out_status(struct out *o, uint32_t flags, struct error *e)
{
	char s[3], x[5], lines[64];

	status_format(flags, s, x);
	int n = snprintf(lines, sizeof lines, "Status: %-2s\nX-Status: %-4s\n", s, x);
	return out_add(o, lines, (size_t)n, e);
}
