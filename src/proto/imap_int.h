/* imap_int.h - what the files of the IMAP adapter share.
 *
 * One struct imap is one connection. imap_io.c finds the framing and reads whole responses,
 * imap_cmd.c sends commands and gives every untagged response first to the session's own
 * state, then to the handler of the command under way. The rest are commands. */
#ifndef DUNLIN_IMAP_INT_H
#define DUNLIN_IMAP_INT_H

#include "imap.h"
#include "imap_scan.h"
#include "str.h"

enum imap_ext {
	X_STARTTLS = 1 << 0, X_LOGINDISABLED = 1 << 1, X_SASL_IR = 1 << 2, X_IDLE = 1 << 3,
	X_ENABLE = 1 << 4, X_CONDSTORE = 1 << 5, X_QRESYNC = 1 << 6, X_MOVE = 1 << 7,
	X_UIDPLUS = 1 << 8, X_SPECIAL_USE = 1 << 9, X_LIST_EXTENDED = 1 << 10,
	X_LIST_STATUS = 1 << 11, X_NAMESPACE = 1 << 12, X_ID = 1 << 13,
	X_LITERAL_PLUS = 1 << 14, X_LITERAL_MINUS = 1 << 15, X_ESEARCH = 1 << 16,
	X_REV1 = 1 << 17, X_REV2 = 1 << 18,
	X_TOLD = 1 << 19		/* a CAPABILITY response was seen at all */
};

enum {
	IMAP_IO_MS = 60 * 1000,
	IMAP_MAX_RESPONSE = 8 << 20,	/* one response in memory */
	IMAP_MAX_KEPT = 512 << 10,	/* of one literal in it; the rest is
					 * read and dropped */
	IMAP_SLICE = 500,		/* summaries a command */
	IMAP_AT_ONCE = 4,		/* such commands in one go */
	IMAP_RANGE = 1 << 20,		/* bytes of a body a command */
	IMAP_PROGRESS = 32 << 10,	/* bytes that count as a sign of life */
	IMAP_MAX_EAGER = 64 << 10,	/* a literal sent without waiting for "+" */
	IMAP_SET_MAX = 4000,		/* characters of a UID set in a command */
	IMAP_MAX_FOLDERS = 50000,
	IMAP_MAX_SYNC = 4
};
#define IMAP_MAX_BYTES ((uint64_t)64 << 20)	/* what a command may bring */
#define IMAP_MAX_BULK ((uint64_t)1 << 30)	/* flags or UIDs of all messages */

enum imap_status { IMAP_OPEN, IMAP_OK, IMAP_NO, IMAP_BAD };

/* A command to send, and its answer. All zero is empty. */
struct imap_cmd {
	struct str text;		/* behind the tag, without the last CRLF */
	size_t sync[IMAP_MAX_SYNC];	/* where in it the server must say "+" first */
	size_t n_sync;
	const char *bad;		/* why it must not be sent; NULL: fine */
	const struct byte_source *tail;	/* the literal that ends it; NULL: none */
	char tag[16];
	enum imap_status status;
	struct str words;		/* the server's, behind OK, NO or BAD */
};

/* A FETCH response. Pointers are good inside the callback. */
struct imap_fetch {
	uint32_t seq, uid;
	uint32_t flags;
	uint64_t modseq, size_bytes;
	int64_t arrived;
	const char *header;		/* BODY[HEADER...]; NULL: none */
	size_t header_len;
	const char *body;		/* BODY[...] that was not streamed; NULL: none */
	size_t body_len;
	struct scan structure;		/* BODYSTRUCTURE, not yet parsed; p NULL: none */
	bool has_flags, has_date, has_size;
	bool is_damaged;		/* something in it made no sense; the rest is good */
};

struct imap;
/* Who hears of what a command brings. NULL slots are skipped. */
struct imap_handler {
	void *ctx;
	void (*fetch)(void *ctx, struct imap *im, const struct imap_fetch *f);
	void (*vanished)(void *ctx, struct imap *im, const struct uidset *uids);
	/* Any other: its name in capitals, what stands behind it. */
	void (*other)(void *ctx, struct imap *im, const char *name, struct scan *s);
};

/* Where the literal of BODY[section] goes, piece by piece, as it arrives. */
struct imap_body {
	const struct byte_sink *sink;
	char item[80];			/* "BODY[1.2]" as the response must name it */
	uint64_t bytes;			/* streamed so far by the command under way */
	bool is_seen;
	bool has_origin;		/* "<0>": the server knows ranges */
	enum err code;			/* of the sink */
	struct error error;
};

struct imap {
	struct backend b;		/* first: the backend is the session */
	struct imap_config cfg;
	struct cancel *cancel;
	struct net *net;
	struct _mailstream *stream;

	char in[32 << 10];		/* read, not yet looked at */
	size_t in_pos, in_len;
	struct str resp;		/* the response under way */
	struct str bye;			/* the server's last words */
	struct imap_body *body;
	const struct imap_handler *handler;
	struct imap_cmd *sent;		/* the commands under way */
	size_t n_sent;
	uint64_t bytes_at_start, max_bytes;
	unsigned n_responses;
	size_t progress_bytes;
	struct str challenge;		/* of the last "+" */
	bool got_plus;
	bool is_dead, is_authenticated, has_prelude;

	uint32_t tag;
	uint32_t ext;			/* enum imap_ext */
	struct str mechanisms;		/* space-separated */
	const char *mechanism;		/* the one used; "LOGIN command" */
	bool is_qresync, is_condstore;	/* ENABLEd */

	char delim;			/* '\0': not known */
	struct str prefix;		/* personal namespace */

	char *selected;			/* wire name; NULL: none */
	char *return_to;		/* find() left this one ("": none): opened
					 * again when needed */
	struct folder_status st;	/* of the selected */
	bool is_selecting;		/* codes and flags are about the
					 * folder being selected */
	bool is_modseq;			/* it has mod-sequences */
	bool is_dirty;			/* something changed since changes() */
	const struct uidset *own;	/* what our own edit under way is about: no news */
	uint64_t own_expunges;		/* how many EXPUNGEs it may bring */
	uint32_t max_uid;		/* the highest seen in this folder */

	struct str copy_from, copy_to;	/* COPYUID's sets */
	uint32_t append_uid;
};

static inline struct imap *
imap_of(struct backend *b)
{
	return (struct imap *)b;
}

/* ---- imap_io.c: bytes ---- */

/* Reads the next response, literals included, into im->resp. */
enum err imap_read(struct imap *im, struct error *e);
enum err imap_write(struct imap *im, const void *p, size_t n, struct error *e);
enum err imap_flush(struct imap *im, struct error *e);
bool imap_has_input(const struct imap *im);
/* Marks the connection dead and says why: the network's error, else the BYE, else `why`. */
enum err imap_die(struct imap *im, struct error *e, const char *why);

/* ---- imap_cmd.c: commands and responses ---- */

void imap_cmd_init(struct imap_cmd *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void imap_cmd_printf(struct imap_cmd *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* A string argument: quoted, or as a literal where it must be. */
void imap_cmd_string(struct imap *im, struct imap_cmd *c, const char *s);
void imap_cmd_literal(struct imap *im, struct imap_cmd *c, const void *p, size_t n);
/* The last argument, read while it is sent. */
void imap_cmd_tail(struct imap *im, struct imap_cmd *c, const struct byte_source *src);
void imap_cmd_clear(struct imap_cmd *c);

void imap_begin(struct imap *im, uint64_t max_bytes);
enum err imap_send(struct imap *im, struct imap_cmd *c, struct error *e);
/* Reads one response and deals with it. */
enum err imap_step(struct imap *im, struct error *e);
/* Sends all in one go, reads until each is answered. Errors are the connection's only. */
enum err imap_run(struct imap *im, struct imap_cmd *cmds, size_t n,
	const struct imap_handler *h, uint64_t max_bytes, struct error *e);
/* OK: ERR_OK; else `code` with the server's words. */
enum err imap_verdict(const struct imap_cmd *c, enum err code, struct error *e);
/* Both, for one command; clears it. */
enum err imap_do(struct imap *im, struct imap_cmd *c, const struct imap_handler *h,
	enum err code, struct error *e);
bool imap_code_is(const struct imap_cmd *c, const char *code);	/* "[CODE ..." in its words */

/* ---- the commands ---- */

void imap_forget(struct imap *im);	/* all that the server told so far */
void imap_capability(struct imap *im, struct scan *s);
enum err imap_connect(struct backend *b, const struct backend_login *l, struct error *e);
void imap_prelude(struct imap *im, struct imap_cmd *cmds, size_t *n);	/* at most 3 */

enum err imap_folders(struct backend *b, const struct backend_folder_sink *sink,
	struct error *e);
enum err imap_folder_create(struct backend *b, const char *wire, struct error *e);
enum err imap_folder_rename(struct backend *b, const char *wire, const char *to,
	struct error *e);
enum err imap_folder_delete(struct backend *b, const char *wire, struct error *e);
char *imap_wire_name(struct backend *b, const char *name);
enum err imap_folder_status(struct backend *b, const char *wire, struct folder_status *st,
	struct error *e);
void imap_namespace(struct imap *im, struct scan *s);

enum err imap_open(struct backend *b, const char *wire, const struct folder_known *known,
	const struct folder_sink *sink, struct folder_status *st, bool *delta,
	struct error *e);
enum err imap_changes(struct backend *b, const struct folder_known *known,
	const struct folder_sink *sink, struct folder_status *st, struct error *e);
enum err imap_uids(struct backend *b, struct uidset *out, struct error *e);
/* Every call on the open folder begins with this: is there one? find() may have left it. */
enum err imap_need_folder(struct imap *im, struct error *e);
enum err imap_find(struct backend *b, const char *wire, const char *message_id, uint32_t from,
	struct uidset *out, struct error *e);

/* UID SEARCH with `criteria`. */
enum err imap_search(struct imap *im, const struct imap_cmd *criteria, struct uidset *out,
	struct error *e);
enum err imap_search_text(struct backend *b, const struct uidset *uids, const char *words,
	struct uidset *out, struct error *e);
enum err imap_arrivals(struct backend *b, const char *wire, uint32_t from,
	const struct folder_sink *sink, struct error *e);

bool imap_fetch_parse(struct scan *s, struct imap_fetch *out);
uint32_t imap_flags_parse(struct scan *s, bool *has_star);
void imap_flags_format(struct str *out, uint32_t flags);
enum err imap_newest(struct backend *b, uint32_t n, const struct folder_sink *sink,
	struct error *e);
enum err imap_headers(struct backend *b, const struct uidset *uids,
	const struct folder_sink *sink, struct error *e);

/* The same of whatever is selected. */
enum err imap_summaries(struct imap *im, const struct uidset *uids,
	const struct folder_sink *sink, struct error *e);

enum err imap_fetch_section(struct backend *b, uint32_t uid, const char *section,
	const struct byte_sink *sink, struct error *e);
enum err imap_structure(struct backend *b, uint32_t uid, struct arena *a, struct part **root,
	struct error *e);
/* A BODYSTRUCTURE; NULL when it makes no sense. */
struct part *imap_structure_parse(struct arena *a, struct scan *s);

enum err imap_set_flags(struct backend *b, const struct uidset *uids, uint32_t set,
	uint32_t clear, struct error *e);
enum err imap_move(struct backend *b, const struct uidset *uids, const char *wire,
	struct uid_map *map, struct error *e);
enum err imap_copy(struct backend *b, const struct uidset *uids, const char *wire,
	struct uid_map *map, struct error *e);
enum err imap_expunge(struct backend *b, const struct uidset *uids, struct error *e);
enum err imap_append(struct backend *b, const char *wire, const struct byte_source *src,
	uint32_t flags, int64_t arrived, uint32_t *uid, struct error *e);
enum err imap_wait(struct backend *b, int timeout_ms, int wake, int *what, struct error *e);

#endif
