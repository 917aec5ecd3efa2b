"""What a person does with the mail she reads, all day: invitations, parts, other programs."""
import email
import email.policy
import os
import re
import subprocess

from rig import postfix
from rig.dovecot import Dovecot
from rig.home import Home
from rig.run import Skip
from rig.waiting import until

INVITATION = b"""From: Grace <grace@example.net>
To: Ada <ada@localhost>
Subject: Planning
Date: Mon, 23 Nov 2026 10:00:00 +0100
Message-ID: <invitation@rig.example>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=m

--m
Content-Type: multipart/alternative; boundary=a

--a
Content-Type: text/plain

You are invited.

--a
Content-Type: text/calendar; charset=utf-8; method=REQUEST

BEGIN:VCALENDAR
METHOD:REQUEST
BEGIN:VEVENT
UID:1@example.net
DTSTART:20261201T130000Z
DTEND:20261201T143000Z
SUMMARY:Planning
LOCATION:Room 4
ORGANIZER;CN=Grace:mailto:grace@example.net
END:VEVENT
END:VCALENDAR

--a--

--m
Content-Type: application/pdf; name=plan.pdf
Content-Disposition: attachment; filename=plan.pdf
Content-Transfer-Encoding: base64

""" + b"JVBERi0xLjQK" * 5000 + b"""
--m--
"""

LONG = b"""From: Grace <grace@example.net>
To: Ada <ada@localhost>
Subject: Long
Date: Mon, 23 Nov 2026 10:00:00 +0100
Message-ID: <long@rig.example>

""" + b"one two three " * 40 + b"""end.
"""


def open_one(server, home, mail, rc="", **kw):
    """A screen that shows the only message there is."""
    server.fill([mail])
    home.account(server.ports["imap"], before=rc)
    s = home.screen(**kw)
    s.wait("? help")
    s.wait("work: online")
    s.keys("Enter")
    return s


def test_invitation_is_read_on_the_readers_clock():
    with Dovecot() as server, Home() as home:
        with open_one(server, home, INVITATION, TZ="Europe/Berlin") as s:
            text = s.wait("You are invited.")
            for line in ("▌ Invitation: Planning", "▌ When: Tue, 1 Dec 2026 14:00-15:30",
                         "▌ Where: Room 4", "▌ Organizer: Grace <grace@example.net>"):
                assert line in text.split("\n"), text
            assert text.index("▌ When") < text.index("You are invited."), text


def text_of(home, name):
    """Of a file that another program writes; empty before it has begun."""
    if not os.path.exists(home.path(name)):
        return ""
    with open(home.path(name)) as f:
        return f.read()


def test_link_of_an_invitation_is_whole():
    """However it is wrapped, behind our mark or in a quotation, a link is the one that was sent."""
    url = "https://meet.example.net/" + "abcdefgh-" * 12 + "?pwd=1"
    mail = INVITATION.replace(b"LOCATION", b"URL:" + url.encode() + b"\nLOCATION").replace(
        b"You are invited.", b"You are invited.\n> See " + url.replace("meet", "quoted").encode())
    with Dovecot() as server, Home() as home:
        opener = home.path("opener")
        with open(opener, "w") as f:
            f.write(f"#!/bin/sh\necho \"$1\" >> {home.path('opened')}\n")
        os.chmod(opener, 0o700)
        with open_one(server, home, mail, f"[mail]\nbrowser = {opener}\n") as s:
            s.wait("You are invited.")
            for k, host in enumerate(("meet", "quoted")):
                s.keys("o")
                s.wait("Link:")
                s.keys(str(k + 1), "Enter")
                s.wait(f"Go to {host}.example.net?")
                s.keys("y")
                until(lambda: len(text_of(home, "opened").split()) == k + 1, s.text)
            assert text_of(home, "opened").split() == [url, url.replace("meet", "quoted")]


def test_invitation_is_answered():
    """The organizer gets the answer as her calendar wants it: beside a text, by its method, about her event."""
    if not postfix.available():
        raise Skip("needs Postfix, and root to start it")
    invited = INVITATION.replace(b"grace@example.net", b"bob@example.net").replace(
        b"LOCATION", b"ATTENDEE;RSVP=TRUE:mailto:help@localhost\nLOCATION")
    with Dovecot() as server, postfix.Postfix(server) as post, Home() as home:
        server.fill([invited])
        home.account(server.ports["imap"], more="identities = Help <help@localhost>\n"
                     f"send = smtp+insecure://ada@127.0.0.1:{post.ports['plain']}",
                     before="[mail]\nundo-send = 0s\n")
        with home.screen() as s:
            s.wait("? help")
            s.wait("work: online")
            s.keys("Enter")
            s.wait("You are invited.")
            s.keys("g", "i")
            s.wait("Planning: a accept, m maybe, d decline?")
            s.keys("a")
            text = s.wait("y sends your answer")
            for line in ("From  Help <help@localhost>", "To  Grace <bob@example.net>",
                         "Subject  Accepted: Planning"):
                assert line in text, text
            s.keys("y")
            s.wait("You are invited.")
            until(lambda: server.messages(user="bob@example.net"), s.text)
        c = server.imap("bob@example.net")
        c.select("INBOX", readonly=True)
        got = c.fetch("1", "(BODY.PEEK[])")[1][0][1]
        c.logout()
        m = email.message_from_bytes(got, policy=email.policy.default)
        assert m.get_content_type() == "multipart/alternative", m
        plain, calendar = m.iter_parts()
        assert plain.get_content().startswith("Accepted: Planning")
        assert (calendar.get_content_type(), calendar.get_param("method"),
                calendar.get_content_disposition()) == ("text/calendar", "REPLY", None)
        lines = calendar.get_content().replace("\r\n", "\n").split("\n")
        assert "UID:1@example.net" in lines and "METHOD:REPLY" in lines
        assert "ATTENDEE;PARTSTAT=ACCEPTED:mailto:help@localhost" in lines, lines
        assert m["In-Reply-To"] == "<invitation@rig.example>"


def test_text_is_no_wider_than_asked_for():
    for rc, widest in ("[mail]\nwrap = 60\n", 60), ("", 120), ("[mail]\nwrap = 200\n", 120):
        with Dovecot() as server, Home() as home:
            with open_one(server, home, LONG, rc, cols=120, rows=40) as s:
                text = s.wait("end.")
                lines = [len(l) for l in text.split("\n") if l.startswith(("one", "two", "three"))]
                assert widest - 6 < max(lines) <= widest, text
                s.resize(50, 20)
                s.wait(lambda t: t.count("three") > 10
                       and 44 < max(len(l) for l in t.split("\n") if "three" in l) <= 50)


def patch(n):
    """Of a series: each changes the line that the one before has left."""
    return (f"From: Grace <grace@example.net>\nSubject: [PATCH {n}/3] Count to {n}\n"
            f"Date: Mon, 23 Nov 2026 10:00:0{n} +0100\nMessage-ID: <patch{n}@rig.example>\n\n"
            f"From now on to {n}.\n---\n f | 2 +-\n\ndiff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n"
            f"-{n - 1}\n+{n}\n-- \n2.0\n").encode()


def piped(s, home, name, want):
    """What a command got, once the program has the terminal again."""
    s.wait("Press Enter")
    s.keys("Enter")
    s.wait("? help")
    with open(home.path(name)) as f:
        text = f.read()
    assert want(text), text
    return text


def test_tagged_patches_go_to_git_am_in_their_order():
    with Dovecot() as server, Home() as home:
        server.fill([patch(n) for n in (1, 2, 3)])
        home.account(server.ports["imap"])
        tree = home.path("tree")
        os.mkdir(tree)
        env = dict(os.environ, HOME=home.dir, GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@b",
                   GIT_COMMITTER_NAME="a", GIT_COMMITTER_EMAIL="a@b")

        def git(*args):
            return subprocess.run(["git", "-C", tree, *args], env=env, check=True, capture_output=True,
                                  text=True).stdout
        git("init", "-q")
        with open(os.path.join(tree, "f"), "w") as f:
            f.write("0\n")
        git("add", "f")
        git("commit", "-q", "-m", "begin")
        with home.screen() as s:
            s.wait("[PATCH 1/3]")
            s.wait("work: online")
            s.keys("M-t")
            s.wait("Tag")
            s.keys("subject:PATCH", "Enter")
            s.wait("3 messages tagged")
            s.keys(";", "|")
            s.wait("Pipe tagged:")
            s.keys(f"tee {home.path('got')} | git -C {tree} -c user.name=a -c user.email=a@b am -q", "Enter")
            text = piped(s, home, "got", lambda t: t.startswith("From grace@example.net "))
        assert [l for l in text.split("\n") if l.startswith("From ")][1:] == \
            [l for l in text.split("\n") if l.startswith("From grace@")][1:], text
        assert ">From now on" in text, text
        assert git("log", "--format=%s").split("\n")[:4] == ["Count to 3", "Count to 2", "Count to 1", "begin"]


def test_text_is_piped_with_whole_lines():
    with Dovecot() as server, Home() as home:
        with open_one(server, home, LONG) as s:
            s.wait("end.")
            s.keys("g", "|")
            s.wait("Pipe text:")
            s.keys(f"cat > {home.path('got')}", "Enter")
            text = piped(s, home, "got", lambda t: "Subject: Long\n" in t)
            assert "\n\n" + "one two three " * 40 + "end.\n" in text, text
            s.keys("q")
            s.wait("? help")
            s.keys("t", ";", "g", "|")
            s.wait("Pipe text tagged:")
            s.keys(f"cat > {home.path('again')}", "Enter")
            assert piped(s, home, "again", lambda t: t == text)
            s.keys("C-t", "|")
            s.wait("Pipe:")
            s.keys(f"cat > {home.path('raw')}", "Enter")
            assert piped(s, home, "raw", lambda t: "one two three one" in t).startswith("From: Grace")


def test_attachment_opens_as_the_mailcap_says():
    """A first entry whose test fails is passed over; a name with a shell's words in it is only a name."""
    mail = (b"From: Grace <grace@example.net>\nTo: Ada <ada@localhost>\nSubject: Table\n"
            b"Date: Mon, 23 Nov 2026 10:00:00 +0100\nMessage-ID: <table@rig.example>\nMIME-Version: 1.0\n"
            b"Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: text/plain\n\nSee the table.\n"
            b"--m\nContent-Type: text/csv; name=\"a $(touch x) 'b'.csv\"\nContent-Disposition: attachment\n\n"
            b"one,two\n--m\nContent-Type: image/png\nContent-Disposition: attachment; filename=p.png\n\nx\n--m--\n")
    with Dovecot() as server, Home() as home:
        with open(home.path(".mailcap"), "w") as f:
            f.write("text/csv; touch " + home.path("wrong") + "; test=false\n"
                    "text/csv; tr a-z A-Z < '%s'; copiousoutput; nametemplate=%s.txt\n"
                    "text/csv; touch " + home.path("late") + "\n"
                    "image/*; echo %s %t > " + home.path("seen") + "\n")
        with open(home.path("pager"), "w") as f:
            f.write("#!/bin/sh\ncat\necho PAGED $1\nread x < /dev/tty\n")
        os.chmod(home.path("pager"), 0o700)
        with open_one(server, home, mail, PAGER=home.path("pager") + " well", DISPLAY="") as s:
            s.wait("See the table.")
            s.keys("v")
            s.wait("text/csv")
            s.keys("G", "k", "o")
            s.wait("ONE,TWO")
            s.wait("PAGED well")
            s.keys("Enter")
            s.wait("image/png")
            s.keys("G", "o")
            s.wait("opening p.png")
            until(lambda: text_of(home, "seen").endswith("/p.png image/png\n"), lambda: text_of(home, "seen"))
            assert not os.path.exists(home.path("wrong")) and not os.path.exists(home.path("late"))


def test_all_attachments_are_saved_over_nothing():
    """Those of one name too; a file that is there stays; what an attached mail has attached is in that mail's file."""
    png = b"Content-Type: image/png\nContent-Transfer-Encoding: base64\n" \
          b"Content-Disposition: attachment; filename=\"../p.png\"\n\n" + b"AAECAwQF" * 3000 + b"\n"
    inner = b"From: a@b\nSubject: inner\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=i\n\n" \
            b"--i\nContent-Type: text/plain\n\nx\n--i\n" + png + b"--i--\n"
    mail = b"From: Grace <grace@example.net>\nTo: Ada <ada@localhost>\nSubject: Files\n" \
           b"Date: Mon, 23 Nov 2026 10:00:00 +0100\nMessage-ID: <files@rig.example>\nMIME-Version: 1.0\n" \
           b"Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: text/plain\n\nSee these.\n--m\n" + \
           png + b"--m\n" + png + b"--m\nContent-Type: message/rfc822\n" \
           b"Content-Disposition: attachment; filename=inner.eml\n\n" + inner + b"--m--\n"
    with Dovecot() as server, Home() as home:
        out = home.path("out")
        os.mkdir(out)
        with open(os.path.join(out, "p.png"), "w") as f:
            f.write("mine")
        with open_one(server, home, mail, f"[mail]\ndownload-dir = {out}\n") as s:
            s.wait("See these.")
            s.keys("v")
            s.wait("on server")
            s.keys("S")
            s.wait("Save all:")
            s.keys("Enter")
            s.wait("3 attachments saved in")
            files = {}
            for name in os.listdir(out):
                with open(os.path.join(out, name), "rb") as f:
                    files[name] = f.read()
            assert sorted(files) == ["inner.eml", "p-2.png", "p-3.png", "p.png"], sorted(files)
            assert files["p.png"] == b"mine"
            assert files["p-2.png"] == files["p-3.png"] == bytes(range(6)) * 3000
            assert files["inner.eml"].replace(b"\r\n", b"\n").strip() == inner.strip()
            s.keys("S", "C-u", home.path("none"), "Enter")
            s.wait("No such file")


def test_quoted_text_is_folded():
    """Four lines and more become one; two that say what an answer is about stay; the place on the screen, too."""
    mail = LONG.replace(b"one two three " * 40 + b"end.\n",
                        b"Bob wrote:\n> " + b"long words " * 30 + b"\n" + b"> q1\n>> q2\n> q3\n\nI agree.\n\n> s1\n> s2\n\n"
                        + b"And this.\n" + b"x\n" * 30)
    with Dovecot() as server, Home() as home:
        with open_one(server, home, mail) as s:
            s.wait("> q3")
            s.keys("z")
            text = s.wait("quoted text is folded")
            assert "▌ 4 quoted lines\n\nI agree.\n\n> s1\n> s2\n" in text and "> q" not in text, text
            assert "Bob wrote:\n▌" in text, text
            s.keys("g", "|")
            s.wait("Pipe text:")
            s.keys(f"cat > {home.path('got')}", "Enter")
            piped(s, home, "got", lambda t: "> q3\n" in t)
            s.wait("▌ 4 quoted lines")
            s.keys("/")
            s.wait("Search:")
            s.keys("q2", "Enter")
            s.wait(">> q2")
            s.keys("z")
            s.wait("▌ 4 quoted lines")
            s.keys("z")
            text = s.wait("> q3")
            assert "quoted lines" not in text
            s.keys("q")
            s.wait("Grace")
            s.keys(":quit", "Enter")
            s.wait("[exit 0]")
        home.account(server.ports["imap"], before="[mail]\nfold-quoted = yes\n")
        with home.screen() as s:
            s.wait("work: online")
            s.keys("Enter")
            s.wait("▌ 4 quoted lines")
            s.keys("z")
            s.wait("> q3")


def test_messages_have_colours_by_queries():
    with Dovecot() as server, Home() as home:
        server.fill([patch(1), LONG])
        home.account(server.ports["imap"], before="[colors]\nmessage subject:PATCH = magenta\n")
        with home.screen() as s:
            s.wait("work: online")
            s.wait("PATCH")
            magenta, reverse = re.compile(r"[;\[]35[;m]"), re.compile(r"[;\[]7[;m]")
            seen = {}                                   # each row while the cursor is on the other
            for key in "gg", "G":
                s.keys(*key)
                at = 1 if key == "gg" else 2
                s.wait(lambda t, at=at: reverse.search(s.colours().split("\n")[at]))
                lines = s.colours().split("\n")
                line = lines[3 - at]
                seen["PATCH" in line] = bool(magenta.search(line))
            assert seen == {True: True, False: False}, seen
