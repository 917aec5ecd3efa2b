/* imap.c - the adapter as a struct backend: its table, and its life.
 *
 * imap_new, connect, any number of calls, close. After ERR_CONN, ERR_TLS, ERR_AUTH or
 * ERR_CANCELLED nothing but close is of use: a new session is a new backend. doc/imap.md has
 * the commands, and what is done without each extension. */
#include <stdlib.h>
#include <string.h>

#include "imap_int.h"

static void
imap_describe(struct backend *b, struct str *out)
{
	static const struct { uint32_t ext; const char *name; } names[] = {
		{ X_IDLE, "IDLE" }, { X_QRESYNC, "QRESYNC" }, { X_CONDSTORE, "CONDSTORE" },
		{ X_MOVE, "MOVE" }, { X_UIDPLUS, "UIDPLUS" }, { X_SPECIAL_USE, "SPECIAL-USE" },
		{ X_LIST_STATUS, "LIST-STATUS" }, { X_ESEARCH, "ESEARCH" },
	};
	struct imap *im = imap_of(b);

	if (!im->net)
		return;
	net_describe(im->net, out);
	str_printf(out, "\nlogged in by %s", im->mechanism ? im->mechanism : "PREAUTH");
	str_puts(out, "\nextensions:");
	for (size_t i = 0; i < LEN(names); i++)
		if (im->ext & names[i].ext)
			str_printf(out, " %s", names[i].name);
}

static void
say_goodbye(struct imap *im, int ms)
{
	struct imap_cmd c;

	if (!im->net || im->is_dead || !im->is_authenticated || ms <= 0 ||
	    cancel_fired(im->cancel))
		return;
	im->cfg.net.io_ms = ms;
	imap_cmd_init(&c, "LOGOUT");
	imap_do(im, &c, NULL, ERR_CONN, NULL);
}

static void
imap_close(struct backend *b, int ms)
{
	struct imap *im = imap_of(b);

	if (!b)
		return;
	say_goodbye(im, ms);
	net_close(im->net);
	str_clear(&im->resp);
	str_clear(&im->bye);
	str_clear(&im->challenge);
	str_clear(&im->mechanisms);
	str_clear(&im->prefix);
	str_clear(&im->copy_from);
	str_clear(&im->copy_to);
	free(im->selected);
	free(im->return_to);
	net_config_clear(&im->cfg.net);
	free((char *)im->cfg.auth);
	free(im);
}

static const struct backend_ops ops = {
	.connect = imap_connect,
	.describe = imap_describe,
	.folders = imap_folders,
	.folder_create = imap_folder_create,
	.folder_rename = imap_folder_rename,
	.folder_delete = imap_folder_delete,
	.wire_name = imap_wire_name,
	.status = imap_folder_status,
	.open = imap_open,
	.changes = imap_changes,
	.uids = imap_uids,
	.newest = imap_newest,
	.headers = imap_headers,
	.structure = imap_structure,
	.fetch = imap_fetch_section,
	.set_flags = imap_set_flags,
	.move = imap_move,
	.copy = imap_copy,
	.expunge = imap_expunge,
	.append = imap_append,
	.find = imap_find,
	.arrivals = imap_arrivals,
	.search = imap_search_text,
	.wait = imap_wait,
	.close = imap_close,
};

struct backend *
imap_new(const struct imap_config *cfg, struct cancel *cancel)
{
	struct imap *im = xcalloc(1, sizeof *im);

	im->b.ops = &ops;
	im->cfg = *cfg;
	net_config_copy(&im->cfg.net, &cfg->net);
	im->cfg.auth = xstrdup(cfg->auth);
	if (im->cfg.net.io_ms <= 0)
		im->cfg.net.io_ms = IMAP_IO_MS;
	im->cancel = cancel;
	return &im->b;
}
