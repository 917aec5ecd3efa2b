/* views.c - the views that the program starts with. */
#include "frame.h"
#include "views.h"

void
views_start(struct ui *ui, const struct ui_options *o)
{
	(void)o;
	ui_push(ui, help_new(ui, V_INDEX));
}

void
views_folders(struct ui *ui, const struct call *c)
{
	(void)c;
	ui_status(ui, "there are no folders to show yet");
}

void
views_folder(struct ui *ui, const struct call *c)
{
	ui_status(ui, "there is no folder %s to show yet", c->arg);
}
