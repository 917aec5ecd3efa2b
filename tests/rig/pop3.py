"""A POP3 account in a Home: its mailrc, what is in its inbox, what is on the server."""
import os
import poplib
import re

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


def empty(d, user="ada"):
    """Everything on the server is deleted."""
    c = d.pop3(user)
    for n in range(1, len(c.list()[1]) + 1):
        c.dele(n)
    c.quit()


def whole(here, everything, what):
    assert sorted(here) == sorted(everything), (what, sorted(set(everything) - set(here)))
    for mid, raw in everything.items():
        assert here[mid] == raw, (what, mid)
