/* envelope.h - addresses and checks that making and preparing a message share. */
#ifndef DUNLIN_MIME_ENVELOPE_H
#define DUNLIN_MIME_ENVELOPE_H

#include <gmime/gmime.h>

#include "compose.h"

/* No control byte but tab, and valid UTF-8: else ERR_MSG naming the field. NULL is fine. */
enum err field_check(const char *field, const char *value, struct error *e);

/* An address list as typed or as a header has it; NULL for an empty one is *out
 * NULL. ERR_MSG: something in it is no address. A domain in UTF-8 becomes its
 * ASCII form. The caller unrefs. */
enum err addresses_read(InternetAddressList **out, const char *field, const char *value,
	struct error *e);
/* All of them, each once (the domain's case aside), as envelope recipients. */
void letter_add_recipients(struct letter *l, InternetAddressList *list);
/* The first mailbox's address; NULL when there is none. Borrowed. */
const char *addresses_first(InternetAddressList *list);

/* "token@domain of the sender": never this machine's name. Owned. */
char *message_id_new(const char *sender, const struct compose_stamp *stamp);
GDateTime *stamp_time(const struct compose_stamp *stamp);

/* The promises of compose.h about the bytes; sets needs_utf8 and needs_8bit. */
enum err letter_check(struct letter *l, struct error *e);

/* Appends p[0..n) with CRLF for whatever ends its lines, the last one too. */
void line_ends_repair(struct str *out, const char *p, size_t n);
/* The From_ line of an mbox before a message whose line ends are
 * repaired; 0: there is none. */
size_t from_line_length(const struct str *s);
/* Appends "name: value", folded. */
void header_put(struct str *out, GMimeFormatOptions *format, const char *name,
	const char *value);

/* CRLF line ends, folded, RFC 2231 parameters. The caller frees. */
GMimeFormatOptions *format_new(void);

bool has_8bit(const char *p, size_t n);

/* ---- build_files.c ---- */

/* 7bit or 8bit: as the message that it is; else base64. */
GMimeContentEncoding file_encoding(const struct draft_file *f);
/* The message of n bytes, built with attachments that are empty, and their bytes in
 * it. ERR_CANCELLED: d->go_on. */
enum err files_insert(struct str *out, const struct draft *d, const char *boundary,
	const char *skeleton, size_t n, struct error *e);

#endif
