"""Two windows on one home: what a person does in one of them is seen in the other, also where no server tells it."""
import os
import re
import signal
import time

from rig import mails
from rig.dovecot import Dovecot
from rig.home import Home


def test_windows_follow_each_other_without_a_server():
    """Deleted, undone and flagged in one window: within a second so in the other, with the server dead."""
    with Dovecot() as server, Home() as home:
        server.fill([mails.raw(n, subject=f"subject-{n}", words=20) for n in range(8)])
        home.account(server.ports["imap"])
        first, second = home.screen(), home.screen()
        waits = []

        def seen(screen, want, absent=False):
            begun = time.monotonic()
            screen.wait(want, absent=absent)
            waits.append(time.monotonic() - begun)

        try:
            for s in first, second:
                s.wait("subject-7")
                s.wait("subject-0")
                s.wait("online")
            os.killpg(server.process.pid, signal.SIGKILL)
            for s in first, second:
                s.gone("online")
            for _ in range(3):          # the quickest of three counts: the machine may be loaded
                first.keys("gg", "d")
                first.gone("subject-7")
                seen(second, "subject-7", absent=True)
                second.keys("u")
                second.wait("subject-7")
                seen(first, "subject-7")
            assert min(waits[::2]) < 1 and min(waits[1::2]) < 1, waits
            second.keys("gg", "F")
            first.wait(re.compile(r"^.NF .*subject-7", re.M))
            for s in first, second:
                s.keys("q")
                s.wait("[exit 0]")
        finally:
            first.close()
            second.close()
