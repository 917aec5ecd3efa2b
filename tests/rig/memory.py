"""The most memory that Dunlin had while it got a message of some size by POP3, showed and opened it."""
import base64
import os
import subprocess
import time

from .home import PROGRAM, Home
from .pop3 import setup
from .pop3_stream import BLOCK, LINE, Pop3Stream


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


def write_mbox(path, mb):
    """One message with an attachment of so many MB; returns how many bytes that has decoded."""
    stream = Pop3Stream([mb << 20])
    with open(path, "wb") as f:
        f.write(b"From MAILER-DAEMON Thu Jan  1 00:00:00 2026\n")
        f.write((stream.head(1) + stream.begin(1)).replace(b"\r\n", b"\n"))
        for _ in range(stream.n_blocks(1)):
            f.write(BLOCK.replace(b"\r\n", b"\n"))
        f.write(stream.END.replace(b"\r\n", b"\n") + b"\n")
    return stream.n_blocks(1) * len(base64.b64decode(BLOCK))


def measure_saving(mb, **env):
    """Peaks in kB: with the parts of a message of so many MB shown, its attachment saved, piped, the message piped."""
    seconds, peaks = 60 + mb, []
    with Home() as home:
        home.write_rc("[mail]\n")
        n = write_mbox(home.path("one.mbox"), mb)
        saved, piped, whole = home.path("saved"), home.path("piped"), home.path("whole")
        with home.screen("-f", home.path("one.mbox"), **env) as s:
            def wait_for(path, size):
                deadline = time.monotonic() + seconds
                while not os.path.exists(path) or os.path.getsize(path) < size:
                    assert time.monotonic() < deadline, s.text()
                    time.sleep(0.1)
                peaks.append(peak_kb(s.pid()))
            s.wait("Stream 1", timeout=seconds)
            s.keys("Enter")
            s.wait("large.bin", timeout=seconds)
            s.keys("v")
            s.wait("octet-stream", timeout=seconds)
            s.keys("G", "s")
            s.wait("large.bin")
            peaks.append(peak_kb(s.pid()))
            s.keys("C-u", saved, "Enter")
            s.wait("saved", timeout=seconds)
            wait_for(saved, n)
            s.keys("|", f"cat > {piped}", "Enter")
            s.wait("Press Enter", timeout=seconds)
            s.keys("Enter")
            wait_for(piped, n)
            s.wait("octet-stream")
            s.keys("q")
            s.wait("Text of message")
            s.keys("|", f"cat > {whole}", "Enter")
            s.wait("Press Enter", timeout=seconds)
            s.keys("Enter")
            wait_for(whole, n)
        for path in (saved, piped):
            with open(path, "rb") as f:
                f.seek(-57, os.SEEK_END)
                assert f.tell() == n - 57 and f.read() == base64.b64decode(LINE), path
    return peaks
