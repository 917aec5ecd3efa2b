"""What the servers of the rig share: a directory of their own, a process in the foreground, a log, an end."""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time


class Daemon:
    """Of a subclass: start(), which calls _run; `with` starts and stops it."""

    def __init__(self, name, tmp=None):
        self.name = name
        self.dir = tempfile.mkdtemp(prefix=f"dunlin-{name}-", dir=tmp)
        os.chmod(self.dir, 0o755)
        self.process = None

    def _run(self, argv, port, stderr=subprocess.DEVNULL, **options):
        """Returns when somebody listens on that port."""
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=stderr, start_new_session=True, **options)
        deadline = time.time() + 10
        while time.time() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                return self
            except OSError:
                time.sleep(0.02)
        has_said = self.process.poll() is not None and self.process.stderr
        said = self.process.stderr.read().decode() if has_said else ""
        raise RuntimeError(f"{self.name} did not start: {said}{self.log()}")

    def stop(self, keep=False):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
            if self.process.stderr:
                self.process.stderr.close()
            self.process = None
        if not keep:
            shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def log(self):
        try:
            with open(os.path.join(self.dir, "log"), errors="replace") as f:
                return f.read()
        except OSError:
            return ""
