#!/usr/bin/env python3
"""
profanity, a terminal client of Debian 12, logs in over TLS, keeps a roster, gets copies, and catches up from the archive.

It is typed to and its screen is read: what it shows is what its user sees. Its library (libstrophe) speaks SCRAM.
"""
import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "scenarios"))

import client as xmpp  # noqa: E402
import facts  # noqa: E402
from facts import equal  # noqa: E402
from server import PASSWORD, Server  # noqa: E402

TIMEOUT = 30
CLIENT = "{jabber:client}"
ROSTER = "{jabber:iq:roster}"
ACCOUNT = """[romeo]
enabled=true
jid=romeo@localhost
resource=terminal
password=%s
server=127.0.0.1
port=%d
tls.policy=force
presence.login=online
"""
SETTINGS = """[ui]
splash=false
[connection]
carbons=true
mam=true
reconnect=1
[chatstates]
outtype=false
"""


class Profanity:
    """Runs on a terminal of its own."""

    def __init__(self, server, authority="localhost"):
        self.folder = tempfile.mkdtemp(prefix="profanity-", dir=server.directory)
        self.write("data/profanity/accounts", ACCOUNT % (PASSWORD, server.port))
        self.write("config/profanity/profrc", SETTINGS)
        self.screen, terminal = pty.openpty()
        self.shown = b""
        self.more = threading.Condition()
        environment = dict(os.environ, TERM="xterm", LANG="C.UTF-8", LINES="40", COLUMNS="120", HOME=self.folder,
                           SSL_CERT_FILE=server.path(authority + ".crt"), XDG_DATA_HOME=self.folder + "/data",
                           XDG_CONFIG_HOME=self.folder + "/config")
        self.process = subprocess.Popen(
            ["profanity", "-a", "romeo", "-l", "DEBUG", "-f", os.path.join(self.folder, "log")],
            stdin=terminal, stdout=terminal, stderr=terminal, env=environment, start_new_session=True)
        os.close(terminal)
        threading.Thread(target=self.follow, daemon=True).start()

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)

    def follow(self):
        try:
            while True:
                new = os.read(self.screen, 65536)
                with self.more:
                    self.shown += new
                    self.more.notify()
        except OSError:
            pass	# it has ended

    def type(self, line):
        os.write(self.screen, line.encode() + b"\r")

    def mark(self):
        return len(self.shown)

    def shows(self, word, since=0):
        """Waits for a word on its screen (one without spaces, which a terminal may jump over)."""
        until = time.monotonic() + TIMEOUT
        with self.more:
            while word.encode() not in self.shown[since:]:
                if not self.more.wait(until - time.monotonic()):
                    raise AssertionError("it does not show %r\n%s" % (word, self.log()))

    def knows_server(self):
        """It has heard what the server offers, and will use it."""
        return "disco#info response from: localhost" in self.log()

    def open_chat(self, jid):
        mark = self.mark()
        self.type("/msg " + jid)
        self.shows("unencrypted", mark)

    def log(self):
        for folder, _, files in os.walk(self.folder):
            for name in files:
                if name.endswith(".log") or name == "log":
                    with open(os.path.join(folder, name), errors="replace", encoding="utf-8") as f:
                        return f.read()
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


def on_worker(server, jid, worker, avoid):
    """A client on that worker, or on any but that one."""
    for _ in range(300):
        client = xmpp.Client(server)
        if server.worker_of(client) is not None and (server.worker_of(client) == worker) != avoid:
            client.login(jid, PASSWORD)
            return client
        client.close()
    raise AssertionError("no connection came to such a worker")


def until(client, fits):
    """The first element that fits; what comes before is no matter here."""
    while True:
        got = client.get()
        if fits(got):
            return got


def body_is(text):
    return lambda e: e.tag == CLIENT + "message" and e.findtext(CLIENT + "body") == text


def presence_from(kind, source):
    return lambda e: e.tag == CLIENT + "presence" and e.get("type") == kind and e.get("from") == source


class Cast:
    """profanity, and on another worker than its own juliet and romeo's phone."""

    def __init__(self, server):
        mark = server.log.mark()
        self.profanity = Profanity(server)
        self.others = []
        try:
            server.log.wait(r"bound .*romeo@localhost/terminal", mark)
            server.wait_for(self.profanity.knows_server, "it knows what the server offers")
            seat = next(s for s in server.sessions() if s["jid"] == "romeo@localhost/terminal")
            equal(seat["secure"], True, "TLS")
            for jid in ("juliet@localhost/balcony", "romeo@localhost/phone"):
                self.others.append(on_worker(server, jid, seat["worker"], avoid=True))
            self.juliet, self.phone = self.others
            for client in self.others:
                client.send("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq><presence/>")
                until(client, presence_from(None, client.jid))
        except Exception:
            self.close()
            raise

    def close(self):
        self.profanity.end()
        for client in self.others:
            client.close()

    def __enter__(self):
        return self

    def __exit__(self, error, *_):
        if error is not None:
            print(self.profanity.log())
        self.close()


def in_touch(server):
    """it logs in over TLS, talks, adds a contact, is seen and sees on another worker, and gets copies"""
    with Cast(server) as cast:
        profanity, juliet = cast.profanity, cast.juliet
        profanity.type("/roster add juliet@localhost Capulet")
        profanity.type("/sub request juliet@localhost")
        until(juliet, presence_from("subscribe", "romeo@localhost"))
        juliet.send("<presence to='romeo@localhost' type='subscribed'/>"
                    "<presence to='romeo@localhost' type='subscribe'/>")
        profanity.shows("Capulet")
        profanity.shows("authorization")
        profanity.type("/sub allow juliet@localhost")
        until(juliet, presence_from("subscribed", "romeo@localhost"))
        profanity.type("/status set away wall")
        until(juliet, lambda e: e.findtext(CLIENT + "status") == "wall" and e.findtext(CLIENT + "show") == "away" and
              e.get("from") == "romeo@localhost/terminal")
        profanity.type("/msg juliet@localhost nightingale")
        until(juliet, body_is("nightingale"))
        juliet.send("<message to='romeo@localhost/terminal' type='chat'><body>larklarklark</body></message>")
        profanity.shows("larklarklark")
        juliet.send("<message to='romeo@localhost/phone' type='chat'><body>forthephone</body></message>")
        profanity.shows("forthephone")
        cast.phone.send("<message to='juliet@localhost' type='chat'><body>fromthephone</body></message>")
        profanity.shows("fromthephone")
        mark = server.log.mark()
        profanity.type("/quit")
        profanity.process.wait(TIMEOUT)
        server.log.wait("closed .*romeo@localhost/terminal", mark)


def catches_up(server):
    """what was said while it was away comes out of the archive when its user opens the chat"""
    phone, juliet = (xmpp.Client(server) for _ in range(2))
    phone.login("romeo@localhost/phone", PASSWORD)
    juliet.login("juliet@localhost/balcony", PASSWORD)
    phone.send("<presence/>")
    phone.send("<message to='juliet@localhost/balcony' type='chat'><body>pomegranate</body></message>")
    until(juliet, body_is("pomegranate"))
    juliet.send("<message to='romeo@localhost/phone' type='chat'><body>jocundday</body></message>")
    until(phone, body_is("jocundday"))
    for client in (phone, juliet):
        client.close()
    with Cast(server) as cast:
        cast.profanity.open_chat("juliet@localhost")
        cast.profanity.shows("pomegranate")
        cast.profanity.shows("jocundday")


def wrong_certificate(server):
    """with another authority's certificate it does not log in"""
    mark = server.log.mark()
    profanity = Profanity(server, "example.org")
    try:
        profanity.shows("verification")
        profanity.type("/tls deny")
        server.log.wait("closed ", mark)
        equal(server.log.find("auth login sid", mark), None, "a login")
    finally:
        profanity.end()


def survives(server):
    """when its worker is killed it comes back to its session, and what was sent meanwhile is there"""
    with Cast(server) as cast:
        worker = next(s for s in server.sessions() if s["jid"] == "romeo@localhost/terminal")["worker"]
        cast.profanity.open_chat("juliet@localhost")
        mark = server.log.mark()
        server.kill_worker(worker)
        cast.juliet.send("<message to='romeo@localhost/terminal' type='chat'><body>overthewall</body></message>")
        server.log.wait("resumed .*romeo@localhost/terminal", mark)
        # It may show another window by now, as it was without a connection.
        server.wait_for(lambda: "<body>overthewall</body>" in cast.profanity.log(), "it has the message")


FACTS = [in_touch, catches_up, survives, wrong_certificate]

if __name__ == "__main__":
    if shutil.which("profanity") is None:
        facts.skip("no profanity (package profanity)")
    facts.run(FACTS, lambda: Server(workers=2, accounts=("romeo@localhost", "juliet@localhost")))
