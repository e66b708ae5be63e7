"""Directories of tests bear the id of the process that made them; a later test removes what a killed one has left."""
import contextlib
import os
import re
import shutil
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


def serves(folder):
    """A server outlives the test that started it and was killed: it goes on in its directory."""
    try:
        with open(os.path.join(folder, "run", "rookeryd.pid")) as f:
            return is_alive(f.read().strip())
    except OSError:
        return False


def sweep(places):
    """Removes those whose process is gone."""
    for place in places:
        for name in os.listdir(place):
            owner = NAME.match(name)
            folder = os.path.join(place, name)
            if owner and not is_alive(owner.group(1)) and not serves(folder):
                shutil.rmtree(folder, ignore_errors=True)
