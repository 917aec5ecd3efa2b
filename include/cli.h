/* cli.h - the commands without a screen. Each returns the exit code (DESIGN 5); what goes
 * to stdout and stderr is cleaned (SECURITY 25), SIGINT and SIGTERM end them within 1 s. */
#ifndef DUNLIN_CLI_H
#define DUNLIN_CLI_H

#include <stdbool.h>

#include "path.h"
#include "rc.h"

int cli_show(const char *file, bool json);
int cli_check(const struct rc *rc, char *const *accounts, int n);
int cli_sync(const struct rc *rc, const struct dirs *d, char *const *accounts, int n);
/* Asks for address, servers and password command, tries them, writes the mailrc. */
int cli_setup(const struct dirs *d, const char *rc_path);

#endif
