/* account.c - see account.h. */
#include <string.h>

#include "account.h"
#include "imap.h"
#include "str.h"

static struct backend *
imap_backend(const struct rc *rc, const struct rc_account *a, struct cancel *cancel)
{
	static const enum net_security security[] = {
		[RC_TLS] = NET_TLS, [RC_STARTTLS] = NET_STARTTLS, [RC_PLAIN] = NET_PLAIN,
	};
	struct imap_config cfg = {
		.net = {
			.host = a->receive.host,
			.port = a->receive.port,
			.security = security[a->receive.security],
			.ca_file = a->ca_file,
			.fingerprint = a->tls_fingerprint,
			.io_ms = rc->timeout_s * 1000,
		},
		.auth = a->auth,
	};

	return imap_new(&cfg, cancel);
}

struct backend *
account_backend(const struct rc *rc, const struct rc_account *a, struct cancel *cancel,
	struct error *e)
{
	switch (a->receive.protocol) {
	case RC_IMAP:
		return imap_backend(rc, a, cancel);
	case RC_POP3:
		error_set(e, ERR_UNSUPPORTED, "account '%s': POP3 is not supported yet", a->name);
		return NULL;
	case RC_MBOX:
		error_set(e, ERR_UNSUPPORTED, "account '%s': local mbox folders are not supported yet",
			a->name);
		return NULL;
	case RC_SMTP:
		error_set(e, ERR_UNSUPPORTED, "account '%s': 'receive' names a server for sending",
			a->name);
		return NULL;
	case RC_NONE:
		break;
	}
	error_set(e, ERR_UNSUPPORTED, "account '%s' has no 'receive' in the mailrc", a->name);
	return NULL;
}

bool
account_needs_password(const struct rc_account *a)
{
	return a->receive.protocol == RC_IMAP || a->receive.protocol == RC_POP3;
}

enum err
account_password(char **out, const struct rc_account *a, struct cancel *cancel, struct error *e)
{
	enum { DEADLINE_MS = 60 * 1000 };

	*out = NULL;
	if (a->password) {
		*out = xstrdup(a->password);
		return ERR_OK;
	}
	if (a->password_command)
		return secret_command(out, a->password_command, cancel, DEADLINE_MS, e);
	return error_set(e, ERR_AUTH, "account '%s' has neither 'password-command' nor 'password'",
		a->name);
}
