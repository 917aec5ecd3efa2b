/* stack.c - views that come and go.
 *
 * A view may take itself off in the middle of its own handler, so it is closed only when
 * that has returned: nobody on the way back touches freed memory. */
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "str.h"
#include "work.h"

static void
show_top(struct ui *ui)
{
	struct view *v = ui_top(ui);

	ui->n_keys = 0;
	ui_redraw(ui);
	if (v && v->ops->shown)
		v->ops->shown(v);
}

void
ui_push(struct ui *ui, struct view *v)
{
	v->ui = ui;
	ui->stack = array_grow(ui->stack, ui->n_stack, &ui->cap_stack, sizeof *ui->stack);
	ui->stack[ui->n_stack++] = v;
	show_top(ui);
}

void
ui_pop(struct ui *ui, struct view *v)
{
	size_t at = 0;

	while (at < ui->n_stack && ui->stack[at] != v)
		at++;
	if (at == ui->n_stack)
		return;
	while (ui->n_stack > at) {
		struct view *top = ui->stack[--ui->n_stack];
		ask_drop(ui, top);
		work_disown(ui, top);
		ui->dead = array_grow(ui->dead, ui->n_dead, &ui->cap_dead, sizeof *ui->dead);
		ui->dead[ui->n_dead++] = top;
	}
	if (ui->n_stack == 0)
		ui->is_over = true;
	else
		show_top(ui);
}

struct view *
ui_top(struct ui *ui)
{
	return ui->n_stack ? ui->stack[ui->n_stack - 1] : NULL;
}

struct view *
ui_find(struct ui *ui, enum view_bit bit)
{
	for (size_t i = ui->n_stack; i-- > 0;) {
		if (ui->stack[i]->ops->bit == bit)
			return ui->stack[i];
	}
	return NULL;
}

void
stack_bury(struct ui *ui)
{
	while (ui->n_dead > 0) {
		struct view *v = ui->dead[--ui->n_dead];
		v->ops->close(v);
	}
}
