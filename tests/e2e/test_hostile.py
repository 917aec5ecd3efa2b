"""Hostile mail, and servers that lie or make no sense, against the real program."""
import glob
import os
import re
import signal
import socket
import sqlite3
import subprocess
import time

from rig.home import PROGRAM, RELEASE, ROOT, Home
from rig.hostile import (TRICKS, Imap, Watched, endless, intruders, mail, quits, tree,
                         watched)
from rig.run import Skip

CORPUS = os.environ.get("DUNLIN_CORPUS") or os.path.join(os.path.dirname(ROOT), "shared",
                                                         "corpus")


# ---- nothing acts on the terminal (7) ----

def test_tricks_in_everything_a_server_says():
    """Subjects, names, folders, alerts, refusals: only what ncurses makes reaches the terminal."""
    mails, n = [], 0
    for trick in TRICKS:
        q = b"".join(b"=%02X" % c for c in trick)
        for form in (trick, b"=?utf-8?Q?" + q + b"?=", b"=?iso-8859-1?Q?" + q + b"?=",
                     b"=?windows-1252?Q?" + q + b"?=", b"=?x-unknown?Q?" + q + b"?="):
            n += 1
            mails.append(mail(b"trick %d " % n + form,
                              sender=b'"' + form + b'" <a' + trick + b"@example.org>",
                              body=trick + b" in words\r\nhttp://example.org/" + trick + b"\r\n",
                              n=n))
    names = [b"dir-" + t for t in TRICKS] + [b"&AJs-31337m", b"&ABs-]0;owned&AAc-", b"&IC4-evil"]

    def alert(s, line):
        for t in TRICKS:
            s.raw(b"* OK [ALERT] " + t + b"\r\n* NO " + t + b"\r\n* " + t + b" " + t + b"\r\n")

    def refuse(s, line):
        s.raw(s.tag.encode() + b" NO [ALERT] cannot " + b" ".join(TRICKS) + b"\r\n")
        return True

    on = {v: alert for v in ("SELECT", "FETCH", "NOOP", "LIST", "AUTHENTICATE")}
    with Imap(mails, names,
              {**on, "STORE": refuse, "COPY": refuse,
               "CREATE": refuse}) as server, Home() as home:
        home.account(server.port)
        log = home.path("debug.log")
        t = watched(home, "-d", log)
        t.wait(f"trick {n} ")
        t.settle(1)
        for keys in ("\r", "h", "v", "q", "q", "j\r", "q", "d", "F", "y", "jjjjj", "GG", "q",
                     "?", "q", "cdir\t\t",
                     "\x1b", ":set \x1b\t", "\x1b", "$", "L", "lsubject:trick\r"):
            os.write(t.fd, keys.encode())
            t.settle(0.3, 3)
        quits(t)
        bad = intruders(bytes(t.all))
        assert not bad, bad[:5]
        assert b"owned" in t.all                # the words do show, tamed
        for args in (["check"], ["sync"]):
            done = subprocess.run([PROGRAM, *args], env=dict(os.environ, **home.env()),
                                  capture_output=True,
                                  timeout=60)
            bad = intruders(done.stdout + done.stderr, plain=True)
            assert not bad, (args, bad[:5])
        with open(log, "rb") as f:
            bad = intruders(f.read(), plain=True)
        assert not bad, bad[:5]


def test_tricks_in_bye_and_refused_login():
    for last in (b"* BYE " + b" ".join(TRICKS), b"* BAD " + TRICKS[0]):
        def refuse(s, line):
            s.raw(last + b"\r\n" + s.tag.encode() + b" NO [AUTHENTICATIONFAILED] " + b" ".join(TRICKS) + b"\r\n")
            return True
        with Imap(on={"AUTHENTICATE": refuse, "LOGIN": refuse}) as server, Home() as home:
            home.account(server.port)
            for args in (["check"], ["sync"]):
                done = subprocess.run([PROGRAM, *args], env=dict(os.environ, **home.env()),
                                      capture_output=True, timeout=60)
                assert done.returncode != 0
                bad = intruders(done.stdout + done.stderr, plain=True)
                assert not bad, (args, bad[:5])


def test_tricks_in_the_mailrc_and_on_the_command_line():
    """What is wrong in a mailrc is told without its bytes acting."""
    with Home() as home:
        with open(home.rc, "wb") as f:
            for t in TRICKS:
                f.write(b"[account " + t + b"]\n" + t + b" = " + t + b"\nreceive = imaps://" + t + b"@" + t
                        + b"\nfrom = " + t + b"\n[keys index]\n" + t + b" = " + t + b"\n[colors]\n" + t + b" = "
                        + t + b"\n[" + t + b"]\n")
        for args in (["check"], ["sync"], ["check", TRICKS[0]], [TRICKS[1]], ["-F", TRICKS[0]],
                     ["show", TRICKS[2]],
                     ["-f", TRICKS[3], "-d", b"/nonexistent/" + TRICKS[2]]):
            done = subprocess.run([PROGRAM, *args], env=dict(os.environ, **home.env()),
                                  capture_output=True,
                                  timeout=60)
            assert done.returncode not in (0, 99, -11), (args, done)
            bad = intruders(done.stdout + done.stderr, plain=True)
            assert not bad, (args, bad[:5])
        t = watched(home)
        t.settle(0.5, 5)
        os.write(t.fd, b"q")
        t.settle(0.2)
        os.write(t.fd, b"Q")
        t.settle(0.5, 3)
        bad = intruders(bytes(t.all))
        t.kill()
        assert not bad, bad[:5]


def corpus_messages():
    if not os.path.isdir(CORPUS):
        raise Skip("no corpus")
    skip = ("imap-transcripts", "pop3-transcripts", "smtp-transcripts", "protocol-attacks",
            "LICENSES",
            "libetpan-crashes/imap")
    for path in sorted(glob.glob(os.path.join(CORPUS, "**", "*"), recursive=True)):
        rel = os.path.relpath(path, CORPUS)
        if os.path.isfile(path) and not rel.startswith(skip) and not rel.endswith((".tsv", ".md",
            ".jsonl")):
            yield path


def corpus_mbox(path, every):
    """Each so many-th file of the corpus as one message of an mbox; returns how many."""
    n = 0
    with open(path, "wb") as out:
        for name in list(corpus_messages())[::every]:
            with open(name, "rb") as f:
                text = f.read()
            if text.startswith(b"From "):       # a mailbox of its own: its first line is not a header
                text = text.partition(b"\n")[2]
            text = re.sub(rb"(?m)^(>*From )", rb">\1", text)
            out.write(b"From nobody Thu Jan  1 00:00:00 2026\nX-Number: %d\n" % n + text + b"\n\n")
            n += 1
    return n


def test_every_message_of_the_corpus_in_the_pager():
    """J through it: nothing but what ncurses makes is written. A fifth of it; CORPUS_EVERY=1: all."""
    with Home() as home:
        n = corpus_mbox(home.path("corpus"), int(os.environ.get("CORPUS_EVERY", "5")))
        t = watched(home, "-R", "-f", home.path("corpus"))
        t.wait("local", 60)
        t.settle(2)
        os.write(t.fd, b"gg\r")
        t.settle(0.5)
        n_changed = 0
        for _ in range(n - 1):
            before = len(t.all)
            os.write(t.fd, b"J")
            t.read(3)                           # its header, or all of it
            t.settle(0.08, 5)
            n_changed += len(t.all) - before > 300
        print(f"{n} messages, {len(t.all) / 1e6:.1f} MB written, {n_changed} of them changed much")
        assert n_changed > n * 0.8, n_changed
        bad = intruders(bytes(t.all))
        assert not bad, (len(bad), bad[:8])
        quits(t, 3)


def sync_against(server, seconds, *, release=True, args=("sync",)):
    """`dunlin sync` ends by itself within the time; its exit code, words and peak memory."""
    with Home() as home:
        home.account(server.port)
        program = RELEASE if release else PROGRAM
        script = f"import resource,subprocess,sys; r = subprocess.run({[program, *args]!r}, timeout={seconds}); " \
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, r.returncode)"
        done = subprocess.run(["python3", "-c", script], env=dict(os.environ, **home.env()),
                              capture_output=True,
                              timeout=seconds + 20)
        assert not intruders(done.stdout + done.stderr, plain=True), done
        assert done.returncode == 0, done.stderr[-2000:]
        peak, code = done.stdout.split()[-2:]
        return int(code), done.stderr.decode(), int(peak), home


def test_lies_about_numbers():
    """EXISTS of 2^32-1, UIDs 0 and 2^32, repeated UIDs, answers nobody asked for: ended, told, bounded."""
    def exists(n):
        def hook(s, line):
            s.say(f"* {n} EXISTS")
            s.say("* OK [UIDVALIDITY 7] valid")
            s.say(f"* OK [UIDNEXT {n}] next")
            s.say(f"{s.tag} OK [READ-WRITE] selected")
            return True
        return hook

    def uids(values):
        def hook(s, line):
            for v in values:
                s.say(f'* 1 FETCH (UID {v} FLAGS () INTERNALDATE "01-Jan-2026 00:00:00 +0000" RFC822.SIZE '
                      f'{v} BODY[HEADER.FIELDS (SUBJECT)] "Subject: x")')
            s.say(f"{s.tag} OK done")
            return True
        return hook
    mails = [mail(f"number {i}", n=i) for i in range(1, 4)]
    for on in ({"SELECT": exists(4294967295)}, {"SELECT": exists(4294967296)},
               {"SELECT": exists("99999999999999999999")},
               {"SELECT": exists(-1)},
               {"FETCH": uids([0, 0, 4294967295, 4294967296, 18446744073709551616, -1, "x"])},
               {"FETCH": uids([1] * 5000)}, {"FETCH": uids(range(1, 5000))},
               {"SEARCH": endless(b"* SEARCH 1\r\n")}):
        on = dict(on)
        with Imap(mails, on=on) as server:
            code, text, peak, _ = sync_against(server, 100)
            assert code in (0, 1, 75), (on, code, text)
            assert peak < 100 * 1024, (on, peak)


def test_body_of_another_message_is_not_kept():
    """What is answered for a UID that nobody asked for is shown neither for this message nor for that."""
    def fetch(s, line):
        if "BODY.PEEK[]" not in line and "BODY.PEEK[TEXT" not in line and "BODY.PEEK[1" not in line:
            return False
        other = mail("number 2", body=b"FORGED\r\n", n=2)
        s.raw(b"* 2 FETCH (UID 2 BODY[]<0> {%d}\r\n%b)\r\n" % (len(other), other))
        s.raw(b"* 2 FETCH (BODY[]<0> {%d}\r\n%b UID 2)\r\n" % (len(other), other))
        s.say(f"{s.tag} OK done")
        return True
    with Imap([mail(f"number {i}", n=i) for i in range(1, 4)],
              on={"FETCH": fetch}) as server, Home() as home:
        home.account(server.port)
        t = watched(home)
        t.wait("number 3")
        t.settle(0.5)
        for keys in b"gg\r", b"J", b"J":
            os.write(t.fd, keys)
            t.settle(0.6, 4)
        assert b"FORGED" not in t.all
        quits(t)
        for path in tree(home.path("cache")):
            if os.path.isfile(path):
                with open(path, "rb") as f:
                    assert b"FORGED" not in f.read(), path


def test_folder_names_stay_names():
    """../, ten kilobytes, escapes, names that differ by case or normalisation: each one folder, no path."""
    names = [b"../../../../tmp/dunlin-was-here", b"/etc/passwd", b"..", b".", b"a/../../b",
             b"x" * 10000, b"Name", b"name",
             "é".encode(), "e\u0301".encode(), b"&AOk-", b"inbox", b"Inbox", b"-rf",
             b"$(touch x)", b"%s%n%n", b"",
             b"nul\0nul", b"line\r\nend", b"*", b"&", b"&&&", b"&invalid-",
             b"'; DROP TABLE folder; --"]
    with Imap([mail("number 1")], names) as server, Home() as home:
        home.account(server.port)
        before = set(os.listdir("/tmp"))
        t = watched(home)
        t.wait("number 1")
        t.settle(0.5)
        os.write(t.fd, b"y")
        for _ in range(len(names) + 2):
            os.write(t.fd, b"j\r")
            t.settle(0.1, 1)
            os.write(t.fd, b"y")
            t.settle(0.1, 1)
        quits(t, 2)
        assert not intruders(bytes(t.all))
        assert not [n for n in set(os.listdir("/tmp")) - before if "was-here" in n]
        for top in "data", "cache":
            for path in tree(home.path(top)):
                assert re.fullmatch(r"[A-Za-z0-9._-]+", os.path.basename(path)), path
        asked = [c for c in server.commands if "\r" in c or "\n" in c or "\0" in c]
        assert not asked, asked


def test_hundred_thousand_folders():
    def folders(s, line):
        s.raw(b"".join(b'* LIST () "/" "f%d/Trash"\r\n' % i for i in range(100000)))
        s.say(f"{s.tag} OK done")
        return True
    with Imap([mail("number 1")], on={"LIST": folders}) as server, Home() as home:
        home.account(server.port)
        t = Watched([RELEASE], env=home.env())
        t.wait("number 1")
        times = []
        end = time.monotonic() + 6
        while time.monotonic() < end:
            for key in "?", "q", "y", "?", "q", "q", "F":
                times.append(t.time_key(key))
                t.settle(0.1, 1)        # else two keys at once may cancel each other out
        peak = t.peak_kb()
        print(f"worst key {max(times) * 1000:.0f} ms of {len(times)}, {peak // 1024} MB")
        assert max(times) < 1 and sorted(times)[int(len(times) * 0.9)] < 0.25, sorted(times)[-8:]
        assert peak < 200 * 1024, peak
        os.write(t.fd, b"Q")
        t.join(2)


def test_subscriptions_of_strangers():
    """Twenty thousand folders, and LSUB without end of others: ended in the time that the bytes take."""
    def folders(s, line):
        s.raw(b"".join(b'* LIST () "/" "f%07d"\r\n' % i for i in range(20000)))
        s.say(f"{s.tag} OK done")
        return True
    others = b"".join(b'* LSUB () "/" "f%07dx"\r\n' % i for i in range(1000))
    with Imap([mail("number 1")], on={"LIST": folders, "LSUB": endless(others)}) as server:
        code, _, peak, _ = sync_against(server, 60)
        assert code == 75 and peak < 100 * 1024, (code, peak)


def test_rebuilt_and_emptied_mailboxes():
    """Another UIDVALIDITY at every SELECT, then an empty mailbox: nothing asked to be deleted, all bounded."""
    with Imap([mail(f"number {i}", n=i) for i in range(1, 30)]) as server, Home() as home:
        home.account(server.port)

        def select(s, line):
            server.uidvalidity += 1
        server.on["SELECT"] = select
        for _ in range(6):
            done = home.run("sync")
            assert done.returncode in (0, 1), done
        server.on.clear()
        server.mails = []
        home.run("sync")
        sent = " ".join(server.commands).upper()
        for verb in "STORE", "EXPUNGE", "MOVE", "DELETE", "APPEND", "CREATE":
            assert f" {verb} " not in sent, verb
        size = sum(os.path.getsize(p) for p in tree(home.path("data")) if os.path.isfile(p))
        assert size < 4 << 20, size


def test_structure_a_hundred_thousand_deep():
    def fetch(s, line):
        if "BODYSTRUCTURE" not in line:
            return False
        s.raw(b"* 1 FETCH (UID 1 BODYSTRUCTURE " + b"(" * 100000 + b'"TEXT" "PLAIN" NIL NIL NIL "7BIT" 1 1'
              + b' "MIXED")' * 100000 + b")\r\n")
        s.say(f"{s.tag} OK done")
        return True
    mails = [mail("number 1", body=b"long " * 20000 + b"\r\n", n=1),
             mail("number 2", body=b"short words\r\n", n=2)]
    with Imap(mails, on={"FETCH": fetch}) as server, Home() as home:
        home.account(server.port)
        t = watched(home)
        t.wait("number 2")
        os.write(t.fd, b"G\r")
        t.settle(1, 4)
        os.write(t.fd, b"q")
        t.settle(0.3)
        os.write(t.fd, b"gg\r")
        t.wait("short words")                   # the others stay usable
        quits(t)


def test_header_of_many_megabytes():
    """Opened, and all of its fields asked for: memory stays that of a short one, the other mails readable."""
    with Home() as home:
        with open(home.path("mbox"), "wb") as f:
            f.write(b"From a Thu Jan  1 00:00:00 2026\n" + mail("sane", n=1).replace(b"\r\n", b"\n") + b"\n"
                    b"From a Fri Jan  2 00:00:00 2026\nDate: Fri, 2 Jan 2026 00:00:00 +0000\nSubject: endless\n")
            for _ in range(200):
                f.write((b"X-A: " + b"a" * 995 + b"\n") * 1000)
            f.write(b"\nbehind it\n\n")
        t = Watched([RELEASE, "-R", "-f", home.path("mbox")], env=home.env())
        t.wait("endless")
        os.write(t.fd, b"gg\r")
        t.wait("behind it", 60)
        os.write(t.fd, b"h")
        t.wait("X-A")
        os.write(t.fd, b"J")
        t.wait("words")
        peak = t.peak_kb()
        print(f"{peak // 1024} MB")
        assert peak < 120 * 1024, peak
        quits(t)


def test_refused_body_is_not_resent():
    """b of a message whose body the server refuses: told, and the program goes on."""
    def fetch(s, line):
        if "BODY.PEEK[]" in line:
            s.say(f"{s.tag} NO not today")
            return True
    with Imap([mail("number 1")], on={"FETCH": fetch}) as server, Home() as home:
        home.account(server.port)
        t = watched(home)
        t.wait("number 1")
        os.write(t.fd, b"b")
        t.wait("Bounce to:")
        os.write(t.fd, b"bob@example.net\r")
        t.wait("(y/N)")
        os.write(t.fd, b"y")
        t.wait("not today")
        quits(t, 3)


def test_security_page_names_tests_that_are():
    """Each test that doc/security.md relies on exists under that name, and each requirement has one."""
    names = set()
    for path in glob.glob(os.path.join(ROOT, "tests", "*", "test_*")):
        if os.path.isfile(path):
            with open(path) as f:
                names |= set(re.findall(r"^(?:def )?test_(\w+)\(", f.read(), re.M))
    with open(os.path.join(ROOT, "doc", "security.md")) as f:
        rows = [line.split(" | ") for line in f if re.match(r"\| \d+ \|", line)]
    assert len(rows) == 25
    for row in rows:
        tests = re.findall(r"`(\w+)`", row[3])
        assert tests and not [t for t in tests if t not in names], (row[0], tests)


def test_referrals_are_not_followed():
    """A login refused with a REFERRAL, an ALERT that asks for something: nobody else is connected to."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0.1)
        port = other.getsockname()[1]

        def refuse(s, line):
            s.say(f"* OK [ALERT] please log in at imap://127.0.0.1:{port}/")
            s.say(f"{s.tag} NO [REFERRAL imap://ada;AUTH=*@127.0.0.1:{port}/] go there")
            return True
        for verb in "AUTHENTICATE", "SELECT", "LIST":
            with Imap([mail("number 1")], on={verb: refuse}) as server, Home() as home:
                home.account(server.port)
                home.run("check")
                home.run("sync")
                try:
                    other.accept()
                    raise AssertionError(f"{verb}: connected elsewhere")
                except TimeoutError:
                    pass


def test_transcripts_that_crashed_others():
    """Recorded hostile answers, to the whole program: it ends, says so, and no sanitizer speaks."""
    files = sorted(glob.glob(os.path.join(CORPUS, "libetpan-crashes", "imap-crash-*")))
    if not files:
        raise Skip("no corpus")
    for path in files:
        with open(path, "rb") as f:
            text = f.read()
        state = {}

        def play(s, line):
            left = state.setdefault(id(s), [text])
            s.raw(left[0][:65536])
            left[0] = left[0][65536:]
            s.say(f"{s.tag} OK done")
            return True
        with Imap([mail("number 1")],
                  on={v: play for v in ("LIST", "SELECT", "FETCH", "NOOP", "SEARCH", "STATUS")}) \
                as server, Home() as home:
            home.account(server.port)
            done = home.run("sync", timeout=60)
            assert done.returncode in (0, 1, 75), (path, done)
            assert not intruders((done.stdout + done.stderr).encode(), plain=True), path


def test_two_at_once():
    """Two programs on one store, killed in the middle: those that follow find every message, once."""
    with Imap([mail(f"number {i}", n=i) for i in range(1, 200)]) as server, Home() as home:
        home.account(server.port)
        for delay in 0.02, 0.1, 0.3, 1.0:
            two = [subprocess.Popen([PROGRAM, "sync"], env=dict(os.environ, **home.env()),
                                    stderr=subprocess.PIPE,
                                    stdout=subprocess.DEVNULL) for _ in range(2)]
            time.sleep(delay)
            for p in two:
                p.kill()
                p.communicate()
        two = [subprocess.Popen([PROGRAM, "sync"], env=dict(os.environ, **home.env()),
                                stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE) for _ in range(2)]
        for p in two:
            out = p.communicate(timeout=60)
            assert p.returncode == 0, out
        db = home.path("cache", "dunlin", "index.db")
        n, n_ids = sqlite3.connect(db).execute("SELECT count(*), count(DISTINCT id & 4294967295) FROM msg").fetchone()
        assert n == n_ids == 199, (n, n_ids)


def test_signals_end_batch_commands():
    """SIGINT and SIGTERM end a sync that hangs within a second, with a code that tells so."""
    for sig in signal.SIGINT, signal.SIGTERM:
        with Imap([mail("number 1")],
                  on={"SELECT": lambda s, line: time.sleep(30)}) as server, Home() as home:
            home.account(server.port)
            p = subprocess.Popen([RELEASE, "sync"], env=dict(os.environ, **home.env()),
                                 stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
            end = time.monotonic() + 10
            while not any("SELECT" in c for c in server.commands) and time.monotonic() < end:
                time.sleep(0.02)
            start = time.monotonic()
            p.send_signal(sig)
            p.communicate(timeout=10)
            assert time.monotonic() - start < 1.1 and p.returncode != 0, (time.monotonic() - start, p.returncode)
