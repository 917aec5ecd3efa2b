"""mbox files shared with other programs: Python's mailbox, mutt and Dovecot read what we write, flags
included, and the other way round; their changes appear on the screen by themselves."""
import mailbox
import os
import re
import shutil
import subprocess

from rig import mails
from rig.dovecot import Dovecot
from rig.home import RELEASE, Home
from rig.screen import Screen
from rig.waiting import until

N = 6


def message(n):
    return mails.raw(n, subject=f"subject-{n}").replace(b"\r\n", b"\n")


def deliver(path, numbers):
    box = mailbox.mbox(path)
    box.lock()
    for n in numbers:
        box.add(mailbox.mboxMessage(message(n)))
    box.flush()
    box.close()


def flags(path):
    """{number: flags} of what stands in the file; asserts that nothing stands twice."""
    out = {}
    if not os.path.exists(path):
        return out
    box = mailbox.mbox(path, create=False)
    for m in box:
        n = int(re.search(r"\.(\d+)@", m["Message-ID"]).group(1))
        assert n not in out, f"{n} stands twice in {path}"
        out[n] = m.get_flags()
    box.close()
    return out


def account(home, directory):
    home.write_rc(f"[account files]\nfrom = Ada <ada@localhost>\nreceive = mbox:{directory}\n")


def line_of(text, n):
    return next((l for l in text.split("\n") if f"subject-{n}" in l), "")


def is_flagged(n):
    return lambda text: "F" in line_of(text, n).split("subject-")[0][:8]


def test_python_reads_and_writes_the_same_file():
    with Home() as home:
        mail = home.path("Mail")
        inbox = os.path.join(mail, "inbox")
        os.makedirs(mail)
        deliver(inbox, range(N))
        account(home, mail)
        with home.screen(cols=100) as s:
            s.wait(f"subject-{N - 1}")
            s.keys("gg", "F")
            until(lambda: "F" in flags(inbox)[N - 1], "flagged")
            s.keys("j", "Enter")
            until(lambda: any("R" in f for f in flags(inbox).values()), "read")
            s.keys("q", "gg", "d")
            until(lambda: N - 1 in flags(os.path.join(mail, "Trash")), "in Trash")
            until(lambda: N - 1 not in flags(inbox), "not in the inbox")
            s.keys("u")
            until(lambda: "F" in flags(inbox).get(N - 1, ""), "back, its flag too")
            until(lambda: not flags(os.path.join(mail, "Trash")), "Trash is empty")
            # What another program does appears within 2 s.
            deliver(inbox, [50])
            s.wait("subject-50", 2.0)
            box = mailbox.mbox(inbox)
            box.lock()
            for key, m in box.items():
                if m["Subject"] == "subject-1":
                    m.add_flag("F")
                    box[key] = m
                if m["Subject"] == "subject-2":
                    box.remove(key)
            box.flush()
            box.close()
            s.wait(is_flagged(1), 3.0)
            s.gone("subject-2 ", 2.0)
        assert sorted(flags(inbox)) == [0, 1, 3, 4, 5, 50]


def test_mutt_reads_and_writes_the_same_file():
    if not shutil.which("mutt"):
        from rig.run import Skip
        raise Skip("mutt is not installed")
    with Home() as home:
        mail = home.path("Mail")
        inbox = os.path.join(mail, "inbox")
        os.makedirs(mail)
        deliver(inbox, range(N))
        account(home, mail)
        with home.screen(cols=100) as s:
            s.wait(f"subject-{N - 1}")
            s.keys("gg", "F")
            until(lambda: "F" in flags(inbox)[N - 1], "flagged")
            with Screen(["mutt", "-n", "-F", "/dev/null", "-f", inbox], cols=100,
                        env=home.env()) as mutt:
                shown = mutt.wait(f"subject-{N - 1}")
                assert "!" in line_of(shown, N - 1), shown
                mutt.keys("1", "Enter", "F", "2", "Enter", "d")
                mutt.wait(lambda t: "!" in line_of(t, 0) and "Del:1" in t)
                mutt.keys("q", "y")
                mutt.wait("[exit")
            s.wait(is_flagged(0), 3.0)
            s.gone("subject-1 ", 3.0)
            s.keys("gg", "F")
            until(lambda: "F" not in flags(inbox)[N - 1], "flag taken away after mutt wrote the file")
        assert sorted(flags(inbox)) == [0, 2, 3, 4, 5]


def mailx(home, path, commands):
    """What s-nail prints, which is the mailx of today."""
    r = subprocess.run(["s-nail", "-n", "-#", "-f", path], input=commands, capture_output=True, text=True,
                       env=dict(os.environ, MAILRC="/dev/null", **home.env()), timeout=20, errors="replace")
    return r.stdout + r.stderr


def test_mailx_reads_and_writes_the_same_file():
    """It reads what was read, answered and flagged here; what it reads and deletes is so on the screen."""
    if not shutil.which("s-nail"):
        from rig.run import Skip
        raise Skip("s-nail is not installed")
    with Home() as home:
        mail = home.path("Mail")
        inbox = os.path.join(mail, "inbox")
        os.makedirs(mail)
        deliver(inbox, range(N))
        account(home, mail)
        with home.screen(cols=100) as s:
            s.wait(f"subject-{N - 1}")
            s.keys("gg", "F", "j", "N")
            until(lambda: "F" in flags(inbox)[N - 1] and "R" in flags(inbox)[N - 2], "flagged and read")
            text = mailx(home, inbox, "search :f\nsearch :r\nsearch :n\ntype 1\ndelete 2\nquit\n")
            flagged, seen = [l for l in text.split("\n") if "subject-" in l][:2]
            assert f"subject-{N - 1}" in flagged and f"subject-{N - 2}" in seen, text
            until(lambda: 1 not in flags(inbox), text)
            assert sorted(flags(inbox)) == [0, *range(2, N)], text
            s.gone("subject-1 ", 3.0)
            s.wait(lambda t: "N" not in line_of(t, 0)[:3])
            until(lambda: "F" in flags(inbox)[N - 1] and "R" in flags(inbox)[0], "all flags kept")
            s.keys("gg", "F")
            until(lambda: "F" not in flags(inbox)[N - 1], "taken away after mailx wrote the file")


def test_dovecot_serves_the_same_file():
    with Dovecot(driver="mbox") as d, Home() as home:
        d.fill([mails.raw(i, subject=f"subject-{i}") for i in range(N)])
        box = os.path.join(d.dir, "home", "ada")
        inbox = os.path.join(box, "inbox")
        account(home, box)
        with home.screen(cols=100) as s:
            s.wait(f"subject-{N - 1}")
            s.keys("gg", "F")
            until(lambda: "\\Flagged" in d.messages()[mails.message_id(N - 1)], "Dovecot sees the flag")
            c = d.imap()
            c.select("INBOX")
            c.store("1", "+FLAGS", "\\Answered \\Flagged")
            c.store("2", "+FLAGS", "\\Deleted")
            c.expunge()
            c.append("INBOX", "", None, mails.raw(60, subject="subject-60"))
            c.logout()
            s.wait("subject-60", 3.0)
            s.wait(is_flagged(0), 3.0)
            s.gone("subject-1 ", 3.0)
            s.keys("gg", "d")
            until(lambda: len(d.messages()) == N - 1, "Dovecot sees what was deleted")
        assert len(flags(inbox)) == N - 1


def test_file_we_may_only_read():
    """-R and -f: nothing in the file changes, whatever is pressed, and the screen says so."""
    with Home() as home:
        path = home.path("some.mbox")
        deliver(path, range(N))
        with open(path, "rb") as f:
            before = f.read()
        with home.screen("-R", "-f", path, cols=100) as s:
            s.wait(f"subject-{N - 1}")
            s.keys("gg", "d")
            s.wait(re.compile("(?i)read.only"))
            s.keys("Enter")
            s.wait(f"Message {N - 1}.")
        with open(path, "rb") as f:
            assert f.read() == before


def test_not_an_mbox():
    with Home() as home:
        path = home.path("notes.txt")
        with open(path, "w") as f:
            f.write("these are\nnotes\n")
        r = home.run("-f", path)
        assert r.returncode != 0 and "not an mbox" in r.stderr, r
        assert home.run("-f", home.path("missing")).returncode != 0


def test_compressed_file():
    """gzip: unpacked once beside the index, read only; the second opening unpacks nothing."""
    import gzip
    with Home() as home:
        path = home.path("old.mbox.gz")
        deliver(home.path("old.mbox"), range(N))
        with open(home.path("old.mbox"), "rb") as f, gzip.open(path, "wb") as g:
            g.write(f.read())
        for _ in range(2):
            with home.screen("-f", path, cols=100) as s:
                s.wait(f"subject-{N - 1}")
                s.keys("gg", "d")
                s.wait(re.compile("(?i)read.only"))
        with open(path, "r+b") as f:                # cut: said, not shown as whole
            f.truncate(os.path.getsize(path) - 20)
        r = home.run("-f", path)
        assert r.returncode != 0 and "damaged" in r.stderr, r


def test_gzip_bomb():
    """What unpacks to a thousand times its size is refused on the way, and leaves nothing behind."""
    import gzip
    with Home() as home:
        path = home.path("bomb.gz")
        zeros = gzip.compress(bytes(32 << 20), 1)
        with open(path, "wb") as f:
            f.write(gzip.compress(b"From a Thu Jan  1 00:00:00 2026\nSubject: x\n\n") + zeros * 10)
        r = subprocess.run([RELEASE, "-f", path], env=dict(os.environ, **home.env()), capture_output=True, text=True)
        assert r.returncode != 0 and "200 times" in r.stderr, r
        assert not os.listdir(home.path("cache", "dunlin", "unpacked"))
