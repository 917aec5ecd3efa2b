/* drain_pass.c - one session with a POP3 server.
 *
 * The order of writes, which doc/pop3.md argues: messages into the spool, fsync; under the
 * mbox's lock its length and the entries into the ledger, durably; the spool onto the mbox,
 * fsync; the ledger: they are here, durably. Only then, with everything downloaded, DELE
 * and QUIT. The spool is not touched again before its batch has ended, so that a crash
 * anywhere is repaired from spool, mbox and ledger. One program at a time: the spool is
 * locked for the whole of a pass. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "account.h"
#include "drain_int.h"
#include "log.h"
#include "path.h"

enum {
	AHEAD_BYTES = 1 << 20,		/* asked for and not yet taken */
	ERRAND_BYTES = 64 << 20,	/* takes so long to append that the worker does it */
	MAX_SESSIONS = 3,		/* of a pass in which the link breaks */
	QUIT_MS = 60 * 1000,		/* the server deletes now, which may take a while */
	DAY_S = 86400,
	FORGET_DAYS = 90		/* what the server has not listed for so long is
					 * not coming back */
};

/* ---- the spool ---- */

static enum err
open_spool(struct pass *p, struct error *e)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	p->spool = open(p->d->spool_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (p->spool < 0)
		return error_errno(e, ERR_LOCAL, "cannot open '%s'", p->d->spool_path);
	if (fcntl(p->spool, F_OFD_SETLK, &whole) < 0)
		return error_set(e, ERR_CONN,
			"another dunlin is just fetching this account's mail");
	return ERR_OK;
}

enum err
pass_empty_spool(struct pass *p, struct error *e)
{
	p->n_batch = 0;
	p->batch_bytes = 0;
	p->batch_ms = now_ms();
	return ftruncate(p->spool, 0) < 0 ? error_errno(e, ERR_LOCAL, "cannot empty the spool")
		: ERR_OK;
}

/* A batch that was begun and not ended: by a crash, or because the disk was full. */
static enum err
finish_batch(struct pass *p, struct error *e)
{
	struct drain_pass *d = p->d;
	uint64_t before, bytes;
	struct stat st;

	if (!store_pop3_begun(d->store, d->cfg->account, &before, &bytes))
		return pass_empty_spool(p, e);
	log_msg("%s: a batch of %llu bytes was not ended: looking at the inbox",
		d->cfg->conf->name, (unsigned long long)bytes);
	if (fstat(p->spool, &st) < 0 || (uint64_t)st.st_size < bytes) {
		error_set(e, ERR_LOCAL,
			"'%s' was cut short by somebody: what it held is fetched again",
			d->spool_path);
		d->notice(d->ctx, e);
		return store_pop3_abandon(d->store, d->cfg->account, e);
	}
	enum err rc = witness_repeat(p, e);
	if (rc == ERR_OK)
		rc = mbox_join_again(d->inbox, p->spool, bytes, before, d->hurry, e);
	return rc == ERR_OK ? store_pop3_end(d->store, d->cfg->account, e) : rc;
}

static enum err
begin_batch(void *ctx, uint64_t before, struct error *e)
{
	struct pass *p = ctx;

	enum err rc = witness_count(p, e);
	if (rc == ERR_OK)
		rc = store_pop3_begin(p->d->store, p->d->cfg->account, before, p->batch_bytes,
			p->batch, p->n_batch, e);
	return rc == ERR_OK ? witness_repeat(p, e) : rc;
}

/* Once a pass: whoever made a directory may have died before it was synced. The
 * spool lies below the store. */
static enum err
make_names_durable(struct pass *p, struct error *e)
{
	enum err rc = ERR_OK;

	if (!p->are_names_durable)
		rc = path_sync_dirs_above(p->d->spool_path, e);
	if (rc == ERR_OK && !p->are_names_durable)
		rc = path_sync_dirs_above(p->d->inbox, e);
	p->are_names_durable = rc == ERR_OK;
	return rc;
}

enum err
pass_errand(struct pass *p, enum err (*run)(void *arg, struct error *e), void *arg,
	const char *path, struct error *e)
{
	struct errand x = { run, arg, path };

	return p->d->errand ? p->d->errand(p->d->ctx, &x, e) : run(arg, e);
}

static enum err
join(void *arg, struct error *e)
{
	struct pass *p = arg;

	return mbox_join(p->d->inbox, p->spool, p->batch_bytes, begin_batch, p, p->d->hurry,
		e);
}

enum err
pass_commit(struct pass *p, struct error *e)
{
	struct drain_pass *d = p->d;
	enum err rc = ERR_OK;

	if (p->n_batch == 0)
		return ERR_OK;
	rc = fd_sync(p->spool, e);
	if (rc == ERR_OK)
		rc = make_names_durable(p, e);
	if (rc == ERR_OK)
		rc = p->batch_bytes > ERRAND_BYTES
			? pass_errand(p, join, p, NULL, e) : join(p, e);
	if (rc == ERR_OK)
		rc = store_pop3_end(d->store, d->cfg->account, e);
	if (rc != ERR_OK)
		return rc;
	for (size_t i = 0; i < p->n_batch; i++) {
		p->batch_items[i]->entry = arena_alloc(&p->plan.arena, sizeof *p->batch);
		*p->batch_items[i]->entry = p->batch[i];
	}
	d->appended(d->ctx, (uint32_t)p->n_batch);
	return pass_empty_spool(p, e);
}

/* ---- headers, where the UIDL does not tell ---- */

enum err
pass_read_header(struct pass *p, struct str *head, struct error *e)
{
	char *buf = xmalloc(65536);
	size_t n;
	enum err rc;

	while ((rc = pop3_read(p->pop3, buf, 65536, &n, e)) == ERR_OK && n > 0) {
		if (head->len + n <= MBOX_MAX_HEADER)
			str_add(head, buf, n);
	}
	free(buf);
	return rc;
}

static enum err
read_hash(struct pass *p, uint64_t *hash, struct error *e)
{
	struct str head = {0};
	enum err rc = pass_read_header(p, &head, e);

	*hash = mbox_header_hash(str_get(&head), head.len);
	str_clear(&head);
	return rc;
}

enum err
pass_ask_more(struct pass *p, struct plan_item **v, size_t n, size_t taken, size_t *asked,
	bool header_only, struct error *e)
{
	uint64_t ahead = 0;

	for (size_t i = taken; i < *asked; i++)
		ahead += header_only ? 1 : v[i]->m.size_bytes;
	while (*asked < n && *asked - taken < pop3_window(p->pop3) &&
	    (*asked == taken || ahead + v[*asked]->m.size_bytes <= AHEAD_BYTES ||
	    header_only)) {
		enum err rc = pop3_ask(p->pop3, &v[*asked]->m, header_only, e);
		if (rc != ERR_OK)
			return rc;
		ahead += v[(*asked)++]->m.size_bytes;
	}
	return ERR_OK;
}

/* Hashes by TOP; of a server that refuses it, of the whole message. */
enum err
pass_hash_headers(struct pass *p, struct plan_item **v, size_t n, bool header_only,
	struct error *e)
{
	size_t asked = 0;
	enum err rc = ERR_OK;

	for (size_t i = 0; i < n; i++) {
		if ((rc = pass_ask_more(p, v, n, i, &asked, header_only, e)) != ERR_OK)
			return rc;
		rc = pop3_take(p->pop3, e);
		if (rc == ERR_OK)
			rc = read_hash(p, &v[i]->hash, e);
		if (rc != ERR_OK && rc != ERR_MSG)
			return rc;
	}
	return ERR_OK;
}

enum err
pass_find_hashes(struct pass *p, struct error *e)
{
	struct plan *plan = &p->plan;
	struct plan_item **v = xcalloc(plan->n, sizeof *v);
	size_t n = 0, n_left = 0;

	for (size_t i = 0; i < plan->n; i++) {
		if (plan->v[i].wants_hash && plan->v[i].hash == 0)
			v[n++] = &plan->v[i];
	}
	if (n > 0)
		log_msg("%s: %zu messages are told by their headers", p->d->cfg->conf->name,
			n);
	enum err rc = pass_hash_headers(p, v, n, true, e);
	for (size_t i = 0; i < n; i++) {
		if (v[i]->hash == 0 && !v[i]->is_probe)
			v[n_left++] = v[i];
	}
	if (rc == ERR_OK && n_left > 0)
		rc = pass_hash_headers(p, v, n_left, false, e);
	free(v);
	return rc;
}

/* ---- what is on the server, what is here ---- */

/* Notes of entries that were found: their name, size, and that they are
 * still listed (to the day). */
static enum err
note_listed(struct pass *p, struct error *e)
{
	struct plan *plan = &p->plan;
	struct pop3_entry *changed = xcalloc(plan->n, sizeof *changed);
	size_t n = 0;

	for (size_t i = 0; i < plan->n; i++) {
		const struct plan_item *item = &plan->v[i];
		struct pop3_entry *entry = item->entry;
		if (!entry || (str_eq(entry->uidl, item->m.uidl) &&
		    entry->size_bytes == item->m.size_bytes && entry->state != POP3_DELETED &&
		    p->now - entry->listed < DAY_S))
			continue;
		entry->uidl = item->m.uidl;
		entry->size_bytes = item->m.size_bytes;
		entry->listed = p->now;
		if (entry->state == POP3_DELETED)
			entry->state = POP3_HERE;
		changed[n++] = *entry;
	}
	enum err rc = n > 0 ? store_pop3_update(p->d->store, changed, n, e) : ERR_OK;
	free(changed);
	return rc;
}

/* The names have changed hands. */
static enum err
match_by_headers(struct pass *p, struct error *e)
{
	struct plan *plan = &p->plan;

	log_msg("%s: messages bear the names of others", p->d->cfg->conf->name);
	plan->is_in_doubt = true;
	plan_by_uidl(plan);
	enum err rc = pass_find_hashes(p, e);
	if (rc == ERR_OK)
		plan_by_hash(plan);
	return rc;
}

/* Of each message whether it is in the ledger. */
static enum err
match(struct pass *p, struct error *e)
{
	struct plan *plan = &p->plan;
	enum err rc = ERR_OK;

	plan->is_in_doubt = plan->is_other_peer = doubt_is_other_peer(p);
	plan_by_uidl(plan);
	if (plan->n_entries == 0)
		return doubt_note_peer(p, e);
	rc = pass_find_hashes(p, e);
	bool is_wrong = false;
	if (rc == ERR_OK && plan_is_renumbered(plan))
		rc = doubt_is_renumbered(p, &is_wrong, e);
	if (rc == ERR_OK && !is_wrong) {
		plan_by_hash(plan);
		is_wrong = !plan->is_in_doubt && plan_is_mixed_up(plan);
	}
	if (is_wrong)
		rc = match_by_headers(p, e);
	if (rc == ERR_OK && plan->is_in_doubt)
		rc = doubt_unname(p, e);
	if (rc == ERR_OK)
		rc = note_listed(p, e);
	return rc == ERR_OK ? doubt_note_peer(p, e) : rc;
}

static enum err
make_plan(struct pass *p, struct error *e)
{
	struct plan *plan = &p->plan;
	struct pop3_msg *msgs;
	enum err rc = pop3_list(p->pop3, &plan->arena, &msgs, &plan->n, e);

	if (rc != ERR_OK)
		return rc;
	plan->v = xcalloc(plan->n, sizeof *plan->v);
	for (size_t i = 0; i < plan->n; i++)
		plan->v[i].m = msgs[i];
	plan->n_entries = store_pop3(p->d->store, p->d->cfg->account, &plan->arena,
		&plan->entries);
	bool is_doubtful = plan->n_entries == 0 || witness_is_ahead(p);
	rc = match(p, e);
	return rc == ERR_OK && is_doubtful ? relearn(p, e) : rc;
}

/* ---- deleting ---- */

static bool
may_delete(const struct pass *p, const struct pop3_entry *entry)
{
	int days = p->d->cfg->conf->keep_days;

	return days >= 0 && entry->state == POP3_HERE && !p->d->cfg->conf->read_only &&
		p->now - entry->fetched >= (int64_t)days * DAY_S;
}

static enum err
mark_deleted(struct pass *p, struct pop3_entry **v, const bool *refused, size_t n,
	struct error *e)
{
	struct pop3_entry *gone = xcalloc(n + 1, sizeof *gone);
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (refused[i])
			continue;
		gone[k] = *v[i];
		gone[k++].state = POP3_DELETED;
	}
	enum err rc = k > 0 ? store_pop3_update(p->d->store, gone, k, e) : ERR_OK;
	free(gone);
	return rc;
}

/* DELE and QUIT. The server deletes at QUIT or not at all; when its answer is
 * lost, the next listing tells. */
static enum err
delete_and_quit(struct pass *p, struct error *e)
{
	struct plan *plan = &p->plan;
	struct pop3_entry **v = xcalloc(plan->n + 1, sizeof *v);
	uint32_t *numbers = xcalloc(plan->n + 1, sizeof *numbers);
	bool *refused = xcalloc(plan->n + 1, sizeof *refused);
	size_t n = 0;
	enum err rc = atomic_load(p->d->stop) ? ERR_OK
		: doubt_before_deleting(p, may_delete, e);

	for (size_t i = 0; i < plan->n && rc == ERR_OK && !atomic_load(p->d->stop); i++) {
		if (!plan->v[i].entry || !may_delete(p, plan->v[i].entry))
			continue;
		numbers[n] = plan->v[i].m.number;
		v[n++] = plan->v[i].entry;
	}
	if (n > 0)
		rc = pop3_dele(p->pop3, numbers, n, refused, e);
	if (rc == ERR_OK)
		rc = pop3_quit(p->pop3, QUIT_MS, e);
	if (rc == ERR_OK)
		rc = mark_deleted(p, v, refused, n, e);
	free(v);
	free(numbers);
	free(refused);
	return rc;
}

/* ---- the pass ---- */

static void
tell_failures(struct pass *p)
{
	struct error e;

	if (p->n_failed == 0)
		return;
	error_set(&e, ERR_MSG, "%u message%s not fetched yet: %.200s",
		p->n_failed, p->n_failed == 1 ? "" : "s", p->failure.text);
	p->d->notice(p->d->ctx, &e);
}

static enum err
connect_to_server(struct pass *p, const char *password, struct error *e)
{
	struct pop3_config cfg = account_pop3(p->d->cfg->rc, p->d->cfg->conf);
	struct backend_login login = {
		.user = p->d->cfg->conf->receive.user ? p->d->cfg->conf->receive.user : "",
		.password = password ? password : "",
	};

	return pop3_open(&p->pop3, &cfg, &login, p->d->cancel, e);
}

void
pass_begin_anew(struct pass *p)
{
	pop3_close(p->pop3);
	p->pop3 = NULL;
	plan_clear(&p->plan);
	p->n_done = p->n_todo = p->bytes_done = p->bytes_todo = p->message_bytes = 0;
	p->n_batch = 0;
	p->n_failed = 0;
	p->did_break = false;
}

static void
pass_clear(struct pass *p)
{
	pop3_close(p->pop3);
	plan_clear(&p->plan);
	free(p->batch);
	free(p->batch_items);
	fd_close_locked(p->spool);
}

enum err
drain_pass_recover(struct drain_pass *d, struct error *e)
{
	struct pass p = { .d = d, .spool = -1 };
	enum err rc = open_spool(&p, e);

	/* Another process that is at work on it leaves nothing torn. */
	if (rc == ERR_OK)
		rc = finish_batch(&p, e);
	else if (rc == ERR_CONN)
		rc = ERR_OK;
	pass_clear(&p);
	return rc;
}

static enum err
session(struct pass *p, const char *password, struct error *e)
{
	enum err rc = connect_to_server(p, password, e);

	if (rc == ERR_OK) {
		p->d->listed(p->d->ctx);
		rc = make_plan(p, e);
	}
	if (rc == ERR_OK)
		rc = pass_download(p, e);
	return rc == ERR_OK ? delete_and_quit(p, e) : rc;
}

enum err
drain_pass_run(struct drain_pass *d, const char *password, struct error *e)
{
	struct pass p = { .d = d, .spool = -1, .now = time(NULL) };
	enum err rc = open_spool(&p, e);

	if (rc == ERR_OK)
		rc = finish_batch(&p, e);
	if (rc == ERR_OK && mbox_check(d->inbox, e) != ERR_OK)
		rc = e->code = ERR_LOCAL;	/* for the person to put right */
	if (rc == ERR_OK)
		rc = witness_look(&p, e);
	/* A message in which the link breaks each time is left out in the end, so that what
	 * stands behind it comes, and what is here is deleted. */
	for (int i = 0; rc == ERR_OK; i++) {
		rc = session(&p, password, e);
		if (rc != ERR_CONN || !p.did_break || i + 1 >= MAX_SESSIONS ||
		    atomic_load(d->stop))
			break;
		log_msg("%s: %s: once more", d->cfg->conf->name, e->text);
		pass_begin_anew(&p);
		rc = ERR_OK;
	}
	if (rc == ERR_OK)
		rc = store_pop3_forget(d->store, d->cfg->account, p.now - FORGET_DAYS * DAY_S,
			e);
	tell_failures(&p);
	pass_clear(&p);
	return rc == ERR_OK && atomic_load(d->stop) ? error_set(e, ERR_CANCELLED, "stopped")
		: rc;
}
