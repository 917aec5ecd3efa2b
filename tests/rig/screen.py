"""A real terminal: tmux runs the program, keys go in, the screen comes out as text."""
import os
import re
import subprocess
import tempfile
import time


class Screen:
    """s = Screen(["./dunlin"], cols=80, rows=24, env={...}); s.keys("j", "Enter"); s.text()."""

    def __init__(self, argv, *, cols=80, rows=24, env=None, term="tmux-256color"):
        self.socket = tempfile.mktemp(prefix="dunlin-tmux-")
        self.term = term
        command = ["env", "-u", "TMUX"] + [f"{k}={v}" for k, v in (env or {}).items()] + argv
        line = " ".join("'" + a.replace("'", "'\\''") + "'" for a in command)
        # The shell stays behind, so that the exit code and the last screen can be read.
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(cols), "-y", str(rows),
                   f"{line}; echo \"[exit $?]\"; exec cat >/dev/null")
        self._tmux("set", "-g", "default-terminal", term)
        self._tmux("set", "-g", "status", "off")
        self._tmux("set", "-g", "escape-time", "0")
        self.resize(cols, rows)

    def _tmux(self, *args, check=True):
        env = dict(os.environ, LC_ALL="C.UTF-8", TERM="xterm-256color")
        return subprocess.run(["tmux", "-u", "-S", self.socket, *args], check=check, env=env,
                              capture_output=True, text=True).stdout

    def keys(self, *keys):
        """tmux key names ("Enter", "Escape", "C-d", "Down") or literal text, each a keypress."""
        for k in keys:
            named = re.fullmatch(r"(C-|M-|S-)*(Enter|Escape|Space|Tab|BTab|BSpace|Up|Down|Left|Right"
                                 r"|Home|End|PageUp|PageDown|NPage|PPage|F\d+|DC|IC)|[CM]-.", k)
            if k.endswith(";"):         # which tmux takes for the end of its command
                k = k[:-1] + "\\;"
            self._tmux("send-keys", *([] if named else ["-l"]), "--", k)

    def text(self):
        return "\n".join(line.rstrip() for line in self._tmux("capture-pane", "-p").split("\n")[:-1])

    def colours(self):
        return self._tmux("capture-pane", "-p", "-e")

    def resize(self, cols, rows):
        self._tmux("resize-window", "-x", str(cols), "-y", str(rows), check=False)

    def wait(self, want, timeout=10.0, absent=False):
        """Waits until `want` (text, regex or predicate) is on the screen; returns the screen."""
        fits = want if callable(want) else \
            (lambda t: want.search(t) is not None) if hasattr(want, "search") else \
            (lambda t: want in t)
        deadline = time.monotonic() + timeout
        while True:
            text = self.text()
            if bool(fits(text)) != absent:
                return text
            if time.monotonic() > deadline:
                raise AssertionError(f"{'still' if absent else 'not'} on the screen: {want!r}\n"
                                     + "\n".join("|" + l for l in text.split("\n")))
            time.sleep(0.02)

    def gone(self, want, timeout=10.0):
        return self.wait(want, timeout, absent=True)

    def time_of(self, key, want, timeout=10.0):
        """Seconds from pressing a key until `want` shows; the polling itself costs some ms."""
        start = time.monotonic()
        self.keys(key)
        self.wait(want, timeout)
        return time.monotonic() - start

    def pid(self):
        """Process id of the program itself."""
        shell = self._tmux("display", "-p", "#{pane_pid}").strip()
        out = subprocess.run(["pgrep", "-P", shell], capture_output=True, text=True).stdout.split()
        return int(out[0]) if out else None

    def close(self):
        self._tmux("kill-server", check=False)
        try:
            os.unlink(self.socket)
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
