"""dunlin -f FILE: any mbox is an inbox, and with -R it stays as it is."""
from rig import mails
from rig.home import Home


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
                s.wait("read-only")
                s.keys("j")
                s.gone("read-only")
            s.keys("Enter")
            s.wait("Message 0")
            s.keys("Q")
            s.wait("[exit 0]")
        assert read(path) == before
