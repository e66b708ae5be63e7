"""The switches of rookeryd_steps: at which step of the shared memory which process stands still, or dies."""
import mmap
import os
import signal
import struct

from server import BUILD

DAEMON = os.path.join(BUILD, "tests", "fault", "rookeryd_steps")
STAND, DIE = 1, 2
PIDS_MOST = 16
STEP = 4 * (2 + PIDS_MOST)
SIZE = STEP + 48


class Steps:
    """Before the start of a server, which is rookeryd_steps then; nobody stands until somebody is told to."""

    def __init__(self, server):
        path = server.path("stops")
        with open(path, "wb") as f:
            f.write(bytes(SIZE))
        with open(path, "r+b") as f:
            self.memory = mmap.mmap(f.fileno(), SIZE)
        server.daemon = DAEMON
        server.before = ["env", "STOPS=" + path]

    def set_word(self, index, value):
        struct.pack_into("=I", self.memory, 4 * index, value)

    def arm(self, step, act, pids=()):
        """The next of these processes (none: of all) that comes to this step."""
        self.set_word(1, 0)
        for i in range(PIDS_MOST):
            self.set_word(2 + i, pids[i] if i < len(pids) else 0)
        self.memory[STEP:SIZE] = step.encode().ljust(SIZE - STEP, b"\0")
        self.set_word(0, act)

    def disarm(self):
        """Whoever stands goes on."""
        self.set_word(0, 0)
        self.set_word(1, 0)

    def caught(self):
        """The pid of who came there; 0: nobody yet."""
        return struct.unpack_from("=I", self.memory, 4)[0]

    def stop(self):
        """Who was caught stands still until it gets SIGCONT, whatever becomes of the switches; its pid."""
        pid = self.caught()
        os.kill(pid, signal.SIGSTOP)
        return pid
