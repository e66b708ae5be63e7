#!/usr/bin/env python3
"""Memory that a dead server left and nobody can use: named in the log, set aside, and the server starts without it."""
import glob
import os
import signal
import struct

import client as xmpp
import facts
from facts import equal
from server import PASSWORD, Server

ACCOUNTS = ("romeo@localhost",)


def kill_everything(server):
    """The master and all its children, at once; the log ends when the last of them is gone."""
    pids = [p["pid"] for p in server.ctl_json("workers")["processes"]]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    server.process.wait(20)
    equal(server.log.wait_for_end(20), True, "all are gone")


def segment(server, name):
    return server.path(os.path.join("run", name))


def change(server, name, offset, layout, new):
    with open(segment(server, name), "r+b") as f:
        f.seek(offset)
        f.write(struct.pack(layout, new))


def aside(server):
    return sorted(os.path.basename(path) for path in glob.glob(segment(server, "*.bad-*")))


def starts_without(server, name, wrong):
    """After a kill -9 of all: what is wrong is named, the file kept, and the next client logs in."""
    before = aside(server)
    since = server.log.mark()
    server.start()
    server.log.wait(r'memory is broken: set aside path=%s wrong="?%s' % (segment(server, name), wrong), since)
    new = {n.split(".bad-")[0]: n for n in aside(server) if n not in before}
    equal(name in new, True, "%s among what was set aside: %s" % (name, sorted(new)))
    client = xmpp.Client(server)
    client.login("romeo@localhost/here", PASSWORD)
    client.close()
    return segment(server, new[name])


def other_version(server):
    """a segment of another layout"""
    kill_everything(server)
    change(server, "arena.0", 8, "=I", 4711)
    starts_without(server, "arena.0", "layout version")


def truncated(server):
    """a segment that was cut"""
    kill_everything(server)
    os.truncate(segment(server, "slots"), 5000)
    kept = starts_without(server, "slots", "size")
    equal(os.path.getsize(kept), 5000, "its bytes are kept")


def scribbled(server):
    """a segment whose first page was written over"""
    kill_everything(server)
    with open(segment(server, "effect.1"), "r+b") as f:
        f.write(b"\x5a" * 4096)
    kept = starts_without(server, "effect.1", "magic")
    with open(kept, "rb") as f:
        equal(f.read(4096), b"\x5a" * 4096, "its bytes are kept")


def first_of_all(server):
    """the segment that says what the others must be"""
    kill_everything(server)
    change(server, "instance", 128, "=I", 100000)
    starts_without(server, "instance", "count of workers")


def of_somebody_else(server):
    """a segment of another user"""
    if os.geteuid() != 0:
        print("     SKIPPED: only root can give a file away")
        return
    kill_everything(server)
    os.chown(segment(server, "dirty.0"), 1234, 1234)
    kept = starts_without(server, "dirty.0", "owner")
    equal(os.stat(kept).st_uid, 1234, "its owner")


def good_ones(server):
    """what is whole is not set aside, and what was set aside stays when the server stops"""
    before = aside(server)
    kill_everything(server)
    server.start()
    equal(aside(server), before)
    equal(server.stop(), 0, "exit status")
    equal(aside(server), before)
    server.start()


if __name__ == "__main__":
    facts.run([other_version, truncated, scribbled, first_of_all, of_somebody_else, good_ones],
              lambda: Server(workers=2, accounts=ACCOUNTS))
