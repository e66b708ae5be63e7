#!/usr/bin/env python3
"""Rosters, subscriptions and presence where several change or die at once: what no play can say."""
import os
import signal

from facts import equal, run
from pair import seat
from server import Server

ROSTER = "{jabber:iq:roster}"
COUNT = 40


def get(client, ver=None):
    """The answer to a roster get; whatever comes before it is passed over."""
    client.send("<iq type='get' id='get'><query xmlns='jabber:iq:roster'%s/></iq>" %
                ("" if ver is None else " ver='%s'" % ver))
    return client.until(lambda e: e.get("id") == "get")


def item_of(push):
    return push.find(ROSTER + "query").find(ROSTER + "item")


def version_of(push):
    return push.find(ROSTER + "query").get("ver")


def number_of(push):
    return int(version_of(push).split(".")[1])


def is_push(element):
    return element.tag.endswith("iq") and element.get("type") == "set"


def put(client, identifier, jid, name=""):
    client.send("<iq type='set' id='%s'><query xmlns='jabber:iq:roster'><item jid='%s' name='%s'/></query></iq>" %
                (identifier, jid, name))


def is_answer(element):
    return element.tag.endswith("iq") and element.get("type") in ("result", "error")


def items(client):
    return {i.get("jid"): i.get("name") for i in get(client).find(ROSTER + "query")}


def forget(client):
    for jid in items(client):
        client.send("<iq type='set' id='forget'><query xmlns='jabber:iq:roster'>"
                    "<item jid='%s' subscription='remove'/></query></iq>" % jid)
        client.until(lambda e: e.get("id") == "forget")


def two_change_one(server):
    """two workers change one roster at once: nothing is lost, and every client hears each version once and in order"""
    clients = [seat(server, "romeo@localhost/w%d" % w, w) for w in (0, 1)]
    watcher = seat(server, "romeo@localhost/watcher", 0)
    for client in clients + [watcher]:
        get(client)
    for i in range(COUNT):
        for w, client in enumerate(clients):
            put(client, "s%d" % i, "a%d.%d@localhost" % (w, i))
    answers = 0
    for client in clients + [watcher]:
        pushes, answered = [], []
        while len(pushes) < 2 * COUNT or (client is not watcher and len(answered) < COUNT):
            element = client.get()
            if is_push(element):
                pushes.append(element)
            elif is_answer(element):
                equal(element.get("type"), "result")
                answered.append(element.get("id"))
        answers += len(answered)
        numbers = [number_of(p) for p in pushes]
        equal(numbers, list(range(numbers[0], numbers[0] + 2 * COUNT)), "versions")
        for w in (0, 1):
            equal([item_of(p).get("jid") for p in pushes if item_of(p).get("jid").startswith("a%d." % w)],
                  ["a%d.%d@localhost" % (w, i) for i in range(COUNT)], "order of one client's changes")
        if client is not watcher:
            equal(answered, ["s%d" % i for i in range(COUNT)], "answers")
    equal(answers, 2 * COUNT)
    equal(len(items(watcher)), 2 * COUNT)
    forget(watcher)
    for client in clients + [watcher]:
        client.close()


def asked_while_changed(server):
    """a client that asks for the roster while it is changed knows all of it in the end"""
    writer = seat(server, "romeo@localhost/writer", 0)
    get(writer)
    for round_number in range(10):
        reader = seat(server, "romeo@localhost/reader", 1)
        for i in range(10):
            put(writer, "s%d" % i, "b%d.%d@localhost" % (round_number, i))
            reader.send("<iq type='get' id='g'><query xmlns='jabber:iq:roster'/></iq>")
        known, version, answers = set(), 0, 0
        wanted = {"b%d.%d@localhost" % (r, i) for r in range(round_number + 1) for i in range(10)}
        while known != wanted or answers < 10:
            element = reader.get()
            query = element.find(ROSTER + "query")
            if element.get("id") == "g":
                answers += 1
                version = number_of(element)
                known = {i.get("jid") for i in query}
            elif is_push(element):
                equal(number_of(element), version + 1, "version after %d" % version)
                version += 1
                known.add(item_of(element).get("jid"))
        reader.close()
    forget(writer)
    writer.close()


def changed(client, change):
    """What is in the item of a set, and the version that it made."""
    client.send("<iq type='set' id='s'><query xmlns='jabber:iq:roster'><item %s/></query></iq>" % change)
    return version_of(client.until(is_push))


def told(server, ver, count):
    """What a client that knows that version is told: of each push the contact, what became of it, the version."""
    client = seat(server, "romeo@localhost/b", 1)
    equal(get(client, ver).find(ROSTER + "query"), None, "what is in the result")
    pushes = [client.get() for _ in range(count)]
    client.ping()
    client.close()
    return [(item_of(p).get("jid"), item_of(p).get("subscription"), version_of(p)) for p in pushes]


def old_versions(server):
    """who knows an older version hears of what has changed since, each contact once; who knows none of ours hears all"""
    client = seat(server, "romeo@localhost/a", 0)
    v0 = version_of(get(client))
    v1 = changed(client, "jid='x@localhost' name='1'")
    v2 = changed(client, "jid='y@localhost'")
    v3 = changed(client, "jid='x@localhost' name='2'")
    v4 = changed(client, "jid='y@localhost' subscription='remove'")
    x, y = ("x@localhost", "none", v3), ("y@localhost", "remove", v4)
    for ver, wanted in ((v4, []), (v3, [y]), (v2, [x, y]), (v1, [x, y]), (v0, [x, y])):
        equal(told(server, ver, len(wanted)), wanted, "told to who knows " + ver)
    account, number = v4.split(".")
    for ver in ("", "0", "nonsense", account + ".99999", "999999." + number, account + ".-1"):
        other = seat(server, "romeo@localhost/b", 1)
        equal(len(get(other, ver).find(ROSTER + "query")), 1, "items for ver='%s'" % ver)
        other.close()
    forget(client)
    client.close()


def past_the_log(server):
    """who knows a version that the log no longer reaches is told all"""
    client = seat(server, "romeo@localhost/a", 0)
    first = version_of(get(client))
    for i in range(250):
        put(client, "s%d" % i, "x@localhost", str(i))
    client.until(lambda e: e.get("id") == "s249")
    newest = version_of(client.until(lambda e: is_push(e) and item_of(e).get("name") == "249"))
    other = seat(server, "romeo@localhost/b", 1)
    equal(len(get(other, first).find(ROSTER + "query")), 1, "items")
    other.close()
    account, number = newest.split(".")
    recent = "%s.%d" % (account, int(number) - 199)
    equal(told(server, recent, 1), [("x@localhost", "none", newest)])
    forget(client)
    client.close()


def both_sides_at_once(server):
    """two who ask and approve each other at the same time, from different workers, end as what both said"""
    for _ in range(10):
        romeo = seat(server, "romeo@localhost/x", 0)
        juliet = seat(server, "juliet@localhost/x", 1)
        for client, other in ((romeo, "juliet"), (juliet, "romeo")):
            client.send("<presence to='%s@localhost' type='subscribed'/>"
                        "<presence to='%s@localhost' type='subscribe'/>" % (other, other))
        for client, other in ((romeo, "juliet"), (juliet, "romeo")):
            while True:
                found = [(i.get("jid"), i.get("subscription")) for i in get(client).find(ROSTER + "query")]
                if found == [(other + "@localhost", "both")]:
                    break
        for client, other in ((romeo, "juliet"), (juliet, "romeo")):
            client.send("<iq type='set' id='end'><query xmlns='jabber:iq:roster'>"
                        "<item jid='%s@localhost' subscription='remove'/></query></iq>" % other)
        for client in (romeo, juliet):
            client.until(lambda e: e.get("id") == "end")
        for client in (romeo, juliet):
            while get(client).find(ROSTER + "query").find(ROSTER + "item") is not None:
                forget(client)
            client.close()


def befriend(romeo, juliet):
    romeo.send("<presence to='juliet@localhost' type='subscribed'/>")
    romeo.until_answered()
    juliet.send("<presence to='romeo@localhost' type='subscribe'/>")
    juliet.until(lambda e: e.tag.endswith("presence") and e.get("from") == "romeo@localhost/x")


def killed(server):
    """contacts, and those who were sent presence by name, see a dead worker's resources become unavailable"""
    romeo = seat(server, "romeo@localhost/x", 0)
    juliet = seat(server, "juliet@localhost/x", 1)
    nurse = seat(server, "nurse@localhost/x", 1)
    for client in (romeo, juliet, nurse):
        client.send("<presence/>")
    befriend(romeo, juliet)
    romeo.send("<presence to='nurse@localhost/x'/>")
    nurse.until(lambda e: e.get("from") == "romeo@localhost/x")
    os.kill(server.worker(0)["pid"], signal.SIGKILL)
    for client in (juliet, nurse):
        gone = client.until(lambda e: e.get("from") == "romeo@localhost/x")
        equal(gone.get("type"), "unavailable")
    again = seat(server, "romeo@localhost/x", 0)
    again.send("<presence/>")
    juliet.until(lambda e: e.get("from") == "romeo@localhost/x" and e.get("type") is None)
    nurse.ping()	# she hears nothing of him now
    forget(again)
    for client in (romeo, juliet, nurse, again):
        client.close()


def deleted(server):
    """an account that is deleted leaves its contacts, at once or when they come, and one made anew inherits nothing"""
    juliet = seat(server, "juliet@localhost/x", 1)
    for name in ("here", "away"):
        server.add_account(name + "@localhost")
    for name in ("here", "away"):
        client = seat(server, name + "@localhost/x", 0)
        client.send("<presence/>")
        client.send("<presence to='juliet@localhost' type='subscribed'/>")
        get(client)
        juliet.send("<presence to='%s@localhost' type='subscribed'/>" % name)
        juliet.send("<presence to='%s@localhost' type='subscribe'/>" % name)
        get(juliet)
        client.send("<presence to='juliet@localhost' type='subscribe'/>")
        client.until(lambda e: is_push(e) and item_of(e).get("subscription") == "both")
        client.close()
    equal({i.get("subscription") for i in get(juliet).find(ROSTER + "query")}, {"both"})
    here = seat(server, "here@localhost/x", 0)
    here.send("<presence/>")
    here.until(lambda e: e.get("from") == "here@localhost/x")
    server.ctl("deluser", "here@localhost")
    for kind in ("unsubscribe", "unsubscribed"):
        juliet.until(lambda e: e.get("from") == "here@localhost" and e.get("type") == kind)
    push = juliet.until(is_push)
    equal((item_of(push).get("jid"), item_of(push).get("subscription")), ("here@localhost", "none"))
    here.close()
    server.ctl("deluser", "away@localhost")
    server.add_account("away@localhost")
    stranger = seat(server, "away@localhost/x", 0)
    equal(len(get(stranger).find(ROSTER + "query")), 0, "inherited items")
    stranger.send("<presence/>")
    stranger.until(lambda e: e.get("from") == "away@localhost/x")
    juliet.send("<presence><show>away</show></presence>")
    juliet.until(lambda e: is_push(e) and item_of(e).get("jid") == "away@localhost")
    equal({i.get("subscription") for i in get(juliet).find(ROSTER + "query")}, {"none"})
    stranger.ping()	# the stranger sees nothing of her
    forget(juliet)
    stranger.close()
    juliet.close()
    server.ctl("deluser", "away@localhost")


FACTS = [two_change_one, asked_while_changed, old_versions, past_the_log, both_sides_at_once, deleted, killed]

if __name__ == "__main__":
    run(FACTS, lambda: Server(workers=2, host_options="require_tls = false;",
                              accounts=("romeo@localhost", "juliet@localhost", "nurse@localhost")))
