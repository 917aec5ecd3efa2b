/* compose.h - what a person wrote to the bytes that go out, made once. GMime stays below.
 *
 * Pure like mime.h: no clock and no randomness but what the stamp brings, no file, no network;
 * any thread after mime_init. The result always has CRLF at every line end and at most 998
 * bytes in a line, no NUL, no bare CR or LF, and no Bcc (RFC 5321 4.5.2, SECURITY 13 and 15):
 * it is checked as the last step, whatever came in. Errors are ERR_MSG: what the person wrote
 * cannot be sent, and why. */
#ifndef DUNLIN_COMPOSE_H
#define DUNLIN_COMPOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "str.h"

/* When, and a word nobody else will use (letters and digits) for Message-ID and boundaries. */
struct compose_stamp {
	int64_t now;			/* seconds since 1970 UTC */
	int tz_minutes;			/* east of UTC */
	const char *token;
};

struct draft_file {
	const char *name;		/* reduced by path_safe_name */
	/* "image/png"; NULL or nonsense: application/octet-stream. "message/rfc822": a
	 * message, which goes unencoded, as RFC 2046 5.2.1 wants it, and as a file of bytes
	 * where that cannot be (a NUL, a line over 990 bytes). INVITATION_ANSWER_TYPE: see
	 * invitation.h */
	const char *type;
	const void *data;
	size_t len;
};

/* UTF-8; NULL is empty. Address fields are lists as people type them, groups included. */
struct draft {
	const char *from, *to, *cc, *bcc, *subject;
	/* ids with or without angle brackets, separated by spaces */
	const char *in_reply_to;
	const char *references;		/* the same, oldest first */
	/* any line ends; bytes that are not UTF-8 are kept as they are */
	const char *text;
	size_t text_len;
	const char *followup_to;	/* Mail-Followup-To; what is no address
					 * in it is left out */
	bool is_flowed;			/* lines that end in a space go on in the
					 * next (RFC 3676) */
	bool is_sealed;			/* to be signed: no line of it ends in a space
					 * as it is sent (RFC 3156 5) */
	const struct draft_file *files;
	size_t n_files;
	/* Not NULL: to be kept in a Drafts folder under this name (X-Dunlin-Draft,
	 * letters and digits), and resumed by any client: Bcc stays in it, recipients and
	 * From may be missing or half typed */
	const char *draft_name;
	/* Between pieces of some MB of the files, with how many of their bytes are done;
	 * false: stop, and ERR_CANCELLED. NULL: nobody asks */
	bool (*go_on)(void *ctx, uint64_t done);
	void *go_on_ctx;
};

/* A finished message and to whom it goes. */
struct letter {
	struct str bytes;
	char *sender;			/* envelope sender: the address of From */
	char **to;			/* envelope recipients, each once: To, Cc and Bcc */
	char **names;			/* what each is called; "": not known */
	size_t n_to, cap_to;
	char *message_id;		/* without brackets */
	char *subject, *shown_to;	/* for lists: decoded, not clean */
	/* 8-bit in the header or an address: SMTPUTF8 (RFC 6531) */
	bool needs_utf8;
	/* 8-bit in the body: 8BITMIME; of a draft only where a message
	 * is attached that has some */
	bool needs_8bit;
	bool is_resent;			/* somebody's mail: no copy of it for Sent */
};
void letter_clear(struct letter *l);

/* A list as typed is one that mail can go to: else ERR_MSG, naming
 * the field and what is wrong. */
enum err compose_addresses(const char *field, const char *list, struct error *e);

/* What these bytes are: "image/png"; owned. By libmagic, whose own data file is read (some
 * milliseconds), where they have clear marks; else by the ending of the name, which may be
 * NULL. A message (.eml) is message/rfc822. */
char *compose_media_type(const char *name, const void *p, size_t n);

enum { COMPOSE_MAX_BYTES = 256 << 20 };		/* of a finished message */

enum err compose_build(struct letter *out, const struct draft *d,
	const struct compose_stamp *stamp, struct error *e);

/* A message that is there already, as a program hands it to sendmail -t: a From_ line before
 * it goes, as do Bcc, Return-Path and bare line ends; From (`from`), Date, Message-ID and what
 * says that text is UTF-8 are added where missing, raw UTF-8 in Subject and names is encoded.
 * `also`, which may be NULL, is a list of further recipients. ERR_MSG too: no header, no
 * recipient, NUL, a line over 998 bytes. */
enum err compose_prepare(struct letter *out, const char *raw, size_t n, const char *from,
	const char *also, const struct compose_stamp *stamp, struct error *e);

/* Somebody's message to new recipients (`to`, a list), as RFC 5322 3.6.6 has it: a block of
 * Resent- fields before it, and behind that every field and the body byte for byte, line ends
 * aside. What belongs to the copy that came here goes: a From_ line, Bcc, Return-Path and
 * Delivered-To (by which Postfix would take it for a mail that goes round in circles). ERR_MSG
 * as compose_prepare. message_id is that of the resending. */
enum err compose_resend(struct letter *out, const char *raw, size_t n, const char *from,
	const char *to, const struct compose_stamp *stamp, struct error *e);

#endif
