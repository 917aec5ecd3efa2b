"""The program on a pseudo-terminal without a terminal program between: for measuring.

What it shows is not looked at; when it writes something is. So a key's answer is timed to the
millisecond, which tmux could not do."""
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time


class Terminal:
    def __init__(self, argv, *, cols=120, rows=40, env=None):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(env or {})
            os.environ["TERM"] = "xterm-256color"
            try:
                os.execv(argv[0], argv)
            except OSError as e:        # never back into the test's own code, in a second process
                os.write(2, f"{argv[0]}: {e}\n".encode())
            os._exit(127)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
        os.kill(self.pid, signal.SIGWINCH)
        self.seen = b""

    def read(self, timeout):
        """Bytes that come within the time; b"" when none."""
        if not select.select([self.fd], [], [], timeout)[0]:
            return b""
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return b""
        self.seen = (self.seen + data)[-200000:]
        return data

    def settle(self, quiet=0.15, limit=10.0):
        """Reads until nothing was written for a while."""
        end = time.monotonic() + limit
        while time.monotonic() < end and self.read(quiet):
            pass

    def wait(self, want, timeout=20.0):
        end = time.monotonic() + timeout
        want = want.encode()
        while want not in self.seen:
            if time.monotonic() > end:
                raise AssertionError(f"{want!r} was not written; last: {self.seen[-1500:]!r}")
            self.read(0.1)

    def time_key(self, key, timeout=5.0):
        """Seconds from a key to the first byte of what it changes on the screen."""
        while self.read(0):
            pass
        start = time.monotonic()
        os.write(self.fd, key.encode())
        if not self.read(timeout):
            raise AssertionError(f"no answer to {key!r} within {timeout} s")
        return time.monotonic() - start

    def peak_kb(self):
        """VmHWM of the program."""
        with open(f"/proc/{self.pid}/status") as f:
            return next(int(l.split()[1]) for l in f if l.startswith("VmHWM"))

    def kill(self, sig=signal.SIGKILL):
        os.kill(self.pid, sig)
        return self.join()

    def join(self, timeout=5.0):
        """Waits for the end; the status, or AssertionError when it does not end."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.fd)
                return status
            self.read(0.01)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)
        raise AssertionError(f"still running after {timeout} s")
