"""What is done on the screen is done on the server, and the other way round.

Every action is looked at from outside by a second client (imaplib)."""
import os
import re
import time

from rig import mails
from rig.dovecot import PASSWORD, Dovecot
from rig.home import Home
from rig.waiting import until

N = 12


def ids(server, folder="INBOX"):
    return {i for i, _ in server.census(folder)}


def flags(server, n, folder="INBOX"):
    return dict(server.census(folder)).get(mails.message_id(n))


class Session:
    """A filled server, a home, and Dunlin on its inbox."""

    def __init__(self, *, scheme="imaps", port="imaps", host="localhost", n=N, more="", server=None,
                 cols=100, rows=30):
        self.server = server or Dovecot().start()
        self.server.fill([mails.raw(i, subject=f"subject-{i}") for i in range(n)])
        self.home = Home()
        self.home.account(self.server.ports[port], scheme=scheme, host=host,
                          more=f"ca-file = {self.server.ca}\n{more}")
        self.screen = self.home.screen(cols=cols, rows=rows)

    def __enter__(self):
        try:
            self.screen.wait("subject-0")
            return self
        except BaseException:
            self.__exit__(1)
            raise

    def __exit__(self, kind, *_):
        self.screen.close()
        self.server.stop()
        self.home.__exit__(kind)


def actions(**kw):
    with Session(**kw) as s:
        scr, srv = s.screen, s.server
        top = N - 1

        scr.keys("d")                                   # delete goes to Trash
        scr.gone(f"subject-{top} ")
        until(lambda: mails.message_id(top) not in ids(srv), "deleted")
        until(lambda: mails.message_id(top) in ids(srv, "Trash"), "in Trash")
        scr.keys("u")                                   # and comes back
        scr.wait(f"subject-{top}")
        until(lambda: mails.message_id(top) in ids(srv), "undeleted")
        until(lambda: mails.message_id(top) not in ids(srv, "Trash"), "gone from Trash")

        scr.keys("gg", "F")                             # flag
        until(lambda: "\\Flagged" in flags(srv, top), "flagged")
        scr.keys("u")
        until(lambda: "\\Flagged" not in flags(srv, top), "flag undone")

        scr.keys("N")                                   # read, unread
        until(lambda: "\\Seen" in flags(srv, top), "read")
        scr.keys("gg", "N")
        until(lambda: "\\Seen" not in flags(srv, top), "unread")

        scr.keys("gg", "Enter")                         # opening marks read
        scr.wait(f"Message {top}.")
        until(lambda: "\\Seen" in flags(srv, top), "read by opening")
        scr.keys("q")

        scr.keys("gg", "s", "Junk", "Enter")            # move
        until(lambda: mails.message_id(top) in ids(srv, "Junk"), "moved")
        until(lambda: mails.message_id(top) not in ids(srv), "moved away")
        scr.keys("u")
        until(lambda: mails.message_id(top) in ids(srv), "moved back")

        scr.wait(f"subject-{top}")
        scr.keys("gg", "C", "Junk", "Enter")            # copy
        until(lambda: mails.message_id(top) in ids(srv, "Junk"), "copied")
        assert mails.message_id(top) in ids(srv)

        scr.keys("gg", "a")                             # archive
        until(lambda: mails.message_id(top) in ids(srv, "Archive"), "archived")
        until(lambda: mails.message_id(top) not in ids(srv), "archived away")


def test_actions_over_tls():
    actions()


def test_actions_over_starttls():
    actions(scheme="imap", port="imap")


def test_actions_over_plain_loopback():
    actions(scheme="imap+insecure", port="imap", host="127.0.0.1")


def test_actions_without_extensions():
    """A server with nothing but IMAP4rev1: the long ways round are right, too."""
    server = Dovecot(capability="IMAP4rev1 UIDPLUS").start()
    actions(server=server)


def test_first_start_in_all_inboxes():
    """With nothing known yet the inbox of all accounts fills by itself; a move stays in its account."""
    with Dovecot() as server, Home() as home:
        accounts = ""
        for name, user in (("work", "ada"), ("home", "bob")):
            server.fill([mails.raw(n, tag=user) for n in range(3)], user=user)
            accounts += (f"[account {name}]\nfrom = {user}@localhost\npassword-command = echo {PASSWORD}\n"
                         f"receive = imap+insecure://{user}@127.0.0.1:{server.ports['imap']}\n")
        home.write_rc("[mail]\nunified = yes\n" + accounts)
        with home.screen() as s:
            s.wait("All inboxes")
            s.wait("6, 6 unread")
            s.wait("work: online   home: online")
            s.keys("G", "s", "arc", "Enter")
            s.wait("1 message moved to Archive")
            until(lambda: [i for u in ("ada", "bob") for i, _ in server.census("Archive", u)
                           if i.startswith(u)], "the message in the Archive of its account")


def test_tagged_batch_is_one_undo():
    with Session() as s:
        scr, srv = s.screen, s.server
        scr.keys("t", "t", "t", ";", "d")
        until(lambda: len(ids(srv)) == N - 3, "three deleted")
        until(lambda: len(ids(srv, "Trash")) == 3, "three in Trash")
        scr.keys("u")
        until(lambda: len(ids(srv)) == N, "all back")
        assert len(ids(srv, "Trash")) == 0


def test_folders_are_made_renamed_deleted():
    with Session() as s:
        scr, srv = s.screen, s.server
        scr.keys("y")
        scr.wait("Archive")
        scr.keys(":", "create-folder", "Enter")
        scr.wait(re.compile("(?i)name|folder"))
        scr.keys("Reisen/Größe", "Enter")
        until(lambda: any("Gr&APYA3w-e" in f for f in srv.folders()), "made, in modified UTF-7")
        scr.wait("Größe")


def test_empty_trash_asks_first():
    with Session() as s:
        scr, srv = s.screen, s.server
        scr.keys("d", "d")
        until(lambda: len(ids(srv, "Trash")) == 2, "two in Trash")
        scr.keys(":", "empty-trash", "Enter")
        scr.wait(re.compile(r"(?i)trash.*\?"))
        scr.keys("n")
        time.sleep(0.5)
        assert len(ids(srv, "Trash")) == 2
        scr.keys(":", "empty-trash", "Enter")
        scr.wait(re.compile(r"(?i)trash.*\?"))
        scr.keys("y")
        until(lambda: len(ids(srv, "Trash")) == 0, "empty")
        assert len(ids(srv)) == N - 2


def others(**kw):
    """Another client's changes in the open folder appear within 2 s, by themselves."""
    with Session(**kw) as s:
        scr, srv = s.screen, s.server
        scr.wait(re.compile("(?i)online|up to date|idle|ada"))
        time.sleep(1.0)
        srv.fill([mails.raw(100, subject="fresh-news")])
        start = time.monotonic()
        scr.wait("fresh-news", 2.0)
        print("new mail after", time.monotonic() - start)
        c = srv.imap()
        c.select("INBOX")
        c.store("12", "+FLAGS", "\\Flagged")
        scr.wait(lambda t: any("subject-11" in l and "F" in l.split("subject-11")[0][:8]
                               for l in t.split("\n")), 2.0)
        c.store("11", "+FLAGS", "\\Deleted")
        c.expunge()
        scr.gone("subject-10 ", 2.0)
        scr.wait("subject-11")
        c.logout()


def test_other_clients_changes_appear():
    others()


def test_other_clients_changes_appear_without_qresync():
    others(server=Dovecot(capability="IMAP4rev1 IDLE UIDPLUS MOVE").start())


def test_other_clients_changes_appear_without_idle():
    others(server=Dovecot(capability="IMAP4rev1 UIDPLUS").start())


def test_offline_triage_is_replayed():
    """What is done without a server is done on it when it is back, after a restart, once."""
    with Session() as s:
        scr, srv = s.screen, s.server
        scr.keys("Enter")
        scr.wait("Message 11.")
        scr.keys("q")
        srv.stop(keep=True)
        scr.keys("gg", "d", "F")
        scr.gone("subject-11 ")
        scr.wait(re.compile("(?i)offline|pending|waiting|reconnect"))
        pid = scr.pid()
        scr.close()
        try:
            os.kill(pid, 9)
        except (OSError, TypeError):
            pass
        srv.start()
        s.screen = scr = s.home.screen(cols=100, rows=30)
        until(lambda: mails.message_id(11) in ids(srv, "Trash"), "deleted after restart")
        until(lambda: "\\Flagged" in (flags(srv, 10) or []), "flagged after restart")
        assert len(ids(srv)) == N - 1
        assert len(srv.census("Trash")) == 1


def test_refused_action_comes_back_with_the_servers_words():
    acl = """
mail_plugins = acl
plugin {
  acl = vfile
}
protocol imap {
  mail_plugins = acl imap_acl
}
"""
    server = Dovecot(extra=acl)
    server.start()
    server.fill([mails.raw(i, subject=f"subject-{i}") for i in range(3)], "Locked")
    box = os.path.join(server.dir, "home/ada/Maildir/.Locked")
    with open(os.path.join(box, "dovecot-acl"), "w") as f:
        f.write("user=ada lrwsi\n")                        # no delete, no expunge
    server._own()
    with Session(server=server) as s:
        scr = s.screen
        scr.keys("y")
        scr.wait("Locked")
        scr.keys("q", "c", "Locked", "Enter")
        scr.wait(lambda t: "Locked" in t.split("\n")[0] and "subject-2" in t)
        scr.keys("d")
        scr.wait(re.compile("(?i)permission denied|NOPERM"))
        scr.wait("subject-2")
        assert len(server.census("Locked")) == 3
