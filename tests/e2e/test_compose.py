"""Writing and sending from the screen, with a scripted editor, against Postfix and Dovecot: what was written
arrives, what was taken back does not, and whatever is killed, no draft is lost."""
import email
import email.policy
import email.utils
import os
import random
import signal
import sqlite3
import subprocess
import time

from rig import mails as made
from rig import postfix
from rig.dovecot import PASSWORD, Dovecot
from rig.home import PROGRAM, Home
from rig.run import Skip
from rig.waiting import until

BOB = "bob@example.net"


def raw(n, **headers):
    m = made.make(n, subject=headers.pop("subject", f"subject-{n}"), attach=headers.pop("attach", False))
    for name, value in headers.items():
        del m[name.replace("_", "-")]
        m[name.replace("_", "-")] = value
    return m.as_bytes(policy=email.policy.SMTP)


class Session:
    """A server with mail, a home whose editor is a script, and Dunlin on the inbox."""

    def __init__(self, messages, *, undo="0s", editor="", args=(), mail="", account="", files=()):
        if not postfix.available():
            raise Skip("needs Postfix, and root to start it")
        self.dovecot = Dovecot()
        self.dovecot.start()
        self.dovecot.fill(messages)
        self.postfix = postfix.Postfix(self.dovecot).start()
        self.home = Home()
        for name, text in files:
            with open(self.home.path(name), "w") as f:
                f.write(text)
        script = self.home.path("editor")
        with open(script, "w") as f:
            f.write("#!/bin/sh\n" + editor)
        os.chmod(script, 0o755)
        self.home.write_rc(
            f"[mail]\neditor = {script}\nundo-send = {undo}\n{mail}\n"
            f"[account work]\nfrom = Ada Example <ada@localhost>\n"
            f"receive = imap+insecure://ada@127.0.0.1:{self.dovecot.ports['imap']}\n"
            f"send = smtp+insecure://ada@127.0.0.1:{self.postfix.ports['plain']}\n"
            f"password-command = echo {PASSWORD}\n{account.replace('HOME', self.home.dir)}\n"
            f"[alias]\nbob = Bob Example <{BOB}>\n")
        self.start(*args)

    def start(self, *args):
        self.screen = self.home.screen(*args, cols=100, rows=30)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            print(self.screen.text())
        self.screen.close()
        self.postfix.stop()
        self.dovecot.stop()
        self.home.__exit__(kind)

    def restart(self):
        """kill -9, and the program again."""
        os.kill(self.screen.pid(), signal.SIGKILL)
        self.screen.close()
        self.start()

    def outbox(self):
        db = sqlite3.connect(self.home.path("data/dunlin/dunlin.db"))
        try:
            return [r[0] for r in db.execute("SELECT subject FROM outbox ORDER BY id")]
        finally:
            db.close()

    def drafts(self):
        d = self.home.path("data/dunlin/drafts")
        return sorted(n for n in os.listdir(d) if n.isdigit()) if os.path.isdir(d) else []

    def forwarded(self):
        c = self.dovecot.imap("ada")
        try:
            c.select("INBOX", readonly=True)
            return len(c.search(None, "KEYWORD", "$Forwarded")[1][0].split())
        finally:
            c.logout()

    def arrived(self, n=1, user=BOB, timeout=20):
        return [email.message_from_bytes(m, policy=email.policy.default)
                for m in self.arrived_raw(n, user, timeout)]

    def arrived_raw(self, n=1, user=BOB, timeout=20):
        end = time.monotonic() + timeout
        while True:
            c = self.dovecot.imap(user)
            try:
                typ, data = c.select("INBOX", readonly=True)
                found = []
                if typ == "OK" and int(data[0]) > 0:
                    _, data = c.fetch("1:*", "(BODY.PEEK[])")
                    found = [i[1] for i in data if isinstance(i, tuple)]
            finally:
                c.logout()
            if len(found) >= n or time.monotonic() > end:
                assert len(found) == n, f"{len(found)} messages arrived, not {n}"
                return found
            time.sleep(0.1)


def write(screen, to, subject):
    """From a list to the editor."""
    screen.keys("m")
    screen.wait("To:")
    screen.keys(to, "Enter")
    screen.wait("Subject:")
    screen.keys(subject, "Enter")


def text_of(m):
    return m.get_body(("plain",)).get_content().replace("\r\n", "\n")


def test_new_message_arrives():
    """An alias, a name completed, a subject in UTF-8, an attachment byte by byte; the draft goes when it is sent."""
    data = bytes(range(256)) * 40 + b"\r.\r\n..\n"
    with Session([raw(1)], editor='printf "Dear Bob,\\n.\\nsee the file\\n" > "$1"\n') as s:
        path = s.home.path("report (1).pdf")
        with open(path, "wb") as f:
            f.write(data)
        s.screen.wait("subject-1")
        s.screen.keys("m")
        s.screen.wait("To:")
        s.screen.keys("bo", "Tab", "Enter")
        s.screen.wait("Subject:")
        s.screen.keys("grüße 🔥", "Enter")
        s.screen.wait("see the file")
        s.screen.wait("Bob Example <bob@example.net>")
        s.screen.keys("a")
        s.screen.wait("Attach:")
        s.screen.keys(path, "Enter")
        s.screen.wait("attached report (1).pdf")
        s.screen.keys("y")
        s.screen.wait("on its way")
        m = s.arrived()[0]
        assert m["Subject"] == "grüße 🔥", m["Subject"]
        assert m["To"] == "Bob Example <bob@example.net>" and m["From"] == "Ada Example <ada@localhost>"
        assert text_of(m) == "Dear Bob,\n.\nsee the file\n"
        part = next(m.iter_attachments())
        assert part.get_filename() == "report (1).pdf" and part.get_content_type() == "application/pdf"
        assert part.get_content() == data
        until(lambda: not s.drafts(), "the draft stayed")


def test_reply_hangs_in_its_thread():
    """The text quoted, References and In-Reply-To right, the original marked as answered; to all without ourselves."""
    parent = raw(3, From="Bob <bob@example.net>", To="Ada <ada@localhost>, carol@example.net",
                 References="<root@x>", In_Reply_To="<root@x>")
    with Session([parent], editor='echo "my answer" >> "$1"\n') as s:
        s.screen.wait("subject-3")
        s.screen.keys("R")
        s.screen.wait("my answer")
        s.screen.wait("carol@example.net")
        s.screen.keys("y")
        m = s.arrived()[0]
        assert m["Subject"] == "Re: subject-3"
        assert m["To"] == "Bob <bob@example.net>" and m["Cc"] == "carol@example.net"
        assert m["In-Reply-To"] == f"<{made.message_id(3)}>"
        assert m["References"].split() == ["<root@x>", f"<{made.message_id(3)}>"]
        text = text_of(m)
        assert "Bob wrote:\n> Message 3.\n" in text and "\n>> quoted words\n" in text
        assert "signature 3" not in text and text.endswith("my answer\n")
        assert len(s.arrived(user="carol@example.net")) == 1
        until(lambda: "\\Answered" in dict(s.dovecot.census("INBOX"))[made.message_id(3)], "not answered")


def test_list_and_forward():
    """L goes to the list; f takes text and attachments along, byte by byte; without a list L says so."""
    listed = raw(5, List_Post="<mailto:list@example.net>", attach=True)
    want = email.message_from_bytes(listed, policy=email.policy.default)
    data = next(want.iter_attachments()).get_content()
    with Session([raw(1), listed], editor='echo added >> "$1"\n') as s:
        s.screen.wait("subject-5")
        s.screen.keys("L")
        s.screen.wait("added")
        s.screen.wait("list@example.net")
        s.screen.keys("y")
        assert s.arrived(user="list@example.net")[0]["Subject"] == "Re: subject-5"
        s.screen.keys("Enter")
        s.screen.wait("Message 5.")
        s.screen.keys("f")
        s.screen.wait("Attached")
        s.screen.keys("t")
        s.screen.wait("To:")
        s.screen.keys("bob@example.net", "Enter")
        s.screen.wait("bob@example.net")
        s.screen.keys("y")
        m = s.arrived()[0]
        assert m["Subject"] == "Fwd: subject-5" and "Forwarded message" in text_of(m)
        part = next(m.iter_attachments())
        assert part.get_content() == data and part.get_filename() == "data-5.bin"
        s.screen.keys("J")
        s.screen.wait("Message 1.")
        s.screen.keys("L")
        s.screen.wait("from no list")


def test_people_are_offered():
    """Who wrote is offered by any word of the name, accents aside; who was written to comes before; a short name given
    with A stands for its address, also after kill -9."""
    mails = [raw(1, From="Jörg Müller <jorg@example.net>"), raw(2, From="Jorgen Other <other@example.net>")]
    with Session(mails, editor='echo text > "$1"\n') as s:
        s.screen.wait("subject-2")
        s.screen.keys("m")
        s.screen.wait("To:")
        s.screen.keys("mul")
        s.screen.wait("Jörg Müller <jorg@example.net>")
        s.screen.keys("C-u", "unheard of <new@example.net>", "Enter")
        s.screen.wait("Subject:")
        s.screen.keys("first", "Enter")
        s.screen.wait("text")
        s.screen.keys("y")
        s.arrived(user="new@example.net")
        s.screen.wait("work/INBOX")
        s.screen.keys("j", "A")
        s.screen.wait("Short name for Jörg Müller <jorg@example.net>: jorg")
        s.screen.keys("C-u", "jm", "Enter")
        s.screen.wait("jm is Jörg Müller")
        s.restart()
        s.screen.wait("subject-2")
        s.screen.keys("m")
        s.screen.wait("To:")
        s.screen.keys("unh", "Tab")
        s.screen.wait("To: unheard of <new@example.net>")
        s.screen.keys(", jm", "Enter")
        s.screen.wait("Subject:")
        s.screen.keys("second", "Enter")
        s.screen.wait("unheard of <new@example.net>, Jörg Müller <jorg@example.net>")
        s.screen.keys("t")
        s.screen.wait("To:")
        s.screen.keys("C-u", "nobody", "Enter")
        s.screen.wait("'nobody' is not an address")


def fields(raw_message):
    return raw_message.split(b"\r\n\r\n", 1)


def test_bounce():
    """b sends a message on as it is: its own header and body byte for byte behind a block of Resent- fields; of several
    tagged each, and u takes all of them back. Nothing is sent before the answer y."""
    odd = (b"DKIM-Signature: v=1;  b=abc\r\nFrom: Eve <eve@example.com>\r\nsubject:   odd  folding\r\n"
           b"\tof it\r\nTo: ada@localhost\r\nMessage-ID: <odd@x>\r\nDate: Mon, 1 Jun 2026 10:00:00 +0000\r\n"
           b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=iso-8859-1\r\n"
           b"Content-Transfer-Encoding: 8bit\r\n\r\ngr\xfc\xdfe \r\n.\r\n..\r\nFrom here\r\n" + b"long " * 9000 + b"\r\n")
    odd = odd.replace(b"long " * 190, b"long " * 190 + b"\r\n")
    with Session([raw(1), raw(2), odd], undo="3s") as s:
        s.screen.wait("odd  folding")
        s.screen.keys("b")
        s.screen.wait("Bounce to:")
        s.screen.keys("bob", "Enter")
        s.screen.wait("Bounce to Bob Example <bob@example.net>: 'odd  folding of it'?")
        s.screen.keys("n")
        s.screen.gone("Bounce to")
        assert s.outbox() == []
        s.screen.keys("b", "nobody", "Enter")
        s.screen.wait("'nobody' is not an address")
        s.screen.keys("b", "bob", "Enter", "y")
        s.screen.wait("resent; goes out in 3 s")
        whole = s.arrived_raw()[0]
        head, body = fields(whole)
        want_head, want_body = fields(odd)
        assert body == want_body, (body[:200], want_body[:200])
        assert head.endswith(b"\r\n" + want_head), head
        top = email.message_from_bytes(head)
        assert top["Resent-From"] == "Ada Example <ada@localhost>"
        assert top["Resent-To"] == "Bob Example <bob@example.net>" and top["Resent-Date"]
        assert top["Resent-Message-ID"] and top["Resent-Message-ID"] != top["Message-ID"] == "<odd@x>"
        s.screen.keys("j", "t", "t", ";", "b")
        s.screen.wait("Bounce tagged to:")
        s.screen.keys("carol@example.net", "Enter")
        s.screen.wait("2 messages?")
        s.screen.keys("y")
        s.screen.wait("2 messages resent; goes out in 3 s")
        assert len(s.outbox()) == 3
        s.screen.keys("u")
        s.screen.wait("none of them was sent")
        assert len(s.outbox()) == 1
        s.screen.keys(";", "b", "carol@example.net", "Enter", "y")
        s.screen.wait("2 messages resent")
        got = s.arrived(2, user="carol@example.net")
        assert {m["Subject"] for m in got} == {"subject-1", "subject-2"}
        assert not [m for f in s.dovecot.folders() if "Sent" in f for m in s.dovecot.census(f)]


def test_forward_as_attachment():
    """gf attaches the message itself, unencoded (RFC 2046 5.2.1) and byte for byte; of several tagged each; an
    attachment within stays within. f of a message with one attached takes that along once."""
    high = (b"From: Eve <eve@example.com>\r\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <high@x>\r\n"
            b"Date: Mon, 1 Jun 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"
            b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\ngr\xc3\xbc\xc3\x9fe\r\n")
    withfile = raw(5, attach=True)
    with Session([raw(1), withfile, high], editor='echo "see below" > "$1"\n') as s:
        s.screen.wait("grüße")
        s.screen.keys("gf")
        s.screen.wait("see below")
        s.screen.wait("grüße.eml")
        s.screen.keys("t", "bob@example.net", "Enter", "y")
        m = s.arrived()[0]
        assert m["Subject"] == "Fwd: grüße" and m["References"] == "<high@x>" and m["In-Reply-To"] is None
        part = next(m.iter_attachments())
        assert part.get_content_type() == "message/rfc822" and part.get_filename() == "grüße.eml"
        assert part["Content-Transfer-Encoding"] == "8bit"
        assert high.rstrip(b"\r\n") in s.arrived_raw()[0]
        s.screen.keys("j", "t", "t", ";", "f")
        s.screen.wait("Fwd: 2 messages")
        s.screen.keys("t", "carol@example.net", "Enter", "y")
        whole = s.arrived_raw(user="carol@example.net")[0]
        parts = [p.get_payload(0) for p in email.message_from_bytes(whole).walk()
                 if p.get_content_type() == "message/rfc822"]
        assert {p["Subject"] for p in parts} == {"subject-1", "subject-5"}
        assert withfile.rstrip(b"\r\n") in whole
        until(lambda: s.forwarded() == 3, "those forwarded together are not all marked")
        s.dovecot.fill([whole])
        s.screen.wait("Fwd: 2 messages")
        s.screen.keys("gg", "f")
        s.screen.wait("subject-5.eml")
        text = s.screen.text()
        assert "data-5.bin" not in text and text.count(".eml") == 2, text


def test_undo_within_the_seconds_sends_nothing():
    with Session([raw(1)], undo="3s", editor='echo text >> "$1"\n') as s:
        s.screen.wait("subject-1")
        write(s.screen, "bob@example.net", "too early")
        s.screen.wait("compose:")
        s.screen.keys("y")
        s.screen.wait("goes out in 3 s")
        assert s.outbox() == ["too early"]
        s.screen.keys("u")
        s.screen.wait("it was not sent")
        s.screen.wait("compose:")
        s.screen.wait("too early")
        assert s.outbox() == [], s.outbox()
        time.sleep(4)
        assert s.arrived(0, timeout=0) == []
        s.screen.keys("y")                      # and then for good
        s.screen.wait("goes out in 3 s")
        assert s.arrived()[0]["Subject"] == "too early"
        until(lambda: not s.drafts(), "the draft stayed")


def test_killed_in_the_editor():
    """What the editor had written to its file is there again, with everything else."""
    with Session([raw(1)], editor='echo "half a thought" > "$1"; touch "$1.begun"; sleep 60\n') as s:
        s.screen.wait("subject-1")
        write(s.screen, "bob@example.net", "killed")
        d = s.home.path("data/dunlin/drafts")
        until(lambda: any(n.endswith(".begun") for n in os.listdir(d)), "no editor")
        time.sleep(2.5)                         # and the draft itself has it by now
        with open(os.path.join(d, "1")) as f:
            assert "half a thought" in f.read()
        s.restart()
        s.screen.wait("there is a draft")
        s.screen.keys("gd")
        s.screen.wait("killed")
        s.screen.keys("Enter")
        s.screen.wait("half a thought")
        s.screen.wait("bob@example.net")
        s.screen.keys("y")
        m = s.arrived()[0]
        assert m["Subject"] == "killed" and text_of(m) == "half a thought\n", text_of(m)


def test_killed_in_the_compose_view():
    """Each change is on disk when it is on the screen; postponed and resumed it has all it had."""
    with Session([raw(1)], editor='echo text > "$1"\n') as s:
        path = s.home.path("a.bin")
        with open(path, "wb") as f:
            f.write(b"\0\1\2" * 1000)
        s.screen.wait("subject-1")
        s.screen.keys("r")
        s.screen.wait("Re: subject-1")
        s.screen.keys("c")
        s.screen.wait("Cc:")
        s.screen.keys("bob@example.net", "Enter")
        s.screen.wait("bob@example.net")
        s.screen.keys("b")
        s.screen.wait("Bcc:")
        s.screen.keys("secret@example.net", "Enter")
        s.screen.wait("secret@example.net")
        s.screen.keys("a")
        s.screen.wait("Attach:")
        s.screen.keys(path, "Enter")
        s.screen.wait("attached a.bin")
        os.unlink(path)
        s.restart()
        s.screen.wait("there is a draft")
        s.screen.keys("gd")
        s.screen.wait("Re: subject-1")
        s.screen.keys("Enter")
        s.screen.wait("secret@example.net")
        s.screen.wait("a.bin")
        s.screen.keys("P")
        s.screen.wait("kept as a draft")
        s.screen.wait("Re: subject-1")
        s.screen.keys("Enter")
        s.screen.wait("a.bin")
        s.screen.keys("y")
        m = s.arrived()[0]
        assert m["In-Reply-To"] == f"<{made.message_id(1)}>" and m["Bcc"] is None
        assert next(m.iter_attachments()).get_content() == b"\0\1\2" * 1000
        assert len(s.arrived(user="secret@example.net")) == 1


def test_questions_before_sending():
    """Nobody, no subject, an attachment spoken of: asked about, and n sends nothing. q asks, too."""
    with Session([raw(1)], editor='echo "I attach the plan" > "$1"\n') as s:
        s.screen.wait("subject-1")
        s.screen.keys("m")
        s.screen.wait("To:")
        s.screen.keys("Enter")
        s.screen.wait("Subject:")
        s.screen.keys("Enter")
        s.screen.wait("I attach")
        s.screen.keys("y")
        s.screen.wait("goes to nobody")
        s.screen.keys("t")
        s.screen.wait("To:")
        s.screen.keys("bob@example.net", "Enter")
        s.screen.wait("bob@example.net")
        s.screen.keys("y")
        s.screen.wait("no subject")
        s.screen.keys("y")
        s.screen.wait("speaks of an attachment")
        s.screen.keys("n")
        s.screen.gone("speaks of an attachment")
        assert s.outbox() == [], s.outbox()
        s.screen.keys("q")
        s.screen.wait("Throw this message away?")
        s.screen.keys("n")
        s.screen.wait("compose:")
        s.screen.keys("q")
        s.screen.wait("Throw this message away?")
        s.screen.keys("y")
        s.screen.wait("thrown away")
        assert s.drafts() == []


def test_outbox_hold_and_edit():
    """Held it does not go; edited it is the draft again; removed and sent anew it arrives once."""
    with Session([raw(1)], undo="4s", editor='echo text > "$1"\n') as s:
        s.screen.wait("subject-1")
        write(s.screen, "bob@example.net", "held back")
        s.screen.wait("compose:")
        s.screen.keys("y")
        s.screen.wait("goes out")
        s.screen.keys("go", "h")
        s.screen.wait("held ")
        time.sleep(5)
        assert s.arrived(0, timeout=0) == []
        s.screen.keys("e")
        s.screen.wait("compose:")
        assert s.outbox() == [], s.outbox()
        s.screen.keys("y")
        s.screen.wait("goes out")
        assert s.arrived()[0]["Subject"] == "held back"
        s.screen.wait("sent")


def test_mailto():
    """A link fills in what it may, and shows it before anything happens."""
    link = "mailto:bob@example.net?subject=a%20b&cc=c@example.net&bcc=spy@example.net&body=hello&attach=/etc/passwd"
    with Session([raw(1)], editor="true\n", args=[link]) as s:
        s.screen.wait("hello")
        text = s.screen.text()
        assert "a b" in text and "c@example.net" in text
        assert "spy" not in text and "Attached" not in text
        s.screen.keys("y")
        assert s.arrived()[0]["Subject"] == "a b"


def test_identities_and_signatures():
    """An answer is from the address of ours that the mail came to, and F changes it; the signature stands at its end, and
    goes where another account's From has none; format=flowed survives the way."""
    parent = raw(3, From="Bob <bob@example.net>", To="Support <HELP@example.org>")
    flowing = "A paragraph that \\nflows \\non.\\n  two spaces\\nFrom the start\\n"
    with Session([parent], mail="flowed = yes", files=[("sig", "Ada Example\nExample Ltd\n")],
                 account="identities = Support <help@example.org>, ada@example.net\nsignature = ~/sig\n"
                         "[account bare]\nfrom = Bare <bare@localhost>\nreceive = mbox:HOME/none\n",
                 editor=f'cat "$1" > "$1.old"; printf "{flowing}" > "$1"; cat "$1.old" >> "$1"\n') as s:
        s.screen.wait("subject-3")
        s.screen.keys("r")
        s.screen.wait("Support <help@example.org>")
        s.screen.wait("A paragraph that flows on.")
        s.screen.wait("Example Ltd")
        s.screen.keys("F")
        s.screen.wait("ada@example.net")
        s.screen.keys("bare", "Tab", "Enter")
        s.screen.gone("Example Ltd")
        s.screen.keys("F", "ada@ex", "Tab", "Enter")
        s.screen.wait("Example Ltd")
        s.screen.keys("p")
        s.screen.wait("as it will be seen")
        s.screen.wait("A paragraph that flows on.")
        s.screen.wait("ada@example.net")
        s.screen.keys("q", "y")
        m = s.arrived()[0]
        assert m["From"] == "ada@example.net", m["From"]
        body = m.get_body(("plain",))
        assert body.get_param("format") == "flowed", m.as_string()
        text = body.get_content().replace("\r\n", "\n")
        assert text.startswith("A paragraph that \nflows \non.\n   two spaces\n From the start\n"), text
        assert text.endswith("\n\n-- \nAda Example\nExample Ltd\n") and "signature 3" not in text, text


def test_attachments_from_everywhere():
    """What is no file is refused in words and nothing waits for it; what a command prints is attached, with a type by its
    bytes; a file that goes while it is attached is the draft's already."""
    with Session([raw(1)], editor='echo text > "$1"\n') as s:
        os.mkfifo(s.home.path("fifo"))
        os.mkdir(s.home.path("dir"))
        with open(s.home.path("dir", "Bericht März.PDF"), "wb") as f:
            f.write(b"%PDF-1.5\n" + bytes(range(256)))
        with open(s.home.path("secret"), "w") as f:
            f.write("x")
        with open(s.home.path("big"), "wb") as f:
            f.truncate(300 << 20)
        s.screen.wait("subject-1")
        write(s.screen, "bob", "files")
        s.screen.wait("text")
        for name, words in (("fifo", "is not a file"), ("dir", "is a directory"), ("none", "No such file"),
                            ("big", "256M is the most"), ("/dev/zero", "is not a file"),
                            ("non*", "No such file"), ("di?", "is a directory")):
            s.screen.keys("a")
            s.screen.wait("Attach:")
            s.screen.keys("~/" + name if name[0] != "/" else name, "Enter")
            s.screen.wait(words)
        s.screen.keys("a", "~/dir/Ber", "Tab", "Enter")
        s.screen.wait("application/pdf")
        os.unlink(s.home.path("dir", "Bericht März.PDF"))
        s.screen.keys("|")
        s.screen.wait("Attach output:")
        s.screen.keys("printf 'a,b\\n'", "Enter")
        s.screen.wait("attached printf.txt")
        for name in "a1.txt", "a2.txt", "[x].txt":
            with open(s.home.path("dir", name), "w") as f:
                f.write(name + "\n")
        s.screen.keys("a", "~/dir/a?.txt", "Enter")
        s.screen.wait("attached 2 files")
        s.screen.keys("a", "~/dir/[x].txt", "Enter")    # a file of that name is that file
        s.screen.wait("attached [x].txt")
        for command, words in (("false", "'false' failed"), ("true", "printed nothing")):
            s.screen.keys("|", command, "Enter")
            s.screen.wait(words)
        s.screen.keys("y")
        got = list(s.arrived()[0].iter_attachments())
        assert [p.get_filename() for p in got] == ["Bericht März.PDF", "printf.txt", "a1.txt", "a2.txt",
                                                     "[x].txt"]
        assert got[0].get_content() == b"%PDF-1.5\n" + bytes(range(256))
        assert got[1].get_content() == "a,b\n" and got[1].get_content_type() == "text/plain"


def test_editor_in_trouble():
    """Whatever becomes of the editor, the screen comes back as it was, and what it left in its file is in the draft: failed,
    killed, not to be found, stopped with ^Z, and the terminal made smaller meanwhile."""
    with Session([raw(1)], editor='echo run >> "$HOME/runs"; . "$HOME/what"\n') as s:
        def runs():
            with open(s.home.path("runs")) as f:
                return len(f.readlines())

        def what(text):
            with open(s.home.path("what"), "w") as f:
                f.write(text)
        what('echo first > "$1"')
        s.screen.wait("subject-1")
        write(s.screen, "bob", "troubles")
        s.screen.wait("first")
        for script, left in (('echo failed > "$1"; exit 3', "failed"), ('echo killed > "$1"; kill -9 $$', "killed"),
                             ('exit 1', "killed"), (': > "$1"; kill -9 $$', "killed"),
                             ('nosuchcommand', "killed"), ('echo crlf > "$1"; kill -TERM $$', "crlf")):
            what(script)
            before = runs()
            s.screen.keys("e")
            until(lambda: runs() > before, "no editor")
            if script == "nosuchcommand":
                s.screen.wait("Press Enter")
                s.screen.keys("Enter")
            s.screen.wait(lambda t: f"\n {left}\n" in t and "the editor failed" in t and "troubles" in t
                          and "bob@example.net" in t)
        what('echo waiting; read x; echo "read $x" > "$1"; stty size >> "$1"')
        s.screen.keys("e")
        s.screen.wait("waiting")
        s.screen.keys("C-z")                    # there is no shell to wake it: it goes on
        s.screen.resize(60, 20)
        s.screen.keys("on", "Enter")
        s.screen.wait("read on")
        text = s.screen.text()
        assert "20 60" in text and text.count("\n") == 19, text
        s.screen.keys("y")
        assert text_of(s.arrived()[0]) == "read on\n20 60\n"


def test_header_in_the_editor_and_attach_to_draft():
    """edit-headers: what the editor made of the header is the message's, short names too. ga takes parts and messages to the
    draft that was written last, fetched first where they are not here."""
    withfile = raw(5, attach=True)
    want = next(email.message_from_bytes(withfile, policy=email.policy.default).iter_attachments()).get_content()
    edit = ('sed -e "s/^To:.*/To: bob, carol@example.net/" -e "s/^Subject:.*/Subject: from the editor/" "$1" > "$1.new"\n'
            'echo "body" >> "$1.new"; mv "$1.new" "$1"\n')
    with Session([raw(1), raw(2), withfile], mail="edit-headers = yes", editor=edit) as s:
        s.screen.wait("subject-5")
        write(s.screen, "nobody@example.net", "x")
        s.screen.wait("from the editor")
        s.screen.wait("Bob Example <bob@example.net>, carol@example.net")
        s.screen.keys("P")
        s.screen.wait("work/INBOX")
        s.screen.keys("v")
        s.screen.wait("data-5.bin")
        s.screen.keys("G", "ga")
        s.screen.wait("from the editor")
        s.screen.wait("Attached  data-5.bin")
        s.screen.keys("P")
        s.screen.wait("parts of")
        s.screen.keys("q", "j", "t", "t", ";", "ga")
        s.screen.wait("subject-1.eml")
        s.screen.keys("y")
        m = s.arrived(user="carol@example.net")[0]
        assert m["To"] == "Bob Example <bob@example.net>, carol@example.net" and m["Subject"] == "from the editor"
        assert text_of(m) == "body\n", text_of(m)
        got = list(m.iter_attachments())
        assert got[0].get_content() == want and got[0].get_filename() == "data-5.bin"
        assert {p.get_content()["Subject"] for p in got[1:]} == {"subject-1", "subject-2"}
        assert s.arrived()[0]["Message-ID"] == m["Message-ID"]


def test_fuzzed_letters_come_back_equal():
    """Subjects, names, file names and bodies of every kind, through Postfix, LMTP, Dovecot and IMAP: Python's email finds
    nothing to complain about, and all of it equal; what is no text or no address is refused before it is sent."""
    r = random.Random(8)
    pieces = ["plain", "ü", "日本語", "🔥🏽", "\u202e", "=?utf-8?q?x?=", '"', "\\\\", "'", "(", ")", "<", ">", ",", ";", ":", "@",
              "  ", "a" * 120, "é" * 60, "=", "?", "Re:", "%s", "\u00a0", "ﷺ", "e\u0301", "."]
    bodies = [b"", b"\n", b"\0nul\0", b"bare\rcr\r\r\n", b".\n..\n.\r\n", b"From here\n>From there\n", b"x" * (10 << 20),
              b"\xff\xfe\x80 bytes\n", "ü".encode() * 3000, b"\xed\xa0\x80 lone surrogate\n", b"trailing  \t \n \n",
              b"no end", b"=3D =\n", b"\n" * 300, b"-- \n", b"--=_\n--\n"]
    with Session([raw(1)], editor="true\n") as s:
        sent = []
        for i in range(len(bodies) + 4):
            subject = " ".join("".join(r.choice(pieces) for _ in range(r.randrange(5))).split()) + f" {i}"
            name = "".join(r.choice(pieces) for _ in range(r.randrange(1, 4))).strip()
            body = bodies[i % len(bodies)]
            data = r.randbytes(r.choice([0, 1, 57, 5000])) + b"\r.\r\n"
            path = s.home.path("f" + name.replace("/", "_")[:60])
            with open(path, "wb") as f:
                f.write(data)
            args = [PROGRAM, "-s", subject, "-a", path, "--", email.utils.formataddr((name, BOB), charset="utf-8")]
            out = subprocess.run(args, input=body, env=dict(os.environ, **s.home.env()), capture_output=True, timeout=60)
            assert out.returncode == 0, (args, out.stderr)
            sent.append((subject, body, data, os.path.basename(path)))
        refused = subprocess.run([PROGRAM, "-s", b"lone \xed\xa0\x80", "--", BOB], input=b"x\n", capture_output=True,
                                 env=dict(os.environ, **s.home.env()), timeout=60)
        assert refused.returncode == 65 and b"UTF-8" in refused.stderr, refused
        got = {m["Subject"].rsplit(" ", 1)[-1]: m for m in s.arrived(len(sent), timeout=60)}
        for i, (subject, body, data, name) in enumerate(sent):
            m = got[str(i)]
            for part in m.walk():
                assert not part.defects, (i, part.defects)
                for field, value in part.items():
                    assert not getattr(value, "defects", ()), (i, field, value, value.defects)
            assert " ".join(m["Subject"].split()) == " ".join(subject.split()), (i, m["Subject"], subject)
            assert [a.addr_spec for a in m["To"].addresses] == [BOB], (i, m["To"])
            parts = list(m.iter_parts())
            text = parts[0].get_payload(decode=True)
            want = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            assert text.replace(b"\r\n", b"\n").rstrip(b"\n") == want.rstrip(b"\n"), (i, body[:80], text[:80])
            assert parts[1].get_payload(decode=True) == data, i
            assert parts[1].get_filename() and "/" not in parts[1].get_filename(), i
