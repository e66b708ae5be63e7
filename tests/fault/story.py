"""What power_test.py cuts: a load on a server whose writes are logged, and at which place of the log who knew what."""
import os
import signal

import ledger
import archives
import owners
import powerlog
from load import Load, make_server

CLIENTS = 4
MESSAGES = 200
OWNERS, CHANGES = 1, 30
LATE, GONE = "late@localhost", "gone@localhost"		# made meanwhile, and one of them deleted
LOCKS = ("data/core/lock.mdb", "data/msg/lock.mdb")
CONTACT = "contact-%d@example.net"
ROSTER = ("<iq type='set' id='roster-%d'><query xmlns='jabber:iq:roster'><item jid='" + CONTACT + "'/></query></iq>")


class Noting(ledger.Ledger):
    """
    A client of the ledger that changes its roster besides, asks about each stanza, and notes at which place of the log it was
    acknowledged.
    """

    log = None

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.waiting = []	# texts of unacked, None for what is no message
        self.noted = {}		# texts and contacts
        self.contacts = 0

    def write(self, stanza):
        super().write(stanza)
        body = archives.BODY.search(stanza.encode())
        self.waiting.append(body and body.group(1).decode())
        self.client.send("<r xmlns='urn:xmpp:sm:3'/>")

    def say(self):
        super().say()
        if len(self.sent) % 10 == 0:
            self.contacts += 1
            self.write(ROSTER % (self.contacts, self.contacts))

    def take_ack(self, h):
        place = self.log.place()
        super().take_ack(h)
        count = len(self.waiting) - len(self.unacked)
        self.noted.update((text, place) for text in self.waiting[:count] if text is not None)
        del self.waiting[:count]

    def take(self, element):
        name, _, number = element.get("id", "").partition("-")
        if name == "roster" and element.get("type") == "result":
            self.noted[CONTACT % int(number)] = self.log.place()
        super().take(element)


def read_bytes(path):
    with open(path, "rb") as f:
        return f.read()


def logged_server(options=""):
    """A server, its log, and when each account had been made."""
    logs, accounts = [], {}

    def prepare(server):
        log = powerlog.PowerLog(server)
        logs.append(log)
        add = server.add_account

        def add_and_note(jid):
            with log.commands():
                add(jid)
            accounts[jid] = log.place()
        server.add_account = add_and_note

    more = [account for number in range(OWNERS) for account in owners.accounts_of(number)]
    return make_server(2, CLIENTS, options, prepare, more), logs[0], accounts


class Story:
    """A load on a server, whose stores are killed besides: the log, and what was acknowledged when."""

    def __init__(self, host_options=""):
        server, self.log, self.accounts = logged_server(owners.OPTIONS)
        server.host_options += owners.HOST_OPTIONS + host_options
        server.write_config()
        with Load(server, CLIENTS, kind=Noting, log=self.log, pace=0.02) as load:
            self.clients = load.clients
            self.owners = [owners.Owner(server, self.log, number) for number in range(OWNERS)]
            for owner in self.owners:
                owner.start()
            try:
                self.tell(server, load)
            finally:
                for owner in self.owners:
                    owner.stop()

    def tell(self, server, load):
        self.both_talk(load)
        for account in LATE, GONE:
            server.add_account(account)
        server.ctl("deluser", GONE)
        self.gone = self.log.place()
        self.locks = {name: read_bytes(server.path(name)) for name in LOCKS}
        for store in server.processes("store"):
            os.kill(store["pid"], signal.SIGKILL)
        self.both_talk(load)
        self.end = self.log.place()

    def both_talk(self, load):
        wanted = [owner.changes() + CHANGES for owner in self.owners]
        load.talk(MESSAGES)
        load.wait_for(lambda: all(o.error or o.changes() >= count for o, count in zip(self.owners, wanted)), "changes")

    def acknowledged(self):
        """Places at which a client had just heard of something."""
        return sorted({place for c in self.clients for place in c.noted.values() if place <= self.end})

    def changed(self):
        """And those at which an owner knew of a change."""
        return sorted({place for owner in self.owners for place in owner.known_at() if place <= self.end})

    def records(self):
        return [record[0] for record in self.log.records() if record[0] < self.end]
