"""dunlin -f FILE: any mbox is an inbox, and with -R it stays as it is."""
import os

from rig import mails
from rig.home import PROGRAM, Home
from rig.screen import Screen


def mbox(path, count):
    with open(path, "wb") as f:
        for n in range(count):
            f.write(b"From a@b.example Thu Jan  1 00:00:00 2026\n"
                    + mails.raw(n).replace(b"\r\n", b"\n") + b"\n")


def read(path):
    with open(path, "rb") as f:
        return f.read()


def test_file_is_the_inbox():
    """The file stands first in the list of folders, and is not deleted from there."""
    with Home() as home:
        path = home.path("some.mbox")
        mbox(path, 5)
        with home.screen("-f", path) as s:
            s.wait("5, 5 unread")
            s.keys("d")
            s.wait("4, 4 unread")
            s.keys("u")
            s.wait("5, 5 unread")
            s.keys("y")
            text = s.wait("Trash")
            assert text.index("INBOX") < text.index("Drafts"), text
            s.keys("gg", "j", "d")
            s.wait("the inbox stays as it is")
            s.keys("Q")
            s.wait("[exit 0]")
        assert read(path).count(b"\nMessage-ID:") == 5


def test_read_only_changes_nothing():
    with Home() as home:
        path = home.path("some.mbox")
        mbox(path, 5)
        before = read(path)
        with home.screen("-R", "-f", path) as s:
            s.wait("5, 5 unread")
            for key in ("d", "F", "a", "N"):
                s.keys(key)
                s.wait("this is open read-only")
                s.keys("j")
                s.gone("this is open read-only")
            s.keys("Enter")
            s.wait("Message 0")
            s.keys("Q")
            s.wait("[exit 0]")
        assert read(path) == before


def odd_file(path, crlf):
    """Quoted From_ lines, NUL bytes, a line of 3 MB, Content-Length that lies, no end of line at the end."""
    from_line, bodies = b"From a@b.example Thu Jan  1 00:00:00 2026\n", [
        b"Before\n\n>From the text\n>>From twice\nBehind\n",
        b"Before the NUL\0behind\0\0\nNext line\n",
        b"Long " + b"x" * 3_000_000 + b" end\nAfter the long line\n",
        b"From here on it is text\n\nFrom there, without a date\n\nLast line",
    ]
    with open(path, "wb") as f:
        for n, body in enumerate(bodies):
            raw = (from_line + b"Subject: odd-%d\nFrom: a@b.example\nDate: Thu, 01 Jan 2026 00:00:0%d +0000\n"
                   b"Message-ID: <odd.%d@rig.example>\nContent-Length: 7\n\n" % (n, n, n)) + body
            raw += b"\n" if n + 1 < len(bodies) else b""
            f.write(raw.replace(b"\n", b"\r\n") if crlf else raw)


def test_odd_files_on_the_screen():
    """Each message of them stands once, shown unquoted and whole; a flag changes nothing but its two lines, and mode, owner and
    symlink stay."""
    for crlf in (False, True):
        with Home() as home:
            real, path = home.path("real.mbox"), home.path("link.mbox")
            odd_file(real, crlf)
            before = read(real)
            os.chmod(real, 0o640)
            if os.geteuid() == 0:
                os.chown(real, 12, 34)
            owner = (os.stat(real).st_uid, os.stat(real).st_gid)
            os.symlink("real.mbox", path)
            with home.screen("-f", path) as s:
                s.wait("4, 4 unread")
                for n, there, absent in ((0, ("From the text", "> From twice"), ">From"),
                                         (1, ("Before the NUL", "Next line"), "From a@b.example Thu"),
                                         (2, ("xxxxxxxx",), "From a@b.example Thu"),
                                         (3, ("From here on it is text", "From there", "Last line"), ">From")):
                    s.keys("/", f"subject:odd-{n}", "Enter", "Enter")
                    for text in there:
                        s.wait(text)
                    assert absent not in s.text(), s.text()
                    if n == 2:
                        s.keys("G")
                        s.wait("After the long line")
                    s.keys("q")
                s.keys("gg", "F")
                s.wait("1 message flagged")
                s.gone("pending")
                s.keys("Q")
                s.wait("[exit 0]")
            end = b"\r\n" if crlf else b"\n"
            lines = [line for line in read(real).split(b"\n") if not line.startswith((b"Status:", b"X-Status:"))]
            assert b"\n".join(lines).rstrip(b"\r\n") == before.rstrip(b"\r\n"), crlf
            assert read(real).count(end + b"Subject:") == 4 and b"X-Status: F" in read(real)
            assert os.path.islink(path) and oct(os.stat(real).st_mode)[-3:] == "640"
            assert (os.stat(real).st_uid, os.stat(real).st_gid) == owner


def test_no_room_on_the_screen():
    """A flag without room and a message to be removed want a new file, which may not grow: told, kept, and carried out when there is
    room; the old file is whole, and nothing lies beside it."""
    with Home() as home:
        path = home.path("big.mbox")
        mbox(path, 8)
        with open(path, "ab") as f:
            f.write(b"From a@b.example Thu Jan  1 00:00:00 2026\nSubject: big\nMessage-ID: <m.big@rig.example>\n\n"
                    + b"x" * 76 * 80000 + b"\n\n")
        before = read(path)
        with Screen(["bash", "-c", f"ulimit -f 5000; exec {PROGRAM} -f {path}"], env=home.env()) as s:
            s.wait("9, 9 unread")
            s.keys("gg", "F")
            s.wait("cannot write the mbox anew: File too large")
            s.wait("1 pending")
            s.keys("G", "d")
            s.wait("8, 8 unread")
            s.wait("2 pending")
            s.keys("Q")
            s.wait("[exit 0]")
        assert read(path) == before
        assert [f for f in os.listdir(home.dir) if "big.mbox" in f] == ["big.mbox"]
        with home.screen("-f", path) as s:
            s.wait("8, 8 unread")
            s.gone("pending")
            s.keys("Q")
            s.wait("[exit 0]")
        assert read(path).count(b"\nMessage-ID:") == 8 and read(path).count(b"\nX-Status: F") == 1
