#!/usr/bin/env python3
"""Personal nodes (XEP-0163): each limit at its edges, and what two workers change at once."""
import threading

from facts import equal, run
from pair import enter, seat
from server import Server

PUBSUB = "http://jabber.org/protocol/pubsub"
OWNER = PUBSUB + "#owner"
PEOPLE, NODES, ITEMS, ITEM_BYTES, ALL_BYTES = 60, 4, 5, 4096, 64 << 10
RECORD = 24  # what the store keeps of an item beside its id and payload
HEAD = len('<n xmlns="urn:x"></n>')


def leave(server, actor):
    """The next fact finds an account without nodes."""
    jid = actor.jid.split("/")[0]
    actor.close()
    server.ctl("deluser", jid)
    server.add_account(jid)


def ask(actor, type, inner, owner=False):
    """The payload of the answer, None where it has none; an error's conditions joined, where it is one."""
    actor.send("<iq type='%s' id='q'><pubsub xmlns='%s'>%s</pubsub></iq>" % (type, OWNER if owner else PUBSUB, inner))
    answer = actor.get()
    equal(answer.get("id"), "q", "id")
    if answer.get("type") == "error":
        return " ".join(e.tag.split("}")[1] for e in answer.find("{jabber:client}error"))
    return answer[0] if len(answer) else None


def publish(actor, node, item, size=100):
    got = ask(actor, "set", "<publish node='%s'><item id='%s'><n xmlns='urn:x'>%s</n></item></publish>" % (
        node, item, "x" * (size - HEAD)))
    return got if isinstance(got, str) else None


def configure(actor, node, name, value):
    return ask(actor, "set", "<configure node='%s'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
               "<value>%s#node_config</value></field><field var='pubsub#%s'><value>%s</value></field></x></configure>" % (
                   node, PUBSUB, name, value), owner=True)


def so_many_nodes(server):
    """an account has as many nodes as the option says"""
    romeo = enter(server, "romeo@localhost/a")
    for i in range(NODES):
        equal(publish(romeo, "n%d" % i, "i"), None)
    equal(publish(romeo, "more", "i"), "conflict max-nodes-exceeded")
    equal(ask(romeo, "set", "<create node='more'/>"), "conflict max-nodes-exceeded")
    equal(ask(romeo, "set", "<delete node='n0'/>", owner=True), None)
    equal(publish(romeo, "more", "i"), None)
    leave(server, romeo)


def so_many_items(server):
    """a node keeps as many items as the option says, and is not configured to keep more"""
    romeo = enter(server, "romeo@localhost/a")
    equal(ask(romeo, "set", "<create node='n'/>"), None)
    equal(configure(romeo, "n", "max_items", ITEMS + 1), "not-acceptable")
    equal(configure(romeo, "n", "max_items", ITEMS), None)
    for i in range(ITEMS + 2):
        equal(publish(romeo, "n", "i%d" % i), None)
    items = ask(romeo, "get", "<items node='n'/>")[0]
    equal([i.get("id") for i in items], ["i%d" % i for i in range(2, ITEMS + 2)])
    leave(server, romeo)


def so_large_an_item(server):
    """an item is as large as the option says"""
    romeo = enter(server, "romeo@localhost/a")
    equal(publish(romeo, "n", "i", ITEM_BYTES), None)
    equal(publish(romeo, "n", "i", ITEM_BYTES + 1), "not-acceptable payload-too-big")
    leave(server, romeo)


def so_many_bytes(server):
    """all nodes of an account together hold as much as the option says"""
    romeo = enter(server, "romeo@localhost/a")
    kept = 0
    for n in range(NODES):
        equal(ask(romeo, "set", "<create node='n%d'/>" % n), None)
        equal(configure(romeo, "n%d" % n, "max_items", "max"), None)
    for n in range(NODES):
        for i in range(ITEMS):
            got = publish(romeo, "n%d" % n, "i%d" % i, ITEM_BYTES)
            kept += got is None
            if got is not None:
                equal(got, "resource-constraint")
    equal(kept, ALL_BYTES // (ITEM_BYTES + RECORD + len("i0")), "as much as fits")
    leave(server, romeo)


def so_many_people(server):
    """a node has so many subscribers, and so many that are let in by name; what is too much for a record is refused"""
    romeo = enter(server, "romeo@localhost/a")
    equal(ask(romeo, "set", "<create node='n'/>"), None)

    def subscribe(names, state="subscribed"):
        return ask(romeo, "set", "<subscriptions node='n'>%s</subscriptions>" % "".join(
            "<subscription jid='%s' subscription='%s'/>" % (n, state) for n in names), owner=True)

    def affiliate(names, state="member"):
        return ask(romeo, "set", "<affiliations node='n'>%s</affiliations>" % "".join(
            "<affiliation jid='%s' affiliation='%s'/>" % (n, state) for n in names), owner=True)
    names = ["m%d@localhost" % i for i in range(PEOPLE)]
    equal(subscribe(names), None)
    equal(subscribe(["more@localhost"]), "policy-violation too-many-subscriptions")
    equal(subscribe(names[:1]), None)
    equal(subscribe(names[:1], "none"), None)
    equal(subscribe(["more@localhost"]), None)
    equal(affiliate(names), None)
    equal(affiliate(["more@localhost"]), "resource-constraint")
    equal(affiliate(names[:1], "none"), None)
    equal(affiliate(["more@localhost"]), None)
    equal(affiliate(names[1:] + ["more@localhost"], "none"), None)
    long = ["%s%d@localhost/%s" % ("l" * 1000, i, "r" * 1000) for i in range(PEOPLE)]
    equal(subscribe(names[1:] + ["more@localhost"], "none"), None)
    equal(subscribe(long[:30]), None)
    equal(subscribe(long[30:]), None)
    equal(affiliate([n.split("/")[0] for n in long]), "policy-violation")
    equal(len(ask(romeo, "get", "<affiliations node='n'/>", owner=True)[0]), 1, "the owner alone")
    equal(len(ask(romeo, "get", "<subscriptions node='n'/>", owner=True)[0]), PEOPLE)
    equal(publish(romeo, "n", "i"), None)
    leave(server, romeo)


def two_workers_lose_nothing(server):
    """people let in on two workers at once are all let in, and items published meanwhile all stand there"""
    actors = [seat(server, "romeo@localhost/%d" % w, w) for w in range(2)]
    equal(ask(actors[0], "set", "<create node='n'/>"), None)
    equal(configure(actors[0], "n", "max_items", "max"), None)
    wrong = []

    def work(w):
        try:
            for i in range(25):
                equal(ask(actors[w], "set", "<affiliations node='n'><affiliation jid='m%d-%d@localhost' "
                          "affiliation='member'/></affiliations>" % (w, i), owner=True), None)
                equal(publish(actors[w], "n", "i%d" % (i % 2 + 2 * w)), None)
        except Exception as e:
            wrong.append(e)
    threads = [threading.Thread(target=work, args=(w,)) for w in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    equal(wrong, [])
    names = {a.get("jid") for a in ask(actors[0], "get", "<affiliations node='n'/>", owner=True)[0]}
    equal(names, {"romeo@localhost"} | {"m%d-%d@localhost" % (w, i) for w in range(2) for i in range(25)})
    equal(sorted(i.get("id") for i in ask(actors[1], "get", "<items node='n'/>")[0]), ["i0", "i1", "i2", "i3"])
    actors[1].close()
    leave(server, actors[0])


ALL = (so_many_nodes, so_many_items, so_large_an_item, so_many_bytes, so_many_people, two_workers_lose_nothing)

if __name__ == "__main__":
    run(ALL, lambda: Server(
        workers=2, accounts=("romeo@localhost",), host_options="require_tls = false;",
        options="pep_people = %d; pep_nodes = %d; pep_items = %d; pep_item_bytes = %d; pep_bytes = %d;" % (
            PEOPLE, NODES, ITEMS, ITEM_BYTES, ALL_BYTES)))
