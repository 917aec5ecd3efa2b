"""The most memory that Dunlin had while it got a message of some size by POP3, showed and opened it."""
import os
import subprocess
import time

from .home import PROGRAM, Home
from .pop3 import setup
from .pop3_stream import Pop3Stream


def peak_kb(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(next(line for line in f if line.startswith("VmHWM")).split()[1])


def of_sync(home, **env):
    p = subprocess.Popen([PROGRAM, "sync"], env=dict(os.environ, **home.env(**env)), stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = status
    assert status == 0, status
    return usage.ru_maxrss


def of_screen(home, seconds, **env):
    """The download while one looks on, and opening it."""
    with home.screen(**env) as s:
        s.wait("Stream 1", timeout=seconds)
        download = peak_kb(s.pid())
        s.keys("gg", "Enter")
        s.wait("Text of message", timeout=seconds)
        s.wait("large.bin", timeout=seconds)
        return download, peak_kb(s.pid())


def measure(mb, **env):
    """Peaks in kB: of `dunlin sync`; of the screen while it is downloaded, and when it is open; seconds of the sync."""
    seconds = 60 + mb
    with Pop3Stream([mb << 20]) as server:
        with Home() as home:
            setup(home, server.port)
            start = time.monotonic()
            sync = of_sync(home, **env)
            took = time.monotonic() - start
        with Home() as home:
            setup(home, server.port)
            download, opened = of_screen(home, seconds, **env)
    return sync, download, opened, took
