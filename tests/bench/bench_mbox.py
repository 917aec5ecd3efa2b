#!/usr/bin/env python3
"""Figures for mbox files: python3 tests/bench/bench_mbox.py [N [BODY_BYTES]]     (after make dunlin bench-build)

What a person waits for in an mbox of 100,000 messages and 1 GB, and in one of 1,000,000 short
messages (or in one of N messages alone), made in TMPDIR and read once, so that they are in the page cache: the
newest page without an index, the whole index, the newest page again, keys meanwhile, memory; 1,000
messages marked, 1,000 deleted. Beside it, in the same minutes, what they are measured by: a bare scan for
lines, a copy, and mutt, neomutt and alpine where they are installed. A target, where there is one, stands
behind its figure."""
import glob
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from rig import mails                                   # noqa: E402
from rig.home import PROGRAM, ROOT, Home                # noqa: E402
from rig.terminal import Terminal                       # noqa: E402

LOCAL = os.path.join(ROOT, "build/release/bench/bench_local")


def say(what, value, unit="s", target=None):
    against = "" if target is None else f"   (target: {target:.2f})"
    print(f"  {what:44} {value:9.3f} {unit}{against}", flush=True)


def make(path, n, body_bytes):
    lines = [(" ".join(mails.WORDS[(i + k) % len(mails.WORDS)] for k in range(11)) + "\n").encode()
             for i in range(100)]
    with open(path, "wb", 1 << 20) as f:
        for i in range(n):
            when, m = mails.small(i)
            date = time.strftime("%a %b %d %H:%M:%S %Y", time.gmtime(when)).encode()
            f.write(b"From x@example.org " + date + b"\n" + m.replace(b"\r\n", b"\n") +
                    b"".join(lines[(i * 7 + k) % 100] for k in range(body_bytes // 60)) + b"\n")


def timed(run):
    start = time.monotonic()
    run()
    return time.monotonic() - start


def scan(path):
    return timed(lambda: subprocess.run(["wc", "-l", path], check=True, capture_output=True))


def copy(path, to):
    """With fsync; an older `to` is replaced by it, and its room given back."""
    def run():
        with open(path, "rb") as a, open(path + ".new", "wb") as b:
            shutil.copyfileobj(a, b, 1 << 20)
            b.flush()
            os.fsync(b.fileno())
        os.rename(path + ".new", to)
    return timed(run)


def is_whole(home):
    """Does the index hold everything? Asked of the index itself: what the screen says comes later."""
    for path in glob.glob(home.path("cache", "*", "index.db")):
        try:
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
                return bool(db.execute("SELECT 1 FROM folder WHERE is_filled AND n_msgs > 100").fetchall())
        except sqlite3.Error:
            pass
    return False


def fill(t, home, with_keys, limit=900):
    """Until the index is whole; seconds that keys took to be answered meanwhile."""
    end = time.monotonic() + limit
    keys = []
    while not is_whole(home):
        if time.monotonic() > end:
            raise SystemExit(f"no whole index after {limit} s")
        if with_keys:
            keys.append(t.time_key("jk"[len(keys) % 2]))
        t.settle(0.02, 0.05)
    return sorted(keys)


def cpu_of(t):
    with open(f"/proc/{t.pid}/stat") as f:
        return sum(int(x) for x in f.read().rsplit(")", 1)[1].split()[11:13]) / os.sysconf("SC_CLK_TCK")


def reopen(home, path, sign):
    took = []
    for _ in range(5):
        start = time.monotonic()
        t = Terminal([PROGRAM, "-f", path], env=home.env())
        t.wait(sign, 60)
        took.append(time.monotonic() - start)
        t.settle(0.3)
        os.write(t.fd, b"q")
        t.join(5)
    return sorted(took)[2]


def dunlin(path, sign, scan_s, is_timed):
    with Home() as home:
        start = time.monotonic()
        t = Terminal([PROGRAM, "-f", path], env=home.env())
        t.wait(sign, 60)
        say("newest page, no index", time.monotonic() - start, target=0.1)
        keys = fill(t, home, not is_timed)
        say("whole index", time.monotonic() - start, target=3 * scan_s + 2 if is_timed else None)
        say("  CPU until then, both threads and the screen", cpu_of(t))
        if keys:
            say(f"a key meanwhile, p99 of {len(keys)}", keys[len(keys) * 99 // 100], target=0.05)
        say("peak memory until then", t.peak_kb() / 1024, "MB", 60)
        t.settle(0.3)
        os.write(t.fd, b"q")
        t.join(10)
        say("reopened, median of 5", reopen(home, path, sign), target=0.05)


def peer(name, argv, path, sign):
    if not shutil.which(name):
        return
    with Home() as home:
        os.mkdir(home.path("Mail"))
        os.mkdir(home.path("mail"))
        start = time.monotonic()
        t = Terminal([shutil.which(name), *argv(home), "-f", path], env=home.env())
        try:
            t.wait(sign, 120)
            say(f"{name}: newest page", time.monotonic() - start)
            say(f"{name}: peak memory", t.peak_kb() / 1024, "MB")
        except AssertionError:
            print(f"  {name}: nothing to be seen after 120 s")
        t.kill()


def pinerc(home):
    with open(home.path("pinerc"), "w") as f:
        f.write("sort-key=Arrival/Reverse\nlast-version-used=99.99\nfeature-list=quit-without-confirm\n"
                "initial-keystroke-list=i\n")
    return ["-p", home.path("pinerc"), "-o"]


def peers(path, sign):
    for name in "mutt", "neomutt":
        peer(name, lambda home: ["-n", "-F", "/dev/null", "-R", "-e", "set sort=reverse-date-received"],
             path, sign)
    peer("alpine", pinerc, path, sign)


def marking(path):
    if not os.access(LOCAL, os.X_OK):
        print("  marking and deleting: make bench-build first")
        return
    say("a copy of the file, with fsync", copy(path, path + ".copy"))
    say("a copy that replaces another", copy(path, path + ".copy"))
    os.unlink(path + ".copy")
    print(subprocess.run([LOCAL, path], capture_output=True, text=True).stdout, end="", flush=True)


def bench(directory, n, body_bytes, is_timed):
    path = os.path.join(directory, f"mbox-{n}")
    make(path, n, body_bytes)
    print(f"{n} messages, {os.path.getsize(path) / 1e9:.2f} GB; load {os.getloadavg()[0]:.1f}")
    scan(path)
    scan_s = scan(path)
    say("bare line scan (wc -l)", scan_s)
    sign = f"Number {n - 1} of many"
    dunlin(path, sign, scan_s, is_timed)
    if is_timed:
        peers(path, sign)
        marking(path)
    say("bare line scan again", scan(path))
    print(f"  load {os.getloadavg()[0]:.1f}")
    os.unlink(path)


def main():
    print(f"python3 tests/bench/bench_mbox.py {' '.join(sys.argv[1:])}")
    with tempfile.TemporaryDirectory(prefix="dunlin-bench-") as d:
        if len(sys.argv) > 1:
            bench(d, int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 10500, True)
        else:
            bench(d, 100000, 10500, True)
            bench(d, 1000000, 300, False)


if __name__ == "__main__":
    main()
