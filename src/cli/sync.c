/* sync.c - `dunlin sync`: one pass without a screen.
 *
 * The same workers as under the UI get one JOB_SYNC each, and their ends are waited for. A
 * person is not asked for anything: what needs one is told, and the exit code says so. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts.h"
#include "cli.h"
#include "engine.h"
#include "interrupt.h"
#include "store_outbox.h"
#include "store_uploads.h"
#include "str.h"
#include "utf8.h"

enum { EXIT_PERSON = 1, EXIT_LATER = 75, QUIT_MS = 900, LOOK_MS = 200 };

struct pass {			/* one account's */
	account_id account;
	job_id job;
	bool is_over, needs_person;
	enum err code;
	struct error why;
	uint32_t n_new;
};

struct sync {
	struct engine *engine;
	struct rc rc;			/* the accounts that were named */
	struct pass *passes;
	size_t n, n_over;
};

static struct pass *
pass_of(struct sync *s, account_id account)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->passes[i].account == account)
			return &s->passes[i];
	}
	return NULL;
}

static void
take_event(struct sync *s, const struct event *ev)
{
	struct pass *p = pass_of(s, ev->account);

	if (!p)
		return;
	switch (ev->kind) {
	case EV_FOLDER:
		p->n_new += ev->u.folder.n_new;
		break;
	case EV_NOTICE:
		fprintf(stderr, "dunlin: %s: %s\n",
			engine_rc_account(s->engine, p->account)->name, ev->u.notice.text);
		p->needs_person = p->needs_person || ev->u.notice.code == ERR_MSG;
		break;
	case EV_PASSWORD:
		engine_password(s->engine, ev->account, NULL);
		break;
	case EV_DONE:
		if (ev->job != p->job || p->is_over)
			break;
		p->is_over = true;
		p->code = ev->u.done.code;
		p->why = ev->u.done;
		s->n_over++;
		break;
	default:
		break;
	}
}

/* Mail is sent beside the pass, and its copy made behind it where there is a connection. */
static bool
is_going_on(struct sync *s)
{
	if (s->n_over < s->n)
		return true;
	for (size_t i = 0; i < s->n; i++) {
		const struct pass *p = &s->passes[i];
		const struct store *store = engine_store(s->engine);
		if (engine_is_sending(s->engine, p->account) ||
		    (p->code == ERR_OK && (store_outbox_copies(store, p->account) > 0 ||
		    store_outbox_seeks(store, p->account) > 0)))
			return true;
	}
	return false;
}

static void
run(struct sync *s, struct cancel *cancel)
{
	struct pollfd p[] = {
		{ .fd = engine_fd(s->engine), .events = POLLIN },
		{ .fd = cancel_fd(cancel), .events = POLLIN },
	};
	struct event ev;

	while (is_going_on(s) && !cancel_fired(cancel)) {
		poll(p, LEN(p), LOOK_MS);
		while (engine_next(s->engine, &ev))
			take_event(s, &ev);
	}
}

static int
report(struct sync *s, const struct pass *p)
{
	const char *name = engine_rc_account(s->engine, p->account)->name;
	uint32_t n_kept = store_intents_pending(engine_store(s->engine), p->account);
	bool is_later = p->code == ERR_CONN || p->code == ERR_CANCELLED;

	printf("%s: ", name);
	if (!p->is_over)
		printf("interrupted");
	else if (p->code == ERR_OK)
		printf("in step, %u new message%s", p->n_new, p->n_new == 1 ? "" : "s");
	else
		printf("%s: %s", is_later ? "not reached" : "needs you", p->why.text);
	if (n_kept > 0)
		printf("; %u action%s kept for later", n_kept, n_kept == 1 ? " is" : "s are");
	uint32_t n_later = store_outbox_later(engine_store(s->engine), p->account);
	uint32_t n_mail = store_outbox_waiting(engine_store(s->engine), p->account) - n_later;
	uint32_t n_stuck = store_outbox_stuck(engine_store(s->engine), p->account);
	if (n_mail > 0)
		printf("; %u mail%s in the outbox", n_mail, n_mail == 1 ? " waits" : "s wait");
	if (n_later > 0)
		printf("; %u mail%s to go out later", n_later, n_later == 1 ? " is" : "s are");
	if (n_stuck > 0)
		printf("; %u mail%s in the outbox need%s you", n_stuck,
			n_stuck == 1 ? "" : "s", n_stuck == 1 ? "s" : "");
	uint32_t n_uploads = store_uploads_due(engine_store(s->engine), p->account);
	uint32_t n_refused = store_uploads_refused(engine_store(s->engine), p->account);
	if (n_uploads > 0)
		printf("; %u message%s to be stored", n_uploads,
			n_uploads == 1 ? " waits" : "s wait");
	if (n_refused > 0)
		printf("; %u message%s the server would not store", n_refused,
			n_refused == 1 ? "" : "s");
	putchar('\n');
	if (n_stuck > 0 || n_refused > 0)
		return EXIT_PERSON;
	if (p->needs_person || (p->is_over && p->code != ERR_OK && !is_later))
		return EXIT_PERSON;
	return p->is_over && p->code == ERR_OK && n_mail == 0 && n_uploads == 0
		? 0 : EXIT_LATER;
}

static int
report_all(struct sync *s)
{
	int code = 0;

	for (size_t i = 0; i < s->n; i++) {
		int mine = report(s, &s->passes[i]);
		if (mine == EXIT_PERSON || code == 0)
			code = mine;
	}
	return code;
}

/* The rc with the named accounts only: the others are not to be connected. */
static void
choose(struct sync *s, const struct rc *rc, char *const *names, int n)
{
	s->rc = *rc;
	s->rc.accounts = xcalloc(rc->n_accounts, sizeof *s->rc.accounts);
	s->rc.n_accounts = 0;
	for (size_t i = 0; i < rc->n_accounts; i++) {
		if (account_is_named(&rc->accounts[i], names, n))
			s->rc.accounts[s->rc.n_accounts++] = rc->accounts[i];
	}
	s->n = s->rc.n_accounts;
	s->passes = xcalloc(s->n, sizeof *s->passes);
}

static enum err
begin(struct sync *s, const struct dirs *d, struct error *e)
{
	enum err rc = engine_new(&s->engine, &s->rc, d, e);

	if (rc == ERR_OK)
		rc = engine_start(s->engine, e);
	for (size_t i = 0; i < s->n && rc == ERR_OK; i++) {
		struct job job = { .kind = JOB_SYNC, .account = engine_account(s->engine, i) };
		s->passes[i].account = job.account;
		s->passes[i].job = engine_submit(s->engine, &job);
	}
	return rc;
}

int
cli_sync(const struct rc *rc, const struct dirs *d, char *const *accounts, int n)
{
	struct sync s = {0};
	struct interrupt stop;
	struct error e = {0};
	int code = EXIT_PERSON;

	if (accounts_unknown(rc, accounts, n) > 0)
		return EXIT_PERSON;
	for (size_t i = 0; i < rc->n_problems; i++) {
		char *clean = text_clean_dup(rc->problems[i].line);
		fprintf(stderr, "dunlin: %s\n", clean);
		free(clean);
	}
	choose(&s, rc, accounts, n);
	if (s.n == 0)
		fprintf(stderr,
			"dunlin: no account in the mailrc; 'dunlin setup' makes one\n");
	if (interrupt_begin(&stop, &e) == ERR_OK && begin(&s, d, &e) == ERR_OK) {
		run(&s, &stop.cancel);
		code = s.n ? report_all(&s) : EXIT_PERSON;
		fflush(stdout);
	} else {
		fprintf(stderr, "dunlin: %s\n", e.text);
	}
	engine_free(s.engine, QUIT_MS);
	free(s.passes);
	free(s.rc.accounts);
	return interrupt_end(&stop, code);
}
