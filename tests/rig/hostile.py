"""A small IMAP server of which a test may change any answer, and what may reach a terminal."""
import os
import re
import time

from .fake import Fake
from .home import PROGRAM
from .terminal import Terminal


class Imap(Fake):
    """`mails` are the INBOX (UIDs from 1), `folders` the other names as they go over the wire (bytes).

    on[VERB] = f(session, line) -> True when it has answered; else the usual answer follows.
    VERB is the command without its tag and without UID: SELECT, FETCH, IDLE, ..."""

    def __init__(self, mails=(), folders=(), on=None, caps="IDLE", tls=None):
        self.mails, self.folders, self.on = list(mails), list(folders), dict(on or {})
        self.caps, self.uidvalidity = caps, 7
        self.commands = []
        super().__init__(self.talk, tls=tls)

    def talk(self, s):
        s.say(f"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN {self.caps}] ready")
        while True:
            line = self.command(s)
            words = line.split(" ")
            verb = words[1].upper() if len(words) > 1 else line.upper()
            if verb == "UID" and len(words) > 2:
                verb = words[2].upper()
            self.commands.append(line)
            hook = self.on.get(verb)
            if hook and hook(s, line):
                continue
            getattr(self, "do_" + verb, self.do_any)(s, line)
            if verb == "LOGOUT":
                return

    @staticmethod
    def command(s):
        """A command with the literals in it, as one line; s.tag is its tag."""
        line = s.line()
        tag = s.tag
        while (size := re.search(r"\{(\d+)(\+?)\}$", line)):
            if not size.group(2):
                s.say("+ go on")
            line += s.take(int(size.group(1))).decode(errors="replace") + s.line()
        s.tag = tag
        return line

    def do_any(self, s, line):
        s.say(f"{s.tag} OK done")

    def do_AUTHENTICATE(self, s, line):
        s.say(f"{s.tag} OK [CAPABILITY IMAP4rev1 {self.caps}] logged in")

    def do_CAPABILITY(self, s, line):
        s.say(f"* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN {self.caps}")
        s.say(f"{s.tag} OK done")

    def do_LIST(self, s, line):
        for name in [b"INBOX", *self.folders]:
            s.raw(b'* LIST () "/" {%d}\r\n%b\r\n' % (len(name), name))
        s.say(f"{s.tag} OK done")

    def do_SELECT(self, s, line):
        n = len(self.mails) if "INBOX" in line else 0
        s.say(f"* {n} EXISTS")
        s.say(f"* OK [UIDVALIDITY {self.uidvalidity}] valid")
        s.say(f"* OK [UIDNEXT {n + 1}] next")
        s.say(f"{s.tag} OK [READ-WRITE] selected")

    do_EXAMINE = do_SELECT

    def do_STATUS(self, s, line):
        name = re.search(r'STATUS ("(?:[^"\\]|\\.)*"|\S+)', line)
        s.say(f"* STATUS {name.group(1) if name else 'INBOX'} (MESSAGES 0 UNSEEN 0 UIDNEXT 1 "
              f"UIDVALIDITY {self.uidvalidity})")
        s.say(f"{s.tag} OK done")

    def do_SEARCH(self, s, line):
        s.say("* SEARCH " + " ".join(str(i + 1) for i in range(len(self.mails))))
        s.say(f"{s.tag} OK done")

    def do_IDLE(self, s, line):
        s.say("+ idling")
        tag = s.tag
        s.line()
        s.say(f"{tag} OK done")

    def uids(self, text):
        out, n = [], len(self.mails)
        for piece in text.split(","):
            lo, _, hi = piece.partition(":")
            lo, hi = (n if v == "*" else int(v) for v in (lo, hi or lo))
            out += range(max(1, min(lo, hi)), min(n, max(lo, hi)) + 1)
        return out

    def row(self, uid, line):
        """The items asked for of one message, as bytes."""
        m = self.mails[uid - 1]
        header, _, body = m.partition(b"\r\n\r\n")
        header += b"\r\n\r\n"
        items = [b"UID %d" % uid]
        if "FLAGS" in line:
            items.append(b"FLAGS ()")
        if "INTERNALDATE" in line:
            items.append(
    b'INTERNALDATE "01-Jan-2026 %02d:%02d:00 +0000"' %
    (uid //
    60 %
    24,
    uid %
     60))
        if "RFC822.SIZE" in line:
            items.append(b"RFC822.SIZE %d" % len(m))
        if "BODYSTRUCTURE" in line:
            items.append(
    b'BODYSTRUCTURE ("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "8BIT" %d 1)' %
     len(body))
        section = re.search(r"BODY\.PEEK\[([^\]]*)\](?:<(\d+)\.(\d+)>)?", line)
        if section:
            name = section.group(1)
            text = header if name.startswith("HEADER") else body if name else m
            origin = b""
            if section.group(2):
                at, most = int(section.group(2)), int(section.group(3))
                text, origin = text[at:at + most], b"<%d>" % at
            items.append(b"BODY[%b]%b {%d}\r\n%b" % (name.encode(), origin, len(text), text))
        return b"* %d FETCH (%b)\r\n" % (uid, b" ".join(items))

    def do_FETCH(self, s, line):
        words = line.split(" ")
        at = 3 if words[1].upper() == "UID" else 2
        for uid in self.uids(words[at]):
            s.raw(self.row(uid, line))
        s.say(f"{s.tag} OK done")


def mail(subject="hello", body=b"words\r\n", head=b"", sender=b"Ada <ada@example.org>", n=1):
    if isinstance(subject, str):
        subject = subject.encode()
    return (
    b"From: %b\r\nTo: ada@localhost\r\nDate: Thu, 1 Jan 2026 00:00:00 +0000\r\n"
    b"Message-ID: <h%d@example.org>\r\nSubject: %b\r\n%b\r\n%b" %
     (sender, n, subject, head, body))


# What ncurses and the frame send to an xterm: cursor, erasing, scrolling, colours with sane numbers,
# the few modes, character sets. Everything else that begins with ESC is somebody's.
_NUM = rb"(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})"
_MODE = rb"(?:1|7|12|25|1000|1002|1006|1034|1049|2004)"
_OURS = re.compile(
    rb"\x1b\[(?:" + _NUM + rb"?(?:[;:]" + _NUM + rb"){0,4}m"
    rb"|" + _NUM + rb"?(?:;" + _NUM + rb")?[HfABCDGdJKLMPXSTr@b]"
    rb"|\?" + _MODE + rb"(?:;" + _MODE + rb")*[hl]"
    rb"|4l|22;0;0t|23;0;0t)"
    rb"|\x1b\([B0]|\x1b\)[B0]|\x1b[=>78M]")
_HIDDEN = re.compile("[\x80-\x9f\x7f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff"
                     "\ufff9-\ufffb\U000e0000-\U000e007f]")


def intruders(data, plain=False):
    """What in the bytes written to a terminal we did not make; `plain`: none of ours is due either."""
    rest = data if plain else _OURS.sub(b"", data)
    bad = [rest[max(0, m.start() - 20):m.end() + 20]
           for m in re.finditer(rb"[\x00-\x07\x0b\x0c\x0e-\x1f]", rest)]
    text = rest.decode(errors="surrogateescape")
    bad += [text[max(0, m.start() - 20):m.end() + 20]
            for m in re.finditer("[\udc80-\udcff]", text)]
    return bad + [text[max(0, m.start() - 20):m.end() + 20] for m in _HIDDEN.finditer(text)]


class Watched(Terminal):
    """A terminal of which every byte ever written is kept."""

    def __init__(self, *args, **kw):
        self.all = bytearray()
        super().__init__(*args, **kw)

    def read(self, timeout):
        data = super().read(timeout)
        self.all += data
        return data


# The same tricks in every dress they may come in. Each would set the window's title, move the
# cursor to where nobody goes, or turn the reading direction around.
TRICKS = [b"\x1b]0;owned\x07",
    b"\x1b[31337;31337H",
    b"\x9b31337m",
    b"\xc2\x9b31337m",
    b"\x1bP+q\x1b\\",
    b"\xe2\x80\xaeevil",
    b"\xe2\x81\xa6evil",
    b"\x7f\x08\x08",
    b"\xc2\x90q\xc2\x9c",
    b"\x0e\x0f",
    b"\xc0\x9b31337m",
    b"\xed\xb2\x9b",
    b"\xf3\xa0\x81\x81",
    b"\xe2\x80\x8b\xef\xbb\xbf",
     b"\x1b$B\x1b(J"]


def watched(home, *args, **env):
    return Watched([PROGRAM, *args], env=home.env(**env))


def quits(t, limit=1.5):
    """ASan makes the end slower than the second that is promised."""
    start = time.monotonic()
    os.write(t.fd, b"Q")
    t.join(limit + 3)
    took = time.monotonic() - start
    assert took < limit, took


def tree(top):
    for d, dirs, files in os.walk(top):
        for name in dirs + files:
            yield os.path.join(d, name)


def endless(piece, first=b""):
    """A hook that answers with this for ever: bytes, or a function that makes them of a number."""
    def hook(s, line):
        made = piece if callable(piece) else lambda i: piece
        s.raw(first)
        for i in range(10 ** 9):
            s.raw(made(i))
    return hook
