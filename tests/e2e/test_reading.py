"""What a person does with the mail she reads, all day: invitations, parts, other programs."""
from rig.dovecot import Dovecot
from rig.home import Home

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
