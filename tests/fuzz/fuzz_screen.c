/* Any bytes as a text on the screen, as a file name and as an error: what
 * goes to ncurses is printable.
 *
 * Asked is Unicode itself (libunistring's properties) and not the tables of utf8.c: no
 * control, no surrogate, no noncharacter, nothing that has an influence on direction, nothing
 * that shows nothing but what joins letters or chooses the form of the one before it, and as
 * many columns as the cell has. */
#include <locale.h>

#include "fuzz.h"
#include "ui/term.c"

#include <unictype.h>

#include "err.h"

enum { ROWS = 4, COLUMNS_ = 40 };

static bool
acts(uint32_t c)
{
	return uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Cc | UC_CATEGORY_MASK_Cs |
			UC_CATEGORY_MASK_Zl | UC_CATEGORY_MASK_Zp) ||
			uc_is_property_bidi_control(c) ||
		uc_is_property_not_a_character(c) || c > 0x10ffff;
}

static bool
is_hidden(uint32_t c)
{
	return uc_is_property_default_ignorable_code_point(c);
}

/* What a text may hold after the sanitiser that nobody sees: joiners,
 * and selectors of a form. */
static bool
shapes(uint32_t c, uint32_t before)
{
	bool joins = c == 0x200c || c == 0x200d;
	bool selects = uc_is_property_variation_selector(c) || (c >= 0x180b && c <= 0x180f);

	return (joins || selects) &&
		(before >= 0x80 || (before && strchr("#*0123456789", (int)before)));
}

static void
check_text(const char *s)
{
	uint32_t before = 0, c;
	size_t n = strlen(s);

	must(utf8_valid(s, n));
	for (size_t i = 0; i < n; before = c) {
		i += utf8_next(s + i, n - i, &c);
		must(!acts(c) && (!is_hidden(c) || shapes(c, before)));
	}
}

static void
check_cell(const struct cell *c)
{
	wchar_t chars[CCHARW_MAX + 1];

	if (c->width == 0)
		return;
	int width = cell_chars(c, chars);
	must(width >= 1 && width <= c->width && wcwidth(chars[0]) == width);
	must(!acts((uint32_t)chars[0]) && !is_hidden((uint32_t)chars[0]));
	for (size_t i = 1; chars[i]; i++)
		must(!acts((uint32_t)chars[i]) && wcwidth(chars[i]) == 0);
}

static void
check_grid(const char *p, size_t n)
{
	struct grid g;

	grid_init(&g, ROWS, COLUMNS_);
	struct area all = grid_area(&g);
	area_putn(&all, 0, 0, COLUMNS_, ST_NORMAL, p, n);
	area_putn(&all, 1, 3, 5, ST_NORMAL, p, n);
	area_printf(&all, 2, 0, COLUMNS_, ST_NORMAL, "%.*s %s", (int)n, p, "x");
	char *z = xstrndup(p, n);
	area_put_right(&all, 3, 0, COLUMNS_, ST_NORMAL, z);
	area_fill(&all, 3, 0, 7, ST_NORMAL, z);
	area_put(&all, 0, 1, 2, ST_NORMAL, z);
	free(z);
	for (int y = 0; y < ROWS; y++) {
		int columns = 0;
		for (int x = 0; x < COLUMNS_; x++) {
			check_cell(grid_cell(&g, y, x));
			columns += grid_cell(&g, y, x)->width;
		}
		must(columns == COLUMNS_);
	}
	grid_clear(&g);
}

/* A name to save by: one step of a path, not hidden, no option, and short. */
static void
check_name(const char *z)
{
	char *name = path_safe_name(z);

	check_text(name);
	must(*name && *name != '.' && *name != '-' && *name != ' ' && strlen(name) <= 255);
	must(!strpbrk(name, "/\\:\n\t"));
	free(name);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	must(setlocale(LC_CTYPE, "C.UTF-8") != NULL);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data;
	struct str clean = {0}, again = {0};
	struct error e;

	text_clean(&clean, p, n, CLEAN_LINE);
	check_text(str_get(&clean));
	text_clean(&again, str_get(&clean), clean.len, CLEAN_LINE);
	must(again.len == clean.len && memcmp(str_get(&again), str_get(&clean), clean.len) ==
		0);
	check_grid(p, n);
	char *z = xstrndup(p, n);
	check_name(z);
	error_set(&e, ERR_MSG, "the server says: %s", z);
	check_text(e.text);
	free(z);
	str_clear(&clean);
	str_clear(&again);
	return 0;
}
