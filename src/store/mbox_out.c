/* mbox_out.c - buffered output. */
#include <stdio.h>

#include "mbox_out.h"
#include "mbox_reader.h"
#include "path.h"

enum err
out_flush(struct out *o, struct error *e)
{
	enum err rc = fd_write_all(o->fd, str_get(&o->buf), o->buf.len, e);

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
