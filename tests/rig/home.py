"""A person's home in a temporary directory: mailrc, data, cache; and the program run in it."""
import os
import shutil
import subprocess
import tempfile

from .dovecot import PASSWORD
from .screen import Screen

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RELEASE = os.path.join(ROOT, "dunlin")                              # for what is measured
PROGRAM = os.environ.get("DUNLIN", RELEASE)


class Home:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="dunlin-home-")
        self.rc = self.path("config/dunlin/mailrc")
        os.makedirs(os.path.dirname(self.rc))

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def env(self, **more):
        env = {"HOME": self.dir, "XDG_CONFIG_HOME": self.path("config"),
               "XDG_DATA_HOME": self.path("data"), "XDG_CACHE_HOME": self.path("cache"),
               "LC_ALL": "C.UTF-8", "TZ": "UTC", "COLORTERM": "",
               "ASAN_OPTIONS": f"log_path={self.path('asan')}:detect_leaks=0:exitcode=99",
               "UBSAN_OPTIONS": f"log_path={self.path('ubsan')}:print_stacktrace=1"}
        env.update(more)
        return env

    def write_rc(self, text):
        with open(self.rc, "w") as f:
            f.write(text)
        os.chmod(self.rc, 0o600)

    def account(self, port, *, name="work", scheme="imap+insecure", host="127.0.0.1", more="",
                user="ada", password=PASSWORD, before=""):
        """Writes a mailrc with one account; more lines go into its section."""
        self.write_rc(f"{before}\n[account {name}]\nfrom = Ada <ada@localhost>\n"
                      f"receive = {scheme}://{user}@{host}:{port}\n"
                      f"password-command = echo {password}\n{more}\n")

    def screen(self, *args, cols=80, rows=24, term="tmux-256color", **env):
        return Screen([PROGRAM, *args], cols=cols, rows=rows, env=self.env(**env), term=term)

    def run(self, *args, timeout=60, stdin=None, **env):
        return subprocess.run([PROGRAM, *args], env=dict(os.environ, **self.env(**env)),
                              capture_output=True, text=True, timeout=timeout, input=stdin,
                              errors="replace")

    def sanitizer_reports(self):
        out = ""
        for name in sorted(os.listdir(self.dir)):
            if name.startswith(("asan.", "ubsan.")):
                with open(self.path(name), errors="replace") as f:
                    out += f.read()
        return out

    def close(self):
        reports = self.sanitizer_reports()
        shutil.rmtree(self.dir, ignore_errors=True)
        assert not reports, reports[:4000]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.close()
        else:
            reports = self.sanitizer_reports()
            if reports:
                print(reports[:4000])
            shutil.rmtree(self.dir, ignore_errors=True)
