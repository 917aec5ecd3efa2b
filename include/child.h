/* child.h - a shell that we run, with what the person wrote in the mailrc. Any thread: it is
 * posix_spawn, since between fork and exec nothing may be done that takes a lock. */
#ifndef DUNLIN_CHILD_H
#define DUNLIN_CHILD_H

#include <sys/types.h>

/* Runs /bin/sh with these arguments, the first of them "sh"; `env` NULL: our environment. in,
 * out and err become its standard ones, -1: /dev/null. It has a session, and so a group, of
 * its own (kill(-*pid) reaches all it starts), and no terminal: a key pressed at ours is not
 * for it. No signal is blocked or ignored. 0, or an errno; the caller waits for it. */
int child_shell(pid_t *pid, char *const argv[], char *const env[], int in, int out, int err);

#endif
