"""Large attachments: attached, looked at, sent and forwarded beside the keys; stopped, killed, and nothing lost."""
import base64
import os
import random
import signal
import sqlite3
import time

from rig.home import RELEASE, Home
from rig.run import long, measures
from rig.terminal import Terminal

MB = 40
# The promise is 50 ms; a loaded machine writing 40 MB gets three rounds, and twice that.
LIMIT, ROUNDS = 0.1, 5


def message(data):
    return (b"From eve@example.org Mon Jan  5 10:00:00 2026\nFrom: Eve <eve@example.org>\nTo: ada@localhost\n"
            b"Subject: the-large-one\nDate: Mon, 5 Jan 2026 10:00:00 +0000\nMessage-ID: <large@example.org>\n"
            b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nhello\n\n"
            b"--b\nContent-Type: application/octet-stream\nContent-Disposition: attachment; filename=big.bin\n"
            b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(data) + b"\n--b--\n\n")


class Session:
    """A local account whose server is not there, an editor that writes a line, and a large file."""

    def __init__(self, mb=MB):
        self.home = Home()
        self.data = os.urandom(1 << 20) * mb
        self.file = self.home.path("big.bin")
        with open(self.file, "wb") as f:
            f.write(self.data)
        os.makedirs(self.home.path("mail"))
        with open(self.home.path("mail/inbox"), "wb") as f:
            f.write(message(self.data))
        editor = self.home.path("editor")
        with open(editor, "w") as f:
            f.write("#!/bin/sh\n[ -s \"$1\" ] || echo some text > \"$1\"\n")
        os.chmod(editor, 0o755)
        self.home.write_rc(f"[mail]\neditor = {editor}\nundo-send = 600s\n[account work]\n"
                           f"from = Ada <ada@localhost>\nreceive = mbox:{self.home.path('mail')}\n"
                           "send = smtp+insecure://127.0.0.1:9\n")
        self.start()

    def start(self):
        self.t = Terminal([RELEASE], env=self.home.env())
        self.t.wait("the-large-one")
        self.t.settle(0.3)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.t.kill()
        else:
            print(self.t.seen[-1500:])
        self.home.__exit__(kind)

    def type(self, keys, until):
        self.t.seen = b""
        os.write(self.t.fd, keys.encode())
        self.t.wait(until)
        self.t.settle(0.1)

    def write(self):
        self.type("m", ":")
        self.type("bob@example.net\r", "Subject:")
        self.type("large\r", "some text")

    def worst(self, keys, until, press=b"kj", shown=None):
        """Types keys; the longest that others waited for an answer until the text stands there."""
        self.t.seen = b""
        os.write(self.t.fd, keys.encode())
        if shown:
            self.t.wait(shown)
        worst, end, i = 0.0, time.monotonic() + 60, 0
        while until.encode() not in self.t.seen:
            start = time.monotonic()
            os.write(self.t.fd, press[i % 2:i % 2 + 1])
            self.t.read(5.0)
            worst = max(worst, time.monotonic() - start)
            self.t.read(0.005)
            assert time.monotonic() < end, f"{until} was not shown"
            i += 1
        if i % 2:
            os.write(self.t.fd, press[1:])
        self.t.settle(0.1)
        return worst

    def outbox(self):
        db = sqlite3.connect(self.home.path("data/dunlin/dunlin.db"))
        try:
            return db.execute("SELECT message_id, size, file FROM outbox").fetchall()
        finally:
            db.close()

    def drafts(self):
        """Header fields of each draft, by its number."""
        d, found = self.home.path("data/dunlin/drafts"), {}
        for n in os.listdir(d) if os.path.isdir(d) else []:
            if n.isdigit():
                with open(os.path.join(d, n), errors="replace") as f:
                    head = f.read().split("\n\n")[0].splitlines()[1:]
                found[n] = dict(l.split(": ", 1) for l in head)
        return found


@measures
def test_keys_are_answered_while_it_is_attached_looked_at_and_sent():
    best = {}
    for _ in range(ROUNDS):
        with Session() as s:
            s.write()
            s.type("jjjj", "")
            rounds = {"attach": s.worst(f"a{s.file}\r", "big.bin  "), "preview": s.worst("p", "q goes back", shown="building the message; Esc stops it")}
            s.type("q", "y sends")
            rounds["send"] = s.worst("y", "the-large-one")
            assert len(s.outbox()) == 1
            peak = s.t.peak_kb()
        for name, t in rounds.items():
            best[name] = min(t, best.get(name, 9))
        print(rounds, f"peak {peak / 1024:.0f} MB")
        # once encoded, and what the program itself needs; it was five times
        assert peak < (MB * 2 + 30) * 1024, peak
        if max(best.values()) < LIMIT:
            return
    assert max(best.values()) < LIMIT, best


def test_forwarded_with_its_attachment():
    """Parts of a message too large to be taken apart between two keys go along all the same."""
    with Session(mb=8) as s:
        s.type("f", "big.bin  ")
        s.type("tbob@example.net\r", "bob@example.net")
        s.type("y", "goes out in")
        [(_, size, file)] = s.outbox()
        with open(s.home.path("data/dunlin/uploads", file), "rb") as f:
            raw = f.read()
        assert len(raw) == size
        encoded = raw.rsplit(b"Content-Transfer-Encoding: base64\r\n\r\n", 1)[1].split(b"--=_")[0]
        assert base64.b64decode(encoded) == s.data
        s.type("u", "taken back")
        assert s.outbox() == [] and not os.path.exists(s.home.path("data/dunlin/uploads", file))


def test_stopped():
    """Esc while it is attached leaves the draft without it; while it is built, unsent."""
    with Session(mb=100) as s:
        s.write()
        s.type(f"a{s.file}\r\x1b", "not attached")
        assert "File" not in list(s.drafts().values())[0]
        s.type(f"a{s.file}\r", "big.bin  ")
        s.type("y\x1b", "it was not sent")
        assert s.outbox() == [] and len(s.drafts()) == 1
        assert "File" in list(s.drafts().values())[0]


@long
def test_killed_in_the_middle():
    """kill -9 at any time behind `y`: a draft, or the whole mail in the outbox with its draft unseen beside it."""
    rng = random.Random(5)
    with Session(mb=20) as s:
        n_sent = 0
        for i in range(int(os.environ.get("DUNLIN_KILLS", "6"))):
            s.write()
            s.type(f"a{s.file}\r", "big.bin  ")
            os.write(s.t.fd, b"y")
            s.t.read(0)
            time.sleep(rng.random() * 0.35 * (i % 3))
            s.t.kill(signal.SIGKILL)
            mails, drafts = s.outbox(), s.drafts()
            assert len(drafts) == i + 1, drafts
            named = [d.get("Message-ID") for d in drafts.values()]
            for message_id, size, file in mails:
                assert named.count(message_id) == 1, (message_id, named)
                assert os.path.getsize(s.home.path("data/dunlin/uploads", file)) == size
            n_sent = len(mails)
            s.start()
            s.t.seen = b""
            os.write(s.t.fd, b"gd")
            s.t.settle(0.4)
            n_shown = s.t.seen.count(b"bob@example.net")
            assert n_shown == len(drafts) - n_sent, (n_shown, n_sent, drafts)
            s.type("q", "the-large-one")
        print(f"{n_sent} of {i + 1} were in the outbox")
