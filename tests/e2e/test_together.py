"""Two Dunlins and a program that delivers, all at work on the same mbox files: nothing is lost, nothing doubled, and
all of it is on the screens afterwards.

DUNLIN_TOGETHER_S: for how long (5 s; a minute in `make together`)."""
import fcntl
import os
import random
import re
import threading
import time

from rig import mails
from rig.home import Home
from rig.waiting import until

SECONDS = float(os.environ.get("DUNLIN_TOGETHER_S", "5"))
FIRST = 25


def message(n):
    return mails.raw(n, subject=f"subject-{n}", words=30 + n % 7 * 80).replace(b"\r\n", b"\n")


class Deliverer(threading.Thread):
    """As procmail does it: dotlock, fcntl, append."""

    def __init__(self, path):
        super().__init__()
        self.path, self.n, self.goes_on, self.failure = path, FIRST, True, None

    def deliver(self, n):
        lock = self.path + ".lock"
        while True:
            try:
                os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                break
            except FileExistsError:
                time.sleep(0.01)
        try:
            with open(self.path, "ab") as f:
                fcntl.lockf(f, fcntl.LOCK_EX)
                text = re.sub(rb"(?m)^(>*From )", rb">\1", message(n))
                f.write(b"From deliverer@x Thu Jan  1 00:00:01 2026\n" + text + b"\n")
        finally:
            os.unlink(lock)

    def run(self):
        try:
            while self.goes_on:
                self.deliver(self.n)
                self.n += 1
                time.sleep(0.05)
        except Exception as e:
            self.failure = e


def census(mail):
    """{number: (file, flags)}; asserts that each stands once and whole, and that nothing else stands there."""
    out = {}
    for name in sorted(os.listdir(mail)):
        if name.startswith(".") or name.endswith(".lock"):
            continue
        data = open(os.path.join(mail, name), "rb").read()
        parts = re.split(rb"(?:\A|(?<=\n\n))From [^\n]*\n", data)
        assert parts[0] == b"", (name, parts[0][:200])
        for part in parts[1:]:
            head, empty, body = part.partition(b"\n\n")
            flags = b"".join(re.findall(rb"(?m)^(?:X-)?Status: *([^\n]*)", head)).replace(b" ", b"")
            assert not flags.strip(b"ROAFDT"), (name, flags)
            assert len(flags) == len(set(flags)), (name, flags)
            head = re.sub(rb"\n(X-)?Status:[^\n]*", b"", b"\n" + head)[1:]
            text = re.sub(rb"(?m)^>(>*From )", rb"\1", head + empty + body)
            n = int(re.search(r"\.(\d+)@", text.decode(errors="replace")).group(1))
            assert text.rstrip(b"\n") == message(n).rstrip(b"\n"), (name, n, text[-300:])
            assert n not in out, f"{n} stands in {out[n][0]} and in {name}"
            out[n] = (name, flags.decode())
    return out


def press(screens, rnd, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        s = rnd.choice(screens)
        for key in rnd.choice([["d"], ["gg", "d"], ["F"], ["j", "F"], ["G", "F"], ["u"], ["a"], ["k", "a"], ["j"],
                               ["gg"], ["G", "a"]]):
            s.keys(key)
        time.sleep(rnd.random() * 0.1)


def shows(screen, inbox):
    """As many as the file has."""
    title = re.search(r"INBOX +(\d+)", screen.text())
    with open(inbox, "rb") as f:
        return bool(title) and int(title[1]) == len(re.findall(rb"(?m)^Message-ID:", f.read()))


def together(homes, seed):
    mail = homes[0].path("Mail")
    inbox = os.path.join(mail, "inbox")
    os.makedirs(mail)
    for n in range(FIRST):
        Deliverer(inbox).deliver(n)
    for home in set(homes):
        home.write_rc(f"[account files]\nfrom = Ada <ada@localhost>\nreceive = mbox:{mail}\n")
    deliverer = Deliverer(inbox)
    screens = [h.screen(cols=100, rows=40) for h in homes]
    try:
        for s in screens:
            s.wait("subject-")
        deliverer.start()
        press(screens, random.Random(seed), SECONDS)
        deliverer.goes_on = False
        deliverer.join()
        assert not deliverer.failure, deliverer.failure
        until(lambda: all(shows(s, inbox) for s in screens),
              lambda: "\n".join(s.text() for s in screens) + str({k: v[0] for k, v in census(mail).items()}))
        for s in screens:
            s.keys("Escape", "Escape", "q", "q")
            s.wait("[exit 0]")
    finally:
        deliverer.goes_on = False
        for s in screens:
            s.close()
    for home in homes:
        r = home.run("sync")
        assert r.returncode == 0, r
    found = census(mail)
    assert sorted(found) == list(range(deliverer.n)), sorted(set(range(deliverer.n)) - set(found))
    where = [name for name, _ in found.values()]
    print(f"{deliverer.n} messages, of which {len(where) - where.count('inbox')} were moved about, "
          f"{sum('F' in f for _, f in found.values())} flagged")
    assert where.count("inbox") < deliverer.n


def test_together_in_one_home():
    """One person with two terminals."""
    with Home() as home:
        together([home, home], 1)


def test_together_in_two_homes():
    """Two machines that share the mail and nothing else."""
    with Home() as a, Home() as b:
        together([a, b], 2)
