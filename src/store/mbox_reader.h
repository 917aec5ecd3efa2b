/* mbox_reader.h - pieces of lines out of a file or another source, in constant memory. */
#ifndef DUNLIN_MBOX_READER_H
#define DUNLIN_MBOX_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "mbox.h"
#include "str.h"

/* The longest line that is looked at as a whole, and how much is read at a time; tests
 * make both tiny, so that small files cross every edge. */
#ifndef MBOX_LINE
#define MBOX_LINE (64 * 1024)
#endif
#ifndef MBOX_CHUNK
#define MBOX_CHUNK (256 * 1024)
#endif
enum { MBOX_FROM_LINE = 512 };		/* no From_ line is as long */
#ifndef MBOX_TAIL_WINDOW	/* how far from the end a search for the newest begins */
#define MBOX_TAIL_WINDOW (256 * 1024)
#endif

/* A line with its end, or, where it is longer than MBOX_LINE, a piece of it. */
struct piece {
	const char *p;
	size_t n;
	uint64_t pos;			/* in the file */
	bool starts, ends;		/* begins a line; ends with '\n' or the file */
};

struct reader {
	int fd;				/* -1: src */
	const struct mbox_source *src;
	uint64_t pos, end;		/* where the buffer begins; where a file stops */
	char *buf;
	size_t size, len, off;		/* the buffer grows to MBOX_LINE + MBOX_CHUNK */
	bool eof, in_line, has_read;
};

void reader_init_fd(struct reader *r, int fd, uint64_t from, uint64_t end);
/* The same for whoever may stop soon: begins with a small buffer,
 * which grows as it goes on. */
void reader_init_head(struct reader *r, int fd, uint64_t from, uint64_t end);
void reader_init_source(struct reader *r, const struct mbox_source *src);
void reader_clear(struct reader *r);
/* ERR_OK with p->n == 0 at the end. */
enum err reader_next(struct reader *r, struct piece *p, struct error *e);
/* Passes over lines, as far as they are in the buffer, up to an empty one or one that begins
 * like a From_ line: most of a file. False: there was none to pass over. */
bool reader_skip_text(struct reader *r);

bool piece_is_blank(const struct piece *p);
/* A From_ line with a date; *arrived may be NULL. */
bool piece_is_from_line(const struct piece *p, int64_t *arrived);
/* One as programs write it: a sender, the day of the week and the rest of the date. */
bool piece_is_plain_from_line(const struct piece *p, int64_t *arrived);
/* What may stand behind a From_ line: a header field, an empty line, another From_ line. */
bool piece_opens_message(const struct piece *p);
bool piece_is_field(const struct piece *p);	/* the first line of a header field */
/* ">From ", ">>From " and so on: how many '>' stand before "From "; -1: no such line. */
int piece_quoted_from(const struct piece *p);
/* Which of the two flag headers it is: 's' Status, 'x' X-Status, 0 neither. */
char piece_status_header(const struct piece *p);

/* Folds one header line into the hash that names the message (FNV-1a; start with 0), but for
 * lines that programs write for themselves. */
uint64_t piece_hash(uint64_t hash, const struct piece *p, bool *in_own_header);

uint32_t status_flags(const char *value, size_t n);	/* letters of both headers */
void status_format(uint32_t flags, char status[3], char xstatus[5]);

/* One message's header as it stands in the file. */
struct mbox_head {
	struct mbox_msg msg;		/* end_pos not filled in */
	/* values with their padding; n 0: none */
	struct { uint64_t pos; size_t n; } status, xstatus;
};
/* Reads the header at from_pos. ERR_FOLDER when there is no From_ line. */
enum err mbox_head_read(struct mbox_head *h, int fd, uint64_t from_pos, uint64_t size,
	struct error *e);

/* Whose `msg` that is, of those that a scan visits. */
const struct mbox_head *mbox_head_of(const struct mbox_msg *m);
/* The message at from_pos, its end too. */
enum err mbox_span(int fd, uint64_t from_pos, uint64_t size, struct mbox_msg *out,
	struct error *e);

/* mbox_scan of an open file of that size, without its lock. */
enum err mbox_scan_fd(int fd, uint64_t from, uint64_t size, mbox_visit *visit, void *ctx,
	const struct cancel *cancel, struct error *e);

/* mbox_check of an open file of that size. */
enum err mbox_check_fd(int fd, uint64_t size, const char *path, struct error *e);

/* The first message boundary behind `from`, which may be anywhere; size when there is none.
 * What stands before `from` is looked at, too. */
enum err mbox_next_boundary(int fd, uint64_t from, uint64_t size, uint64_t *out,
	struct error *e);

/* Opens for reading, under the shared lock; *fd -1: there is no such file. */
enum err mbox_open_shared(int *fd, const char *path, const struct cancel *cancel,
	struct error *e);
/* mbox_read of an open file, of a message that a scan of it found. */
enum err mbox_copy_out(int fd, const struct mbox_msg *m, mbox_write *write, void *ctx,
	struct error *e);

/* How many line ends are missing before a From_ line may follow at `size`. */
int mbox_missing_newlines(int fd, off_t size);

struct mbox_lock {
	int fd;
	char *path, *dotlock;		/* the real path; NULL: no dotlock taken */
};
/* Waits some seconds for whoever holds it; cancel (may be NULL) ends the waiting. */
enum err mbox_lock(struct mbox_lock *l, const char *path, bool create,
	const struct cancel *cancel, struct error *e);
void mbox_unlock(struct mbox_lock *l);
/* For reading, until fd is closed: whoever appends at this moment has finished then. */
enum err mbox_lock_shared(int fd, const char *path, const struct cancel *cancel,
	struct error *e);

/* The stamp of an open file, taken so late that whoever writes
 * afterwards gives it another one. */
enum err mbox_stamp_fd(struct mbox_stamp *out, int fd, struct error *e);

bool mbox_fits_in_place(const struct mbox_head *h, uint32_t flags);
/* Writes the flags over themselves: there has to be room. */
enum err mbox_mark(int fd, const struct mbox_head *h, uint32_t flags, struct error *e);
/* Of all, durably; where that fails, of none. */
enum err mbox_mark_all(int fd, const struct mbox_change *c, const struct mbox_head *heads,
	size_t n, struct error *e);

/* The file of that size with the changes made, through a new file; l->fd is the old
 * one afterwards. The changes are in the file's order, each still at its message.
 * *stamp is of the new file. */
enum err mbox_rewrite(const struct mbox_lock *l, uint64_t size,
	const struct mbox_change *changes, size_t n, struct mbox_stamp *stamp,
	struct error *e);

/* The file with [other_from, other_to) of `other` in the place of [from, end) and of the empty
 * line behind that, through a new file; l->fd is the old one afterwards. */
enum err mbox_splice(const struct mbox_lock *l, uint64_t from, uint64_t end, int other,
	uint64_t other_from, uint64_t other_to, struct error *e);
/* The file without [from, to), through a new file; l->fd is the old one afterwards. */
enum err mbox_cut_out(const struct mbox_lock *l, uint64_t size, uint64_t from, uint64_t to,
	struct error *e);

#endif
