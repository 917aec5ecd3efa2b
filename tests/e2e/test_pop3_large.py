"""POP3 with max-size: the header first, the whole message when somebody asks; on the screen, and when links break."""
import os
import re
import time

from rig import mails
from rig.dovecot import Dovecot
from rig.home import Home
from rig.memory import measure
from rig.pop3 import empty, inbox, on_server, setup, sync, whole
from rig.proxy import Proxy
from rig.run import long

MARK = b"X-Dunlin-Not-Downloaded:"


def large(n, kb, **kw):
    text = mails.raw(n, **kw)
    return text.rstrip() + b"\r\n" + (b"0123456789abcdef" * 4 + b"\r\n") * (kb * 1024 // 66)


def headers_only(home):
    return [mid for mid, raw in inbox(home).items() if MARK in raw]


def first_sync(home, proxy, **kw):
    setup(home, proxy.port, more="max-size = 100 KB\ncheck-every = 10m", **kw)
    code, text = sync(home)
    assert code == 0, text
    return text


def open_large(s, subject):
    s.wait("Small")
    s.keys("/", f"subject:{subject}", "Enter")
    s.wait(re.compile(rf"[+].*{subject}"))
    s.keys("Enter")
    s.wait(re.compile(r"Not downloaded: 0\.\d MB"))


def test_large_on_the_screen():
    """Marked in the list, said in the pager, one key fetches it; its flag stays, the next check deletes it there."""
    with Dovecot() as d, Home() as home, Proxy(d.ports["pop3"]) as proxy:
        d.fill([mails.raw(1, subject="Small"), large(2, 400, subject="Big", attach=True),
                mails.raw(3, subject="Last")])
        everything = on_server(d)
        text = first_sync(home, proxy, keep="no")
        assert "3 new messages" in text, text
        assert list(on_server(d)) == ["m.2@rig.example"] == headers_only(home)
        assert proxy.n_down < 100_000
        with home.screen() as s:
            open_large(s, "Big")
            assert "gw downloads it" in s.text() and "max-size" not in s.text(), s.text()
            s.keys("F")
            s.wait("flagged")
            s.keys("gw")
            s.wait("signature 2", timeout=20)
            assert "Big" in s.text() and "flagged" in s.text(), s.text()
            s.keys("q")
            s.wait(lambda t: re.search(r"F@? .*Big", t) and "+ " not in t)
            s.keys("l", "is:partial", "Enter")
            s.gone("Small")
            s.keys("gw")
            s.wait(re.compile("here as a whole|no message here"))
        whole_inbox = {m: re.sub(rb"\n(X-)?Status:[^\n]*", b"", raw) for m, raw in inbox(home).items()}
        whole(whole_inbox, everything, "asked for")
        assert on_server(d) == {}


def test_large_offline_and_stopped():
    """Without a server a request is kept and said to be; Esc takes it back; `dunlin sync` carries it out."""
    with Dovecot() as d, Home() as home, Proxy(d.ports["pop3"]) as proxy:
        d.fill([mails.raw(1, subject="Small"), large(2, 800, subject="Big")])
        everything = on_server(d)
        first_sync(home, proxy)
        proxy.refuse = True
        with home.screen(cols=120) as s:
            open_large(s, "Big")
            s.keys("gw")
            s.wait("not yet downloaded, it will be with the next check")
            s.wait("asked for, it comes with the next check")
        proxy.refuse, proxy.stall_after = False, proxy.n_down + 300_000
        with home.screen(cols=120) as s:        # it begins by itself, and the server falls silent
            open_large(s, "Big")
            s.keys("gw")
            s.wait(re.compile(r"downloading the message .* of .*Esc cancels"))
            deadline = time.monotonic() + 10
            while not proxy.stalled and time.monotonic() < deadline:
                time.sleep(0.05)
            assert proxy.stalled
            s.keys("Escape")
            s.wait("gw downloads it")
            proxy.stalled, proxy.stall_after = False, None
            s.keys("q")
        assert headers_only(home) == ["m.2@rig.example"]
        code, text = sync(home)
        assert code == 0 and headers_only(home) == ["m.2@rig.example"], text    # asked for no more
        proxy.refuse = True
        with home.screen(cols=120) as s:
            open_large(s, "Big")
            s.keys("gw")
            s.wait("asked for, it comes with the next check")
        proxy.refuse = False
        code, text = sync(home)
        assert code == 0, text
        whole(inbox(home), everything, "by sync")


def test_large_header_goes_nowhere():
    """Forwarded, bounced, piped, saved or edited a header would not be what the person means: each says what to do."""
    with Dovecot() as d, Home() as home, Proxy(d.ports["pop3"]) as proxy:
        d.fill([mails.raw(1, subject="Small"), large(2, 400, subject="Big"), mails.raw(3, subject="Last")])
        first_sync(home, proxy)
        told, saved = "'Big' is only a header here: gw downloads it first", home.path("saved")
        sent = f"tee -a {home.path('sent')}"
        with open(home.rc, "a") as f:
            f.write(f"sendmail = {sent}\n[account other]\nfrom = Ada <ada@localhost>\nreceive = mbox:{home.path('other')}\n")
        with home.screen(EDITOR="true", VISUAL="true") as s:
            s.wait("Big")
            s.keys("l", "subject:Big", "Enter")         # of what was never opened, too
            s.gone("Small")
            for keys in (["f"], ["gf"], ["ge"], ["ga"],
                         ["|", f"cat > {saved}", "Enter"]):
                s.keys(*keys)
                s.wait(told)
                s.keys("j")
                s.gone(told)
            s.keys("C", "C-u", "other/INBOX", "Enter")
            s.wait("a message of which only the header is here stays in its account")
            s.keys("b", "bob@rig.example", "Enter")
            s.wait("Bounce to")
            s.keys("y")
            s.wait(told)
            s.keys("v")
            s.wait("parts of Big")
            for keys in (["s", "C-u", saved, "Enter"], ["|", f"cat > {saved}", "Enter"], ["ga"]):
                s.keys(*keys)
                s.wait(told)
                s.keys("j")
                s.gone(told)
            s.keys("q", "r")                            # an answer needs no more than the header
            s.wait("Re: Big")
            assert "Not downloaded" not in s.text(), s.text()
            s.keys("q")
        assert not os.path.exists(saved) and not os.path.exists(home.path("sent"))


def test_large_lost_on_the_server():
    """What is not there any more is said, with its subject; the header stays."""
    with Dovecot() as d, Home() as home, Proxy(d.ports["pop3"]) as proxy:
        d.fill([mails.raw(1, subject="Small"), large(2, 400, subject="Big")])
        first_sync(home, proxy)
        c = d.pop3()
        c.dele(2)
        c.quit()
        with home.screen() as s:
            open_large(s, "Big")
            s.keys("gw")
            s.wait("'Big' is not downloaded: the server no longer has it", timeout=20)
            s.wait("gw downloads it")
        assert headers_only(home) == ["m.2@rig.example"]


def test_large_deleted_here_stays_there():
    """Trash, and out of Trash: a header is all that is deleted, also with keep = no, and it does not come again."""
    with Dovecot() as d, Home() as home, Proxy(d.ports["pop3"]) as proxy:
        d.fill([mails.raw(1, subject="Small"), large(2, 400, subject="Big")])
        first_sync(home, proxy, keep="no")
        with home.screen() as s:
            s.wait(re.compile("[+].*Big"))
            s.keys("gg", "d")
            s.wait("1 message deleted")
            s.keys("c", "Trash", "Enter")
            s.wait(re.compile("[+].*Big"))
            s.keys("d")
            s.wait("for good?")
            s.keys("y")
            s.gone("Big")
            s.gone("pending")
        code, text = sync(home)
        assert code == 0 and "0 new" in text, text
        assert list(on_server(d)) == ["m.2@rig.example"]
        assert list(inbox(home)) == ["m.1@rig.example"]


def ask_for_all(home):
    """As `gw` does, in the ledger: so that runs without a screen have something to do."""
    import sqlite3
    db = sqlite3.connect(home.path("data/dunlin/dunlin.db"), timeout=10)
    with db:
        n = db.execute("UPDATE pop3 SET state = 3 WHERE state = 1").rowcount
    db.close()
    return n


def test_large_cut_at_sampled_bytes():
    """Headers and requested messages over a link that breaks: whole or a header, once, and never deleted too soon."""
    step = int(os.environ.get("DUNLIN_FAULT_STEP", "90001"))
    with Dovecot() as d:
        for k in range(500, 520_000, step):
            empty(d)
            d.fill([mails.raw(1), large(2, 200), large(3, 300)])
            everything = on_server(d)
            with Home() as home, Proxy(d.ports["pop3"]) as proxy:
                setup(home, proxy.port, keep="no", more="max-size = 100 KB")
                sync(home)
                assert ask_for_all(home) == 2
                proxy.cut_after, proxy.cut_once = proxy.n_down + k, True
                sync(home)
                here = inbox(home)
                assert sorted(here) == sorted(everything), k
                for mid in headers_only(home):
                    assert mid in on_server(d), (k, mid)
                proxy.cut_after = None
                code, text = sync(home)
                assert code == 0, (k, text)
                whole(inbox(home), everything, k)
                assert on_server(d) == {}, k


def test_large_stalled_and_bytewise():
    """A link that brings single bytes changes nothing; one that falls silent is given up, and nothing is lost."""
    with Dovecot() as d, Home() as home, Proxy(d.ports["pop3"], bytewise=True) as proxy:
        d.fill([mails.raw(1), large(2, 60)])
        everything = on_server(d)
        setup(home, proxy.port, more="max-size = 50 KB")
        home.write_rc("[mail]\ntimeout = 2s\n" + open(home.rc).read())
        code, text = sync(home)
        assert code == 0 and headers_only(home) == ["m.2@rig.example"], text
        ask_for_all(home)
        proxy.bytewise = False
        proxy.stall_after = proxy.n_down + 20_000
        code, text = sync(home)
        assert code == 75 and headers_only(home) == ["m.2@rig.example"], (code, text)
        proxy.stalled, proxy.stall_after, proxy.bytewise = False, None, True
        code, text = sync(home)
        assert code == 0, text
        whole(inbox(home), everything, "bytewise")


@long
def test_large_takes_no_more_memory():
    """200 MB downloaded, listed and opened take no more memory than 1 MB (`tests/bench/memory.py`: 1 GB)."""
    options = {"ASAN_OPTIONS": "detect_leaks=0:quarantine_size_mb=1:thread_local_quarantine_size_kb=64"}
    small, large = measure(1, **options), measure(200, **options)
    for what, before, after in zip(("sync", "downloaded", "opened"), small, large):
        print(f"{what}: {before / 1024:.0f} MB, {after / 1024:.0f} MB")
        assert after - before < 50 * 1024, (what, before, after)
