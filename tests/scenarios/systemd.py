"""In systemd's place: what it does for a service by our unit file, as far as that shows without it."""
import ctypes
import fcntl
import os
import re
import socket
import struct
import subprocess
import sys
import time

from server import BUILD, Server

UNIT = os.path.join(BUILD, "etc", "systemd", "rookery.service")
LISTEN_FROM = 3
TIMEOUT = 20
NO_NEW_PRIVS, MDWE = 38, 65	# of prctl(2)
ALLOW, ERRNO_EPERM = 0x7fff0000, 0x00050001	# of libseccomp


def option(name):
    """All words of an option of the unit."""
    with open(UNIT) as f:
        return [word for value in re.findall(r"^%s=(.*)$" % name, f.read(), re.M) for word in value.split()]


class Notify:
    """NOTIFY_SOCKET: messages that come, each with the pid of who sent it, as NotifyAccess=main asks."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.bind(path)
        self.socket.settimeout(TIMEOUT)

    def get(self):
        """The next message: pid of the sender, its fields."""
        text, (credentials,), _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(12))
        pid, _, _ = struct.unpack("=3i", credentials[2])
        return pid, dict(line.split("=", 1) for line in text.decode().splitlines())

    def wait(self, field):
        """The next message with that field; signs of life are passed over."""
        until = time.monotonic() + TIMEOUT
        while time.monotonic() < until:
            pid, fields = self.get()
            if field in fields:
                return pid, fields
            if fields != {"WATCHDOG": "1"}:
                raise AssertionError("%s is wanted, not %s" % (field, fields))
        raise AssertionError("no %s" % field)


class Service(Server):
    """A server that is started as systemd starts it. hands: its sockets are handed over. within: behind the walls of the unit."""

    def __init__(self, hands=False, within=False, watchdog_us=0, **more):
        super().__init__(start=False, **more)
        self.sockets = [socket.create_server(("127.0.0.1", port)) for port in (self.port, self.tls_port) if hands]
        self.handed = [s.fileno() for s in self.sockets]
        self.notify = Notify(self.path("manager"))
        calls = self.path("calls")
        if within:
            with open(calls, "w") as f:
                f.write("\n".join(sorted(allowed_calls())))
            self.before = capabilities()
        self.before = [*self.before, sys.executable, os.path.abspath(__file__), calls if within else "-", str(watchdog_us),
                       ",".join(map(str, self.handed))]
        try:
            self.start()
        except BaseException:
            self.remove()
            raise

    def start(self, *arguments):
        self.launch(*arguments, NOTIFY_SOCKET=self.path("manager"))
        self.ready = self.notify.wait("READY")

    def remove(self):
        super().remove()
        for s in self.sockets + [self.notify.socket]:
            s.close()


# --- the walls ---

def capabilities():
    """Of root the bounding set."""
    if os.geteuid() != 0:
        return []
    names = ["+" + name.lower().removeprefix("cap_") for name in option("CapabilityBoundingSet")]
    return ["setpriv", "--bounding-set", ",".join(["-all", *names])]


def known_sets():
    """Of systemd: names of sets of calls, and what is in them, which may be sets."""
    sets = {}
    said = subprocess.run(["systemd-analyze", "syscall-filter"], capture_output=True, text=True, check=True).stdout
    for line in said.splitlines():
        if line.startswith("@"):
            members = sets[line.strip()] = set()
        elif line.startswith(" ") and not line.lstrip().startswith("#"):
            members.add(line.strip())
    return sets


def allowed_calls():
    sets, calls = known_sets(), set()
    waiting = ["@default", *option("SystemCallFilter")]
    while waiting:
        word = waiting.pop()
        if word.startswith("@"):
            waiting += sets[word]
        else:
            calls.add(word)
    return calls


def check(rc, what):
    if rc != 0:
        raise OSError(ctypes.get_errno(), what)


def build_walls(calls):
    libc = ctypes.CDLL(None, use_errno=True)
    library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    check(libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0), "no new rights")
    libc.prctl(MDWE, 1, 0, 0, 0)	# where the kernel has it
    rules = ctypes.c_void_p(library.seccomp_init(ERRNO_EPERM))
    for name in calls:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:		# not of another machine
            check(library.seccomp_rule_add_array(rules, ALLOW, number, 0, None), name)
    check(library.seccomp_load(rules), "the filter")


def main(calls, watchdog_us, handed, *command):
    """Becomes the command, by the same pid."""
    numbers = [int(fd) for fd in handed.split(",") if fd]
    above = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, LISTEN_FROM + 100) for fd in numbers]
    for fd in numbers:
        os.close(fd)
    for i, fd in enumerate(above):
        os.dup2(fd, LISTEN_FROM + i)
    if numbers:
        os.environ.update(LISTEN_FDS=str(len(numbers)), LISTEN_PID=str(os.getpid()))
    if watchdog_us != "0":
        os.environ.update(WATCHDOG_USEC=watchdog_us, WATCHDOG_PID=str(os.getpid()))
    if calls != "-":
        with open(calls) as f:
            build_walls(f.read().split())
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
