/* views_fixture.h - the real views over a store of fixed mail, with an engine that never
 * starts (no network, and no harm in that). */
#ifndef DUNLIN_VIEWS_FIXTURE_H
#define DUNLIN_VIEWS_FIXTURE_H

#include <time.h>

#include "mime.h"
#include "ui_fixture.h"
#include "ui/views.h"

static const int64_t now = 1784116800;		/* 2026-07-15 12:00 UTC */

static const char rc_text[] =
	"[account work]\nfrom = Ada <ada@example.org>\nreceive = "
	"imaps://ada@imap.example.org\npassword = x\n";

struct fx {
	struct fixture *u;
	struct store *s;
	account_id account;
	folder_id inbox;
};

#define OK(call) do { \
	struct error e_ = {0}; \
	(void)e_; \
	if ((call) != ERR_OK) \
		fail_msg("%s", #call); \
} while (0)

static inline folder_id
folder(struct fx *f, const char *name, enum folder_role role)
{
	struct folder x = { .account = f->account, .wire = name, .name = name, .delim = '/',
		.role = role };
	folder_id id;

	OK(store_folder_put(f->s, &x, &id, NULL));
	OK(store_folder_validity(f->s, &id, 1, NULL));
	x.id = id;
	x.uidvalidity = 1;
	x.is_filled = true;
	OK(store_folder_state(f->s, &x, NULL));
	return id;
}

static const struct {
	const char *name, *addr, *subject, *parent;
	int64_t ago_s;
	uint64_t size_bytes;
	uint32_t flags;
} mails[] = {
	{ "Grace Hopper", "grace@navy.example", "Compilers", "", 400 * 86400, 5300, MSG_SEEN },
	{ "Bob", "bob@example.org", "Lunch?", "", 30 * 86400, 900, MSG_SEEN | MSG_ANSWERED },
	{ "Ada", "ada@example.org", "Re: Lunch?", "2@t", 29 * 86400, 700, MSG_SEEN },
	{ "山田太郎", "yamada@example.jp", "会議の議事録", "", 5 * 86400, 123456,
		MSG_SEEN | MSG_ATTACH },
	{ "Zoë Ångström", "zoe@example.se",
		"Party 🎉 on Friday, and everybody is to bring something to eat, to drink or "
		"to sing", "", 86400, 2048, MSG_FLAGGED },
	{ "", "robot@build.example", "build 4711 \033[31mfailed\007", "", 7200, 40000, 0 },
	{ "Bob", "bob@example.org", "Re: Lunch?", "3@t", 3600, 1000, 0 },
	{ "Katherine Johnson", "kj@nasa.example", "", "", 60, 10 << 20,
		MSG_SEEN | MSG_FORWARDED },
};

static inline void
put_mail(struct fx *f, uint32_t uid)
{
	char mid[20];
	struct msg m = { .id = msg_id_of(f->inbox, uid), .arrived = now - mails[uid - 1].ago_s,
		.date = now - mails[uid - 1].ago_s, .size_bytes = mails[uid - 1].size_bytes,
		.flags = mails[uid - 1].flags, .from_name = mails[uid - 1].name,
		.from_addr = mails[uid - 1].addr, .to = "Ada <ada@example.org>", .cc = "",
		.subject = mails[uid - 1].subject, .message_id = mid,
		.in_reply_to = mails[uid - 1].parent, .references = mails[uid - 1].parent,
		.list_id = "" };

	snprintf(mid, sizeof mid, "%u@t", uid);
	OK(store_msg_put(f->s, &m, NULL));
}

static inline void
put_body(struct fx *f, uint32_t uid, const char *raw)
{
	struct body_writer *w;

	OK(body_create(&w, f->s, msg_id_of(f->inbox, uid), "", NULL));
	OK(body_write(w, raw, strlen(raw), NULL));
	OK(body_commit(w, NULL));
}

static const char letter[] =
	"From: Bob <bob@example.org>\r\nTo: Ada <ada@example.org>\r\nSubject: Re: Lunch?\r\n"
	"Date: Wed, 15 Jul 2026 11:00:00 +0000\r\nMIME-Version: 1.0\r\n"
	"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
	"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
	"On Monday Ada wrote:\r\n> Lunch at noon?\r\n> Or later?\r\n\r\n"
	"Noon it is. See https://example.org/menu\r\n\r\n-- \r\nBob\r\n"
	"--b\r\nContent-Type: application/pdf; name=\"../../menu.pdf\"\r\n"
	"Content-Disposition: attachment; filename=\"../../menu.pdf\"\r\n"
	"Content-Transfer-Encoding: base64\r\n\r\nbWVudQ==\r\n--b--\r\n";

static inline struct fx *
begin_with(const char *more_rc, int rows, int columns)
{
	char *rc = xasprintf("%s%s", rc_text, more_rc);
	struct fx *f = xcalloc(1, sizeof *f);

	setenv("TZ", "UTC", 1);
	tzset();
	mime_init();
	f->u = setup(rc, rows, columns);
	f->u->rc->hints = true;
	free(rc);
	f->u->ui->now = now;
	OK(store_open(&f->s, f->u->dirs.data, f->u->dirs.cache, STORE_WRITE, NULL));
	f->account = engine_account(f->u->engine, 0);
	f->inbox = folder(f, "INBOX", ROLE_INBOX);
	folder(f, "Archive", ROLE_ARCHIVE);
	folder(f, "Trash", ROLE_TRASH);
	folder(f, "Lists/dev", ROLE_NONE);
	OK(store_begin(f->s, NULL));
	for (uint32_t uid = 1; uid <= LEN(mails); uid++)
		put_mail(f, uid);
	OK(store_commit(f->s, NULL));
	put_body(f, 7, letter);
	views_start(f->u->ui, &(struct ui_options){ 0 });
	settle(f->u);
	return f;
}

static inline struct fx *
begin(int rows, int columns)
{
	return begin_with("", rows, columns);
}

static inline void
end(struct fx *f)
{
	store_close(f->s);
	teardown(f->u);
	free(f);
}

static inline char *
bottom(struct fx *f)
{
	char *text = grid_text(&f->u->ui->grid), *line = text;

	for (int i = 0; i < f->u->ui->grid.rows - 1; i++)
		line = strchr(line, '\n') + 1;
	char *out = xstrndup(line, strcspn(line, "\n"));
	free(text);
	return out;
}

#define BOTTOM_HAS(f, text) do {							\
		char *b_ = bottom(f);							\
		if (!strstr(b_, text))							\
			fail_msg("'%s' is not in '%s'", text, b_);			\
		free(b_);								\
	} while (0)

static inline bool
shows(struct fx *f, const char *text)
{
	char *screen = grid_text(&f->u->ui->grid);
	bool is = strstr(screen, text) != NULL;

	free(screen);
	return is;
}

static inline char *
title(struct fx *f)
{
	char *text = grid_text(&f->u->ui->grid);

	text[strcspn(text, "\n")] = '\0';
	return text;
}

#define TITLE_HAS(f, text) do {								\
		char *t_ = title(f);							\
		if (!strstr(t_, text))							\
			fail_msg("'%s' is not in '%s'", text, t_);			\
		free(t_);								\
	} while (0)

/* The program ends and begins again, in the folder that `start` says. */
static inline void
restart(struct fx *f, const char *start)
{
	static const struct ui_options options;
	struct fixture *u = f->u;
	int rows = u->term.rows, columns = u->term.columns;
	struct error e;

	ui_free(u->ui);
	engine_free(u->engine, 1000);
	u->term = (struct fake_term){ .term.ops = &fake_ops, .rows = rows,
		.columns = columns };
	assert_int_equal(ERR_OK, engine_new(&u->engine, u->rc, &u->dirs, &e));
	u->ui = ui_new(u->engine, u->rc, &options, &u->term.term);
	u->ui->now = now;
	views_start(u->ui, &(struct ui_options){ .start_folder = start });
	settle(u);
}

#endif
