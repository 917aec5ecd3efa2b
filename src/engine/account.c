/* account.c - see account.h. */
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "imap.h"
#include "local.h"
#include "path.h"
#include "str.h"

static struct net_config
net_of(const struct rc *rc, const struct rc_account *a, const struct rc_url *url)
{
	static const enum net_security security[] = {
		[RC_TLS] = NET_TLS, [RC_STARTTLS] = NET_STARTTLS, [RC_PLAIN] = NET_PLAIN,
	};

	return (struct net_config){
		.host = url->host,
		.port = url->port,
		.security = security[url->security],
		.ca_file = a->ca_file,
		.fingerprint = a->tls_fingerprint,
		.io_ms = rc->timeout_s * 1000,
	};
}

static struct backend *
imap_backend(const struct rc *rc, const struct rc_account *a, struct cancel *cancel)
{
	struct imap_config cfg = { .net = net_of(rc, a, &a->receive), .auth = a->auth };

	return imap_new(&cfg, cancel);
}

struct pop3_config
account_pop3(const struct rc *rc, const struct rc_account *a)
{
	return (struct pop3_config){ .net = net_of(rc, a, &a->receive), .auth = a->auth };
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
	struct local_config cfg = { .dir = dir, .inbox = a->folder[ROLE_INBOX],
		.map_dir = map_dir, .read_only = a->read_only };
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
		error_set(e, ERR_UNSUPPORTED,
			"account '%s': 'receive' names a server for sending", a->name);
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

static enum err
find_password(char **out, const char *password, const char *command, struct cancel *cancel,
	struct error *e)
{
	enum { DEADLINE_MS = 60 * 1000 };

	*out = NULL;
	if (password) {
		*out = xstrdup(password);
		return ERR_OK;
	}
	if (command)
		return secret_command(out, command, cancel, DEADLINE_MS, e);
	return error_set(e, ERR_AUTH, "no password was given, nor is there one in the mailrc");
}

enum err
account_password(char **out, const struct rc_account *a, struct cancel *cancel,
	struct error *e)
{
	return find_password(out, a->password, a->password_command, cancel, e);
}

enum err
account_send_password(char **out, const struct rc_account *a, struct cancel *cancel,
	struct error *e)
{
	if (a->send_password || a->send_password_command)
		return find_password(out, a->send_password, a->send_password_command, cancel,
			e);
	return account_password(out, a, cancel, e);
}

/* A pinned certificate is the receiving server's; it says nothing of another host. */
struct sender *
account_sender(const struct rc *rc, const struct rc_account *a, struct cancel *cancel)
{
	if (a->sendmail)
		return sendmail_new(&(struct sendmail_config){ .command = a->sendmail,
			.notify = a->dsn }, cancel);
	struct smtp_config cfg = { .net = net_of(rc, a, &a->send), .auth = a->auth,
		.hello = a->hello, .notify = a->dsn };
	if (a->receive.host && !str_ieq(a->receive.host, a->send.host))
		cfg.net.fingerprint = NULL;
	return smtp_new(&cfg, cancel);
}
