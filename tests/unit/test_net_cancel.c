/* Leaving: every wait of a connection ends by its deadline, and at once when it is cancelled,
 * without using the processor meanwhile and without leaving anything behind. */
#include <dirent.h>
#include <fcntl.h>
#include <libetpan/mailstream.h>
#include <time.h>

#include "net_server.h"

enum { DEADLINE_MS = 400, CANCEL_AFTER_MS = 60, CANCEL_MS = 100, CPU_MS = 150,
	N_TRIES = 3 };

/* ---- a name that is not found for as long as the test likes ---- */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_moved = PTHREAD_COND_INITIALIZER;
static bool is_gate_open;
static int n_lookups, n_released;

static int
lookup_slow(const char *host, const char *port, const struct addrinfo *hints,
	struct addrinfo **out)
{
	pthread_mutex_lock(&gate);
	while (!is_gate_open)
		pthread_cond_wait(&gate_moved, &gate);
	n_lookups++;
	pthread_mutex_unlock(&gate);
	return lookup_loopback(host, port, hints, out);
}

static void
release_slow(struct addrinfo *list)
{
	freeaddrinfo(list);
	pthread_mutex_lock(&gate);
	n_released++;
	pthread_cond_signal(&gate_moved);
	pthread_mutex_unlock(&gate);
}

static const struct net_resolver resolver_slow = { lookup_slow, release_slow };

/* Lets the lookups left behind end; each must give back what it found. */
static void
open_gate(int n_expected)
{
	pthread_mutex_lock(&gate);
	is_gate_open = true;
	pthread_cond_broadcast(&gate_moved);
	while (n_released < n_expected)
		pthread_cond_wait(&gate_moved, &gate);
	assert_int_equal(n_lookups, n_released);
	is_gate_open = false;
	n_lookups = n_released = 0;
	pthread_mutex_unlock(&gate);
}

/* ---- what stalls ---- */

struct fixture {
	struct server s;
	struct net_config cfg;
	struct cancel cancel;
	struct net *net;
	struct error e;
	int fill[8];
	const struct net_resolver *resolver;
};

static void
serve_silent(struct server *s, int fd)
{
	(void)fd;
	server_stopped(s, -1);
}

static void
serve_half_line(struct server *s, int fd)
{
	send(fd, "* OK hal", 8, MSG_NOSIGNAL);
	server_stopped(s, -1);
}

static void
serve_half_line_tls(struct server *s, int fd)
{
	SSL *ssl = server_tls(s, fd);

	if (ssl)
		SSL_write(ssl, "* OK hal", 8);
	server_stopped(s, -1);
	SSL_free(ssl);
}

/* A byte every 20 ms, and never a whole line. */
static void
serve_drip(struct server *s, int fd)
{
	while (!server_stopped(s, 20) && send(fd, "x", 1, MSG_NOSIGNAL) == 1)
		;
}

/* The accept queue is full: SYNs are dropped, as by a host that is switched off. */
static void
fill_backlog(struct fixture *f)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(f->s.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	assert_int_equal(0, listen(f->s.listen_fd, 0));
	for (size_t i = 0; i < LEN(f->fill); i++) {
		f->fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (connect(f->fill[i], (struct sockaddr *)&sa, sizeof sa) < 0)
			assert_int_equal(EINPROGRESS, errno);
	}
}

static enum err
act_open(struct fixture *f)
{
	return net_open_with(&f->net, &f->cfg, f->resolver, &f->cancel, &f->e);
}

static enum err
act_read(struct fixture *f)
{
	char buf[64];

	while (mailstream_read(net_stream(f->net), buf, sizeof buf) > 0)
		;
	return net_error(f->net, &f->e);
}

static enum err
act_write(struct fixture *f)
{
	static char much[1 << 20];

	while (mailstream_write(net_stream(f->net), much, sizeof much) > 0)
		;
	return net_error(f->net, &f->e);
}

static enum err
act_starttls(struct fixture *f)
{
	return net_starttls(f->net, &f->e);
}

static const struct stall {
	const char *label;
	enum net_security security;
	void (*serve)(struct server *s, int fd);	/* NULL: nobody accepts */
	enum err (*act)(struct fixture *f);
	bool is_slow_name;
} stalls[] = {
	{ "resolving", NET_TLS, serve_silent, act_open, true },
	{ "connecting", NET_TLS, NULL, act_open, false },
	{ "shaking hands", NET_TLS, serve_silent, act_open, false },
	{ "reading", NET_PLAIN, serve_silent, act_read, false },
	{ "reading mid-line", NET_PLAIN, serve_half_line, act_read, false },
	{ "reading mid-line in TLS", NET_TLS, serve_half_line_tls, act_read, false },
	{ "reading a drip", NET_PLAIN, serve_drip, act_read, false },
	{ "writing", NET_PLAIN, serve_silent, act_write, false },
	{ "writing in TLS", NET_TLS, serve_half_line_tls, act_write, false },
	{ "shaking hands after STARTTLS", NET_STARTTLS, serve_silent, act_starttls, false },
};

static void
prepare(struct fixture *f, const struct stall *c, struct pki *pki, int ms)
{
	struct cert_spec spec = { .san = "IP:127.0.0.1" };

	memset(f, 0, sizeof *f);
	memset(f->fill, -1, sizeof f->fill);
	f->resolver = c->is_slow_name ? &resolver_slow : &resolver_loopback;
	f->s.key = pki->key;
	f->s.cert = cert_make(pki, &spec, false);
	f->s.serve = c->serve;
	if (c->serve) {
		server_start(&f->s);
	} else {
		server_listen(&f->s);
		fill_backlog(f);
	}
	f->cfg = (struct net_config){ .host = c->is_slow_name ? "slow.test" : "127.0.0.1",
		.port = f->s.port, .security = c->security, .ca_file = pki->ca_file,
		.connect_ms = c->act == act_open ? ms : 20000 };
	assert_int_equal(ERR_OK, cancel_init(&f->cancel, NULL));
	if (c->act != act_open) {
		if (act_open(f) != ERR_OK)
			fail_msg("%s: %s", c->label, f->e.text);
		net_stream(f->net);
		f->net->connect_ms = ms;	/* for STARTTLS */
		net_command(f->net, ms, 0);
	}
}

static void
tidy(struct fixture *f, const struct stall *c)
{
	net_close(f->net);
	cancel_close(&f->cancel);
	if (c->serve) {
		server_stop(&f->s);
	} else {
		close(f->s.listen_fd);
		close(f->s.stop_fd);
		X509_free(f->s.cert);
	}
	for (size_t i = 0; i < LEN(f->fill); i++) {
		if (f->fill[i] >= 0)
			close(f->fill[i]);
	}
	if (c->is_slow_name)
		open_gate(1);
}

static int64_t
cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int
count_fds(void)
{
	int n = 0;
	DIR *d = opendir("/proc/self/fd");

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* A lookup's thread closes its own a moment after its answer. */
static void
assert_fds(int before)
{
	for (int i = 0; i < 200 && count_fds() > before; i++)
		nanosleep(&(struct timespec){ 0, 10000000L }, NULL);
	assert_true(count_fds() <= before);	/* fewer: one of an earlier test has ended */
}

/* One try at a stall: how it ended, when, and at what cost. */
struct outcome {
	enum err rc;
	struct error e;
	int64_t took_ms, cpu_ms;
};

static struct outcome
run_to_deadline(const struct stall *c, struct pki *pki)
{
	struct fixture f;
	struct outcome o;

	prepare(&f, c, pki, DEADLINE_MS);
	int64_t start = now_ms(), cpu = cpu_ms();
	o.rc = c->act(&f);
	o.took_ms = now_ms() - start;
	o.cpu_ms = cpu_ms() - cpu;
	o.e = f.e;
	tidy(&f, c);
	return o;
}

/* Whatever the server stalls in, we give up at the deadline: not before, and not
 * 1.2 times later. A machine under load may be late by itself, so that being late
 * counts when it happens thrice. */
static void
test_deadlines(void **state)
{
	for (size_t i = 0; i < LEN(stalls); i++) {
		struct outcome o;
		int n_tries = 0;
		do
			o = run_to_deadline(&stalls[i], *state);
		while (o.took_ms > DEADLINE_MS * 12 / 10 && ++n_tries < N_TRIES);
		if (o.rc != ERR_CONN || !*o.e.text)
			fail_msg("%s: %d '%s'", stalls[i].label, o.rc, o.e.text);
		if (o.took_ms < DEADLINE_MS - 20 || n_tries == N_TRIES)
			fail_msg("%s: left after %d ms", stalls[i].label, (int)o.took_ms);
		if (o.cpu_ms > CPU_MS)
			fail_msg("%s: used the processor for %d ms", stalls[i].label,
				(int)o.cpu_ms);
	}
}

struct killer {
	pthread_t thread;
	struct cancel *cancel;
	int64_t fired_ms;
};

static void *
killer_run(void *arg)
{
	struct killer *k = arg;
	struct timespec t = { 0, CANCEL_AFTER_MS * 1000000L };

	nanosleep(&t, NULL);
	k->fired_ms = now_ms();
	cancel_fire(k->cancel);
	return NULL;
}

static struct outcome
run_to_cancel(const struct stall *c, struct pki *pki)
{
	struct fixture f;
	struct outcome o = {0};
	char byte;

	prepare(&f, c, pki, 20000);
	struct killer k = { .cancel = &f.cancel };
	pthread_create(&k.thread, NULL, killer_run, &k);
	o.rc = c->act(&f);
	int64_t returned = now_ms();
	pthread_join(k.thread, NULL);
	o.took_ms = returned - k.fired_ms;
	o.e = f.e;
	assert_true(!f.net || io_read(f.net, &byte, 1) == -1);	/* and stays dead */
	tidy(&f, c);
	return o;
}

/* Cancelled from another thread, each of these calls returns within 100 ms and says so; so
 * does every later call on the same connection. */
static void
test_cancels(void **state)
{
	for (size_t i = 0; i < LEN(stalls); i++) {
		struct outcome o;
		int n_tries = 0;
		do
			o = run_to_cancel(&stalls[i], *state);
		while (o.took_ms > CANCEL_MS && ++n_tries < N_TRIES);
		if (o.rc != ERR_CANCELLED)
			fail_msg("%s: %d '%s'", stalls[i].label, o.rc, o.e.text);
		if (n_tries == N_TRIES)
			fail_msg("%s: left after %d ms", stalls[i].label, (int)o.took_ms);
	}
}

/* A cancel that was fired before ends each call before it does anything. */
static void
test_cancelled_before(void **state)
{
	for (size_t i = 0; i < LEN(stalls); i++) {
		const struct stall *c = &stalls[i];
		struct fixture f;
		prepare(&f, c, *state, 20000);
		cancel_fire(&f.cancel);
		int64_t start = now_ms();
		enum err rc = c->act(&f);
		int64_t took = now_ms() - start;
		tidy(&f, c);
		if (rc != ERR_CANCELLED || took > 2000)
			fail_msg("%s: %d after %d ms", c->label, rc, (int)took);
	}
}

/* Nothing stays open after any of these failures. */
static void
test_no_descriptor_left(void **state)
{
	int before = count_fds();

	for (size_t i = 0; i < LEN(stalls); i++) {
		struct fixture f;
		prepare(&f, &stalls[i], *state, 40);
		stalls[i].act(&f);
		tidy(&f, &stalls[i]);
	}
	assert_fds(before);
}

/* ---- several addresses ---- */

static struct sockaddr_storage given[MAX_ADDRS + 4];
static size_t n_given;

static int
lookup_given(const char *host, const char *port, const struct addrinfo *hints,
	struct addrinfo **out)
{
	struct addrinfo **tail = out;

	(void)host, (void)port, (void)hints;
	*out = NULL;
	for (size_t i = 0; i < n_given; i++) {
		struct addrinfo *a = calloc(1, sizeof *a);
		a->ai_family = given[i].ss_family;
		a->ai_addr = (struct sockaddr *)&given[i];
		a->ai_addrlen = given[i].ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
			: sizeof(struct sockaddr_in);
		*tail = a;
		tail = &a->ai_next;
	}
	return n_given > 0 ? 0 : EAI_AGAIN;
}

static void
release_given(struct addrinfo *list)
{
	while (list) {
		struct addrinfo *next = list->ai_next;
		free(list);
		list = next;
	}
}

static const struct net_resolver resolver_given = { lookup_given, release_given };

static void
give(int family, const char *text, uint16_t port)
{
	struct sockaddr_storage *sa = &given[n_given++];

	memset(sa, 0, sizeof *sa);
	sa->ss_family = (sa_family_t)family;
	if (family == AF_INET) {
		inet_pton(AF_INET, text, &((struct sockaddr_in *)sa)->sin_addr);
		((struct sockaddr_in *)sa)->sin_port = htons(port);
	} else {
		inet_pton(AF_INET6, text, &((struct sockaddr_in6 *)sa)->sin6_addr);
		((struct sockaddr_in6 *)sa)->sin6_port = htons(port);
	}
}

/* Families take turns, in the resolver's order, beginning with its first; a resolver that
 * gives more addresses than we keep does no harm. */
static void
test_address_order(void **state)
{
	(void)state;
	static const int want[] = { 0, 3, 1, 4, 2 };
	struct cancel cancel;
	struct net_addrs got;

	n_given = 0;
	give(AF_INET6, "::a", 1), give(AF_INET6, "::b", 1), give(AF_INET6, "::c", 1);
	give(AF_INET, "10.0.0.1", 1), give(AF_INET, "10.0.0.2", 1);
	assert_int_equal(ERR_OK, cancel_init(&cancel, NULL));
	int64_t until = now_ms() + 5000;
	assert_int_equal(ERR_OK, resolve_host(&got, "x.test", 1, &resolver_given, until,
		&cancel, NULL));
	assert_int_equal(5, got.n);
	for (size_t i = 0; i < 5; i++)
		assert_memory_equal(&given[want[i]], &got.v[i], got.len[i]);
	n_given = 0;
	while (n_given < LEN(given))
		give(AF_INET, "10.0.0.1", 1);
	assert_int_equal(ERR_OK, resolve_host(&got, "x.test", 1, &resolver_given, until,
		&cancel, NULL));
	assert_int_equal(MAX_ADDRS, got.n);
	n_given = 0;
	struct error e;
	assert_int_equal(ERR_CONN, resolve_host(&got, "x.test", 1, &resolver_given, until,
		&cancel, &e));
	assert_non_null(strstr(e.text, "cannot look up 'x.test'"));
	cancel_close(&cancel);
}

static enum err
race(struct fixture *f, int64_t *took)
{
	int64_t start = now_ms();
	enum err rc;

	f->cfg = (struct net_config){ .host = "many.test", .port = 1, .security = NET_PLAIN,
		.connect_ms = 3000 };
	assert_int_equal(ERR_OK, cancel_init(&f->cancel, NULL));
	rc = net_open_with(&f->net, &f->cfg, &resolver_given, &f->cancel, &f->e);
	*took = now_ms() - start;
	net_close(f->net);
	cancel_close(&f->cancel);
	return rc;
}

/* While the first address swallows what we send it, the second is tried after 250 ms; when
 * one refuses, the next at once, also while an earlier one is still silent; when all
 * refuse, that is what is told. */
static void
test_second_address(void **state)
{
	(void)state;
	struct fixture slow = {0}, f = { .s = { .serve = serve_silent } };
	struct server closed = {0};
	int64_t took;
	int before = count_fds();

	memset(slow.fill, -1, sizeof slow.fill);
	server_listen(&slow.s);
	fill_backlog(&slow);
	server_start(&f.s);
	server_listen(&closed);
	close(closed.listen_fd);

	n_given = 0;
	give(AF_INET, "127.0.0.1", slow.s.port), give(AF_INET, "127.0.0.1", f.s.port);
	assert_int_equal(ERR_OK, race(&f, &took));
	assert_in_range(took, 240, 2000);
	server_stop(&f.s);

	f.s = (struct server){ .serve = serve_silent };
	server_start(&f.s);
	n_given = 0;
	give(AF_INET6, "::1", closed.port), give(AF_INET, "127.0.0.1", closed.port);
	give(AF_INET, "127.0.0.1", f.s.port);
	assert_int_equal(ERR_OK, race(&f, &took));
	assert_in_range(took, 0, 450);		/* two delays of 250 ms would be more */
	server_stop(&f.s);

	int n_tries = 0;
	n_given = 0;
	give(AF_INET, "127.0.0.1", slow.s.port), give(AF_INET, "127.0.0.1", closed.port);
	give(AF_INET, "127.0.0.1", f.s.port);
	do {		/* a machine under load may be late by itself, but not thrice */
		f.s = (struct server){ .serve = serve_silent };
		server_start(&f.s);
		((struct sockaddr_in *)&given[2])->sin_port = htons(f.s.port);
		assert_int_equal(ERR_OK, race(&f, &took));
		server_stop(&f.s);
	} while (took > 450 && ++n_tries < N_TRIES);
	assert_in_range(took, 240, 450);

	n_given = 0;
	give(AF_INET6, "::1", closed.port), give(AF_INET, "127.0.0.1", closed.port);
	assert_int_equal(ERR_CONN, race(&f, &took));
	assert_in_range(took, 0, 1000);
	assert_string_equal("cannot connect to many.test:1: Connection refused", f.e.text);

	close(closed.stop_fd);
	close(slow.s.listen_fd);
	close(slow.s.stop_fd);
	for (size_t i = 0; i < LEN(slow.fill); i++)
		close(slow.fill[i]);
	assert_fds(before);
}

/* A real name that does not exist is told as that. (".invalid" never exists, RFC 6761.) */
static void
test_no_such_host(void **state)
{
	(void)state;
	struct fixture f = { .cfg = { .host = "no-such-host.invalid", .port = 993,
		.connect_ms = 5000 } };

	assert_int_equal(ERR_OK, cancel_init(&f.cancel, NULL));
	assert_int_equal(ERR_CONN, net_open(&f.net, &f.cfg, &f.cancel, &f.e));
	assert_non_null(strstr(f.e.text, "no-such-host.invalid"));
	assert_null(f.net);
	cancel_close(&f.cancel);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_deadlines), T(test_cancels), T(test_cancelled_before),
			T(test_no_descriptor_left),
		T(test_address_order), T(test_second_address), T(test_no_such_host),
	};

	return cmocka_run_group_tests(tests, pki_setup, pki_teardown);
}
