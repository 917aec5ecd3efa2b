/* keys.h - keys, their names, and what they are bound to.
 *
 * A key is one number: a character, or KC_ something, with modifiers. Names are "a",
 * "<C-d>", "<Alt-x>", "<Enter>", "<F1>"; a sequence is names side by side: "gg", "<C-x>s". */
#ifndef DUNLIN_UI_KEYS_H
#define DUNLIN_UI_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "command.h"
#include "err.h"
#include "rc.h"

enum key_code {
	KC_FIRST = 0x110000,		/* behind the last character of Unicode */
	KC_UP = KC_FIRST, KC_DOWN, KC_LEFT, KC_RIGHT, KC_HOME, KC_END, KC_PAGE_UP,
	KC_PAGE_DOWN, KC_INSERT, KC_DELETE, KC_BACKSPACE, KC_ENTER, KC_TAB, KC_ESC,
	KC_F1, KC_F12 = KC_F1 + 11,
	KC_LAST,
	KC_SHIFT = 1 << 24,		/* of KC_ keys only */
	KC_CTRL = 1 << 25,		/* of a lower-case letter or one of
					 * @[\]^_, or a KC_ key */
	KC_ALT = 1 << 26
};

enum { KEYS_MAX = 4 };			/* longest sequence */

/* Appends the name of one key. */
void key_text(struct str *out, uint32_t key);
void keys_text(struct str *out, const uint32_t *keys, int n);
/* Reads a sequence. ERR_LOCAL: what is wrong with it. */
enum err keys_parse(const char *text, uint32_t keys[KEYS_MAX], int *n, struct error *e);
/* One number for what terminals send in several ways: ^M is Enter, ^I Tab, 127 and ^H
 * Backspace, a control byte its letter with KC_CTRL. */
uint32_t key_of_byte(unsigned char c);

struct binding {
	unsigned view;			/* one enum view_bit */
	uint32_t keys[KEYS_MAX];
	int n;
	char *line;			/* "delete", "limit is:unread" */
};

/* No binding is the beginning of another of the same view: the later one wins and removes
 * what it hides, so that no key ever waits for a time-out. */
struct keymap {
	struct binding *v;
	size_t n, cap;
};

/* The map of that name: "default", "mutt", "vim"; NULL: default. */
void keymap_init(struct keymap *m, const char *name);
/* The [keys VIEW] sections of the rc upon it; what is wrong is told, a line each, with the
 * nearest valid word. The section "" (or "all") means every view that has the command; the
 * value "none" unbinds. */
void keymap_read(struct keymap *m, const struct rc *rc,
	void (*problem)(void *ctx, const char *line), void *ctx);
void keymap_clear(struct keymap *m);

/* Binds keys in the views (bits) to a command line; "" or "none" unbinds. */
enum err keymap_bind(struct keymap *m, unsigned views, const char *keys, const char *line,
	struct error *e);

enum key_match { KEYS_NONE, KEYS_PREFIX, KEYS_BOUND };
enum key_match keymap_find(const struct keymap *m, unsigned view, const uint32_t *keys, int n,
	const struct binding **out);

/* Tells each key sequence that may come next after a prefix, with its command line. */
void keymap_hints(const struct keymap *m, unsigned view, const uint32_t *keys, int n,
	void (*hint)(void *ctx, const char *key, const char *line), void *ctx);

/* The keys of a command in a view, "j <Down>"; appends nothing when there are none. */
void keymap_keys_of(const struct keymap *m, unsigned view, const struct command *c,
	struct str *out);
/* The first of them; "" when there are none. For hints. */
void keymap_key_of(const struct keymap *m, unsigned view, enum command_id id, struct str *out);

#endif
