/* writing.h - the views in which mail is written and sent, and the ways into them.
 *
 *   compose.c      the view of one draft
 *   compose_draw.c how it is drawn
 *   editing.c      the editor on its text
 *   attaching.c    its attachments
 *   writing.c      from a message, an address or a mailto: link to a draft
 *   forward.c      messages as attachments
 *   drafting.c     drafts and their copies in Drafts folders
 *   gather.c       what is taken over from a message
 *   sealing.c      signing and encrypting: keys, and what is asked about them
 *   building.c     a draft becomes a message
 *   sending.c      from a draft into the outbox, and back
 *   unsent.c       from the outbox back to a draft
 *   draft_list.c   what was begun and not sent
 *   outbox.c       what is being sent */
#ifndef DUNLIN_UI_WRITING_H
#define DUNLIN_UI_WRITING_H

#include "bring.h"
#include "drafts.h"
#include "gnupg.h"
#include "list.h"
#include "message.h"
#include "store_outbox.h"
#include "view.h"

struct compose;

/* A new message to these addresses ("" and NULL: none yet); the subject is asked
 * for, then the editor comes. */
void writing_new(struct ui *ui, const char *to);
/* CMD_REPLY and its like about a message. */
void writing_about(struct ui *ui, enum command_id what, msg_id id);
/* On message `id`, or on the tagged ones of the list (which may be NULL). False:
 * not one of these commands. */
bool writing_command(struct view *v, const struct call *c, msg_id id, const struct list *l);
void writing_mailto(struct ui *ui, const char *url);
/* What is written already, with a file to it: takes the note (which is empty then) and the
 * bytes. The view is on top; where it cannot be, that is told. */
void writing_prepared(struct ui *ui, struct note *n, const char *name, const char *type,
	struct str *bytes);
/* The view, on top; NULL, and told: it cannot be opened. */
struct compose *writing_resume(struct ui *ui, draft_id id);
/* The draft that was saved last. NULL: there is none, or (is_there) it cannot be opened. */
struct compose *writing_last_draft(struct ui *ui, bool *is_there);
/* To that draft, or to a new one. */
/* takes them */
void writing_attach(struct ui *ui, const char *name, const char *type, struct str *bytes);
/* Enter on a message in a Drafts folder, whoever wrote it: it is gone on
 * with. False: it is in none. */
bool writing_open_draft(struct ui *ui, msg_id id);
/* The draft is sent, or (is_thrown) thrown away, to be had back by undo: its copy
 * goes, and then the draft. */
enum err writing_remove_draft(struct ui *ui, draft_id id, bool is_thrown, struct error *e);
/* `u` after that: true when there was something to bring back. */
bool drafting_take_back(struct ui *ui);
/* something was done, or undone, that u undoes before that */
void drafting_acted(struct ui *ui, int by);
/* at start: what was thrown away a day ago goes for good */
void drafting_sweep(struct ui *ui);

struct view *draft_list_new(struct ui *ui);
struct view *outbox_new(struct ui *ui);

/* `u` after sending: true when there was something to take back, or it was
 * too late and that is told. */
bool sending_take_back(struct ui *ui);
/* It can be taken back until then; `draft` 0: what was sent is none of ours.
 * one_more: together with the last. */
void sending_remember(struct ui *ui, outbox_id id, uint32_t draft, int64_t until,
	bool one_more);
/* Removes the drafts of mail that is surely sent; of mail that some recipients were refused a
 * draft to them is left. At start, and when the outbox says that something was sent. */
void sending_tidy(struct ui *ui);
/* The drafts that can be resumed: those whose mail is not in the outbox. As draft_list. */
size_t sending_drafts(struct ui *ui, struct draft_info **out);
/* Edits a mail of the outbox: its draft, or one made of its bytes, to those who did not get
 * it; of mail that is sent, to those who were refused. */
void unsent_edit(struct ui *ui, outbox_id id);
/* The draft of a mail in the outbox; 0: there is none. */
draft_id sending_draft_of(struct ui *ui, const char *message_id);

/* ---- between compose.c, writing.c and sending.c ---- */

struct compose {
	struct view view;
	draft_id id;
	struct draft_lock lock;
	struct note note;
	size_t cursor, top;		/* row of the header; first line of the preview */
	int columns, rows;		/* of the preview; columns 0: lay out anew */
	struct lines *preview;
	enum command_id wish;		/* what the message is fetched for; 0:
					 * nothing is awaited */
	msg_id about;
	job_id job;
	bool was_fetched;		/* once more: all of it */
	struct bring bring;		/* messages to be attached, and how many are */
	size_t n_attached;
	bool is_attaching;		/* they are all here */
	bool is_begun;			/* the message was begun before they were asked for */
	uint32_t last_number;		/* of attachments, those on their way too */
	size_t n_works;			/* tasks that have not ended (work.h) */
	struct view *ready;		/* a preview to be shown when it is on top
					 * again; NULL: none */
	bool is_sent;			/* it goes when it is on top again */
	bool is_building;		/* its bytes are being made: it cannot be changed */
	int64_t when;			/* to be sent then; 0: at once */
	/* how it is sealed when it is sent; NULL: not at all */
	struct gnupg_plan *plan;
	bool clear_is_meant;		/* the person said so */
	bool is_saved;			/* the draft is on disk */
	char *opened;			/* its stamp when it was resumed; NULL: it is new */
	bool is_import;			/* made of a message in a Drafts folder */
	bool edits_next;		/* the editor comes once the view is shown */
};

/* rows above the attachments: From, To, Cc, Bcc, Subject */
enum { COMPOSE_FIELDS = 5 };
char **compose_field(struct compose *x, size_t i);
const char *compose_label(size_t i);
/* the key that changes it; "": none */
void compose_hint(struct ui *ui, size_t i, struct str *out);
/* compose_draw.c */
void compose_draw(struct view *v, const struct area *a);
void compose_title(struct view *v, struct str *left, struct str *right);
/* attaching.c; what goes wrong is told. Large ones are in the note some time after. */
void attach_file(struct compose *x, const char *typed);
/* What fd, which is taken, reads; type NULL: by what it is. then: who goes on when it
 * ended, however; NULL: nobody. */
void attach_fd(struct compose *x, int fd, uint64_t size, const char *name, const char *type,
	void (*then)(struct compose *x, const struct error *e));
/* takes them */
void attach_bytes(struct compose *x, struct str *bytes, const char *name, const char *type);
void attach_output(struct compose *x, const char *command);
void attach_remove(struct compose *x);		/* what the cursor is on */

/* The view without a draft yet. */
struct compose *compose_new(struct ui *ui);
void compose_save(struct compose *x);		/* errors are told */
void compose_edit(struct compose *x);		/* runs the editor */
/* In the editor: as if they had been typed at the prompt. `from`: what it was before. */
void compose_fields_edited(struct compose *x, const char *from);
/* drafting.c: what a note needs before it is saved, and who is told afterwards;
 * `now`: to be stored at once. */
void drafting_name(struct compose *x);
void drafting_saved(struct compose *x, bool now);
/* A task on it has ended, and the view is gone: what was never saved is removed. The task
 * holds its lock still, so that nobody else has that number by now. */
void drafting_left(const char *data_dir, draft_id id);
void drafting_opened(struct compose *x);	/* a draft that was there, as it is now */
bool drafting_is_unchanged(const struct compose *x);	/* since it was opened */
/* What was made of message `id` becomes a draft whose copy that message is; is_richer: there
 * is more in it than is kept here. */
bool drafting_import(struct compose *x, msg_id id, const char *message_id, bool is_richer,
	struct error *e);
void drafting_postpone(struct compose *x);	/* pops the view */
void drafting_leave(struct compose *x);		/* an unchanged one: pops the view */
void compose_changed(struct compose *x);	/* the note was changed: save, draw */
/* writing.c: what was fetched is here, or is not */
void compose_fill(struct compose *x);
/* a number for it; false, and told: none can be kept */
bool compose_begin_draft(struct compose *x);
/* The same of one that is on no stack yet; false: it is closed, too. */
bool compose_begin_new(struct compose *x);
void compose_sign(struct compose *x);		/* the signature of its sender, at the end */
/* What it began with is all here: saved, shown, and edited next where `edits`. */
void compose_begun(struct compose *x, bool edits);
/* Messages, each as an attachment of its own, into a new one. */
void forward_whole(struct ui *ui, const msg_id *ids, size_t n);
/* Into the draft saved last, or a new one. */
void forward_to_draft(struct ui *ui, const msg_id *ids, size_t n);
void forward_event(struct compose *x, const struct event *ev);
bool forward_idle(struct compose *x);
/* building.c: the message is made, to be looked at, or to go into the outbox. Told, and the
 * view gone, when it is there. */
void building_preview(struct compose *x);
void building_send(struct compose *x);
/* asks what is to be asked; pops the view when it is on its way */
void sending_send(struct compose *x);
/* the same, at a time as typed */
void sending_send_at(struct compose *x, const char *text);
/* The account whose `from` it is; else of the message answered, of the view
 * below, the first that can send. */
account_id sending_account(struct compose *x);

#endif
