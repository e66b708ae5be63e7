#!/usr/bin/env python3
"""Bookmarks (XEP-0402) by three specifications: two workers at once, long lists, and limits at their edges."""
import random
import threading

from facts import equal, run
from pair import enter, seat
from server import Server

PUBSUB = "http://jabber.org/protocol/pubsub"
NEW, OLD = "urn:xmpp:bookmarks:1", "storage:bookmarks"
MOST = 230  # items of a node: more than one request of the store changes
BYTES = 32 << 10  # of an item


def leave(server, *actors):
    """The next fact finds an account without bookmarks."""
    for actor in actors:
        actor.close()
    server.ctl("deluser", "romeo@localhost")
    server.add_account("romeo@localhost")


def ask(actor, type, payload):
    """The payload of the answer, None where it has none; an error's conditions joined, where it is one."""
    actor.send("<iq type='%s' id='q'>%s</iq>" % (type, payload))
    answer = actor.get()
    equal(answer.get("id"), "q", "id")
    if answer.get("type") == "error":
        return " ".join(e.tag.split("}")[1] for e in answer.find("{jabber:client}error"))
    return answer[0] if len(answer) else None


def pubsub(actor, type, inner):
    return ask(actor, type, "<pubsub xmlns='%s'>%s</pubsub>" % (PUBSUB, inner))


def room(i):
    return "room%s@rooms.localhost" % i


def put(actor, jid, name):
    got = pubsub(actor, "set", "<publish node='%s'><item id='%s'><conference xmlns='%s' name='%s'/></item></publish>" % (
        NEW, jid, NEW, name))
    return got if isinstance(got, str) else None


def retract(actor, jid):
    return pubsub(actor, "set", "<retract node='%s'><item id='%s'/></retract>" % (NEW, jid))


def storage(rooms):
    return "<storage xmlns='%s'>%s</storage>" % (
        OLD, "".join("<conference jid='%s' name='%s'/>" % each for each in rooms.items()))


def put_private(actor, rooms):
    return ask(actor, "set", "<query xmlns='jabber:iq:private'>%s</query>" % storage(rooms))


def put_old(actor, rooms):
    got = pubsub(actor, "set", "<publish node='%s'><item id='current'>%s</item></publish>" % (OLD, storage(rooms)))
    return got if isinstance(got, str) else None


def in_items(actor):
    """Page by page: a long list is not given at once."""
    found, after = {}, ""
    while True:
        got = pubsub(actor, "get", "<items node='%s'/><set xmlns='http://jabber.org/protocol/rsm'><max>100</max>%s</set>" % (
            NEW, after))
        if isinstance(got, str):
            return {}
        items = got[0]
        if not len(items):
            return found
        found.update((i.get("id"), i[0].get("name")) for i in items)
        after = "<after>%s</after>" % items[-1].get("id")


def in_private(actor):
    query = ask(actor, "get", "<query xmlns='jabber:iq:private'><storage xmlns='%s'/></query>" % OLD)
    return {c.get("jid"): c.get("name") for c in query[0]}


def in_old(actor):
    got = pubsub(actor, "get", "<items node='%s'/>" % OLD)
    return {} if isinstance(got, str) else {c.get("jid"): c.get("name") for c in got[0][0][0]}


def all_have(actors, rooms):
    for actor in actors:
        for how in (in_items, in_private, in_old):
            equal(how(actor), rooms, how.__name__)


def at_once(actors, work):
    wrong = []

    def one(w):
        try:
            work(w, actors[w])
        except Exception as e:
            wrong.append(repr(e))
    threads = [threading.Thread(target=one, args=(w,)) for w in range(len(actors))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    equal(wrong, [])


def two_workers_lose_nothing(server):
    """rooms that two workers add and remove at once are all added and removed, in all three places"""
    actors = [seat(server, "romeo@localhost/%d" % w, w) for w in range(2)]

    def work(w, actor):
        for i in range(25):
            equal(put(actor, room("%d-%d" % (w, i)), "n%d" % i), None)
            if i % 5 == 4:
                equal(retract(actor, room("%d-%d" % (w, i - 2))), None)
    at_once(actors, work)
    all_have(actors, {room("%d-%d" % (w, i)): "n%d" % i for w in range(2) for i in range(25) if i % 5 != 2})
    leave(server, *actors)


def whatever_is_used_all_agree(server):
    """rooms and whole lists that two workers write at once, by all three ways: the three places agree"""
    actors = [seat(server, "romeo@localhost/%d" % w, w) for w in range(2)]

    def work(w, actor):
        dice = random.Random(w)
        for i in range(40):
            some = {room(dice.randrange(20)): "n%d" % i for _ in range(5)}
            way = dice.randrange(4)
            if way == 0:
                equal(put_private(actor, some), None)
            elif way == 1:
                equal(put_old(actor, some), None)
            elif way == 2:
                retract(actor, room(dice.randrange(20)))
            else:
                equal(put(actor, *some.popitem()), None)
    at_once(actors, work)
    all_have(actors, in_items(actors[0]))
    leave(server, *actors)


def long_lists(server):
    """a list of as many rooms as a node may have is taken over whole, replaced and emptied; one more is refused"""
    romeo = enter(server, "romeo@localhost/a")
    rooms = {room(i): "n" for i in range(MOST)}
    equal(put_private(romeo, rooms), None)
    all_have([romeo], rooms)
    equal(put_private(romeo, dict(rooms, **{room("more"): "n"})), "resource-constraint")
    all_have([romeo], rooms)
    others = {room("x%d" % i): "m" for i in range(MOST)}
    equal(put_old(romeo, others), None)
    all_have([romeo], others)
    equal(put_private(romeo, {}), None)
    all_have([romeo], {})
    equal(put_private(romeo, rooms), None)
    equal(ask(romeo, "set", "<pubsub xmlns='%s#owner'><purge node='%s'/></pubsub>" % (PUBSUB, OLD)), None)
    equal((in_items(romeo), in_private(romeo)), ({}, {}))
    leave(server, romeo)


def lists_have_their_size(server):
    """what is too large for the old node's item is refused in the new node"""
    romeo = enter(server, "romeo@localhost/a")
    rooms = {}
    for i in range(6):
        rooms[room(i)] = "x" * 5000
        equal(put(romeo, room(i), rooms[room(i)]), None)
    equal(put(romeo, room("more"), "x" * 5000), "resource-constraint")
    all_have([romeo], rooms)
    equal(put(romeo, room("more"), "x" * 1000), None)
    leave(server, romeo)


ALL = (two_workers_lose_nothing, whatever_is_used_all_agree, long_lists, lists_have_their_size)

if __name__ == "__main__":
    run(ALL, lambda: Server(
        workers=2, accounts=("romeo@localhost",), host_options="require_tls = false;",
        options="pep_items = %d; pep_item_bytes = %d;" % (MOST, BYTES)))
