"""The switches of faults.so, which fails calls of a server's workers and stores, and moves clocks."""
import mmap
import os
import re
import struct
import subprocess

from server import BUILD, program

# The order of enum fault.
KINDS = ("interrupted", "not_now", "short", "reset", "accept", "disk_full", "disk_short", "sync", "memory_full")
WORKERS, STORES = 1, 2
LIBRARY = os.path.join(BUILD, "tests", "fault", "faults.so")


def libraries(ours):
    """A sanitizer wants to be loaded before all others, and asks the next one for what it watches: ours."""
    linked = subprocess.run(["ldd", program("rookeryd", "process")], capture_output=True, text=True, check=True).stdout
    return ":".join(re.findall(r"/\S*/lib[atu]\w*san\.so\S*", linked) + [ours])


class Faults:
    """Before the start of a server, which it is loaded into; nothing fails until it is told to."""

    def __init__(self, server):
        path = server.path("faults")
        self.clocks = 4 * (3 * len(KINDS) + 3)	# of 64 bits, and aligned like it
        size = self.clocks + 16
        with open(path, "wb") as f:
            f.write(bytes(size))
        with open(path, "r+b") as f:
            self.memory = mmap.mmap(f.fileno(), size)
        server.before = ["env", "LD_PRELOAD=" + libraries(LIBRARY), "FAULTS=" + path]

    def word(self, index):
        return struct.unpack_from("=i", self.memory, 4 * index)[0]

    def set_word(self, index, value):
        struct.pack_into("=i", self.memory, 4 * index, value)

    def fail(self, kind, percent, roles=WORKERS | STORES):
        """So many of a hundred calls, from now on."""
        place = KINDS.index(kind)
        self.set_word(len(KINDS) + place, roles)
        self.set_word(place, round(100 * percent))

    def stop(self):
        for kind in range(len(KINDS)):
            self.set_word(kind, 0)
        self.set_word(3 * len(KINDS) + 1, 0)

    def done(self, kind):
        return self.word(2 * len(KINDS) + KINDS.index(kind))

    def fail_malloc(self, number, roles):
        """The allocation of that number from now on, once."""
        self.set_word(3 * len(KINDS), roles)
        self.set_word(3 * len(KINDS) + 1, number)

    def set_wall(self, seconds):
        """What everybody's calendar says is so much later than it is; time-outs go by another clock."""
        struct.pack_into("=q", self.memory, self.clocks, seconds)

    def move_master(self, seconds):
        """The time that the master's time-outs go by, which never goes back: so much later than it is."""
        struct.pack_into("=q", self.memory, self.clocks + 8, seconds)

    def mallocs_failed(self):
        return self.word(3 * len(KINDS) + 2)
