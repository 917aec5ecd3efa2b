"""OpenPGP and S/MIME on the screen, against real servers and the real gpg: what was encrypted is read, answered
encrypted, and is in clear nowhere but on the screen."""
import email
import email.policy
import os
import shutil
import subprocess

from e2e.test_compose import BOB, Session, raw, write
from rig import mails as made
from rig.home import Home
from rig.run import Skip
from rig.waiting import until

ADA = "ada@localhost"


class Keys:
    """Keys of ours and of others in the home's own ~/.gnupg; gpg-agent ends with it."""

    def __init__(self, home, *, passphrase=""):
        if not shutil.which("gpg"):
            raise Skip("needs gnupg")
        self.dir = home.path(".gnupg")
        os.mkdir(self.dir, 0o700)
        self.make(f"Ada <{ADA}>", passphrase)
        self.make(f"Bob <{BOB}>")

    def gpg(self, *args, stdin=b""):
        r = subprocess.run(["gpg", "--homedir", self.dir, "--batch", "--quiet", *args], input=stdin,
                           capture_output=True)
        assert r.returncode == 0, r.stderr.decode()
        return r.stdout

    def make(self, who, passphrase=""):
        self.gpg("--passphrase", passphrase, "--pinentry-mode", "loopback", "--quick-gen-key", who,
                 "future-default", "default", "never")

    def encrypted(self, n, words, to=ADA, sender=BOB, sign=True, whole=""):
        """A mail to us; `words` are its text, or `whole` all that is inside."""
        inside = (whole or f"Content-Type: text/plain\r\n\r\n{words}\r\n").encode()
        more = ("--sign", "-u", sender) if sign else ()
        c = self.gpg("--trust-model", "always", "--armor", *more, "-r", to, "--encrypt", stdin=inside).decode()
        head = f"From: Bob <{sender}>\r\nTo: Ada <{ADA}>\r\nSubject: subject-{n}\r\n" \
               f"Message-ID: <{made.message_id(n)}>\r\nDate: Thu, 1 Jan 2026 12:00:0{n} +0000\r\nMIME-Version: 1.0\r\n"
        return (head + 'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b\r\n\r\n'
                "--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n--b\r\n"
                "Content-Type: application/octet-stream\r\n\r\n" + c.replace("\n", "\r\n") + "\r\n--b--\r\n").encode()

    def open(self, m):
        """The entity inside of an encrypted message that a server has."""
        assert m.get_content_type() == "multipart/encrypted", m.as_string()
        return email.message_from_bytes(self.gpg("-d", stdin=m.get_payload()[1].get_payload(decode=True)),
                                        policy=email.policy.default)

    def close(self):
        subprocess.run(["gpgconf", "--homedir", self.dir, "--kill", "all"], check=False)


class Sealed(Session):
    def __init__(self, *args, passphrase="", **kwargs):
        super().__init__(*args, **kwargs)
        self.keys = Keys(self.home, passphrase=passphrase)

    def __exit__(self, *args):
        self.keys.close()
        super().__exit__(*args)

    def clear_on_disk(self, word):
        """Files of the program's that have the word in them."""
        found = []
        for top in ("data", "cache", "config"):
            for d, _, names in os.walk(self.home.path(top)):
                for name in names:
                    if not os.path.isfile(os.path.join(d, name)):
                        continue
                    with open(os.path.join(d, name), "rb") as f:
                        if word.encode() in f.read():
                            found.append(os.path.join(d, name))
        return found


def mail_of(m):
    return email.message_from_bytes(m, policy=email.policy.default)


def test_encrypted_mail_is_read_and_answered():
    """It opens by itself; the answer is encrypted to both, in the outbox, at Bob's and in Sent; in clear it is on no
    disk and no server, but for the draft while it is one."""
    with Sealed([raw(1)], editor='echo "my plantation" >> "$1"\n') as s:
        s.screen.wait("subject-1")
        s.dovecot.fill([s.keys.encrypted(2, "the rhododendron")])
        s.screen.wait("subject-2")
        s.screen.keys("gg", "Enter")
        s.screen.wait("the rhododendron")
        screen = s.screen.text()
        assert "▌ Decrypted from here on (OpenPGP); signed inside" in screen
        assert "▌ Good signature of the sender, Bob <bob@example.net>" in screen
        assert "▌ End of what was encrypted" in screen
        assert s.clear_on_disk("rhododendron") == []
        s.screen.keys("r")
        s.screen.wait("my plantation")
        s.screen.wait("> the rhododendron")
        s.screen.wait("encrypted (OpenPGP)")
        s.screen.keys("P")
        s.screen.wait("kept as a draft")
        s.screen.keys("$")
        s.screen.wait("work: online")
        assert not s.dovecot.messages("Drafts")
        s.screen.keys("gd")
        s.screen.wait("Re: subject-2")
        s.screen.keys("Enter")
        s.screen.wait("my plantation")
        s.screen.wait("encrypted (OpenPGP)")
        s.screen.keys("y")
        s.screen.wait("on its way, encrypted")
        m = s.arrived()[0]
        assert m["Subject"] == "Re: subject-2" and m["In-Reply-To"] == f"<{made.message_id(2)}>"
        text = s.keys.open(m).get_content()
        assert "> the rhododendron" in text and "my plantation" in text
        assert b"rhododendron" not in m.as_bytes()
        until(lambda: "Sent" in s.dovecot.folders() and len(s.dovecot.messages("Sent")) == 1, "no copy in Sent")
        until(lambda: s.clear_on_disk("rhododendron") == [], f"in clear: {s.clear_on_disk('rhododendron')}")


def test_no_key_is_never_sent_in_clear_by_itself():
    """Carol has no key: that is said, and the answer No sends nothing; Yes sends it in clear."""
    with Sealed([raw(1)], editor='echo "some words" > "$1"\n', account="encrypt = always") as s:
        s.screen.wait("subject-1")
        write(s.screen, "carol@example.net", "hello")
        s.screen.wait("some words")
        s.screen.wait("encrypted (OpenPGP)")
        s.screen.keys("y")
        s.screen.wait("No key of carol@example.net")
        s.screen.keys("n")
        s.screen.gone("No key of carol@example.net")
        assert s.outbox() == []
        s.screen.keys("y")
        s.screen.wait("No key of carol@example.net")
        s.screen.keys("y")
        s.screen.wait("on its way")
        assert s.arrived(user="carol@example.net")[0].get_content_type() == "text/plain"


def test_signed_and_hidden_recipients():
    """S signs; E encrypts; who is in Bcc can read it and is named to nobody. What is only signed is checked by gpg."""
    with Sealed([raw(1)], editor='printf "grüße\\n\\n-- \\nme\\n" > "$1"\n', account="sign = yes") as s:
        s.keys.make("Carol <carol@example.net>")
        s.screen.wait("subject-1")
        write(s.screen, BOB, "signed")
        s.screen.wait("signed (OpenPGP)")
        s.screen.keys("y")
        s.screen.wait("on its way")
        whole = s.arrived_raw()[0]
        m = mail_of(whole)
        assert m.get_content_type() == "multipart/signed" and m.get_param("micalg").startswith("pgp-sha")
        boundary = m.get_boundary().encode()
        content = whole.split(b"--" + boundary + b"\r\n")[1]
        with open(s.home.path("sig"), "wb") as f:
            f.write(m.get_payload()[1].get_payload(decode=True))
        s.keys.gpg("--verify", s.home.path("sig"), "-", stdin=content[:-2])
        assert m.get_payload()[0].get_content().replace("\r", "") == "grüße\n\n-- \nme\n"

        write(s.screen, BOB, "both")
        s.screen.wait("signed (OpenPGP)")
        s.screen.keys("E")
        s.screen.wait("signed and encrypted (OpenPGP)")
        s.screen.keys("b")
        s.screen.wait("Bcc:")
        s.screen.keys("carol@example.net", "Enter")
        s.screen.wait("carol@example.net")
        s.screen.keys("y")
        s.screen.wait("on its way")
        m = s.arrived(user="carol@example.net")[0]
        assert "carol" not in m.as_string().split("\n\n")[0].replace("for <carol", "")
        r = subprocess.run(["gpg", "--homedir", s.keys.dir, "--batch", "--list-packets", "--list-only"],
                           input=m.get_payload()[1].get_payload(decode=True), capture_output=True)
        assert r.stdout.count(b":pubkey enc packet") == 3 and r.stdout.count(b"keyid 0000000000000000") == 1, r.stdout
        assert "grüße" in s.keys.open(m).get_content()


def test_passphrase_is_asked_for_when_wanted():
    """Opening it asks nothing; X puts the screen aside for pinentry, and the passphrase typed there opens it."""
    if not os.path.exists("/usr/bin/pinentry-curses"):
        raise Skip("needs pinentry-curses")
    with Sealed([raw(1)], passphrase="sesame") as s:
        with open(os.path.join(s.keys.dir, "gpg-agent.conf"), "w") as f:
            f.write("pinentry-program /usr/bin/pinentry-curses\n")
        s.screen.wait("subject-1")
        s.dovecot.fill([s.keys.encrypted(2, "the rhododendron")])
        s.keys.close()
        s.screen.wait("subject-2")
        s.screen.keys("gg", "Enter")
        s.screen.wait("its passphrase is needed; X opens it")
        s.screen.keys("X")
        s.screen.wait("Please enter the passphrase", timeout=20)
        s.screen.keys("sesame", "Enter")
        s.screen.wait("the rhododendron", timeout=20)
        s.screen.keys("q")
        s.screen.wait("subject-1")
        assert s.clear_on_disk("rhododendron") == []


def test_without_gpg():
    """That gpg is not installed is said, and the rest goes on."""
    with Sealed([raw(1)]) as s:
        s.dovecot.fill([s.keys.encrypted(2, "the rhododendron")])
        s.screen.close()
        empty = s.home.path("bin")
        os.mkdir(empty)
        for name in ("sh", "echo"):
            os.symlink(f"/bin/{name}", os.path.join(empty, name))
        s.screen = s.home.screen(cols=100, rows=30, PATH=empty)
        s.screen.wait("subject-2")
        s.screen.keys("gg", "Enter")
        s.screen.wait("gpg is not installed")
        s.screen.keys("J")
        s.screen.wait("Message 1.")


class Box:
    """Mails in an mbox of one's own, and the program on it: no server."""

    def __init__(self, *mails):
        self.home = Home()
        self.home.write_rc("[mail]\n")
        self.keys = Keys(self.home)
        self.mails = mails

    def __enter__(self):
        with open(self.home.path("box"), "wb") as f:
            for make in self.mails:
                f.write(b"From x Thu Jan  1 00:00:00 2026\n" + make(self.keys).replace(b"\r\n", b"\n") + b"\n")
        return self

    def open(self, **env):
        self.screen = self.home.screen("-f", self.home.path("box"), cols=100, rows=30, **env)
        return self.screen

    def __exit__(self, kind, *_):
        if kind is not None:
            print(self.screen.text())
        self.screen.close()
        self.keys.close()
        self.home.__exit__(kind)


def with_attachment(keys):
    inside = ("Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\nContent-Type: text/plain\r\n\r\nsee the figures\r\n"
              "--i\r\nContent-Type: text/csv; name=figures.csv\r\nContent-Disposition: attachment; "
              "filename=figures.csv\r\n\r\n1;2;3\r\n--i--\r\n")
    return keys.encrypted(1, "", sign=False, whole=inside)


def test_attachment_inside():
    """What is attached inside of encrypted mail is listed there, is v's, and can be saved."""
    with Box(with_attachment) as b:
        s = b.open()
        s.wait("subject-1")
        s.keys("Enter")
        s.wait("see the figures")
        assert "▌ attached inside: figures.csv (text/csv)" in s.text()
        s.keys("v")
        s.wait("figures.csv")
        assert "pgp-encrypted" not in s.text()
        s.keys("G", "s", "C-u", b.home.path("saved"), "Enter")
        s.wait("saved ")
        with open(b.home.path("saved"), "rb") as f:
            assert f.read() == b"1;2;3"
        s.keys("gg", "j", "Enter")
        s.wait("see the figures")
        s.keys("q", "q")
        s.wait("▌ End of what was encrypted")


def test_hanging_gpg_keeps_nothing_waiting():
    """While gpg hangs, keys are answered and the next message is read; Esc ends it, and so does leaving; nothing of it
    stays behind."""
    with Box(lambda k: k.encrypted(1, "secret words"), lambda k: raw(2)) as b:
        os.mkdir(b.home.path("bin"))
        with open(b.home.path("bin/gpg"), "w") as f:
            f.write(f"#!/bin/sh\necho $$ >> {b.home.path('pids')}\nexec sleep 300\n")
        os.chmod(b.home.path("bin/gpg"), 0o755)
        s = b.open(PATH=b.home.path("bin") + ":" + os.environ["PATH"])
        s.wait("subject-2")
        s.keys("G", "Enter")
        s.wait("checking signatures and encryption")
        s.keys("K")
        s.wait("Message 2.")
        s.keys("J")
        s.wait("not opened yet; X opens it")
        until(lambda: len(pids(b)) >= 2, "not tried again")
        s.keys("Escape")
        until(lambda: not any(os.path.exists(f"/proc/{p}") for p in pids(b)), "Esc did not end it")
        s.keys("X")
        until(lambda: len(pids(b)) >= 3, "X did not begin it")
        s.keys("Q")
        until(lambda: not any(os.path.exists(f"/proc/{p}") for p in pids(b)), "gpg was left behind")


def pids(b):
    try:
        with open(b.home.path("pids")) as f:
            return f.read().split()
    except FileNotFoundError:
        return []


def test_commands_do_not_send_in_clear():
    """An account that encrypts always sends nothing in clear from the command line; what is encrypted already goes."""
    with Home() as home:
        os.mkdir(home.path("mail"))
        home.write_rc(f"[account work]\nfrom = Ada <{ADA}>\nreceive = mbox:{home.path('mail')}\n"
                      f"sendmail = cat > {home.path('sent')}; :\nencrypt = always\n")
        for args, text in ((("-s", "hello", BOB), "words\n"), (("send", BOB), "Subject: x\n\nwords\n")):
            r = home.run(*args, stdin=text)
            assert r.returncode == 78 and "encrypt = always" in r.stderr, r
            assert not os.path.exists(home.path("sent"))
        r = home.run("send", BOB, stdin="Subject: x\nContent-Type: multipart/encrypted; boundary=b\n\n--b\n\nx\n--b--\n")
        assert "encrypt = always" not in r.stderr and r.returncode == 0, r


def test_copy_of_a_draft_goes_when_it_is_to_be_encrypted():
    """A draft that is on the server in clear is no more once E was pressed; unpressed it is stored again."""
    with Sealed([raw(1)], editor='echo "some words" > "$1"\n') as s:
        s.screen.wait("subject-1")
        write(s.screen, BOB, "hello")
        s.screen.wait("some words")
        s.screen.keys("P")
        until(lambda: len(s.dovecot.messages("Drafts")) == 1, "not stored")
        s.screen.keys("gd")
        s.screen.wait("hello")
        s.screen.keys("Enter")
        s.screen.wait("some words")
        s.screen.keys("E")
        s.screen.wait("encrypted (OpenPGP)")
        until(lambda: not s.dovecot.messages("Drafts"), "its copy stayed")
        s.screen.keys("E")
        s.screen.gone("encrypted (OpenPGP)")
        s.screen.keys("P")
        s.screen.wait("kept as a draft")
        until(lambda: len(s.dovecot.messages("Drafts")) == 1, "not stored again")
