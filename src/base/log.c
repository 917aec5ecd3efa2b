/* log.c - the debug log. The only state of the process that is not handed around: every
 * layer writes to it, and nothing reads it back. */
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hide.h"
#include "log.h"
#include "str.h"
#include "utf8.h"

enum { MAX_COLUMNS = 200 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static FILE *file;
static atomic_bool is_on;

enum err
log_open(const char *path, struct error *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

	struct stat st;

	if (fd < 0)
		return error_errno(e, ERR_LOCAL, "cannot open the log '%s'", path);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)
	    && (st.st_uid != geteuid() || fchmod(fd, 0600) < 0)) {
		close(fd);
		return error_set(e, ERR_LOCAL, "the log '%s' belongs to somebody else", path);
	}
	pthread_mutex_lock(&lock);
	file = fdopen(fd, "a");
	if (file)
		setvbuf(file, NULL, _IOLBF, 0);
	atomic_store(&is_on, file != NULL);
	pthread_mutex_unlock(&lock);
	return ERR_OK;
}

void
log_close(void)
{
	pthread_mutex_lock(&lock);
	atomic_store(&is_on, false);
	if (file)
		fclose(file);
	file = NULL;
	pthread_mutex_unlock(&lock);
}

bool
log_on(void)
{
	return atomic_load_explicit(&is_on, memory_order_relaxed);
}

static void
write_line(const struct str *text)
{
	struct timespec now;
	struct tm tm;
	char stamp[32];

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	strftime(stamp, sizeof stamp, "%H:%M:%S", &tm);
	pthread_mutex_lock(&lock);
	if (file) {
		fprintf(file, "%s.%03ld %d %s\n", stamp, now.tv_nsec / 1000000, (int)gettid(),
			str_get(text));
	}
	pthread_mutex_unlock(&lock);
}

void
log_msg(const char *fmt, ...)
{
	struct str raw = {0}, clean = {0};
	va_list ap;

	if (!log_on())
		return;
	va_start(ap, fmt);
	str_vprintf(&raw, fmt, ap);
	va_end(ap);
	text_clean(&clean, str_get(&raw), raw.len, CLEAN_LINE);
	write_line(&clean);
	str_clear(&raw);
	str_clear(&clean);
}

/* Where the secret of a client's line begins; its length when there is none. The verb is the
 * first word (POP3, SMTP) or the second (IMAP, behind the tag). A line that holds no space at
 * all is a SASL answer, or one of the few verbs without argument. */
static size_t
secret_starts(const char *line, size_t n)
{
	static const char *const verbs[] = { "LOGIN ", "AUTHENTICATE ", "AUTH ", "PASS " };
	static const char *const bare[] = { "DONE", "QUIT", "CAPA", "UIDL", "LIST", "STLS",
		"NOOP", "RSET", "DATA", "STARTTLS", "STAT", "*" };
	const char *space = memchr(line, ' ', n);

	if (!space) {
		for (size_t i = 0; i < LEN(bare); i++) {
			if (n >= strlen(bare[i]) && str_istarts(line, bare[i]) &&
			    n <= strlen(bare[i]) + 2)
				return n;
		}
		return 0;
	}
	const char *words[] = { line, space + 1 };
	for (size_t w = 0; w < LEN(words); w++) {
		size_t left = n - (size_t)(words[w] - line);
		for (size_t i = 0; i < LEN(verbs); i++) {
			if (left >= strlen(verbs[i]) && str_istarts(words[w], verbs[i]))
				return n - left + strlen(verbs[i]);
		}
	}
	return n;
}

void
log_wire(char who, const char *line, size_t n)
{
	struct str raw = {0}, clean = {0};
	int used;

	if (!log_on())
		return;
	while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
		n--;
	char *z = xstrndup(line, n);
	size_t shown = who == 'C' ? secret_starts(z, n) : n;
	str_printf(&raw, "%c: ", who);
	str_add(&raw, line, shown);
	if (shown < n)
		str_puts(&raw, "***");
	hide_mask(&raw);
	text_clean(&clean, str_get(&raw), raw.len, CLEAN_LINE);
	str_cut(&clean, text_fit(str_get(&clean), clean.len, MAX_COLUMNS, &used));
	write_line(&clean);
	secret_free(z);
	str_clear(&raw);
	str_clear(&clean);
}
