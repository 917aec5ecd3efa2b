"""Who may be trusted: every server that cannot prove itself is refused, and told nothing."""
from rig import certs
from rig.dovecot import PASSWORD, Dovecot
from rig.fake import Fake
from rig.home import Home


def check(home):
    r = home.run("check", timeout=40)
    return r.returncode, r.stdout + r.stderr


def refused(cert, words, *, host="localhost", with_ca=True, more=""):
    with Dovecot(cert=cert) as d, Home() as home:
        ca = f"ca-file = {d.ca}\n" if with_ca else ""
        for scheme, port in (("imaps", "imaps"), ("imap", "imap")):
            home.account(d.ports[port], scheme=scheme, host=host, more=ca + more)
            code, text = check(home)
            assert code == 1, text
            assert any(w in text for w in words), text
            assert PASSWORD not in text
        assert "Login:" not in d.log(), d.log()


def test_good_certificate_is_accepted():
    with Dovecot() as d, Home() as home:
        for scheme, port, host in (("imaps", "imaps", "localhost"), ("imap", "imap", "localhost"),
                                   ("imaps", "imaps", "127.0.0.1"),
                                   ("imap+insecure", "imap", "127.0.0.1")):
            home.account(d.ports[port], scheme=scheme, host=host, more=f"ca-file = {d.ca}")
            code, text = check(home)
            assert code == 0, text


def test_wrong_host():
    refused("wronghost", ["elsewhere.example"])


def test_expired():
    refused("expired", ["expired"])


def test_self_signed():
    refused("selfsigned", ["signed by itself"])


def test_unknown_ca():
    refused("good", ["unknown", "not trusted", "cannot be verified", "issuer"], with_ca=False)


def test_fingerprint():
    refused("good", ["fingerprint"], more="tls-fingerprint = " + ":".join(["ab"] * 32))
    with Dovecot(cert="selfsigned") as d, Home() as home:
        pin = certs.fingerprint(d.certs["selfsigned"][0])
        home.account(d.ports["imaps"], scheme="imaps", host="localhost",
                     more=f"tls-fingerprint = {pin}")
        code, text = check(home)
        assert code == 0, text


def fake_refused(talk, scheme="imap"):
    """The server is refused and was sent no credential."""
    with Fake(talk) as server, Home() as home:
        home.account(server.port, scheme=scheme, host="localhost")
        code, text = check(home)
        assert code == 1, text
        assert server.sessions > 0
        sent = bytes(server.received).upper()
        assert b"LOGIN" not in sent and b"AUTHENTICATE" not in sent and b"HUNTER2" not in sent, sent
        return text


def test_starttls_stripped():
    def talk(s):
        s.say("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready")
        while True:
            s.line()
            s.say("* CAPABILITY IMAP4rev1 AUTH=PLAIN")
            s.say(f"{s.tag} OK done")
    assert "TLS" in fake_refused(talk)


def test_starttls_refused():
    def talk(s):
        s.say("* OK [CAPABILITY IMAP4rev1 STARTTLS] ready")
        while True:
            line = s.line()
            s.say(f"{s.tag} NO not today" if "STARTTLS" in line else f"{s.tag} OK done")
    assert "TLS" in fake_refused(talk)


def test_starttls_injection():
    def talk(s):
        s.say("* OK [CAPABILITY IMAP4rev1 STARTTLS] ready")
        while "STARTTLS" not in s.line():
            s.say(f"{s.tag} OK done")
        s.raw(f"{s.tag} OK begin\r\n* OK [CAPABILITY IMAP4rev1] injected\r\n".encode())
        s.conn.recv(1000)
    assert "TLS" in fake_refused(talk)


def test_preauth():
    def talk(s):
        s.say("* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] welcome back")
        while True:
            s.line()
            s.say(f"{s.tag} OK done")
    fake_refused(talk)


def test_plain_text_is_refused_for_other_hosts():
    with Home() as home:
        home.account(143, scheme="imap+insecure", host="mail.example.org")
        code, text = check(home)
        assert code == 1 and "insecure" in text, text


def test_wrong_password_is_told():
    with Dovecot() as d, Home() as home:
        home.account(d.ports["imaps"], scheme="imaps", host="localhost", password="not-it",
                     more=f"ca-file = {d.ca}")
        code, text = check(home)
        assert code == 1, text
        assert "not-it" not in text
        assert d.log().count("auth failed") <= 3, d.log()


def test_server_words_do_not_act():
    """Escape bytes in what a server says come out harmless."""
    def talk(s):
        s.say("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] \x1b]0;owned\x07 ready")
        while True:
            line = s.line()
            if "CAPABILITY" in line:
                s.say("* CAPABILITY IMAP4rev1 AUTH=PLAIN")
                s.say(f"{s.tag} OK done")
            else:
                s.say(f"{s.tag} NO \x1b[2Jgo away\x9b31m")
    with Fake(talk) as server, Home() as home:
        home.account(server.port)
        code, text = check(home)
        assert code == 1
        assert "\x1b" not in text and "\x9b" not in text and "\x07" not in text, repr(text)
