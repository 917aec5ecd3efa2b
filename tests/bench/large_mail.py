#!/usr/bin/env python3
"""How long a key waits while a large attachment is attached, looked at, sent, taken back and forwarded.

    python3 tests/bench/large_mail.py [MB] [PROGRAM...]     from the top directory; 50 MB, ./dunlin

Several programs are measured in turn, three rounds of each. Printed for each step: the longest answer to a key
pressed all the while (ms), how long the step took (s), and the peak of memory so far (MB)."""
import base64
import os
import shutil
import sqlite3
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from rig.home import ROOT, Home                         # noqa: E402
from rig.terminal import Terminal                       # noqa: E402


def message(n_bytes):
    lines = base64.encodebytes(os.urandom(n_bytes))
    return (b"From eve@example.org Mon Jan  5 10:00:00 2026\nFrom: Eve <eve@example.org>\nTo: ada@localhost\n"
            b"Subject: the-large-one\nDate: Mon, 5 Jan 2026 10:00:00 +0000\nMessage-ID: <large@example.org>\n"
            b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nhello\n\n"
            b"--b\nContent-Type: application/octet-stream\nContent-Disposition: attachment; filename=big.bin\n"
            b"Content-Transfer-Encoding: base64\n\n" + lines + b"\n--b--\n\n")


class Session:
    def __init__(self, program, mb):
        self.home = Home()
        self.file = self.home.path("big.bin")
        with open(self.file, "wb") as f:
            f.write(os.urandom(mb << 20))
        os.makedirs(self.home.path("mail"))
        with open(self.home.path("mail/inbox"), "wb") as f:
            f.write(message(mb << 20))
        editor = self.home.path("editor")
        with open(editor, "w") as f:
            f.write("#!/bin/sh\n[ -s \"$1\" ] || echo some text > \"$1\"\n")
        os.chmod(editor, 0o755)
        self.home.write_rc(f"[mail]\neditor = {editor}\nundo-send = 60s\n[account work]\nfrom = Ada <ada@localhost>\n"
                           f"receive = mbox:{self.home.path('mail')}\nsend = smtp+insecure://127.0.0.1:9\n")
        self.t = Terminal([program], env=self.home.env())
        self.t.wait("the-large-one")
        self.t.settle(0.5)

    def step(self, name, keys, until, press=b"?q"):
        """Types keys, and presses others, each of which changes something, until the text stands there, or until() says so."""
        self.t.seen = b""
        start, worst, i = time.monotonic(), 0.0, 0
        os.write(self.t.fd, keys.encode())
        is_over = until if callable(until) else lambda: until.encode() in self.t.seen
        while not is_over():
            sent = time.monotonic()
            os.write(self.t.fd, press[i % 2:i % 2 + 1])
            self.t.read(5.0)
            worst = max(worst, time.monotonic() - sent)
            self.t.read(0.005)
            i += 1
            assert time.monotonic() - start < 60, self.t.seen[-800:]
        took = time.monotonic() - start
        if i % 2:
            os.write(self.t.fd, press[1:])
        self.t.settle(0.2)
        return name, worst * 1000, took, self.t.peak_kb() / 1024

    def type(self, keys, until):
        self.t.seen = b""
        os.write(self.t.fd, keys.encode())
        self.t.wait(until)
        self.t.settle(0.2)

    def outbox(self):
        db = sqlite3.connect(self.home.path("data/dunlin/dunlin.db"))
        try:
            return db.execute("SELECT count(*) FROM outbox").fetchone()[0]
        finally:
            db.close()

    def close(self):
        self.t.kill()
        shutil.rmtree(self.home.dir, ignore_errors=True)


def measure(program, mb):
    s = Session(program, mb)
    rows = []
    s.type("m", ":")
    s.type("bob@example.net\r", "Subject:")
    s.type("large\r", "some text")
    s.type("jjjj", "")
    rows.append(s.step("attach", f"a{s.file}\r", "big.bin  ", b"kj"))
    rows.append(s.step("preview", "p", "q goes back", b"kj"))
    s.type("q", "y sends")
    rows.append(s.step("send", "y", "the-large-one", b"kj"))
    rows.append(s.step("undo", "u", "y sends"))
    s.type("q", "kept as a draft")
    rows.append(s.step("forward", "f", "big.bin  "))
    s.t.settle(0.5)
    s.type("qy", "thrown away")
    rows.append(s.step("forward whole", "gf", ".eml"))
    s.t.settle(0.5)
    s.type("qy", "thrown away")
    s.type("b", "ounce")
    s.type("bob@example.net\r", "(y")
    rows.append(s.step("bounce", "y", lambda: s.outbox() > 0))
    s.close()
    return rows


def main():
    mb = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    programs = sys.argv[2:] or [os.path.join(ROOT, "dunlin")]
    for i in range(3):
        for p in programs:
            print(f"{p}, {mb} MB, round {i + 1}, load {os.getloadavg()[0]:.1f}")
            for name, worst, took, peak in measure(os.path.abspath(p), mb):
                print(f"  {name:14} longest answer {worst:7.1f} ms, took {took:5.2f} s, peak {peak:6.1f} MB")


if __name__ == "__main__":
    main()
