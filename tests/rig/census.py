"""What is where: the index of a home beside what its server has, message by message."""
import os
import sqlite3

FLAGS = {1: "\\Seen", 2: "\\Answered", 4: "\\Flagged", 8: "\\Deleted", 16: "\\Draft"}
NOT_SELECTABLE = 1 | 16           # \\Noselect, or gone from the server


def _open(path):
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)


def index(home):
    """{folder: [(uid, Message-ID, flags)]} as the index has it; its counts and its form are checked."""
    db = _open(home.path("cache/dunlin/index.db"))
    try:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        out = {}
        for i, wire, n_msgs, n_unread in db.execute(
                f"SELECT id, wire, n_msgs, n_unread FROM folder WHERE NOT attrs & {NOT_SELECTABLE}").fetchall():
            rows = db.execute("SELECT m.id & 4294967295, h.message_id, m.flags FROM msg m LEFT JOIN"
                              " head h ON h.id = m.id WHERE m.folder = ? ORDER BY m.id", (i,)).fetchall()
            out[wire] = [(uid, mid.strip("<>"), tuple(sorted(v for k, v in FLAGS.items() if f & k)))
                         for uid, mid, f in rows]
            counts = len(rows), sum(not f & 1 for _, _, f in rows)
            assert (n_msgs, n_unread) == counts, f"{wire}: counts {(n_msgs, n_unread)}, rows {counts}"
        return out
    finally:
        db.close()


def server(dovecot, user="ada"):
    """The same of the server."""
    c = dovecot.imap(user)
    out = {}
    try:
        for line in c.list()[1]:
            if b"\\Noselect" in line:
                continue
            wire = line.decode().rsplit(' "/" ')[-1].strip('"')
            typ, data = c.select(f'"{wire}"', readonly=True)
            assert typ == "OK", data
            out[wire] = sorted(_rows(c)) if int(data[0]) else []
    finally:
        c.logout()
    return out


def _rows(c):
    for item in c.fetch("1:*", "(UID FLAGS BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")[1]:
        if isinstance(item, tuple):
            words = item[0].decode().replace("(", " ( ").replace(")", " ) ").split()
            uid = int(words[words.index("UID") + 1])
            mid = item[1].decode().partition(":")[2].strip().strip("<>")
            yield uid, mid, tuple(sorted(w for w in words if w in FLAGS.values()))


def intents(home):
    """[(state, label, error)] of all decisions: 0 pending, 1 running, 2 done, 3 refused, 4 undone."""
    db = _open(home.path("data/dunlin/dunlin.db"))
    try:
        return db.execute("SELECT state, label, error FROM intent ORDER BY id").fetchall()
    finally:
        db.close()


def overlaid(home):
    db = _open(home.path("data/dunlin/dunlin.db"))
    try:
        return db.execute("SELECT count(*) FROM overlay").fetchone()[0]
    finally:
        db.close()


def number(mid):
    return int(mid.split(".")[1].split("@")[0])


def undeleted(folders):
    """Without what is marked \\Deleted: all that can be done on a server without UIDPLUS."""
    return {wire: [r for r in rows if "\\Deleted" not in r[2]] for wire, rows in folders.items()}


def content(rows):
    """Sorted (number, flags) of a folder's rows."""
    return sorted((number(mid), flags) for _, mid, flags in rows)


def differences(a, b):
    """What two censuses do not agree on, for people."""
    out = []
    for wire in sorted(set(a) | set(b)):
        x, y = a.get(wire), b.get(wire)
        if x != y:
            out.append(f"{wire}: only here {sorted(set(x or []) - set(y or []))[:6]}, "
                       f"only there {sorted(set(y or []) - set(x or []))[:6]}"
                       f"{'' if x is not None and y is not None else ', folder missing'}")
    return "; ".join(out)
