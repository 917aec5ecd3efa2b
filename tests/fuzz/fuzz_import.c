/* Any bytes as a muttrc, or with a digit first as what other programs have: nothing is run,
 * all ends, and the mailrc that comes out reads without a complaint. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cli/import.h"
#include "fuzz.h"
#include "rc.h"
#include "ui.h"
#include "utf8.h"

static void
no_problem(void *ctx, const char *line)
{
	(void)ctx;
	(void)line;
	abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct import im;
	struct str text = {0}, report = {0};
	struct rc *rc;
	char *s = xstrndup((const char *)p, n);

	if (!utf8_valid(s, strlen(s)))	/* import_read makes it so */
		*s = '\0';
	import_init(&im);
	switch (*s) {
	case '1': import_alpine_text(&im, "pinerc", s + 1); break;
	case '2': import_aerc_text(&im, "accounts.conf", s + 1); break;
	case '3': import_abook_text(&im, "addressbook", s + 1); break;
	case '4': import_addressbook_text(&im, ".addressbook", s + 1); break;
	default: import_muttrc_text(&im, "muttrc", s); break;
	}
	import_text(&im, &text);
	import_report(&im, &report);
	assert(utf8_valid(str_get(&text), text.len) &&
		!memchr(str_get(&text), '\033', text.len));
	rc_parse(&rc, "mailrc", str_get(&text), text.len, NULL);
	if (rc->n_problems)
		no_problem(NULL, rc->problems[0].line);
	if (rc->n_keys || rc->n_colors)		/* slow: it makes all the bindings */
		ui_rc_problems(rc, no_problem, NULL);
	assert(rc->n_accounts == import_n_accounts(&im));
	rc_free(rc);
	str_clear(&text);
	str_clear(&report);
	import_clear(&im);
	free(s);
	return 0;
}
