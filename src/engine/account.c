/* account.c - see account.h. */
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "imap.h"
#include "local.h"
#include "path.h"
#include "str.h"

static struct net_config
receive_net(const struct rc *rc, const struct rc_account *a)
{
	static const enum net_security security[] = {
		[RC_TLS] = NET_TLS, [RC_STARTTLS] = NET_STARTTLS, [RC_PLAIN] = NET_PLAIN,
	};

	return (struct net_config){
		.host = a->receive.host,
		.port = a->receive.port,
		.security = security[a->receive.security],
		.ca_file = a->ca_file,
		.fingerprint = a->tls_fingerprint,
		.io_ms = rc->timeout_s * 1000,
	};
}

static struct backend *
imap_backend(const struct rc *rc, const struct rc_account *a, struct cancel *cancel)
{
	struct imap_config cfg = { .net = receive_net(rc, a), .auth = a->auth };

	return imap_new(&cfg, cancel);
}

struct pop3_config
account_pop3(const struct rc *rc, const struct rc_account *a)
{
	return (struct pop3_config){ .net = receive_net(rc, a), .auth = a->auth };
}

char *
account_mbox_dir(const struct rc_account *a, const char *data_dir)
{
	if (a->mbox || a->receive.protocol == RC_MBOX)
		return path_expand(a->mbox ? a->mbox : a->receive.path);
	char *name = path_safe_name(a->name);
	char *mail = path_join(data_dir, "mail"), *dir = path_join(mail, name);

	free(mail);
	free(name);
	return dir;
}

static struct backend *
local_backend(const struct rc_account *a, const char *data_dir, struct cancel *cancel)
{
	char *name = path_safe_name(a->name);
	char *maps = path_join(data_dir, "maps"), *map_dir = path_join(maps, name);
	char *dir = account_mbox_dir(a, data_dir);
	struct local_config cfg = { .dir = dir, .inbox = a->folder[ROLE_INBOX], .map_dir = map_dir,
		.read_only = a->read_only };
	struct backend *b = local_new(&cfg, cancel);

	free(dir);
	free(map_dir);
	free(maps);
	free(name);
	return b;
}

struct backend *
account_backend(const struct rc *rc, const struct rc_account *a, const char *data_dir,
	struct cancel *cancel, struct error *e)
{
	switch (a->receive.protocol) {
	case RC_IMAP:
		return imap_backend(rc, a, cancel);
	case RC_POP3:
	case RC_MBOX:
		return local_backend(a, data_dir, cancel);
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
	return error_set(e, ERR_AUTH, "no password was given, nor is there one in the mailrc");
}
