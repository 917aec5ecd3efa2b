"""New mail is told: by the command of the mailrc and the bell, each message once, and what is not new by neither."""
import os
import time

from rig import mails
from rig.dovecot import Dovecot
from rig.home import PROGRAM, Home
from rig.terminal import Terminal

COMMAND = 'echo "$DUNLIN_ACCOUNT/$DUNLIN_FOLDER $DUNLIN_COUNT $DUNLIN_SUBJECT" >> '


def lines(home):
    try:
        with open(home.path("told")) as f:
            return f.read().splitlines()
    except FileNotFoundError:
        return []


def until(home, *wanted, timeout=25.0):
    """These lines were told, and in the next two seconds no other."""
    end = time.monotonic() + timeout
    while lines(home) != list(wanted) and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(2)
    assert lines(home) == list(wanted), lines(home)


def before(home):
    return f"[mail]\nbell = yes\nnotify = '{COMMAND}{home.path('told')}'\n"


def test_imap():
    with Dovecot() as d, Home() as home:
        d.fill([mails.raw(n, subject=f"old-{n}") for n in range(3)])
        home.account(d.ports["imap"], before=before(home))
        with home.screen(cols=100, rows=40) as s:
            s.wait("old-2")
            until(home)                                     # the first filling is not news
            time.sleep(2)
            d.fill([mails.raw(n, subject=f"burst-{n}") for n in range(10, 30)])
            s.wait("burst-29")
            end = time.monotonic() + 25
            while sum(int(x.split()[1]) for x in lines(home)) < 20:
                assert time.monotonic() < end, lines(home)
                time.sleep(0.05)
            time.sleep(2)
            assert len(lines(home)) <= 3 and lines(home)[-1].endswith("burst-29"), lines(home)
            os.unlink(home.path("told"))
            d.fill([mails.raw(40, subject="read-elsewhere")], flags="\\Seen")
            s.wait("read-elsewhere")
            s.keys("gg", "j", "d")                          # deleted, gone, and taken back: not new mail
            s.gone("burst-29")
            end = time.monotonic() + 20
            while len(d.messages("INBOX")) != 23:
                assert time.monotonic() < end
                time.sleep(0.05)
            s.keys("u")
            s.wait("burst-29", timeout=20)
            until(home)
            with home.screen(cols=100, rows=40) as other:            # of two windows one tells
                other.wait("burst-29")
                d.fill([mails.raw(41, subject="for-one")])
                s.wait("for-one")
                other.wait("for-one")
                until(home, "work/INBOX 1 for-one")
                other.keys("Q")
                other.wait("[exit 0]")
            s.keys("Q")
            s.wait("[exit 0]")
        with home.screen(cols=100) as s:                    # nor again at the next start
            s.wait("for-one")
            until(home, "work/INBOX 1 for-one")


def test_pop3():
    with Dovecot() as d, Home() as home:
        d.fill([mails.raw(n, subject=f"old-{n}") for n in range(3)])
        home.account(d.ports["pop3"], scheme="pop3+insecure", before=before(home),
                     more=f"mbox = {home.path('mail')}\ncheck-every = 10s")
        with home.screen(cols=100) as s:
            s.wait("old-2", timeout=20)
            until(home)
            time.sleep(2)
            s.keys("c", "Trash", "Enter")
            d.fill([mails.raw(50, subject="by-pop3")])
            s.keys("$")
            until(home, "work/INBOX 1 by-pop3")
            s.wait("by-pop3")
            s.keys("Q")
            s.wait("[exit 0]")


def test_bell():
    """One for what comes together; none where the mailrc says nothing of it."""
    for rc, rings in (("[mail]\nbell = yes\n", True), ("", False)):
        with Dovecot() as d, Home() as home:
            d.fill([mails.raw(0, subject="old-0")])
            home.account(d.ports["imap"], before=rc)
            t = Terminal([PROGRAM], env=home.env())
            t.wait("old-0")
            t.settle()
            time.sleep(4)                                   # then the inbox counts as filled
            assert b"\a" not in t.seen, t.seen
            d.fill([mails.raw(1, subject="fresh-1")])
            t.wait("fresh-1")
            t.settle()
            assert (b"\a" in t.seen) == rings, t.seen[-500:]
            t.kill()
