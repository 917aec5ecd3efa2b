"""Leaving a mailing list: the person decides, by mail or on its page."""
import os
import stat
import time

from rig import mails
from rig.dovecot import Dovecot
from rig.home import Home

PAGE = "https://lists.example/leave?u=ada"


def listed(n, field):
    m = mails.make(n, subject=f"news-{n}", to=("Ada", "ada-list@localhost"))
    m["List-Unsubscribe"] = field
    return m.as_bytes()


def browser(home):
    """A browser that writes down where it was sent."""
    path, log = home.path("browser"), home.path("opened")
    with open(path, "w") as f:
        f.write(f'#!/bin/sh\necho "$1" >> {log}\n')
    os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
    return path, log


def test_a_list_is_left_by_mail_or_on_its_page():
    with Dovecot() as d, Home() as home:
        d.fill([listed(1, f"<mailto:leave@lists.example?subject=off>, <{PAGE}>"),
                listed(2, f"<{PAGE}>"), mails.raw(3, subject="from-a-person")])
        program, log = browser(home)
        home.account(d.ports["imaps"], scheme="imaps", host="localhost",
                     before=f"[mail]\nbrowser = {program}\n",
                     more=f"ca-file = {d.ca}\nidentities = ada-list@localhost\n"
                          "send = smtp+insecure://127.0.0.1:9")
        with home.screen() as s:
            s.wait("news-1")
            s.keys("G", "Enter")
            s.wait("Message 1.")
            s.keys("gu")
            s.wait("m write to leave@lists.example, o open lists.example?")
            s.keys("m")
            text = s.wait("Subject  off")
            assert "To  leave@lists.example" in text, text
            assert "From  ada-list@localhost" in text, text      # as the list knows her
            s.keys("q")
            s.wait("Throw this message away?")
            s.keys("y")
            s.wait("Message 1.")
            s.keys("gu", "o")
            s.wait(f"Go to lists.example? {PAGE}")
            s.keys("n")
            s.keys("K")
            s.wait("Message 2.")
            s.keys("gu")
            s.wait("Go to lists.example?")
            assert not os.path.exists(log)          # nothing was opened unasked
            s.keys("y")
            deadline = time.monotonic() + 10
            while not os.path.exists(log) or not os.path.getsize(log):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            with open(log) as f:
                assert f.read() == PAGE + "\n"
            s.keys("K")
            s.wait("Message 3.")
            s.keys("gu")
            s.wait("no way to leave a list")
