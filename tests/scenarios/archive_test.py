#!/usr/bin/env python3
"""The archive on two workers: paging by ids, what a query waits for, large pages, expiry and kill -9."""
import os
import signal
import threading

from archive import Page, SID, say, two
from facts import equal, run
from limits import bites
from pair import seat
from server import Server, stopped

ACCOUNTS = ("romeo@localhost", "juliet@localhost", "nurse@localhost", "tybalt@localhost",
            "benvolio@localhost", "mercutio@localhost")
FAST = "archive_queries = 1000;"


def paging(server):
    """forwards and backwards to the end, pages join without a gap, in the order of time"""
    romeo, juliet = two(server, "romeo", "juliet")
    told = [say(*((romeo, juliet) if i % 2 == 0 else (juliet, romeo)), i) for i in range(25)]
    everything = Page(juliet)
    equal(everything.bodies, [str(i) for i in range(25)])
    equal(everything.stamps, sorted(everything.stamps))
    equal(everything.ids[0::2], told[0::2], "Juliet's ids")
    equal(Page(romeo).ids[1::2], told[1::2], "Romeo's ids")

    forwards, page = [], Page(juliet, page="<max>7</max>")
    while True:
        equal((page.index, page.count), (len(forwards), 25))
        equal((page.first, page.last), (page.ids[0], page.ids[-1]))
        forwards += page.ids
        if page.complete:
            break
        page = Page(juliet, page="<max>7</max><after>%s</after>" % page.last)
    equal(forwards, everything.ids)

    backwards, page = [], Page(juliet, page="<max>7</max><before/>")
    while True:
        equal((page.index, page.count), (None, 25))		# slixmpp would stop here: see archive_page.c
        backwards = page.ids + backwards
        if page.complete:
            break
        page = Page(juliet, page="<max>7</max><before>%s</before>" % page.first)
    equal(backwards, everything.ids)
    equal(Page(juliet, page="<after>%s</after>" % everything.ids[-1]).ids, [])
    flipped = Page(juliet, page="<max>7</max>", more="<flip-page/>")
    equal((flipped.ids, flipped.first), (everything.ids[6::-1], everything.ids[0]))


def ids_of_form(server):
    """before-id, after-id and ids narrow the result set; one that is not there is item-not-found"""
    romeo, juliet = two(server, "romeo", "juliet")
    ids = Page(juliet).ids
    between = Page(juliet, form=[("after-id", [ids[3]]), ("before-id", [ids[9]])])
    equal((between.ids, between.index, between.count, between.complete), (ids[4:9], 0, 5, True))
    page = Page(juliet, form=[("after-id", [ids[3]]), ("before-id", [ids[9]])],
                page="<max>2</max><after>%s</after>" % ids[5])
    equal((page.ids, page.index, page.count, page.complete), (ids[6:8], 2, 5, False))
    equal(Page(juliet, form=[("ids", [ids[9], ids[2], ids[5], ids[2]])]).ids, [ids[2], ids[5], ids[9]])
    page = Page(juliet, form=[("ids", ids[:9])], page="<max>4</max><before>%s</before>" % ids[6])
    equal((page.ids, page.index, page.count, page.complete), (ids[2:6], None, 9, False))
    equal(Page(juliet, form=[("start", [Page(juliet).stamps[20]])]).ids, ids[20:])
    equal(Page(juliet, form=[("end", [Page(juliet).stamps[20]])]).ids, ids[:21])
    for one in ("before-id", "after-id", "ids"):
        equal(Page(romeo, form=[(one, [ids[0]])]).error, "item-not-found", "of another's archive")
    equal(Page(romeo, page="<after>%s</after>" % ids[0]).error, "item-not-found")
    equal(Page(juliet, form=[("ids", [ids[0], "0" * 16])]).error, "item-not-found")


def at_once(server):
    """what was delivered is found by a query that follows at once, whichever worker took it"""
    nurse, tybalt = two(server, "nurse", "tybalt")
    for i in range(200):
        told = say(nurse, tybalt, i)
        equal(Page(tybalt, form=[("ids", [told])]).bodies, [str(i)])
        equal(Page(nurse, page="<max>1</max><before/>").bodies, [str(i)])


def large(server):
    """a page larger than an outbox arrives whole, in either order"""
    benvolio, mercutio = two(server, "benvolio", "mercutio")
    texts = [chr(ord("a") + i % 26) * 60000 for i in range(100)]
    for text in texts:
        say(benvolio, mercutio, text)
    equal(Page(mercutio, page="<max>100</max>").bodies, texts)
    equal(Page(mercutio, page="<max>100</max>", more="<flip-page/>").bodies, texts[::-1])


def crossing(server):
    """two workers that write into one archive at once leave no gap in its pages"""
    nurse, tybalt = two(server, "nurse", "tybalt")
    benvolio = seat(server, "benvolio@localhost/three", 1)
    since = Page(benvolio, page="<max>1</max><before/>").ids[0]
    seen = []
    for i in range(100):
        for sender in (nurse, tybalt):
            sender.send("<message to='%s' type='chat'><body>%s %d</body></message>" % (benvolio.jid, sender.jid, i))
    told = [benvolio.get().find(SID).get("id") for _ in range(200)]
    while True:
        page = Page(benvolio, page="<max>9</max><after>%s</after>" % (seen or [since])[-1])
        seen += page.ids
        if page.complete:
            break
    equal(sorted(seen), sorted(told))


def slow_store(server):
    """a store that does not keep up slows those who write, and nothing is refused"""
    nurse, tybalt = two(server, "nurse", "tybalt")
    store = server.processes("store")[1]["pid"]
    text = "<message to='%s' type='chat'><body>%s</body></message>" % (tybalt.jid, "x" * 1000)
    with stopped(store):
        writer = threading.Thread(target=nurse.send, args=(text * 1500,))
        writer.start()
        for _ in range(200):
            equal(tybalt.get().get("type"), "chat")
    for _ in range(1300):
        equal(tybalt.get().get("type"), "chat")
    writer.join()
    equal(Page(nurse, page="<max>1</max><before/>").bodies, ["x" * 1000])


def too_fast(server):
    """queries that come too fast wait for the clock, in their order; more than four at once are refused"""
    server.options = "archive_queries = 1;"
    server.write_config()
    server.ctl("reload")
    romeo = seat(server, "romeo@localhost/fast", 0)
    query = "<iq type='get' id='%d'><metadata xmlns='urn:xmpp:mam:2'/></iq>"
    before = bites(server, "archive_queries")
    romeo.send("".join(query % i for i in range(12)))
    equal([(romeo.get().get("id"), "result") for _ in range(4)], [(str(i), "result") for i in range(4)])
    refused = [romeo.get() for _ in range(4)]
    equal([(r.get("id"), r.get("type")) for r in refused], [(str(i), "error") for i in range(8, 12)])
    for i in range(4, 8):
        server.move_clock(1)
        answer = romeo.get()
        equal((answer.get("id"), answer.get("type")), (str(i), "result"))
    equal(bites(server, "archive_queries") - before, 4, "bites")	# of twelve, of which four were refused
    server.options = FAST
    server.write_config()
    server.ctl("reload")


def killed(server):
    """messages acknowledged by an answer survive kill -9 of worker and store; their archive goes on"""
    romeo, juliet = two(server, "romeo", "juliet")
    before = Page(juliet, page="<max>0</max>").count
    say(romeo, juliet, "before")
    equal(Page(juliet, page="<max>1</max><before/>").bodies, ["before"])
    for kind, number in (("store", 1), ("worker", 0)):
        process = next(p for p in server.processes(kind) if p["number"] == server.processes(kind)[number]["number"])
        os.kill(process["pid"], signal.SIGKILL)
        server.wait_for(lambda: any(p["number"] == process["number"] and p["pid"] != process["pid"] and
                                    p["state"] == "ready" for p in server.processes(kind)), kind + " is back")
    romeo = seat(server, "romeo@localhost/again", 0)
    say(romeo, juliet, "after")
    equal(Page(juliet, page="<max>2</max><before/>").bodies, ["before", "after"])
    equal(Page(romeo, page="<max>2</max><before/>").bodies, ["before", "after"])
    equal(Page(juliet, page="<max>0</max>").count, before + 2)


def expiry(server):
    """what has expired is gone from memory, log and lists"""
    romeo = seat(server, "romeo@localhost/late", 0)
    old = Page(romeo, page="<max>1</max>").ids[0]
    romeo.close()
    mark = server.log.mark()
    server.move_clock(31 * 86400)
    server.log.wait("expired messages removed", mark)
    romeo, juliet = two(server, "romeo", "juliet")
    equal(Page(romeo, page="<max>0</max>").count, 0)
    equal(Page(romeo, form=[("ids", [old])]).error, "item-not-found")
    say(romeo, juliet, "new")
    server.options = FAST + 'archive_expires = "3650 d";'
    server.write_config()
    server.ctl("reload")
    equal(Page(romeo).bodies, ["new"], "nothing else is there, though it would be shown now")
    equal(Page(juliet).count, 1)


def restarted(server):
    """ids and order outlive the server, and go on"""
    romeo, juliet = two(server, "romeo", "juliet")
    ids = Page(juliet).ids
    equal(server.stop(), 0, "exit status")
    server.start()
    romeo, juliet = two(server, "romeo", "juliet")
    equal(Page(juliet).ids, ids)
    told = say(romeo, juliet, "newer")
    equal(Page(juliet).ids, ids + [told])


def make_server():
    return Server(workers=2, accounts=ACCOUNTS, host_options="require_tls = false;",
                  options=FAST)


run([paging, ids_of_form, at_once, large, crossing, slow_store, too_fast, killed, expiry, restarted], make_server)
