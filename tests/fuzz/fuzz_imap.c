/* An IMAP server's side of a session, over a stream without a network.
 *
 * Bytes below 0x80 are sent as they are, those above stand for pieces of the grammar (0xff: the next
 * byte as it is), and 0x01 for the tag of the next command that waits for an answer, so that whole
 * conversations are a few bytes. The first byte chooses where to begin and what is sent in
 * front. Beyond not crashing: no UID is 0, nothing is gone that was not known, no more comes than was
 * asked for. */
#include <libetpan/mailstream.h>
#include <stdlib.h>
#include <string.h>

#include "imap.h"
#include "mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv);

struct net {
	struct str text;		/* what the server says, expanded */
	size_t at;
	struct _mailstream *stream;
	unsigned char chunk;
};

static const char *const pieces[] = {
	"* ", "\r\n", " OK ", " NO ", " BAD ", "* 1 FETCH (", "* 2 FETCH (", "UID 1 ", "UID 2 ", "UID ",
	"FLAGS (", "\\Seen", "\\*", "INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" ", "RFC822.SIZE 9 ",
	"MODSEQ (5) ", "BODY[HEADER.FIELDS (X)] ", "BODY[]<0> ", "BODY[1] ", "BODYSTRUCTURE ",
	"{2}\r\n", "{40}\r\n", "{0}\r\n", "{99999999999}\r\n", "\"text\" \"plain\" ", "\"mixed\"",
	"\"message\" \"rfc822\" ", "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) ", "(\"charset\" \"utf-8\") ",
	"(\"name*0*\" \"utf-8''%41\" \"name*1\" \"b\") ", "(\"attachment\" (\"filename\" \"x\")) ", "\"7bit\" 1 1 ",
	"NIL ", "))", "((", "* LIST (\\Sent) \"/\" ", "* LSUB () \".\" ", "* STATUS a (MESSAGES 1 UNSEEN 2)",
	"* SEARCH 1 2 ", "* ESEARCH (TAG \"d\") UID ALL ", "1:4294967295", "* VANISHED ", "(EARLIER) ",
	"EXISTS", "EXPUNGE", "* 3 ", "[UIDVALIDITY 7] ", "[UIDNEXT 9] ", "[HIGHESTMODSEQ 9] ",
	"[PERMANENTFLAGS (\\Seen \\*)] ", "[COPYUID 7 1:2 5:6] ", "[APPENDUID 7 9] ", "[CAPABILITY IMAP4rev1 ",
	"* CAPABILITY IMAP4rev1 ", "IDLE ", "MOVE ", "* ENABLED QRESYNC", "* BYE ", "+ \r\n", "\x01 OK x\r\n",
	"\x01 NO x\r\n", "* NAMESPACE ((\"a.\" \".\")) ", "&AOQ-", "{4}\r\nabcd",
};
static const char hello[] = "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] x\r\n\x01 OK [CAPABILITY IMAP4rev1 "
	"IDLE ENABLE QRESYNC MOVE UIDPLUS ESEARCH LIST-EXTENDED] x\r\n";
static const char opened[] = "* ENABLED QRESYNC\r\n\x01 OK x\r\n* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n"
	"* OK [HIGHESTMODSEQ 5] x\r\n\x01 OK x\r\n";

static const uint8_t *input;
static size_t input_len;
static struct str said;

/* ---- the network that is none ---- */

static ssize_t
read_low(mailstream_low *low, void *buf, size_t size)
{
	struct net *n = low->data;
	size_t left = n->text.len - n->at;

	if (left == 0)
		return -1;
	if (size > (size_t)n->chunk + 1)	/* bytes arrive in pieces */
		size = (size_t)n->chunk + 1;
	if (size > left)
		size = left;
	memcpy(buf, n->text.data + n->at, size);
	n->at += size;
	return (ssize_t)size;
}

static ssize_t
write_low(mailstream_low *low, const void *buf, size_t size)
{
	(void)low;
	str_add(&said, buf, size);
	return (ssize_t)size;
}

static int close_low(mailstream_low *low) { (void)low; return 0; }
static int fd_low(mailstream_low *low) { (void)low; return -1; }
static void free_low(mailstream_low *low) { free(low); }
static void cancel_low(mailstream_low *low) { (void)low; }

static mailstream_low_driver driver = { .mailstream_read = read_low, .mailstream_write = write_low,
	.mailstream_close = close_low, .mailstream_get_fd = fd_low, .mailstream_free = free_low,
	.mailstream_cancel = cancel_low };

static void
expand(struct str *out, const char *p, size_t n, unsigned *tag)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		if (c == 1)
			str_printf(out, "d%u", ++*tag);
		else if (c == 0xff && i + 1 < n)
			str_putc(out, p[++i]);
		else if (c < 0x80)
			str_putc(out, (char)c);
		else
			expand(out, pieces[(c - 0x80) % LEN(pieces)],
				strlen(pieces[(c - 0x80) % LEN(pieces)]), tag);
	}
}

enum err
net_open(struct net **out, const struct net_config *cfg, struct cancel *cancel, struct error *e)
{
	struct net *n = xcalloc(1, sizeof *n);
	unsigned tag = 0;
	(void)cfg, (void)cancel, (void)e;

	n->chunk = input[1];
	if (input[0] & 1)
		expand(&n->text, hello, sizeof hello - 1, &tag);
	if ((input[0] & 3) == 3)
		expand(&n->text, opened, sizeof opened - 1, &tag);
	expand(&n->text, (const char *)input + 2, input_len - 2, &tag);
	n->stream = mailstream_new(mailstream_low_new(n, &driver), 16384);
	*out = n;
	return ERR_OK;
}

void
net_close(struct net *n)
{
	if (!n)
		return;
	mailstream_close(n->stream);
	str_clear(&n->text);
	free(n);
}

enum err
net_wait(struct net *n, int timeout_ms, int wake, bool *readable, struct error *e)
{
	(void)timeout_ms, (void)wake;
	*readable = n->at < n->text.len || n->stream->read_buffer_len > 0;
	return *readable ? ERR_OK : error_set(e, ERR_CONN, "over");
}

enum err net_starttls(struct net *n, struct error *e) { (void)n, (void)e; return ERR_TLS; }
bool net_is_private(const struct net *n) { (void)n; return true; }
struct _mailstream *net_stream(struct net *n) { return n->stream; }
enum err net_error(const struct net *n, struct error *e) { (void)n, (void)e; return ERR_OK; }
void net_command(struct net *n, int ms, uint64_t max) { (void)n, (void)ms, (void)max; }
void net_describe(const struct net *n, struct str *out) { (void)n, (void)out; }
uint64_t net_bytes_in(const struct net *n) { return n->at; }

/* ---- what must hold ---- */

struct heard {
	const struct uidset *known;
	uint32_t n_msgs, max_msgs;
};

static void
must(bool is_so)
{
	if (!is_so)
		abort();
}

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

	switch (op % 12) {
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
	case 10: b->ops->append(b, "a", "x", 1, 1, 0, &uid, &e); break;
	case 11:
		b->ops->find(b, "Trash", "x", 2, &found, &e);
		b->ops->arrivals(b, "Trash", 2, &nobody, &e);
		uidset_clear(&found);
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
		for (unsigned i = 0; i < 12; i++)
			run(b, (data[0] >> 2) + i, &known);
	}
	must(uidset_count(&known) == 3);
	b->ops->close(b, 0);
	cancel_close(&cancel);
	uidset_clear(&known);
	str_clear(&said);
	return 0;
}
