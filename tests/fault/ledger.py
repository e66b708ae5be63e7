"""A client that keeps its session through everything, and a ledger of what it sent, was told, and got.

Each pair of clients talks both ways, and each of them also writes to a mailbox that nobody reads until the end.
Nothing may be missing, nothing twice, and the order of each pair is kept, with the clients as in their archives: check() says
what is not so.
"""
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenarios"))

import archives  # noqa: E402
import client as xmpp  # noqa: E402
from server import PASSWORD  # noqa: E402

SM = "{urn:xmpp:sm:3}"
CLIENT = "{jabber:client}"
WINDOW = 24		# stanzas sent and not acknowledged
ASK_EVERY = 8
TURN = 0.02		# seconds that one look at the socket may take
POSTS_MOST = 6000	# all of them fit into the mailbox
COUNT = 2 ** 32


class Lost(Exception):
    """The session could not be resumed: for this client all that follows is another session."""


class Ledger(threading.Thread):
    """One account with one resource, on a thread of its own."""

    def __init__(self, server, account, peer, mailbox, tls=False):
        super().__init__(daemon=True)
        self.server, self.account, self.peer, self.mailbox, self.tls = server, account, peer, mailbox, tls
        self.stopping = threading.Event()
        self.has_said_all = False
        self.wish = None		# how it is to lose its connection next
        self.error = None
        self.client = None
        self.id = None
        self.sent = []			# texts of messages to the peer, in order; the same for the mailbox
        self.posted = []
        self.refused = set()		# texts that came back with an error: nobody has them
        self.may_be_refused = False
        self.pace = 0			# seconds between two looks, so that it lasts
        self.partner = None		# the client that is its peer
        self.lead = None		# messages that it may have sent and its partner not got; None: any number
        self.unacked = []		# stanzas, oldest first
        self.acked = 0			# by the server, since <enabled/>
        self.handled = 0		# from the server, since <enabled/>
        self.got = []			# texts from the peer
        self.resumed = 0
        self.lost = 0
        self.waits = []			# seconds from the loss of a connection to <resumed/>
        self.asked = 0

    # --- the connection ---

    def connect(self):
        self.client = xmpp.Client(self.server)
        self.client.authenticate_as(self.account, PASSWORD, tls=self.tls)

    def enter(self):
        self.connect()
        self.client.bind("ledger")
        self.client.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
        self.id = self.until(SM + "enabled").get("id")
        self.handled = self.acked = self.asked = 0
        self.unacked = []
        self.write("<presence/>")

    def until(self, tag):
        while True:
            element = self.client.get()
            if element is None:
                raise xmpp.Closed("the end of the stream")
            if element.tag == tag:
                return element
            if element.tag == SM + "failed":
                raise Lost(xmpp.text_of(element))

    def resume(self):
        self.connect()
        self.client.send("<resume xmlns='urn:xmpp:sm:3' previd='%s' h='%d'/>" % (self.id, self.handled))
        self.take_ack(int(self.until(SM + "resumed").get("h")))
        self.asked = 0
        for stanza in self.unacked:
            self.client.send(stanza)
        self.resumed += 1

    def come_back(self):
        """Until it is there again, or its session is no more."""
        at = time.monotonic()
        while True:
            try:
                self.client.close()
                self.resume()
                self.waits.append(time.monotonic() - at)
                return
            except Lost:
                self.lost += 1
                raise
            except (OSError, xmpp.Closed, AssertionError, ValueError) as e:
                if time.monotonic() - at > 60:
                    raise AssertionError("%s has not come back for a minute: %s" % (self.account, e))
                self.stopping.wait(TURN)

    # --- stanzas ---

    def write(self, stanza):
        self.unacked.append(stanza)
        self.client.send(stanza)

    def message(self, to, text):
        self.write("<message type='chat' to='%s' id='%s'><body>%s</body></message>" % (to, text, text))

    def say(self):
        text = "%s-%d" % (self.account.split("@")[0], len(self.sent) + 1)
        self.sent.append(text)
        self.message(self.peer + "/ledger", text)
        if len(self.sent) % 8 == 0 and len(self.posted) < POSTS_MOST:
            text = "%s-post-%d" % (self.account.split("@")[0], len(self.posted) + 1)
            self.posted.append(text)
            self.message(self.mailbox, text)
        if len(self.sent) % 12 == 0:
            self.write(xmpp.ping("p%d" % len(self.sent)))

    def take_ack(self, h):
        count = (h - self.acked) % COUNT
        if count > len(self.unacked):
            raise AssertionError("%s: %d acknowledged, %d waited" % (self.account, count, len(self.unacked)))
        del self.unacked[:count]
        self.acked = h

    def take(self, element):
        if element.tag == SM + "a":
            self.asked = 0
            self.take_ack(int(element.get("h")))
        elif element.tag == SM + "r":
            self.client.send("<a xmlns='urn:xmpp:sm:3' h='%d'/>" % self.handled)
        elif element.tag.startswith(CLIENT):
            self.handled = (self.handled + 1) % COUNT
            if element.tag == CLIENT + "message":
                self.note(element)

    def note(self, message):
        if message.get("type") == "error":
            if not self.may_be_refused:
                raise AssertionError("%s got an error: %s" % (self.account, xmpp.text_of(message)))
            self.refused.add(message.get("id"))
            return
        text = message.findtext(CLIENT + "body")
        if text is not None and message.get("from", "").startswith(self.peer + "/"):
            self.got.append(text)

    def read(self):
        self.client.socket.settimeout(TURN)
        try:
            self.client.read_more()
        except TimeoutError:
            pass
        finally:
            self.client.socket.settimeout(xmpp.TIMEOUT)
        while self.client.waiting:
            self.take(self.client.waiting.pop(0))
        if self.client.ended:
            raise xmpp.Closed("the end of the stream")

    def ask(self):
        if self.asked == 0 and self.unacked:
            self.asked = len(self.unacked)
            self.client.send("<r xmlns='urn:xmpp:sm:3'/>")

    def move(self, how):
        """Without need: it closes the connection at once, or leaves it open and comes over another one."""
        old = self.client
        if how == "close":
            old.close()
            self.come_back()
            return
        try:
            self.resume()
        finally:
            old.close()

    def room(self):
        """How many messages it says in a turn."""
        room = min(ASK_EVERY, WINDOW - len(self.unacked))
        if self.lead is not None:
            room = min(room, self.lead + len(self.refused) + len(self.partner.got) - len(self.sent))
        return room

    def turn(self):
        how, self.wish = self.wish, None
        if how is not None:
            self.move(how)
        if self.stopping.is_set():
            self.has_said_all = True
        else:
            for _ in range(self.room()):
                self.say()
        self.ask()
        self.read()
        if self.pace:
            self.stopping.wait(self.pace)

    def is_quiet(self):
        return self.stopping.is_set() and not self.unacked and self.is_done()

    def is_done(self):
        return True

    def run(self):
        try:
            while not self.is_quiet():
                try:
                    self.turn()
                except (OSError, xmpp.Closed):
                    self.come_back()
        except Exception as e:
            self.error = "%s: %s: %s" % (self.account, type(e).__name__, e)
        self.has_said_all = True


def pairs(server, count, mailbox, tls=False, kind=Ledger, **more):
    """Clients that are in, two of them a pair; accounts c0@localhost on. kind: their class. More: attributes of each."""
    clients = []
    for i in range(0, count, 2):
        a, b = ("c%d@localhost" % n for n in (i, i + 1))
        clients += [kind(server, a, b, mailbox, tls), kind(server, b, a, mailbox, tls)]
    for client in clients:
        vars(client).update(more)
        client.enter()
    for client in clients:
        peer = client.partner = next(c for c in clients if c.account == client.peer)
        client.is_done = lambda client=client, peer=peer: (
            peer.has_said_all and len(client.got) >= len(peer.sent) - len(peer.refused.intersection(peer.sent)))
    for client in clients:
        client.start()
    return clients


def stop(clients, timeout=180):
    """No more is said; what was said arrives."""
    for client in clients:
        client.stopping.set()
    until = time.monotonic() + timeout
    for client in clients:
        client.join(max(0, until - time.monotonic()))


def order_of(got, sent, name, refused=frozenset()):
    """The lines of what is wrong with what came of what was sent."""
    wrong = []
    known, there = set(sent), set(got)
    both = [t for t in got if t in refused]
    if both:
        wrong.append("%s: %d refused and there, first %s" % (name, len(both), both[0]))
    missing = [t for t in sent if t not in there and t not in refused]
    if missing:
        wrong.append("%s: %d missing, first %s" % (name, len(missing), missing[0]))
    seen = set()
    twice = [t for t in got if t in seen or seen.add(t)]
    if twice:
        wrong.append("%s: %d twice, first %s" % (name, len(twice), twice[0]))
    foreign = [t for t in got if t not in known]
    if foreign:
        wrong.append("%s: %d that nobody sent, first %s" % (name, len(foreign), foreign[0]))
    if list(dict.fromkeys(t for t in got if t in known)) != [t for t in sent if t in there]:
        wrong.append("%s: out of order" % name)
    return wrong


def read_mailbox(server, mailbox, expected):
    """What is kept for it, by who sent it. It comes in batches, as the store forgets them; what is too much comes soon."""
    got = {}
    count = quiet = 0
    reader = xmpp.Client(server)
    reader.login(mailbox + "/reader", PASSWORD, tls=False)
    reader.send("<presence/>")
    try:
        while quiet < 3:
            if count >= expected:
                reader.send(xmpp.ping("end"))
            element = reader.get()
            if element.get("id") == "end":
                quiet += 1
            elif element.tag == CLIENT + "message":
                text = element.findtext(CLIENT + "body")
                got.setdefault(text.split("-")[0], []).append(text)
                count += 1
    except TimeoutError:
        pass	# what is missing then will be named
    reader.close()
    return got


def check(server, clients, mailbox):
    """Lines of what is wrong; none, and all is well."""
    wrong = [c.error for c in clients if c.error]
    wrong += ["%s is still at it: %d not acknowledged, got %d" % (c.account, len(c.unacked), len(c.got))
              for c in clients if c.is_alive()]
    wrong += ["%s: %d sessions could not be resumed" % (c.account, c.lost) for c in clients if c.lost]
    for c in clients:
        peer = next(p for p in clients if p.account == c.peer)
        wrong += order_of(c.got, peer.sent, "%s to %s" % (peer.account, c.account), peer.refused)
    kept = read_mailbox(server, mailbox, sum(len(set(c.posted) - c.refused) for c in clients))
    for c in clients:
        name = c.account.split("@")[0]
        wrong += order_of(kept.get(name, []), c.posted, "%s to the mailbox" % c.account, c.refused)
    if not any(c.may_be_refused for c in clients):
        wrong += archives.check(server, clients, mailbox, order_of)
    return wrong


def summary(clients):
    waits = sorted(w for c in clients for w in c.waits)
    refused = sum(len(c.refused) for c in clients)
    return "%d messages, %d kept,%s %d resumptions, half of them within %.0f ms, all within %.0f ms" % (
        sum(len(c.sent) for c in clients), sum(len(c.posted) for c in clients),
        " %d refused," % refused if refused else "", sum(c.resumed for c in clients),
        1000 * waits[len(waits) // 2] if waits else 0, 1000 * waits[-1] if waits else 0)
