/* local_int.h - the backend of mbox files: what its files share, and its calls (backend.h),
 * each in the file of its noun. */
#ifndef DUNLIN_LOCAL_INT_H
#define DUNLIN_LOCAL_INT_H

#include "local.h"
#include "local_ahead.h"
#include "local_map.h"

struct local {
	struct backend b;
	struct local_config cfg;		/* owned copies */
	struct cancel *cancel;
	struct maps maps;
	struct map map;				/* of the open folder */
	struct ahead ahead;
	char *wire;				/* its name; NULL: none open */
};

static inline struct local *
local_self(struct backend *b)
{
	return (struct local *)b;
}

/* ---- local.c ---- */

/* What was cut in two, if anything. What cannot be finished now (a full disk, a lock)
 * keeps nobody from reading; it is tried again whenever a folder is opened or synced, and
 * before anything is moved. */
void local_finish(struct local *l);

/* ---- local_folders.c: names and files ---- */

/* The file of a folder, owned by the caller; NULL when that cannot be a folder's name. */
char *local_path(const struct local *l, const char *wire, struct error *e);
enum err local_make_parent(const char *path, struct error *e);
void local_fill_counts(const struct local *l, const struct map_counts *c,
	struct folder_status *st);
void local_fill_status(const struct local *l, const struct map *m, struct folder_status *st);

char *local_wire_name(struct backend *b, const char *name);
enum err local_folders(struct backend *b, const struct backend_folder_sink *sink,
	struct error *e);
enum err local_folder_create(struct backend *b, const char *wire, struct error *e);
enum err local_folder_rename(struct backend *b, const char *wire, const char *to,
	struct error *e);
enum err local_folder_delete(struct backend *b, const char *wire, struct error *e);
enum err local_status(struct backend *b, const char *wire, struct folder_status *st,
	struct error *e);

/* ---- local_messages.c: the open folder, as it is told ---- */

/* What other programs did to the file is taken in. */
enum err local_up_to_date(struct local *l, struct error *e);
/* The file looks untouched, and yet that message is not where the map says. */
bool local_is_misled(struct local *l, uint32_t uid);

enum err local_open(struct backend *b, const char *wire, const struct folder_known *known,
	const struct folder_sink *sink, struct folder_status *st, bool *delta,
	struct error *e);
enum err local_changes(struct backend *b, const struct folder_known *known,
	const struct folder_sink *sink, struct folder_status *st, struct error *e);
enum err local_uids(struct backend *b, struct uidset *out, struct error *e);
enum err local_newest(struct backend *b, uint32_t n, const struct folder_sink *sink,
	struct error *e);
enum err local_headers(struct backend *b, const struct uidset *uids,
	const struct folder_sink *sink, struct error *e);
enum err local_structure(struct backend *b, uint32_t uid, struct arena *a, struct part **root,
	struct error *e);
enum err local_fetch(struct backend *b, uint32_t uid, const char *section,
	const struct byte_sink *sink, struct error *e);
enum err local_find(struct backend *b, const char *wire, const char *message_id, uint32_t from,
	struct uidset *out, struct error *e);
enum err local_arrivals(struct backend *b, const char *wire, uint32_t from,
	const struct folder_sink *sink, struct error *e);

/* ---- local_edit.c: what a person does to messages ---- */

enum err local_set_flags(struct backend *b, const struct uidset *uids, uint32_t set,
	uint32_t clear, struct error *e);
enum err local_move(struct backend *b, const struct uidset *uids, const char *wire,
	struct uid_map *map, struct error *e);
enum err local_copy(struct backend *b, const struct uidset *uids, const char *wire,
	struct uid_map *map, struct error *e);
enum err local_expunge(struct backend *b, const struct uidset *uids, struct error *e);
enum err local_append(struct backend *b, const char *wire, const struct byte_source *from,
	uint32_t flags, int64_t arrived, uint32_t *uid, struct error *e);

#endif
