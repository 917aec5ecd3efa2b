"""A private Dovecot: IMAP, POP3 and LMTP on loopback ports, run as an unprivileged user."""
import fcntl
import grp
import imaplib
import os
import poplib
import pwd
import socket
import ssl
import subprocess
import tempfile

from . import certs
from .daemon import Daemon

PASSWORD = "hunter2-is-secret"


def free_port():
    """A port below the ephemeral range that no other test was given: a counter all processes share."""
    path = os.path.join(tempfile.gettempdir(), f"dunlin-rig-port-{os.geteuid()}")
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(fd, "r+") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        port = int(f.read() or 0)
        while True:
            port = port + 1 if 20000 <= port < 29999 else 20000
            with socket.socket() as s:
                try:
                    s.bind(("127.0.0.1", port))
                    break
                except OSError:
                    continue
        f.seek(0)
        f.truncate()
        f.write(str(port))
    return port


def _unprivileged():
    """Who runs the servers: ourselves, or nobody when we are root."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
    return "nobody", "nogroup"


class Dovecot(Daemon):
    """d = Dovecot(); d.start(); ... d.stop(). One user, ada, unless asked for others."""

    def __init__(self, *, driver="maildir", cert="good", capability=None, extra="", tmp=None):
        super().__init__("dovecot", tmp)
        self.user, self.group = _unprivileged()
        self.driver, self.cert, self.capability, self.extra = driver, cert, capability, extra
        self.certs = certs.make(os.path.join(self.dir, "certs"))
        self.ca = self.certs["ca"]
        self.ports = {n: free_port() for n in ("imap", "imaps", "pop3", "pop3s", "lmtp", "auth")}
        self._write_config()
        self._own()

    def _own(self):
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", f"{self.user}:{self.group}", self.dir], check=True)

    def _write_config(self):
        p, d = self.ports, self.dir
        location = {"maildir": "maildir:~/Maildir", "sdbox": "sdbox:~/sdbox",
                    "mbox": "mbox:~/mail:INBOX=~/inbox"}[self.driver]
        pem, key = self.certs[self.cert]
        u = self.user
        login = lambda name, plain, tls: f"""
service {name}-login {{
  chroot =
  user = {u}
  inet_listener {name} {{
    address = 127.0.0.1
    port = {plain}
  }}
  inet_listener {name}s {{
    address = 127.0.0.1
    port = {tls}
    ssl = yes
  }}
  process_min_avail = 0
  service_count = 0
}}"""
        text = f"""
base_dir = {d}/run
state_dir = {d}/state
log_path = {d}/log
protocols = imap pop3 lmtp
listen = 127.0.0.1
default_internal_user = {u}
default_internal_group = {self.group}
default_login_user = {u}
auth_mechanisms = plain login scram-sha-256 scram-sha-1
disable_plaintext_auth = no
ssl = yes
ssl_cert = <{pem}
ssl_key = <{key}
ssl_min_protocol = TLSv1.2
mail_home = {d}/home/%u
mail_location = {location}
mail_uid = {u}
mail_gid = {self.group}
first_valid_uid = 1
mail_max_userip_connections = 100
mailbox_list_index = yes
{"imap_capability = " + self.capability if self.capability else ""}
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid={u} gid={self.group} home={d}/home/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Drafts {{
    special_use = \\Drafts
    auto = subscribe
  }}
  mailbox Sent {{
    special_use = \\Sent
    auto = subscribe
  }}
  mailbox Trash {{
    special_use = \\Trash
    auto = subscribe
  }}
  mailbox Archive {{
    special_use = \\Archive
    auto = subscribe
  }}
  mailbox Junk {{
    special_use = \\Junk
    auto = subscribe
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
{login("imap", p["imap"], p["imaps"])}
{login("pop3", p["pop3"], p["pop3s"])}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {p["lmtp"]}
  }}
}}
service auth {{
  inet_listener {{
    address = 127.0.0.1
    port = {p["auth"]}
  }}
}}
protocol imap {{
  mail_max_userip_connections = 100
}}
{self.extra}
"""
        self.config = os.path.join(d, "dovecot.conf")
        with open(self.config, "w") as f:
            f.write(text)

    def _as_user(self):
        if os.geteuid() != 0:
            return None
        uid, gid = pwd.getpwnam(self.user).pw_uid, grp.getgrnam(self.group).gr_gid

        def drop():
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
        return drop

    def start(self):
        return self._run(["/usr/sbin/dovecot", "-F", "-c", self.config], self.ports["imap"],
                         stderr=subprocess.PIPE, preexec_fn=self._as_user(), cwd=self.dir)

    # ---- the second client ----

    def imap(self, user="ada", tls=False):
        """A logged-in imaplib session."""
        if tls:
            c = imaplib.IMAP4_SSL("127.0.0.1", self.ports["imaps"],
                                  ssl_context=ssl.create_default_context(cafile=self.ca))
        else:
            c = imaplib.IMAP4("127.0.0.1", self.ports["imap"])
        c.login(user, PASSWORD)
        return c

    def pop3(self, user="ada"):
        c = poplib.POP3("127.0.0.1", self.ports["pop3"])
        c.user(user)
        c.pass_(PASSWORD)
        return c

    def fill(self, messages, folder="INBOX", user="ada", flags="", times=None):
        """Appends messages (bytes) in order; makes the folder if it is missing. `times`: arrivals."""
        c = self.imap(user)
        if folder != "INBOX":
            c.create(f'"{folder}"')
        for i, m in enumerate(messages):
            when = imaplib.Time2Internaldate(times[i]) if times else None
            typ, data = c.append(f'"{folder}"', flags, when, m)
            if typ != "OK":
                raise RuntimeError(data)
        c.logout()

    def fill_maildir(self, messages, user="ada", seen_every=0):
        """Writes many messages straight into INBOX's Maildir, before the first login; fast."""
        cur = os.path.join(self.dir, "home", user, "Maildir", "cur")
        for sub in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(os.path.dirname(cur), sub), exist_ok=True)
        n = 0
        for n, (when, m) in enumerate(messages, 1):
            flags = "S" if seen_every and n % seen_every else ""
            name = os.path.join(cur, f"{int(when)}.M{n}P1.rig,S={len(m)}:2,{flags}")
            with open(name, "wb") as f:
                f.write(m)
            os.utime(name, (when, when))
        self._own()
        return n

    def messages(self, folder="INBOX", user="ada"):
        """What the server has: {message-id: sorted flags}; asserts that no id stands twice."""
        rows = self.census(folder, user)
        ids = [r[0] for r in rows]
        assert len(ids) == len(set(ids)), f"doubled in {folder}: " \
            f"{sorted(i for i in set(ids) if ids.count(i) > 1)[:5]}"
        return dict(rows)

    def census(self, folder="INBOX", user="ada"):
        """[(message-id, sorted flags)] of a folder, without changing anything."""
        c = self.imap(user)
        try:
            typ, data = c.select(f'"{folder}"', readonly=True)
            if typ != "OK" or int(data[0]) == 0:
                return []
            typ, data = c.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")
            rows = []
            for item in data:
                if not isinstance(item, tuple):
                    continue
                flags = sorted(f.decode() for f in imaplib.ParseFlags(item[0])
                               if f.lower() != b"\\recent")
                head = item[1].decode(errors="replace")
                rows.append((head.partition(":")[2].strip().strip("<>"), flags))
            return rows
        finally:
            c.logout()

    def folders(self, user="ada"):
        c = self.imap(user)
        try:
            return sorted(line.decode().rsplit(' "/" ')[-1].strip('"') for line in c.list()[1])
        finally:
            c.logout()
