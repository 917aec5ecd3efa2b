"""POP3 into an mbox, from outside: every message of the server once, whole, whatever breaks."""
import base64
import os
import random
import re
import shutil
import signal
import subprocess
import time

from rig import mails
from rig.dovecot import PASSWORD, Dovecot
from rig.home import PROGRAM, Home
from rig.pop3 import inbox, on_server, setup, sync, whole
from rig.proxy import Proxy
from rig.run import long

def strange_mails():
    """What a mailbox must survive: From_ lines, dots, no end of line, NUL-free 8 bit, a long line."""
    def mk(n, body, head=""):
        return (f"Message-ID: <odd.{n}@rig.example>\r\nFrom: ada@example.org\r\n"
                f"Date: Thu, 01 Jan 2026 00:00:0{n % 10} +0000\r\nSubject: odd {n}\r\n{head}\r\n").encode() + body
    return [
        mk(1, b"From bob@example.org Thu Jan  1 00:00:00 2026\r\nForged: yes\r\n\r\nx\r\n"),
        mk(2, b"\r\n\r\nFrom bob@example.org Thu Jan  1 00:00:00 2026\r\n>From me\r\n>>From you\r\n"),
        mk(3, b".\r\n..\r\n.one dot\r\n...three\r\n"),
        mk(4, b"x" * 300000 + b"\r\n" + b".y" * 1000 + b"\r\n"),
        mk(5, b"no line end at the end"),
        mk(6, b""),
        mk(7, b"\r\n\r\n\r\n"),
        mk(8, bytes(range(128, 256)) + b"\r\n", head="Status: RO\r\nX-Status: D\r\nContent-Length: 3\r\n"),
    ]


def same(home, d):
    """Every message of the server stands in the mbox once and with the server's bytes."""
    there, here = on_server(d), inbox(home)
    assert sorted(there) == sorted(here), (sorted(set(there) - set(here)), sorted(set(here) - set(there)))
    for mid, raw in there.items():
        want = re.sub(rb"\n(X-)?Status:[^\n]*", b"", raw) if b"odd.8" in raw else raw
        assert here[mid] == want, (mid, here[mid][:300], want[:300])


def test_pop3_downloads_all_once():
    with Dovecot() as d, Home() as home:
        d.fill([mails.raw(n, attach=n % 5 == 0) for n in range(30)] + strange_mails())
        setup(home, d.ports["pop3"])
        code, text = sync(home)
        assert code == 0 and "38 new messages" in text, (code, text)
        same(home, d)
        before = open(home.path("mail/inbox"), "rb").read()
        code, text = sync(home)
        assert code == 0 and "0 new messages" in text, text
        assert open(home.path("mail/inbox"), "rb").read() == before
        d.fill([mails.raw(100)])
        code, text = sync(home)
        assert code == 0 and "1 new message" in text, text
        same(home, d)


def test_pop3_ledger_lost():
    """The data directory is gone, the mbox is not: nothing comes twice, and new mail comes."""
    with Dovecot() as d, Home() as home:
        d.fill([mails.raw(n, attach=n % 5 == 0) for n in range(30)] + strange_mails())
        setup(home, d.ports["pop3"])
        sync(home)
        before = open(home.path("mail/inbox"), "rb").read()
        shutil.rmtree(home.path("data"))
        shutil.rmtree(home.path("cache"))
        code, text = sync(home)
        assert code == 0 and "38 messages of the server are here already" in text and "0 new" in text, text
        assert open(home.path("mail/inbox"), "rb").read() == before
        d.fill([mails.raw(100)])
        code, text = sync(home)
        assert code == 0 and "1 new message" in text, text
        same(home, d)


def test_pop3_older_ledger():
    """Yesterday's dunlin.db, or all of the data directory, is put back: what came since comes no second time."""
    for what in ("dunlin.db", ""):
        with Dovecot() as d, Home() as home:
            d.fill([mails.raw(n) for n in range(10)])
            setup(home, d.ports["pop3"], keep="yes")
            sync(home)
            data, kept = home.path("data/dunlin"), home.path("kept")
            shutil.copytree(data, kept)
            d.fill([mails.raw(n, attach=n % 5 == 0) for n in range(10, 40)] + strange_mails())
            code, text = sync(home)
            assert code == 0 and "38 new" in text, text
            before = open(home.path("mail/inbox"), "rb").read()
            if what:
                for end in ("", "-wal", "-shm"):
                    if os.path.exists(f"{data}/{what}{end}"):
                        os.unlink(f"{data}/{what}{end}")
                shutil.copy(f"{kept}/{what}", data)
            else:
                shutil.rmtree(data)
                shutil.copytree(kept, data)
            code, text = sync(home)
            assert code == 0 and "38 messages of the server are here already" in text and "0 new" in text, text
            assert open(home.path("mail/inbox"), "rb").read() == before
            d.fill([mails.raw(100)])
            code, text = sync(home)
            assert code == 0 and "1 new message" in text and "already" not in text, text
            same(home, d)


# ---- things break; every byte and every call in turn are in tests/unit/test_drain*.c ----

def small_mailbox(d):
    d.fill([mails.raw(n, words=4) for n in range(3)] + strange_mails()[:3])


def cut_at(offsets, **proxy_args):
    """For each offset: a first sync cut after so many bytes from the server, then a second one."""
    with Dovecot() as d:
        small_mailbox(d)
        everything = on_server(d)
        for k in offsets:
            with Home() as home, Proxy(d.ports["pop3"], cut_after=k, **proxy_args) as proxy:
                setup(home, proxy.port)
                sync(home)
                proxy.cut_after = None
                for mid, raw in inbox(home).items():
                    assert raw == everything[mid], (k, mid)
                code, text = sync(home)
                assert code == 0, (k, text)
                whole(inbox(home), everything, k)


def test_pop3_cut():
    cut_at(range(3, 2500, 211))


def test_pop3_split_into_bytes():
    cut_at([None], bytewise=True)


@long
def test_pop3_keep_no_deletes_what_is_here_only():
    """Cut while it deletes: nothing is gone from the server that is not in the mbox."""
    for k in range(300, 4200, 700):
        with Dovecot() as d, Home() as home, Proxy(d.ports["pop3"], cut_after=k) as proxy:
            small_mailbox(d)
            everything = on_server(d)
            setup(home, proxy.port, keep="no")
            sync(home)
            here, there = inbox(home), on_server(d)
            assert set(here) | set(there) == set(everything), k
            proxy.cut_after = None
            code, text = sync(home)
            assert code == 0, text
            whole(inbox(home), everything, k)
            assert on_server(d) == {}, k


@long
def test_pop3_kill():
    """kill -9 at random times, again and again, until a run comes to its end."""
    n_kills = int(os.environ.get("DUNLIN_KILLS", "25"))
    r = random.Random(5)
    with Dovecot() as d:
        d.fill([mails.raw(n, words=3000) for n in range(40)] + strange_mails()[:4])
        everything, killed = on_server(d), 0
        while killed < n_kills:
            with Home() as home, Proxy(d.ports["pop3"], delay=0.002) as proxy:
                setup(home, proxy.port)
                for _ in range(10):
                    p = subprocess.Popen([PROGRAM, "sync"], env=dict(os.environ, **home.env()),
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                    time.sleep(r.uniform(0.05, 0.5))
                    p.kill()
                    killed += p.wait() == -signal.SIGKILL
                code, text = sync(home)
                assert code == 0, text
                whole(inbox(home), everything, killed)


def test_pop3_disk_full():
    """A file must not grow beyond a limit: told, nothing lost, and all is well when there is room."""
    with Dovecot() as d, Home() as home:
        d.fill([mails.raw(n, words=2000) for n in range(30)])
        everything = on_server(d)
        setup(home, d.ports["pop3"], keep="no")
        for limit_kb in (20, 60, 100, 200, 300):
            r = subprocess.run(["bash", "-c", f"trap '' XFSZ; ulimit -f {limit_kb}; exec {PROGRAM} sync"],
                               env=dict(os.environ, **home.env()), capture_output=True, timeout=60)
            assert set(inbox(home)) | set(on_server(d)) == set(everything), limit_kb
        code, text = sync(home)
        assert code == 0, text
        whole(inbox(home), everything, "full")
        assert on_server(d) == {}


# ---- who gets the password; what people see ----

def test_pop3_tls():
    with Dovecot() as d, Home() as home:
        d.fill([mails.raw(1)])
        for scheme, port in (("pop3s", "pop3s"), ("pop3", "pop3")):
            for auth in ("", "auth = plain", "auth = scram-sha-256", "auth = login"):
                home.account(d.ports[port], name="home", scheme=scheme, host="localhost",
                             more=f"ca-file = {d.ca}\nmbox = {home.path('mail')}\n{auth}")
                r = home.run("check")
                assert r.returncode == 0 and "1 message on the server" in r.stdout, r.stdout + r.stderr
                assert PASSWORD not in r.stdout + r.stderr
        code, text = sync(home)
        assert code == 0 and len(inbox(home)) == 1, text
    with Dovecot(cert="wronghost") as d, Home() as home:
        for scheme, port in (("pop3s", "pop3s"), ("pop3", "pop3")):
            home.account(d.ports[port], name="home", scheme=scheme, host="localhost",
                         more=f"ca-file = {d.ca}\nmbox = {home.path('mail')}")
            code, text = sync(home)
            assert code == 1 and "elsewhere.example" in text, (code, text)
        assert "Login:" not in d.log()


def test_pop3_log_has_neither_password_nor_mail():
    with Dovecot() as d, Home() as home:
        d.fill([mails.raw(1, subject="a secret subject")])
        setup(home, d.ports["pop3"])
        log = home.path("log")
        code = home.run("-d", log, "sync").returncode
        with open(log, errors="replace") as f:
            text = f.read()
        assert code == 0 and "C: CAPA" in text, text
        assert PASSWORD not in text and "secret subject" not in text and "signature 1" not in text
        assert base64.b64encode(PASSWORD.encode()).decode()[:12] not in text


def test_pop3_wrong_password_and_no_server():
    with Dovecot() as d, Home() as home:
        setup(home, d.ports["pop3"], password="not-it")
        code, text = sync(home)
        assert code == 1 and "not-it" not in text, (code, text)
        assert "the server says: " in text, text
    with Home() as home:
        setup(home, 1)
        code, text = sync(home)
        assert code == 75, (code, text)


def test_pop3_in_the_ui():
    """New mail appears by itself, is deleted into Trash by key, and the server is told nothing."""
    with Dovecot() as d, Home() as home:
        d.fill([mails.raw(n, subject=f"Letter {n}") for n in range(3)])
        setup(home, d.ports["pop3"], more="check-every = 10s")
        with home.screen() as s:
            s.wait("Letter 2")
            d.fill([mails.raw(3, subject="Letter 3")])
            s.keys("$")
            s.wait("Letter 3")
            s.keys("d")
            s.wait("1 message deleted")
            deadline = time.monotonic() + 10
            while not os.path.exists(home.path("mail/Trash")) and time.monotonic() < deadline:
                time.sleep(0.05)
        assert b"Letter" in open(home.path("mail/Trash"), "rb").read()
        assert len(on_server(d)) == 4
