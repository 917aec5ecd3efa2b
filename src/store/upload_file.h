/* upload_file.h - what the files of the store need of a file of data/uploads; it is begun,
 * written and given up as store_uploads.h tells. */
#ifndef DUNLIN_STORE_UPLOAD_FILE_H
#define DUNLIN_STORE_UPLOAD_FILE_H

#include "store_db.h"

/* fsync, of the directory too */
enum err upload_seal(struct upload_file *f, struct error *e);
void upload_close(struct upload_file *f);			/* it stays; f is freed */
const char *upload_name(const struct upload_file *f);
uint64_t upload_size(const struct upload_file *f);
int upload_open(const struct store *s, const char *name, uint64_t size_bytes, struct error *e);
void upload_remove(const struct store *s, const char *name);	/* "": nothing */
char *upload_dir(const struct store *s);			/* where they are; owned */

#endif
