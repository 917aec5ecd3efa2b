"""What a person sees of POP3: mail that comes by itself, progress and Esc, and servers with odd habits."""
import os
import re
import threading
import time

from rig import mails
from rig.home import Home
from rig.pop3 import inbox, setup, sync
from rig.pop3_odd import OddPop3


def box(n, **kw):
    return [(f"u{i}", mails.raw(i, subject=f"Mail {i}", **kw)) for i in range(1, n + 1)]


def test_pop3_check_every():
    """New mail is on the screen without a key, within check-every and some."""
    with OddPop3(box(2)) as odd, Home() as home:
        setup(home, odd.port, more="check-every = 10s")
        with home.screen() as s:
            s.wait("Mail 2")
            odd.mails.append(("u3", mails.raw(3, subject="Fresh")))
            s.wait(re.compile("3, 3 unread"), timeout=25)
            assert "Fresh" in s.text(), s.text()


def ends_behind_the_first(odd, s, n):
    """Of a download that was stopped in its first message no more comes, until it is asked for."""
    time.sleep(0.5)                             # the screen says so before whoever downloads has heard of it
    odd.pause.set()
    s.wait("Mail 1")
    time.sleep(1)
    assert odd.n_retr == 1 and "Mail 2" not in s.text(), (odd.n_retr, s.text())
    s.keys("$")
    s.wait(f"{n}, {n} unread")


def test_pop3_progress_and_esc():
    """How far it is, in messages and bytes; Esc ends it behind the message that is coming, also when `$` came in the middle; and the
    next `$` goes on."""
    with OddPop3(box(3, words=200000)) as odd, Home() as home:
        odd.pause = threading.Event()
        setup(home, odd.port, more="check-every = 10m")
        with home.screen() as s:
            s.wait(re.compile(r"home: synchronising .* 0 of 3, \d+ kB of 3\.\d MB"))
            s.keys("$")
            s.wait(re.compile(r"synchronising .* 0 of 3, .* of 3\.\d MB +Esc cancels"))
            s.keys("Escape")
            s.wait("cancelled")
            s.keys("j")                         # keys are answered meanwhile
            ends_behind_the_first(odd, s, 3)
        assert odd.n_retr == 3 and len(inbox(home)) == 3


def test_pop3_esc_without_a_job():
    """Esc ends what was begun by itself, too, behind the message that is coming; but first it takes a limit away."""
    with OddPop3(box(4, words=200000)) as odd, Home() as home:
        odd.pause = threading.Event()
        setup(home, odd.port, more="check-every = 10m")
        with home.screen() as s:
            s.wait(re.compile(r"home: synchronising .* 0 of 4, \d+ kB of"))
            s.keys("l", "nothing", "Enter")
            s.wait("nothing")
            s.keys("Escape")
            s.gone("nothing")
            s.wait(re.compile(r"home: synchronising .* 0 of 4"))
            s.keys("Escape")
            s.wait("the download stops behind this message")
            ends_behind_the_first(odd, s, 4)
        assert odd.n_retr == 4 and len(inbox(home)) == 4


LOGINS = [
    ("-ERR [IN-USE] locked by pop3d", r"another session has this mailbox open: locked by pop3d", 75),
    ("-ERR [LOGIN-DELAY] 60 s", r"the server wants more time between two logins: 60 s", 75),
    ("-ERR [SYS/TEMP] no disk", r"the server has trouble and says, try later: no disk", 75),
    ("-ERR [SYS/PERM] suspended", r"the server has trouble that needs its administrator: suspended", 1),
]


def test_pop3_login_refused():
    """What the server has against it, in words; tried again by itself where that can help, never by a password."""
    with OddPop3(box(1)) as odd, Home() as home:
        setup(home, odd.port)
        for odd.login, words, exit_code in LOGINS:
            with home.screen(cols=120) as s:
                s.wait(re.compile((r"offline, again in \d+ s \(" if exit_code == 75 else "home: ") + words))
                assert "Password" not in s.text(), s.text()
            code, text = sync(home)
            assert code == exit_code and re.search(words, text), text
        odd.login = "-ERR [AUTH] wrong"
        with home.screen() as s:
            s.wait("Password for home")
            odd.login = None
            s.keys("right", "Enter")
            s.wait("Mail 1")
        odd.login = "-ERR [IN-USE] locked"
        with home.screen() as s:                # and goes on by itself
            s.wait("another session")
            odd.login = None
            odd.mails.append(("u2", mails.raw(2, subject="Mail 2")))
            s.wait("Mail 2", timeout=20)


def test_pop3_stls_refused():
    """No password without TLS; and the line says what may help."""
    with OddPop3(box(1)) as odd, Home() as home:
        setup(home, odd.port)
        rc = open(home.rc).read().replace("pop3+insecure:", "pop3:")
        home.write_rc(rc)
        with home.screen() as s:
            s.wait("the server refuses STLS (no TLS here); try pop3s://")
            assert "Password" not in s.text(), s.text()
        assert b"USER" not in odd.received and b"AUTH" not in odd.received, bytes(odd.received)


def test_pop3_message_refused():
    """One that cannot be had keeps no other away; it is told once, and when somebody asks, and comes when it can."""
    with OddPop3(box(3)) as odd, Home() as home:
        odd.refuse, odd.refuse_words = {2}, "[SYS/TEMP] its file is gone"
        setup(home, odd.port, more="check-every = 10s")
        with home.screen() as s:
            told = "1 message not fetched yet: the server says: [SYS/TEMP] its file is"
            s.wait(told)
            s.wait("2, 2 unread")
            s.keys("j")
            s.gone(told)
            sessions = odd.n_sessions
            deadline = time.monotonic() + 25
            while odd.n_sessions == sessions and time.monotonic() < deadline:
                time.sleep(0.1)
            time.sleep(1)
            assert odd.n_sessions > sessions and told not in s.text(), s.text()
            s.keys("$")
            s.wait(told)
            odd.refuse = set()
            s.keys("$")
            s.wait("Mail 2")
            s.gone(told)
        assert sorted(inbox(home)) == [f"m.{i}@rig.example" for i in (1, 2, 3)]
        code, text = sync(home)
        assert code == 0 and "0 new" in text, text


def test_pop3_odd_uidls():
    """Without UIDL, one UIDL for all, all given anew, one that vanishes: each message once, and nothing to be told."""
    with OddPop3(box(4)) as odd, Home() as home:
        setup(home, odd.port, more="check-every = 10m")
        raws = [raw for _, raw in odd.mails]
        odd.no_uidl = odd.no_top = True
        with home.screen() as s:
            s.wait("4, 4 unread")
            for uidls, no_uidl in ((["same"] * 4, False), (["a", "b", "a", ""], False), (list("wxyz"), False),
                                   (list("zyxw"), False), ([""] * 4, True)):
                odd.mails, odd.no_uidl, odd.no_top = list(zip(uidls, raws)), no_uidl, False
                n = odd.n_sessions
                s.keys("$")
                deadline = time.monotonic() + 10
                while odd.n_sessions == n and time.monotonic() < deadline:
                    time.sleep(0.05)
                s.wait("home: online")
            odd.mails.append(("new", mails.raw(9, subject="Vanishes")))
            odd.refuse, odd.refuse_words = {5}, "no such message"
            s.keys("$")
            s.wait("1 message not fetched yet: the server says: no such message")
            odd.mails.pop()
            s.keys("$")
            s.wait("home: online")
            s.keys("gm")
            s.wait("no such message")
            assert s.text().count("not fetched") <= 2, s.text()
        assert len(inbox(home)) == 4
        assert not os.path.exists(home.path("mail/inbox.lock"))
