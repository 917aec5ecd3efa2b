/* mbox_parts.c - a whole mbox scanned by several threads.
 *
 * Where a message begins is told by three lines (mbox.c), so a scan may begin anywhere:
 * the file is cut into parts of bytes, and each thread takes the messages whose From_
 * line begins in its part. What has to come from a disk is scanned by one thread: several
 * would only make its head jump. */
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "mbox.h"
#include "mbox_reader.h"

#ifndef MBOX_PART
#define MBOX_PART (16 << 20)	/* less is not worth a thread */
#endif

enum {
	BEFORE_BYTES = 3,		/* the shortest line end and empty line that may stand
					 * before a From_ line, and one */
	N_PROBES = 16
};

struct part {
	int fd;
	uint64_t from, to, size;
	mbox_visit *visit;
	void *ctx;
	const struct cancel *cancel;
	enum err rc;
	struct error e;
	pthread_t thread;
	bool is_running;
};

/* The message before belongs to the part before, though the scan had to begin with it. */
static bool
visit_own(void *ctx, const struct mbox_msg *m, const char *head, size_t n_head)
{
	struct part *p = ctx;

	if (m->from_pos < p->from)
		return true;
	return m->from_pos < p->to && p->visit(p->ctx, m, head, n_head);
}

static void *
scan_part(void *arg)
{
	struct part *p = arg;
	uint64_t begin = 0;

	p->rc = p->from < BEFORE_BYTES ? ERR_OK
		: mbox_next_boundary(p->fd, p->from - BEFORE_BYTES, p->size, &begin, &p->e);
	if (p->rc == ERR_OK && begin < p->to)
		p->rc = mbox_scan_fd(p->fd, begin, p->size, visit_own, p, p->cancel, &p->e);
	return NULL;
}

/* Whether what is read is in memory already, judged by samples; a file
 * system that can't tell says no. */
static bool
is_cached(int fd, uint64_t size)
{
	char byte;
	struct iovec v = { &byte, 1 };

	for (uint64_t i = 0; i < N_PROBES; i++) {
		if (preadv2(fd, &v, 1, (off_t)(size / N_PROBES * i), RWF_NOWAIT) != 1)
			return false;
	}
	return true;
}

static size_t
parts_for(int fd, uint64_t size, size_t n_most)
{
	long n_cores = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t n = size / MBOX_PART;

	n = n < n_most ? n : n_most;
	n = n_cores > 0 && n < (uint64_t)n_cores ? n : (uint64_t)(n_cores > 0 ? n_cores : 1);
	return n < 2 || !is_cached(fd, size) ? 1 : (size_t)n;
}

/* The first part is the caller's own; so is one that finds no thread. */
static void
run(struct part *parts, size_t n)
{
	sigset_t all, before;

	sigfillset(&all);
	/* signals are for the program's other threads */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (size_t i = 1; i < n; i++)
		parts[i].is_running = pthread_create(&parts[i].thread, NULL, scan_part,
			&parts[i]) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	for (size_t i = 0; i < n; i++) {
		if (!parts[i].is_running)
			scan_part(&parts[i]);
	}
	for (size_t i = 1; i < n; i++) {
		if (parts[i].is_running)
			pthread_join(parts[i].thread, NULL);
	}
}

enum err
mbox_scan_parts(const char *path, mbox_visit *visit, void *const *ctx, size_t n_ctx,
	const struct cancel *cancel, struct error *e)
{
	struct part parts[MBOX_PARTS] = {0};
	struct stat st;
	int fd;
	enum err rc = mbox_open_shared(&fd, path, cancel, e);

	if (rc != ERR_OK || fd < 0)
		return rc;
	if (fstat(fd, &st) < 0) {
		rc = error_errno(e, ERR_LOCAL, "cannot look at '%s'", path);
		close(fd);
		return rc;
	}
	uint64_t size = (uint64_t)st.st_size;
	if ((rc = mbox_check_fd(fd, size, path, e)) != ERR_OK) {
		close(fd);
		return rc;
	}
	size_t n = parts_for(fd, size, n_ctx < MBOX_PARTS ? n_ctx : MBOX_PARTS);
	for (size_t i = 0; i < n; i++) {
		parts[i] = (struct part){ .fd = fd, .size = size, .from = size / n * i,
			.to = i + 1 < n ? size / n * (i + 1) : UINT64_MAX, .visit = visit,
			.ctx = ctx[i], .cancel = cancel };
	}
	run(parts, n);
	close(fd);
	for (size_t i = 0; i < n && rc == ERR_OK; i++) {
		rc = parts[i].rc;
		if (rc != ERR_OK && e)
			*e = parts[i].e;
	}
	return rc;
}
