"""Moves and copies from one account to another: IMAP to IMAP, to local files, and back."""
import os
import random
import signal
import subprocess
import time

from rig import census, mails
from rig.dovecot import PASSWORD, Dovecot
from rig.home import PROGRAM, Home
from rig.proxy import Proxy
from rig.waiting import until

N = 8


def accounts(home, work, other):
    home.write_rc("\n".join(
        f"[account {name}]\nfrom = Ada <ada@localhost>\nreceive = imap+insecure://{user}@127.0.0.1:{port}\n"
        f"password-command = echo {PASSWORD}\n" for name, user, port in
        (("work", "ada", work), ("other", "bob", other))) +
        f"\n[account files]\nfrom = Ada <ada@localhost>\nreceive = mbox:{home.path('mail')}\n")


def fill(d):
    d.fill([mails.raw(i, subject=f"subject-{i:03}", words=9) for i in range(N)], flags="\\Flagged")
    d.imap("bob").logout()


def numbers(d, folder, user):
    return sorted(census.number(r[1]) for r in census.undeleted(census.server(d, user)).get(folder, []))


def local(home, name="inbox"):
    path = home.path("mail", name)
    if not os.path.exists(path):
        return []
    with open(path) as f:
        return sorted(int(line.split("subject-")[1]) for line in f if line.startswith("Subject: "))


def open_work(home):
    """All accounts known, the inbox of work on the screen."""
    assert home.run("sync").returncode == 0
    s = home.screen(cols=100, rows=30)
    s.wait("subject-007")
    s.keys("c", "work/INBOX", "Enter")
    s.wait("work/INBOX")
    return s


def test_move_copy_and_undo():
    with Dovecot() as d, Home() as home:
        fill(d)
        accounts(home, d.ports["imap"], d.ports["imap"])
        with open_work(home) as s:
            s.keys("t", "t", ";", "s", "other/Archive", "Enter")        # 7, 6
            s.gone("subject-007")
            until(lambda: numbers(d, "Archive", "bob") == [6, 7], lambda: census.intents(home))
            until(lambda: numbers(d, "INBOX", "ada") == list(range(6)), lambda: census.intents(home))
            s.keys("C", "other/INBOX", "Enter")                         # 5
            until(lambda: numbers(d, "INBOX", "bob") == [5], lambda: census.intents(home))
            s.keys("s", "files/INBOX", "Enter")                         # 5
            s.gone("subject-005")
            until(lambda: local(home) == [5], lambda: census.intents(home))
            until(lambda: numbers(d, "INBOX", "ada") == list(range(5)), lambda: census.intents(home))
            rows = census.server(d, "bob")
            assert all("\\Flagged" in r[2] for r in rows["Archive"]), rows
            s.keys("u")                                                 # 5 comes back from the files
            until(lambda: numbers(d, "INBOX", "ada") == list(range(6)), lambda: census.intents(home))
            until(lambda: local(home) == [], lambda: local(home))
            s.keys("u")                                                 # the copy goes
            until(lambda: numbers(d, "INBOX", "bob") == [], lambda: census.intents(home))
            s.keys("u")                                                 # 7 and 6 come back
            until(lambda: numbers(d, "INBOX", "ada") == list(range(8)), lambda: census.intents(home))
            until(lambda: numbers(d, "Archive", "bob") == [], lambda: census.intents(home))
            s.wait("subject-007")
            s.keys("q", "q")
            s.wait("[exit")
        states = [i[0] for i in census.intents(home)]
        assert not {0, 1, 3} & set(states), census.intents(home)


def test_undo_while_the_other_is_away():
    """Hidden at once, back at once, and the other server never hears of it."""
    with Dovecot() as d, Home() as home, Proxy(d.ports["imap"]) as link:
        fill(d)
        accounts(home, d.ports["imap"], link.port)
        assert home.run("sync").returncode == 0
        link.refuse = True
        link.cut()
        with home.screen(cols=100, rows=30) as s:
            s.wait("subject-007")
            s.keys("c", "work/INBOX", "Enter")
            s.wait("work/INBOX")
            s.keys("s", "other/INBOX", "Enter")
            s.gone("subject-007")
            s.wait("1 pending")
            time.sleep(1.0)                     # fetched by now
            s.keys("u")
            s.wait("subject-007")
            link.refuse = False
            s.keys("q", "q")
            s.wait("[exit")
        home.run("sync")
        assert numbers(d, "INBOX", "ada") == list(range(N)) and numbers(d, "INBOX", "bob") == []


def test_refused_by_the_other():
    """The other server takes nothing: the message returns, with its words."""
    quota = """
mail_plugins = $mail_plugins quota
plugin {
  quota = maildir:User quota
  quota_rule = *:bytes=1
}
"""
    with Dovecot() as d, Dovecot(extra=quota) as full, Home() as home:
        fill(d)
        accounts(home, d.ports["imap"], full.ports["imap"])
        with open_work(home) as s:
            s.keys("s", "other/INBOX", "Enter")
            s.wait("could not be stored in INBOX: [OVERQUOTA]", 15)
            s.wait("subject-007")
            s.keys("q", "q")
            s.wait("[exit")
        assert numbers(d, "INBOX", "ada") == list(range(N))


def test_killed_and_cut_anywhere():
    """Killed at any moment, and the links cut: in the end every message is in one account, once."""
    rnd = random.Random()
    with Dovecot() as d, Home() as home, Proxy(d.ports["imap"]) as a, Proxy(d.ports["imap"]) as b:
        fill(d)
        accounts(home, a.port, b.port)
        assert home.run("sync").returncode == 0
        a.refuse = b.refuse = True
        with home.screen(cols=100, rows=30) as s:
            s.wait("subject-007")
            s.keys("c", "work/INBOX", "Enter")
            s.wait("work/INBOX")
            s.keys("t", "t", "t", "t", ";", "s", "other/Archive", "Enter")
            s.gone("subject-004")
            s.keys("q", "q")
            s.wait("[exit")
        a.refuse = b.refuse = False
        for i in range(14):
            if i % 2:
                link = rnd.choice((a, b))
                link.cut_once, link.cut_after = True, link.n_down + rnd.randrange(200, 5000)
            p = subprocess.Popen([PROGRAM, "sync"], env=dict(os.environ, **home.env()),
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(rnd.uniform(0.05, 0.9))
            p.send_signal(signal.SIGKILL)
            p.wait()
        a.cut_after = b.cut_after = None
        for _ in range(4):
            p = home.run("sync", timeout=60)
            if p.returncode == 0 and not {0, 1} & {i[0] for i in census.intents(home)}:
                break
        assert numbers(d, "INBOX", "ada") == [0, 1, 2, 3], (numbers(d, "INBOX", "ada"), p.stdout)
        assert numbers(d, "Archive", "bob") == [4, 5, 6, 7], (numbers(d, "Archive", "bob"), p.stdout)
