"""Directories of tests bear the id of the process that made them; a later test removes what a killed one has left."""
import contextlib
import os
import re
import shutil
import signal
import tempfile

PLACES = {"/dev/shm", "/tmp", tempfile.gettempdir()}
NAME = re.compile(r"rookery-test-(\d+)-")
swept = False


def make(where="/dev/shm"):
    """A new one; the first of a process also clears up behind others."""
    global swept
    if not swept:
        swept = True
        sweep(PLACES)
    return tempfile.mkdtemp(prefix="rookery-test-%d-" % os.getpid(), dir=where)


@contextlib.contextmanager
def lent(where="/dev/shm"):
    """One that goes with its block."""
    folder = make(where)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def is_alive(pid):
    return os.path.exists("/proc/" + pid)


def has(pid, configuration):
    """Whether a process we may end was started with it; one that is gone, or nearly, has no command line."""
    try:
        os.kill(int(pid), 0)
        with open("/proc/%s/cmdline" % pid, "rb") as f:
            return os.fsencode(configuration) in f.read().split(b"\0")
    except OSError:
        return False


def servers(folder):
    """Guardian, master and all they started, whoever is their parent now."""
    configuration = os.path.join(folder, "rookery.conf")
    return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and has(pid, configuration)]


def end_servers(folder):
    """A server in the background has nobody else to end it when its test failed, nor has any when its test was killed."""
    while pids := servers(folder):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def sweep(places):
    """Removes those whose process is gone, and ends what serves in them."""
    for place in places:
        for name in os.listdir(place):
            owner = NAME.match(name)
            folder = os.path.join(place, name)
            if owner and not is_alive(owner.group(1)):
                end_servers(folder)
                shutil.rmtree(folder, ignore_errors=True)
