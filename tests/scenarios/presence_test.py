#!/usr/bin/env python3
"""More presence than anybody wants: it is bounded, the last of it counts, and nothing of the rest is kept."""
from facts import equal, run
from pair import seat
from server import Server

CLIENT = "{jabber:client}"
LIMIT = 3
STORM = 250		# less than csi_queue


def available(server, jid, worker):
    client = seat(server, jid, worker)
    client.send("<presence/>")
    equal(client.get().get("from"), client.jid)
    return client


def by_name(server):
    """presence by name goes to so many addresses; one more is resource-constraint and reaches nobody, until one is taken back"""
    romeo, juliet = available(server, "romeo@localhost/phone", 0), available(server, "juliet@localhost/balcony", 1)
    for i in range(LIMIT):
        romeo.send("<presence to='friend%d@localhost'/>" % i)
    romeo.send("<presence id='more' to='juliet@localhost/balcony'/>")
    refused = romeo.until_answered()
    equal([(e.get("type"), e.get("id")) for e in refused], [("error", "more")])
    equal(refused[0].find("*/{urn:ietf:params:xml:ns:xmpp-stanzas}resource-constraint") is None, False, "condition")
    juliet.ping()
    romeo.send("<presence type='unavailable' to='friend0@localhost'/><presence to='juliet@localhost/balcony'/>")
    romeo.ping()
    equal([e.get("from") for e in juliet.until_answered()], [romeo.jid])
    romeo.close()
    juliet.close()


def storm(server):
    """of a storm an inactive client gets the last one alone, and a probe is told the same"""
    romeo, juliet = available(server, "romeo@localhost/phone", 0), available(server, "juliet@localhost/balcony", 1)
    romeo.send("<presence to='juliet@localhost' type='subscribed'/>")
    romeo.until_answered()
    juliet.send("<presence to='romeo@localhost' type='subscribe'/>")
    juliet.until_answered()
    juliet.send("<inactive xmlns='urn:xmpp:csi:0'/>")
    juliet.until_answered()
    server.move_clock(6)
    for i in range(0, STORM, 50):
        romeo.send("".join("<presence><status>%d</status></presence>" % n for n in range(i, i + 50)))
        romeo.until_answered()
    waiting = next(s for s in server.sessions() if s["jid"] == juliet.jid)
    equal(waiting["queue_bytes"] < 64 << 10, True, "%d bytes wait" % waiting["queue_bytes"])
    juliet.send("<active xmlns='urn:xmpp:csi:0'/>")
    equal([e.findtext(CLIENT + "status") for e in juliet.until_answered()], [str(STORM - 1)])
    juliet.send("<presence to='romeo@localhost' type='probe'/>")
    equal([e.findtext(CLIENT + "status") for e in juliet.until_answered()], [str(STORM - 1)])
    romeo.close()
    juliet.close()


def levelled(server):
    """where a host ignores priorities every available client gets a message, and is shown without one"""
    romeo = available(server, "romeo@localhost/phone", 0)
    one, two = (seat(server, "juliet@example.org/%d" % i, i) for i in range(2))
    one.send("<presence><priority>5</priority></presence>")
    equal(one.get().find(CLIENT + "priority"), None)
    two.send("<presence><priority>-1</priority></presence>")
    two.until_answered()
    one.until_answered()
    romeo.send("<message to='juliet@example.org' id='1'><body>all of you</body></message>")
    romeo.until_answered()
    equal([[e.get("id") for e in client.until_answered()] for client in (one, two)], [["1"], ["1"]])
    for client in (romeo, one, two):
        client.close()


if __name__ == "__main__":
    run([by_name, storm, levelled], lambda: Server(
        workers=2, accounts=("romeo@localhost", "juliet@localhost", "juliet@example.org"),
        host_options="require_tls = false;", options_of={"example.org": "ignore_presence_priority = true;"},
        options="directed_presences = %d;" % LIMIT))
