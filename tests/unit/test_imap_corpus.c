/* What real servers said, what attackers say, and what crashed another client: replayed.
 *
 * The corpus stands beside the checkout or where $DUNLIN_CORPUS says; without it these tests
 * are skipped. */
#include <dirent.h>
#include <glob.h>
#include <netinet/tcp.h>

#include "imap_fixture.h"
#include "mime.h"
#include "path.h"
#include "proto/imap_int.h"

static const char *
corpus(void)
{
	static char dir[512];
	const char *env = getenv("DUNLIN_CORPUS");

	snprintf(dir, sizeof dir, "%s", env ? env : "../shared/corpus");
	if (access(dir, R_OK) != 0)
		skip();
	return dir;
}

static glob_t
files(const char *pattern)
{
	char *path = path_join(corpus(), pattern);
	glob_t g;

	if (glob(path, 0, NULL, &g) != 0)
		skip();
	free(path);
	return g;
}

/* The file with CRLF line ends. */
static struct str
slurp(const char *path)
{
	struct str out = {0};
	char *text;
	size_t n;

	assert_int_equal(ERR_OK, file_read(&text, &n, path, 8 << 20, NULL));
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
			str_putc(&out, '\r');
		str_putc(&out, text[i]);
	}
	free(text);
	return out;
}

static void
close_all(struct fixture *fx)
{
	fx->b->ops->close(fx->b, 0);
	script_stop(&fx->script);
	cancel_close(&fx->cancel);
	script_clear(&fx->script);
	str_clear(&fx->heard);
	str_clear(&fx->bytes);
}

/* Does everything there is to do; what it brings is of no interest, only that it ends. */
static void
exercise(struct fixture *fx)
{
	struct byte_sink bytes = { .ctx = &fx->bytes, .write = hear_bytes };
	struct uidset uids = set_of("1:10"), found = {0};
	struct folder_known known = { .uidvalidity = 1, .modseq = 1, .uids = &uids };
	const struct backend_ops *ops = fx->b->ops;
	struct uid_map map = {0};
	struct arena a = {0};
	struct part *root;
	int what;

	ops->status(fx->b, "INBOX", &fx->st, &fx->e);
	open_inbox(fx, &known);
	ops->newest(fx->b, 5, &fx->sink, &fx->e);
	ops->headers(fx->b, &uids, &fx->sink, &fx->e);
	ops->structure(fx->b, 1, &a, &root, &fx->e);
	ops->fetch(fx->b, 1, "", &bytes, &fx->e);
	known.uidvalidity = fx->st.uidvalidity;
	ops->changes(fx->b, &known, &fx->sink, &fx->st, &fx->e);
	ops->set_flags(fx->b, &uids, MSG_SEEN, MSG_FLAGGED, &fx->e);
	ops->move(fx->b, &uids, "Trash", &map, &fx->e);
	ops->uids(fx->b, &found, &fx->e);
	ops->wait(fx->b, 30, -1, &what, &fx->e);
	uid_map_clear(&map);
	uidset_clear(&uids);
	uidset_clear(&found);
	arena_clear(&a);
}

/* ---- transcripts that crashed libetpan ---- */

/* Is this line the end of an answer: "12 OK ..."? Returns the length of its tag. */
static size_t
tag_of(const char *line, size_t n)
{
	size_t tag = strspn(line, "0123456789A#");

	return tag > 0 && tag + 3 < n && line[tag] == ' ' &&
		(memcmp(line + tag + 1, "OK", 2) == 0 ||
		memcmp(line + tag + 1, "NO", 2) == 0 || memcmp(line + tag + 1, "BAD", 3) == 0)
		? tag : 0;
}

/* Sends up to and with the next tagged line, in the client's own tag.
 * Returns where to go on. */
static size_t
send_answer(struct script *sc, const struct str *text, size_t at, bool by_byte)
{
	struct str out = {0};
	bool is_tagged = false;

	while (at < text->len && !is_tagged) {
		const char *line = text->data + at, *lf = memchr(line, '\n', text->len - at);
		size_t n = lf ? (size_t)(lf - line) + 1 : text->len - at,
			tag = tag_of(line, n);
		is_tagged = tag > 0;
		if (is_tagged)
			str_puts(&out, sc->tag);
		str_add(&out, line + tag, n - tag);
		at += n;
	}
	if (!is_tagged)
		str_printf(&out, "%s OK\r\n", sc->tag);
	for (size_t i = 0; by_byte && i < out.len; i++)
		script_send(sc, out.data + i, 1);
	if (!by_byte)
		script_send(sc, str_get(&out), out.len);
	str_clear(&out);
	return at;
}

static void
take_tag(struct script *sc, const char *line)
{
	snprintf(sc->tag, sizeof sc->tag, "%.*s", (int)strcspn(line, " "), line);
}

static struct str replayed;

/* The transcript, a piece for each line of the client. */
static void
serve_replay(struct server *s, int fd)
{
	struct script *sc = (struct script *)s;
	const char *lf = memchr(replayed.data, '\n', replayed.len);
	size_t at = lf ? (size_t)(lf - replayed.data) + 1 : replayed.len;
	char *line;

	sc->fd = fd;
	script_send(sc, replayed.data, at);		/* the greeting */
	while (at < replayed.len && (line = script_line(sc))) {
		take_tag(sc, line);
		free(line);
		at = send_answer(sc, &replayed, at, false);
	}
}

/* No crash, no hang, whatever the answer is. */
static void
test_what_crashed_libetpan(void **state)
{
	glob_t g = files("libetpan-crashes/imap-*");
	(void)state;

	for (size_t i = 0; i < g.gl_pathc; i++) {
		struct backend_login login = { .user = "ada", .password = "hunter2" };
		struct fixture fx = { .cfg.net = { .host = "127.0.0.1", .security = NET_PLAIN,
			.connect_ms = 1000, .io_ms = 100 } };
		replayed = slurp(g.gl_pathv[i]);
		fx.sink = (struct folder_sink){ &fx.heard, hear_msg, hear_flags, hear_gone };
		fx.script.server.serve = serve_replay;
		server_start(&fx.script.server);
		fx.cfg.net.port = fx.script.server.port;
		assert_int_equal(ERR_OK, cancel_init(&fx.cancel, NULL));
		fx.b = imap_new(&fx.cfg, &fx.cancel);
		if (fx.b->ops->connect(fx.b, &login, &fx.e) == ERR_OK)
			exercise(&fx);
		close_all(&fx);
		str_clear(&replayed);
	}
	assert_true(g.gl_pathc >= 20);
	globfree(&g);
}

/* ---- what real servers said ---- */

struct census {
	struct arena arena;
	unsigned n_fetch, n_damaged, n_structures, n_lost;
};

static void
count_fetch(void *ctx, struct imap *im, const struct imap_fetch *f)
{
	struct census *c = ctx;
	(void)im;

	c->n_fetch++;
	c->n_damaged += f->is_damaged;
	if (f->structure.p) {
		struct scan s = f->structure;
		c->n_structures++;
		if (!imap_structure_parse(&c->arena, &s))
			c->n_lost++;
	}
}

static bool by_byte;

static void
serve_file(struct server *s, int fd)
{
	struct script *sc = (struct script *)s;
	static const char hello[] = "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi\r\n";
	int one = 1;
	char *line;

	sc->fd = fd;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	script_send(sc, hello, sizeof hello - 1);
	for (int i = 0; i < 2 && (line = script_line(sc)); i++) {
		take_tag(sc, line);
		free(line);
		if (i == 0)
			script_say(sc, "$T OK [CAPABILITY IMAP4rev1 IDLE] in", 36, false);
		else
			send_answer(sc, &replayed, 0, by_byte);
	}
	/* a literal that counts too much ends at once */
	shutdown(fd, SHUT_WR);
	while (script_fill(sc))
		;
}

/* One answer of a server, read as the answer to a NOOP. */
static enum err
read_answer(struct census *c)
{
	struct backend_login login = { .user = "ada", .password = "hunter2" };
	struct fixture fx = { .cfg.net = { .host = "127.0.0.1", .security = NET_PLAIN,
		.connect_ms = 30000, .io_ms = 30000 } };
	struct imap_handler h = { .ctx = c, .fetch = count_fetch };
	struct imap_cmd cmd;

	fx.script.server.serve = serve_file;
	server_start(&fx.script.server);
	fx.cfg.net.port = fx.script.server.port;
	assert_int_equal(ERR_OK, cancel_init(&fx.cancel, NULL));
	fx.b = imap_new(&fx.cfg, &fx.cancel);
	assert_int_equal(ERR_OK, fx.b->ops->connect(fx.b, &login, &fx.e));
	imap_cmd_init(&cmd, "NOOP");
	enum err rc = imap_run(imap_of(fx.b), &cmd, 1, &h, IMAP_MAX_BYTES, &fx.e);
	imap_cmd_clear(&cmd);
	close_all(&fx);
	return rc;
}

/* Recordings whose literals were cut out by hand and count wrong. */
static bool
has_wrong_literals(const char *path)
{
	return (!strstr(path, "/gmail/") && !strstr(path, "/dovecot/")) ||
		strstr(path, "/headers.1+");
}

/* FETCH responses that are wrong as they stand: a value is missing, or a bracket too much. */
static bool
is_wrong(const char *path)
{
	return strstr(path, "negative-modseq") || strstr(path, "extra-parens")
		|| strstr(path, "missing-content") || has_wrong_literals(path);
}

/* Every recorded answer of sixteen kinds of server is read to its
 * end, and no FETCH is lost. */
static void
test_real_servers_are_understood(void **state)
{
	glob_t g = files("imap-transcripts/mailkit/*/*.txt");
	struct census c = {0};
	(void)state;

	mime_init();
	for (size_t i = 0; i < g.gl_pathc; i++) {
		struct census one = {0};
		replayed = slurp(g.gl_pathv[i]);
		enum err rc = read_answer(&one);
		if (rc != ERR_OK && !has_wrong_literals(g.gl_pathv[i]))
			fail_msg("%s: not read", g.gl_pathv[i]);
		if (one.n_damaged + one.n_lost > 0 && !is_wrong(g.gl_pathv[i]))
			fail_msg("%s: %u damaged, %u lost", g.gl_pathv[i], one.n_damaged,
				one.n_lost);
		c.n_fetch += one.n_fetch;
		c.n_structures += one.n_structures;
		arena_clear(&one.arena);
		str_clear(&replayed);
	}
	assert_true(c.n_fetch > 300);
	assert_true(c.n_structures > 30);
	globfree(&g);
}

/* However the bytes arrive, the same is read. */
static void
test_bytes_one_by_one(void **state)
{
	glob_t g = files("imap-transcripts/mailkit/gmail/fetch.1*.txt");
	(void)state;

	for (size_t i = 0; i < g.gl_pathc && i < 4; i++) {
		struct census whole = {0}, single = {0};
		replayed = slurp(g.gl_pathv[i]);
		str_cut(&replayed, replayed.len < 60000 ? replayed.len : 60000);
		enum err rc = read_answer(&whole);
		by_byte = true;
		assert_int_equal(rc, read_answer(&single));
		by_byte = false;
		assert_int_equal(whole.n_fetch, single.n_fetch);
		assert_int_equal(whole.n_structures, single.n_structures);
		arena_clear(&whole.arena);
		arena_clear(&single.arena);
		str_clear(&replayed);
	}
	globfree(&g);
}

/* ---- NO STARTTLS ---- */

struct attack {
	char *greeting, *after_greeting, *starttls;
	bool hides_starttls, has_no_tls;
};

/* The value of `key: Some("...")`, unescaped; NULL: none. Commented lines do not count. */
static char *
some_string(const char *text, const char *key)
{
	struct str out = {0};

	for (const char *p = text; (p = strstr(p, key)); p++) {
		const char *line = p;
		while (line > text && line[-1] != '\n')
			line--;
		line += strspn(line, " \t");
		const char *q = strchr(p, '"');
		if (strncmp(line, "//", 2) == 0 || !q)
			continue;
		for (q++; *q && *q != '"'; q++) {
			if (*q == '\\')
				q++;
			str_putc(&out, q[-1] != '\\' ? *q : *q == 'r' ? '\r' : *q ==
				'n' ? '\n' : *q);
		}
		return str_take(&out);
	}
	return NULL;
}

static struct attack
read_attack(const char *path)
{
	struct attack a = {0};
	char *text;
	size_t n;

	assert_int_equal(ERR_OK, file_read(&text, &n, path, 1 << 20, NULL));
	char *words = some_string(text, "text: Text(");
	const char *kind = strstr(text, "kind: PreAuth") ? "PREAUTH"
		: strstr(text, "kind: Bye") ? "BYE" : strstr(text, "kind: No") ? "NO" : "OK";
	a.greeting = xasprintf("* %s [CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=LOGIN SASL-IR] %s",
		kind, words ? words : "");
	a.after_greeting = some_string(text, "response_after_greeting:");
	a.starttls = some_string(text, "starttls_response:");
	a.hides_starttls = strstr(text, "hide_commands: [\"starttls\"") != NULL;
	a.has_no_tls = strstr(text, "starttls_transition: false") != NULL;
	free(words);
	free(text);
	return a;
}

static struct attack attack;

static void
say_starttls(struct script *sc)
{
	const char *answer = attack.hides_starttls ? "<tag> BAD unknown\r\n"
		: attack.starttls ? attack.starttls : "<tag> OK begin\r\n";

	for (const char *p = answer, *tag; *p; p = tag + strlen("<tag>")) {
		if (!(tag = strstr(p, "<tag>"))) {
			script_send(sc, p, strlen(p));
			return;
		}
		script_send(sc, p, (size_t)(tag - p));
		script_send(sc, sc->tag, strlen(sc->tag));
	}
}

/* Does what the attack says; whatever comes in plain text is kept in sc->got. */
static void
serve_attack(struct server *s, int fd)
{
	struct script *sc = (struct script *)s;
	struct timeval patience = { .tv_sec = 2 };
	char *line;

	sc->fd = fd;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	script_say(sc, attack.greeting, strlen(attack.greeting), false);
	if (attack.after_greeting)
		script_send(sc, attack.after_greeting, strlen(attack.after_greeting));
	while ((line = script_line(sc))) {
		take_tag(sc, line);
		if (strstr(line, "STARTTLS")) {
			say_starttls(sc);
			if (!attack.hides_starttls && !attack.has_no_tls) {
				/* and no more: what counts is what came before */
				SSL_free(server_tls(s, fd));
				free(line);
				return;
			}
		} else {
			script_say(sc, "$T OK yes", 9, false);
		}
		free(line);
	}
}

/* Where STARTTLS is required no attack gets a password, a login or a command out of the client
 * in plain text; it fails, it does not hang. */
static void
test_no_starttls(void **state)
{
	glob_t all[4] = { files("protocol-attacks/no-starttls/imap/*/*.ron"),
		files("protocol-attacks/no-starttls/imap/*/*/*.ron"),
		files("protocol-attacks/no-starttls/imap/*/*/*/*.ron"),
		files("protocol-attacks/no-starttls/imap/*.ron") };
	size_t n = 0;

	for (size_t k = 0; k < LEN(all); k++) {
		for (size_t i = 0; i < all[k].gl_pathc; i++, n++) {
			struct fixture fx = {0};
			struct cert_spec spec = { .cn = "x", .san = "IP:127.0.0.1",
				.usage = "serverAuth" };
			struct pki *pki = *state;
			attack = read_attack(all[k].gl_pathv[i]);
			fx.script.server.cert = cert_make(pki, &spec, false);
			fx.script.server.key = pki->key;
			fx.script.server.serve = serve_attack;
			server_start(&fx.script.server);
			fx.cfg.net = (struct net_config){ .host = "127.0.0.1",
				.port = fx.script.server.port, .security = NET_STARTTLS,
				.ca_file = pki->ca_file, .connect_ms = 300, .io_ms = 100 };
			assert_int_equal(ERR_OK, cancel_init(&fx.cancel, NULL));
			fx.b = imap_new(&fx.cfg, &fx.cancel);
			struct backend_login login = { .user = "ada", .password = "hunter2" };
			assert_int_not_equal(ERR_OK, fx.b->ops->connect(fx.b, &login, &fx.e));
			if (strstr(attack.greeting, "PREAUTH"))
				assert_int_equal(ERR_TLS, fx.e.code);
			done_without_password(&fx);
			free(attack.greeting);
			free(attack.after_greeting);
			free(attack.starttls);
		}
		globfree(&all[k]);
	}
	assert_true(n >= 30);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { T(test_what_crashed_libetpan),
		T(test_real_servers_are_understood), T(test_bytes_one_by_one),
		T(test_no_starttls) };

	return cmocka_run_group_tests(tests, pki_setup, pki_teardown);
}
