"""A private Postfix: submission (STARTTLS), implicit TLS and a plain port on loopback, logins checked by a Dovecot of
the rig, everything delivered into it by LMTP: mail to x@y is in the mailbox of the user x@y.

Postfix wants to be started by root; elsewhere available() is false. Its directories are all its own."""
import os
import shutil
import signal
import subprocess
import time

from . import certs
from .daemon import Daemon
from .dovecot import free_port

MASTER = "/usr/lib/postfix/sbin/master"


def available():
    return os.geteuid() == 0 and os.path.exists(MASTER)


class Postfix(Daemon):
    """p = Postfix(dovecot); p.start(); ... p.stop(). Addresses in `refused` and `deferred` are answered so."""

    def __init__(self, dovecot, *, refused=(), deferred=(), size_limit=20_000_000, extra=""):
        super().__init__("postfix")
        self.certs = certs.make(os.path.join(self.dir, "certs"))
        self.ca = self.certs["ca"]
        self.ports = {n: free_port() for n in ("plain", "starttls", "tls")}
        for name in ("conf", "queue", "data"):
            os.mkdir(os.path.join(self.dir, name), 0o755)
        shutil.chown(os.path.join(self.dir, "data"), "postfix")
        access = [f"{{ {a} = 550 5.1.1 no such user }}" for a in refused]
        access += [f"{{ {a} = 451 4.7.1 come back later }}" for a in deferred]
        table = f"check_recipient_access inline:{{ {', '.join(access)} }}," if access else ""
        pem, key = self.certs["good"]
        lmtp = f"lmtp:inet:127.0.0.1:{dovecot.ports['lmtp']}"
        self._write("main.cf", f"""
compatibility_level = 3.6
queue_directory = {self.dir}/queue
data_directory = {self.dir}/data
maillog_file = {self.dir}/log
maillog_file_prefixes = {self.dir}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.example.test
mydestination =
mynetworks =
default_transport = {lmtp}
relay_domains =
alias_maps =
alias_database =
message_size_limit = {size_limit}
mailbox_size_limit = 0
smtputf8_enable = yes
biff = no
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{dovecot.ports['auth']}
smtpd_tls_cert_file = {pem}
smtpd_tls_key_file = {key}
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = {table} permit_sasl_authenticated, reject
smtpd_client_connection_count_limit = 0
smtpd_error_sleep_time = 0
smtpd_hard_error_limit = 100
smtpd_forbid_bare_newline = yes
{extra}
""")
        services = "".join(f"{n} unix {p} - n {w} {c} {d}\n" for n, p, w, c, d in (
            ("cleanup", "n", "-", "0", "cleanup"), ("qmgr", "n", "300", "1", "qmgr"),
            ("tlsmgr", "-", "1000?", "1", "tlsmgr"), ("rewrite", "-", "-", "-", "trivial-rewrite"),
            ("bounce", "-", "-", "0", "bounce"), ("defer", "-", "-", "0", "bounce"),
            ("trace", "-", "-", "0", "bounce"), ("proxymap", "-", "-", "-", "proxymap"),
            ("lmtp", "-", "-", "-", "lmtp"), ("error", "-", "-", "-", "error"),
            ("retry", "-", "-", "-", "error"), ("discard", "-", "-", "-", "discard"),
            ("anvil", "-", "-", "1", "anvil"), ("scache", "-", "-", "1", "scache")))
        self._write("master.cf", f"""
127.0.0.1:{self.ports['plain']} inet n - n - - smtpd -o smtpd_tls_security_level=none
127.0.0.1:{self.ports['starttls']} inet n - n - - smtpd -o smtpd_tls_security_level=encrypt
127.0.0.1:{self.ports['tls']} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
{services}postlog unix-dgram n - n - 1 postlogd
""")

    def _write(self, name, text):
        with open(os.path.join(self.dir, "conf", name), "w") as f:
            f.write(text)

    def start(self):
        conf = os.path.join(self.dir, "conf")
        subprocess.run(["postfix", "-c", conf, "check"], check=True, capture_output=True)
        return self._run([MASTER, "-c", conf, "-d"], self.ports["plain"])

    def stop(self, keep=False):
        if self.process:
            self._end_master()
        super().stop(keep)

    def _end_master(self):
        """It goes into a session of its own, and says in a file who it is."""
        try:
            with open(os.path.join(self.dir, "queue", "pid", "master.pid")) as f:
                pid = int(f.read())
            os.kill(pid, signal.SIGTERM)
            deadline = time.time() + 3
            while time.time() < deadline:
                os.kill(pid, 0)
                time.sleep(0.02)
            os.kill(pid, signal.SIGKILL)
        except (OSError, ValueError):
            pass

    def drained(self, timeout=15):
        """Waits until nothing is in its queue any more: what was accepted has been delivered."""
        deadline = time.time() + timeout
        while time.time() < deadline:
            n = sum(len(files) for sub in ("incoming", "active", "maildrop", "deferred")
                    for _, _, files in os.walk(os.path.join(self.dir, "queue", sub)))
            if n == 0:
                return
            time.sleep(0.02)
        raise AssertionError("postfix keeps mail: " + self.log()[-3000:])
