"""Drafts stand in the Drafts folder of the server, or of the mbox account, as they are written; any client goes on
with them; and whatever is cut or killed, there is one good copy. Seen from outside, by imaplib."""
import email
import email.message
import email.policy
import mailbox
import os
import re
import signal
import time

from e2e.test_compose import BOB, Session, raw, text_of, write
from rig.dovecot import PASSWORD, Dovecot
from rig.home import Home
from rig.proxy import Proxy
from rig.waiting import until


def drafts(dovecot, folder="Drafts"):
    """[(uid, flags, message)] of a folder of the server."""
    c = dovecot.imap()
    try:
        typ, data = c.select(folder, readonly=True)
        if typ != "OK" or int(data[0]) == 0:
            return []
        out = []
        for i in c.fetch("1:*", "(UID FLAGS BODY.PEEK[])")[1]:
            if isinstance(i, tuple):
                head = i[0].decode()
                out.append((int(re.search(r"UID (\d+)", head)[1]),
                            set(re.search(r"FLAGS \(([^)]*)\)", head)[1].split()) - {"\\Recent"},
                            email.message_from_bytes(i[1], policy=email.policy.default)))
        return out
    finally:
        c.logout()


def wait_drafts(dovecot, fits, what, timeout=20.0, folder="Drafts"):
    end = time.monotonic() + timeout
    while True:
        v = drafts(dovecot, folder)
        if fits(v):
            return v
        assert time.monotonic() < end, f"{what}: {[(u, f, m['Subject']) for u, f, m in v]}"
        time.sleep(0.1)


def begin(s, subject="a plan", to="bob@example.net"):
    s.screen.wait("subject-1")
    write(s.screen, to, subject)
    s.screen.wait("compose:")


def field(s, key, label, value):
    s.screen.keys(key)
    s.screen.wait(label)
    s.screen.keys(value, "Enter")
    s.screen.wait(value)


def test_stored_as_it_is_written():
    """Back from the editor it is on the server, with Bcc and attachment; each version takes the place of the one
    before; what others marked deleted stays; once sent, it is gone from there, and only it."""
    with Session([raw(1)], editor='echo "one more line" >> "$1"\n', undo="1s") as s:
        s.dovecot.fill([raw(7, subject="not mine")], folder="Drafts", flags="\\Deleted")
        path = s.home.path("plan.bin")
        with open(path, "wb") as f:
            f.write(bytes(range(256)) * 50)
        begin(s)
        v = wait_drafts(s.dovecot, lambda v: len(v) == 2, "not stored")
        assert v[1][1] == {"\\Draft", "\\Seen"}, v[1][1]
        assert v[1][2]["Subject"] == "a plan" and v[1][2]["To"] == "bob@example.net"
        field(s, "b", "Bcc:", "secret@example.net")
        s.screen.keys("a")
        s.screen.wait("Attach:")
        s.screen.keys(path, "Enter")
        s.screen.wait("attached plan.bin")
        s.screen.keys("e")
        s.screen.wait("compose:")
        new = wait_drafts(s.dovecot, lambda v: len(v) == 2 and v[1][2]["Bcc"], "no successor")
        assert new[1][0] > v[1][0] and new[0][2]["Subject"] == "not mine"
        m = new[1][2]
        assert m["Bcc"] == "secret@example.net" and text_of(m) == "one more line\none more line\n"
        assert next(m.iter_attachments()).get_content() == bytes(range(256)) * 50
        s.screen.keys("P")
        s.screen.wait("kept as a draft")
        s.screen.keys("gd")
        s.screen.wait("a plan")
        s.screen.keys("Enter")
        s.screen.wait("plan.bin")
        s.screen.keys("y")
        s.screen.wait("goes out")
        sent = s.arrived()[0]
        assert sent["Bcc"] is None and sent["X-Dunlin-Draft"] is None
        assert len(s.arrived(user="secret@example.net")) == 1
        left = wait_drafts(s.dovecot, lambda v: len(v) == 1, "the draft stayed")
        assert left[0][2]["Subject"] == "not mine" and left[0][1] == {"\\Deleted"}
        until(lambda: not s.drafts(), "the local draft stayed")


def foreign(**more):
    """As Thunderbird keeps one."""
    m = email.message.EmailMessage(policy=email.policy.SMTP)
    m["From"] = "Ada Example <ada@localhost>"
    m["To"] = '"Müller, Jörg" <bob@example.net>, carol@example.net'
    m["Cc"] = "dora@example.net"
    m["Bcc"] = "secret@example.net"
    m["Subject"] = "Grüße aus der Ferne"
    m["Message-ID"] = "<foreign@thunderbird.example>"
    m["In-Reply-To"] = "<parent@x>"
    m["References"] = "<root@x> <parent@x>"
    m["X-Mozilla-Draft-Info"] = "internal/draft; vcard=0; receipt=0; DSN=0; uuencode=0"
    m["User-Agent"] = "Mozilla Thunderbird"
    m.set_content("Lieber Jörg,\n\nbis bald\n", cte="8bit")
    for name, value in more.items():
        m[name] = value
    m.add_attachment(bytes(range(256)) * 30, maintype="application", subtype="octet-stream",
                     filename="Übersicht.bin")
    return m.as_bytes()


def open_drafts(s, subject):
    s.screen.wait("subject-1")
    s.screen.keys("y")
    s.screen.wait("Drafts")                 # they were listed
    s.screen.keys("q", "c")
    s.screen.wait("Folder:")
    s.screen.keys("Drafts", "Enter")
    s.screen.wait(subject)
    s.screen.keys("/", subject, "Enter")
    s.screen.keys("Enter")
    s.screen.wait("compose:")


def test_another_clients_draft_is_gone_on_with():
    """Enter opens it with all it has; looked at only, it is left as it is; sent, it arrives whole, and leaves."""
    with Session([raw(1)], editor='echo "dazu" >> "$1"\n') as s:
        s.dovecot.fill([foreign()], folder="Drafts", flags="\\Draft \\Seen")
        open_drafts(s, "Ferne")
        s.screen.wait("Lieber J")
        text = s.screen.text()
        for part in ('"Müller, Jörg" <bob@example.net>, carol@example.net', "dora@example.net", "secret@example.net",
                     "Grüße aus der Ferne", "Übersicht.bin", "Lieber Jörg,"):
            assert part in text, part
        before = drafts(s.dovecot)[0][0]
        s.screen.keys("q")
        s.screen.wait("left as it is")
        time.sleep(1)
        assert [u for u, _, _ in drafts(s.dovecot)] == [before] and not s.drafts()
        s.screen.keys("Enter")
        s.screen.wait("compose:")
        s.screen.keys("e")
        s.screen.wait("dazu")
        v = wait_drafts(s.dovecot, lambda v: len(v) == 1 and v[0][0] != before, "no successor")
        assert v[0][2]["Bcc"] == "secret@example.net"
        s.screen.keys("y")
        m = s.arrived()[0]
        assert m["To"] == '"Müller, Jörg" <bob@example.net>, carol@example.net', m["To"]
        assert m["Cc"] == "dora@example.net" and m["Subject"] == "Grüße aus der Ferne"
        assert m["In-Reply-To"] == "<parent@x>" and m["References"].split() == ["<root@x>", "<parent@x>"]
        assert text_of(m) == "Lieber Jörg,\n\nbis bald\ndazu\n", text_of(m)
        part = next(m.iter_attachments())
        assert part.get_content() == bytes(range(256)) * 30 and part.get_filename() == "Übersicht.bin"
        for user in ("carol@example.net", "dora@example.net", "secret@example.net"):
            assert len(s.arrived(user=user)) == 1, user
        wait_drafts(s.dovecot, lambda v: not v, "the draft stayed")


def test_formatted_draft_goes_to_trash():
    """What holds more than is kept here is not removed for good when its successor stands."""
    m = email.message.EmailMessage(policy=email.policy.SMTP)
    m["From"], m["To"], m["Subject"] = "ada@localhost", "bob@example.net", "formatted"
    m["Message-ID"] = "<html@webmail.example>"
    m.set_content("plain words\n")
    m.add_alternative("<p><b>plain</b> words</p>", subtype="html")
    with Session([raw(1)], editor='echo "more" >> "$1"\n') as s:
        s.dovecot.fill([m.as_bytes()], folder="Drafts", flags="\\Draft")
        open_drafts(s, "formatted")
        s.screen.wait("goes to Trash")
        s.screen.keys("e")
        v = wait_drafts(s.dovecot, lambda v: len(v) == 1 and v[0][2]["X-Dunlin-Draft"], "no successor")
        assert text_of(v[0][2]) == "plain words\nmore\n"
        t = wait_drafts(s.dovecot, lambda v: len(v) == 1, "not in Trash", folder="Trash")
        assert t[0][2]["Message-ID"] == "<html@webmail.example>"


def test_thrown_away_there_too():
    """The copy goes with the draft, and u brings both back."""
    with Session([raw(1)], editor='echo text > "$1"\n') as s:
        begin(s)
        wait_drafts(s.dovecot, lambda v: len(v) == 1, "not stored")
        s.screen.keys("q")
        s.screen.wait("Throw this message away?")
        s.screen.keys("y")
        s.screen.wait("thrown away")
        wait_drafts(s.dovecot, lambda v: not v, "the draft stayed")
        assert not s.drafts()
        assert drafts(s.dovecot, "Trash") == []
        s.screen.keys("u")                      # it is there again, here and there
        s.screen.wait("here it is again")
        s.screen.wait("a plan")
        v = wait_drafts(s.dovecot, lambda v: len(v) == 1, "not back")
        assert text_of(v[0][2]) == "text\n" and len(s.drafts()) == 1
        s.screen.keys("P")
        s.screen.wait("kept as a draft")
        s.screen.keys("gd", "d")
        s.screen.wait("Throw this draft away?")
        s.screen.keys("y")
        s.screen.wait("thrown away")
        s.screen.keys("u")
        s.screen.wait("compose:")
        s.screen.wait("a plan")
        time.sleep(1)
        wait_drafts(s.dovecot, lambda v: len(v) == 1, "not back from the list")


def test_changed_elsewhere_meanwhile():
    """Another client replaces the copy, or removes it: ours is neither put over theirs nor put back by itself; it is
    kept, and told; and stored anew when the person says so."""
    with Session([raw(1)], editor='echo "mine" >> "$1"\n') as s:
        begin(s)
        v = wait_drafts(s.dovecot, lambda v: len(v) == 1, "not stored")
        c = s.dovecot.imap()
        c.append("Drafts", "\\Draft", None, raw(9, subject="theirs"))
        c.select("Drafts")
        c.uid("STORE", str(v[0][0]), "+FLAGS", "\\Deleted")
        c.uid("EXPUNGE", str(v[0][0]))
        c.logout()
        s.screen.keys("e")
        s.screen.wait("changed or removed elsewhere")
        time.sleep(2)
        assert [m["Subject"] for _, _, m in drafts(s.dovecot)] == ["theirs"]
        assert len(s.drafts()) == 1
        s.screen.keys("P")
        s.screen.wait("Store it there anew?")
        s.screen.keys("n")
        s.screen.wait("kept as a draft")
        s.screen.keys("gd")
        s.screen.wait("(not on the server any more) a plan")
        time.sleep(1)
        assert len(drafts(s.dovecot)) == 1
        s.screen.keys("Enter")
        s.screen.wait("mine")
        s.screen.keys("P")
        s.screen.wait("Store it there anew?")
        s.screen.keys("y")
        v = wait_drafts(s.dovecot, lambda v: len(v) == 2, "not stored anew")
        assert sorted(m["Subject"] for _, _, m in v) == ["a plan", "theirs"]
        assert [text_of(m) for _, _, m in v if m["Subject"] == "a plan"] == ["mine\nmine\n"]


def test_removed_elsewhere_while_the_folder_is_open():
    """The same when Drafts is the open folder: a server may go on finding there what another client removed."""
    with Session([raw(1)], editor='echo "mine" >> "$1"\n') as s:
        s.dovecot.fill([foreign()], folder="Drafts", flags="\\Draft")
        open_drafts(s, "Ferne")
        s.screen.wait("Lieber J")
        s.screen.keys("e")
        v = wait_drafts(s.dovecot, lambda v: len(v) == 1 and v[0][2]["X-Dunlin-Draft"], "no successor")
        c = s.dovecot.imap()
        c.select("Drafts")
        c.uid("STORE", str(v[0][0]), "+FLAGS", "\\Deleted")
        c.uid("EXPUNGE", str(v[0][0]))
        c.logout()
        s.screen.keys("e")
        s.screen.wait("changed or removed elsewhere")
        time.sleep(1)
        assert drafts(s.dovecot) == [] and len(s.drafts()) == 1


def test_deleted_from_the_list():
    """d on the copy, in the list of messages, is meant for the draft: it is gone from gd, too; the message is in Trash."""
    with Session([raw(1)], editor='echo text > "$1"\n') as s:
        begin(s)
        wait_drafts(s.dovecot, lambda v: len(v) == 1, "not stored")
        s.screen.keys("P")
        s.screen.wait("kept as a draft")
        s.screen.keys("c")
        s.screen.wait("Folder:")
        s.screen.keys("Drafts", "Enter")
        s.screen.wait("a plan")
        s.screen.keys("d")
        s.screen.wait("deleted")
        wait_drafts(s.dovecot, lambda v: len(v) == 1, "not in Trash", folder="Trash")
        s.screen.keys("$")
        until(lambda: not s.drafts(), "the draft stayed")
        assert drafts(s.dovecot) == []


class Offline:
    """Dunlin behind a proxy, with a server and an editor; nothing to send with."""

    def __init__(self, editor, *, messages=(raw(1),), **proxy):
        self.dovecot = Dovecot()
        self.dovecot.start()
        self.dovecot.fill(list(messages))
        self.proxy = Proxy(self.dovecot.ports["imap"], **proxy)
        self.home = Home()
        script = self.home.path("editor")
        with open(script, "w") as f:
            f.write("#!/bin/sh\n" + editor)
        os.chmod(script, 0o755)
        self.home.account(self.proxy.port, before=f"[mail]\neditor = {script}\n")
        self.screen = self.home.screen(cols=100, rows=30)

    drafts = Session.drafts

    def restart(self):
        os.kill(self.screen.pid(), signal.SIGKILL)
        self.screen.close()
        self.screen = self.home.screen(cols=100, rows=30)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            print(self.screen.text())
        self.screen.close()
        self.proxy.stop()
        self.dovecot.stop()
        self.home.__exit__(kind)


def test_offline_only_the_newest_goes_up():
    """While the server is away nothing piles up; then the newest version is stored, and no other."""
    with Offline('echo "again" >> "$1"\n') as s:
        begin(s)
        wait_drafts(s.dovecot, lambda v: len(v) == 1, "not stored")
        s.proxy.refuse = True
        s.proxy.cut()
        for _ in range(3):
            s.screen.keys("e")
            s.screen.wait("compose:")
        s.screen.keys("P")
        s.screen.wait("kept as a draft")
        n = s.proxy.up_log.count(b" APPEND ")
        s.proxy.refuse = False
        s.screen.keys("$")
        v = wait_drafts(s.dovecot, lambda v: len(v) == 1 and text_of(v[0][2]) == "again\n" * 4, "not the newest")
        assert s.proxy.up_log.count(b" APPEND ") == n + 1
        assert v[0][1] == {"\\Draft", "\\Seen"}


def census(s):
    """One good copy: one draft here with the whole text; of the server, what is no copy of it is none at all."""
    here = s.drafts()
    assert len(here) == 1, here
    with open(s.home.path("data/dunlin/drafts", here[0])) as f:
        return f.read().partition("\n\n")[2]


def _settled(s, what):
    wait_drafts(s.dovecot, lambda v: len(v) == 1 and text_of(v[0][2]) == census(s) != "", what)


def test_cut_while_a_successor_is_stored():
    """The link breaks at sampled bytes of the successor's way up, and of the answers: one copy, the newest."""
    with Offline('echo "line" >> "$1"\n') as s:
        begin(s)
        _settled(s, "not stored")
        step = 1 if os.environ.get("DUNLIN_EVERY_BYTE") else 137
        for up in (True, False):
            for at in range(3, 1300 if up else 700, step):
                if up:
                    s.proxy.cut_up_after = s.proxy.n_up + at
                else:
                    s.proxy.cut_after = s.proxy.n_down + at
                s.proxy.cut_once = True
                s.screen.keys("e")
                s.screen.wait("compose:")
                s.screen.keys("P")
                s.screen.wait("kept as a draft")
                s.screen.keys("$")
                _settled(s, f"cut {'up' if up else 'down'} after {at}")
                s.proxy.cut_after = s.proxy.cut_up_after = None
                s.screen.keys("gd")
                s.screen.wait("a plan")
                s.screen.keys("Enter")
                s.screen.wait("compose:")
        assert s.proxy.n_cuts > 8, s.proxy.n_cuts


def test_append_that_arrives_late():
    """The link breaks behind the APPEND, which the server does all the same: it is found, and not stored again."""
    with Offline('echo "line" >> "$1"\n') as s:
        begin(s)
        _settled(s, "not stored")
        s.proxy.late_up = (b"APPEND", 0.0)
        s.screen.keys("e")
        s.screen.wait("compose:")
        until(lambda: s.proxy.n_late == 1, "no APPEND")
        _settled(s, "late")


def test_killed_while_a_successor_is_stored():
    """kill -9 at moments spread over the storing of a successor: one copy after the next start, the newest."""
    with Offline('echo "line" >> "$1"\n') as s:
        begin(s)
        _settled(s, "not stored")
        for i in range(int(os.environ.get("DUNLIN_KILLS", 8))):
            s.proxy.delay = 0.004
            s.screen.keys("e")
            time.sleep(0.03 + 0.035 * i)
            s.restart()
            s.proxy.delay = 0.0
            s.screen.wait("subject-1")
            _settled(s, f"kill {i}")
            s.screen.keys("gd")
            s.screen.wait("a plan")
            s.screen.keys("Enter")
            s.screen.wait("compose:")


def test_sync_stores_and_says_what_is_refused():
    """dunlin sync takes a draft up that was left here, and ends with 1 where the server refuses it; it is kept."""
    with Offline('echo "line" > "$1"\n') as s:
        s.screen.wait("subject-1")
        s.proxy.refuse = True
        s.proxy.cut()
        begin(s)
        s.screen.keys("P")
        s.screen.wait("kept as a draft")
        s.screen.keys("Q")
        time.sleep(0.5)
        r = s.home.run("sync")
        assert r.returncode == 75, r.stdout
        s.proxy.refuse = False
        with open(s.home.rc) as f:
            good = f.read()
        s.home.write_rc(good + "drafts = /../outside\n")
        r = s.home.run("sync")
        assert r.returncode == 1 and "could not be stored in" in r.stderr, (r.returncode, r.stdout, r.stderr)
        assert drafts(s.dovecot) == [] and len(s.drafts()) == 1
        s.home.write_rc(good)
        r = s.home.run("sync")
        assert r.returncode == 0, (r.stdout, r.stderr)
        _settled(s, "not stored")
        assert s.home.run("sync").returncode == 0 and len(drafts(s.dovecot)) == 1


def test_local_account_keeps_drafts_in_its_mbox():
    """The same with mbox files: one message in Drafts, with Bcc; another program's draft is opened; thrown away it goes."""
    home = Home()
    with home:
        script = home.path("editor")
        with open(script, "w") as f:
            f.write('#!/bin/sh\necho "line" >> "$1"\n')
        os.chmod(script, 0o755)
        os.makedirs(home.path("Mail"))
        box = mailbox.mbox(home.path("Mail/inbox"))
        box.add(raw(1))
        box.close()
        home.write_rc(f"[mail]\neditor = {script}\n[account home]\nfrom = Ada <ada@localhost>\n"
                      f"receive = mbox:{home.path('Mail')}\n")
        path = home.path("Mail/Drafts")

        def stored():
            if not os.path.exists(path):
                return []
            b = mailbox.mbox(path, create=False)
            return [email.message_from_bytes(b.get_bytes(k), policy=email.policy.default) for k in b.keys()]

        class S:
            screen = home.screen(cols=100, rows=30)
        try:
            begin(S)
            until(lambda: len(stored()) == 1, "not stored")
            field(S, "b", "Bcc:", "secret@example.net")
            S.screen.keys("e")
            until(lambda: len(stored()) == 1 and stored()[0]["Bcc"] == "secret@example.net", "no successor")
            S.screen.keys("P")
            S.screen.wait("kept as a draft")
            b = mailbox.mbox(path)
            b.add(foreign())
            b.close()
            open_drafts(S, "Ferne")
            S.screen.wait("Lieber J")
            S.screen.keys("e")
            until(lambda: len(stored()) == 2 and any(m["X-Dunlin-Draft"] and m["Subject"] == "Grüße aus der Ferne"
                                                     for m in stored()), "no successor of theirs")
            S.screen.keys("q")
            S.screen.wait("Throw this message away?")
            S.screen.keys("y")
            until(lambda: len(stored()) == 1, "the draft stayed")
            assert stored()[0]["Subject"] == "a plan"
        finally:
            S.screen.close()
