/* remove_tree.h - a test's directory, with all that is in it. */
#ifndef DUNLIN_REMOVE_TREE_H
#define DUNLIN_REMOVE_TREE_H

#include <errno.h>
#include <ftw.h>
#include <stdio.h>

static inline int
remove_tree_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

/* 0: nothing is left of it, whoever else removed some. */
static inline int
remove_tree(const char *dir)
{
	return nftw(dir, remove_tree_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
