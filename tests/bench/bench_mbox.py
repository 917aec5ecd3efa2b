#!/usr/bin/env python3
"""Figures for mbox files: python3 tests/bench/bench_mbox.py [N] [BODY_BYTES]     (release build)

Makes an mbox of N messages (100000 of 9.3 KB: 0.93 GB) in TMPDIR, in the page cache, and
times what a person waits for: the newest page without an index and with one, the whole index, 1,000
messages marked, 1,000 deleted. Beside it, a bare scan for lines, a copy, and mutt where it is installed."""
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from rig import mails                                   # noqa: E402
from rig.home import PROGRAM, Home                      # noqa: E402
from rig.terminal import Terminal                       # noqa: E402


def make(path, n, body_bytes):
    lines = [(" ".join(mails.WORDS[(i + k) % len(mails.WORDS)] for k in range(11)) + "\n").encode()
             for i in range(100)]
    with open(path, "wb", 1 << 20) as f:
        for i in range(n):
            when, m = mails.small(i)
            date = time.strftime("%a %b %d %H:%M:%S %Y", time.gmtime(when)).encode()
            f.write(b"From x@example.org " + date + b"\n" + m.replace(b"\r\n", b"\n") +
                    b"".join(lines[(i * 7 + k) % 100] for k in range(body_bytes // 60)) + b"\n")


def bare_scan(path):
    start = time.monotonic()
    subprocess.run(["wc", "-l", path], check=True, capture_output=True)
    return time.monotonic() - start


def copy(path):
    start = time.monotonic()
    with open(path, "rb") as a, open(path + ".copy", "wb") as b:
        shutil.copyfileobj(a, b, 1 << 20)
        os.fsync(b.fileno())
    os.unlink(path + ".copy")
    return time.monotonic() - start


def until_quiet(t, limit=600):
    """When the last byte was written before two seconds of silence: the index is whole."""
    end = time.monotonic() + limit
    last = time.monotonic()
    while time.monotonic() < end and t.read(2.0):
        last = time.monotonic()
    return last


def dunlin(path, n, figures):
    with Home() as home:
        newest = f"Number {n - 1} of many"
        start = time.monotonic()
        t = Terminal([PROGRAM, "-f", path], env=home.env())
        t.wait(newest, 60)
        figures["newest page, no index"] = time.monotonic() - start
        figures["whole index"] = until_quiet(t) - start
        figures["peak memory, MB"] = t.peak_kb() / 1024
        os.write(t.fd, b"q")
        t.join(5)
        start = time.monotonic()
        t = Terminal([PROGRAM, "-f", path], env=home.env())
        t.wait(newest, 60)
        figures["reopened"] = time.monotonic() - start
        os.write(t.fd, b"q")
        t.join(5)


def mutt(path, n, figures):
    if not shutil.which("mutt"):
        return
    start = time.monotonic()
    t = Terminal([shutil.which("mutt"), "-n", "-F", "/dev/null", "-R", "-f", path])
    t.wait(f"Number {n - 1} of", 120)
    figures["mutt: newest page"] = time.monotonic() - start
    figures["mutt: peak memory, MB"] = t.peak_kb() / 1024
    t.kill()


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 100000
    body_bytes = int(sys.argv[2]) if len(sys.argv) > 2 else 9000
    figures = {}
    with tempfile.TemporaryDirectory(prefix="dunlin-bench-") as d:
        path = os.path.join(d, "big")
        make(path, n, body_bytes)
        print(f"{n} messages, {os.path.getsize(path) / 1e9:.2f} GB")
        bare_scan(path)
        figures["bare line scan (wc -l)"] = bare_scan(path)
        figures["copy and fsync"] = copy(path)
        dunlin(path, n, figures)
        mutt(path, n, figures)
        run = os.path.join(os.path.dirname(PROGRAM), "build/release/bench/bench_local")
        if os.access(run, os.X_OK):
            print(subprocess.run([run, path], capture_output=True, text=True).stdout)
    for what, value in figures.items():
        print(f"{what:30} {value:8.3f}")


if __name__ == "__main__":
    main()
