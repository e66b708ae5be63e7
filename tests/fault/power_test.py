#!/usr/bin/env python3
"""A power cut: what was acknowledged before it stands after it, once and in order, and no rule is broken.

The writes of a server under load are logged with their syncs, and each acknowledgement notes how far the log had come. Then the
power fails at many places of the log: on disk is what was synced, and of the rest any part in any order. A server starts
there, as after a boot, and is asked for all that had been acknowledged; or its power fails too, and another one starts.

Usage: power_test.py [--prefixes N] [--seed N] [what ...]
"""
import argparse
import functools
import os
import random
import shutil
import struct

import ledger
import archives
import client as xmpp
import powerlog
import owners
from load import MAILBOX, make_server
from facts import Facts, equal
from story import CONTACT, GONE, OWNERS, Story
from server import PASSWORD

CUTS = 100		# of one story: all that was said is read after each
TWICE = 1, 3		# these of five cuts are followed by another one
LAST_PLACES = 100	# where a client hears late, the next sync may have come
LINGER = 61		# seconds that what a deleted account had is left alone
LAST = "<message type='chat' to='%s' id='last'><body>last</body></message>"

LEFT_OUT = {
    "fdatasync": lambda kind, path: kind != powerlog.SYNC or not path.endswith(".mdb"),
    "O_DSYNC": lambda kind, path: kind != powerlog.SYNC_ONE,
    "fsync of the folders": lambda kind, path: kind != powerlog.SYNC or path.endswith(".mdb"),
}


class After:
    """The server that is started after each cut."""

    def __init__(self, story):
        self.story = story
        self.server = make_server(1, 0, log_level="info")

    def check(self, disk, place, chance, share, again=None):
        """
        Lines of what is wrong when the power fails at that place, and that share of what was not synced is on disk. again: and
        then once more, anywhere in what the server writes that starts there, with that share of it.
        """
        disk.go_to(place)
        self.leave(disk, chance, share)
        try:
            if again is not None:
                self.cut_again(place, chance, again)
            wrong = self.start_and_look(place)
        except (AssertionError, OSError, xmpp.Closed) as e:
            wrong = ["%s: %s" % (type(e).__name__, e)]
            self.server.stop()
        return ["place %d, share %.2f%s: %s" % (place, share, "" if again is None else " twice", line) for line in wrong]

    def leave(self, disk, chance, share):
        """As after a boot."""
        self.clear()
        disk.build(self.server.path("data"), chance, share)
        self.leave_locks(chance, share)
        self.server.give_away(self.server.path("data"))

    def cut_again(self, place, chance, share):
        """While it finds its way, and removes what a deleted account has left."""
        server = self.server
        log = powerlog.PowerLog(server)
        disk = powerlog.Disk(log, directory=server.path("data"))
        mark = server.log.mark()
        server.start()
        server.move_clock(LINGER)
        if self.story.gone <= place:
            server.log.wait("nothing is left of a deleted account", mark)
        equal(server.stop(), 0, "exit status")
        disk.go_to(chance.choice([record[0] for record in log.records()]))
        self.leave(disk, chance, share)
        log.close(server)

    def leave_locks(self, chance, share):
        """LMDB maps what says who reads and writes: it may be on disk as it was then, or empty."""
        for name, content in self.story.locks.items():
            path = self.server.path(name)
            if os.path.exists(path) and chance.random() < share:
                with open(path, "wb") as f:
                    f.write(content)

    def start_and_look(self, place):
        self.server.check()
        self.server.start()
        wrong = self.look(place)
        self.server.check()
        equal(self.server.stop(), 0, "exit status")
        return wrong

    def clear(self):
        for folder in ("data", "run"):
            path = self.server.path(folder)
            shutil.rmtree(path)
            os.mkdir(path, 0o700)
            self.server.give_away(path)

    def look(self, place):
        """Of each account that was made by then."""
        story, server = self.story, self.server
        there = [jid for jid, noted in story.accounts.items() if noted <= place and jid != GONE]
        talkers = [client.account for client in story.clients] + [MAILBOX]
        said = {jid: archives.by_sender(archives.read(server, jid)) for jid in talkers if jid in there}
        wrong = [GONE + " is there"] if story.gone <= place and GONE in server.ctl("users").stdout else []
        for client in story.clients:
            if client.account in there:
                wrong += check_client(server, client, said, place)
        for owner in story.owners:
            if owner.friend in there:
                wrong += owner.check(server, place)
        if MAILBOX in there:
            wrong += check_mailbox(server, story.clients, place)
        return wrong


def wanted(client, sent, got, place):
    """Of what it sent what must be there, and what may be and is."""
    got = set(got)
    return [text for text in sent if text in got or client.noted.get(text, place + 1) <= place]


def check_client(server, client, said, place):
    """What it has said and posted stands in both archives, or in neither; its contacts in its roster."""
    name = client.account.split("@")[0]
    wrong = []
    for what, sent, other in ((0, client.sent, client.peer), (1, client.posted, MAILBOX)):
        got = said[client.account][what].get(name, [])
        wrong += ledger.order_of(got, wanted(client, sent, got, place), "the archive of " + client.account)
        if other in said and got != said[other][what].get(name, []):
            wrong.append("%s sent what is in its archive and not in that of %s" % (client.account, other))
    reader = xmpp.Client(server)
    reader.login(client.account + "/roster", PASSWORD, tls=False)
    contacts = roster_of(reader)
    reader.close()
    changed = [CONTACT % (n + 1) for n in range(client.contacts)]
    return wrong + ledger.order_of(contacts, wanted(client, changed, contacts, place), "the roster of " + client.account)


def roster_of(client):
    client.send("<iq type='get' id='get'><query xmlns='jabber:iq:roster'/></iq>")
    items = client.get().findall("*/{jabber:iq:roster}item")
    return sorted((item.get("jid") for item in items), key=lambda jid: int(jid.split("@")[0].split("-")[1]))


def check_mailbox(server, clients, place):
    """What was kept comes once and in order, and what is kept now comes behind it."""
    writer, reader = xmpp.Client(server), xmpp.Client(server)
    writer.login(MAILBOX + "/writer", PASSWORD, tls=False)
    writer.send(LAST % MAILBOX)
    writer.ping()
    reader.login(MAILBOX + "/reader", PASSWORD, tls=False)
    reader.send("<presence/>")
    kept = {}
    while True:
        element = reader.get()
        if element is None:
            raise xmpp.Closed("the end of the stream")
        if element.get("id") == "last":
            break
        text = element.findtext(ledger.CLIENT + "body")
        if text is not None:
            kept.setdefault(text.split("-")[0], []).append(text)
    writer.close()
    reader.close()
    wrong = []
    for client in clients:
        got = kept.pop(client.account.split("@")[0], [])
        wrong += ledger.order_of(got, wanted(client, client.posted, got, place), client.account + " to the mailbox")
    return wrong + ["the mailbox has what nobody sent, of " + name for name in kept]


# --- facts ---

def places(story, count, chance):
    """Some while the data directory was made, where somebody had just heard of a message, of a change; the others anywhere."""
    records = story.records()
    early = [place for place in records if place <= story.accounts[MAILBOX]]
    kinds = (early, 5), (story.acknowledged(), 4), (story.changed(), 4)
    chosen = [place for those, of in kinds for place in chance.sample(those, count // of)]
    return sorted(chosen + chance.sample(records, count - len(chosen)))


def some(chance):
    """Of what was not synced nothing, all, or a share."""
    return chance.choice((0, 1, chance.random()))


@functools.cache
def first_story():
    return Story()


def cuts_of_story(story, count, chance):
    disk = powerlog.Disk(story.log)
    after = After(story)
    twice = [number % 5 in TWICE for number in range(count)]
    chance.shuffle(twice)
    try:
        wrong = [line for place, again in zip(places(story, count, chance), twice)
                 for line in after.check(disk, place, chance, some(chance), some(chance) if again else None)]
    finally:
        after.server.remove()
    print("     %d cuts, %d of them twice, in a log of %d records with %d changes" % (
        count, sum(twice), len(story.records()), len(story.changed())), flush=True)
    if wrong:
        raise AssertionError("\n".join(wrong))


def cuts(options):
    """where power fails all that was acknowledged stands, once and in order"""
    for number in range(0, options.prefixes, CUTS):
        print("     seed %d" % (options.seed + number))
        story = Story() if number else first_story()
        cuts_of_story(story, min(CUTS, options.prefixes - number), random.Random(options.seed + number))


def first_wrong(story, places, counts=lambda kind, path: True):
    """What is wrong at the first of these places where anything is, when nothing is on disk but what was synced."""
    after = After(story)
    try:
        for place in places:
            wrong = after.check(powerlog.Disk(story.log, counts), place, random.Random(0), 0)
            if wrong:
                return wrong
    finally:
        after.server.remove()
    raise AssertionError("nothing is wrong")


def begun(options):
    """a record whose process was killed before its end, or before its length, is none"""
    def record(kind, length):
        return powerlog.RECORD.pack(length << 32 | kind, 0, b"data.mdb") + bytes(length)

    killed = bytes(powerlog.RECORD.size), record(powerlog.BEGUN, 16), bytes(powerlog.RECORD.size + 4096)
    for half in killed:
        text = record(powerlog.FILE, 0) + half + record(powerlog.WRITE, 8)
        log = powerlog.PowerLog.__new__(powerlog.PowerLog)
        log.memory = struct.pack("=QQ", 16 + len(text), powerlog.ROOM) + text
        equal([one[1] for one in log.records()], [powerlog.FILE, powerlog.WRITE], "kinds")


def left_out(options):
    """a sync that is left out is found: of the pages, of the root, of the names"""
    story = first_story()
    for name, counts in LEFT_OUT.items():
        wrong = first_wrong(story, story.acknowledged()[:-LAST_PLACES:-1], counts)
        print("     without %s: %s" % (name, wrong[0][:160].replace("\n", " ")), flush=True)


def missed(options):
    """of every kind what an account had kept is missed where it is gone: all that was changed since the accounts were made"""
    story = first_story()
    wanted = [start for owner in story.owners for start in owner.starts_that_are_wrong(story.end)]
    after = After(story)
    try:
        disk = powerlog.Disk(story.log)
        disk.go_to(max(story.accounts[owner.friend] for owner in story.owners))
        after.leave(disk, random.Random(0), 0)
        after.server.start()
        found = [line for owner in story.owners for line in owner.check(after.server, story.end)]
    finally:
        after.server.remove()
    equal([line.partition(" is ")[0] for line in found], wanted)
    print("     %d of %d" % (len(wanted), len(owners.KINDS) * OWNERS))


def memory(options):
    """with ack = memory messages that were acknowledged miss in the archives, and in nothing else"""
    story = Story('ack = "memory";')
    places = story.acknowledged()
    wrong = first_wrong(story, places[::max(1, len(places) // 40)])
    print("     " + "; ".join(wrong))
    equal([line for line in wrong if "the archive of" not in line or "missing" not in line], [], "wrong besides")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--prefixes", type=int, default=7)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3), "big"))
    parser.add_argument("what", nargs="*")
    options = parser.parse_args()
    facts = Facts()
    for fact in (cuts, begun, left_out, missed, memory):
        if not options.what or fact.__name__ in options.what:
            facts.show(fact, options)
    facts.end()


if __name__ == "__main__":
    main()
