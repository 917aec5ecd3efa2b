/* account.h - from what the rc says of an account to a backend and a password.
 *
 * The one place that knows which protocol has which implementation. Used by the workers, by
 * `dunlin check` and by `dunlin setup`. */
#ifndef DUNLIN_ACCOUNT_H
#define DUNLIN_ACCOUNT_H

#include "backend.h"
#include "pop3.h"
#include "rc.h"
#include "sendmail.h"
#include "smtp.h"

/* Chosen by the scheme of `receive`; not connected yet, the caller owns it (ops->close). The
 * rc and the cancel outlive it; data_dir is struct dirs.data. NULL with ERR_UNSUPPORTED and a
 * plain text when the protocol has none. */
struct backend *account_backend(const struct rc *rc, const struct rc_account *a,
	const char *data_dir, struct cancel *cancel, struct error *e);

/* Of a POP3 account, account_backend gives its local mbox files; mail comes into their
 * inbox over a session with these settings (strings borrowed). The directory they are
 * in is owned by the caller. */
struct pop3_config account_pop3(const struct rc *rc, const struct rc_account *a);
char *account_mbox_dir(const struct rc_account *a, const char *data_dir);

/* Whether there is anybody to log in to. */
bool account_needs_password(const struct rc_account *a);

/* The password for receiving, from the rc or from its password-command; owned, give it to
 * secret_free. ERR_AUTH: the rc has neither, ask the person. ERR_LOCAL: the command failed
 * (its last words in *e). Blocks for 60 s at most; ERR_CANCELLED ends the command too. */
enum err account_password(char **out, const struct rc_account *a, struct cancel *cancel,
	struct error *e);

/* The same for sending: its own, where the rc has one, else that for receiving. */
enum err account_send_password(char **out, const struct rc_account *a, struct cancel *cancel,
	struct error *e);
/* As `send` or `sendmail` says (rc_account_sends); not connected yet, the caller owns it. */
struct sender *account_sender(const struct rc *rc, const struct rc_account *a,
	struct cancel *cancel);

/* Runs `command` by sh -c, in a session of its own, without a terminal, and takes the first
 * line it prints (4 KB at most). The command and all it started are killed on cancel and after
 * deadline_ms. Never logged. */
enum err secret_command(char **out, const char *command, struct cancel *cancel,
	int deadline_ms, struct error *e);

#endif
