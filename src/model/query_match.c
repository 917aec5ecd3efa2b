/* query_match.c - whether a message fits a query, and what a query wants to be told of texts
 * and folders. */
#include "query_impl.h"
#include "utf8.h"

static bool
match_text(const struct node *n, const struct msg *m)
{
	const struct { unsigned field; const char *text; } texts[] = {
		{ F_SUBJECT, m->subject }, { F_FROM, m->from_name }, { F_FROM, m->from_addr },
		{ F_TO, m->to }, { F_CC, m->cc }, { F_LIST, m->list_id },
	};

	for (size_t i = 0; i < LEN(texts); i++) {
		if ((n->fields & texts[i].field) && *texts[i].text &&
		    text_contains(texts[i].text, n->folded))
			return true;
	}
	return false;
}

static enum query_fit
fit(bool fits)
{
	return fits ? FIT_YES : FIT_NO;
}

static enum query_fit
match_place(const struct query *q, const struct node *n, folder_id folder)
{
	return q->is_in ? fit(q->is_in(q->place_ctx, n->name, folder)) : FIT_UNKNOWN;
}

/* A term, about a message. */
static enum query_fit
match_term(const struct query *q, const struct node *n, const struct msg *m)
{
	int64_t size = m->size_bytes < INT64_MAX ? (int64_t)m->size_bytes : INT64_MAX - 1;

	switch (n->op) {
	case OP_TEXT: return fit(match_text(n, m));
	case OP_BODY: return q->has ? q->has(q->ctx, n->name, m->id) : FIT_UNKNOWN;
	case OP_PLACE: return match_place(q, n, msg_folder(m->id));
	case OP_FLAG: return fit((m->flags & n->flags) == n->wanted);
	case OP_ARRIVED: return fit(n->from <= m->arrived && m->arrived < n->until);
	case OP_SIZE: return fit(n->from <= size && size < n->until);
	default: return FIT_NO;
	}
}

/* A term, about all messages of a folder. */
static enum query_fit
match_folder(const struct query *q, const struct node *n, folder_id folder)
{
	return n->op == OP_PLACE ? match_place(q, n, folder) : FIT_UNKNOWN;
}

/* In three values, since what is not known of a text must not come out as known behind a NOT:
 * AND is the least of both, OR the greatest (Kleene). m NULL: whatever is in the folder. */
static enum query_fit
match(const struct query *q, const struct node *n, const struct msg *m, folder_id folder)
{
	enum query_fit left, right;

	switch (n->op) {
	case OP_ALL: return FIT_YES;
	case OP_AND:
		left = match(q, n->left, m, folder);
		right = left == FIT_NO ? FIT_NO : match(q, n->right, m, folder);
		return left < right ? left : right;
	case OP_OR:
		left = match(q, n->left, m, folder);
		right = left == FIT_YES ? FIT_YES : match(q, n->right, m, folder);
		return left > right ? left : right;
	case OP_NOT: return FIT_YES - match(q, n->left, m, folder);
	default: return m ? match_term(q, n, m) : match_folder(q, n, folder);
	}
}

bool
query_match(const struct query *q, const struct msg *m)
{
	return match(q, q->root, m, 0) == FIT_YES;
}

bool
query_may_fit_in(const struct query *q, folder_id folder)
{
	return match(q, q->root, NULL, folder) != FIT_NO;
}

size_t
query_bodies(const struct query *q, const char *const **words)
{
	*words = q->bodies;
	return q->n_bodies;
}

void
query_ask(struct query *q, enum query_fit (*has)(void *ctx, size_t body, msg_id id), void *ctx)
{
	q->has = has;
	q->ctx = ctx;
}

size_t
query_places(const struct query *q, const char *const **names)
{
	*names = q->places;
	return q->n_places;
}

void
query_ask_place(struct query *q, bool (*is_in)(void *ctx, size_t place, folder_id folder),
	void *ctx)
{
	q->is_in = is_in;
	q->place_ctx = ctx;
}

static bool
needs_body(const struct node *n, size_t *body)
{
	if (n->op == OP_BODY)
		*body = n->name;
	return n->op == OP_BODY ||
		(n->op == OP_AND && (needs_body(n->left, body) || needs_body(n->right, body)));
}

bool
query_needs_body(const struct query *q, size_t *body)
{
	return needs_body(q->root, body);
}
