/* complete.c - what completes the argument of a command, by its kind. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "frame.h"
#include "look.h"
#include "path.h"
#include "query.h"
#include "recipients.h"
#include "str.h"
#include "when.h"

enum { NAMES_MAX = 20000, FILES_MAX = 2000 };	/* looked at, offered */

static void
offer_folders(struct ui *ui, account_id account, const char *prefix, const char *text,
	struct completion *out)
{
	struct arena arena = {0};
	struct folder *folders;
	size_t n = store_folders(ui->store, account, &arena, &folders);

	for (size_t k = 0; k < n; k++) {
		char count[40] = "";
		if (folders[k].attrs & FOLDER_NOSELECT)
			continue;
		if (folders[k].n_unread)
			snprintf(count, sizeof count, "%u unread", folders[k].n_unread);
		const char *word = *prefix
			? arena_printf(&arena, "%s/%s", prefix, folders[k].name)
			: folders[k].name;
		completion_offer(out, text, word, count[0] ? count : NULL);
	}
	arena_clear(&arena);
}

void
ui_complete_folders(struct ui *ui, account_id account, const char *text,
	struct completion *out)
{
	for (size_t i = 0; ui->store && i < ui->n_accounts; i++) {
		account_id id = ui->accounts[i].id;
		if (!account || account == id)
			offer_folders(ui, id, account ? ""
				: engine_rc_account(ui->engine, id)->name, text, out);
	}
}

/* Those of another account only when its name was begun: "Archive" must not
 * become another's Archive. */
void
ui_complete_destinations(struct ui *ui, account_id account, const char *text,
	struct completion *out)
{
	size_t n_text = strlen(text);

	ui_complete_folders(ui, account, text, out);
	for (size_t i = 0; ui->store && account && n_text > 0 && i < ui->n_accounts; i++) {
		account_id id = ui->accounts[i].id;
		const char *name = engine_rc_account(ui->engine, id)->name;
		size_t n = strlen(name);
		if (id != account && (n_text <= n ? strncmp(text, name, n_text) == 0
			: strncmp(text, name, n) == 0 && text[n] == '/'))
			offer_folders(ui, id, name, text, out);
	}
}

static bool
has_folder(struct ui *ui, account_id account, const char *name)
{
	struct arena arena = {0};
	struct folder *v;
	size_t n = store_folders(ui->store, account, &arena, &v), i = 0;

	while (i < n && !str_eq(v[i].name, name))
		i++;
	arena_clear(&arena);
	return i < n;
}

const char *
ui_find_elsewhere(struct ui *ui, const char *name, account_id account, account_id *other)
{
	for (size_t i = 0; i < ui->n_accounts; i++) {
		const char *own = engine_rc_account(ui->engine, ui->accounts[i].id)->name;
		size_t n = strlen(own);
		*other = ui->accounts[i].id;
		if (*other != account && strncmp(name, own, n) == 0 && name[n] == '/' &&
		    has_folder(ui, *other, name + n + 1))
			return name + n + 1;
	}
	return NULL;
}

static void
complete_sort(const char *text, struct completion *out)
{
	char reversed[20];

	for (size_t i = 0; look_orders[i]; i++)
		completion_offer(out, text, look_orders[i], NULL);
	for (size_t i = 0; look_orders[i]; i++) {
		snprintf(reversed, sizeof reversed, "-%s", look_orders[i]);
		completion_offer(out, text, reversed, "reversed");
	}
}

/* Asked of the disk only where the directory does not say. */
static bool
is_directory(const char *dir, const struct dirent *d)
{
	struct stat st;

	if (d->d_type != DT_UNKNOWN && d->d_type != DT_LNK)
		return d->d_type == DT_DIR;
	char *path = path_join(dir, d->d_name);
	bool is = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
	free(path);
	return is;
}

static bool
is_offered(const struct dirent *d, const char *name)
{
	if (d->d_name[0] == '.' && name[0] != '.')
		return false;
	return str_starts(d->d_name, name) && !str_eq(d->d_name, ".") &&
		!str_eq(d->d_name, "..");
}

static void
complete_file(const char *text, struct completion *out)
{
	const char *typed = text + out->from, *slash = strrchr(typed, '/');
	const char *name = slash ? slash + 1 : typed;
	char *shown_dir = xstrndup(typed, (size_t)(name - typed));
	char *dir = *shown_dir ? path_expand(shown_dir) : xstrdup(".");
	DIR *d = opendir(dir);
	struct dirent *entry;

	for (int n = 0; d && n < NAMES_MAX && out->n < FILES_MAX; n++) {
		if (!(entry = readdir(d)))
			break;
		if (!is_offered(entry, name))
			continue;
		char *word = xasprintf("%s%s%s", shown_dir, entry->d_name,
			is_directory(dir, entry) ? "/" : "");
		completion_offer(out, text, word, NULL);
		free(word);
	}
	completion_sort(out);
	if (d)
		closedir(d);
	free(dir);
	free(shown_dir);
}

/* What the time that is typed means, as it is typed; else some that begin so. */
static void
complete_when(struct ui *ui, const char *text, struct completion *out)
{
	static const char *const examples[] = { "+2h", "18:30", "tomorrow 9", "mon 8:30" };
	int64_t when, now = ui_now(ui);
	char shown[80];

	if (*text && when_parse(&when, text, now, NULL) == ERR_OK) {
		when_format(shown, sizeof shown, when, now);
		completion_add(out, text, shown, true);
		return;
	}
	for (size_t i = 0; i < LEN(examples); i++) {
		if (!str_istarts(examples[i], text) ||
		    when_parse(&when, examples[i], now, NULL) != ERR_OK)
			continue;
		when_format(shown, sizeof shown, when, now);
		completion_add(out, examples[i], shown, true);
	}
}

void
complete_argument(struct ui *ui, const struct command *c, const char *text,
	struct completion *out)
{
	struct view *v = ui_top(ui);

	if (c->id == CMD_UNALIAS) {
		recipients_complete_names(ui, text, out);
		return;
	}
	if (v->ops->complete && v->ops->complete(v, c, text, out))
		return;
	switch (c->arg) {
	case ARG_FOLDER:
		ui_complete_folders(ui, c->id == CMD_FOLDER || !v->ops->account ? 0
			: v->ops->account(v), text, out);
		break;
	case ARG_QUERY:
		ui_complete_query(ui, text, out);
		break;
	case ARG_SORT:
		complete_sort(text, out);
		break;
	case ARG_FILE:
		complete_file(text, out);
		break;
	case ARG_ADDRESSES:
		ui_complete_addresses(ui, text, out);
		break;
	case ARG_WHEN:
		complete_when(ui, text, out);
		break;
	case ARG_NONE: case ARG_TEXT: case ARG_LINE: case ARG_SHELL: case ARG_COMMAND:
	case ARG_NUMBER:
		break;
	}
}
