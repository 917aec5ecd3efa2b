/* hide.c - see hide.h. A ring of copies behind a mutex; they are wiped when they go. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "hide.h"

enum { MAX_HIDDEN = 32 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *hidden[MAX_HIDDEN];
static size_t next;

static bool
is_known(const char *secret)
{
	for (size_t i = 0; i < MAX_HIDDEN; i++) {
		if (hidden[i] && strcmp(hidden[i], secret) == 0)
			return true;
	}
	return false;
}

void
hide_add(const char *secret)
{
	if (!secret || strlen(secret) < HIDE_MIN_BYTES)
		return;
	pthread_mutex_lock(&lock);
	if (!is_known(secret)) {
		secret_free(hidden[next]);
		hidden[next] = xstrdup(secret);
		next = (next + 1) % MAX_HIDDEN;
	}
	pthread_mutex_unlock(&lock);
}

static void
mask_one(struct str *text, const char *secret)
{
	size_t n = strlen(secret);
	char *at;

	while (text->len >= n && (at = memmem(text->data, text->len, secret, n))) {
		size_t rest = text->len - (size_t)(at - text->data) - n;
		memset(at, '*', 3);
		memmove(at + 3, at + n, rest + 1);
		text->len -= n - 3;
	}
}

void
hide_mask(struct str *text)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < MAX_HIDDEN; i++) {
		if (hidden[i])
			mask_one(text, hidden[i]);
	}
	pthread_mutex_unlock(&lock);
}

void
hide_clear(void)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < MAX_HIDDEN; i++) {
		secret_free(hidden[i]);
		hidden[i] = NULL;
	}
	pthread_mutex_unlock(&lock);
}
