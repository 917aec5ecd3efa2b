#!/usr/bin/env python3
"""How fast POP3 mail comes in: Dunlin beside mpop, getmail6 and fetchmail, those that are installed.

    python3 tests/bench/pop3.py [N]         from the top directory; N messages (10000)

Dovecot on loopback, then through a proxy with 50 ms each round trip. Each program downloads the same
mailbox into an empty mbox in the same directory; printed are messages a second and what is on disk
before a message counts as downloaded."""
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from rig import mails                                   # noqa: E402
from rig.dovecot import PASSWORD, Dovecot               # noqa: E402
from rig.home import PROGRAM, Home                      # noqa: E402
from rig.proxy import Proxy                             # noqa: E402

SAFETY = {"dunlin": "fsync of spool, ledger and mbox each batch (8 MB or 1 s)",
          "mpop": "fsync each message into the mbox, UIDLs at the end of the session",
          "getmail6": "fsync each message into the mbox, state at the end of the session",
          "fetchmail": "none of its own: as its delivery program does (here: appending by cat)"}


def write(path, text):
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, 0o600)


def dunlin(port, d):
    with Home() as home:
        box = os.path.join(d, "dunlin")
        home.account(port, name="home", scheme="pop3+insecure", more=f"mbox = {box}")
        start = time.monotonic()
        r = home.run("sync", timeout=900)
        assert r.returncode == 0, r.stdout + r.stderr
        return time.monotonic() - start, os.path.join(box, "inbox")


def timed(argv, d, box, **kw):
    open(box, "w").close()
    os.chmod(box, 0o600)
    start = time.monotonic()
    r = subprocess.run(argv, env=dict(os.environ, HOME=d), capture_output=True, text=True,
                       timeout=300, stdin=subprocess.DEVNULL, **kw)
    assert r.returncode == 0, r.stdout[-500:] + r.stderr[-500:]
    return time.monotonic() - start, box


def mpop(port, d):
    rc, box = os.path.join(d, "mpoprc"), os.path.join(d, "mpop.mbox")
    write(rc, f"account a\nhost 127.0.0.1\nport {port}\nuser ada\npassword {PASSWORD}\ntls off\n"
              f"auth user\nkeep on\nuidls_file {d}/uidls\ndelivery mbox {box}\n")
    return timed(["mpop", "-q", "-C", rc, "a"], d, box)


def getmail6(port, d):
    rc, box = os.path.join(d, "getmailrc"), os.path.join(d, "getmail.mbox")
    write(rc, f"[retriever]\ntype = SimplePOP3Retriever\nserver = 127.0.0.1\nport = {port}\n"
              f"username = ada\npassword = {PASSWORD}\n[destination]\ntype = Mboxrd\npath = {box}\n"
              "user = nobody\n[options]\nread_all = false\ndelete = false\n")
    if os.geteuid() == 0:                   # it refuses to deliver as root
        subprocess.run(["chown", "-R", "nobody", d], check=True)
        os.chmod(d, 0o755)
        open(box, "w").close()
        subprocess.run(["chown", "nobody", box], check=True)
        argv = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "getmail", "-q", "-g", d, "-r", rc]
        start = time.monotonic()
        r = subprocess.run(argv, env=dict(os.environ, HOME=d), capture_output=True, text=True, timeout=300,
                           stdin=subprocess.DEVNULL)
        assert r.returncode == 0, r.stdout[-500:] + r.stderr[-500:]
        return time.monotonic() - start, box
    return timed(["getmail", "-q", "-g", d, "-r", rc], d, box)


def fetchmail(port, d):
    rc, box = os.path.join(d, "fetchmailrc"), os.path.join(d, "fetchmail.mbox")
    write(rc, f"poll 127.0.0.1 protocol pop3 service {port} uidl user ada password \"{PASSWORD}\" "
              f"keep sslproto '' mda \"cat >>{box}\"\n")
    return timed(["fetchmail", "-s", "-f", rc, "-i", os.path.join(d, "ids"), "--pidfile",
                  os.path.join(d, "pid")], d, box)


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    with Dovecot() as server:
        server.fill_maildir(mails.small(i) for i in range(n))
        server.pop3().quit()                # Dovecot makes its index
        with Proxy(server.ports["pop3"], delay=0.025) as proxy:
            for name, port, few in (("loopback", server.ports["pop3"], n), ("50 ms", proxy.port, n)):
                for program in (dunlin, mpop, getmail6, fetchmail):
                    binary = {"dunlin": PROGRAM, "getmail6": "getmail"}.get(program.__name__, program.__name__)
                    if not shutil.which(binary):
                        print(f"{name:9} {program.__name__:10} not installed")
                        continue
                    if port == proxy.port and program in (getmail6, fetchmail) and n > 200:
                        print(f"{name:9} {program.__name__:10} left out: a round trip a message, "
                              f"{n * 0.05:.0f} s at least")
                        continue
                    d = tempfile.mkdtemp(prefix="dunlin-bench-")
                    try:
                        seconds, box = program(port, d)
                        with open(box, "rb") as f:
                            got = f.read().count(b"\nMessage-ID:")
                        print(f"{name:9} {program.__name__:10} {got} messages in {seconds:.2f} s: "
                              f"{got / seconds:.0f}/s ({SAFETY[program.__name__]})", flush=True)
                    except (AssertionError, subprocess.TimeoutExpired) as e:
                        print(f"{name:9} {program.__name__:10} failed: {str(e)[-300:]}", flush=True)
                    finally:
                        shutil.rmtree(d, ignore_errors=True)


if __name__ == "__main__":
    main()
