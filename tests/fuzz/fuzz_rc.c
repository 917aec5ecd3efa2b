/* Any bytes as a mailrc: every problem and value is clean text, every account usable. */
#include <assert.h>
#include <string.h>

#include "fuzz.h"
#include "rc.h"
#include "utf8.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct rc *rc;
	struct rc_color color;

	rc_parse(&rc, "mailrc", (const char *)p, n, NULL);
	assert(rc->n_problems <= 100);
	for (size_t i = 0; i < rc->n_problems; i++) {
		const char *line = rc->problems[i].line;
		assert(utf8_valid(line, strlen(line)) && !strpbrk(line, "\n\033"));
	}
	for (size_t i = 0; i < rc->n_accounts; i++) {
		const struct rc_account *a = &rc->accounts[i];
		assert(*a->name && a->from && a->receive.protocol != RC_NONE);
		assert(a->receive.protocol == RC_MBOX ? a->receive.path[0] == '/'
			: *a->receive.user && *a->receive.host && a->receive.port);
		assert(a->receive.protocol == RC_MBOX || a->receive.security != RC_PLAIN
			|| a->allow_insecure || rc_host_is_loopback(a->receive.host));
		assert(!a->password || !a->password_command);
	}
	for (size_t i = 0; i < rc->n_colors; i++)
		assert(rc_color_parse(&color, rc->colors[i].value, NULL) == ERR_OK);
	rc_free(rc);
	return 0;
}
