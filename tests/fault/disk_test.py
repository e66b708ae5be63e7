#!/usr/bin/env python3
"""No room: on the disk of the stores, in their maps, in the runtime directory. What cannot be kept is refused, all else goes on.

Usage: disk_test.py [--times N] [what ...]
"""
import argparse
import errno
import os
import shutil
import subprocess

from load import Load, make_server
import client as xmpp
from facts import Facts, equal
from faults import STORES, Faults
from server import PASSWORD

CLIENTS = 4
WRITER, HOARDER = "writer@localhost", "hoarder@localhost"
LETTER = "letter" * 30000
KIB = 1024


class SmallDisk:
    """A folder of a server on a file system of its own, of so many KiB; for root."""

    def __init__(self, folder, kib):
        self.folder, self.kib = folder, kib
        self.path = None

    def mount(self, server):
        self.path = server.path(self.folder)
        shutil.rmtree(self.path)
        os.mkdir(self.path)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%dk,mode=700" % self.kib, "tmpfs", self.path], check=True)
        server.give_away(self.path)

    def unmount(self):
        if self.path is not None:
            subprocess.run(["umount", "-l", self.path], check=True)

    @property
    def filler(self):
        return os.path.join(self.path, "filler")

    def fill(self):
        """To the last page, while others write too."""
        with open(self.filler, "ab", buffering=0) as f:
            for size in (1 << 20, 1 << 12):
                try:
                    while f.write(bytes(size)) == size:
                        pass
                except OSError as e:
                    equal(e.errno, errno.ENOSPC, "error")

    def empty(self):
        os.unlink(self.filler)


def can_mount():
    if os.geteuid() != 0:
        return False
    return subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
                          stderr=subprocess.DEVNULL).returncode == 0


def pids(server):
    return {p["pid"] for kind in ("worker", "store") for p in server.processes(kind)}


def refused_and_back(load, fill, empty):
    """While there is no room the mailbox refuses and the pairs talk; afterwards it takes again. All by the same processes."""
    server = load.server
    before = pids(server)
    load.talk()
    fill()
    count = load.refused()
    load.wait_for(lambda: load.refused() > count + 10, "messages to the mailbox are refused")
    load.talk(500)
    empty()
    kept = taken(load)
    load.wait_for(lambda: taken(load) > kept + 100, "the mailbox takes again")
    load.talk()
    equal(pids(server), before, "processes")


def taken(load):
    return sum(len(c.posted) - len(c.refused) for c in load.clients)


def on_small_disk(options, folder, kib, act, accounts=(), more="", **clients):
    if not can_mount():
        print("     SKIPPED: only root can mount a small file system")
        return
    disk = SmallDisk(folder, kib)
    server = make_server(2, CLIENTS, more, disk.mount, accounts)
    try:
        with Load(server, CLIENTS, may_be_refused=True, **clients) as load:
            for _ in range(options.times):
                act(load, disk)
    finally:
        disk.unmount()


def full_disk(options):
    """a full disk: what must be kept is refused, who is there goes on talking, and with room again all is kept again"""
    on_small_disk(options, "data", 64 * KIB, lambda load, disk: refused_and_back(load, disk.fill, disk.empty))


def failing_writes(options):
    """the same where every write to the stores' files fails with ENOSPC"""
    server = make_server(2, CLIENTS)
    faults = Faults(server)
    with Load(server, CLIENTS, may_be_refused=True) as load:
        for _ in range(options.times):
            refused_and_back(load, lambda: faults.fail("disk_full", 100, STORES), faults.stop)


# --- the map ---

def fill_map(load):
    """Somebody writes large letters to somebody who never reads them, until there is no room for one more."""
    for account in (WRITER, HOARDER):
        load.server.add_account(account)
    writer = xmpp.Client(load.server)
    writer.login(WRITER + "/desk", PASSWORD, tls=False)
    for number in range(10000):
        writer.send("<message type='chat' to='%s' id='%d'><body>%s</body></message>%s" %
                    (HOARDER, number, LETTER, xmpp.ping("sync")))
        answer = writer.get()
        if answer.get("type") == "error":
            break
        equal(answer.get("id"), "sync")
    else:
        raise AssertionError("10000 letters had room")
    writer.close()
    return number


def empty_map(load):
    """What was theirs is removed a minute after they are."""
    for account in (WRITER, HOARDER):
        load.server.ctl("deluser", account)
    load.server.move_clock(61)


def full_map(options):
    """a full map: the same, and room returns when accounts are deleted"""
    server = make_server(2, CLIENTS, options='map_size = "64 MiB";')
    with Load(server, CLIENTS, may_be_refused=True, pace=0.02) as load:
        for _ in range(options.times):
            refused_and_back(load, lambda: fill_map(load), lambda: empty_map(load))


# --- the runtime directory ---

def enter_until_refused(load, clients):
    """Sessions until one is refused: what it was told."""
    for number in range(2000):
        client = xmpp.Client(load.server)
        clients.append(client)
        try:
            client.authenticate_as(WRITER, PASSWORD, tls=False)
            client.send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
            answer = client.get()
        except AssertionError as e:
            return str(e)
        if answer is None or answer.get("type") != "result":
            return xmpp.text_of(answer)
    raise AssertionError("2000 sessions had room")


def login(load, jid):
    client = xmpp.Client(load.server)
    client.login(jid, PASSWORD, tls=False)
    return client


def full_memory(options):
    """a full runtime directory: who comes is refused, who is there goes on, and with room again all may come"""
    def act(load, disk):
        before = pids(load.server)
        clients = []
        load.talk()
        disk.fill()
        answer = enter_until_refused(load, clients)
        equal("resource-constraint" in answer, True, answer)
        load.talk(500)
        disk.empty()
        for client in clients:
            client.close()
        login(load, WRITER + "/new").close()
        load.talk()
        equal(load.refused(), 0, "refused messages")
        equal(pids(load.server), before, "processes")

    # What waits for those who are there, also while their worker is slow, fits into the memory that is there.
    on_small_disk(options, "run", 96 * KIB, act, accounts=(WRITER,),
                  more="sessions_per_account = 1000; max_sessions = 5000;", lead=200)


class Flood:
    """
    Messages until some are refused. accepted: in order. unknown: where there was no memory for the answer either, the writer's
    stream ended with the reason, and it came again.
    """

    def __init__(self, load, to):
        self.load, self.to = load, to
        self.accepted, self.unknown = [], set()
        self.refused = 0
        self.writer = login(load, WRITER + "/desk")

    def say(self, number):
        self.writer.send("<message type='chat' to='%s' id='%s'><body>%s</body></message>%s"
                         % (self.to, number, LETTER[:20000], xmpp.ping("sync")))
        answer = self.writer.get()
        if answer.get("id") == "sync":
            self.accepted.append(number)
        elif answer.get("id") == number and answer.get("type") == "error":
            equal(self.writer.get().get("id"), "sync")
            self.refused += 1
        else:
            equal("resource-constraint" in xmpp.text_of(answer), True, xmpp.text_of(answer))
            self.unknown.add(number)
            self.come_again()

    def come_again(self):
        def is_in():
            try:
                self.writer.close()
                self.writer = login(self.load, WRITER + "/desk")
            except (AssertionError, xmpp.Closed, OSError):
                return False
            return True
        self.load.wait_for(is_in, "the writer is in again")

    def until_refused(self, most=4000):
        for number in range(most):
            self.say(str(number))
            if self.refused > 20:
                return
        raise AssertionError("%d messages had room" % most)


def read_known(client, flood):
    """As many as were accepted, but for those that may or may not have been."""
    got = []
    while len(got) < len(flood.accepted):
        number = client.get().get("id")
        if number not in flood.unknown:
            got.append(number)
    return got


def full_arenas(options):
    """one who does not read fills all that is left of it: others are refused or served, and when it reads all is there"""
    def act(load, disk):
        before = pids(load.server)
        deaf = login(load, HOARDER + "/deaf")
        flood = Flood(load, HOARDER + "/deaf")
        disk.fill()
        flood.until_refused()
        load.wait_for(lambda: load.refused() > 20, "the pairs are refused too")
        equal(read_known(deaf, flood), flood.accepted, "what the deaf one got")
        load.talk(500)
        disk.empty()
        load.talk()
        equal(pids(load.server), before, "processes")
        flood.writer.close()
        deaf.close()

    on_small_disk(options, "run", 96 * KIB, act, accounts=(WRITER, HOARDER))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("what", nargs="*")
    options = parser.parse_args()
    facts = Facts()
    for fact in (full_disk, failing_writes, full_map, full_memory, full_arenas):
        if not options.what or fact.__name__ in options.what:
            facts.show(fact, options)
    facts.end()


if __name__ == "__main__":
    main()
