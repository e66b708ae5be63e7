#!/usr/bin/python3
"""What a sanitizer reports of any process of a server fails the test that started it."""
import os
import signal

from facts import Facts, equal
from server import BUILD, Server

REPORTS = ("==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x602000000010\n",
           "WARNING: ThreadSanitizer: data race (pid=7)\n",
           "shm/slots.c:7:3: runtime error: signed integer overflow\n")


def fails(server):
    try:
        server.remove()
    except AssertionError as error:
        return "a sanitizer reports" in str(error)
    return False


def each_kind():
    """a report of any sanitizer in the log fails the test"""
    for report in REPORTS:
        server = Server(start=False)
        server.log.lines.append(report)
        equal(fails(server), True, report)


def none():
    """a server that ran and stopped does not"""
    equal(fails(Server(workers=1)), False)


def real():
    """a worker that dies of its memory says so there, though another takes its seat"""
    with open(os.path.join(BUILD, "config.h")) as f:
        if "#define ROOKERY_SANITIZERS 1" not in f.read():
            print("     SKIPPED: built without sanitizers")
            return
    server = Server(workers=1)
    os.kill(server.worker(0)["pid"], signal.SIGSEGV)
    server.log.wait("Sanitizer")
    equal(fails(server), True)


facts = Facts()
for fact in (each_kind, none, real):
    facts.show(fact)
facts.end()
