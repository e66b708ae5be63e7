#!/usr/bin/env python3
"""No room: on the disk of the stores, in their maps, in the runtime directory. What cannot be kept is refused, all else goes on.

Usage: disk_test.py [--times N] [what ...]
"""
import argparse
import errno
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenarios"))

from facts import Facts, equal  # noqa: E402
from faults import STORES, Faults  # noqa: E402
from load import Load, make_server  # noqa: E402

CLIENTS = 4
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


def on_small_disk(options, folder, kib, act, **more):
    if not can_mount():
        print("     SKIPPED: only root can mount a small file system")
        return
    disk = SmallDisk(folder, kib)
    server = make_server(2, CLIENTS, prepare=disk.mount, **more)
    try:
        with Load(server, CLIENTS, may_be_refused=True) as load:
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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("what", nargs="*")
    options = parser.parse_args()
    facts = Facts()
    for fact in (full_disk, failing_writes):
        if not options.what or fact.__name__ in options.what:
            facts.show(fact, options)
    facts.end()


if __name__ == "__main__":
    main()
