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
