#!/usr/bin/env python3
"""`make demo`: Dunlin on a private Dovecot with some hundred messages; nothing is left behind."""
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from rig import mails                                   # noqa: E402
from rig.dovecot import Dovecot                         # noqa: E402
from rig.home import PROGRAM, Home                      # noqa: E402

FOLDERS = {"INBOX": 300, "Archive": 60, "Sent": 40, "Lists/dev": 80, "Lists/announce": 20,
           "Projekte/Größe": 15}


def fill(server):
    for i, (folder, n) in enumerate(FOLDERS.items()):
        wire = folder.replace("öß", "&APYA3w-")
        out = []
        times = [time.time() - (n - k) * 2100 for k in range(n)]
        for k in range(n):
            parent = k - 1 - k % 3 if k % 7 in (2, 3) and k > 4 else None
            out.append(mails.raw(k, tag=f"f{i}", reply_to=parent, attach=k % 11 == 5, html=k % 4 == 1,
                                 when=times[k]))
        server.fill(out, wire, flags="" if folder == "INBOX" else "\\Seen", times=times)
    c = server.imap()
    c.select("INBOX")
    c.store("1:240", "+FLAGS", "\\Seen")
    c.store("200,220,290", "+FLAGS", "\\Flagged")
    c.logout()


def new_mail(server, stop):
    """Every half minute something arrives, as it does."""
    n = 1000
    while not stop.wait(30):
        try:
            server.fill([mails.raw(n, tag="new", when=time.time())])
        except OSError:
            return
        n += 1


def main():
    print("Starting a mail server of our own and filling it ...", flush=True)
    stop = threading.Event()
    with Dovecot() as server, Home() as home:
        fill(server)
        home.account(server.ports["imaps"], name="demo", scheme="imaps", host="localhost",
                     more=f"ca-file = {server.ca}")
        threading.Thread(target=new_mail, args=(server, stop), daemon=True).start()
        if "--shell" in sys.argv:       # for trying things by hand from another window
            print(f"XDG_CONFIG_HOME={home.path('config')} XDG_DATA_HOME={home.path('data')} "
                  f"XDG_CACHE_HOME={home.path('cache')} {PROGRAM}\nports {server.ports}", flush=True)
            try:
                while True:
                    time.sleep(3600)
            except KeyboardInterrupt:
                pass
        else:
            env = home.env()
            for name in ("LC_ALL", "TZ", "COLORTERM", "ASAN_OPTIONS", "UBSAN_OPTIONS"):
                env.pop(name)
            subprocess.call([PROGRAM], env=dict(os.environ, **env))
        stop.set()
    print("The demo's server and mailboxes are gone again.")


if __name__ == "__main__":
    main()
