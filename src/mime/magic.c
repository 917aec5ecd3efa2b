/* magic.c - the media type of an attachment: by what its bytes look like (libmagic) where they
 * have clear marks, since names lie; else by the ending of its name. */
#include <magic.h>
#include <string.h>

#include "compose.h"

/* What libmagic tells of many formats that are plain text, or that it does not know. */
static const struct {
	const char *ending, *type;
} endings[] = {
	{ ".txt", "text/plain" }, { ".md", "text/markdown" }, { ".html", "text/html" },
	{ ".css", "text/css" }, { ".csv", "text/csv" },
	{ ".tsv", "text/tab-separated-values" }, { ".patch", "text/x-diff" },
	{ ".diff", "text/x-diff" }, { ".ics", "text/calendar" }, { ".vcf", "text/vcard" },
	{ ".json", "application/json" }, { ".xml", "application/xml" },
	{ ".svg", "image/svg+xml" }, { ".asc", "application/pgp-signature" },
	{ ".webp", "image/webp" }, { ".heic", "image/heic" }, { ".avif", "image/avif" },
	{ ".mp3", "audio/mpeg" }, { ".png", "image/png" }, { ".jpg", "image/jpeg" },
	{ ".jpeg", "image/jpeg" }, { ".gif", "image/gif" }, { ".mp4", "video/mp4" },
	{ ".ogg", "audio/ogg" }, { ".pdf", "application/pdf" }, { ".zip", "application/zip" },
	{ ".gz", "application/gzip" }, { ".tar", "application/x-tar" },
	{ ".7z", "application/x-7z-compressed" },
	{ ".odt", "application/vnd.oasis.opendocument.text" },
	{ ".epub", "application/epub+zip" },
	{ ".ods", "application/vnd.oasis.opendocument.spreadsheet" },
	{ ".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document" },
	{ ".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" },
	{ ".pptx",
		"application/vnd.openxmlformats-officedocument.presentationml.presentation" },
};

static const char *
by_ending(const char *name)
{
	const char *dot = name ? strrchr(name, '.') : NULL;

	for (size_t i = 0; dot && i < LEN(endings); i++) {
		if (str_ieq(endings[i].ending, dot))
			return endings[i].type;
	}
	return NULL;
}

static bool
has_ending(const char *name, const char *ending)
{
	const char *dot = name ? strrchr(name, '.') : NULL;

	return dot && str_ieq(dot, ending);
}

/* Formats that it knows by clear marks. Of others it knows no more than what they are made of,
 * or guesses: counting bytes are a TGA picture to it. */
static bool
is_sure(const char *type)
{
	static const char *const sure[] = { "image/png", "image/jpeg", "image/gif",
		"image/webp", "image/tiff", "application/pdf", "audio/ogg", "audio/flac",
		"video/mp4", "video/webm" };

	for (size_t i = 0; i < LEN(sure); i++) {
		if (str_eq(sure[i], type))
			return true;
	}
	return false;
}

char *
compose_media_type(const char *name, const void *p, size_t n)
{
	magic_t m = n > 0 && !has_ending(name, ".eml")
		? magic_open(MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS) : NULL;
	const char *type = m && magic_load(m, NULL) == 0 ? magic_buffer(m, p, n) : NULL;
	const char *named = by_ending(name);

	if (has_ending(name, ".eml"))
		type = "message/rfc822";
	else if (!type || !strchr(type, '/') || str_starts(type, "message/"))
		type = named ? named : type && strchr(type, '/') ? "text/plain"
			: "application/octet-stream";
	else if (!is_sure(type) && named)
		type = named;
	char *copy = xstrdup(type);
	if (m)
		magic_close(m);
	return copy;
}
