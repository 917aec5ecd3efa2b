"""What others do to a mailbox while it is on the screen, and servers that say goodbye."""
import os
import shutil
import signal
import time

from rig import census, mails
from rig.dovecot import Dovecot
from rig.fake import Fake
from rig.home import Home
from rig.waiting import until

N = 6


def is_settled(home):
    """What was decided is recorded, and over."""
    states = {i[0] for i in census.intents(home)}
    return states and not {0, 1} & states


def lists(d):
    d.fill([mails.raw(i, subject=f"inbox-{i}") for i in range(2)])
    d.fill([mails.raw(i, subject=f"subject-{i:03}") for i in range(N)], "Lists")


def in_lists(home):
    s = home.screen(cols=100, rows=24)
    s.wait("inbox-1")
    s.keys("c", "Lists", "Enter")
    s.wait("subject-005")
    return s


def test_deleted_while_open():
    """The mailbox goes; what was in it can be read no more, but the program goes on elsewhere."""
    with Dovecot() as d, Home() as home:
        lists(d)
        home.account(d.ports["imap"])
        assert home.run("sync").returncode == 0
        with in_lists(home) as s:
            time.sleep(0.5)
            c = d.imap()
            assert c.delete("Lists")[0] == "OK"
            s.keys("gg", "d")                   # decided about what is not there any more
            until(lambda: is_settled(home), lambda: census.intents(home))
            s.keys("c", "INBOX", "Enter")
            s.wait("inbox-1")
            d.fill([mails.raw(9, subject="inbox-9")])
            s.wait("inbox-9")
            s.keys("q", "q")
            s.wait("[exit")
        assert home.run("sync").returncode == 0
        assert census.server(d) == {k: v for k, v in census.index(home).items() if k != "Lists"}


def test_renamed_while_open():
    """Renamed by another client: nothing is lost, a decision under the old name is carried out or told."""
    with Dovecot() as d, Home() as home:
        lists(d)
        home.account(d.ports["imap"])
        assert home.run("sync").returncode == 0
        with in_lists(home) as s:
            time.sleep(0.5)
            c = d.imap()
            assert c.rename("Lists", "Post")[0] == "OK"
            s.keys("gg", "F")
            until(lambda: is_settled(home), lambda: census.intents(home))
            s.keys("$")
            s.keys("c", "INBOX", "Enter")
            s.wait("inbox-1")
            s.keys("q", "q")
            s.wait("[exit")
        p = home.run("sync")
        assert p.returncode == 0, (p.returncode, p.stdout, p.stderr)
        there, here = census.server(d), census.index(home)
        assert len(there["Post"]) == N and here["Post"] == there["Post"], (there, here)


def test_over_quota():
    """There is room for two of four copies: two are made, two refused with the server's words."""
    quota = """
mail_plugins = $mail_plugins quota
plugin {
  quota = maildir:User quota
  quota_rule = *:messages=%d
}
""" % (N + 4)
    with Dovecot(extra=quota) as d, Home() as home:
        lists(d)
        home.account(d.ports["imap"])
        assert home.run("sync").returncode == 0
        with in_lists(home) as s:
            s.keys("t", "t", "t", "t", ";", "C", "Archive", "Enter")
            s.wait("the server refuses 2 of 4: [OVERQUOTA]", 15)
            s.keys("q", "q")
            s.wait("[exit")
        assert home.run("sync").returncode == 0
        there = census.server(d)
        assert len(there["Archive"]) == 2 and there == census.index(home), there
        assert sorted(i[0] for i in census.intents(home)) == [2, 3], census.intents(home)


def test_rights_withdrawn():
    """The right to change a mailbox goes while it is open: rows return with the server's words, then the screen says
    that it is read-only, keys say why, and it can be read and copied from."""
    with Dovecot(extra="mail_plugins = $mail_plugins acl\nplugin {\n  acl = vfile\n}\n") as d, Home() as home:
        lists(d)
        home.account(d.ports["imap"])

        def allow(rights):
            path = os.path.join(d.dir, "home", "ada", "Maildir", ".Lists", "dovecot-acl")
            with open(path, "w") as f:
                f.write(f"user=ada {rights}\n")
            if os.geteuid() == 0:
                shutil.chown(path, d.user, d.group)
            os.killpg(d.process.pid, signal.SIGKILL)        # a session keeps the rights that it began with
            d.stop(keep=True)
            d.start()

        assert home.run("sync").returncode == 0
        with in_lists(home) as s:
            allow("lrs")                        # Seen may be set, so the server does not call it read-only
            s.keys("gg", "d")
            s.wait("[NOPERM]", 15)
            s.wait("subject-005")
            allow("lr")
            s.wait("Lists  read-only", 15)
            s.keys("gg", "d")
            s.wait("the server lets nobody change 'Lists'")
            s.keys("C", "Archive", "Enter")
            s.wait("copied to Archive")
            s.keys("q", "q")
            s.wait("[exit")
        assert home.run("sync").returncode == 0
        there = census.server(d)
        assert len(there["Lists"]) == N and len(there["Archive"]) == 1, there


def talk_bye(when):
    """A server that says BYE in that state, each time."""
    def talk(s):
        if when == "greeting":
            s.say("* BYE too busy")
            return
        s.say("* OK [CAPABILITY IMAP4rev1 IDLE] ready")
        while True:
            line = s.line()
            word = line.split(" ")[1].upper()
            if word == when:
                if word == "IDLE":
                    s.say("+ idling")
                    time.sleep(0.2)
                s.say("* BYE going down for maintenance")
                return
            if word == "SELECT":
                s.say("* 1 EXISTS")
                s.say("* OK [UIDVALIDITY 7] ok")
                s.say("* OK [UIDNEXT 2] ok")
            elif word == "CAPABILITY":
                s.say("* CAPABILITY IMAP4rev1 IDLE")
            elif word == "LIST":
                s.say('* LIST () "/" INBOX')
            elif word in ("FETCH", "UID"):
                header = "Subject: only-one\r\nFrom: a@b\r\n\r\n"
                s.say('* 1 FETCH (UID 1 FLAGS () INTERNALDATE "01-Jan-2024 00:00:00 +0000" RFC822.SIZE 99 '
                      "BODY[HEADER.FIELDS (DATE FROM SENDER TO CC SUBJECT MESSAGE-ID IN-REPLY-TO REFERENCES "
                      "LIST-ID LIST-POST PRECEDENCE CONTENT-TYPE CONTENT-DISPOSITION)] "
                      f"{{{len(header)}}}\r\n{header})")
            elif word == "STATUS":
                s.say("* STATUS INBOX (MESSAGES 1 UNSEEN 1 UIDNEXT 2 UIDVALIDITY 7)")
            s.say(f"{s.tag} OK done")
    return talk


def test_bye_in_every_state():
    """The reason is shown, tries get rarer, and the program answers and ends."""
    for when in ("greeting", "LOGIN", "SELECT", "FETCH", "LIST", "IDLE"):
        with Fake(talk_bye(when)) as server, Home() as home:
            home.account(server.port)
            with home.screen(cols=100, rows=24) as s:
                try:
                    s.wait("too busy" if when == "greeting" else "going down", 15)
                except AssertionError as e:
                    raise AssertionError(f"{when}: {e}") from None
                n = server.sessions
                time.sleep(1.0)
                assert server.sessions <= n + 3, (when, n, server.sessions)
                s.keys("?")
                s.wait("help")
                s.keys("q", "q", "q")
                s.wait("[exit", 5)
