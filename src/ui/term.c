/* term.c - the terminal, by ncurses; no other file knows of it.
 *
 * What a terminal does with a cluster of several characters (emoji joined by ZWJ, variation
 * selectors, skin tones) differs from one to the next, and where its opinion of the width
 * differs from ours the whole line shifts. So a cell sends only what all agree on: one base
 * character with the combining marks upon it, filled up with a space to the columns we
 * reckon with. Where the locale has no code for a character, line drawing and typographic
 * signs become ASCII, all else '?'.
 *
 * Signals: the loop gets them by signalfd (ui.c). Only for those that kill at once is there a
 * handler, which needs to know the terminal without being told: `rescue` is the one variable
 * of the UI that is not const. */
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#define NCURSES_NOMACROS
#include <curses.h>

#include "keys.h"
#include "path.h"
#include "str.h"
#include "term.h"
#include "utf8.h"

enum { ESC_DELAY_MS = 25, MAX_PAIRS = 256, KEY_PASTE_BEGIN = 2000, KEY_PASTE_END };

struct screen {
	struct term term;
	SCREEN *ncurses;
	bool is_pasting, has_color;
	bool is_direct;			/* colours are 0xrrggbb, not numbers of a palette */
	int n_colors, n_pairs;
	struct { int fg, bg; } pairs[MAX_PAIRS];	/* [0] is the terminal's own */
	cchar_t *row;			/* room for one line */
	int row_columns;
};

static struct {
	struct termios tio;
	volatile sig_atomic_t is_on;
} rescue;

static const char paste_on[] = "\033[?2004h", paste_off[] = "\033[?2004l";
/* Mouse and paste off, cursor on, attributes off, main screen. */
static const char rescue_text[] =
	"\033[?1006l\033[?1000l\033[?2004l\033[?25h\033[m\033[?1049l\r\n";

static const int fatal_signals[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGQUIT };

/* ---- cells ---- */

static const struct {
	wchar_t c;
	char ascii;
} ascii_for[] = {
	{ L'─', '-' }, { L'━', '-' }, { L'│', '|' }, { L'┃', '|' }, { L'├', '|' },
	{ L'└', '`' }, { L'┌', '.' }, { L'┐', '.' }, { L'┘', '\'' }, { L'┤', '|' },
	{ L'┬', '-' }, { L'┴', '-' }, { L'┼', '+' }, { L'╭', '.' }, { L'╰', '`' },
	{ L'…', '~' }, { L'●', '*' }, { L'○', 'o' }, { L'•', '*' }, { L'·', '-' },
	{ L'▸', '>' }, { L'▾', 'v' }, { L'▶', '>' }, { L'▼', 'v' }, { L'→', '>' },
	{ L'←', '<' }, { L'↑', '^' }, { L'↓', 'v' }, { L'↳', '`' }, { L'✓', 'x' },
	{ L'✗', 'x' }, { L'★', '*' }, { L'☆', '*' }, { L'⚑', '!' }, { L'█', '#' },
	{ L'░', '.' }, { L'▏', '|' }, { L'▌', '|' }, { L'‘', '\'' }, { L'’', '\'' },
	{ L'“', '"' }, { L'”', '"' }, { L'„', '"' }, { L'«', '"' }, { L'»', '"' },
	{ L'–', '-' }, { L'—', '-' }, { L'−', '-' }, { L'\u00a0', ' ' }, { L'\u2011', '-' },
	{ L'\u2009', ' ' }, { L'\u202f', ' ' }, { L'×', 'x' }, { L'✉', '@' },
};

static bool
is_encodable(wchar_t c)
{
	mbstate_t st = {0};
	char buf[MB_LEN_MAX];

	return wcrtomb(buf, c, &st) != (size_t)-1;
}

static wchar_t
encodable(wchar_t c)
{
	if (c < 0x80 || is_encodable(c))
		return c;
	for (size_t i = 0; i < LEN(ascii_for); i++) {
		if (ascii_for[i].c == c)
			return (wchar_t)ascii_for[i].ascii;
	}
	return L'?';
}

/* The base character of a cell and the marks on it, NUL-terminated; its columns as the C
 * library and so ncurses see them. */
static int
cell_chars(const struct cell *c, wchar_t out[CCHARW_MAX + 1])
{
	size_t len = strlen(c->text), i = 0, n = 0;
	uint32_t ch;

	i += utf8_next(c->text, len, &ch);
	out[n++] = encodable((wchar_t)ch);
	int width = wcwidth(out[0]);
	if (width <= 0 || width > c->width) {
		out[0] = L'?';
		width = 1;
	}
	while (i < len && n < CCHARW_MAX) {
		i += utf8_next(c->text + i, len - i, &ch);
		if (ch == 0x200d || wcwidth((wchar_t)ch) > 0)
			break;
		if (ch != 0xfe0e && ch != 0xfe0f && is_encodable((wchar_t)ch) &&
		    out[0] != L'?')
			out[n++] = (wchar_t)ch;
	}
	out[n] = L'\0';
	return width;
}

/* ---- colours ---- */

static int
screen_color(const struct screen *s, int32_t color)
{
	if (color == RC_COLOR_DEFAULT)
		return -1;
	if (s->is_direct)		/* the first eight are the palette's there, too */
		return color & RC_COLOR_RGB ? color & 0xffffff
			: color < 8 ? color : color_rgb(color);
	return color_nearest(color, s->n_colors);
}

/* The number of the pair, made if need be. When all are taken: the terminal's own colours. */
static int
screen_pair(struct screen *s, int32_t fg, int32_t bg)
{
	int f = screen_color(s, fg), b = screen_color(s, bg);

	for (int i = 0; i < s->n_pairs; i++) {
		if (s->pairs[i].fg == f && s->pairs[i].bg == b)
			return i;
	}
	if (s->n_pairs == MAX_PAIRS || s->n_pairs >= COLOR_PAIRS ||
	    init_extended_pair(s->n_pairs, f, b) == ERR)
		return 0;
	s->pairs[s->n_pairs].fg = f;
	s->pairs[s->n_pairs].bg = b;
	return s->n_pairs++;
}

static attr_t
screen_attrs(const struct screen *s, const struct rc_color *l)
{
	attr_t a = A_NORMAL;

	if (l->attrs & RC_BOLD)
		a |= A_BOLD;
	if (l->attrs & RC_DIM)
		a |= A_DIM;
	if (l->attrs & RC_ITALIC)
		a |= A_ITALIC;
	if (l->attrs & RC_UNDERLINE)
		a |= A_UNDERLINE;
	if (l->attrs & RC_REVERSE || (!s->has_color && l->bg != RC_COLOR_DEFAULT))
		a |= A_REVERSE;
	return a;
}

static void
set_cchar(struct screen *s, cchar_t *out, const wchar_t *chars, const struct cell *c,
	const struct theme *th)
{
	struct rc_color l = theme_look(th, c->style, c->over);
	int pair = s->has_color ? screen_pair(s, l.fg, l.bg) : 0;

	setcchar(out, chars, screen_attrs(s, &l), (short)pair, &pair);
}

/* ---- drawing ---- */

static void
draw_row(struct screen *s, const struct grid *g, const struct theme *th, int y, int from,
	int to)
{
	int n = 0;

	for (int x = from; x < to; x++) {
		const struct cell *c = grid_cell(g, y, x);
		wchar_t chars[CCHARW_MAX + 1];
		if (c->width == 0)
			continue;
		int width = cell_chars(c, chars);
		set_cchar(s, &s->row[n++], chars, c, th);
		if (width < c->width)
			set_cchar(s, &s->row[n++], L" ", c, th);
	}
	wmove(stdscr, y, from);
	wadd_wchnstr(stdscr, s->row, n);
}

static void
screen_draw(struct term *t, struct grid *g, const struct theme *th)
{
	struct screen *s = (struct screen *)t;
	int from, to;

	if (g->columns > s->row_columns) {
		s->row = xreallocarray(s->row, (size_t)g->columns, sizeof *s->row);
		s->row_columns = g->columns;
	}
	if (LINES != g->rows || COLS != g->columns)
		resizeterm(g->rows, g->columns);
	for (int y = 0; y < g->rows; y++) {
		if (grid_damage(g, y, &from, &to))
			draw_row(s, g, th, y, from, to);
	}
	curs_set(g->cursor_y >= 0);
	if (g->cursor_y >= 0)
		wmove(stdscr, g->cursor_y, g->cursor_x);
	wrefresh(stdscr);
	grid_mark_shown(g);
}

/* ---- keys ---- */

static const struct {
	int ncurses;
	uint32_t key;
} plain_keys[] = {
	{ KEY_UP, KC_UP }, { KEY_DOWN, KC_DOWN }, { KEY_LEFT, KC_LEFT },
	{ KEY_RIGHT, KC_RIGHT }, { KEY_HOME, KC_HOME }, { KEY_FIND, KC_HOME },
	{ KEY_END, KC_END }, { KEY_SELECT, KC_END }, { KEY_LL, KC_END },
	{ KEY_PPAGE, KC_PAGE_UP }, { KEY_NPAGE, KC_PAGE_DOWN }, { KEY_IC, KC_INSERT },
	{ KEY_DC, KC_DELETE }, { KEY_BACKSPACE, KC_BACKSPACE }, { KEY_ENTER, KC_ENTER },
	{ KEY_BTAB, KC_TAB | KC_SHIFT }, { KEY_SR, KC_UP | KC_SHIFT },
	{ KEY_SF, KC_DOWN | KC_SHIFT }, { KEY_SLEFT, KC_LEFT | KC_SHIFT },
	{ KEY_SRIGHT, KC_RIGHT | KC_SHIFT }, { KEY_SHOME, KC_HOME | KC_SHIFT },
	{ KEY_SEND, KC_END | KC_SHIFT }, { KEY_SDC, KC_DELETE | KC_SHIFT },
	{ KEY_SPREVIOUS, KC_PAGE_UP | KC_SHIFT }, { KEY_SNEXT, KC_PAGE_DOWN | KC_SHIFT },
};

static const struct {
	const char *name;
	uint32_t key;
} xterm_keys[] = {	/* extended capabilities; a digit behind tells the modifiers */
	{ "kUP", KC_UP }, { "kDN", KC_DOWN }, { "kLFT", KC_LEFT }, { "kRIT", KC_RIGHT },
	{ "kHOM", KC_HOME }, { "kEND", KC_END }, { "kPRV", KC_PAGE_UP },
	{ "kNXT", KC_PAGE_DOWN }, { "kIC", KC_INSERT }, { "kDC", KC_DELETE },
};

static bool
modified_key(int code, uint32_t *key)
{
	const char *name = keyname(code);

	for (size_t i = 0; name && i < LEN(xterm_keys); i++) {
		size_t n = strlen(xterm_keys[i].name);
		if (!str_starts(name, xterm_keys[i].name))
			continue;
		/* 2 shift, 3 alt, 5 ctrl, added up */
		int mods = name[n] ? name[n] - '1' : 1;
		if (mods < 1 || mods > 7 || (name[n] && name[n + 1]))
			continue;
		*key = xterm_keys[i].key | (mods & 1 ? KC_SHIFT : 0) |
			(mods & 2 ? KC_ALT : 0) | (mods & 4 ? KC_CTRL : 0);
		return true;
	}
	return false;
}

static bool
function_key(int code, uint32_t *key)
{
	if (code >= KEY_F(1) && code <= KEY_F(12)) {
		*key = (uint32_t)(KC_F1 + code - KEY_F(1));
		return true;
	}
	for (size_t i = 0; i < LEN(plain_keys); i++) {
		if (plain_keys[i].ncurses == code) {
			*key = plain_keys[i].key;
			return true;
		}
	}
	return modified_key(code, key);
}

static uint32_t
char_key(wint_t c)
{
	return c < 0x80 ? key_of_byte((unsigned char)c) : (uint32_t)c;
}

static bool
mouse_input(struct input *in)
{
	MEVENT ev;

	if (getmouse(&ev) != OK)
		return false;
	*in = (struct input){ .kind = IN_CLICK, .y = ev.y, .x = ev.x };
	if (ev.bstate & (BUTTON4_PRESSED | BUTTON5_PRESSED)) {
		in->kind = IN_WHEEL;
		in->step = ev.bstate & BUTTON4_PRESSED ? -1 : 1;
	}
	return true;
}

/* What one call of get_wch brought; false: nothing for the frame. */
static bool
decode(struct screen *s, int got, wint_t c, struct input *in)
{
	*in = (struct input){ .kind = s->is_pasting ? IN_PASTED : IN_KEY };
	if (got == KEY_CODE_YES) {
		if (c == KEY_PASTE_BEGIN || c == KEY_PASTE_END)
			s->is_pasting = c == KEY_PASTE_BEGIN;
		return c == KEY_MOUSE ? mouse_input(in)
			: !s->is_pasting && function_key((int)c, &in->key);
	}
	if (s->is_pasting) {
		in->key = c < ' ' || c == 127 ? ' ' : (uint32_t)c;
		return true;
	}
	in->key = char_key(c);
	if (in->key != KC_ESC)
		return true;
	/* ncurses has waited for the rest of a sequence already: what
	 * is there at once is Alt. */
	got = wget_wch(stdscr, &c);
	if (got == OK && c != 27)
		in->key = char_key(c) | KC_ALT;
	else if (got == KEY_CODE_YES && function_key((int)c, &in->key))
		in->key |= KC_ALT;
	return true;
}

static bool
screen_input(struct term *t, struct input *in)
{
	struct screen *s = (struct screen *)t;
	wint_t c;
	int got;

	while ((got = wget_wch(stdscr, &c)) != ERR) {
		if (decode(s, got, c, in))
			return true;
	}
	return false;
}

/* ---- coming and going ---- */

/* ---- coming and going ---- */

static void
send_text(const char *text)
{
	fd_write_all(STDOUT_FILENO, text, strlen(text), NULL);
}

/* Only what may be called in a signal handler. The signal then does
 * what it does by default. */
static void
on_fatal(int sig)
{
	if (rescue.is_on) {
		rescue.is_on = 0;
		ssize_t n = write(STDOUT_FILENO, rescue_text, sizeof rescue_text - 1);
		(void)n;
		tcsetattr(STDIN_FILENO, TCSANOW, &rescue.tio);
	}
	raise(sig);
}

static void
catch_fatal(void)
{
	struct sigaction sa = { .sa_handler = on_fatal,
		.sa_flags = (int)(SA_RESETHAND | SA_NODEFER) };

	for (size_t i = 0; i < LEN(fatal_signals); i++) {
		struct sigaction was;
		if (sigaction(fatal_signals[i], NULL, &was) == 0 && was.sa_handler == SIG_DFL)
			sigaction(fatal_signals[i], &sa, NULL);
	}
}

static void
screen_size(struct term *t, int *rows, int *columns)
{
	struct winsize ws;

	(void)t;
	*rows = LINES;
	*columns = COLS;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_row && ws.ws_col) {
		*rows = ws.ws_row;
		*columns = ws.ws_col;
	}
}

static int
screen_fd(const struct term *t)
{
	(void)t;
	return STDIN_FILENO;
}

static void
screen_leave(struct term *t)
{
	(void)t;
	send_text(paste_off);
	curs_set(1);
	endwin();
	rescue.is_on = 0;
}

static void
screen_enter(struct term *t)
{
	(void)t;
	rescue.is_on = 1;
	reset_prog_mode();
	send_text(paste_on);
	wclear(stdscr);		/* the next refresh sends all */
}

static void
screen_close(struct term *t)
{
	struct screen *s = (struct screen *)t;

	if (s->ncurses) {
		screen_leave(t);
		delscreen(s->ncurses);
	}
	free(s->row);
	free(s);
}

static void
screen_bell(struct term *t)
{
	(void)t;
	send_text("\a");
}

static const struct term_ops screen_ops = {
	screen_fd, screen_input, screen_size, screen_draw, screen_leave, screen_enter,
	screen_close, screen_bell,
};

static void
init_colors(struct screen *s)
{
	const char *no_color = getenv("NO_COLOR");

	if ((no_color && *no_color) || !has_colors() || start_color() == ERR)
		return;
	use_default_colors();
	s->has_color = true;
	s->is_direct = tigetflag("RGB") > 0 || COLORS >= 1 << 24;
	s->n_colors = COLORS > 256 ? 256 : COLORS;
	s->pairs[0].fg = s->pairs[0].bg = -1;
	s->n_pairs = 1;
}

static void
init_input(bool mouse)
{
	raw();			/* ^C and ^Z are keys; the frame knows what they mean */
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(ESC_DELAY_MS);
	define_key("\033[200~", KEY_PASTE_BEGIN);
	define_key("\033[201~", KEY_PASTE_END);
	if (mouse) {
		mousemask(BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
		mouseinterval(0);
	}
	send_text(paste_on);
}

/* A type that this system has no entry for is nearly always a new terminal
 * that does what xterm does. */
static SCREEN *
new_screen(void)
{
	SCREEN *s = newterm(NULL, stdout, stdin);

	return s ? s : newterm("xterm-256color", stdout, stdin);
}

enum err
term_open(struct term **out, bool mouse, struct error *e)
{
	const char *type = getenv("TERM");

	*out = NULL;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
	    tcgetattr(STDIN_FILENO, &rescue.tio) != 0)
		return error_set(e, ERR_LOCAL,
		"this is no terminal (dunlin -h lists the commands that need none)");
	if (!type || !*type)
		return error_set(e, ERR_LOCAL,
			"TERM is not set: what kind of terminal is this?");
	SCREEN *ncurses = new_screen();
	if (!ncurses)
		return error_set(e, ERR_LOCAL, "no description of the terminal type '%s'",
			type);
	const char *cup = tigetstr("cup");
	if (!cup || cup == (const char *)-1) {
		endwin();
		delscreen(ncurses);
		return error_set(e, ERR_LOCAL,
			"a terminal of type '%s' cannot move its cursor", type);
	}
	struct screen *s = xcalloc(1, sizeof *s);
	s->term.ops = &screen_ops;
	s->ncurses = ncurses;
	rescue.is_on = 1;
	catch_fatal();
	init_colors(s);
	init_input(mouse);
	*out = &s->term;
	return ERR_OK;
}
