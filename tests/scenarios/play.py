#!/usr/bin/env python3
"""Plays on a running server. Usage: play.py [--mode one|spread|bytes] [play ...]

A play is a file of lines; those that start with # are its title and remarks:

  Romeo is romeo@localhost/phone [on worker 0] [with priority 5] [silent] [with PLAIN] [by password sesame]
  Romeo sends <xml/>                    lines that start with white space go on
  Romeo gets <xml/>                     the next stanza: its attributes, and its children one by one
  Romeo gets nothing                    up to the answer of a ping
  Romeo leaves                          an orderly end
  Romeo vanishes                        the connection breaks
  Romeo returns as romeo@localhost [on worker 1]      a new connection logs in, and binds nothing
  worker 1 dies                         and its replacement is ready
  Stranger connects [to example.org] [in clear|by TLS|by direct TLS]    no login
  Stranger sends raw ...                as it stands, \\xNN for bytes
  Stranger is dropped                   the server closes
  clock moves 30 s

The id that the recipient's archive gives a message need not be named in what is expected.
Where an attribute is expected to be {word}, it may be anything, and {word} stands for it in what is sent later.
In what is expected "..." as a value or text is anything; <.../> as a child is any number of children.
Characters that do not say otherwise sit on the workers in turn.
"""
import os
import re
import sys
import xml.etree.ElementTree as ElementTree

import client as xmpp
from server import PASSWORD, Server

HERE = os.path.dirname(os.path.abspath(__file__))
ACCOUNTS = ("romeo@localhost", "juliet@localhost", "nurse@localhost", "tybalt@localhost",
            "romeo@example.org", "juliet@example.org")
OPTIONS = 'csi_important_payloads = [ "{urn:xmpp:attention:0}attention" ];'
HOST_OPTIONS = {"localhost": 'admins = [ "nurse@localhost" ];',
                "example.org": 'admins = [ "juliet@example.org", "abbot@example.org" ]; registration = true;'}
WRAPPER = ("<x xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>%s</x>")
MODES = {"one": (1, False), "spread": (2, False), "bytes": (1, True)}
NAMED = re.compile(r"\{\w+\}$")
STANZA_ID = "{urn:xmpp:sid:0}stanza-id"


class Mistake(Exception):
    pass


def expected_of(text):
    text = text.replace("<.../>", "<any-children/>")
    return list(ElementTree.fromstring(WRAPPER % text))[0]


def difference(wanted, got, path=""):
    """None, or what differs first."""
    path += "/" + wanted.tag.split("}")[-1]
    if wanted.tag != got.tag:
        return "%s: is <%s>" % (path, got.tag)
    for name, value in wanted.attrib.items():
        if value != "..." and got.get(name) != value and not (NAMED.match(value) and name in got.attrib):
            return "%s: %s is %r, not %r" % (path, name, got.get(name), value)
    if "type" not in wanted.attrib and got.get("type") == "error":
        return "%s: is an error" % path
    wanted_text, got_text = (wanted.text or "").strip(), (got.text or "").strip()
    if wanted_text != "..." and wanted_text != got_text:
        return "%s: text is %r, not %r" % (path, got_text, wanted_text)
    return difference_of_children(list(wanted), list(got), path)


def remember(wanted, got, names):
    for name, value in wanted.attrib.items():
        if NAMED.match(value):
            names[value] = got.get(name)
    for w, g in zip(wanted, got):
        remember(w, g, names)


def is_ellipsis(element):
    return element.tag.endswith("}any-children")


def difference_of_children(wanted, got, path):
    if any(is_ellipsis(w) for w in wanted):
        rest = list(got)
        for w in (w for w in wanted if not is_ellipsis(w)):
            found = next((g for g in rest if difference(w, g, path) is None), None)
            if found is None:
                return "%s: no child like %s" % (path, xmpp.text_of(w))
            rest.remove(found)
        return None
    if len(wanted) != len(got):
        return "%s: has %d children, not %d" % (path, len(got), len(wanted))
    for w, g in zip(wanted, got):
        found = difference(w, g, path)
        if found is not None:
            return found
    return None


def forget_archive_id(wanted, got, bare):
    """Every message that is kept has one: only plays of the archive are about it."""
    if any(w.tag == STANZA_ID for w in wanted.iter()):
        return
    for parent in list(got.iter()):
        for element in [g for g in parent if g.tag == STANZA_ID and g.get("by") == bare]:
            parent.remove(element)


class Stage:
    """Runs the lines of one play after the other on a server."""

    def __init__(self, server, cut):
        self.server = server
        self.cut = cut
        self.actors = {}
        self.names = {}
        self.entered = set()
        self.seats = 0
        self.verbs = (
            (r"(\w+) is (\S+@\S+?)((?: on worker \d+| with priority -?\d+| silent| with \S+| by password \S+)*)$", self.enter),
            (r"(\w+) connects(?: to (\S+))?(?: (in clear|by TLS|by direct TLS))?$", self.connect),
            (r"(\w+) sends raw (.*)$", self.send_raw),
            (r"(\w+) sends (.*)$", self.send),
            (r"(\w+) gets nothing$", self.get_nothing),
            (r"(\w+) gets (.*)$", self.get),
            (r"(\w+) leaves$", self.leave),
            (r"(\w+) vanishes$", self.vanish),
            (r"(\w+) is dropped$", self.be_dropped),
            (r"(\w+) returns as (\S+@\S+?)(?: on worker (\d+))?$", self.come_back),
            (r"worker (\d+) dies$", self.kill_worker),
            (r"clock moves ([\d.]+) s$", self.move_clock),
        )

    def line(self, text):
        for pattern, act in self.verbs:
            match = re.match(pattern, text, re.S)
            if match:
                act(*match.groups())
                return
        raise Mistake("nobody understands this line")

    def actor(self, name):
        if name not in self.actors:
            raise Mistake("%s has not entered" % name)
        return self.actors[name]

    def worker_of(self, actor):
        """A connection is there before its worker has accepted it: asked again until it has."""
        for _ in range(1000):
            for session in self.server.sessions():
                if session["port"] == actor.port:
                    return session["worker"]
        raise Mistake("no session for port %d" % actor.port)

    def seat(self, worker, **how):
        """Connects until the kernel chose that worker's socket."""
        for _ in range(200):
            actor = xmpp.Client(self.server, self.cut, **how)
            if self.server.workers == 1 or worker is None or self.worker_of(actor) == worker:
                return actor
            actor.close()
        raise Mistake("worker %d took none of 200 connections" % worker)

    def next_worker(self):
        self.seats += 1
        return (self.seats - 1) % self.server.workers

    def enter(self, name, jid, how):
        worker = re.search(r"on worker (\d+)", how)
        priority = re.search(r"with priority (-?\d+)", how)
        mechanism = re.search(r"with ([A-Z]\S+)", how)
        password = re.search(r"by password (\S+)", how)
        worker = int(worker.group(1)) % self.server.workers if worker else self.next_worker()
        actor = self.seat(worker)
        actor.login(jid, password.group(1) if password else PASSWORD,
                    mechanism=mechanism.group(1) if mechanism else "SCRAM-SHA-1")
        self.actors[name] = actor
        self.entered.add(jid.split("/")[0])
        if " silent" not in how:
            actor.send("<presence><priority>%s</priority></presence>" % (priority.group(1) if priority else 0))
            self.until_presence(actor)

    def until_presence(self, actor):
        """Its own presence comes back: it is available. Who else is there it was told; that is not what a play is about."""
        while True:
            element = actor.get()
            if element is None:
                raise Mistake("the stream ended")
            if element.tag.endswith("presence") and element.get("from") == actor.jid:
                break
        actor.send(xmpp.ping("entered", actor.host))
        kept = []
        while element.get("id") != "entered":
            element = actor.get()
            if element is None:
                raise Mistake("the stream ended")
            if element.find("{urn:xmpp:delay}delay") is None or not element.tag.endswith("presence"):
                kept.append(element)
        actor.waiting = kept[:-1] + actor.waiting

    def connect(self, name, host, how):
        actor = self.seat(None, direct_tls=how == "by direct TLS", host=host or "localhost")
        self.actors[name] = actor
        if how == "by TLS":
            actor.open()
            actor.starttls()
        elif how == "by direct TLS":
            actor.open()

    def send(self, name, text):
        for word, value in self.names.items():
            text = text.replace(word, value)
        self.actor(name).send(text)

    def send_raw(self, name, text):
        data = text.encode()
        self.actor(name).send(re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m.group(1), 16)]), data))

    def get(self, name, text):
        wanted = expected_of(text)
        got = self.actor(name).get()
        if got is None:
            raise Mistake("the stream ended")
        forget_archive_id(wanted, got, (self.actor(name).jid or "").split("/")[0])
        found = difference(wanted, got)
        if found is not None:
            raise Mistake("%s\n    it was: %s" % (found, xmpp.text_of(got)))
        remember(wanted, got, self.names)

    def get_nothing(self, name):
        actor = self.actor(name)
        actor.send(xmpp.ping("quiet", actor.host))
        got = actor.get()
        if got is None or got.get("id") != "quiet" or got.get("type") != "result":
            raise Mistake("it was: %s" % xmpp.text_of(got))

    def leave(self, name):
        actor = self.actors.pop(name)
        actor.send("</stream:stream>")
        actor.wait_for_close()
        actor.close()

    def vanish(self, name):
        self.actors.pop(name).close()

    def be_dropped(self, name):
        self.actors.pop(name).wait_for_close()

    def move_clock(self, seconds):
        self.server.move_clock(float(seconds))

    def end_waiting(self):
        """Sessions that wait for their clients would do so for minutes."""
        for session in self.server.sessions():
            if session["hibernating"] and session["jid"]:	# one that was displaced has none
                self.server.ctl("kick", session["jid"], check=False)

    def come_back(self, name, jid, worker):
        actor = self.seat(int(worker) % self.server.workers if worker else self.next_worker())
        actor.authenticate_as(jid, PASSWORD)
        actor.jid = jid
        self.actors[name] = actor
        self.entered.add(jid)

    def kill_worker(self, number):
        """Only a worker that dies in its first second is started with a delay: so it is let grow older."""
        number = int(number) % self.server.workers
        self.server.wait_for(lambda: self.server.worker(number)["up_ms"] > 1000, "the worker is up for a second")
        self.server.kill_worker(number)

    def clear(self):
        """The next play finds an empty server: everybody leaves, is seen to have left, and leaves nothing behind."""
        for actor in self.actors.values():
            actor.close()
        self.actors = {}
        self.names = {}
        self.seats = 0
        while self.server.sessions():
            self.end_waiting()
        for jid in self.entered:
            self.server.ctl("deluser", jid, check=False)
            if jid in ACCOUNTS:
                self.server.add_account(jid)
        self.entered = set()


def read_play(path):
    """Title, and (number, line) with continued lines joined."""
    title, lines = "", []
    with open(path) as f:
        for number, text in enumerate(f, 1):
            text = text.rstrip("\n")
            if text.startswith("#"):
                title = title or text[1:].strip()
            elif text[:1].isspace() and lines:
                lines[-1] = (lines[-1][0], lines[-1][1] + text.strip())
            elif text.strip():
                lines.append((number, text.strip()))
    return title, lines


def run_play(stage, path):
    """None, or what went wrong."""
    title, lines = read_play(path)
    try:
        for number, text in lines:
            try:
                stage.line(text)
            except (Mistake, AssertionError, OSError, xmpp.Closed) as e:
                return "%s:%d: %s\n    %s: %s" % (path, number, text, type(e).__name__, e)
        return None
    finally:
        stage.clear()


def run_mode(mode, plays):
    workers, cut = MODES[mode]
    failed = 0
    with Server(workers=workers, accounts=ACCOUNTS, host_options="require_tls = true;",
                options=OPTIONS, options_of=HOST_OPTIONS) as server:
        stage = Stage(server, cut)
        for path in plays:
            wrong = run_play(stage, path)
            name = os.path.splitext(os.path.basename(path))[0]
            print("%s %s (%s)%s" % ("ok  " if wrong is None else "FAIL", name, mode,
                                    "" if wrong is None else "\n" + wrong), flush=True)
            failed += wrong is not None
        if failed:
            print(server.read_log()[-6000:])
        if server.stop() != 0:
            print("FAIL the server's exit status")
            failed += 1
    return failed


def main(arguments):
    modes = list(MODES)
    if arguments[:1] == ["--mode"]:
        modes, arguments = [arguments[1]], arguments[2:]
    folder = os.path.join(HERE, "plays")
    plays = arguments or sorted(os.path.join(folder, n) for n in os.listdir(folder) if n.endswith(".play"))
    failed = sum(run_mode(mode, plays) for mode in modes)
    print("%d passed, %d failed" % (len(plays) * len(modes) - failed, failed))
    return 1 if failed or not plays else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
