/* accounts.h - which accounts a command line names. */
#ifndef DUNLIN_CLI_ACCOUNTS_H
#define DUNLIN_CLI_ACCOUNTS_H

#include "rc.h"

/* Is `a` among the n names; without any name every account is. */
bool account_is_named(const struct rc_account *a, char *const *names, int n);
/* How many of the names are no account; each is told on stderr, with the nearest valid one. */
int accounts_unknown(const struct rc *rc, char *const *names, int n);

#endif
