"""Keys at random, the link cut and the program killed now and then: no report of a sanitizer, keys are answered, and
no message is lost.

DUNLIN_RANDOM_S: for how long (8 s; eight minutes in `make random`). DUNLIN_SEED: which keys; else others each time.
Left out is what asks for a 'y', so that nothing may be deleted for good, and what would write or run something
outside the home."""
import os
import random
import re
import signal
import time

from rig import mails
from rig.dovecot import PASSWORD, Dovecot
from rig.home import PROGRAM, Home
from rig.proxy import Proxy
from rig.terminal import Terminal

SECONDS = float(os.environ.get("DUNLIN_RANDOM_S", "8"))
SEED = int(os.environ.get("DUNLIN_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
SLOW_S = 3.0                    # a key, with sanitizers on a busy machine

ARROWS = ["\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[5~", "\x1b[6~", "\x1b[H", "\x1b[F", "\x1b[Z"]
PLAIN = [c for c in map(chr, range(33, 127)) if c not in "/~|yYQ"]
CONTROL = [chr(c) for c in range(1, 27) if chr(c) not in "\x1a\x11\x13"]        # no suspending, no flow control
ODD = ["ä", "字", "👍🏽", "\u0301", "\x1b[200~pasted\ttext\x1b[201~", "\x1b[<0;10;5M", "\x1b[<65;10;5M", "\x1bq", "\x7f"]
LINES = ["l is:unread\r", "l subject-1 OR from:bob\r", "l body:word\r", "l (\r", "/subject-3\r", "\x1bt-is:flagged\r", ";d", ";F", ";a",
         "sArchive\r", "sMade\r", "CArchive\r", "shome/Archive\r", ";swork/Archive\r", "cINBOX\r", "chome/inbox\r", "cArchive\r", "cTrash\r",
         "u", "uu", "uuuuu", "gt", "gN", "Z", "T;d", "osize\r", "o-date\r", "mbob@localhost\r", ":send\r", "P", "r", "R", "f", "ge", "gd", "go", "\x1b\x1b\x1bq",
         ":folders\r", "+made\r", "v", "h", "H", "?", "$", "gr", ":sync\r", ":to bob@localhost, eve@localhost\r", ":attach mailrc\r", "d", "d", "dddddd", "F", "N",
         "a", "j", "j", "kk", "\r", " ", "  ", "J", "K", "\t", "!", "t", "tjtjtj", "bbob@localhost\r", "ga", ":unalias x\r", "\x0c"]
EDITOR = """#!/bin/bash
case $((RANDOM % 6)) in
0) exit 1 ;;
1) : > "$1" ;;
2) printf 'To: bob@localhost\\nSubject: made up\\n\\ntext %d\\n' $RANDOM > "$1" ;;
*) echo "more text, see the attached file" >> "$1" ;;
esac
"""


class Session:
    def __init__(self, dovecot, home, proxies):
        self.dovecot, self.home, self.proxies = dovecot, home, proxies
        for name, text in (("editor", EDITOR), ("sendmail", "#!/bin/sh\nexec /bin/cat > /dev/null\n")):
            with open(home.path(name), "w") as f:
                f.write(text)
            os.chmod(home.path(name), 0o755)
        sendmail = f"sendmail = {home.path('sendmail')}"
        home.write_rc(
            f"[mail]\neditor = {home.path('editor')}\nundo-send = 2s\ntimeout = 5s\nbrowser = true\n"
            f"[keys folders]\nd =\nE =\n"
            f"[account work]\nfrom = Ada <ada@localhost>\n{sendmail}\npassword-command = echo {PASSWORD}\n"
            f"receive = imap+insecure://ada@127.0.0.1:{proxies[0].port}\n"
            f"[account home]\nfrom = Bob <bob@localhost>\n{sendmail}\npassword-command = echo {PASSWORD}\n"
            f"receive = pop3+insecure://bob@127.0.0.1:{proxies[1].port}\nmbox = {home.path('Mail')}\nkeep = no\n"
            f"check-every = 1m\n")
        self.log, self.terminal, self.n_starts, self.last = [], None, 0, b""

    def start(self):
        os.chdir(self.home.dir)
        env = self.home.env(PATH=self.home.path("bin"), SHELL="/bin/sh")
        self.terminal = Terminal([PROGRAM], env=env, cols=100, rows=30)
        self.n_starts += 1
        self.terminal.settle(0.3, 5)

    def has_ended(self):
        """Only by itself: killed by nobody, it ended well."""
        pid, status = os.waitpid(self.terminal.pid, os.WNOHANG)
        if not pid:
            return False
        os.close(self.terminal.fd)
        assert status == 0, f"ended with {status:#x}"
        return True

    def press(self, keys):
        self.log.append(keys)
        os.write(self.terminal.fd, keys.encode())
        self.terminal.read(0)

    def must_answer(self):
        """^L draws everything anew, where no question is open."""
        t = self.terminal
        self.last = t.seen[-3000:]
        try:
            os.write(t.fd, b"\x1b\x1b\x1b\x1b")
            t.settle(0.2, 2)
            t.seen = b""
            os.write(t.fd, b"\x0c")
            end = time.monotonic() + SLOW_S
            while not t.seen and time.monotonic() < end:
                t.read(0.05)
        except OSError:
            pass
        return bool(t.seen) or self.has_ended()


def one_step(s, rnd):
    r = rnd.random()
    if r < 0.45:
        s.press(rnd.choice(LINES))
    elif r < 0.70:
        s.press("".join(rnd.choice(PLAIN) for _ in range(rnd.randrange(1, 4))))
    elif r < 0.80:
        s.press(rnd.choice(ARROWS + CONTROL + ODD))
    elif r < 0.95:
        s.press("\x1b\x1b\x1b")
    elif r < 0.955:
        for p in s.proxies:
            p.cut()
    elif r < 0.96:
        rnd.choice(s.proxies).stalled ^= True
    elif r < 0.965:
        s.log.append("(kill -9)")
        s.terminal.kill(signal.SIGKILL)
        return False
    return True


def resize(s, rnd):
    import fcntl
    import struct
    import termios
    rows, cols = rnd.choice([(24, 80), (40, 120), (12, 40), (1, 1), (3, 9), (30, 100), (60, 200)])
    fcntl.ioctl(s.terminal.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))


def play(s, rnd):
    end = time.monotonic() + SECONDS
    n = 0
    s.start()
    while time.monotonic() < end:
        try:
            is_running = one_step(s, rnd)
        except OSError:                 # it has ended meanwhile
            is_running = False
            for _ in range(100):
                if s.has_ended():
                    break
                time.sleep(0.05)
            else:
                raise AssertionError("closed its terminal, and goes on")
        n += 1
        if is_running and n % 10 == 0:
            resize(s, rnd) if rnd.random() < 0.1 else None
            assert s.must_answer(), f"no answer to ^L within {SLOW_S} s"
            is_running = os.path.exists(f"/proc/{s.terminal.pid}/fd/0")
        if not is_running:
            s.start()
        time.sleep(rnd.choice([0, 0, 0.01, 0.05]))
    return n


def ids_of_mbox(directory):
    ids = []
    for name in os.listdir(directory):
        if not name.startswith(".") and not name.endswith(".lock"):
            with open(os.path.join(directory, name), "rb") as f:
                ids += re.findall(rb"(?im)^Message-ID: *<([^>]*)>", f.read())
    return [i.decode(errors="replace") for i in ids]


def census(dovecot, home):
    ids = [i for name in dovecot.folders() for i, _ in dovecot.census(name)]
    c = dovecot.pop3("bob")
    for n in range(1, c.stat()[0] + 1):
        ids += re.findall(r"(?im)^Message-ID: *<([^>]*)>", b"\n".join(c.top(n, 0)[1]).decode())
    c.quit()
    return ids + ids_of_mbox(home.path("Mail"))


def test_keys_at_random():
    rnd = random.Random(SEED)
    before = os.getcwd()
    with Dovecot() as d, Home() as home, Proxy(d.ports["imap"]) as a, Proxy(d.ports["pop3"]) as b:
        first = [mails.raw(i, subject=f"subject-{i}", words=20) for i in range(60)]
        d.fill(first[:30])
        d.fill(first[30:40], folder="Made")
        d.fill(first[40:], user="bob")
        wanted = sorted(re.search(rb"(?i)Message-ID: *<([^>]*)>", m).group(1).decode() for m in first)
        s = Session(d, home, (a, b))
        try:
            n = play(s, rnd)
            for p in s.proxies:
                p.stalled = False
            s.terminal.kill(signal.SIGKILL)
            for _ in range(3):
                r = home.run("sync", timeout=120)
            assert r.returncode in (0, 1), (r.returncode, r.stderr)
            have = census(d, home)
            lost = [i for i in wanted if i not in have]
            assert not lost, f"lost: {lost}"
            print(f"{n} steps, {s.n_starts} starts; {len(have)} messages of {len(set(have))} ids; seed {SEED}")
        except BaseException:
            print(f"DUNLIN_SEED={SEED}; the last keys: {s.log[-60:]}; what was written: {s.last!r}")
            raise
        finally:
            os.chdir(before)
