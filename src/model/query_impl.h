/* query_impl.h - what a query is once parsed, shared by query.c (the parse) and query_match.c.
 */
#ifndef DUNLIN_QUERY_IMPL_H
#define DUNLIN_QUERY_IMPL_H

#include "arena.h"
#include "query.h"

enum op { OP_ALL, OP_AND, OP_OR, OP_NOT, OP_TEXT, OP_BODY, OP_PLACE, OP_FLAG, OP_ARRIVED,
	OP_SIZE };

enum field {
	F_FROM = 1 << 0, F_TO = 1 << 1, F_CC = 1 << 2, F_SUBJECT = 1 << 3, F_LIST = 1 << 4,
	F_WORDS = F_FROM | F_TO | F_CC | F_SUBJECT
};

struct node {
	enum op op;
	struct node *left, *right;
	unsigned fields;		/* OP_TEXT */
	const char *folded;
	size_t name;			/* OP_BODY, OP_PLACE: index into bodies, places */
	uint32_t flags, wanted;		/* OP_FLAG: (m->flags & flags) == wanted */
	int64_t from, until;		/* OP_ARRIVED, OP_SIZE: from <= x < until */
};

struct query {
	struct arena arena;
	struct node *root;
	const char *bodies[QUERY_MAX_BODIES], *places[QUERY_MAX_PLACES];
	size_t n_bodies, n_places;
	enum query_fit (*has)(void *ctx, size_t body, msg_id id);
	bool (*is_in)(void *ctx, size_t place, folder_id folder);
	void *ctx, *place_ctx;
};

#endif
