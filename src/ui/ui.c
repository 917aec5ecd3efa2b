/* ui.c - the loop: keys first, then what the engine tells, then the screen, then work put
 * off.
 *
 * Nothing in here waits but poll(2), and nothing is drawn that did not change. A turn takes a
 * bounded number of keys and events, so that neither a flood of events nor a pasted text keeps
 * the other from its turn, and events that cost much come seldom; drawing is put off to the
 * next frame, 16 ms after the last, so that a folder that fills up costs sixty frames a second
 * at most. Signals arrive as data (signalfd): the threads of the engine and we ourselves have
 * them blocked. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "arrivals.h"
#include "frame.h"
#include "log.h"
#include "lookup.h"
#include "now.h"
#include "path.h"
#include "resend.h"
#include "str.h"
#include "views.h"
#include "work.h"

static const int signals[] = { SIGWINCH, SIGTSTP, SIGCONT, SIGTERM, SIGHUP, SIGINT };

static void
signal_set(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < LEN(signals); i++)
		sigaddset(set, signals[i]);
}

void
ui_block_signals(void)
{
	sigset_t set;

	signal_set(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* ---- small things views ask for ---- */

struct engine *
ui_engine(struct ui *ui)
{
	return ui->engine;
}

const struct store *
ui_store(struct ui *ui)
{
	return ui->store;
}

const struct rc *
ui_rc(struct ui *ui)
{
	return ui->rc;
}

const char *
ui_data_dir(struct ui *ui)
{
	return ui->options.data_dir;
}

void
ui_remember(struct ui *ui, const char *name, const char *value)
{
	struct error e;

	if (engine_remember(ui->engine, name, value, &e) != ERR_OK)
		log_msg("ui: '%s' is not kept: %s", name, e.text);
}

int64_t
ui_now(struct ui *ui)
{
	return ui->now ? ui->now : (int64_t)time(NULL);
}

void
ui_redraw(struct ui *ui)
{
	ui->is_dirty = true;
	ui->is_idle_done = false;
}

void
ui_quit(struct ui *ui)
{
	ui->is_over = true;
}

/* ---- drawing ---- */

static void
draw_title(struct ui *ui, const struct area *a)
{
	struct view *v = ui_top(ui);
	struct str left = {0}, right = {0};

	area_fill(a, 0, 0, -1, ST_TITLE, " ");
	if (v->ops->title)
		v->ops->title(v, &left, &right);
	else
		str_puts(&left, view_bit_name(v->ops->bit));
	int used = area_put_right(a, 0, 0, a->columns - 1, ST_TITLE, str_get(&right));
	area_put(a, 0, 1, a->columns - used - 3, ST_TITLE, str_get(&left));
	str_clear(&left);
	str_clear(&right);
}

static void
draw_too_small(const struct area *a)
{
	int y = a->rows / 2;

	area_printf(a, y, 0, -1, ST_NORMAL, "%dx%d is too small", a->columns, a->rows);
	if (y + 1 < a->rows)
		area_printf(a, y + 1, 0, -1, ST_DIM, "%dx%d will do", MIN_COLUMNS, MIN_ROWS);
}

void
ui_draw(struct ui *ui)
{
	struct area all = grid_area(&ui->grid);
	struct view *v = ui_top(ui);

	grid_erase(&ui->grid);
	if (all.rows < MIN_ROWS || all.columns < MIN_COLUMNS) {
		draw_too_small(&all);
	} else if (v) {
		struct area top = area_sub(&all, 0, 0, 1, -1);
		struct area middle = area_sub(&all, 1, 0, all.rows - 2, -1);
		/* The view first: it learns its size and place, of which the title speaks. */
		v->ops->draw(v, &middle);
		draw_title(ui, &top);
		if (ui->is_asking)
			prompt_draw(&ui->prompt, &all, ui->message, ui->message_style);
		else
			status_draw(ui, &all);
	}
	ui->term->ops->draw(ui->term, &ui->grid, &ui->theme);
	ui->is_dirty = false;
	ui->drawn_ms = now_ms();
}

static void
fit_size(struct ui *ui)
{
	int rows, columns;

	ui->term->ops->size(ui->term, &rows, &columns);
	if (rows != ui->grid.rows || columns != ui->grid.columns)
		grid_resize(&ui->grid, rows, columns);
	ui_redraw(ui);
}

/* ---- signals ---- */

/* All of the job stops, as with ^Z in any program: dunlin may have been started by make. An
 * orphan is not stopped, since nobody could wake it. */
void
ui_suspend(struct ui *ui)
{
	sigset_t stop;

	ui->term->ops->leave(ui->term);
	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	kill(0, SIGTSTP);
	pthread_sigmask(SIG_UNBLOCK, &stop, NULL);	/* here we stop, and here we go on */
	pthread_sigmask(SIG_BLOCK, &stop, NULL);
	ui->term->ops->enter(ui->term);
	grid_mark_damaged(&ui->grid);
	fit_size(ui);
}

static void
on_signal(struct ui *ui, int sig)
{
	switch (sig) {
	case SIGWINCH:
		fit_size(ui);
		break;
	case SIGCONT:	/* stopped behind our back: the terminal was somebody else's */
		ui->term->ops->leave(ui->term);
		ui->term->ops->enter(ui->term);
		grid_mark_damaged(&ui->grid);
		fit_size(ui);
		break;
	case SIGTSTP:
		ui_suspend(ui);
		break;
	default:
		ui->exit_code = 128 + sig;
		ui_quit(ui);
	}
}

static void
take_signals(struct ui *ui)
{
	struct signalfd_siginfo info;

	while (ui->signal_fd >= 0 && read(ui->signal_fd, &info, sizeof info) == sizeof info)
		on_signal(ui, (int)info.ssi_signo);
}

/* ---- a turn ---- */

static void
take_input(struct ui *ui)
{
	struct input in;

	for (int i = 0; i < KEYS_A_TURN && !ui->is_over && ui->term->ops->input(ui->term, &in);
	    i++) {
		dispatch_input(ui, &in);
		stack_bury(ui);
	}
}

void
ui_event(struct ui *ui, const struct event *ev)
{
	status_event(ui, ev);
	work_event(ui, ev);
	resend_event(ui, ev);
	arrivals_event(ui, ev);
	ui->is_idle_done = false;
	/* By index, since a handler may push or pop. */
	for (size_t i = ui->n_stack; i-- > 0;) {
		if (i < ui->n_stack && ui->stack[i]->ops->event)
			ui->stack[i]->ops->event(ui->stack[i], ev);
	}
	stack_bury(ui);
}

static int
counts_due_ms(const struct ui *ui)
{
	return ui->store ? store_counts_due_ms(ui->store) : -1;
}

/* Where what an event brings with it takes long (very many decisions pending), events have a
 * third of the time, and keys what is left. */
static void
take_events(struct ui *ui)
{
	int64_t start = now_ms();
	struct event ev;

	if (start < ui->events_ms)
		return;
	for (int i = 0; i < EVENTS_A_TURN && !ui->is_over && engine_next(ui->engine, &ev); i++)
		ui_event(ui, &ev);
	if (ui->store && store_counts_are_due(ui->store))
		ui_event(ui, &(struct event){ .kind = EV_FOLDERS });
	ask_password(ui);
	int64_t took = now_ms() - start;
	if (took >= LONG_MS)
		ui->events_ms = start + 3 * (took < REST_MS ? took : REST_MS);
}

/* One slice of the first view that has something to do, the topmost first. */
static void
work(struct ui *ui)
{
	if (resend_work(ui))
		return;
	for (size_t i = ui->n_stack; i-- > 0;) {
		struct view *v = ui->stack[i];
		if (v->ops->idle && v->ops->idle(v)) {
			stack_bury(ui);
			return;
		}
	}
	ui->is_idle_done = true;
	stack_bury(ui);
}

static int
sooner(int a, int b)
{
	return a < 0 ? b : b < 0 || a < b ? a : b;
}

/* How long events have to wait still; -1: not at all. */
static int
rest_ms(const struct ui *ui)
{
	int64_t left = ui->events_ms - now_ms();

	return left > 0 ? (int)left : -1;
}

/* How long nothing will have to be done unless somebody calls. */
static int
patience_ms(const struct ui *ui)
{
	if (!ui->is_idle_done)
		return 0;
	if (!ui->is_dirty)
		return sooner(sooner(sooner(status_next_ms(ui), lookup_next_ms(ui)),
			sooner(arrivals_next_ms(ui), rest_ms(ui))), counts_due_ms(ui));
	int64_t wait = ui->drawn_ms + FRAME_MS - now_ms();
	return wait > 0 ? (int)wait : 0;
}

static void
draw_if_due(struct ui *ui)
{
	if (ui->is_dirty && !ui->is_over && now_ms() - ui->drawn_ms >= FRAME_MS)
		ui_draw(ui);
}

void
ui_step(struct ui *ui, int wait_ms)
{
	struct pollfd fds[4] = {
		{ ui->term->ops->fd(ui->term), POLLIN, 0 },
		{ rest_ms(ui) > 0 ? -1 : engine_fd(ui->engine), POLLIN, 0 },
		{ ui->signal_fd, POLLIN, 0 },
		{ lookup_fd(ui), POLLIN, 0 },
	};

	int n = poll(fds, LEN(fds), sooner(patience_ms(ui), wait_ms));
	if (n == 0 && ui->is_idle_done && wait_ms != 0)
		ui->is_dirty = true;		/* the bottom line has something new to say */
	take_signals(ui);
	take_input(ui);
	if (lookup_step(ui) && ui->is_asking) {
		prompt_refresh(&ui->prompt);
		ui_redraw(ui);
	}
	if ((fds[0].revents & (POLLHUP | POLLERR | POLLNVAL)) && fds[0].fd >= 0)
		ui_quit(ui);			/* the terminal is gone */
	draw_if_due(ui);
	if (!ui->is_over)
		take_events(ui);
	arrivals_step(ui);
	draw_if_due(ui);
	if (!ui->is_over && n == 0 && !ui->is_idle_done)
		work(ui);
}

/* ---- beginning and end ---- */

static void
rc_problem(void *ctx, const char *line)
{
	ui_notice(ctx, "%s", line);
}

static void
read_rc(struct ui *ui)
{
	const struct rc *rc = ui->rc;

	for (size_t i = 0; i < rc->n_problems; i++)
		rc_problem(ui, rc->problems[i].line);
	theme_default(&ui->theme);
	theme_read(&ui->theme, rc, rc_problem, ui);
	keymap_init(&ui->keymap, rc->keymap);
	keymap_read(&ui->keymap, rc, rc_problem, ui);
	if (ui->n_notices > 1)
		ui_status(ui, "%zu lines of the mailrc are wrong; gm shows them",
			ui->n_notices);
	ui->n_accounts = rc->n_accounts;
	ui->accounts = xcalloc(rc->n_accounts + 1, sizeof *ui->accounts);
	for (size_t i = 0; i < rc->n_accounts; i++)
		ui->accounts[i].id = engine_account(ui->engine, i);
}

struct ui *
ui_new(struct engine *g, const struct rc *rc, const struct ui_options *o, struct term *t)
{
	struct ui *ui = xcalloc(1, sizeof *ui);
	char *path = o->data_dir ? path_join(o->data_dir, "history") : NULL;
	int rows, columns;

	ui->engine = g;
	ui->store = engine_store(g);
	if (ui->store)
		store_counts_may_lag(ui->store);
	ui->rc = rc;
	ui->options = *o;
	ui->term = t;
	ui->signal_fd = -1;
	t->ops->size(t, &rows, &columns);
	grid_init(&ui->grid, rows, columns);
	history_open(&ui->history, path);
	free(path);
	read_rc(ui);
	ui_redraw(ui);
	return ui;
}

void
ui_free(struct ui *ui)
{
	if (!ui)
		return;
	if (ui->n_stack)
		ui_pop(ui, ui->stack[0]);
	stack_bury(ui);
	work_end(ui);
	free(ui->stack);
	free(ui->dead);
	resend_free(ui);
	lookup_free(ui);
	arrivals_free(ui);
	free(ui->went.folder);
	free(ui->naming.name);
	free(ui->naming.value);
	free(ui->sent.ids);
	if (ui->is_asking)
		prompt_close(&ui->prompt);
	ui->term->ops->close(ui->term);
	if (ui->signal_fd >= 0)
		close(ui->signal_fd);
	status_free(ui);
	history_close(&ui->history);
	keymap_clear(&ui->keymap);
	grid_clear(&ui->grid);
	theme_clear(&ui->theme);
	free(ui);
}

void
ui_rc_problems(const struct rc *rc, void (*problem)(void *ctx, const char *line), void *ctx)
{
	struct keymap m;
	struct theme t;

	keymap_init(&m, rc->keymap);
	keymap_read(&m, rc, problem, ctx);
	keymap_clear(&m);
	theme_default(&t);
	theme_read(&t, rc, problem, ctx);
	theme_clear(&t);
}

enum style
ui_rule_of(struct ui *ui, const struct msg *m)
{
	return theme_rule(&ui->theme, m);
}

void
ui_commands(struct str *out)
{
	command_dump(out);
}

int
ui_run(struct engine *g, const struct rc *rc, const struct ui_options *o, struct error *e)
{
	struct term *t;
	sigset_t set;

	if (term_open(&t, rc->mouse, e) != ERR_OK)
		return 1;
	if (engine_start(g, e) != ERR_OK) {
		t->ops->close(t);
		return 1;
	}
	struct ui *ui = ui_new(g, rc, o, t);
	signal_set(&set);
	ui->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	views_start(ui, o);
	while (!ui->is_over)
		ui_step(ui, -1);
	int code = ui->exit_code;
	ui_free(ui);
	return code;
}
