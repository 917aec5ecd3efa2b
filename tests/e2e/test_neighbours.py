"""Other users of the machine, files that lie in wait, programs we start, strange surroundings."""
import base64
import os
import re
import signal
import subprocess

from rig.dovecot import PASSWORD
from rig.fake import Fake
from rig.home import PROGRAM, RELEASE, Home
from rig.hostile import Imap, Watched, intruders, mail, quits, tree, watched
from rig.run import Skip


def test_files_and_directories_are_private():
    """Whatever the umask and whatever was there before, nobody else can read what is kept."""
    mails = [mail(f"number {i}", n=i) for i in range(1, 4)]
    with Imap(mails, [b"Trash"]) as server, Home() as home:
        home.account(server.port)
        os.makedirs(home.path("data", "dunlin"))
        os.makedirs(home.path("cache", "dunlin"))
        for d in "data", "cache":
            os.chmod(home.path(d, "dunlin"), 0o777)
        log = home.path("debug.log")
        with open(log, "w"):
            os.chmod(log, 0o666)
        umask = os.umask(0)
        try:
            t = watched(home, "-d", log)
        finally:
            os.umask(umask)
        t.wait("number 3")
        t.settle(0.5)
        os.write(t.fd, b"\r")
        t.settle(0.5)
        for keys in b"v", b"s", b"\x15" + home.path("saved").encode() + b"\r", b"q", b"q", b"/number\r", b"lhello\r":
            os.write(t.fd, keys)
            t.settle(0.3)
        quits(t)
        assert os.path.isfile(home.path("saved")), os.listdir(home.dir)
        seen = [home.path("saved"), log]
        for top in "data", "cache":
            seen += [home.path(top, "dunlin"), *tree(home.path(top, "dunlin"))]
        assert len(seen) > 10, seen
        for path in seen:
            assert not os.lstat(path).st_mode & 0o077, (path, oct(os.lstat(path).st_mode))


def test_links_planted_by_others_are_not_followed():
    """A log, a saved file, a body, a database that is a link elsewhere: elsewhere stays as it was."""
    with Imap([mail("number 1")]) as server, Home() as home:
        home.account(server.port)
        victim = home.path("victim")
        with open(victim, "w") as f:
            f.write("precious\n")
        os.symlink(victim, home.path("log"))
        os.symlink(victim, home.path("save"))
        done = home.run("-d", home.path("log"), "sync")
        assert done.returncode != 0 and "log" in done.stderr, done
        for which in "data/dunlin/dunlin.db", "cache/dunlin/index.db":
            path = home.path(which)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.symlink(victim, path)
            done = home.run("sync")
            assert done.returncode != 0 and "open" in done.stderr, done
            os.unlink(path)
        assert home.run("sync").returncode == 0
        t = watched(home)
        t.wait("number 1")
        t.settle(0.5)
        for keys in b"\r", b"v", b"s", b"\x15" + home.path("save").encode() + b"\r":
            os.write(t.fd, keys)
            t.settle(0.3)
        t.wait("Write over")                    # it asks; who answers yes means what the link names
        t.kill()
        with open(victim) as f:
            assert f.read() == "precious\n"


def test_directories_of_others_are_refused():
    if os.geteuid() != 0:
        raise Skip("only root can make what belongs to somebody else")
    with Imap([mail("number 1")]) as server, Home() as home:
        home.account(server.port)
        for d in "data", "cache":
            path = home.path(d, "dunlin")
            os.makedirs(path)
            os.chown(path, 65534, 65534)
            done = home.run("sync")
            assert done.returncode != 0 and "somebody else" in done.stderr, done
            assert not os.listdir(path)
            os.rmdir(path)


def test_passwords_in_exposed_mailrcs_are_refused():
    """A password others can read, or that others wrote, is not sent to anybody."""
    with Imap([mail("number 1")]) as server, Home() as home:
        text = (f"[account work]\nfrom = Ada <ada@localhost>\npassword = {PASSWORD}\n"
                f"receive = imap+insecure://ada@127.0.0.1:{server.port}\n")

        def sync(mode, uid=None):
            home.write_rc(text)
            os.chmod(home.rc, mode)
            if uid is not None:
                os.chown(home.rc, uid, uid)
            done = home.run("sync")
            os.chown(home.rc, os.geteuid(), os.getegid())
            return done
        for mode in 0o644, 0o640, 0o604, 0o666, 0o620:
            done = sync(mode)
            assert done.returncode == 1 and "chmod 600" in done.stderr, (oct(mode), done)
            assert PASSWORD not in done.stdout + done.stderr
        if os.geteuid() == 0:
            done = sync(0o600, 65534)
            assert done.returncode == 1 and "not used" in done.stderr, done
        assert b"AUTHENTICATE" not in server.received and b"LOGIN" not in server.received
        assert sync(0o600).returncode == 0


def everything_readable(pid):
    """What /proc shows of a process: command line, environment, status; b"" where it may not be read."""
    out = b""
    for name in "cmdline", "environ", "comm", "status", "stat":
        try:
            with open(f"/proc/{pid}/{name}", "rb") as f:
                out += f.read()
        except OSError:
            pass
    return out


def test_password_is_nowhere():
    """Not in argv, environment, children, log, store, screen, nor in what an error says."""
    forms = [PASSWORD.encode(), base64.b64encode(PASSWORD.encode()),
             base64.b64encode(b"\0ada\0" + PASSWORD.encode())]

    def has_any(data):
        return [f for f in forms if f in data]

    def split_plain(s, line):
        if len(line.split(" ")) == 3:           # no initial response: it comes on a line of its own
            s.say("+ ")
            s.line()
            s.tag = line.split(" ")[0]
            s.say(f"{s.tag} OK [CAPABILITY IMAP4rev1] logged in")
            return True
        return False

    variants = [dict(caps="IDLE"), dict(caps="IDLE", on={"AUTHENTICATE": split_plain}, ir=False),
                dict(caps="IDLE", login=True)]
    for v in variants:
        class Server(Imap):
            def talk(self, s):
                if v.get("login"):
                    self.do_AUTHENTICATE = self.do_any
                    greeting = "IMAP4rev1 IDLE"
                else:
                    greeting = "IMAP4rev1 AUTH=PLAIN IDLE" + ("" if not v.get("ir",
            True) else " SASL-IR")
                real = s.say
                s.say = lambda text: real(re.sub(r"^\* OK \[CAPABILITY [^]]*\]",
                                                 f"* OK [CAPABILITY {greeting}]", text))
                super().talk(s)
        with Server([mail("number 1")], on=v.get("on")) as server, Home() as home:
            # The command prints it from a file, so that only we could have put it anywhere.
            with open(home.path("secret"), "w") as f:
                f.write(PASSWORD + "\n")
            home.write_rc(f"[mail]\nbrowser = {home.path('browser')}\n[account work]\nfrom = Ada <ada@localhost>\n"
                          f"receive = imap+insecure://ada@127.0.0.1:{server.port}\n"
                          f"password-command = cat {home.path('secret')}\n")
            log, child = home.path("debug.log"), home.path("child")
            t = watched(home, "-d", log)
            t.wait("number 1")
            t.settle(0.5)
            assert has_any(bytes(server.received)), bytes(server.received)
            for keys in (b"\r", b"|", f"cat /proc/self/environ /proc/$PPID/cmdline >{child}; "
                         f"ls -l /proc/self/fd >{child}.fd\r".encode(), b"\r"):
                os.write(t.fd, keys)
                t.settle(0.4)
            assert not has_any(everything_readable(t.pid))
            with open(child, "rb") as f:
                data = f.read()
            assert b"XDG_DATA_HOME" in data and not has_any(data)
            with open(child + ".fd") as f:
                links = [l.split(" -> ")[1].strip() for l in f if " -> " in l]
            assert not [l for l in links if l.startswith("socket") or ".db" in l
                        or "debug.log" in l], links
            quits(t)
            assert not has_any(bytes(t.all))
            for path in tree(home.dir):
                if os.path.isfile(path) and path != home.path("secret"):
                    with open(path, "rb") as f:
                        assert not has_any(f.read()), path
            with open(log) as f:
                assert "SELECT" in f.read()


def test_repeated_password_is_hidden():
    """A server that says back what it was sent: neither log nor error holds it, in no form it went out in."""
    plain = base64.b64encode(b"\0ada\0" + PASSWORD.encode()).decode()
    forms = [PASSWORD, plain]

    def imap(s):
        s.say("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi")
        while True:
            line = s.line()
            s.say(f"{s.tag} {'NO' if 'AUTH' in line else 'OK'} what is {line} {' '.join(forms)}")

    def pop3(s):
        s.say("+OK hi")
        while (line := s.line()) != "QUIT":
            s.say("+OK" if line.startswith("USER") else f"-ERR what is {line}")

    def smtp(s):
        s.say("220 hi")
        while (line := s.line()) != "QUIT":
            s.say("250-x\r\n250 AUTH PLAIN" if line.startswith("EHLO") else f"535 what is {line} {' '.join(forms)}")

    for scheme, talk in ("imap", imap), ("pop3", pop3), ("smtp", smtp):
        with Fake(talk) as server, Home() as home:
            url = f"{scheme}+insecure://ada@127.0.0.1:{server.port}"
            text = f"send = {url}" if scheme == "smtp" else f"receive = {url}\nmbox = {home.path('mail')}"
            home.write_rc(f"[account work]\nfrom = Ada <ada@localhost>\n{text}\n"
                          f"{'receive = mbox:' + home.path('mail') if scheme == 'smtp' else ''}\n"
                          f"password-command = echo {PASSWORD}\n")
            for args in (["check"], ["-s", "x", "b@example.org"] if scheme == "smtp" else ["sync"]):
                done = home.run("-d", home.path("log"), *args, stdin="x")
                assert done.returncode != 0, done
                said = done.stdout + done.stderr + open(home.path("log")).read()
                assert "what is" in said, said
                assert not [f for f in forms if f in said], (scheme, args, said)
            assert plain.encode() in server.received or PASSWORD.encode() in server.received


def test_nobody_may_look_into_the_process():
    """No core dump, and /proc belongs to root: the release program only, ASan needs to look."""
    with Imap([mail("number 1")]) as server, Home() as home:
        home.account(server.port)
        t = Watched([RELEASE], env=home.env())
        t.wait("number 1")
        with open(f"/proc/{t.pid}/limits") as f:
            core = next(l for l in f if l.startswith("Max core")).split()
        assert core[4:6] == ["0", "0"], core
        if os.geteuid() != 0:
            assert os.stat(f"/proc/{t.pid}/mem").st_uid == 0
        status = t.kill(signal.SIGSEGV)
        assert not os.WCOREDUMP(status)


def test_release_is_hardened():
    """Position independent, relocations read-only before main, no executable stack, canaries and checked calls,
    and on x86-64 ours is fit for indirect branch tracking and shadow stacks, whatever the C library is."""
    def readelf(*args, file=RELEASE):
        return subprocess.run(["readelf", "-W", *args, file], capture_output=True, text=True, check=True).stdout
    assert "DYN (" in readelf("-h")
    dynamic, segments = readelf("-d"), readelf("-l")
    assert "BIND_NOW" in dynamic and "NOW PIE" in dynamic, dynamic
    assert "GNU_RELRO" in segments and re.search(r"GNU_STACK .* RW  ", segments), segments
    names = readelf("--dyn-syms")
    assert "__stack_chk_fail" in names and len(re.findall(r"_chk@", names)) > 8, names
    if os.uname().machine == "x86_64":
        notes = readelf("-n", file=os.path.join(os.path.dirname(os.path.realpath(RELEASE)), "base", "str.o"))
        assert "IBT, SHSTK" in notes, notes


def test_password_command_cannot_harm():
    """It hangs, floods, or writes to the terminal: the screen stays ours, and quitting works."""
    tries = {"sleep 1000": None, "yes hunter2": "more than",
             "echo owned >/dev/tty; echo hunter2": None,
             "read x </dev/tty; echo $x": None, "exec >&2; yes": None,
             "printf '\\033]0;owned\\007\\n' >&2; exit 1": "owned"}
    for command, want in tries.items():
        with Imap([mail("number 1")]) as server, Home() as home:
            home.write_rc(f"[account work]\nfrom = Ada <ada@localhost>\npassword-command = {command}\n"
                          f"receive = imap+insecure://ada@127.0.0.1:{server.port}\n")
            t = watched(home)
            t.wait("work")
            t.settle(0.5, 3)
            if want:
                t.wait(want)
            assert b"owned\r\n" not in t.all and not intruders(bytes(t.all)), command
            before = len(t.all)
            os.write(t.fd, b"?")
            t.settle(0.2, 2)
            assert len(t.all) > before + 500, command
            os.write(t.fd, b"q")
            t.settle(0.2, 2)
            quits(t)


def test_strange_surroundings():
    """TERM, LANG, HOME, TMPDIR and the XDG directories are only strings."""
    long = "x" * 100000
    odd = [dict(LC_ALL="../../etc"), dict(LC_ALL=long), dict(LANG="\x1b]0;owned\x07", LC_ALL=""),
           dict(TMPDIR="/nonexistent"),
           dict(TMPDIR=long), dict(TERM="../../../etc/passwd"), dict(TERM=long),
           dict(TERM="\x1b]0;owned\x07"),
           dict(TERM=""), dict(TERMINFO="/dev/zero"), dict(HOME="relative"),
           dict(XDG_DATA_HOME="relative"),
           dict(COLUMNS="-1", LINES="1000000"), dict(TZ=long), dict(TZ=":/etc/passwd"),
           dict(NCURSES_ASSUMED_COLORS="x"),
           dict(EDITOR="\x1b]0;owned\x07"),
           dict(SSL_CERT_FILE="/dev/null", SSL_CERT_DIR="/nonexistent"),
           dict(XDG_RUNTIME_DIR=long), dict(PATH="")]
    with Imap([mail("number 1")]) as server, Home() as home:
        home.account(server.port)
        for env in odd:
            done = subprocess.run([PROGRAM, "sync"], env=dict(os.environ, **home.env(**env)),
                                  capture_output=True, timeout=60)
            assert done.returncode in (0, 1, 75, 78), (env, done)
            assert not intruders(done.stdout + done.stderr, plain=True), (env, done)
        for env in odd:
            if any(len(v) > 50000 for v in env.values()) or "HOME" in env:
                continue
            with home.screen(**env) as s:
                s.wait(re.compile(r"number 1|\[exit 1\]|\[exit 78\]"))
