/* provider.c - see provider.h. What the providers' own help pages say; a wrong row costs a
 * failed try, and each value is shown and asked for before it is used. */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "provider.h"
#include "str.h"

#define APP_PASSWORD \
	"This provider does not let programs in with your usual password. " \
	"It makes another one for them, an \"app password\": "
#define SWITCH_ON \
	"Access by IMAP is off until you switch it on in the settings of the web mail. "

static const struct provider providers[] = {
	{ "gmail.com googlemail.com", "google.com googlemail.com",
	  "imaps://imap.gmail.com", "smtps://smtp.gmail.com",
	  APP_PASSWORD
	  "switch on 2-step verification, make one at "
	  "https://myaccount.google.com/apppasswords, and give its 16 letters here.",
	  PROVIDER_COPIES },
	{ "outlook.com outlook.de outlook.fr outlook.es outlook.it "
	  "hotmail.com hotmail.de hotmail.fr hotmail.es hotmail.it hotmail.co.uk "
	  "live.com live.de live.fr live.nl live.co.uk msn.com", NULL,
	  "imaps://outlook.office365.com", "smtp://smtp-mail.outlook.com",
	  SWITCH_ON
	  "Microsoft takes no password from programs, but a token, which a program of its own "
	  "gets and renews, such as mutt_oauth2.py, oama or pizauth.", PROVIDER_TOKEN },
	{ "", "mail.protection.outlook.com mx.microsoft", "imaps://outlook.office365.com",
		"smtp://smtp.office365.com",
	  "Mail of this domain is with Microsoft 365. It takes no password from programs, but "
	  "a token, which a program of its own gets and renews, such as mutt_oauth2.py, oama "
	  "or pizauth. Whoever runs the domain may have to allow IMAP and SMTP AUTH.",
	  PROVIDER_TOKEN },
	{ "yahoo.com yahoo.de yahoo.fr yahoo.it yahoo.es yahoo.ca yahoo.co.uk "
	  "yahoo.com.br ymail.com rocketmail.com",
	  "yahoodns.net", "imaps://imap.mail.yahoo.com", "smtps://smtp.mail.yahoo.com",
	  APP_PASSWORD "sign in on the web, open Account security, and generate one there.",
	  0 },
	{ "aol.com aim.com", NULL, "imaps://imap.aol.com", "smtps://smtp.aol.com",
	  APP_PASSWORD "sign in on the web, open Account security, and generate one there.",
	  0 },
	{ "icloud.com me.com mac.com", "mail.icloud.com", "imaps://imap.mail.me.com",
		"smtp://smtp.mail.me.com",
	  APP_PASSWORD
	  "sign in at https://account.apple.com and make one under App-Specific Passwords.",
	  PROVIDER_LOCAL_USER },
	{ "fastmail.com fastmail.fm fastmail.net sent.com", "messagingengine.com",
	  "imaps://imap.fastmail.com", "smtps://smtp.fastmail.com",
	  APP_PASSWORD "make one in the settings of the web mail under Privacy & Security.",
	  0 },
	{ "gmx.de gmx.net gmx.at gmx.ch", NULL, "imaps://imap.gmx.net", "smtps://mail.gmx.net",
	  SWITCH_ON "With two-factor login a password for programs is made there, too.", 0 },
	{ "gmx.com gmx.us gmx.co.uk", NULL, "imaps://imap.gmx.com", "smtps://mail.gmx.com",
	  SWITCH_ON "With two-factor login a password for programs is made there, too.", 0 },
	{ "web.de", NULL, "imaps://imap.web.de", "smtp://smtp.web.de",
	  SWITCH_ON "With two-factor login a password for programs is made there, too.", 0 },
	{ "mailbox.org", "mailbox.org", "imaps://imap.mailbox.org", "smtps://smtp.mailbox.org",
		NULL, 0 },
	{ "posteo.de posteo.net posteo.org posteo.eu posteo.at posteo.ch", NULL,
	  "imaps://posteo.de", "smtps://posteo.de", NULL, 0 },
	{ "t-online.de magenta.de", NULL, "imaps://secureimap.t-online.de",
		"smtps://securesmtp.t-online.de",
	  "Programs have a password of their own here, which you set in the Telekom login "
	  "settings; it is not the one for the web.", 0 },
	{ "freenet.de", NULL, "imaps://mx.freenet.de", "smtp://mx.freenet.de", NULL, 0 },
	{ "zoho.com zohomail.com", "zoho.com", "imaps://imap.zoho.com",
		"smtps://smtp.zoho.com",
	  SWITCH_ON "With two-factor login a password for programs is made there, too.", 0 },
	{ "zoho.eu zohomail.eu", "zoho.eu", "imaps://imap.zoho.eu", "smtps://smtp.zoho.eu",
	  SWITCH_ON "With two-factor login a password for programs is made there, too.", 0 },
	{ "yandex.com yandex.ru ya.ru", "yandex.net yandex.ru", "imaps://imap.yandex.com",
		"smtps://smtp.yandex.com",
	  SWITCH_ON APP_PASSWORD "make one for mail at https://id.yandex.com.", 0 },
	{ "mail.ru inbox.ru list.ru bk.ru internet.ru", NULL, "imaps://imap.mail.ru",
		"smtps://smtp.mail.ru",
	  APP_PASSWORD "make one in the settings of the account, under Security.", 0 },
	{ "qq.com foxmail.com", NULL, "imaps://imap.qq.com", "smtps://smtp.qq.com",
	  SWITCH_ON "It then shows an authorization code, which is the password for programs.",
	  0 },
	{ "orange.fr wanadoo.fr", NULL, "imaps://imap.orange.fr", "smtps://smtp.orange.fr",
		NULL, 0 },
	{ "free.fr", NULL, "imaps://imap.free.fr", "smtps://smtp.free.fr", NULL, 0 },
	{ "laposte.net", NULL, "imaps://imap.laposte.net", "smtps://smtp.laposte.net", NULL,
		0 },
	{ "seznam.cz email.cz", NULL, "imaps://imap.seznam.cz", "smtps://smtp.seznam.cz", NULL,
		0 },
	{ "comcast.net", NULL, "imaps://imap.comcast.net", "smtps://smtp.comcast.net", NULL,
		0 },
	{ "runbox.com", "runbox.com", "imaps://mail.runbox.com", "smtps://mail.runbox.com",
		NULL, 0 },
	{ "riseup.net", NULL, "imaps://mail.riseup.net", "smtps://mail.riseup.net", NULL, 0 },
	{ "disroot.org", NULL, "imaps://disroot.org", "smtps://disroot.org", NULL, 0 },
	{ "proton.me protonmail.com protonmail.ch pm.me", "protonmail.ch",
	  "imap://127.0.0.1:1143", "smtp://127.0.0.1:1025",
	  "Proton Mail is read through its Bridge (paid plans), which has to run on this "
	  "machine; it shows the password to use. Its certificate is its own: when the try "
	  "below refuses it, compare the fingerprint with the certificate that Bridge "
	  "exports, and pin it.", 0 },
	{ "tuta.com tutanota.com tutanota.de tutamail.com tuta.io keemail.me", "tutanota.de",
		NULL, NULL,
	  "Tuta lets no other mail programs in (it has no IMAP, POP3 or SMTP).",
	  PROVIDER_CLOSED },
	{ "hey.com", NULL, NULL, NULL,
	  "HEY lets no other mail programs in (it has no IMAP, POP3 or SMTP).",
	  PROVIDER_CLOSED },
};

/* Calls `fits` with each word of `words`. */
static bool
any_word(const char *words, const char *text, bool (*fits)(const char *word, size_t n,
	const char *text))
{
	for (const char *w = words ? words : ""; *w; w += strspn(w, " ")) {
		size_t n = strcspn(w, " ");
		if (fits(w, n, text))
			return true;
		w += n;
	}
	return false;
}

static bool
is_same(const char *word, size_t n, const char *text)
{
	return strlen(text) == n && strncasecmp(word, text, n) == 0;
}

/* The host itself, or one below it. */
static bool
is_end(const char *word, size_t n, const char *host)
{
	size_t len = strlen(host);

	return len >= n && strncasecmp(host + len - n, word, n) == 0 &&
		(len == n || host[len - n - 1] == '.');
}

const struct provider *
provider_of_domain(const char *domain)
{
	for (size_t i = 0; i < LEN(providers); i++) {
		if (any_word(providers[i].domains, domain, is_same))
			return &providers[i];
	}
	return NULL;
}

const struct provider *
provider_of_mx(const char *host)
{
	for (size_t i = 0; i < LEN(providers); i++) {
		if (any_word(providers[i].mx, host, is_end))
			return &providers[i];
	}
	return NULL;
}
