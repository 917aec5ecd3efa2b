"""A search over all folders of two accounts: what it lists, what is done there reaches the server, and what it says
of folders that were never read."""
import email.policy
import os

from rig import census, mails
from rig.dovecot import PASSWORD, Dovecot
from rig.home import Home
from rig.waiting import until


def accounts(home, d):
    home.write_rc("\n".join(
        f"[account {name}]\nfrom = Ada <{user}@localhost>\nreceive = imap+insecure://{user}@127.0.0.1:{d.ports['imap']}\n"
        f"password-command = echo {PASSWORD}\n" for name, user in (("work", "ada"), ("home", "bob"))))


def letter(n, subject, text="Nothing of note"):
    m = mails.make(n, tag="find", subject=subject)
    m.set_content(text)
    return m.as_bytes(policy=email.policy.SMTP)


def fill(d):
    """lease-N: 1 and 2 in work, 3 and 4 at home, 5 in Trash; and some that nobody looks for."""
    d.fill([letter(1, "lease-1", "about the roof")] + [letter(n, f"other-{n}") for n in range(10, 20)])
    d.fill([letter(2, "lease-2")], "Lists/flat")
    d.fill([letter(3, "lease-3")], user="bob")
    d.fill([letter(4, "lease-4", "the ROOF leaks")], "Old/2019", user="bob")
    d.fill([letter(5, "lease-5")], "Trash", user="bob")


def where(d, user):
    """Number: folder, of those that are not deleted."""
    folders = census.undeleted(census.server(d, user))
    return {census.number(r[1]): name for name, rows in folders.items() for r in rows}


def shown(*wanted):
    return lambda text: {n for n in range(1, 6) if f"lease-{n}" in text} == set(wanted)


def find(s, query):
    s.keys("g", "s", "C-u", query, "Enter")


def test_find_act_undo():
    with Dovecot() as d, Home() as home:
        fill(d)
        accounts(home, d)
        assert home.run("sync").returncode == 0
        with home.screen(cols=100, rows=24) as s:
            s.wait("work/INBOX")
            s.wait("other-19")
            find(s, "lease")
            s.wait(shown(1, 2, 3, 4))
            for place in ("work/INBOX", "work/flat", "home/INBOX", "home/Old/2019"):
                s.wait(place)
            assert "not looked at" not in s.text()
            find(s, "lease in:anywhere")
            s.wait(shown(1, 2, 3, 4, 5))
            find(s, "lease in:trash")
            s.wait(shown(5))
            find(s, "body:roof")                        # asked of both servers, folder by folder
            s.wait(shown(1, 4), timeout=20)
            find(s, "subject:lease -in:home")
            s.wait(shown(1, 2))
            s.keys("/", "lease-2", "Enter", "Enter")
            s.wait("Nothing of note")
            s.wait("work/Lists/flat")
            s.keys("a")                                 # archived from the message
            until(lambda: where(d, "ada").get(2) == "Archive", lambda: where(d, "ada"))
            s.keys("q")
            s.wait("Find: subject:lease")
            s.wait("work/Archive")                      # it is found where it went
            find(s, "lease")
            s.wait(shown(1, 2, 3, 4))
            s.keys("M-t", "lease", "Enter")
            s.wait("4 messages tagged")
            s.keys(";", "F", ";", "d")                  # both accounts, four folders, one decision
            s.wait(shown())
            until(lambda: [where(d, "ada").get(n) for n in (1, 2)] == ["Trash"] * 2, lambda: where(d, "ada"))
            until(lambda: [where(d, "bob").get(n) for n in (3, 4)] == ["Trash"] * 2, lambda: where(d, "bob"))
            s.keys("u")
            until(lambda: where(d, "ada") == {1: "INBOX", 2: "Archive", **{n: "INBOX" for n in range(10, 20)}},
                  lambda: where(d, "ada"))
            until(lambda: where(d, "bob") == {3: "INBOX", 4: "Old/2019", 5: "Trash"}, lambda: where(d, "bob"))
            s.wait(shown(1, 2, 3, 4))
            d.fill([letter(6, "lease-6")], "Lists/flat")        # what comes while it stands
            s.keys("$")
            s.wait("lease-6", timeout=20)
            s.keys("q")
            s.wait("other-19")
            s.keys("Q")
            s.wait("[exit 0]")


def test_folders_never_read():
    """They are told, and read when the person says so; what is in them is listed as it comes."""
    with Dovecot() as d, Home() as home:
        fill(d)
        accounts(home, d)
        with home.screen(cols=100, rows=24) as s:
            s.wait("other-19")
            s.wait("home: online")
            find(s, "lease")
            s.wait("folders not looked at yet")
            s.wait(shown(1, 3))
            s.keys("$")
            s.wait(shown(1, 2, 3, 4), timeout=20)
            s.gone("not looked at yet", timeout=20)
            s.resize(40, 12)
            s.wait("Find: lease")
            s.keys("gg")
            s.wait(lambda t: "home/" in t.splitlines()[0] or "work/" in t.splitlines()[0])


def test_files_are_read_by_themselves():
    with Home() as home:
        for name, numbers in (("inbox", (1,)), ("Old", (2, 3)), ("Trash", (5,))):
            path = home.path("mail", name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                for n in numbers:
                    f.write(b"From a@b.example Thu Jan  1 00:00:00 2026\n"
                            + letter(n, f"lease-{n}").replace(b"\r\n", b"\n") + b"\n")
        home.write_rc(f"[account files]\nfrom = Ada <ada@localhost>\nreceive = mbox:{home.path('mail')}\n")
        with home.screen(cols=100) as s:
            s.wait("lease-1")
            find(s, "lease")
            s.wait(shown(1, 2, 3))
            s.gone("not looked at yet")
