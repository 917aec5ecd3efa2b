"""The outbox on the screen against Postfix: later, held, edited, refused, unsure. What it says is what arrived."""
import os
import re
import signal
import sqlite3
import time

from rig import postfix
from rig.dovecot import PASSWORD, Dovecot
from rig.home import Home
from rig.proxy import Proxy
from rig.run import Skip
from rig.waiting import until
from e2e.test_compose import write
from e2e.test_send import BOB, QUEUED, REFUSED, SENT, UNSURE, mails, subjects

BYE, LAST = len("221 2.0.0 Bye\r\n"), len("250 2.0.0 Ok: queued as 0123456789A\r\n")


class Session:
    """Dovecot, Postfix behind a proxy, a home; the screen is begun by start()."""

    def __init__(self, more="", **kw):
        if not postfix.available():
            raise Skip("needs Postfix, and root to start it")
        self.dovecot = Dovecot()
        self.dovecot.start()
        self.postfix = postfix.Postfix(self.dovecot, **kw).start()
        self.proxy = Proxy(self.postfix.ports["plain"])
        self.home, self.screen = Home(), None
        with open(self.home.path("editor"), "w") as f:
            f.write('#!/bin/sh\n[ -s "$1" ] || echo "the text" > "$1"\n')
        os.chmod(self.home.path("editor"), 0o755)
        self.home.write_rc(
            f"[mail]\neditor = {self.home.path('editor')}\nundo-send = 0s\n"
            f"[account work]\nfrom = Ada Example <ada@example.org>\nauth = plain\n"
            f"receive = imap+insecure://ada@127.0.0.1:{self.dovecot.ports['imap']}\n"
            f"send = smtp+insecure://ada@127.0.0.1:{self.proxy.port}\n"
            f"password-command = echo {PASSWORD}\n{more}\n")

    def start(self, cols=100, rows=30):
        self.screen = self.home.screen(cols=cols, rows=rows)
        self.screen.wait("work/INBOX")
        return self.screen

    def restart(self):
        """kill -9, and again."""
        os.kill(self.screen.pid(), signal.SIGKILL)
        self.screen.close()
        return self.start()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.screen:
            if kind is not None:
                print(self.screen.text())
            self.screen.close()
        self.proxy.stop()
        self.postfix.stop()
        self.dovecot.stop()
        self.home.__exit__(kind)

    def sql(self, text):
        db = sqlite3.connect(self.home.path("data/dunlin/dunlin.db"), timeout=10)
        try:
            with db:
                return db.execute(text).fetchall()
        finally:
            db.close()

    def states(self):
        return dict(self.sql("SELECT subject, state FROM outbox"))

    def send(self, *args, stdin="the text\n"):
        return self.home.run("-s", *args, stdin=stdin)

    def write(self, subject, to=BOB):
        """From the list to the compose view."""
        write(self.screen, to, subject)
        self.screen.wait("compose:")

    def arrived(self, want, user=BOB, timeout=20):
        end = time.monotonic() + timeout
        while sorted(subjects(self.dovecot, user=user)) != sorted(want):
            assert time.monotonic() < end, (subjects(self.dovecot, user=user), want)
            time.sleep(0.1)
        self.postfix.drained()
        assert sorted(subjects(self.dovecot, user=user)) == sorted(want)

    def cut_behind_the_dot(self, *args):
        """A mail of which nobody knows whether it went; the server has it."""
        self.proxy.n_down, self.proxy.cut_after = 0, None
        assert self.send("measure", "measure@example.net").returncode == 0
        total = self.proxy.n_down
        self.proxy.n_down, self.proxy.cut_after = 0, total - BYE - LAST + 3
        for args in args:
            self.proxy.n_down = 0
            r = self.send(*args)
            assert r.returncode == 74 and "may have been sent" in r.stderr, r
        self.proxy.cut_after = None


def test_send_later():
    """Its time is shown before it is final, and in the outbox; wrong and past times are refused; it survives kill -9, is
    not sent before by anybody, can be changed, and goes when it is due."""
    with Session() as s:
        screen = s.start()
        s.write("later")
        screen.keys("Y")
        screen.wait("Send at:")
        for wrong, why in (("soon", "'soon' is no time: say 18:30"), ("2020-01-01 10:00", "that time is past"),
                           ("2027-02-30 9:00", "no such day")):
            screen.keys("C-u", wrong, "Enter")
            screen.wait(why)
        screen.keys("C-u", "tomorrow 9:00")
        screen.wait(re.compile(r"tomorrow 9:00 +[A-Z][a-z][a-z] \d+ [A-Z][a-z][a-z] 20\d\d, 09:00 UTC \(in \d+ h\)"))
        screen.keys("Enter")
        screen.wait(re.compile(r"Send [A-Z][a-z][a-z] \d+ [A-Z][a-z][a-z] 20\d\d, 09:00 UTC \(in \d+ h\)\? \(y/N\)"))
        screen.keys("n")
        screen.gone("(y/N)")
        assert not s.states(), s.states()
        screen.keys(":", "send at tomorrow 9:00", "Enter")      # as it is said
        screen.wait("(y/N)")
        screen.keys("y")
        screen.wait(re.compile("goes out ... .*09:00 UTC"))
        screen.keys("go")
        screen.wait(re.compile(r" [A-Z][a-z][a-z] 09:00 +bob@"))
        screen.wait("Goes out ")
        screen = s.restart()
        screen.keys("go")
        screen.wait(re.compile(r" [A-Z][a-z][a-z] 09:00 +bob@"))
        screen.keys("Y")
        screen.wait(re.compile(r"Send at: 20\d\d-\d\d-\d\d 09:00"))
        screen.keys("C-u", "in 3 hours", "Enter")
        screen.wait("(in 3 h)? (y/N)")
        screen.keys("y")
        screen.wait("(in 3 h)")
        screen.keys("Q")
        r = s.home.run("sync")
        assert r.returncode == 0 and "1 mail is to go out later" in r.stdout, r
        assert s.states() == {"later": QUEUED} and subjects(s.dovecot) == []
        (when, now) = s.sql("SELECT not_before, CAST(strftime('%s', 'now') AS INTEGER) FROM outbox")[0]
        assert 3 * 3600 - 120 < when - now <= 3 * 3600
        screen = s.start()
        screen.keys("go")
        screen.wait("Goes out ")
        screen.keys("h")
        screen.wait("Held: h lets it go")
        screen.keys("h")
        screen.wait("Goes out ")
        screen.keys("r")
        screen.wait(re.compile("sent +bob@"))
        s.arrived(["later"])
        screen.keys("q")
        screen.wait("work/INBOX")
        s.write("by itself")
        screen.keys("Y", "+2h", "Enter")
        screen.wait("(y/N)")
        screen.keys("y")
        screen.wait("goes out")
        os.kill(screen.pid(), signal.SIGKILL)
        screen.close()
        s.sql("UPDATE outbox SET not_before = CAST(strftime('%s', 'now') AS INTEGER) + 4 WHERE state = 0")
        s.start()
        time.sleep(1)
        assert subjects(s.dovecot) == ["later"]
        s.arrived(["later", "by itself"])
        until(lambda: s.states()["by itself"] == SENT, "not sent")


def test_edit_what_came_from_a_command_line():
    """It has no draft: one is made of its bytes, with all it had; edited it goes out once, and once only."""
    with Session() as s:
        data = bytes(range(256)) * 20
        with open(s.home.path("some file.bin"), "wb") as f:
            f.write(data)
        s.proxy.refuse = True
        r = s.send("grüße", "-c", '"Çelik, Carol" <carol@example.net>', "-b", "eve@example.net", "-a",
                   s.home.path("some file.bin"), "--", f"Bob <{BOB}>", stdin="Zeile ä\n.\nend\n")
        assert r.returncode == 75, r
        screen = s.start()
        screen.wait("cannot send")              # while it is tried it cannot be held
        screen.keys("go")
        screen.wait("grüße")
        screen.keys("e")
        screen.wait("compose:")
        text = screen.text()
        for want in ("Bob <bob@example.net>", "carol@example.net>", "eve@example.net", "some file.bin", "Zeile ä"):
            assert want in text, want
        assert s.states() == {}, s.states()
        screen = s.restart()                    # it is a draft by now
        screen.wait("there is a draft")
        s.proxy.refuse = False
        screen.keys("gd")
        screen.wait("grüße")
        screen.keys("Enter")
        screen.wait("compose:")
        screen.keys("s", "C-u", "edited", "Enter")
        screen.wait("edited")
        screen.keys("y")
        for user in (BOB, "carol@example.net", "eve@example.net"):
            s.arrived(["edited"], user=user)
        (m,) = mails(s.dovecot)
        assert m.get_body(("plain",)).get_content().splitlines() == ["Zeile ä", ".", "end"]
        (f,) = m.iter_attachments()
        assert f.get_payload(decode=True) == data and f.get_filename() == "some file.bin"
        assert m["From"] == "Ada Example <ada@example.org>"
        assert [(a.display_name, a.addr_spec) for a in m["Cc"].addresses] == [("Çelik, Carol", "carol@example.net")]
        assert m["Bcc"] is None


def test_two_of_five_are_refused():
    """Three get it, the person is told in the server's words and in plain ones, and a draft goes to the two; the same of a
    mail from a command line, from the outbox."""
    bad = ["no1@example.net", "no2@example.net"]
    good = [BOB, "carol@example.net", "dave@example.net"]
    with Session(refused=bad) as s:
        screen = s.start(cols=160)
        s.write("to five", ", ".join([good[0], bad[0], good[1], bad[1], good[2]]))
        screen.keys("y")
        until(lambda: s.states().get("to five") == SENT, "not sent")
        screen.keys("gm")
        screen.wait("there is a draft to them")
        screen.wait("was not taken for 2 of 5: no1@example.net: there is no such mailbox: 550 5.1.1")
        for user in good:
            s.arrived(["to five"], user=user)
        screen.keys("q", "gd")
        screen.wait("no1@example.net, no2@example.net")
        screen.keys("Enter")
        screen.wait(re.compile(r"To +no1@example.net, no2@example.net"))
        screen.wait("the text")
        screen.keys("P")
        screen.wait("kept as a draft")
        screen.keys("q", "go")
        screen.wait(re.compile("sent +bob@.*to five"))
        screen.wait(re.compile("refused +no1@example.net  there is no such mailbox: 550 5.1.1"))
        r = s.send("from outside", good[0], bad[1])
        assert r.returncode == 67 and "there is no such mailbox: 550 5.1.1" in r.stderr, r
        screen.keys("q", "go")
        screen.wait("from outside")
        screen.keys("gg", "e")
        screen.wait(re.compile(r"To +no2@example.net$", re.M))
        screen.wait("the text")
        assert s.states() == {"to five": SENT, "from outside": SENT}
        s.arrived(["to five", "from outside"])


def test_refused_retried_and_removed():
    """A refusal stays until the person ends it: again as it is, or away."""
    with Session(refused=["no@example.net"]) as s:
        assert s.send("refused", "no@example.net").returncode == 69
        screen = s.start()
        screen.keys("go")
        screen.wait("Refused: e edits it")
        screen.keys("r")
        until(lambda: s.sql("SELECT n_tries FROM outbox") == [(2,)], "not tried again")
        screen.wait("Refused: e edits it")
        screen.keys("d")
        screen.wait("It has no draft, and is gone then. (y/N)")
        screen.keys("n")
        screen.gone("(y/N)")
        assert s.states() == {"refused": REFUSED}
        screen.keys("d")
        screen.wait("(y/N)")
        screen.keys("y")
        screen.wait("Nothing was sent lately")
        assert s.states() == {} and s.sql("SELECT count(*) FROM outbox_rcpt") == [(0,)]


def test_unsure_is_a_question():
    """Cut behind the final dot: Sent is looked into and the result shown; again, arrived, edit and keep do what they say,
    and nothing is sent that was not asked for."""
    with Session("copy = no") as s:
        s.cut_behind_the_dot(("filed", BOB), ("not filed", BOB), ("to edit", BOB))
        s.arrived(["filed", "not filed", "to edit"])
        ((mid,),) = s.sql("SELECT message_id FROM outbox WHERE subject = 'filed'")
        c = s.dovecot.imap()
        c.create("Sent")
        c.append("Sent", None, None, f"Message-ID: <{mid}>\r\nSubject: filed\r\n\r\nx\r\n".encode())
        c.logout()
        r = s.home.run("sync")
        assert r.returncode == 1 and "'filed' may have been sent, or not: found in Sent" in r.stderr, r
        assert "'not filed' may have been sent, or not: not in Sent, where the server files it" in r.stderr, r
        assert "3 mails in the outbox need you" in r.stdout, r
        screen = s.start()
        screen.wait("3 mails in the outbox need you: go shows them")
        screen.keys("go", "G", "k")             # oldest at the bottom: measure, filed
        screen.wait("found in Sent: it very probably went")
        screen.keys("Enter")
        screen.wait("r again, a arrived, e edit, k keep?")
        screen.keys("k")
        screen.wait("kept as it is")
        assert s.states()["filed"] == UNSURE
        screen.keys("Enter", "a")
        screen.wait("taken for sent")
        assert s.states()["filed"] == SENT
        screen.keys("k")
        screen.wait("not in Sent")
        screen.keys("Enter")
        screen.wait("k keep?")
        screen.keys("Escape")
        screen.gone("k keep?")
        screen.keys("Enter", "r")
        s.arrived(["filed", "not filed", "not filed", "to edit"])
        until(lambda: s.states()["not filed"] == SENT, "not sent")
        screen.keys("k", "Enter")
        screen.wait("k keep?")
        screen.keys("e")
        screen.wait("compose:")
        screen.keys("s", "C-u", "edited", "Enter")
        screen.wait("edited")
        screen.keys("y")
        s.arrived(["filed", "not filed", "not filed", "to edit", "edited"])
        assert s.states() == {"measure": SENT, "filed": SENT, "not filed": SENT, "edited": SENT}, s.states()


def test_it_is_tried_again_when_the_person_synchronises():
    """A login that was refused is not tried again by itself; mended, it is at the person's word, and the mail goes."""
    with Session() as s:
        with open(s.home.path("word"), "w") as f:
            f.write("wrong\n")
        with open(s.home.rc) as f:
            rc = f.read()
        s.home.write_rc(rc + f"send-password-command = cat {s.home.path('word')}\n")
        screen = s.start()
        s.write("waits for a login")
        screen.keys("y")
        screen.wait("cannot send: the server refuses the login")
        with open(s.home.path("word"), "w") as f:
            f.write(PASSWORD + "\n")
        screen.keys("go")
        screen.wait("1 to be sent")
        assert subjects(s.dovecot) == []
        screen.keys("$")
        s.arrived(["waits for a login"])
        until(lambda: s.states() == {"waits for a login": SENT}, "not sent")


def test_outbox_on_a_small_screen():
    """What is said of a mail is wrapped, not cut, and the menu is there, in 40 columns."""
    with Session("copy = no") as s:
        s.cut_behind_the_dot(("unsure", BOB))
        screen = s.start(cols=40, rows=14)
        screen.keys("go")
        screen.wait("did not go")
        screen.wait(re.compile(r"not in Sent,\s+where the server\s+files it"))
        screen.keys("Enter")
        screen.wait("r again, a arrived, e edit, k keep?")
