/* ask.h - questions to a person at a terminal, or to a pipe with a line for each answer. */
#ifndef DUNLIN_CLI_ASK_H
#define DUNLIN_CLI_ASK_H

#include <stdbool.h>

#include "cancel.h"

/* Prints `text`, and `fallback` (may be NULL) as what an empty line stands for; reads
 * a line. Owned, without white space around it; wiped by secret_free where
 * `is_secret`, which also turns the terminal's echo off meanwhile. NULL: the input has
 * ended, or the cancel was fired. */
char *ask(const char *text, const char *fallback, bool is_secret, const struct cancel *cancel);

#endif
