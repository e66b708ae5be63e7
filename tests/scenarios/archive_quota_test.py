#!/usr/bin/env python3
"""An archive that is full goes on: its oldest messages make room."""
from archive import Page, say, two
from facts import equal, run
from limits import Bites, bites
from server import Server

ACCOUNTS = ("paris@localhost", "rosaline@localhost")
QUOTA = 64 << 10
STEP = QUOTA // 64


def quota(server):
    """an archive that is full loses its oldest messages, and the other end keeps them"""
    paris, rosaline = two(server, "paris", "rosaline")
    small = [say(paris, rosaline, "s" * 100 + str(i)) for i in range(3)]
    with Bites(server, "archive_bytes", 0):
        for i in range(10):
            say(rosaline, rosaline, str(i) + "x" * 4000)
        equal(Page(rosaline, page="<max>100</max>").count, 13, "what fits")
    for i in range(10, 40):
        say(rosaline, rosaline, str(i) + "x" * 4000)
    server.wait_for(lambda: sum(map(len, Page(rosaline, page="<max>100</max>").bodies)) <= QUOTA + STEP,
                    "the archive is trimmed")
    equal(bites(server, "archive_bytes") > 0, True, "it bites")
    page = Page(rosaline, page="<max>100</max>")
    equal(page.bodies[-1][:2], "39")
    equal(page.complete, True)
    if len(page.bodies) < 10 or page.ids[0] in small:
        raise AssertionError("%d are left" % len(page.bodies))
    equal(Page(rosaline, page="<after>%s</after>" % small[0]).error, "item-not-found")
    equal(Page(paris).count, 3)


def make_server():
    return Server(workers=2, accounts=ACCOUNTS, host_options="require_tls = false;",
                  options='archive_bytes = "64 KiB"; archive_queries = 1000;')


run([quota], make_server)
