/* An IMAP server's side of a session, over a stream without a network.
 *
 * Bytes below 0x80 are sent as they are, those above stand for pieces of the grammar (0xff:
 * the next byte as it is), and 0x01 for the tag of the next command that waits for an answer,
 * so that whole conversations are a few bytes. The first byte chooses where to begin and what
 * is sent in front. Beyond not crashing: no UID is 0, nothing is gone that was not known, no
 * more comes than was asked for. */
#include <string.h>

#include "imap.h"
#include "mime.h"
#include "no_net.h"

static const char *const pieces[] = {
	"* ", "\r\n", " OK ", " NO ", " BAD ", "* 1 FETCH (", "* 2 FETCH (", "UID 1 ",
	"UID 2 ", "UID ", "FLAGS (", "\\Seen", "\\*",
	"INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" ", "RFC822.SIZE 9 ", "MODSEQ (5) ",
	"BODY[HEADER.FIELDS (X)] ", "BODY[]<0> ", "BODY[1] ", "BODYSTRUCTURE ", "{2}\r\n",
	"{40}\r\n", "{0}\r\n", "{99999999999}\r\n", "\"text\" \"plain\" ", "\"mixed\"",
	"\"message\" \"rfc822\" ", "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) ",
	"(\"charset\" \"utf-8\") ", "(\"name*0*\" \"utf-8''%41\" \"name*1\" \"b\") ",
	"(\"attachment\" (\"filename\" \"x\")) ", "\"7bit\" 1 1 ", "NIL ", "))", "((",
	"* LIST (\\Sent) \"/\" ", "* LSUB () \".\" ", "* STATUS a (MESSAGES 1 UNSEEN 2)",
	"* SEARCH 1 2 ", "* ESEARCH (TAG \"d\") UID ALL ", "1:4294967295", "* VANISHED ",
	"(EARLIER) ", "EXISTS", "EXPUNGE", "* 3 ", "[UIDVALIDITY 7] ", "[UIDNEXT 9] ",
	"[HIGHESTMODSEQ 9] ", "[PERMANENTFLAGS (\\Seen \\*)] ", "[COPYUID 7 1:2 5:6] ",
	"[APPENDUID 7 9] ", "[CAPABILITY IMAP4rev1 ", "* CAPABILITY IMAP4rev1 ", "IDLE ",
	"MOVE ", "* ENABLED QRESYNC", "* BYE ", "+ \r\n", "\x01 OK x\r\n", "\x01 NO x\r\n",
	"* NAMESPACE ((\"a.\" \".\")) ", "&AOQ-", "{4}\r\nabcd",
};
static const char hello[] = "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] x\r\n\x01 OK "
	"[CAPABILITY IMAP4rev1 IDLE ENABLE QRESYNC MOVE UIDPLUS ESEARCH LIST-EXTENDED] x\r\n";
static const char opened[] = "* ENABLED QRESYNC\r\n\x01 OK x\r\n* 3 EXISTS\r\n* OK "
	"[UIDVALIDITY 7] x\r\n* OK [HIGHESTMODSEQ 5] x\r\n\x01 OK x\r\n";

static const uint8_t *input;
static size_t input_len;

static void
net_fill(struct net *n)
{
	unsigned tag = 0;

	n->chunk = input[1];
	if (input[0] & 1)
		expand(&n->text, hello, sizeof hello - 1, pieces, LEN(pieces), &tag);
	if ((input[0] & 3) == 3)
		expand(&n->text, opened, sizeof opened - 1, pieces, LEN(pieces), &tag);
	expand(&n->text, (const char *)input + 2, input_len - 2, pieces, LEN(pieces), &tag);
}

/* ---- what must hold ---- */

struct heard {
	const struct uidset *known;
	uint32_t n_msgs, max_msgs;
};

static void
on_msg(void *ctx, const struct msg *m)
{
	struct heard *h = ctx;

	must(msg_uid(m->id) != 0 && m->id == msg_id_of(0, msg_uid(m->id)));
	must(++h->n_msgs <= h->max_msgs);
}

static void
on_flags(void *ctx, uint32_t uid, uint32_t flags, uint64_t modseq)
{
	(void)ctx, (void)modseq;
	must(uid != 0 && (flags & ~(uint32_t)MSG_SERVER_FLAGS) == 0);
}

static void
on_gone(void *ctx, const struct uidset *uids)
{
	const struct heard *h = ctx;
	struct uidset foreign = {0};

	uidset_minus(&foreign, uids, h->known);
	must(foreign.n == 0);
	uidset_clear(&foreign);
}

static void
on_folder(void *ctx, const struct folder *f)
{
	(void)ctx;
	must(*f->wire && f->name && f->role < N_ROLES);
}

static enum err
on_bytes(void *ctx, const void *p, size_t n, struct error *e)
{
	(void)ctx, (void)p, (void)e;
	must(n > 0);
	return ERR_OK;
}

static void
run(struct backend *b, unsigned op, const struct uidset *known)
{
	struct heard heard = { .known = known, .max_msgs = 3 };
	struct folder_sink sink = { &heard, on_msg, on_flags, on_gone }, nobody = {0};
	struct backend_folder_sink folders = { NULL, on_folder };
	struct byte_source message = byte_source_memory("x", 1);
	struct byte_sink bytes = { .write = on_bytes };
	struct folder_known k = { .uidvalidity = 7, .modseq = 3, .uids = known };
	struct folder_status st;
	struct uid_map map = {0};
	struct uidset found = {0};
	struct arena a = {0};
	struct part *root;
	struct error e;
	uint32_t uid;
	bool delta;
	int what;

	switch (op % 16) {
	case 0: b->ops->open(b, "INBOX", &k, &sink, &st, &delta, &e); break;
	case 1: b->ops->newest(b, 3, &sink, &e); break;
	case 2: b->ops->headers(b, known, &sink, &e); break;
	case 3: b->ops->changes(b, &k, &sink, &st, &e); break;
	case 4: b->ops->structure(b, 1, &a, &root, &e); break;
	case 5: b->ops->fetch(b, 1, "", &bytes, &e); break;
	case 6: b->ops->fetch(b, 1, "1", &bytes, &e); break;
	case 7:
		b->ops->move(b, known, "Trash", &map, &e);
		for (size_t i = 0; i < map.n; i++)
			must(uidset_has(known, map.from[i]) && map.to[i] != 0);
		uid_map_clear(&map);
		break;
	case 8: b->ops->wait(b, 2, -1, &what, &e); break;
	case 9: b->ops->folders(b, &folders, &e); break;
	case 10: b->ops->append(b, "a", &message, 1, 0, &uid, &e); break;
	case 11:
		b->ops->find(b, "Trash", "x", 2, &found, &e);
		b->ops->arrivals(b, "Trash", 2, &nobody, &e);
		uidset_clear(&found);
		break;
	case 12:
		b->ops->search(b, known, "a \"b\" \xc3\xa4", &found, &e);
		b->ops->uids(b, &found, &e);
		must(!uidset_has(&found, 0));
		uidset_clear(&found);
		break;
	case 13: b->ops->status(b, "a", &st, &e); break;
	case 14: b->ops->folder_rename(b, "a", "b", &e); break;
	case 15:
		b->ops->set_flags(b, known, MSG_SEEN, MSG_FLAGGED, &e);
		b->ops->copy(b, known, "Trash", &map, &e);
		uid_map_clear(&map);
		b->ops->expunge(b, known, &e);
		break;
	}
	arena_clear(&a);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	mime_init();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct imap_config cfg = { .net = { .host = "h" }, .auth = "plain" };
	struct backend_login login = { "ada", "hunter2" };
	struct uidset known = {0};
	struct cancel cancel;

	if (n < 3 || cancel_init(&cancel, NULL) != ERR_OK)
		return 0;
	uidset_add_range(&known, 1, 3);
	input = data;
	input_len = n;
	struct backend *b = imap_new(&cfg, &cancel);
	if (b->ops->connect(b, &login, NULL) == ERR_OK) {
		if ((data[0] & 3) == 3)
			run(b, 0, &known);
		for (unsigned i = 0; i < 16; i++)
			run(b, (data[0] >> 2) + i, &known);
	}
	must(uidset_count(&known) == 3);
	b->ops->close(b, 0);
	cancel_close(&cancel);
	uidset_clear(&known);
	str_clear(&said);
	return 0;
}
