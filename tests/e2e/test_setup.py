"""From nothing to a working account, as a new person would."""
import os

from rig import mails
from rig.dovecot import PASSWORD, Dovecot
from rig.home import Home


def answers(*lines):
    return "".join(line + "\n" for line in lines)


def test_setup_writes_an_account_that_works():
    with Dovecot() as d, Home() as home:
        d.fill([mails.raw(1, subject="first-light")])
        os.unlink(home.rc) if os.path.exists(home.rc) else None
        url = f"imap+insecure://ada@127.0.0.1:{d.ports['imap']}"
        r = home.run("setup", stdin=answers("Ada Example", "ada@example.org", url, "none",
                                            f"echo {PASSWORD}", "work"))
        assert r.returncode == 0, r.stdout + r.stderr
        with open(home.rc) as f:
            text = f.read()
        assert "[account work]" in text and url in text, text
        assert os.stat(home.rc).st_mode & 0o777 == 0o600
        assert home.run("check").returncode == 0
        with home.screen() as s:
            s.wait("first-light")


def test_setup_with_a_wrong_password_says_so_and_writes_nothing():
    with Dovecot() as d, Home() as home:
        url = f"imap+insecure://ada@127.0.0.1:{d.ports['imap']}"
        r = home.run("setup", stdin=answers("Ada", "ada@example.org", url, "none", "echo wrong",
                                            "work", "quit"))
        assert r.returncode != 0
        assert not os.path.exists(home.rc), open(home.rc).read()
        assert "wrong" not in r.stdout.replace("wrong password", "").replace("echo wrong", "")


def test_setup_pins_a_certificate_that_nobody_vouches_for():
    """The server is refused and nothing secret sent; the person who knows its fingerprint goes on."""
    with Dovecot() as d, Home() as home:
        lines = ["Ada", "ada@localhost", f"imaps://localhost:{d.ports['imaps']}", "ada", "none",
                 f"echo {PASSWORD}", "work"]
        refused = home.run("setup", stdin=answers(*lines, "quit"))
        assert refused.returncode != 0 and "unknown CA" in refused.stdout, refused.stdout
        assert not os.path.exists(home.rc)
        fingerprint = refused.stdout.split("tls-fingerprint = ")[1].split()[0]
        r = home.run("setup", stdin=answers(*lines, "pin", "12:34", fingerprint))
        assert r.returncode == 0, r.stdout + r.stderr
        assert "64 hexadecimal digits" in r.stdout
        with open(home.rc) as f:
            assert f"tls-fingerprint = {fingerprint}" in f.read()
        assert home.run("check").returncode == 0


def test_sync_without_a_screen():
    """`dunlin sync`: 0 when all is done, 75 when no server is there, and then nothing is lost."""
    with Dovecot() as d, Home() as home:
        d.fill([mails.raw(i) for i in range(5)])
        home.account(d.ports["imaps"], scheme="imaps", host="localhost", more=f"ca-file = {d.ca}")
        r = home.run("sync")
        assert r.returncode == 0, r.stdout + r.stderr
        d.stop(keep=True)
        r = home.run("sync")
        assert r.returncode == 75, r.stdout + r.stderr
        d.start()
        home.account(d.ports["imaps"], scheme="imaps", host="localhost", password="not-it",
                     more=f"ca-file = {d.ca}")
        r = home.run("sync")
        assert r.returncode == 1, r.stdout + r.stderr
