"""Whatever breaks, nothing is lost and nothing doubled: a census by Message-ID on both sides.

A triage session is recorded once, offline, through the screen; then `dunlin sync` carries it out on a
copy of the server's mail and of the home, through a proxy that cuts or stalls the connection at one
byte, or is killed. `make faults` takes every byte (DUNLIN_FAULT_STEP=1) instead of a sample."""
import concurrent.futures
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time

from rig import census, mails
from rig.dovecot import Dovecot
from rig.home import PROGRAM, Home
from rig.proxy import Proxy
from rig.run import Skip

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

    def check(self, expected, refused=0):
        """Both sides hold what was decided, and the same."""
        there, here = census.server(self.server, self.user), census.index(self.home)
        if not self.stage.expunges:
            there, here = census.undeleted(there), census.undeleted(here)
        assert there == here, "server and index: " + census.differences(there, here)
        assert census.overlaid(self.home) == 0, census.intents(self.home)
        states = [i[0] for i in census.intents(self.home)]
        assert not {0, 1} & set(states) and states.count(3) == refused, census.intents(self.home)
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
    start, n_runs, n_cut = time.monotonic(), [], []

    def one(point):
        way, k = point
        r = stage.round(f"{way}{k}")
        limit = {"cut_after" if way == "down" else "cut_up_after": k}
        with Proxy(stage.server.ports["imap"], cut_once=True, **limit) as proxy:
            r.account(proxy.port)
            n_runs.append(r.sync())
            n_cut.append(proxy.n_cuts)
        r.check(expected)
        r.close()

    cuts = [("down", k) for k in points(down, n_down)] + [("up", k) for k in points(up, n_up)]
    in_parallel(one, cuts)
    assert sum(n_cut) >= len(cuts) * 3 // 4     # a replay is not of one length always
    print(f"{sum(n_cut)} cuts in {down} bytes down and {up} up, {max(n_runs)} runs at most, "
          f"{time.monotonic() - start:.1f} s")


def cut_triage(capability, n_down=9, n_up=7):
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
        cut_everywhere(stage, FIRST, 12, 5)


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

        in_parallel(one, points(down // 9, 3))
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
        stalled(stage, FIRST, 6)


def test_triage_stalled():
    with Stage() as stage:
        stage.fill()
        stalled(stage, decide(stage), 6)


def test_triage_stalled_with_copy_and_expunge():
    with Stage(UIDPLUS) as stage:
        stage.fill()
        stalled(stage, decide(stage), 6)


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
                while random.random() < 0.8:
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
    killed(None, 100 if STEP else 5)


def test_replay_killed_with_copy_and_expunge():
    killed(UIDPLUS, 100 if STEP else 5)


def settled(home, timeout=20):
    """Waits until no decision is pending."""
    end = time.monotonic() + timeout
    while {0, 1} & {i[0] for i in census.intents(home)}:
        assert time.monotonic() < end, census.intents(home)
        time.sleep(0.05)


# ---- what a person, a disk or a server does between two runs ----

def test_cache_deleted_with_decisions_pending():
    """The cache is gone, the decisions are not: all of them are carried out."""
    for capability in (None, UIDPLUS):
        with Stage(capability) as stage:
            stage.fill()
            expected = decide(stage)
            r = stage.round("nocache")
            r.account(stage.server.ports["imap"])
            shutil.rmtree(r.home.path("cache"))
            r.sync(1)
            r.check(expected)
            r.close()


def test_cache_deleted_under_the_screen():
    """The same where the screen comes up: nothing is refused for want of a folder's row."""
    with Stage() as stage:
        stage.fill()
        expected = decide(stage)
        r = stage.round("nocacheui")
        r.account(stage.server.ports["imap"])
        shutil.rmtree(r.home.path("cache"))
        with r.home.screen(cols=100, rows=50) as s:
            s.wait("subject-029")
            settled(r.home)
            s.keys("q", "q")
            s.wait("[exit")
        r.sync(1)
        r.check(expected)
        r.close()


def test_index_damaged_with_decisions_pending():
    """Random bytes at random places of index.db: all decisions are carried out all the same. (SQLite
    does not see every damage; what it does not see may stay in the index, which is a cache.)"""
    with Stage() as stage:
        stage.fill()
        expected = decide(stage)
        codes, unseen = [], []

        def one(seed):
            rnd = random.Random(seed)
            r = stage.round(f"damage{seed}")
            r.account(stage.server.ports["imap"])
            for name in ("index.db", "index.db-wal"):
                path = r.home.path("cache/dunlin", name)
                size = os.path.getsize(path) if os.path.exists(path) else 0
                with open(path, "r+b") if size else open(os.devnull, "wb") as f:
                    for _ in range(rnd.choice((1, 10, 100, 1000))):
                        f.seek(rnd.randrange(size or 1))
                        f.write(rnd.randbytes(rnd.choice((1, 16, 512))))
            runs = [r.home.run("sync")]
            while runs[-1].returncode and len(runs) < 4:
                runs.append(r.home.run("sync"))
            assert runs[-1].returncode == 0, (seed, [(p.stdout, p.stderr) for p in runs])
            codes.extend(p.returncode for p in runs)
            try:
                unseen.append(census.index(r.home) != census.server(stage.server, r.user))
            except (AssertionError, sqlite3.Error):
                unseen.append(True)
            shutil.rmtree(r.home.path("cache"))
            r.sync(1)
            r.check(expected)
            r.close()

        in_parallel(one, [random.randrange(10 ** 6) for _ in range(300 if STEP else 6)])
        print(f"exit codes {sorted(codes)}, damage not noticed {sum(unseen)} of {len(unseen)} times")


def test_mailbox_rebuilt_while_away():
    """Another UIDVALIDITY: what was decided about the old mailbox is refused and told, and nothing of
    the new one is touched, though its messages have the same numbers."""
    with Stage() as stage:
        stage.fill()
        expected = decide(stage)
        r = stage.round("rebuilt")
        r.account(stage.server.ports["imap"])
        c = stage.server.imap("rebuilt")
        c.delete("Lists")
        c.logout()
        time.sleep(1.1)                 # Dovecot's UIDVALIDITY counts seconds
        stage.server.fill([mails.raw(300 + i, words=5) for i in range(N_LISTS)], "Lists",
                          user="rebuilt")
        p = r.home.run("sync")
        assert p.returncode == 1 and "rebuilt" in p.stderr, (p.returncode, p.stdout, p.stderr)
        r.sync(1)
        r.check(expected | {"Lists": [(300 + i, ()) for i in range(N_LISTS)] + [(24, ())],
                            "INBOX": [m for m in expected["INBOX"] if m[0] != 117],
                            "Trash": [m for m in expected["Trash"] if m[0] != 119]}, refused=3)
        r.close()


def test_mailbox_deleted_while_away():
    """The same with a mailbox that is gone: refused in the server's words, the rest is done."""
    with Stage() as stage:
        stage.fill()
        expected = decide(stage)
        r = stage.round("deleted")
        r.account(stage.server.ports["imap"])
        c = stage.server.imap("deleted")
        c.delete("Lists")
        c.logout()
        p = r.home.run("sync")
        assert p.returncode == 1 and "Lists" in p.stderr, (p.returncode, p.stdout, p.stderr)
        r.sync(1)
        r.check(expected | {"Lists": [(24, ())],        # made again for what was copied there
                            "INBOX": [m for m in expected["INBOX"] if m[0] != 117],
                            "Trash": [m for m in expected["Trash"] if m[0] != 119]}, refused=3)
        r.close()


def test_store_of_a_newer_release():
    """dunlin.db of a newer release is said to be so, and left alone."""
    with Dovecot() as d, Home() as home:
        d.fill([mails.raw(1)])
        home.account(d.ports["imap"])
        assert home.run("sync").returncode == 0
        path = home.path("data/dunlin/dunlin.db")
        db = sqlite3.connect(path)
        db.execute("PRAGMA user_version = 1000")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
        with open(path, "rb") as f:
            before = f.read()
        p = home.run("sync")
        assert p.returncode == 1 and "newer release" in p.stderr, (p.returncode, p.stderr)
        with home.screen() as s:
            s.wait("newer release")
        with open(path, "rb") as f:
            assert f.read() == before


# ---- another client at work at the same time ----

class Other(threading.Thread):
    """Flags, deletes, moves and appends in the inbox at random; knows what it did to which UID."""

    def __init__(self, server, seconds, seed):
        super().__init__()
        self.server, self.seconds, self.rnd = server, seconds, random.Random(seed)
        self.deleted, self.moved, self.answered = set(), set(), set()
        self.mids = {i + 1: mails.message_id(i) for i in range(N_MANY)}
        self.n = 0

    def run(self):
        c = self.server.imap()
        c.select("INBOX")
        end, n_new = time.monotonic() + self.seconds, 1000
        while time.monotonic() < end:
            self.n += 1
            uid, dice = self.rnd.choice(sorted(self.mids)), self.rnd.random()
            if dice < 0.2:
                typ, data = c.append("INBOX", "", None, mails.raw(n_new, words=5,
                                                                  subject=f"new-{n_new}"))
                self.mids[int(data[0].split(b"]")[0].split()[-1])] = mails.message_id(n_new)
                n_new += 1
            elif dice < 0.6:
                self.answered.add(uid)
                c.uid("STORE", str(uid), "+FLAGS", "\\Answered")
            elif dice < 0.8:
                self.moved.add(uid)
                c.uid("MOVE", str(uid), "Archive")
            else:
                self.deleted.add(uid)
                c.uid("STORE", str(uid), "+FLAGS", "\\Deleted")
                c.uid("EXPUNGE", str(uid))
            time.sleep(0.02)
        c.logout()


N_MANY = 300


def decided(home):
    """What was decided here: {uid: [folder or None, flags to be there, flags not to be there]}."""
    out = {}
    db = sqlite3.connect(f"file:{home.path('data/dunlin/dunlin.db')}?mode=ro", uri=True)
    for msg, kind, dest, on, off in db.execute(
            "SELECT x.msg & 4294967295, i.kind, i.dest, x.set_bits, x.clear_bits FROM intent i"
            " JOIN intent_msg x ON x.intent = i.id WHERE i.state = 2 ORDER BY i.id"):
        d = out.setdefault(msg, [None, 0, 0])
        if kind == 1:
            d[0] = dest
        d[1], d[2] = (d[1] | on) & ~off, (d[2] | off) & ~on
    db.close()
    return out


def with_another_client(capability, seconds):
    seed = random.randrange(10 ** 6)
    rnd = random.Random(seed)
    with Dovecot(capability=capability) as d, Home() as home:
        d.fill([mails.raw(i, subject=f"subject-{i:03}", words=5) for i in range(N_MANY)])
        home.account(d.ports["imap"])
        assert home.run("sync").returncode == 0
        other = Other(d, seconds, seed)
        with home.screen(cols=90, rows=40) as s:
            s.wait("subject-299")
            other.start()
            while other.is_alive():
                s.keys(*rnd.choice((("d",), ("F",), ("N",), ("j",), ("j", "j", "j"), ("k",),
                                    ("s", "Junk", "Enter"), ("G", "k", "k", "k"), ("gg",))))
            other.join()
            s.keys("gg")
            settled(home)
            s.keys("q", "q")
            s.wait("[exit")
        assert home.run("sync").returncode == 0
        there, here = census.server(d), census.index(home)
        assert there == here, f"seed {seed}: " + census.differences(there, here)
        refused = [i for i in census.intents(home) if i[0] == 3]
        assert not refused, (seed, refused)
        places = {}
        for folder, rows in there.items():
            for _, mid, flags in rows:
                places.setdefault(mid, []).append((folder, flags))
        decisions = decided(home)
        for uid, mid in other.mids.items():
            at = places.get(mid, [])
            if uid in other.deleted and not at:
                continue
            assert at, f"seed {seed}: {mid}, UID {uid} is lost; decided {decisions.get(uid)}"
            if uid in other.deleted | other.moved:
                continue            # who came first is the server's to say
            folder, on, off = decisions.get(uid, [None, 0, 0])
            assert len(at) == 1 and at[0][0] == (folder or "INBOX"), (seed, uid, at, folder)
            have = sum(k for k, v in census.FLAGS.items() if v in at[0][1])
            assert have & on == on and not have & off, (seed, uid, at, on, off)
            if uid in other.answered and not folder:
                assert "\\Answered" in at[0][1], (seed, uid, at)
        print(f"{len(decisions)} messages decided about here, {other.n} acts of another client")


def test_another_client_at_work():
    with_another_client(None, 20 if STEP else 5)


def test_another_client_at_work_with_copy_and_expunge():
    with_another_client(UIDPLUS, 20 if STEP else 5)


# ---- two processes on one store ----

def at_once(capability, n):
    """Three `dunlin sync` at once carry out one list of decisions: each decision once."""
    with Stage(capability) as stage:
        stage.fill()
        expected = decide(stage)

        def one(i):
            r = stage.round(f"two{i}")
            with Proxy(stage.server.ports["imap"], delay=0.005) as proxy:
                r.account(proxy.port)
                for p in [r.start() for _ in range(3)]:
                    assert p.wait(50) == 0
            r.account(stage.server.ports["imap"])
            r.sync(1)
            r.check(expected)
            r.close()

        in_parallel(one, range(n))


def test_processes_at_once():
    at_once(None, 30 if STEP else 2)


def test_processes_at_once_with_copy_and_expunge():
    at_once(UIDPLUS, 30 if STEP else 2)


# ---- a full disk ----

class Tmpfs:
    """A small file system of its own at `path`; needs root."""

    def __init__(self, path, size_kb):
        self.path = path
        os.makedirs(path, exist_ok=True)
        p = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", path],
                           capture_output=True)
        if p.returncode:
            raise Skip("cannot mount a tmpfs here")

    def fill(self):
        with open(os.path.join(self.path, "filler"), "wb", buffering=0) as f:
            try:
                while True:
                    f.write(b"x" * 4096)
            except OSError:
                pass

    def room(self):
        os.unlink(os.path.join(self.path, "filler"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.path])


def full_disk(which):
    """`which` directory has no room for a while: a key is either recorded or refused on the screen, the
    screen and the store say the same, and with room all goes on without a restart."""
    with Dovecot() as d, Home() as home, Tmpfs(home.path(which), 4000) as disk:
        d.fill([mails.raw(i, subject=f"subject-{i:03}", words=5) for i in range(N)])
        home.account(d.ports["imap"])
        assert home.run("sync").returncode == 0
        with home.screen(cols=100, rows=40) as s:
            s.wait("subject-029")
            time.sleep(1)
            disk.fill()
            refused, left = 0, list(range(N))
            for _ in range(12):
                n_before = len(census.intents(home))
                s.keys("gg", "d")
                time.sleep(0.15)
                n_after = len(census.intents(home))
                if n_after > n_before:
                    s.gone(f"subject-{left[-1]:03}")
                    left.pop()
                else:
                    refused += 1
                    s.wait(re.compile("(?i)full|no space"))
                    s.wait(f"subject-{left[-1]:03}")
            disk.room()
            s.keys("gg", "d")
            s.gone(f"subject-{left[-1]:03}")
            left.pop()
            settled(home, 60)
            end = time.monotonic() + 10
            while sorted(census.number(i) for i in d.messages()) != left:
                assert time.monotonic() < end, (left, d.messages())
                time.sleep(0.1)
            s.keys("q", "q")
            s.wait("[exit")
        assert home.run("sync").returncode == 0
        there, here = census.server(d), census.index(home)
        assert there == here, census.differences(there, here)
        assert sorted(census.content(there["Trash"])) == [(i, ()) for i in range(len(left), N)]
        print(f"{which}: {refused} of 12 keys refused while the disk was full")


def test_full_disk_of_data():
    full_disk("data")


def test_full_disk_of_cache():
    full_disk("cache")


# ---- while the screen is open ----

def test_mailbox_rebuilt_while_open():
    """The open mailbox is made anew while two deletes wait: they are dropped and told, and the new
    messages with the same numbers stay."""
    with Dovecot() as d, Home() as home, Proxy(d.ports["imap"]) as proxy:
        d.fill([mails.raw(i, subject=f"subject-{i:03}", words=5) for i in range(5)], "Lists")
        home.account(proxy.port)
        assert home.run("sync").returncode == 0
        with home.screen(cols=100, rows=30) as s:
            s.keys("c", "Lists", "Enter")
            s.wait("subject-004")
            proxy.refuse = True
            proxy.cut()
            s.keys("gg", "d", "d")
            s.gone("subject-003")
            c = d.imap()
            c.delete("Lists")
            c.logout()
            time.sleep(1.1)             # Dovecot's UIDVALIDITY counts seconds
            d.fill([mails.raw(50 + i, subject=f"subject-{50 + i:03}", words=5) for i in range(5)],
                   "Lists")
            proxy.refuse = False
            s.keys("$")
            s.wait("rebuilt", 20)
            s.wait("subject-054", 20)
            s.gone("subject-000")
            s.keys("q", "q")
            s.wait("[exit")
        assert home.run("sync").returncode == 0
        there, here = census.server(d), census.index(home)
        assert there == here, census.differences(there, here)
        assert [n for n, _ in census.content(there["Lists"])] == list(range(50, 55))
        assert not there["Trash"]


def test_server_restarted_while_open():
    """Decisions made while the server is down are carried out when it is back, without a restart here."""
    with Dovecot() as d, Home() as home:
        d.fill([mails.raw(i, subject=f"subject-{i:03}", words=5) for i in range(8)])
        home.account(d.ports["imap"])
        with home.screen(cols=100, rows=30) as s:
            s.wait("subject-007")
            for turn in range(3):
                d.stop(keep=True)
                s.keys("gg", "d", "F")
                s.gone(f"subject-{7 - turn:03}")
                d.start()
                settled(home)
            assert len(d.messages()) == 5 and len(d.messages("Trash")) == 3
            s.keys("q", "q")
            s.wait("[exit")
        assert home.run("sync").returncode == 0
        there, here = census.server(d), census.index(home)
        assert there == here, census.differences(there, here)
