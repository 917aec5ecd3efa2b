"""Killed at any moment of triage, every decision that was shown is on the server after a restart, once."""
import os
import random
import re
import signal
import time

from rig import mails
from rig.dovecot import Dovecot
from rig.home import Home
from rig.proxy import Proxy

N = 40


def kill_in_the_middle(capability, seed):
    rnd = random.Random(seed)
    with Dovecot(capability=capability) as d, Home() as home, Proxy(d.ports["imap"], delay=0.02) as proxy:
        d.fill([mails.raw(i, subject=f"subject-{i:03}") for i in range(N)])
        home.account(proxy.port)
        left, trash, junk = set(range(N)), set(), set()
        for turn in range(7):
            screen = home.screen(cols=90, rows=50)
            screen.wait(re.compile("subject-"))
            if turn == 0:                       # until the folders are known
                screen.keys("y")
                screen.wait("Junk")
                screen.keys("q")
            for _ in range(rnd.randrange(1, 5)):
                top = max(left)
                if rnd.random() < 0.7:
                    screen.keys("gg", "d")
                    screen.gone(f"subject-{top:03}")
                    trash.add(top)
                else:
                    screen.keys("gg", "s", "Junk", "Enter")
                    screen.gone(f"subject-{top:03}")
                    junk.add(top)
                left.discard(top)
            time.sleep(rnd.random() * 0.25)
            os.kill(screen.pid(), signal.SIGKILL)
            screen.close()
        screen = home.screen(cols=90, rows=50)
        screen.wait(re.compile("subject-"))
        number = lambda i: int(i.split(".")[1].split("@")[0])
        end = time.monotonic() + 20
        while True:
            now = [sorted(number(i) for i, _ in d.census(f)) for f in ("INBOX", "Trash", "Junk")]
            if now == [sorted(left), sorted(trash), sorted(junk)]:
                break
            assert time.monotonic() < end, (now, sorted(left), sorted(trash), sorted(junk))
            time.sleep(0.2)
        screen.close()


def test_kill_with_move():
    kill_in_the_middle(None, 1)
    kill_in_the_middle(None, 2)


def test_kill_with_copy_and_expunge():
    """The same with COPY, \\Deleted and UID EXPUNGE, where a crash could leave two."""
    kill_in_the_middle("IMAP4rev1 IDLE UIDPLUS", 3)
    kill_in_the_middle("IMAP4rev1 IDLE UIDPLUS", 4)


def where_is(mail):
    """{number: [file]} over all mboxes of the directory, each mail whole."""
    out = {}
    for name in ("inbox", "Trash", "Archive"):
        path = os.path.join(mail, name)
        data = open(path, "rb").read() if os.path.exists(path) else b""
        for part in re.split(rb"(?:\A|(?<=\n\n))From MAILER-DAEMON [^\n]*\n", data)[1:]:
            n = int(re.search(rb"Message-ID: <m\.(\d+)@", part).group(1))
            text = re.sub(rb"(?m)^(X-)?Status:[^\n]*\n", b"", part)
            assert text.rstrip(b"\n") == pop3_mail(n).replace(b"\r\n", b"\n").rstrip(b"\n"), (name, n, part)
            out.setdefault(n, []).append(name)
    return out


def pop3_mail(n):
    return mails.raw(n, subject=f"subject-{n:03}", words=40 + n % 5 * 400)


def test_kill_pop3_triage():
    """Killed while mail comes in by POP3 (and goes from the server) and is deleted and archived: all of it is here, once,
    and where it was put. DUNLIN_KILLS=200 for as many."""
    n_kills, rnd = int(os.environ.get("DUNLIN_KILLS", "8")), random.Random(7)
    with Dovecot() as d, Home() as home:
        mail, put, n = home.path("mail"), {}, 0
        home.account(d.ports["pop3"], name="home", scheme="pop3+insecure", more=f"mbox = {mail}\nkeep = no\ncheck-every = 10s")
        for turn in range(n_kills + 1):
            new = list(range(n, n + 4 + rnd.randrange(12)))
            n = new[-1] + 1
            d.fill([pop3_mail(i) for i in new])
            with home.screen(cols=90, rows=60) as screen:
                if turn == n_kills:
                    screen.wait(f"subject-{n - 1:03}", 30)
                    break
                if turn > 0:
                    screen.wait(re.compile("subject-"))
                for _ in range(rnd.randrange(1, 6)):
                    on_top = re.search(r"subject-(\d+)", screen.text())
                    if not on_top:
                        break
                    key, to = rnd.choice([("d", "Trash"), ("a", "Archive")])
                    screen.keys("gg")
                    top = int(re.search(r"subject-(\d+)", screen.text()).group(1))
                    screen.keys(key)
                    try:
                        screen.gone(f"subject-{top:03}", 3)
                    except AssertionError:
                        break               # new mail came on top of it at this moment
                    put[top] = to
                time.sleep(rnd.random() * 0.5)
                os.kill(screen.pid(), signal.SIGKILL)
        r = home.run("sync")
        assert r.returncode == 0, r
        found = where_is(mail)
        assert sorted(found) == list(range(n)), sorted(set(range(n)) - set(found))
        assert not [(i, w) for i, w in found.items() if len(w) != 1], found
        wrong = {i: (to, found[i]) for i, to in put.items() if found[i] != [to]}
        assert not wrong, wrong
        c = d.pop3()
        assert c.stat()[0] == 0, c.stat()
        c.quit()
        print(f"{n} mails, {n_kills} kills, {len(put)} put away")
