"""POP3 into an mbox, from outside: every message of the server once, whole, whatever breaks."""
import mailbox
import os
import poplib
import random
import re
import shutil
import signal
import socket
import subprocess
import time

from rig import mails
from rig.dovecot import PASSWORD, Dovecot
from rig.home import PROGRAM, Home
from rig.proxy import Proxy

poplib._MAXLINE = 10 << 20


def setup(home, port, *, keep="yes", more="", **kw):
    home.account(port, name="home", scheme="pop3+insecure",
                 more=f"mbox = {home.path('mail')}\nkeep = {keep}\n{more}", **kw)


def sync(home, timeout=60, **kw):
    r = home.run("sync", timeout=timeout, **kw)
    return r.returncode, r.stdout + r.stderr


def inbox(home):
    """{message-id: bytes} of the mbox, read by somebody else's program; asserts that no id stands twice."""
    path = home.path("mail/inbox")
    if not os.path.exists(path):
        return {}
    data = open(path, "rb").read()
    parts = re.split(rb"(?:\A|(?<=\n\n))From MAILER-DAEMON [^\n]*\n", data)
    assert parts[0] == b"", parts[0][:200]
    out = {}
    for part in parts[1:]:
        assert part.endswith(b"\n\n"), part[-60:]
        part = part[:-1]
        head, empty, body = part.partition(b"\n\n")
        head = re.sub(rb"\n(X-)?Status:[^\n]*", b"", head)
        raw = re.sub(rb"(?m)^>(>*From )", rb"\1", head + empty + body)
        mid = re.search(rb"(?mi)^Message-ID: *<([^>]*)>", head).group(1).decode()
        assert mid not in out, f"{mid} stands twice"
        out[mid] = raw
    return out


def on_server(d, user="ada"):
    """{message-id: bytes} as POP3 gives them."""
    c = d.pop3(user)
    out = {}
    for n in range(1, len(c.list()[1]) + 1):
        raw = b"\n".join(c.retr(n)[1]) + b"\n"
        out[re.search(rb"(?mi)^Message-ID: *<([^>]*)>", raw).group(1).decode()] = raw
    c.quit()
    return out


def strange_mails():
    """What a mailbox must survive: From_ lines, dots, no end of line, NUL-free 8 bit, a long line."""
    def mk(n, body, head=""):
        return (f"Message-ID: <odd.{n}@rig.example>\r\nFrom: ada@example.org\r\n"
                f"Date: Thu, 01 Jan 2026 00:00:0{n % 10} +0000\r\nSubject: odd {n}\r\n{head}\r\n").encode() + body
    return [
        mk(1, b"From bob@example.org Thu Jan  1 00:00:00 2026\r\nForged: yes\r\n\r\nx\r\n"),
        mk(2, b"\r\n\r\nFrom bob@example.org Thu Jan  1 00:00:00 2026\r\n>From me\r\n>>From you\r\n"),
        mk(3, b".\r\n..\r\n.one dot\r\n...three\r\n"),
        mk(4, b"x" * 300000 + b"\r\n" + b".y" * 1000 + b"\r\n"),
        mk(5, b"no line end at the end"),
        mk(6, b""),
        mk(7, b"\r\n\r\n\r\n"),
        mk(8, bytes(range(128, 256)) + b"\r\n", head="Status: RO\r\nX-Status: D\r\nContent-Length: 3\r\n"),
    ]


def same(home, d):
    """Every message of the server stands in the mbox once and with the server's bytes."""
    there, here = on_server(d), inbox(home)
    assert sorted(there) == sorted(here), (sorted(set(there) - set(here)), sorted(set(here) - set(there)))
    for mid, raw in there.items():
        want = re.sub(rb"\n(X-)?Status:[^\n]*", b"", raw) if b"odd.8" in raw else raw
        assert here[mid] == want, (mid, here[mid][:300], want[:300])


def test_pop3_downloads_all_once():
    with Dovecot() as d, Home() as home:
        d.fill([mails.raw(n, attach=n % 5 == 0) for n in range(30)] + strange_mails())
        setup(home, d.ports["pop3"])
        code, text = sync(home)
        assert code == 0 and "38 new messages" in text, (code, text)
        same(home, d)
        before = open(home.path("mail/inbox"), "rb").read()
        code, text = sync(home)
        assert code == 0 and "0 new messages" in text, text
        assert open(home.path("mail/inbox"), "rb").read() == before
        d.fill([mails.raw(100)])
        code, text = sync(home)
        assert code == 0 and "1 new message" in text, text
        same(home, d)
