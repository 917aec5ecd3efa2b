#!/usr/bin/env python3
"""Runs tests/e2e/test_*.py: every function named test_* is a test, in a process of its own.

    python3 -m rig.run [-j N] [-k WORD] [FILE...]      (from tests/)
    python3 -m rig.run --one FILE NAME                 one of them, in this process

A test fails by raising, or by taking ten minutes; it is skipped by raising Skip. One marked @long takes more
than some seconds, and begins before the others; one marked @measures asks how long the program takes, and has the
room of three. What failed is told again below the rest, each in a line, and the last line sums up."""
import argparse
import concurrent.futures
import glob
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import traceback

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, TESTS)
LIMIT_S, SKIPPED = 600, 77


class Skip(Exception):
    """Raised by a test that cannot run here; says why."""


def long(test):
    test.is_long = True
    return test


def measures(test):
    test.room = 3
    return test


class Room:
    """How many tests there is room for at once, some of them wider than others."""

    def __init__(self, n):
        self.free, self.changed = n, threading.Condition()

    def give(self, n):
        with self.changed:
            self.changed.wait_for(lambda: self.free >= n)
            self.free -= n

    def take_back(self, n):
        with self.changed:
            self.free += n
            self.changed.notify_all()


def load(path):
    name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_here(path, name):
    """The exit code that run_one understands."""
    try:
        getattr(load(path), name)()
        return 0
    except Exception as e:
        if type(e).__name__ == "Skip":
            print(e)
            return SKIPPED
        sys.stdout.flush()
        traceback.print_exc()
        return 1


def run_one(path, name, room, width):
    room.give(width)
    try:
        return run_alone(path, name)
    finally:
        room.take_back(width)


def run_alone(path, name):
    start = time.monotonic()
    # Not a pipe: a server that a failing test leaves behind would hold it open.
    with tempfile.TemporaryFile() as out:
        try:
            r = subprocess.run([sys.executable, "-m", "rig.run", "--one", os.path.abspath(path), name],
                               cwd=TESTS, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                               timeout=LIMIT_S)
            verdict, more = {0: "ok", SKIPPED: "skipped"}.get(r.returncode, "FAILED"), ""
        except subprocess.TimeoutExpired:
            verdict, more = "FAILED", f"not over after {LIMIT_S} s"
        out.seek(0)
        text = out.read().decode(errors="replace")[-8000:] + more
    return path, name, verdict, text, time.monotonic() - start


def reason(text):
    """In one line what a failed test says: what it raised, and where in its own file."""
    lines = text.splitlines()
    raised = [line for line in lines if re.match(r"[A-Za-z_.]+(Error|Exception|Expired)\b", line)]
    where = re.findall(r"test_\w+\.py\", (line \d+)", text)
    return "".join(f"{w}: " for w in where[-1:]) + (raised or lines or [""])[-1][:300]


def main():
    p = argparse.ArgumentParser()
    # Most of them wait for a server or a clock most of the time.
    p.add_argument("-j", type=int, default=max(2, (os.cpu_count() or 2) * 3 // 2))
    p.add_argument("-k", default="")
    p.add_argument("--one", action="store_true")
    p.add_argument("files", nargs="*")
    a = p.parse_args()
    if a.one:
        return run_here(*a.files)
    files = a.files or sorted(glob.glob(os.path.join(TESTS, "e2e", "test_*.py")))
    found = [(f, n, t) for f in files for n, t in vars(load(f)).items() if n.startswith("test_") and a.k in n]
    room = Room(a.j)
    jobs = [(f, n, room, min(a.j, getattr(t, "room", 1)))
            for f, n, t in sorted(found, key=lambda job: not hasattr(job[2], "is_long"))]
    count, failed = {"ok": 0, "FAILED": 0, "skipped": 0}, []
    with concurrent.futures.ThreadPoolExecutor(a.j) as pool:
        for f in concurrent.futures.as_completed([pool.submit(run_one, *j) for j in jobs]):
            path, name, verdict, text, seconds = f.result()
            count[verdict] += 1
            said = f"{os.path.basename(path)[:-3]}.{name}: {verdict} ({seconds:.1f} s)"
            print(said, flush=True)
            if verdict == "FAILED":
                failed.append(f"{said} {reason(text)}")
            if text:
                print("    " + text.rstrip().replace("\n", "\n    "), flush=True)
    for said in failed:
        print(said)
    print(f"{count['ok']} passed, {count['FAILED']} failed, {count['skipped']} skipped")
    return 1 if count["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main())
