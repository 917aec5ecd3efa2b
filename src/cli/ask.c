/* ask.c - see ask.h. Reads by the byte and without a buffer of its own, so that nothing of a
 * secret stays behind and a signal ends the waiting at once. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "ask.h"
#include "str.h"

enum { MAX_ANSWER = 2000 };

/* False at the end of the input and when cancelled. */
static bool
read_byte(char *c, const struct cancel *cancel)
{
	struct pollfd p[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = cancel_fd(cancel), .events = POLLIN },
	};

	for (;;) {
		if (poll(p, LEN(p), -1) < 0 && errno != EINTR)
			return false;
		if (cancel_fired(cancel))
			return false;
		if (!p[0].revents)
			continue;
		ssize_t n = read(STDIN_FILENO, c, 1);
		if (n >= 0 || errno != EINTR)
			return n == 1;
	}
}

/* The rest of a line that is too long is dropped. */
static bool
read_line(char line[MAX_ANSWER + 1], const struct cancel *cancel)
{
	size_t n = 0;
	char c;
	bool is_good = false;

	while ((is_good = read_byte(&c, cancel)) && c != '\n') {
		if (n < MAX_ANSWER && c != '\0')
			line[n++] = c;
	}
	line[n] = '\0';
	/* a last line without its end */
	return is_good || (n > 0 && !cancel_fired(cancel));
}

static char *
trimmed(const char *line)
{
	line += strspn(line, " \t\r");
	size_t n = strlen(line);
	while (n > 0 && strchr(" \t\r", line[n - 1]))
		n--;
	return xstrndup(line, n);
}

static bool
echo_off(struct termios *before)
{
	struct termios t;

	if (tcgetattr(STDIN_FILENO, before) < 0)
		return false;
	t = *before;
	t.c_lflag &= ~(tcflag_t)ECHO;
	return tcsetattr(STDIN_FILENO, TCSAFLUSH, &t) == 0;
}

char *
ask(const char *text, const char *fallback, bool is_secret, const struct cancel *cancel)
{
	char line[MAX_ANSWER + 1], *answer = NULL;
	struct termios before;

	if (fallback && *fallback)
		printf("%s [%s]: ", text, fallback);
	else
		printf("%s: ", text);
	fflush(stdout);
	bool is_hidden = is_secret && echo_off(&before);
	if (read_line(line, cancel))
		answer = trimmed(line);
	if (is_hidden)
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	if (is_hidden || !answer)
		putchar('\n');
	explicit_bzero(line, sizeof line);
	if (answer && !*answer && fallback) {
		secret_free(answer);
		answer = xstrdup(fallback);
	}
	return answer;
}
