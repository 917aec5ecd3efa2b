"""A muttrc becomes a mailrc, and with it mail is read and sent."""
import os

from rig import mails, postfix
from rig.dovecot import PASSWORD, Dovecot
from rig.home import Home
from rig.run import Skip


def test_a_muttrc_is_read_and_sent_with():
    """Server, certificate, password command, folders, keys and aliases of a muttrc are those of dunlin."""
    if not postfix.available():
        raise Skip("needs Postfix, and root to start it")
    with Dovecot() as d, postfix.Postfix(d) as p, Home() as home:
        d.fill([mails.raw(1, subject="first-light")])
        d.fill([mails.raw(2, subject="sent before")], folder="Gesendet")
        ran = home.path("ran")
        with open(home.path("muttrc"), "w") as f:
            f.write(f"""
set my_pw="`touch {ran}; echo {PASSWORD}`"
set from=ada@example.org realname="Ada Example"
set folder=imaps://ada@localhost:{d.ports['imaps']}/ spoolfile=+INBOX record=+Gesendet
set imap_pass=$my_pw smtp_pass=$my_pw certificate_file={d.ca}
set smtp_url=smtps://ada@localhost:{p.ports['tls']}/
set sidebar_visible=yes
alias bob Bob Example <bob@example.net>
macro index X "<limit>~s dawn<enter>"
bind index \\Cx exit
""")
        r = home.run("import", "muttrc", home.path("muttrc"))
        assert r.returncode == 0, r.stderr
        assert not os.path.exists(ran), "the backticks were run"
        assert "muttrc:7: set sidebar_visible: there is no sidebar" in r.stderr, r.stderr
        assert r.stderr.endswith(" taken over, 1 not\n"), r.stderr
        assert "\nbob = Bob Example <bob@example.net>\n" in r.stdout, r.stdout
        # The two servers of the rig have their own authorities; mutt's file has both.
        with open(d.ca) as a, open(p.ca) as b, open(home.path("ca.pem"), "w") as both:
            both.write(a.read() + b.read())
        home.write_rc(r.stdout.replace(d.ca, home.path("ca.pem")))
        r = home.run("check")
        assert r.returncode == 0, r.stdout + r.stderr
        with home.screen() as s:
            s.wait("first-light")
            s.keys("X")
            s.gone("first-light")
            s.keys("C-x")
        assert home.run("-s", "from the import", "bob@example.net", stdin="x\n").returncode == 0
        p.drained()
        c = d.imap("bob@example.net")
        assert c.select("INBOX")[1] == [b"1"]
        c.logout()
        c = d.imap("ada")
        assert c.select("Gesendet")[1] == [b"2"]
        c.logout()


def test_import_says_what_is_missing():
    """Without a server: 1, and what to put where; without a file: 66; setup says that there is such a command."""
    with Home() as home:
        with open(home.path(".muttrc"), "w") as f:
            f.write("set mbox_type=Maildir folder=~/Mail from=ada@example.org sendmail=msmtp\n")
        r = home.run("import", "muttrc", home.path(".muttrc"))
        assert r.returncode == 1 and "# receive = imaps://USER@HOST" in r.stdout, r
        r = home.run("import", "muttrc", home.path("none"))
        assert r.returncode == 66 and not r.stdout, r
        assert home.run("import", "elmrc", home.path(".muttrc")).returncode == 64
        r = home.run("setup", stdin="")
        assert "dunlin import muttrc ~/.muttrc" in r.stdout, r.stdout
        with open(home.path(".mbsyncrc"), "w") as f:
            f.write("IMAPAccount work\nHost imap.work.example # here\nUser ada\nPassCmd \"pass work\"\n"
                    "SSLType IMAPS\n\nChannel x\nFar :a:\n")
        with open(home.path(".msmtprc"), "w") as f:
            f.write("defaults\ntls on\n\naccount work\nhost smtp.work.example\nport 587\nuser ada\n"
                    "passwordeval pass work\naccount default : work\n")
        r = home.run("import", "muttrc", home.path(".muttrc"))
        assert r.returncode == 0, r
        for line in ("[account work]", "receive = imaps://ada@imap.work.example", "password-command = pass work",
                     "from = ada@example.org", "sendmail = msmtp", "# send = smtp://ada@smtp.work.example",
                     "# send-password-command = pass"):
            assert line in r.stdout, (line, r.stdout)
