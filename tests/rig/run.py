#!/usr/bin/env python3
"""Runs tests/e2e/test_*.py: every function named test_* is a test, in a process of its own.

    python3 -m rig.run [-j N] [-k WORD] [FILE...]      (from tests/)

A test fails by raising, is skipped by raising Skip. The last line sums up."""
import argparse
import concurrent.futures
import glob
import importlib.util
import io
import os
import sys
import time
import traceback
from contextlib import redirect_stdout

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, TESTS)


class Skip(Exception):
    """Raised by a test that cannot run here; says why."""


def load(path):
    name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_one(path, name):
    out, start = io.StringIO(), time.monotonic()
    try:
        with redirect_stdout(out):
            getattr(load(path), name)()
        verdict, text = "ok", out.getvalue()     # figures
    except Exception as e:
        if type(e).__name__ == "Skip":
            verdict, text = "skipped", str(e)
        else:
            verdict, text = "FAILED", out.getvalue()[-4000:] + traceback.format_exc()
    return path, name, verdict, text, time.monotonic() - start


def main():
    p = argparse.ArgumentParser()
    p.add_argument("-j", type=int, default=max(2, (os.cpu_count() or 2)))
    p.add_argument("-k", default="")
    p.add_argument("files", nargs="*")
    a = p.parse_args()
    files = a.files or sorted(glob.glob(os.path.join(TESTS, "e2e", "test_*.py")))
    jobs = [(f, n) for f in files for n in vars(load(f)) if n.startswith("test_") and a.k in n]
    count = {"ok": 0, "FAILED": 0, "skipped": 0}
    with concurrent.futures.ProcessPoolExecutor(a.j, max_tasks_per_child=1) as pool:
        for f in concurrent.futures.as_completed([pool.submit(run_one, *j) for j in jobs]):
            path, name, verdict, text, seconds = f.result()
            count[verdict] += 1
            print(f"{os.path.basename(path)[:-3]}.{name}: {verdict} ({seconds:.1f} s)", flush=True)
            if text:
                print("    " + text.rstrip().replace("\n", "\n    "), flush=True)
    print(f"{count['ok']} passed, {count['FAILED']} failed, {count['skipped']} skipped")
    return 1 if count["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main())
