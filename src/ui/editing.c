/* editing.c - the person's editor on the text of a draft.
 *
 * While it runs its file is looked at every two seconds; so whatever is killed, the draft on
 * disk is at most that old. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "writing.h"

struct editing {
	struct compose *x;
	struct timespec seen;		/* when the file was last changed, as
					 * far as is known */
};

static void
save_from_editor(void *ctx)
{
	struct editing *d = ctx;
	struct compose *x = d->x;
	const char *dir = ui_data_dir(x->view.ui);
	char *path = draft_editor_path(dir, x->id, ui_rc(x->view.ui)->edit_headers);
	struct stat st;
	bool changed = false;

	if (stat(path, &st) == 0 && (st.st_mtim.tv_sec != d->seen.tv_sec ||
		st.st_mtim.tv_nsec != d->seen.tv_nsec)) {
		d->seen = st.st_mtim;
		if (draft_editor_read(dir, x->id, &x->note, false, &changed, NULL) == ERR_OK &&
		    changed &&
			draft_save(dir, x->id, &x->note, NULL) == ERR_OK)
			drafting_saved(x, false);
	}
	free(path);
}

static const char *
editor_of(const struct rc *rc)
{
	const char *const names[] = { rc->editor, getenv("VISUAL"), getenv("EDITOR") };

	for (size_t i = 0; i < LEN(names); i++) {
		if (names[i] && *names[i])
			return names[i];
	}
	return "vi";
}

/* What the rc or the environment names is a command line; the path is
 * an argument of its own. */
static bool
run_editor(struct compose *x, const char *path)
{
	char *line = xasprintf("%s \"$1\"", editor_of(ui_rc(x->view.ui)));
	char sh[] = "sh", c[] = "-c";
	char *file = xstrdup(path);
	struct editing d = { .x = x };

	bool ok = ui_run_ticking(x->view.ui, (char *[]){ sh, c, line, sh, file, NULL },
		save_from_editor, &d);
	free(file);
	free(line);
	return ok;
}

void
compose_edit(struct compose *x)
{
	const char *dir = ui_data_dir(x->view.ui);
	char *path = draft_editor_path(dir, x->id, ui_rc(x->view.ui)->edit_headers);
	struct error e = { 0 };
	bool changed;

	if (draft_editor_begin(dir, x->id, &x->note, ui_rc(x->view.ui)->edit_headers,
	    &e) != ERR_OK) {
		ui_error(x->view.ui, &e);
		free(path);
		return;
	}
	char *from = xstrdup(note_get(x->note.from));
	bool ok = run_editor(x, path);
	if (draft_editor_read(dir, x->id, &x->note, ok, &changed, &e) != ERR_OK)
		ui_error(x->view.ui, &e);
	else if (!ok)
		ui_notice(x->view.ui, "the editor failed (%s); the text is as it was left",
			editor_of(ui_rc(x->view.ui)));
	if (ui_rc(x->view.ui)->edit_headers)
		compose_fields_edited(x, from);
	compose_changed(x);
	drafting_saved(x, true);
	if (x->is_saved && e.code == ERR_OK)
		draft_editor_end(dir, x->id);
	free(from);
	free(path);
}
