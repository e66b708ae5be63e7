#!/usr/bin/python3
"""What a killed test has left goes with the next one, and every test makes its directories so that it can."""
import os
import re
import subprocess
import sys

import folders
from facts import Facts, equal

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
MAKERS = re.compile(r"\b(mkdtemp|TemporaryDirectory|mktemp)\b")
FINE = re.compile(r"rookery-test-\$\$-|dir=server\.directory")	# the name a shell gives, or inside of one
THE_MAKERS = {"folder.h", "folders.py", "folders_test.py"}


def dead():
    """The id of a process that is gone."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    return gone.pid


def put(place, owner, server=None):
    """A directory as a test leaves it, with the pid file of its server."""
    folder = os.path.join(place, "rookery-test-%d-abcdef" % owner)
    os.makedirs(os.path.join(folder, "run"))
    if server is not None:
        with open(os.path.join(folder, "run", "rookeryd.pid"), "w") as f:
            f.write("%d\n" % server)
    return folder


def of_the_dead():
    """a directory whose process is gone is removed"""
    with folders.lent() as place:
        put(place, dead(), server=dead())
        folders.sweep([place])
        equal(os.listdir(place), [])


def of_the_living():
    """what a living process has, its server works in, or no test has made stays"""
    with folders.lent() as place:
        kept = [put(place, os.getpid()), put(place, dead(), server=os.getpid()), os.path.join(place, "rookery-other")]
        os.mkdir(kept[2])
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
for fact in (of_the_dead, of_the_living, left_by_a_killed_test, no_other_maker):
    facts.show(fact)
facts.end()
