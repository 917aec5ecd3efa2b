/* drain_files.c - the mbox files of an account: a message is where the person filed it. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "drain_int.h"
#include "path.h"

enum { MAX_DEPTH = 4 };

static bool
walk(const char *dir, int depth, bool (*visit)(void *ctx, const char *path), void *ctx)
{
	struct dirent **names;
	int n = scandir(dir, &names, NULL, alphasort);
	bool on = true;

	for (int i = 0; i < n; i++) {
		char *path = path_join(dir, names[i]->d_name);
		struct stat st;
		if (on && names[i]->d_name[0] != '.' && stat(path, &st) == 0) {
			if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH)
				on = walk(path, depth + 1, visit, ctx);
			else if (S_ISREG(st.st_mode) && st.st_size > 0 &&
			    mbox_looks_like(path))
				on = visit(ctx, path);
		}
		free(path);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return on;
}

void
pass_each_file(const struct pass *p, bool (*visit)(void *ctx, const char *path), void *ctx)
{
	char *dir = xstrdup(p->d->inbox), *slash = strrchr(dir, '/');

	if (slash) {
		*slash = '\0';
		walk(dir, 0, visit, ctx);
	}
	free(dir);
}
