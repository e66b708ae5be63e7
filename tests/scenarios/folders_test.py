#!/usr/bin/python3
"""What a killed test has left goes with the next one, and every test makes its directories so that it can."""
import os
import re
import signal
import subprocess
import sys

import folders
from facts import Facts, equal
from guarded import Guarded

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
MAKERS = re.compile(r"\b(mkdtemp|TemporaryDirectory|mktemp)\b")
FINE = re.compile(r"rookery-test-\$\$-|dir=server\.directory")	# the name a shell gives, or inside of one
THE_MAKERS = {"folder.h", "folders.py", "folders_test.py"}


def dead():
    """The id of a process that is gone."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    return gone.pid


def put(place, owner):
    """A directory as a test leaves it."""
    folder = os.path.join(place, "rookery-test-%d-abcdef" % owner)
    os.makedirs(os.path.join(folder, "run"))
    return folder


def of_the_dead():
    """a directory whose process is gone is removed"""
    with folders.lent() as place:
        put(place, dead())
        folders.sweep([place])
        equal(os.listdir(place), [])


def of_the_living():
    """what a living process has, or no test has made, stays"""
    with folders.lent() as place:
        kept = [put(place, os.getpid()), os.path.join(place, "rookery-other")]
        os.mkdir(kept[1])
        folders.sweep([place])
        equal(sorted(os.listdir(place)), sorted(map(os.path.basename, kept)))


def elsewhere(text):
    """What another process of this folder says."""
    return subprocess.run([sys.executable, "-c", text], cwd=os.path.dirname(folders.__file__) or ".",
                          stdout=subprocess.PIPE, text=True).stdout.strip()


def left_by_a_killed_test():
    """a test that is killed leaves what the next test removes"""
    left = elsewhere("import folders, os; print(folders.make(), flush=True); os.kill(os.getpid(), 9)")
    elsewhere("import folders, os; os.rmdir(folders.make())")
    equal((os.path.dirname(left), os.path.exists(left)), ("/dev/shm", False), left)


def its_server():
    """a server in the background that a killed test has left ends with its directory, and so does one that is not up"""
    left = elsewhere("import guarded, os, signal; server = guarded.Guarded(workers=1); print(server.directory, flush=True);"
                     "os.kill(os.getpid(), 9)")
    equal(len(folders.servers(left)), 5, "processes: the guardian, the master, a worker and the stores")
    elsewhere("import folders, os; os.rmdir(folders.make())")
    equal((os.path.exists(left), folders.servers(left)), (False, []), left)
    server = Guarded(workers=1)
    os.kill(server.processes("master")[0]["pid"], signal.SIGKILL)
    server.remove()
    equal(folders.servers(server.directory), [], "processes")


def no_other_maker():
    """no test makes directories in another way"""
    found = []
    for parent, _, names in os.walk(TESTS):
        if "corpus" in parent or "node_modules" in parent:
            continue
        for name in set(names) - THE_MAKERS:
            with open(os.path.join(parent, name), errors="replace") as f:
                found += [name + ": " + line.strip() for line in f if MAKERS.search(line) and not FINE.search(line)]
    equal(found, [])


facts = Facts()
for fact in (of_the_dead, of_the_living, left_by_a_killed_test, its_server, no_other_maker):
    facts.show(fact)
facts.end()
