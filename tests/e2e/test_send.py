"""What is sent arrives once, as it was meant, and the outbox never claims what it does not know."""
import email
import email.policy
import os
import random
import signal
import sqlite3
import subprocess
import time

from rig import postfix
from rig.dovecot import PASSWORD, Dovecot
from rig.home import PROGRAM, Home
from rig.proxy import Proxy
from rig.run import long, Skip

QUEUED, SENDING, SENT, UNSURE, REFUSED = range(5)
BOB = "bob@example.net"


def chain(**kw):
    if not postfix.available():
        raise Skip("needs Postfix, and root to start it")
    d = Dovecot()
    d.start()
    return d, postfix.Postfix(d, **kw).start()


def account(home, d, url, more="", password=PASSWORD):
    home.write_rc(f"[account work]\nfrom = Ada Example <ada@example.org>\n"
                  f"receive = imap+insecure://ada@127.0.0.1:{d.ports['imap']}\n"
                  f"send = {url}\npassword-command = echo {PASSWORD}\n"
                  f"send-password-command = echo {password}\n{more}\n")


def plain_url(port):
    return f"smtp+insecure://ada@127.0.0.1:{port}"


def outbox(home):
    """[(subject, state)] in the order they were put in; opened to write, as a crash may have left a log behind."""
    db = sqlite3.connect(home.path("data/dunlin/dunlin.db"))
    try:
        return db.execute("SELECT subject, state FROM outbox ORDER BY id").fetchall()
    except sqlite3.OperationalError:
        return []                               # killed before there was a table
    finally:
        db.close()


def mails(d, folder="INBOX", user=BOB):
    """Every message of a folder, whole."""
    c = d.imap(user)
    try:
        typ, data = c.select(f'"{folder}"', readonly=True)
        if typ != "OK" or int(data[0]) == 0:
            return []
        _, data = c.fetch("1:*", "(BODY.PEEK[])")
        return [email.message_from_bytes(i[1], policy=email.policy.default)
                for i in data if isinstance(i, tuple)]
    finally:
        c.logout()


def subjects(d, folder="INBOX", user=BOB):
    return [m["Subject"] for m in mails(d, folder, user)]


def test_send_arrives_as_meant():
    """Over each way in: header, text and attachments come back equal, and nothing tells of Bcc."""
    d, p = chain()
    with p, Home() as home:
        blob = bytes(range(256)) * 400 + b"\r.\r\n\n.\n\r\n.\r\n"
        names = ["Übersicht für 2026.bin", "two words; \"quoted\".txt", "日本語" * 12 + ".dat"]
        for n in names:
            with open(home.path(n), "wb") as f:
                f.write(blob)
        text = "Liebe Grüße,\n.\n..\nFrom me\n" + "x" * 3000 + "\n\ttab \nend"
        subject = "Größe – " + "日本語 " * 40 + "end"
        urls = [(plain_url(p.ports["plain"]), ""),
                (f"smtp://ada@localhost:{p.ports['starttls']}", f"ca-file = {p.ca}"),
                (f"smtps://ada@localhost:{p.ports['tls']}", f"ca-file = {p.ca}")]
        for url, more in urls:
            account(home, d, url, more)
            r = home.run("-s", subject, "-c", "Åsa Öberg <asa@example.net>", "-b", "eve@example.net",
                         "-a", *[home.path(n) for n in names], "--", f"Bob <{BOB}>", stdin=text)
            assert r.returncode == 0 and r.stderr == "", r
        p.drained()
        for user in (BOB, "asa@example.net", "eve@example.net"):
            got = mails(d, user=user)
            assert len(got) == len(urls), (user, len(got))
            for m in got:
                assert not m.defects and not any(part.defects for part in m.walk()), m.defects
                assert all(not v.defects for _, v in m.items()), [v.defects for _, v in m.items()]
                assert m["Subject"] == subject
                assert m["From"].addresses[0].addr_spec == "ada@example.org"
                assert m["Cc"].addresses[0].display_name == "Åsa Öberg"
                told = [v for k, v in m.items() if k not in ("Delivered-To", "Received", "Return-Path")]
                assert not any("eve" in v for v in told), told
                assert "Bcc" not in m
                body = m.get_body(("plain",)).get_content().replace("\r\n", "\n")
                assert body.rstrip("\n") == text.rstrip("\n"), body
                files = list(m.iter_attachments())
                assert [f.get_payload(decode=True) for f in files] == [blob] * 3
                assert [f.get_filename() for f in files][:2] == names[:2]
        assert [m["Subject"] for m in mails(d, "Sent", "ada")] == [subject] * 3
        ids = [m["Message-ID"] for m in mails(d)]
        assert len(set(ids)) == 3 and all(i.endswith("@example.org>") for i in ids)
        assert [s for _, s in outbox(home)] == [SENT] * 3
        with open("/etc/hostname") as f:
            machine = f.read().strip()
        assert machine not in mails(d)[0]["Received"].split("by")[0]
    d.stop()


def test_send_program_message():
    """The sendmail form: recipients from the header, line ends repaired, nothing smuggled behind a bare LF dot."""
    d, p = chain()
    with p, Home() as home:
        account(home, d, plain_url(p.ports["plain"]))
        msg = f"To: {BOB}\nBcc: eve@example.net\nSubject: Grüße\n\nfirst\n.\nMAIL FROM:<x@y>\n" \
              "\r.\rRCPT TO:<z@y>\r\n.\nlast\n"
        r = subprocess.run([PROGRAM, "send", "-t", "-i"], env=dict(os.environ, **home.env()),
                           input=msg.encode(), capture_output=True)
        assert r.returncode == 0, r
        p.drained()
        for user in (BOB, "eve@example.net"):
            (m,) = mails(d, user=user)
            assert m["Subject"] == "Grüße" and "Bcc" not in m
            assert m["From"].addresses[0].addr_spec == "ada@example.org"
            assert m.get_content().splitlines() == ["first", ".", "MAIL FROM:<x@y>", "", ".",
                                                    "RCPT TO:<z@y>", ".", "last"]
    d.stop()


def test_send_to_those_named():
    """As sendmail: with addresses behind it the message goes to these and nobody else, with -t to those in its header too;
    -f chooses the account, and what is no option of sendmail is refused."""
    d, p = chain()
    with p, Home() as home:
        account(home, d, plain_url(p.ports["plain"]), "copy = no\nidentities = Lady <lady@example.org>")

        def send(*args, subject):
            r = subprocess.run([PROGRAM, "send", *args], env=dict(os.environ, **home.env()), capture_output=True,
                               text=True, input=f"From: lady@example.org\nTo: {BOB}\nCc: carol@example.net\n"
                               f"Subject: {subject}\n\nx\n")
            return r.returncode, r.stderr
        assert send("-i", "eve@example.net", subject="named") == (0, "")
        assert send("-oem", "-oi", "-F", "Ada", "-f", "ada@example.org", "--", BOB, "Eve <eve@example.net>",
                    subject="two") == (0, "")
        assert send("-t", "-flady@example.org", "eve@example.net", subject="both") == (0, "")
        assert send(subject="header") == (0, "")
        for args in (("-q",), ("-bs",), ("-f",), ("not an address",)):
            code, words = send(*args, subject="wrong")
            assert code in (64, 65) and words, (args, code, words)
        p.drained()
        assert sorted(subjects(d)) == ["both", "header", "two"]
        assert sorted(subjects(d, user="carol@example.net")) == ["both", "header"]
        assert sorted(subjects(d, user="eve@example.net")) == ["both", "named", "two"]
        assert [s for _, s in outbox(home)] == [SENT] * 4
    d.stop()


@long
def test_send_exit_codes():
    """Who refused what is told in the server's words and in the exit code, and what is kept goes out later."""
    d, p = chain(refused=["no@example.net"], deferred=["later@example.net"], size_limit=200_000)
    with p, Home() as home, Proxy(p.ports["plain"]) as proxy:
        account(home, d, plain_url(proxy.port))

        def send(*args, stdin="x\n"):
            r = home.run("-s", *args, stdin=stdin)
            return r.returncode, r.stderr
        code, words = send("all refused", "no@example.net")
        assert code == 69 and "550 5.1.1" in words and "no such user" in words, (code, words)
        code, words = send("some refused", "no@example.net", BOB)
        assert code == 67 and "no@example.net: there is no such mailbox: 550 5.1.1" in words, (code, words)
        code, words = send("some later", "later@example.net", BOB)
        assert code == 75 and "come back later" in words, (code, words)
        code, words = send("too large", BOB, stdin="x" * 300_000)
        assert code == 69 and "at most" in words, (code, words)
        assert send("no address", "bob")[0] == 65
        assert send("two\nlines", BOB)[0] == 65
        assert send("no file", "-a", "/nonexistent", "--", BOB)[0] == 66
        assert send("nobody")[0] == 64
        assert home.run("send", stdin="no header").returncode == 65
        proxy.refuse = True
        code, words = send("offline", BOB)
        assert code == 75 and "kept in the outbox" in words, (code, words)
        proxy.refuse = False
        account(home, d, plain_url(proxy.port), password="wrong")
        code, words = send("wrong password", BOB)
        assert code == 75 and "login" in words and "wrong" not in words.replace("wrong password", ""), words
        account(home, d, plain_url(proxy.port))
        r = home.run("sync")
        assert r.returncode == 1 and "need you" in r.stdout, r      # the refused ones
        p.drained()
        assert sorted(subjects(d)) == ["offline", "some later", "some refused", "wrong password"]
        assert sorted(subjects(d, "Sent", "ada")) == sorted(subjects(d))
        assert dict(outbox(home)) == {"all refused": REFUSED, "some refused": SENT, "some later": QUEUED,
                                      "too large": REFUSED, "offline": SENT, "wrong password": SENT}
        home.write_rc("[account work]\nfrom = ada@example.org\nreceive = imap+insecure://ada@127.0.0.1:1\n")
        assert send("no server", BOB)[0] == 78
    d.stop()


def test_send_reports():
    """With dsn = success the server on the way reports, naming our Message-ID and only the header; with never, or
    without a word, it says nothing of a mail that arrived."""
    d, p = chain()
    with p, Home() as home:
        for subject, more in (("reported", "dsn = success, failure"), ("quiet", "dsn = never"), ("usual", "")):
            account(home, d, plain_url(p.ports["plain"]), more)
            assert home.run("-s", subject, BOB, stdin="the secret text\n").returncode == 0
        p.drained()
        assert len(mails(d, user="ada@example.org")) == 1, p.log()
        (report,) = mails(d, user="ada@example.org")
        assert report.get_content_type() == "multipart/report", report
        (sent,) = [m for m in mails(d) if m["Subject"] == "reported"]
        text = report.as_string()
        assert "Original-Envelope-Id: " + sent["Message-ID"].strip("<>") in text, text
        assert "Subject: reported" in text and "the secret text" not in text, text
        assert len(mails(d)) == 3
    d.stop()


SENDMAIL = """#!/usr/bin/python3
import smtplib, sys
args, text = sys.argv[1:], sys.stdin.buffer.read()
assert args[:3] == ["-i", "-f", "ada@example.org"] and args[3] == "--" and b"\\r" not in text, args
with smtplib.SMTP("127.0.0.1", PORT) as s:
    s.login("ada", "PASSWORD")
    try:
        s.sendmail("ada@example.org", args[4:], text.replace(b"\\n", b"\\r\\n"))
    except smtplib.SMTPRecipientsRefused as e:
        code, words = next(iter(e.recipients.values()))
        print(code, words.decode(), file=sys.stderr)
        sys.exit(75 if code < 500 else 69)
"""


def test_send_by_a_command():
    """sendmail = command: it arrives as over SMTP, its exit code is the outcome, killed it is unsure, and `check` tells
    of a command that is not there."""
    d, p = chain(refused=["no@example.net"], deferred=["wait@example.net"])
    with p, Home() as home:
        script = home.path("my sendmail")
        with open(script, "w") as f:
            f.write(SENDMAIL.replace("PORT", str(p.ports["plain"])).replace("PASSWORD", PASSWORD))
        os.chmod(script, 0o755)

        def use(command):
            home.write_rc(f"[account work]\nfrom = Ada Example <ada@example.org>\nsendmail = {command}\n"
                          f"receive = imap+insecure://ada@127.0.0.1:{d.ports['imap']}\n"
                          f"password-command = echo {PASSWORD}\n")

        def send(subject, *to):
            r = home.run("-s", subject, "-c", '"a;touch x\\"$(touch y)"@example.net', "--", *to, stdin=".\ntext\n")
            return r.returncode, r.stderr
        use(f"\"'{script}'\"")
        got = send("by command", BOB)
        assert got == (0, ""), got
        code, words = send("refused", "no@example.net")
        assert code == 0, (code, words)             # one of two; the script's word counts
        r = home.run("-s", "all refused", "no@example.net", stdin="x\n")
        assert r.returncode == 69 and "no@example.net: there is no such mailbox: 550 5.1.1" in r.stderr and "no such user - sendmail" in r.stderr, r
        r = home.run("-s", "waits", "wait@example.net", stdin="x\n")
        assert r.returncode == 75 and "come back later" in r.stderr, r
        use("kill -9 $$;")
        r = home.run("-s", "killed", BOB, stdin="x\n")
        assert r.returncode == 74 and "may have been sent" in r.stderr, r
        use("/nonexistent/sendmail -v")
        r = home.run("-s", "no program", BOB, stdin="x\n")
        assert r.returncode == 75 and "/nonexistent/sendmail" in r.stderr, r
        r = home.run("check")
        assert r.returncode == 1 and "'sendmail' in the mailrc" in r.stdout, r
        use(f"\"'{script}'\"")
        r = home.run("check")
        assert r.returncode == 0 and "by the command" in r.stdout, r
        r = home.run("sync")
        assert r.returncode == 1, r
        p.drained()
        assert sorted(subjects(d)) == ["by command", "no program"]
        assert sorted(subjects(d, "Sent", "ada")) == ["by command", "no program", "refused"]
        got = mails(d)[0]
        assert got.get_content().splitlines() == [".", "text"], got.as_bytes()[-80:]
        assert dict(outbox(home)) == {"by command": SENT, "refused": SENT, "all refused": REFUSED, "waits": QUEUED,
                                      "killed": UNSURE, "no program": SENT}
        assert not os.path.exists("x") and not os.path.exists("y")
    d.stop()


def census(home, d, p, sent):
    """`sent`: subjects given to the program. What the outbox says is what arrived; what it queued arrives once."""
    home.run("sync")                            # finds out what a crash left
    p.drained()
    states = {}
    for subject, state in outbox(home):
        assert subject not in states
        states[subject] = state
    got = subjects(d)
    assert len(got) == len(set(got)), sorted(s for s in got if got.count(s) > 1)
    assert QUEUED not in states.values() and SENDING not in states.values(), states
    for s in sent:
        assert s in states or s not in got, s   # not in the outbox: killed before it was kept
        if states.get(s) == SENT:
            assert s in got, s
    n_unsure = list(states.values()).count(UNSURE)
    n_wrongly = sum(state == UNSURE and s not in got for s, state in states.items())
    return states, n_unsure, n_wrongly


@long
def test_send_cut_at_any_byte():
    """The server's side of the session is cut after k bytes: none is lost, none comes twice, and unsure is only what was
    cut behind the final dot."""
    d, p = chain()
    with p, Home() as home, Proxy(p.ports["plain"]) as proxy:
        account(home, d, plain_url(proxy.port), "copy = no\nauth = plain")
        assert home.run("-s", "measure", BOB, stdin="x\n").returncode == 0
        total = proxy.n_down
        bye = len("221 2.0.0 Bye\r\n")
        last = len("250 2.0.0 Ok: queued as 0123456789A\r\n")
        cuts = sorted({*range(0, total - bye - last - 60, 23), *range(total - bye - last - 60, total - bye, 4)})
        codes = {}
        for k in cuts:
            proxy.n_down, proxy.cut_after = 0, k
            codes[k] = home.run("-s", f"cut-{k}", BOB, stdin=f"{k}\n").returncode
        proxy.cut_after = None
        states, n_unsure, _ = census(home, d, p, ["measure"] + [f"cut-{k}" for k in cuts])
        assert len(states) == len(cuts) + 1, "something was lost"
        for k in cuts:
            is_behind = k >= total - bye - last - 2
            if codes[k] == 74:
                assert states[f"cut-{k}"] == UNSURE and is_behind, (k, total)
            else:
                assert codes[k] in (0, 75) and states[f"cut-{k}"] == SENT, (k, codes[k])
        assert n_unsure > 0
        print(f"{len(cuts)} cuts in {total} bytes: {n_unsure} unsure, none lost, none twice")
    d.stop()


@long
def test_send_killed_at_any_moment():
    """kill -9 while it sends, then a sync: what was kept arrives once, or is told to be unsure."""
    d, p = chain()
    rnd = random.Random(4)
    with p, Home() as home, Proxy(p.ports["plain"], delay=0.01) as proxy:
        account(home, d, plain_url(proxy.port))
        env = dict(os.environ, **home.env())
        begin = time.monotonic()
        assert home.run("-s", "measure", BOB, stdin="x\n").returncode == 0
        length = time.monotonic() - begin
        sent = [f"kill-{i}" for i in range(40)]
        for s in sent:
            child = subprocess.Popen([PROGRAM, "-s", s, BOB], stdin=subprocess.PIPE, env=env,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            child.stdin.write(b"text\n")
            child.stdin.close()
            time.sleep(rnd.random() * length)
            child.send_signal(signal.SIGKILL)
            child.wait()
        states, n_unsure, n_wrongly = census(home, d, p, sent)
        home.run("sync")
        copies = subjects(d, "Sent", "ada")
        assert len(copies) == len(set(copies)), "a copy was made twice"
        assert sorted(copies) == sorted(s for s, state in states.items() if state == SENT)
        print(f"40 kills: {len(states) - 1} kept, {n_unsure} unsure of which {n_wrongly} did not arrive")
    d.stop()


def test_send_two_at_once():
    """Several processes carry out the same outbox at once: each message goes out once."""
    d, p = chain()
    with p, Home() as home, Proxy(p.ports["plain"], delay=0.005) as proxy:
        account(home, d, plain_url(proxy.port))
        proxy.refuse = True
        sent = [f"both-{i}" for i in range(12)]
        for s in sent:
            assert home.run("-s", s, BOB, stdin="x\n").returncode == 75
        proxy.refuse = False
        env = dict(os.environ, **home.env())
        syncs = [subprocess.Popen([PROGRAM, "sync"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                 for _ in range(4)]
        for s in syncs:
            out, err = s.communicate(timeout=60)
            assert s.returncode in (0, 75), (out, err)
        assert home.run("sync").returncode == 0
        p.drained()
        assert sorted(subjects(d)) == sorted(sent)
        assert sorted(subjects(d, "Sent", "ada")) == sorted(sent)
    d.stop()


def test_send_from_a_local_account():
    """The copy of an account of mbox files goes into its own Sent, and `check` tries the server for sending."""
    d, p = chain()
    with p, Home() as home:
        home.write_rc(f"[account home]\nfrom = ada@example.org\nreceive = mbox:{home.path('mail')}\n"
                      f"send = smtps://ada@localhost:{p.ports['tls']}\nca-file = {p.ca}\n"
                      f"password-command = echo {PASSWORD}\n")
        r = home.run("check")
        assert r.returncode == 0 and "send" in r.stdout and "login by" in r.stdout, r
        assert PASSWORD not in r.stdout
        assert home.run("-s", "kept here", BOB, stdin="From me\n").returncode == 0
        p.drained()
        assert subjects(d) == ["kept here"]
        with open(home.path("mail/Sent")) as f:
            text = f.read()
        assert text.count("Subject: kept here") == 1 and "\nStatus: " in text, text
        home.write_rc(f"[account home]\nfrom = ada@example.org\nreceive = mbox:{home.path('mail')}\n"
                      f"send = smtps://ada@localhost:{p.ports['tls']}\npassword-command = echo x\n")
        r = home.run("check")
        assert r.returncode == 1 and "send" in r.stdout, r
        r = home.run("-s", "untrusted", BOB, stdin="x\n")
        assert r.returncode == 75 and "certificate" in r.stderr, r
        assert subjects(d) == ["kept here"]
    d.stop()
