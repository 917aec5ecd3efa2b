/* settings.h - the table of settings at work: defaults, and values as people write them. */
#ifndef DUNLIN_RC_SETTINGS_H
#define DUNLIN_RC_SETTINGS_H

#include "rc.h"

/* Of one section's kind ("mail" or "account"), its settings begin at *first, n of them. */
void settings_of(const char *section, size_t *first, size_t *n);
const struct rc_setting *setting_find(const char *section, const char *name);

/* Writes the value into the struct (rc or account) that the setting's offset is of. On an
 * error what was there stays. The text never repeats a secret. */
enum err setting_put(const struct rc_setting *s, void *into, const char *value,
	struct error *e);
/* Whether all of a list are addresses; *e names the one that is none. */
enum err addresses_check(const char *name, const char *list, struct error *e);
void settings_init(const char *section, void *into);	/* the defaults; into is zeroed */
void settings_clear(const char *section, void *into);	/* frees and wipes */

#endif
