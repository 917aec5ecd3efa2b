/* str.h - growing byte strings, and allocation that does not fail.
 *
 * The x functions abort on exhaustion: they are for our own small needs. A length that
 * came from a server or a mail is checked against a limit before it gets here. */
#ifndef DUNLIN_STR_H
#define DUNLIN_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
void *xreallocarray(void *p, size_t n, size_t size);	/* aborts on overflow */
char *xstrdup(const char *s);				/* NULL gives NULL */
char *xstrndup(const char *s, size_t n);
void *xmemdup(const void *p, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Makes room for one more element: returns `a`, moved if need be, and updates *cap. */
void *array_grow(void *a, size_t n, size_t *cap, size_t size);

/* Wipes and frees a password. NULL is fine. */
void secret_free(char *s);

/* All zero is a valid empty string; data is NUL-terminated whenever it is not NULL. */
struct str {
	char *data;
	size_t len, cap;
};

/* exactly that, where all of a large one is known before */
void str_reserve(struct str *s, size_t more);
void str_add(struct str *s, const void *p, size_t n);
void str_puts(struct str *s, const char *z);		/* NULL adds nothing */
void str_putc(struct str *s, char c);
void str_printf(struct str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void str_vprintf(struct str *s, const char *fmt,
	va_list ap) __attribute__((format(printf, 2, 0)));
void str_cut(struct str *s, size_t len);		/* shortens to len; keeps the room */
const char *str_get(const struct str *s);		/* never NULL: "" when empty */
/* the bytes become the caller's, s empty */
char *str_take(struct str *s);
/* frees; s is empty and usable again */
void str_clear(struct str *s);
void str_wipe(struct str *s);		/* the same, and its bytes do not stay in memory */

bool str_eq(const char *a, const char *b);		/* NULL equals only NULL */
bool str_ieq(const char *a, const char *b);		/* ASCII case ignored, in any locale */
bool str_starts(const char *s, const char *prefix);
bool str_istarts(const char *s, const char *prefix);
const char *str_istr(const char *hay, const char *needle);	/* ASCII case ignored */

#endif
