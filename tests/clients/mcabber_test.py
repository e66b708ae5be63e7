#!/usr/bin/env python3
"""
mcabber, a terminal client of Debian 12, logs in over TLS, talks, keeps a roster, is seen, and follows another device.

It was taken before profanity because it obeys a FIFO and reports what comes through a program: nothing has to be read
off a screen. Its library (loudmouth) speaks PLAIN under TLS and the legacy session request of RFC 3921.
"""
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "scenarios"))

import client as xmpp  # noqa: E402
import facts  # noqa: E402
from facts import equal  # noqa: E402
from server import PASSWORD, Server  # noqa: E402

TIMEOUT = 30
RC = """set jid = %(jid)s
set resource = terminal
set disable_random_resource = 1
set password = %(password)s
set server = localhost
set port = %(port)d
set tls = 1
set ssl_ca = %(ca)s
set ssl_ignore_checks = %(ignore)d
module load fifo
set fifo_name = %(folder)s/fifo
set events_command = %(folder)s/event
set logging = 1
set log_display_sender = 1
set tracelog_level = 2
set tracelog_file = %(folder)s/trace
set roster_hidden = 1
set carbons = 1
"""
EVENT = """#!/bin/sh
# event KIND DETAIL JID [FILE]: what mcabber reports, in one line of the pipe that the test reads. It is written
# at once: two reports may run side by side.
text=
[ ! -f "$4" ] || text=$(cat "$4")
printf '%%s %%s %%s %%s\n' "$1" "$2" "$3" "$text" > %s/events
"""


class Mcabber:
    """Runs on a terminal of its own; commands go into its FIFO, and its reports come out of a pipe."""

    def __init__(self, server, jid, ca, ignore=0):
        self.folder = tempfile.mkdtemp(prefix="mcabber-", dir=server.directory)
        os.mkfifo(os.path.join(self.folder, "events"))
        self.reports = os.open(os.path.join(self.folder, "events"), os.O_RDWR | os.O_NONBLOCK)
        self.rest = b""
        self.write("event", EVENT % self.folder, 0o700)
        self.write("mcabberrc", RC % {"jid": jid, "password": PASSWORD, "port": server.port, "ca": ca,
                                      "ignore": ignore, "folder": self.folder}, 0o600)
        self.screen, terminal = pty.openpty()
        self.process = subprocess.Popen(
            ["mcabber", "-f", os.path.join(self.folder, "mcabberrc")], stdin=terminal, stdout=terminal, stderr=terminal,
            env=dict(os.environ, TERM="xterm", HOME=self.folder, LINES="24", COLUMNS="80"), start_new_session=True)
        os.close(terminal)
        threading.Thread(target=self.drain, daemon=True).start()

    def write(self, name, text, mode):
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)

    def drain(self):
        """A terminal that nobody reads fills up."""
        try:
            while os.read(self.screen, 65536):
                pass
        except OSError:
            pass

    def tell(self, command):
        with open(os.path.join(self.folder, "fifo"), "w") as fifo:
            fifo.write(command + "\n")

    def report(self, wanted):
        """The first report that starts so."""
        while True:
            while b"\n" in self.rest:
                line, _, self.rest = self.rest.partition(b"\n")
                if line.decode().startswith(wanted):
                    return line.decode()
            if not select.select([self.reports], [], [], TIMEOUT)[0]:
                raise AssertionError("no report of %r\n%s" % (wanted, self.trace()))
            self.rest += os.read(self.reports, 65536)

    def trace(self):
        try:
            with open(os.path.join(self.folder, "trace"), errors="replace") as f:
                return f.read()[-3000:]
        except FileNotFoundError:
            return "it wrote no log"

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        os.close(self.screen)
        os.close(self.reports)


def chat(server):
    """it logs in over TLS with the certificate verified, sends a message, gets the answer, and leaves in order"""
    juliet = xmpp.Client(server)
    juliet.login("juliet@localhost/balcony", PASSWORD)
    juliet.send("<presence/>")
    equal(juliet.get().get("from"), juliet.jid)
    phone = xmpp.Client(server)
    phone.login("romeo@localhost/phone", PASSWORD)
    phone.send("<presence/>")
    mcabber = Mcabber(server, "romeo@localhost", server.path("localhost.crt"))
    try:
        # It takes commands once it knows that it is bound: then it is available too.
        until(phone, lambda e: e.tag == CLIENT + "presence" and e.get("from") == "romeo@localhost/terminal")
        seat = next(s for s in server.sessions() if s["jid"] == "romeo@localhost/terminal")
        equal(seat["secure"], True, "TLS")
        mcabber.tell("say_to juliet@localhost/balcony Hark \u2665 <&>")
        got = juliet.get()
        equal((got.get("from"), got.findtext("{jabber:client}body")), ("romeo@localhost/terminal", "Hark \u2665 <&>"))
        juliet.send("<message to='romeo@localhost/terminal' type='chat'><body>who is there?</body></message>")
        equal("juliet@localhost" in mcabber.report("MSG IN"), True, "the report")
        mark = server.log.mark()
        mcabber.tell("quit")
        mcabber.process.wait(TIMEOUT)
        server.log.wait("closed .*romeo@localhost/terminal", mark)
    except AssertionError:
        print(mcabber.trace())
        raise
    finally:
        mcabber.end()
        phone.close()
        juliet.close()


ROSTER = "{jabber:iq:roster}"
CLIENT = "{jabber:client}"


def elsewhere(server, jid, worker):
    """Another client, available and with its roster, on another worker than that one."""
    for _ in range(300):
        client = xmpp.Client(server)
        if server.worker_of(client) not in (None, worker):
            break
        client.close()
    client.login(jid, PASSWORD)
    client.send("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq><presence/>")
    until(client, lambda e: e.tag == CLIENT + "presence" and e.get("from") == client.jid)
    equal(server.worker_of(client) not in (None, worker), True, "another worker")
    return client


def until(client, fits):
    """The first element that fits; what comes before is no matter here."""
    while True:
        got = client.get()
        if got is None:
            raise AssertionError("the stream ended")
        if fits(got):
            return got


def pushed(client, jid, **wanted):
    """The roster push that has these attributes for a contact."""
    def fits(element):
        item = element.find(ROSTER + "query/" + ROSTER + "item")
        return (element.get("type") == "set" and item is not None and item.get("jid") == jid and
                all(item.get(name) == value for name, value in wanted.items()))
    return until(client, fits).find(ROSTER + "query/" + ROSTER + "item")


def presence(kind, source):
    return lambda e: e.tag == CLIENT + "presence" and e.get("type") == kind and e.get("from") == source


def in_touch(server):
    """it adds a contact, agrees, is seen and sees on another worker, renames, groups and removes; copies reach it"""
    mark = server.log.mark()
    mcabber = Mcabber(server, "romeo@localhost", server.path("localhost.crt"))
    others = []
    try:
        server.log.wait(r"bound .*romeo@localhost/terminal", mark)
        worker = next(s["worker"] for s in server.sessions() if s["jid"] == "romeo@localhost/terminal")
        others += [elsewhere(server, jid, worker) for jid in ("juliet@localhost/balcony", "romeo@localhost/phone")]
        juliet, phone = others
        mcabber.tell("add juliet@localhost Capulet")
        until(juliet, presence("subscribe", "romeo@localhost"))
        juliet.send("<presence to='romeo@localhost' type='subscribed'/>"
                    "<presence to='romeo@localhost' type='subscribe'/>")
        pushed(phone, "juliet@localhost", subscription="to")
        mcabber.tell("authorization allow juliet@localhost")
        pushed(phone, "juliet@localhost", subscription="both", name="Capulet")
        mcabber.report("STATUS O juliet@localhost")
        mcabber.tell("status away by the wall")
        until(juliet, lambda e: e.findtext(CLIENT + "status") == "by the wall" and
              e.get("from") == "romeo@localhost/terminal" and e.findtext(CLIENT + "show") == "away")
        juliet.send("<presence><show>dnd</show></presence>")
        mcabber.report("STATUS D juliet@localhost")
        juliet.send("<message to='romeo@localhost/phone' type='chat'><body>a copy, please</body></message>")
        mcabber.report("MSG IN juliet@localhost")
        equal("Received incoming carbon" in mcabber.trace(), True, "a copy")
        mcabber.tell("roster search juliet@localhost")
        mcabber.tell("rename Rosaline")
        pushed(phone, "juliet@localhost", name="Rosaline")
        juliet.send("<message to='romeo@localhost/terminal' type='chat'><body>behind the push</body></message>")
        mcabber.report("MSG IN juliet@localhost")
        mcabber.tell("move Verona")
        equal(pushed(phone, "juliet@localhost", name="Rosaline").findtext(ROSTER + "group"), "Verona", "group")
        mcabber.tell("roster search juliet@localhost")
        mcabber.tell("del")
        pushed(phone, "juliet@localhost", subscription="remove")
        until(juliet, presence("unavailable", "romeo@localhost/terminal"))
    except Exception:
        print(mcabber.trace())
        raise
    finally:
        mcabber.end()
        for client in others:
            client.close()


def wrong_certificate(server):
    """with another authority's certificate it does not log in"""
    mark = server.log.mark()
    mcabber = Mcabber(server, "juliet@localhost", server.path("example.org.crt"))
    try:
        server.log.wait("closed ", mark)
        equal(server.log.find("auth login sid", mark), None, "a login")
    finally:
        mcabber.end()


FACTS = [chat, in_touch, wrong_certificate]

if __name__ == "__main__":
    if shutil.which("mcabber") is None:
        facts.skip("no mcabber (package mcabber)")
    facts.run(FACTS, lambda: Server(workers=2, accounts=("romeo@localhost", "juliet@localhost")))
