"""Copies and moves on a server that is slow, or that will not."""

from rig import census, mails
from rig.dovecot import Dovecot
from rig.home import Home
from rig.proxy import Proxy
from rig.waiting import until

N = 12


def is_settled(home):
    return not {0, 1} & {i[0] for i in census.intents(home)}


def cut_off(word, keys, capability, expected):
    """The link breaks behind `word`, and a second later the server does it all the same."""
    with Dovecot(capability=capability) as d, Home() as home, Proxy(d.ports["imap"]) as link:
        d.fill([mails.raw(i, subject=f"subject-{i:03}", words=9) for i in range(N)])
        home.account(link.port)
        assert home.run("sync").returncode == 0
        with home.screen(cols=90, rows=30) as s:
            s.wait("subject-011")
            link.late_up = (word, 1.0)
            s.keys(*keys)
            until(lambda: link.n_late, "it was never cut")
            until(lambda: is_settled(home), lambda: census.intents(home))
            s.keys("q", "q")
            s.wait("[exit")
        assert home.run("sync").returncode == 0
        there, here = census.undeleted(census.server(d)), census.undeleted(census.index(home))
        assert there == here, census.differences(there, here)
        for folder, numbers in expected.items():
            assert sorted(census.number(r[1]) for r in there[folder]) == numbers, (folder, there[folder])


def test_move_that_the_server_finishes_later():
    cut_off(b"UID MOVE", ["t", "t", "t", ";", "s", "Junk", "Enter"], None,
            {"INBOX": list(range(9)), "Junk": [9, 10, 11]})


def test_copy_that_the_server_finishes_later():
    cut_off(b"UID COPY", ["t", "t", "t", ";", "C", "Junk", "Enter"], "IMAP4rev1",
            {"INBOX": list(range(12)), "Junk": [9, 10, 11]})
