"""Whatever breaks, nothing is lost and nothing doubled: a census by Message-ID on both sides.

A triage session is recorded once, offline, through the screen; then `dunlin sync` carries it out on a
copy of the server's mail and of the home, through a proxy that cuts or stalls the connection at one
byte, or is killed. `make faults` takes every byte (DUNLIN_FAULT_STEP=1) instead of a sample."""
import concurrent.futures
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time

from rig import census, mails
from rig.dovecot import Dovecot
from rig.home import PROGRAM, Home
from rig.proxy import Proxy

STEP = int(os.environ.get("DUNLIN_FAULT_STEP", "0"))    # bytes between cuts; 0: a sample
N, N_LISTS, N_ARCHIVE = 30, 20, 10
PLAIN = "IMAP4rev1"
UIDPLUS = "IMAP4rev1 IDLE UIDPLUS"
SEEN, FLAGGED = "\\Seen", "\\Flagged"
WORKERS = 4


class Stage:
    """A server whose users are copies of one, and homes that are copies of one."""

    def __init__(self, capability=None):
        self.server = Dovecot(capability=capability).start()
        self.expunges = capability != PLAIN
        self.model = tempfile.mkdtemp(prefix="dunlin-model-")
        self.n = 0

    def close(self):
        self.server.stop()
        shutil.rmtree(self.model, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def fill(self):
        d = self.server
        d.fill([mails.raw(i, subject=f"subject-{i:03}", words=12) for i in range(N)])
        d.fill([mails.raw(100 + i, subject=f"subject-{100 + i}", words=12) for i in range(N_LISTS)],
               "Lists", flags="\\Seen")
        d.fill([mails.raw(200 + i, subject=f"subject-{200 + i}", words=12) for i in range(N_ARCHIVE)],
               "Archive", flags="\\Seen")

    def keep(self, home):
        """From now on every round begins with the mail and the home as they are now."""
        self.server.stop(keep=True)     # so that no session writes while it is copied
        for name in ("data", "cache"):
            if os.path.exists(home.path(name)):
                shutil.copytree(home.path(name), os.path.join(self.model, name))
        self.server.start()

    def round(self, name):
        return Round(self, f"{name}")


class Round:
    """One copy: self.home and the server's user self.user."""

    def __init__(self, stage, user):
        self.stage, self.server, self.user, self.home = stage, stage.server, user, Home()
        base = os.path.join(self.server.dir, "home")
        subprocess.run(["cp", "-a", f"{base}/ada", f"{base}/{user}"], check=True)
        for name in os.listdir(stage.model):
            subprocess.run(["cp", "-a", os.path.join(stage.model, name), self.home.path(name)],
                           check=True)

    def account(self, port):
        self.home.account(port, user=self.user)

    def start(self):
        """`dunlin sync`, not waited for."""
        return subprocess.Popen([PROGRAM, "sync"], env=dict(os.environ, **self.home.env()),
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def sync(self, runs=6):
        """`dunlin sync` until all is done; how many runs that took."""
        for n in range(1, runs + 1):
            p = self.home.run("sync", timeout=50)
            if p.returncode == 0:
                return n
            assert p.returncode == 75, (p.returncode, p.stdout, p.stderr)
        raise AssertionError(f"not done after {runs} runs: {p.stdout} {p.stderr}")

    def check(self, expected):
        """Both sides hold what was decided, and the same."""
        there, here = census.server(self.server, self.user), census.index(self.home)
        if not self.stage.expunges:
            there, here = census.undeleted(there), census.undeleted(here)
        assert there == here, "server and index: " + census.differences(there, here)
        assert census.overlaid(self.home) == 0, census.intents(self.home)
        bad = [i for i in census.intents(self.home) if i[0] in (0, 1, 3)]
        assert not bad, bad
        for folder, want in expected.items():
            have = census.content(there.pop(folder, []))
            assert have == sorted(want), f"{folder}: {have}, not {sorted(want)}"
        assert not any(there.values()), there

    def close(self):
        reports = self.home.sanitizer_reports()
        assert not reports, reports[:4000]
        self.home.close()
        shutil.rmtree(os.path.join(self.server.dir, "home", self.user), ignore_errors=True)


FIRST = {"INBOX": [(i, ()) for i in range(N)],
         "Lists": [(100 + i, (SEEN,)) for i in range(N_LISTS)],
         "Archive": [(200 + i, (SEEN,)) for i in range(N_ARCHIVE)]}


def decide(stage):
    """The triage session; returns what the server has to have in the end."""
    home = Home()
    home.account(stage.server.ports["imap"])
    assert home.run("sync").returncode == 0
    with home.screen(cols=100, rows=50) as s:       # one decision that is done, to be undone
        s.wait("subject-029")
        s.keys("gg", "d")
        s.gone("subject-029")
        end = time.monotonic() + 10
        while not stage.server.census("Trash") or [i[0] for i in census.intents(home)] != [2]:
            assert time.monotonic() < end, census.intents(home)
            time.sleep(0.05)
        s.keys("q")
        s.wait("[exit", 5)
    with Proxy(stage.server.ports["imap"]) as away:
        away.refuse = True
        home.account(away.port)
        with home.screen(cols=100, rows=50) as s:
            s.wait("subject-028")
            s.keys("u")                             # 29 comes back from Trash
            s.keys("gg", "d")                       # 28
            s.gone("subject-028")
            s.keys("gg", "F")                       # 27 flagged
            s.keys("gg", "j", "N")                  # 26 read
            s.keys("gg", "j", "j", "s", "Junk", "Enter")        # 25
            s.gone("subject-025")
            s.keys("gg", "j", "j", "C", "Lists", "Enter")       # 24 copied
            s.keys("gg", "j", "j", "j", "a")        # 23 archived
            s.gone("subject-023")
            s.keys("gg", "d")                       # 27, and back: a decision nobody hears of
            s.gone("subject-027")
            s.keys("u")
            s.wait("subject-027")
            s.keys("gg", "j", "j", "t", "t", "t", ";", "d")     # 24, 22, 21
            s.gone("subject-021")
            s.keys("gg", "j", "F")                  # 26 flagged, then moved
            s.keys("gg", "j", "s", "Junk", "Enter")
            s.gone("subject-026")
            s.keys("c", "Lists", "Enter")
            s.wait("subject-119")
            s.keys("gg", "d")                       # 119
            s.gone("subject-119")
            s.keys("gg", "N")                       # 118 unread
            s.keys("gg", "j", "s", "INBOX", "Enter")            # 117
            s.gone("subject-117")
            s.keys("y")
            s.wait("Archive")
            s.keys(":", "create-folder", "Enter")
            s.wait("Create folder:")
            s.keys("Neu/Sub", "Enter")
            s.wait("14 pending")
            s.keys("q", "q")
            s.wait("[exit", 5)
    states = [i[0] for i in census.intents(home)]
    assert states.count(0) == 14, census.intents(home)
    stage.keep(home)
    home.close()
    left = set(range(N)) - {28, 25, 23, 24, 22, 21, 26}
    return {"INBOX": [(i, (FLAGGED,) if i == 27 else ()) for i in left] + [(117, (SEEN,))],
            "Lists": [(100 + i, () if i == 18 else (SEEN,)) for i in range(N_LISTS)
                      if i not in (19, 17)] + [(24, ())],
            "Archive": FIRST["Archive"] + [(23, ())],
            "Junk": [(25, ()), (26, (FLAGGED, SEEN))],
            "Trash": [(i, ()) for i in (28, 24, 22, 21)] + [(119, (SEEN,))], "Neu/Sub": []}


def points(total, n):
    """Where to break: every STEP bytes, or n spread over all, never quite the same ones."""
    if STEP:
        return list(range(0, total, STEP))
    rnd = random.Random()
    return sorted({min(total - 1, int((i + rnd.random()) * total / n)) for i in range(n)})


def in_parallel(work, items):
    """work(item) for all; the first failure is raised with its item."""
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        futures = {pool.submit(work, i): i for i in items}
        for f in concurrent.futures.as_completed(futures):
            try:
                f.result()
            except Exception as e:
                for g in futures:
                    g.cancel()
                raise AssertionError(f"at {futures[f]}: {e}") from e


def measure(stage, expected):
    """A round in which nothing breaks: the bytes that pass down and up."""
    r = stage.round("measure")
    with Proxy(stage.server.ports["imap"]) as proxy:
        r.account(proxy.port)
        r.sync(1)
        r.check(expected)
        down, up = proxy.n_down, proxy.n_up
    r.close()
    return down, up


def cut_everywhere(stage, expected, n_down, n_up):
    down, up = measure(stage, expected)
    start, n_runs = time.monotonic(), []

    def one(point):
        way, k = point
        r = stage.round(f"{way}{k}")
        limit = {"cut_after" if way == "down" else "cut_up_after": k}
        with Proxy(stage.server.ports["imap"], cut_once=True, **limit) as proxy:
            r.account(proxy.port)
            n_runs.append(r.sync())
            assert proxy.n_cuts == 1 or k >= (down if way == "down" else up) - 400, "was not cut"
        r.check(expected)
        r.close()

    cuts = [("down", k) for k in points(down, n_down)] + [("up", k) for k in points(up, n_up)]
    in_parallel(one, cuts)
    print(f"{len(cuts)} cuts in {down} bytes down and {up} up, {max(n_runs)} runs at most, "
          f"{time.monotonic() - start:.1f} s")


def cut_triage(capability, n_down=14, n_up=14):
    with Stage(capability) as stage:
        stage.fill()
        cut_everywhere(stage, decide(stage), n_down, n_up)


def test_first_sync_cut():
    """The first sync, cut anywhere: the index is the server's in the end."""
    with Stage() as stage:
        stage.fill()
        home = Home()
        stage.keep(home)
        home.close()
        cut_everywhere(stage, FIRST, 20, 8)


def test_triage_cut_with_move():
    cut_triage(None)


def test_triage_cut_with_copy_and_expunge():
    cut_triage(UIDPLUS)


def test_triage_cut_with_nothing():
    """Nothing but IMAP4rev1: originals of what is moved stay, marked deleted."""
    cut_triage(PLAIN)


def test_cut_again_and_again():
    """Each connection lives a little longer than the one before; no run gets through at once."""
    with Stage(UIDPLUS) as stage:
        stage.fill()
        expected = decide(stage)
        down, _ = measure(stage, expected)
        n_runs = []

        def one(first):
            r = stage.round(f"again{first}")
            n, limit = 0, first
            while True:
                with Proxy(stage.server.ports["imap"], cut_after=limit) as proxy:
                    r.account(proxy.port)
                    n += 1
                    if r.home.run("sync").returncode == 0:
                        break
                limit += down // 9
                assert n < 20
            n_runs.append(n)
            r.check(expected)
            r.close()

        in_parallel(one, points(down // 9, 6))
        print(f"{n_runs} runs until done")


# ---- stalls: the deadline of a minute is not waited for, the person quits ----

def stalled(stage, expected, n):
    down, _ = measure(stage, expected)
    seconds = []

    def one(k):
        r = stage.round(f"stall{k}")
        with Proxy(stage.server.ports["imap"], stall_after=k) as proxy:
            r.account(proxy.port)
            p = r.start()
            end = time.monotonic() + 20
            while not proxy.stalled and p.poll() is None:
                assert time.monotonic() < end, "neither stalled nor done"
                time.sleep(0.005)
            time.sleep(0.05)
            start = time.monotonic()
            p.send_signal(signal.SIGINT)
            p.wait(10)
            seconds.append(time.monotonic() - start)
        r.account(stage.server.ports["imap"])
        r.sync(1)
        r.check(expected)
        r.close()

    in_parallel(one, points(down, n))
    print(f"quit at {len(seconds)} stalls: {max(seconds):.2f} s at most")
    assert max(seconds) < 1.0


def test_first_sync_stalled():
    """Quitting a first sync that hangs takes less than a second, and the next run is right."""
    with Stage() as stage:
        stage.fill()
        home = Home()
        stage.keep(home)
        home.close()
        stalled(stage, FIRST, 12)


def test_triage_stalled():
    with Stage() as stage:
        stage.fill()
        stalled(stage, decide(stage), 12)


def test_triage_stalled_with_copy_and_expunge():
    with Stage(UIDPLUS) as stage:
        stage.fill()
        stalled(stage, decide(stage), 12)


# ---- kill -9 ----

def killed(capability, n):
    with Stage(capability) as stage:
        stage.fill()
        expected = decide(stage)
        n_kills = []

        def one(i):
            r = stage.round(f"kill{i}")
            with Proxy(stage.server.ports["imap"], delay=0.003) as proxy:
                r.account(proxy.port)
                while random.random() < 0.9:
                    p = r.start()
                    try:
                        if p.wait(random.random() * 0.6) == 0:
                            break
                    except subprocess.TimeoutExpired:
                        p.kill()
                        p.wait()
                        n_kills.append(i)
                r.sync(2)
            r.check(expected)
            r.close()

        in_parallel(one, range(n))
        print(f"{n} replays, killed {len(n_kills)} times")


def test_replay_killed_with_move():
    """Killed at any moment of a replay, again and again, it ends as if it had not been."""
    killed(None, 100 if STEP else 8)


def test_replay_killed_with_copy_and_expunge():
    killed(UIDPLUS, 100 if STEP else 7)
