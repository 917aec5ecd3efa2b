/* main.c - options, wiring, exit code.
 *
 * What a word on the command line means is a table. Passwords will be in memory, so nobody
 * may look into this process or its core; whatever we write is ours alone. Problems of the
 * mailrc are told and do not keep the rest from working: on stderr here, as notices in the
 * UI. */
#include <getopt.h>
#include <locale.h>
#include <stdbool.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "cli.h"
#include "engine.h"
#include "hide.h"
#include "log.h"
#include "mime.h"
#include "net.h"
#include "path.h"
#include "query.h"
#include "rc.h"
#include "str.h"
#include "ui.h"
#include "utf8.h"

enum { GOODBYE_MS = 700 };	/* quitting takes under a second whatever a server does */

struct options {
	const char *rc_path, *log_path, *file, *mailto;
	struct cli_letter letter;	/* -s, -c, -b, -a */
	struct str cc, bcc;
	char **attach;
	size_t n_attach, cap_attach;
	bool is_read_only;
	struct dirs dirs;
	struct rc *rc;
	char *const *args;		/* behind the command's name */
	int n_args;
};

static const char usage[] =
	"dunlin [-F FILE] [-d FILE]          open the mail of the accounts in the mailrc\n"
	"dunlin [-R] -f FILE                 open an mbox file (-R: read only)\n"
	"dunlin mailto:...                   write to the addresses of a link\n"
	"dunlin setup                        make the first account\n"
	"dunlin check [ACCOUNT...]           try servers and logins, a line each\n"
	"dunlin sync [ACCOUNT...]            one pass without a screen: receive, carry out\n"
	"dunlin send [-t] [ADDRESS...]       a message on standard input, to these or whom "
	"its header names\ndunlin -s SUBJECT [-c CC] [-b BCC] [-a FILE...] [--] ADDRESS...\n"
	"                                    the text of a message on standard input\n"
	"dunlin show [--json] [--decrypt] FILE\n"
	"                                    one message file as the pager shows it; "
	"--decrypt\n"
	"                                    opens what is encrypted, and checks signatures\n"
	"dunlin import muttrc FILE           print the mailrc that says the same; "
	"also alpine, aerc,\n"
	"                                    and the address books abook and addressbook\n"
	"  -F FILE  another mailrc     -d FILE  debug log     -V  version     -h  this\n"
	"In the program ? shows the keys. Manual: dunlin(1), dunlin-mailrc(5)\n";

static void
complain(void *ctx, const char *text)
{
	char *clean = text_clean_dup(text);

	(void)ctx;
	fprintf(stderr, "dunlin: %s\n", clean);
	free(clean);
}

static int misused(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static int
misused(const char *fmt, ...)
{
	struct str s = {0};
	va_list ap;

	va_start(ap, fmt);
	str_vprintf(&s, fmt, ap);
	va_end(ap);
	complain(NULL, str_get(&s));
	str_clear(&s);
	fputs("dunlin -h lists what there is\n", stderr);
	return EX_USAGE;
}

/* ---- commands ---- */

static void
init_network(void)
{
	net_init();
	mime_init();
}

static int
run_screen(struct options *o)
{
	struct ui_options ui = {0};
	struct engine *g = NULL;
	struct error e;
	int code = 1;

	if (o->file && cli_use_file(o->rc, o->file, o->is_read_only, &o->dirs, &e) != ERR_OK)
		goto out;
	if (!o->file && o->rc->n_accounts == 0) {
		if (cli_use_tutorial(o->rc, &o->dirs, &e) != ERR_OK)
			goto out;
		ui.is_tutorial = true;
	}
	if (!o->file && !ui.is_tutorial)
		ui.start_folder = o->rc->start_folder ? o->rc->start_folder
			: o->rc->unified ? NULL : "last";
	ui.data_dir = o->dirs.data;
	ui.mailto = o->mailto;
	ui_block_signals();
	init_network();
	if (engine_new(&g, o->rc, &o->dirs, &e) == ERR_OK) {
		e.code = ERR_OK;
		code = ui_run(g, o->rc, &ui, &e);
	}
out:
	if (e.code != ERR_OK)
		complain(NULL, e.text);
	engine_free(g, GOODBYE_MS);
	return code;
}

static int
run_show(struct options *o)
{
	bool is_json = false, opens = false;
	int i = 0;

	for (; i < o->n_args && str_starts(o->args[i], "--"); i++) {
		is_json |= str_eq(o->args[i], "--json");
		opens |= str_eq(o->args[i], "--decrypt");
		if (!str_eq(o->args[i], "--json") && !str_eq(o->args[i], "--decrypt"))
			return misused("show knows no '%s'", o->args[i]);
	}
	if (o->n_args != i + 1)
		return misused("show wants one file");
	return cli_show(o->args[i], is_json, opens);
}

static int
run_check(struct options *o)
{
	init_network();
	return cli_check(o->rc, o->args, o->n_args, NULL);
}

static int
run_sync(struct options *o)
{
	init_network();
	return cli_sync(o->rc, &o->dirs, o->args, o->n_args);
}

/* The mailrc may not be there yet, not even the one that -F names. */
static int
run_setup(struct options *o)
{
	struct error e;

	if (o->n_args > 0)
		return misused("setup asks for all it needs");
	if (dirs_find(&o->dirs, &e) != ERR_OK) {
		complain(NULL, e.text);
		return EX_CONFIG;
	}
	char *path = o->rc_path ? xstrdup(o->rc_path) : path_join(o->dirs.config, "mailrc");
	init_network();
	int code = cli_setup(&o->dirs, path);
	free(path);
	return code;
}

static int
run_import(struct options *o)
{
	if (o->n_args != 2)
		return misused("import wants a kind and a file: import muttrc ~/.muttrc");
	if (!cli_import_is_kind(o->args[0]))
		return misused("import knows muttrc, alpine, aerc, "
			"abook and addressbook, not '%s'", o->args[0]);
	return cli_import(o->args[0], o->args[1]);
}

/* An option of sendmail: 0, none; else how many words it is. Most mean nothing here. */
static int
sendmail_option(struct cli_letter *l, const char *word, const char *next)
{
	if (word[0] != '-' || !word[1] || !strchr("tiofrFBNRVv", word[1]))
		return 0;
	if (word[1] == 't')
		l->from_header = true;
	if (strchr("tiov", word[1]))		/* -oem, -odb and the like */
		return 1;
	const char *value = word[2] ? word + 2 : next;
	if (value && strchr("fr", word[1]))
		l->sender = value;
	return !value ? 0 : word[2] ? 1 : 2;
}

static int
run_send(struct options *o)
{
	struct cli_letter l = {0};
	int i = 0, n;

	for (; i < o->n_args && o->args[i][0] == '-' && !str_eq(o->args[i], "--"); i += n) {
		n = sendmail_option(&l, o->args[i], i + 1 < o->n_args ? o->args[i + 1] : NULL);
		if (n == 0)
			return misused("send knows no '%s'", o->args[i]);
	}
	i += i < o->n_args && str_eq(o->args[i], "--");
	l.to = o->args + i;
	l.n_to = o->n_args - i;
	init_network();
	return cli_send(o->rc, &o->dirs, &l);
}

static const struct {
	const char *name;
	int (*run)(struct options *o);
	bool needs_rc, tells_problems;	/* itself */
} commands[] = {
	{ "check", run_check, true, true },
	{ "import", run_import, false, false },
	{ "setup", run_setup, false, false },
	{ "send", run_send, true, false },
	{ "show", run_show, false, false },
	{ "sync", run_sync, true, false },
};

static int
unknown(const char *word)
{
	const char *names[LEN(commands) + 1] = {0};

	for (size_t i = 0; i < LEN(commands); i++)
		names[i] = commands[i].name;
	const char *near = nearest_word(word, names);
	return near ? misused("no command '%s' (did you mean '%s'?)", word, near)
		: misused("no command '%s'", word);
}

/* ---- beginning ---- */

static void
keep_secrets(void)
{
	struct rlimit none = {0};

	umask(077);
	setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__		/* whose search for leaks looks into the process */
	prctl(PR_SET_DUMPABLE, 0);
#endif
}

/* Only how characters are written: numbers and months stay as our formats and parsers
 * expect them. Who names no locale at all is on a bare system, whose terminal nonetheless
 * speaks UTF-8. */
static void
set_locale(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
	bool is_named = false;

	for (size_t i = 0; i < LEN(names); i++) {
		const char *value = getenv(names[i]);
		is_named |= value && *value;
	}
	setlocale(LC_CTYPE, is_named ? "" : "C.UTF-8");
}

static void
keep_problem(void *ctx, const char *line)
{
	struct rc *rc = ctx;
	size_t cap = rc->n_problems;

	rc->problems = array_grow(rc->problems, rc->n_problems, &cap, sizeof *rc->problems);
	rc->problems[rc->n_problems++].line = xstrdup(line);
}

/* The three directories and the mailrc. The UI tells its problems itself. */
static int
prepare(struct options *o)
{
	struct error e;
	int code = EX_CONFIG;
	char *path = NULL;

	if (o->log_path && log_open(o->log_path, &e) != ERR_OK)
		goto out;
	if (dirs_find(&o->dirs, &e) != ERR_OK)
		goto out;
	path = o->rc_path ? xstrdup(o->rc_path) : path_join(o->dirs.config, "mailrc");
	if (o->rc_path && access(path, R_OK) != 0) {
		error_errno(&e, ERR_LOCAL, "cannot read '%s'", path);
		goto out;
	}
	if (rc_read(&o->rc, path, &e) != ERR_OK)
		goto out;
	code = 0;
out:
	if (code)
		complain(NULL, e.text);
	free(path);
	return code;
}

/* For a command without a screen: all problems of the mailrc, those
 * of keys and colours too. */
static int
prepare_command(struct options *o, bool tell)
{
	int code = prepare(o);

	if (code == 0)
		ui_rc_problems(o->rc, keep_problem, o->rc);
	for (size_t i = 0; code == 0 && tell && i < o->rc->n_problems; i++)
		complain(NULL, o->rc->problems[i].line);
	return code;
}

static int
print(const char *text)
{
	fputs(text, stdout);
	return fflush(stdout) == 0 ? 0 : EX_IOERR;
}

static int
print_commands(void)
{
	struct str s = {0};

	ui_commands(&s);
	int code = print(str_get(&s));
	str_clear(&s);
	return code;
}

/* -1: go on; else the exit code. */
static int
read_options(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' },
		{ "commands", no_argument, NULL, 'C' }, { 0 },
	};
	char word[] = "-?";
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:F:d:f:s:c:b:a:RVh", longs, NULL)) != -1) {
		switch (c) {
		case 'F': o->rc_path = optarg; break;
		case 'd': o->log_path = optarg; break;
		case 'f': o->file = optarg; break;
		case 's': o->letter.subject = optarg; break;
		case 'c': str_printf(&o->cc, "%s%s", o->cc.len ? ", " : "", optarg); break;
		case 'b': str_printf(&o->bcc, "%s%s", o->bcc.len ? ", " : "", optarg); break;
		case 'a':
			o->attach = array_grow(o->attach, o->n_attach, &o->cap_attach,
				sizeof *o->attach);
			o->attach[o->n_attach++] = optarg;
			break;
		case 'R': o->is_read_only = true; break;
		case 'V': return print("dunlin " DUNLIN_VERSION "\n");
		case 'h': return print(usage);
		case 'C': return print_commands();
		case ':':
			word[1] = (char)optopt;
			return misused("option %s wants %s", word,
				strchr("scb", optopt) ? "a text" : "a file");
		default:
			word[1] = (char)optopt;
			return misused("no option '%s'", optopt ? word : argv[optind - 1]);
		}
	}
	if (o->is_read_only && !o->file)
		return misused("-R wants a file (-f)");
	return -1;
}

/* "-a FILE FILE -- ADDRESS": what stands before "--" are files. */
static void
take_files(struct options *o, char *const *args, int *n)
{
	for (int i = 0; o->n_attach > 0 && i < *n; i++) {
		if (!str_eq(args[i], "--"))
			continue;
		for (int k = 0; k < i; k++) {
			o->attach = array_grow(o->attach, o->n_attach, &o->cap_attach,
				sizeof *o->attach);
			o->attach[o->n_attach++] = args[k];
		}
		o->letter.to = args + i + 1;
		*n -= i + 1;
		return;
	}
	o->letter.to = args;
}

static int
run_letter(struct options *o, char *const *args, int n)
{
	struct cli_letter *l = &o->letter;
	int code;

	if (!l->subject)
		return misused("a message wants a subject (-s)");
	take_files(o, args, &n);
	l->n_to = n;
	l->cc = str_get(&o->cc);
	l->bcc = str_get(&o->bcc);
	l->files = o->attach;
	l->n_files = o->n_attach;
	if (n == 0 && !*l->cc && !*l->bcc)
		return misused("to whom? (ADDRESS...)");
	if ((code = prepare_command(o, true)) != 0)
		return code;
	init_network();
	return cli_send(o->rc, &o->dirs, l);
}

static int
run(struct options *o, int argc, char **argv)
{
	int code = read_options(o, argc, argv);

	if (code >= 0)
		return code;
	if (o->letter.subject || o->cc.len || o->bcc.len || o->n_attach) {
		if (o->file)
			return misused("-f does not go with a message");
		return run_letter(o, argv + optind, argc - optind);
	}
	if (optind + 1 == argc && str_istarts(argv[optind], "mailto:"))
		o->mailto = argv[optind++];
	if (optind == argc)
		return (code = prepare(o)) ? code : run_screen(o);
	o->args = argv + optind + 1;
	o->n_args = argc - optind - 1;
	for (size_t i = 0; i < LEN(commands); i++) {
		if (!str_eq(commands[i].name, argv[optind]))
			continue;
		if (o->file)
			return misused("-f does not go with %s", argv[optind]);
		if (commands[i].needs_rc &&
		    (code = prepare_command(o, !commands[i].tells_problems)) != 0)
			return code;
		return commands[i].run(o);
	}
	return unknown(argv[optind]);
}

int
main(int argc, char **argv)
{
	struct options o = {0};

	set_locale();
	keep_secrets();
	/* a file that may grow no more is a full disk: told, and not the end */
	signal(SIGXFSZ, SIG_IGN);
	int code = run(&o, argc, argv);
	str_clear(&o.cc);
	str_clear(&o.bcc);
	free(o.attach);
	rc_free(o.rc);
	dirs_clear(&o.dirs);
	log_close();
	hide_clear();
	return code;
}
