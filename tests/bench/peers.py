#!/usr/bin/env python3
"""`make bench`: Dunlin beside mutt, neomutt, alpine and aerc, in one run on one machine.

    python3 tests/bench/peers.py [-n MESSAGES] [--only NAME,...]

An IMAP INBOX on a private Dovecot: first open, reopened, over a link with 50 ms round trips, and
peak memory. What is timed is from exec to the newest subject being written to the terminal. Peers that are not
installed are left out; nothing is installed here."""
import argparse
import os
import shutil
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from rig import mails                                               # noqa: E402
from rig.dovecot import PASSWORD, Dovecot                           # noqa: E402
from rig.home import Home                                           # noqa: E402
from rig.proxy import Proxy                                         # noqa: E402
from rig.terminal import Terminal                                   # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def dunlin(home, port):
    home.account(port)
    return [os.path.join(ROOT, "dunlin")], b"q"


def mutt(program):
    def setup(home, port):
        rc = home.path("muttrc")
        cache = home.path("hcache")
        os.makedirs(cache, exist_ok=True)
        with open(rc, "w") as f:
            f.write(f"set folder=imap://ada@127.0.0.1:{port}/ spoolfile=imap://ada@127.0.0.1:{port}/INBOX\n"
                    f"set imap_pass={PASSWORD} ssl_starttls=no ssl_force_tls=no header_cache={cache}\n"
                    "set sort=reverse-date-received quit=yes timeout=1 mail_check=1\n")
        return [shutil.which(program), "-n", "-F", rc], b"q"
    return setup


def alpine(home, port):
    rc = home.path("pinerc")
    passfile = home.path("pass")
    with open(rc, "w") as f:
        f.write(f"inbox-path={{127.0.0.1:{port}/user=ada/notls/novalidate-cert}}INBOX\n"
                "sort-key=Arrival/Reverse\nfeature-list=no-enable-tcp-keepalives,quit-without-confirm,"
                "auto-open-next-unread\ninitial-keystroke-list=i\nuser-id=ada\nlast-version-used=99.99\n")
    return [shutil.which("alpine"), "-p", rc, "-passfile", passfile], b"qy"


def aerc(home, port):
    d = home.path("config", "aerc")
    os.makedirs(d, exist_ok=True)
    with open(os.path.join(d, "accounts.conf"), "w") as f:
        f.write(f"[work]\nsource=imap+insecure://ada:{PASSWORD}@127.0.0.1:{port}\nfrom=a@x\ndefault=INBOX\n"
                "cache-headers=true\n")
    os.chmod(os.path.join(d, "accounts.conf"), 0o600)
    return [shutil.which("aerc")], b"q"


PEERS = {"dunlin": dunlin, "mutt": mutt("mutt"), "neomutt": mutt("neomutt"), "alpine": alpine,
         "aerc": aerc}


def run(name, argv, home, sign, keys, settle):
    """Seconds until the sign, peak memory in MB."""
    start = time.monotonic()
    t = Terminal(argv, env=home.env(LC_ALL="C.UTF-8"))
    try:
        end = time.monotonic() + 90
        typed = False
        while sign.encode() not in t.seen:
            t.read(0.01)
            if name == "alpine" and not typed and b"password" in t.seen.lower():
                os.write(t.fd, PASSWORD.encode() + b"\r")
                typed = True
                start = time.monotonic()        # alpine can only be told by hand: counts from then on
            if typed and b"Preserve" in t.seen:
                os.write(t.fd, b"n")
                t.seen = b""
            if time.monotonic() > end:
                print(f"{name}: nothing to be seen after 90 s: {t.seen[-200:]!r}")
                return None, 0
        took = time.monotonic() - start
        if settle:
            t.settle(2.0, 120)
        mb = t.peak_kb() / 1024
        os.write(t.fd, keys)
        try:
            t.join(15)
        except AssertionError:
            pass
        return took, mb
    except (OSError, StopIteration):
        return None, 0


def main():
    p = argparse.ArgumentParser()
    p.add_argument("-n", type=int, default=100000)
    p.add_argument("--only", default="")
    a = p.parse_args()
    names = [n for n in PEERS if not a.only or n in a.only.split(",")]
    names = [n for n in names if n == "dunlin" or shutil.which(n)]
    sign = f"Number {a.n - 1} of many"
    with Dovecot() as d, Proxy(d.ports["imap"], delay=0.025) as far:
        d.fill_maildir((mails.small(i) for i in range(a.n)), seen_every=10)
        c = d.imap()
        c.select("INBOX")
        c.fetch("1:*", "(ENVELOPE)")            # the server's own first look is nobody's
        c.logout()
        print(f"INBOX of {a.n} messages; seconds from exec to the newest subject, peak MB\n")
        print(f"{'':10}{'first':>9}{'again':>9}{'50 ms':>9}{'again':>9}{'memory':>9}")
        for name in names:
            row = []
            mb = 0
            for port in (d.ports["imap"], far.port):
                with Home() as home:
                    argv, keys = PEERS[name](home, port)
                    for settle in (True, False):
                        took, peak = run(name, argv, home, sign, keys, settle)
                        row.append(took)
                        mb = max(mb, peak)
            print(f"{name:10}" + "".join(f"{t:9.2f}" if t else f"{'-':>9}" for t in row) + f"{mb:9.0f}",
                  flush=True)


if __name__ == "__main__":
    main()
