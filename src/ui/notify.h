/* notify.h - a command of the person's own is told of new mail.
 *
 * Run by sh -c beside us, in a session of its own, with /dev/null for its three streams. What
 * came is in its environment and never in its command line: DUNLIN_ACCOUNT, DUNLIN_FOLDER,
 * DUNLIN_COUNT, and of the newest message DUNLIN_FROM and DUNLIN_SUBJECT, without control
 * characters, at most 500 bytes each. What comes within a second is one call for each account;
 * one runs at a time, and after 15 s it is killed with all it started. Nothing here waits. */
#ifndef DUNLIN_UI_NOTIFY_H
#define DUNLIN_UI_NOTIFY_H

#include <stdint.h>

struct notify;

/* Borrowed; of the newest message. */
struct new_mail {
	const char *account, *folder, *from, *subject;
	uint32_t count;
};

struct notify *notify_new(const char *command);		/* borrowed */
/* What runs goes on by itself. NULL is fine. */
void notify_free(struct notify *n);
void notify_add(struct notify *n, const struct new_mail *m, int64_t now_ms);
/* Starts what is due, looks after what runs. */
void notify_step(struct notify *n, int64_t now_ms);
/* How long until notify_step has something to do; -1: until notify_add. */
int notify_next_ms(const struct notify *n, int64_t now_ms);

#endif
