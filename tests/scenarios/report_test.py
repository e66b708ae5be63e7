#!/usr/bin/python3
"""What a sanitizer reports of any process of a server fails the test that started it."""
import os
import signal

import reports
from facts import Facts, equal
from guarded import Guarded
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


def is_sanitized():
    if not reports.is_sanitized(BUILD):
        print("     SKIPPED: built without sanitizers")
    return reports.is_sanitized(BUILD)


def ends_one_of(server, kind):
    """By its memory; another takes its place."""
    pid = server.processes(kind)[0]["pid"]
    os.kill(pid, signal.SIGSEGV)
    server.wait_for(lambda: all(p["pid"] != pid and p["state"] == "ready" for p in server.processes(kind)), "another")


def real():
    """a worker, and a store, that dies of its memory says so there, though another takes its seat"""
    for kind in ("worker", "store") if is_sanitized() else ():
        server = Server(workers=1)
        ends_one_of(server, kind)
        equal(fails(server), True, kind)


def in_background():
    """so does one of a server in the background, which has no output"""
    for kind in ("worker", "store") if is_sanitized() else ():
        server = Guarded(workers=1)
        ends_one_of(server, kind)
        equal(fails(server), True, kind)


def of_command():
    """a command that is expected to fail does not do so by a sanitizer's report"""
    server = Server(start=False)
    with open(server.path("ctl"), "w") as f:
        f.write("#!/bin/sh\necho '%s' >&2\nexit 1\n" % REPORTS[0].strip())
    os.chmod(server.path("ctl"), 0o755)
    server.control = server.path("ctl")
    try:
        server.ctl("status", check=False)
        raise AssertionError("it passes")
    except AssertionError as error:
        equal("a sanitizer reports" in str(error), True, str(error))
    server.remove()


facts = Facts()
for fact in (each_kind, none, real, in_background, of_command):
    facts.show(fact)
facts.end()
