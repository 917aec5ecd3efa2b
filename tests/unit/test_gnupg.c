/* Signatures and encryption with the real gpg and gpgsm: what is believed, what is shown, and
 * what is not. The mails and keys are made by tests/unit/make_sealed. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "gnupg.h"
#include "path.h"
#include "test.h"

static char dir[] = "/tmp/dunlin-gnupg-XXXXXX";
static char *path_before;

static int
setup(void **state)
{
	char command[200], home[100];

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(home, sizeof home, "%s/gpg", dir);
	setenv("GNUPGHOME", home, 1);
	path_before = xstrdup(getenv("PATH"));
	mime_init();
	snprintf(command, sizeof command, "tests/unit/make_sealed %s", dir);
	return system(command) == 0 ? 0 : -1;
}

static int
teardown(void **state)
{
	char command[200];

	(void)state;
	setenv("PATH", path_before, 1);
	free(path_before);
	snprintf(command, sizeof command, "gpgconf --kill all; rm -rf %s", dir);
	return system(command) == 0 ? 0 : -1;
}

static const struct gnupg_how quietly = { .asks = false };

static enum err
try(struct opened **o, const char *name, const struct gnupg_how *how, struct error *e)
{
	char *path = xasprintf("%s/%s.eml", dir, name), *raw;
	size_t n;

	assert_int_equal(ERR_OK, file_read(&raw, &n, path, 1 << 24, NULL));
	enum err rc = gnupg_open(o, raw, n, how, e);
	free(raw);
	free(path);
	return rc;
}

static struct opened *
open_mail(const char *name)
{
	struct opened *o;

	assert_int_equal(ERR_OK, try(&o, name, &quietly, NULL));
	return o;
}

/* As `dunlin show` prints it, at 200 columns. Owned. */
static char *
text_of(const struct opened *o)
{
	struct lines l = { 0 };
	struct str s = { 0 };

	opened_show(&l, o, false, 200);
	for (size_t i = 0; i < l.n; i++)
		str_printf(&s, "%s\n", l.v[i].text);
	lines_clear(&l);
	return str_take(&s);
}

static void
assert_says(const char *name, const char *want)
{
	struct opened *o = open_mail(name);
	char *text = text_of(o);

	if (!strstr(text, want))
		fail_msg("%s: not '%s' in\n%s", name, want, text);
	free(text);
	opened_free(o);
}

static void
assert_not_said(const char *name, const char *unwanted)
{
	struct opened *o = open_mail(name);
	char *text = text_of(o);

	if (strstr(text, unwanted))
		fail_msg("%s: '%s' in\n%s", name, unwanted, text);
	free(text);
	opened_free(o);
}

/* A signature is said to be the sender's when it fits and the key has the address of From,
 * whatever line ends the store keeps. */
static void
test_good(void **state)
{
	(void)state;
	assert_says("good", "\xe2\x96\x8c Good signature of the sender, Ada <ada@example.org> "
		"(OpenPGP, made ");
	assert_says("lf", "\xe2\x96\x8c Good signature of the sender, Ada");
	assert_says("smime", "\xe2\x96\x8c Good signature of the sender, /CN=Ada (S/MIME, "
		"made ");
	assert_says("both", "signed inside:\n\xe2\x96\x8c Good signature of the sender, Ada");
	assert_says("nested", "\xe2\x96\x8c Good signature of the sender, Ada");
	assert_says("smime_wrapped", "\xe2\x96\x8c Good signature of the sender, /CN=Ada");
}

/* What was altered, expired, revoked, is of a key that is not here, or is no signature at all
 * is not called good. */
static void
test_not_good(void **state)
{
	static const struct { const char *name, *says; } mails[] = {
		{ "bad", "BAD SIGNATURE: what stands here is not what Ada" },
		{ "smime_bad", "BAD SIGNATURE" }, { "nokey", "the key is not here" },
		{ "expired", "with a key that is EXPIRED" },
		{ "revoked", "with a key that is REVOKED" },
		{ "nosig", "what stands for a signature is none" },
		{ "unknown_trust", "nobody you trust vouches for that" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(mails); i++) {
		assert_says(mails[i].name, mails[i].says);
		assert_not_said(mails[i].name, "\xe2\x96\x8c Good");
	}
}

/* Somebody else's good signature is not the sender's: whatever name From shows, with two
 * senders, and inside of what was encrypted. */
static void
test_not_of_the_sender(void **state)
{
	static const char *const mails[] = { "notsender", "name", "twofrom",
		"both_notsender" };

	(void)state;
	for (size_t i = 0; i < LEN(mails); i++) {
		assert_says(mails[i], "\xe2\x96\x8c NOT OF THE SENDER: this is the good "
			"signature of Ada");
		assert_not_said(mails[i], "\xe2\x96\x8c Good");
	}
}

/* The sender of a message in the message is not the sender of the mail. */
static void
test_embedded(void **state)
{
	(void)state;
	assert_says("embedded", "Good signature of the sender of the message in this message, "
		"Ada <ada@example.org>");
	assert_not_said("embedded", "Good signature of the sender, ");
}

/* A line of the mail that looks like ours has no mark of ours. */
static void
test_marks_cannot_be_imitated(void **state)
{
	(void)state;
	assert_says("enc", "\n| Good signature of the sender\n");
	assert_not_said("enc", "\xe2\x96\x8c Good signature of the sender\n");
}

/* Armour in a text is not looked at, and that is said; a mention of it is none. */
static void
test_inline_is_told(void **state)
{
	static const struct { const char *text; bool is; } texts[] = {
		{ "-----BEGIN PGP MESSAGE-----\n", true },
		{ "hello\n-----BEGIN PGP SIGNED MESSAGE-----\nx", true },
		{ "> -----BEGIN PGP MESSAGE-----\n", false },
		{ "-----BEGIN PGP PUBLIC KEY BLOCK-----\n", false }, { "", false },
	};

	(void)state;
	for (size_t i = 0; i < LEN(texts); i++) {
		struct lines l = { 0 };
		seal_note_inline(&l, texts[i].text, strlen(texts[i].text), 200);
		assert_int_equal(texts[i].is, l.n);
		lines_clear(&l);
	}
}

/* What stands behind the signed part is said not to be signed; nor is the part that the
 * signature is in, where that is shown. */
static void
test_outside_is_told(void **state)
{
	(void)state;
	assert_says("footer", "End of what was signed; what follows is not\n\nsend money");
	assert_says("textsig", "does not consist of a content and its signature");
	assert_not_said("textsig", "\xe2\x96\x8c Good");
}

/* What is decrypted is shown between two lines of ours, with the subject it had inside. */
static void
test_decrypted(void **state)
{
	static const char want[] = "Decrypted from here on (OpenPGP)\n\xe2\x96\x8c Subject: "
		"inside\n\nthe words\n";

	(void)state;
	assert_says("enc", want);
	assert_says("enc", "\xe2\x96\x8c End of what was encrypted");
	assert_says("smime_enc", "which does not protect it against changes\n\xe2\x96\x8c "
		"Subject: inside\n\nthe words\n");
}

/* Without protection against changes, or changed, nothing is shown (EFAIL). */
static void
test_unprotected_is_not_shown(void **state)
{
	struct opened *o = open_mail("nomdc");

	(void)state;
	assert_int_equal(SEAL_UNSAFE, o->v[0].state);
	assert_null(o->v[0].inside);
	opened_free(o);
	assert_not_said("nomdc", "the words");
	assert_not_said("altered", "the words");
	assert_not_said("altered", "Decrypted");
}

/* Text around an encrypted part is not joined with it, and an answer quotes neither. */
static void
test_efail(void **state)
{
	struct opened *o = open_mail("efail");

	(void)state;
	assert_int_equal(1, o->n);
	assert_false(o->v[0].is_whole);
	assert_non_null(o->v[0].inside);
	assert_null(opened_content(o));
	opened_free(o);
	assert_says("efail", "\xe2\x96\x8c Decrypted from here on");
	o = open_mail("enc");
	assert_ptr_equal(o->v[0].inside, opened_content(o));
	assert_true(opened_content(o)->is_secret);
	opened_free(o);
}

/* A passphrase is not asked for by itself; mail to others is told from mail to us. */
static void
test_locked(void **state)
{
	struct opened *o = open_mail("locked");

	(void)state;
	assert_int_equal(SEAL_LOCKED, o->v[0].state);
	opened_free(o);
	o = open_mail("smime_locked");
	assert_int_equal(SEAL_LOCKED, o->v[0].state);
	opened_free(o);
	o = open_mail("others");
	assert_int_equal(SEAL_NO_KEY, o->v[0].state);
	opened_free(o);
}

/* 70 MB of zeros in some KB are not taken in, and seals in seals have an end. */
static void
test_bounds(void **state)
{
	struct opened *o = open_mail("bomb");

	(void)state;
	assert_int_equal(SEAL_FAILED, o->v[0].state);
	assert_string_equal("it is larger than 64 MB", o->v[0].why);
	assert_null(o->v[0].inside);
	opened_free(o);
	assert_says("deep", "it is inside of too many others");
	assert_not_said("deep", "the words");
}

/* gpg.conf asks for keys to be fetched, and nothing is: dirmngr, which does it, is not even
 * started (SECURITY 17). */
static void
test_nothing_is_fetched(void **state)
{
	char *socket = xasprintf("%s/gpg/S.dirmngr", dir);
	static const char *const mails[] = { "nokey", "good", "smime", "smime_wrapped",
		"enc" };

	(void)state;
	for (size_t i = 0; i < LEN(mails); i++)
		opened_free(open_mail(mails[i]));
	assert_int_equal(-1, access(socket, F_OK));
	free(socket);
}

/* ---- writing ---- */

static const char letter[] = "From: Ada <ada@example.org>\r\nTo: eve@example.org\r\n"
	"Subject: outside\r\nMIME-Version: 1.0\r\nContent-Type: text/plain;\r\n charset=utf-8"
	"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nthe words=C3=A9 \r\n-- \r\n";

/* Sealed as asked, and opened again. Owned. */
static char *
sealed(enum seal_scheme scheme, const char *sign_key, const char *to, bool is_hidden,
	struct str *bytes)
{
	struct gnupg_key key = { .address = (char *)(uintptr_t)to };
	struct gnupg_plan plan = { .scheme = scheme };
	bool needs_terminal;
	struct opened *o;
	struct error e = { 0 };

	if (to)
		assert_int_equal(ERR_OK, gnupg_find_keys(&key, 1, scheme, &quietly, &e));
	plan.sign_key = (char *)(uintptr_t)sign_key;
	plan.n_keys = to && !is_hidden;
	plan.n_hidden = is_hidden;
	plan.keys = plan.hidden = &key.fingerprint;
	str_add(bytes, letter, sizeof letter - 1);
	if (gnupg_seal(bytes, &plan, &quietly, &needs_terminal, &e) != ERR_OK)
		fail_msg("%s", e.text);
	assert_null(strstr(bytes->data, "\r\r"));
	assert_true(str_starts(bytes->data, "From: Ada <ada@example.org>\r\nTo: "));
	assert_int_equal(ERR_OK, gnupg_open(&o, bytes->data, bytes->len, &quietly, &e));
	char *text = text_of(o);
	opened_free(o);
	free(key.fingerprint);
	return text;
}

static void
assert_sealed(enum seal_scheme scheme, const char *sign_key, const char *to, bool is_hidden,
	const char *says, bool is_clear)
{
	struct str bytes = { 0 };
	char *text = sealed(scheme, sign_key, to, is_hidden, &bytes);

	if (!strstr(text, says) || !strstr(text, "the words\xc3\xa9"))
		fail_msg("not '%s' in\n%s\n%s", says, text, str_get(&bytes));
	assert_int_equal(is_clear, strstr(bytes.data, "the words") != NULL);
	free(text);
	str_clear(&bytes);
}

/* What is signed, encrypted or both comes out again as it went in, to gpg and to gpgsm. */
static void
test_sealed_and_opened(void **state)
{
	static const char ada[] = "<ada@example.org>";

	(void)state;
	assert_sealed(SCHEME_OPENPGP, ada, NULL, false, "Good signature of the sender", true);
	assert_sealed(SCHEME_OPENPGP, NULL, "ada@example.org", false,
		"Decrypted from here on (OpenPGP)\n", false);
	assert_sealed(SCHEME_OPENPGP, ada, "ada@example.org", true,
		"signed inside:\n\xe2\x96\x8c Good signature of the sender", false);
	assert_sealed(SCHEME_SMIME, ada, NULL, false, "Good signature of the sender", true);
	assert_sealed(SCHEME_SMIME, NULL, "ada@example.org", false, "Decrypted from", false);
	assert_sealed(SCHEME_SMIME, ada, "ada@example.org", false,
		"Good signature of the sender", false);
}

/* Only a key that can be used, of that very address, is one; who vouches for it is told. */
static void
test_keys_are_found(void **state)
{
	struct gnupg_key keys[] = { { .address = (char[]){ "ADA@example.org" } },
		{ .address = (char[]){ "carol@example.org" } },
		{ .address = (char[]){ "da@example.org" } },
		{ .address = (char[]){ "eve@example.org" } },
		{ .address = (char[]){ "--help" } } };

	(void)state;
	assert_int_equal(ERR_OK, gnupg_find_keys(keys, LEN(keys), SCHEME_OPENPGP, &quietly,
		NULL));
	assert_non_null(keys[0].fingerprint);	/* and not "Old", "Gone", which cannot */
	assert_true(keys[0].is_vouched);
	assert_null(keys[1].fingerprint);
	assert_null(keys[2].fingerprint);
	assert_non_null(keys[3].fingerprint);
	assert_false(keys[3].is_vouched);
	assert_null(keys[4].fingerprint);
	free(keys[0].fingerprint);
	free(keys[3].fingerprint);
}

/* What cannot be signed or encrypted stays as it was, and why is said. */
static void
test_refused(void **state)
{
	char nobody[] = "<nobody@example.org>", *to = nobody;
	struct gnupg_plan signs = { .sign_key = nobody };
	struct gnupg_plan encrypts = { .keys = &to, .n_keys = 1 };
	struct gnupg_plan locked = { .sign_key = (char[]){ "<bob@example.org>" } };
	struct gnupg_plan ok = { .sign_key = (char[]){ "<ada@example.org>" } };
	struct str bytes = { 0 };
	bool needs_terminal;
	struct error e;

	(void)state;
	str_add(&bytes, letter, sizeof letter - 1);
	assert_int_equal(ERR_MSG, gnupg_seal(&bytes, &signs, &quietly, &needs_terminal, &e));
	assert_string_equal("there is no key of yours to sign with", e.text);
	assert_int_equal(ERR_MSG, gnupg_seal(&bytes, &encrypts, &quietly, &needs_terminal,
		&e));
	assert_string_equal("gpg cannot encrypt to one of the keys", e.text);
	assert_int_equal(ERR_MSG, gnupg_seal(&bytes, &locked, &quietly, &needs_terminal, &e));
	assert_string_equal(letter, bytes.data);
	str_puts(&bytes, "gr\xc3\xbc\xc3\x9f\x65\r\n");
	assert_int_equal(ERR_MSG, gnupg_seal(&bytes, &ok, &quietly, &needs_terminal, &e));
	assert_non_null(strstr(e.text, "eight-bit"));
	str_clear(&bytes);
}

/* ---- programs that are not there, or do not answer ---- */

static void
use_program(const char *script)
{
	char *bin = xasprintf("%s/bin", dir), *gpg = xasprintf("%s/bin/gpg", dir);

	mkdir(bin, 0700);
	unlink(gpg);
	if (script) {
		int fd = open(gpg, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
		assert_int_equal(ERR_OK, fd_write_all(fd, script, strlen(script), NULL));
		close(fd);
	}
	char *path = script ? xasprintf("%s:%s", bin, path_before) : xstrdup(bin);
	setenv("PATH", path, 1);
	free(path);
	free(gpg);
	free(bin);
}

static void
test_without_gpg(void **state)
{
	(void)state;
	use_program(NULL);
	assert_says("enc", "Encrypted (OpenPGP): gpg is not installed");
	assert_says("good", "Signed (OpenPGP): gpg is not installed\n\nthe words");
	setenv("PATH", path_before, 1);
}

static bool
stop(void *ctx)
{
	return --*(int *)ctx > 0;
}

/* One that hangs is ended, with what it started, at its time or when the person says so. */
static void
test_hanging_gpg(void **state)
{
	struct gnupg_how slow = { .timeout_ms = 300 };
	int n = 3;
	struct gnupg_how stopped = { .go_on = stop, .ctx = &n };
	struct opened *o;
	struct error e;
	char *alive = xasprintf("%s/alive", dir), *script;

	(void)state;
	script = xasprintf("#!/bin/sh\ntrap '' TERM\n(sleep 3; touch %s) &\nsleep 60\n",
		alive);
	use_program(script);
	time_t began = time(NULL);
	assert_int_equal(ERR_OK, try(&o, "enc", &slow, &e));
	assert_int_equal(SEAL_FAILED, o->v[0].state);
	assert_non_null(strstr(o->v[0].why, "did not answer"));
	opened_free(o);
	assert_int_equal(ERR_CANCELLED, try(&o, "enc", &stopped, &e));
	assert_null(o);
	assert_true(time(NULL) - began < 20);
	sleep(4);
	assert_int_equal(-1, access(alive, F_OK));
	setenv("PATH", path_before, 1);
	free(script);
	free(alive);
}

/* Status lines that make no sense do no harm, and are no good signature. */
static void
test_odd_status(void **state)
{
	static const char *const scripts[] = {
		"#!/bin/sh\nprintf '[GNUPG:] GOODSIG AAAA Ada <ada@example.org>\\n' >&3\n",
		"#!/bin/sh\nprintf '[GNUPG:] NEWSIG\\n[GNUPG:] GOODSIG\\n[GNUPG:] "
			"TRUST_FULLY\\n' >&3\n",
		"#!/bin/sh\nprintf '[GNUPG:] NEWSIG\\n[GNUPG:] VALIDSIG\\n[GNUPG:] "
			"\\n[GNUPG:]' >&3\n",
		"#!/bin/sh\nhead -c 3000000 /dev/zero >&3\n",
		"#!/bin/sh\ni=0; while [ $i -lt 50 ]; do i=$((i+1)); echo '[GNUPG:] NEWSIG'; "
			"done >&3\n",
		"#!/bin/sh\nexit 3\n",
	};

	(void)state;
	for (size_t i = 0; i < LEN(scripts); i++) {
		use_program(scripts[i]);
		assert_not_said("good", "\xe2\x96\x8c Good");
		assert_not_said("enc", "\xe2\x96\x8c Decrypted");
	}
	use_program("#!/bin/sh\nprintf '[GNUPG:] DECRYPTION_OKAY\\n[GNUPG:] PLAINTEXT 62 "
		"1\\n' >&3\nprintf '\\nthe words\\n'\n");
	assert_not_said("enc", "the words");		/* no GOODMDC */
	setenv("PATH", path_before, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_good), T(test_not_good), T(test_not_of_the_sender), T(test_embedded),
		T(test_marks_cannot_be_imitated), T(test_outside_is_told),
		T(test_inline_is_told), T(test_decrypted),
		T(test_unprotected_is_not_shown), T(test_efail), T(test_locked),
		T(test_bounds), T(test_sealed_and_opened), T(test_keys_are_found),
		T(test_refused), T(test_nothing_is_fetched), T(test_without_gpg),
		T(test_hanging_gpg), T(test_odd_status),
	};

	if (system("command -v gpg gpgsm >/dev/null") != 0) {
		puts("skipped: gpg and gpgsm are not installed");
		return 0;
	}
	return cmocka_run_group_tests(tests, setup, teardown);
}
