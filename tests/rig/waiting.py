"""Waiting for what will be so: of a server, a file, or anything that no screen shows."""
import time


def until(fits, what, timeout=25.0):
    """Fails with `what`, or with what() where it can be called: what was waited for, or what is there instead."""
    end = time.monotonic() + timeout
    while not fits():
        assert time.monotonic() < end, what() if callable(what) else what
        time.sleep(0.05)
