"""Real and strange mails of the corpus, downloaded into an mbox, read there by Dovecot, and read and written by mutt:
every byte that is the mail's stays."""
import glob
import os
import re
import shutil

from rig.dovecot import Dovecot
from rig.home import ROOT, Home
from rig.run import Skip
from rig.screen import Screen

CORPUS = os.environ.get("DUNLIN_CORPUS") or os.path.join(os.path.dirname(ROOT), "shared", "corpus")
OWN = rb"(?mi)^(Status|X-Status|X-Keywords|X-UID|X-IMAP|X-IMAPbase|Content-Length|Lines):[^\n]*\n(?:[ \t][^\n]*\n)*"


def messages():
    """From_ lines of the corpus taken off, LF."""
    out = []
    for path in sorted(glob.glob(os.path.join(CORPUS, "mbox", "**", "*"), recursive=True)):
        data = open(path, "rb").read() if os.path.isfile(path) else b""
        if data.startswith(b"From "):
            parts = re.split(rb"(?m)(?:\A|(?<=\n\n))From [^\n]* \d\d:\d\d[^\n]*\n", data)[1:]
            out += [p.replace(b"\r\n", b"\n") for p in parts]
    for path in sorted(glob.glob(os.path.join(CORPUS, "malformed", "*", "*")))[::4]:
        if os.path.isfile(path):
            out.append(re.sub(rb"\AFrom [^\n]*\n", b"", open(path, "rb").read()).replace(b"\r\n", b"\n"))
    # Dovecot's APPEND takes neither NUL nor nothing; a bare CR is a line end to some.
    # What is no header line in a header, mutt and Dovecot each mend in their own way.
    is_head = re.compile(rb"(?:[!-9;-~]+:[^\n]*\n(?:[ \t]+[^\s][^\n]*\n)*)+\n")
    return [m for m in out if is_head.match(m) and b"\0" not in m and b"\r" not in m and len(m) < 200000]


def bare(raw):
    """The mail's own bytes: without what mbox programs add, quote or count."""
    head, empty, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    head = re.sub(OWN, b"", head + b"\n")
    return (head + b"\n" + re.sub(rb"(?m)^>+From ", b"From ", body)).strip(b"\n")


def all_of(d, folder="INBOX"):
    c = d.imap()
    c.select(folder, readonly=True)
    n = int(c.select(folder, readonly=True)[1][0])
    out = [c.fetch(str(i + 1), "(BODY.PEEK[])")[1][0][1] for i in range(n)]
    c.logout()
    return out


def in_file(path):
    data = open(path, "rb").read()
    parts = re.split(rb"(?:\A|(?<=\n\n))From [^\n]* \d\d:\d\d[^\n]*\n", data)
    assert parts[0] == b"", parts[0][:100]
    return parts[1:]


def same(want, got, who):
    assert len(want) == len(got), (who, len(want), len(got))
    for i, (a, b) in enumerate(zip(want, got)):
        a, b = bare(a), bare(b)
        if a != b:
            at = next((k for k, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
            raise AssertionError((who, i, at, a[max(0, at - 100):at + 100], b[max(0, at - 100):at + 100]))


def test_corpus_in_an_mbox():
    mails = messages()
    if not mails:
        raise Skip("no corpus")
    with Dovecot() as server, Dovecot(driver="mbox") as reader, Home() as home:
        server.fill(mails)
        want = all_of(server)
        box = os.path.join(reader.dir, "home", "ada")
        os.makedirs(box, exist_ok=True)
        home.account(server.ports["pop3"], name="home", scheme="pop3+insecure", more=f"mbox = {box}\nkeep = yes")
        r = home.run("sync")
        assert r.returncode == 0, r
        inbox = os.path.join(box, "inbox")
        same(want, in_file(inbox), "our file")
        os.system(f"chown -R --reference={reader.dir} {box} 2>/dev/null")
        same(want, all_of(reader), "Dovecot")
        if shutil.which("mutt"):
            with Screen(["mutt", "-n", "-F", "/dev/null", "-f", inbox], cols=100, env=home.env()) as mutt:
                mutt.wait("Mail does not exist")
                mutt.keys("n")
                mutt.wait(re.compile(r"Msgs:"))
                mutt.keys("1", "Enter", "F", "2", "Enter", "F")
                mutt.wait(lambda t: "!" in t)
                mutt.keys("q", "y")
                mutt.wait("[exit")
            same(want, in_file(inbox), "mutt")
        # And written anew by us, flags and all, when there is no room for them.
        with home.screen(cols=100) as s:
            s.wait("INBOX")
            s.keys("gg", "F")
            s.wait(lambda t: "flagged" in t)
        same(want, in_file(inbox), "our rewriting")
        print(f"{len(want)} mails, {sum(map(len, want))} bytes")
