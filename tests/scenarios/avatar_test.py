#!/usr/bin/env python3
"""Pictures (XEP-0398): their size at its edges, hosts that do not convert, and sessions on several workers."""
import base64
import hashlib

from facts import equal, run
from pair import enter, seat
from server import Server

PUBSUB = "http://jabber.org/protocol/pubsub"
UPDATE = "{vcard-temp:x:update}"
MOST = 4096  # bytes of a picture
FEATURE = "urn:xmpp:pep-vcard-conversion:0"


def leave(server, *actors):
    """The next fact finds accounts that have kept nothing."""
    for actor in actors:
        jid = actor.jid.split("/")[0]
        actor.close()
        if server.ctl("deluser", jid, check=False).returncode == 0:
            server.add_account(jid)


def ask(actor, type, payload, to=None):
    """The payload of the answer, None where it has none; an error's condition, where it is one."""
    actor.send("<iq type='%s' id='q'%s>%s</iq>" % (type, " to='%s'" % to if to else "", payload))
    while True:
        answer = actor.get()
        if answer.get("id") == "q":
            break
    if answer.get("type") == "error":
        return answer.find("{jabber:client}error")[0].tag.split("}")[1]
    return answer[0] if len(answer) else None


def name_of(picture):
    return hashlib.sha1(picture).hexdigest()


def publish(actor, picture):
    """Data, then metadata, as clients do."""
    got = [ask(actor, "set", "<pubsub xmlns='%s'><publish node='urn:xmpp:avatar:%s'><item id='%s'>%s</item></publish></pubsub>" % (
        PUBSUB, node, name_of(picture), payload)) for node, payload in (
            ("data", "<data xmlns='urn:xmpp:avatar:data'>%s</data>" % base64.b64encode(picture).decode()),
            ("metadata", "<metadata xmlns='urn:xmpp:avatar:metadata'><info id='%s' type='image/png' bytes='%d'/></metadata>" % (
                name_of(picture), len(picture))))]
    equal([g.tag for g in got], ["{%s}pubsub" % PUBSUB] * 2)


def put_card(actor, picture):
    return ask(actor, "set", "<vCard xmlns='vcard-temp'><FN>R</FN><PHOTO><TYPE>image/png</TYPE><BINVAL>%s</BINVAL></PHOTO></vCard>" %
               base64.b64encode(picture).decode())


def in_card(actor, jid):
    """The picture that somebody's card shows."""
    card = ask(actor, "get", "<vCard xmlns='vcard-temp'/>", jid)
    if card is None or isinstance(card, str):
        return None
    found = card.find("{vcard-temp}PHOTO/{vcard-temp}BINVAL")
    return None if found is None else base64.b64decode(found.text)


def in_node(actor, jid):
    """The name that somebody's metadata tell."""
    got = ask(actor, "get", "<pubsub xmlns='%s'><items node='urn:xmpp:avatar:metadata'/></pubsub>" % PUBSUB, jid)
    return None if isinstance(got, str) else got[0][0].get("id")


def turn(actor):
    """Answered behind what the card has led to."""
    ask(actor, "set", "<pubsub xmlns='%s'><publish node='turn'><item id='i'><n xmlns='urn:x'/></item></publish></pubsub>" % PUBSUB)


def next_name(actor, jid):
    """What the next presence of a resource tells."""
    while True:
        element = actor.get()
        if element.tag.endswith("presence") and element.get("from") == jid:
            return (element.findtext(UPDATE + "x/" + UPDATE + "photo"))


def features(actor, jid):
    info = ask(actor, "get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", jid)
    return [f.get("var") for f in info]


def a_picture_has_its_size(server):
    """a card's picture is as large as the option says, and a published one is shown in the card up to that"""
    romeo = enter(server, "romeo@localhost/a")
    equal(put_card(romeo, b"x" * MOST), None)
    turn(romeo)
    equal(in_node(romeo, "romeo@localhost"), name_of(b"x" * MOST))
    equal(put_card(romeo, b"y" * (MOST + 3)), "policy-violation")
    turn(romeo)
    equal(in_card(romeo, "romeo@localhost"), b"x" * MOST)
    publish(romeo, b"z" * MOST)
    equal(in_card(romeo, "romeo@localhost"), b"z" * MOST)
    publish(romeo, b"z" * (MOST + 1))
    equal(in_card(romeo, "romeo@localhost") == b"z" * (MOST + 1), False, "shows what is too large")
    leave(server, romeo)


def a_cards_picture_is_for_all(server):
    """the nodes that a card's picture makes are open as the card is; those a client made stay as they are"""
    romeo, juliet = enter(server, "romeo@localhost/a"), enter(server, "juliet@localhost/a")
    equal(put_card(romeo, b"one"), None)
    turn(romeo)
    equal((in_node(juliet, "romeo@localhost"), in_card(juliet, "romeo@localhost")), (name_of(b"one"), b"one"))
    publish(juliet, b"hers")
    equal((in_node(romeo, "juliet@localhost"), in_card(romeo, "juliet@localhost")), (None, None))
    equal(put_card(juliet, b"two"), None)
    turn(juliet)
    equal(in_node(romeo, "juliet@localhost"), None)
    equal(in_node(juliet, "juliet@localhost"), name_of(b"two"))
    leave(server, romeo, juliet)


def until_seen(actor, wanted):
    """Reads presences until the last of each resource tells what is wanted; fails when nothing comes any more."""
    told = {}
    while any(told.get(jid) != name for jid, name in wanted.items()):
        element = actor.get()
        if element.tag.endswith("presence"):
            told[element.get("from")] = element.findtext(UPDATE + "x/" + UPDATE + "photo")
    return told


def all_sessions_tell(server):
    """a new picture is told by every session of the account, on whichever worker, that does not say it shows none"""
    actors = [seat(server, "romeo@localhost/%d" % w, w) for w in range(2)]
    silent = enter(server, "romeo@localhost/silent")
    jids = [a.jid for a in actors]
    for actor in actors:
        actor.send("<presence/>")
        equal(next_name(actor, actor.jid), None)
    silent.send("<presence><x xmlns='vcard-temp:x:update'><photo/></x></presence>")
    equal(next_name(silent, silent.jid), "")
    for publisher, picture in ((0, b"one"), (1, b"two")):
        publish(actors[publisher], picture)
        told = until_seen(silent, dict.fromkeys(jids, name_of(picture)))
        equal(told.get(silent.jid, ""), "", "who shows none")
    ask(actors[0], "set", "<pubsub xmlns='%s'><publish node='urn:xmpp:avatar:metadata'><item id='none'><metadata "
        "xmlns='urn:xmpp:avatar:metadata'/></item></publish></pubsub>" % PUBSUB)
    until_seen(silent, dict.fromkeys(jids, ""))
    silent.send("<presence/>")
    until_seen(actors[1], {silent.jid: ""})
    publish(actors[1], b"three")
    until_seen(actors[0], dict.fromkeys(jids + [silent.jid], name_of(b"three")))
    leave(server, *actors, silent)


def a_host_may_leave_it(server):
    """a host that does not convert announces nothing, stamps nothing, and keeps card and nodes apart"""
    abbot, romeo = enter(server, "abbot@example.org/a"), enter(server, "romeo@localhost/a")
    equal((FEATURE in features(abbot, "abbot@example.org"), FEATURE in features(romeo, "romeo@localhost")), (False, True))
    equal(put_card(abbot, b"x" * (MOST + 3)), None)
    turn(abbot)
    equal((in_node(abbot, "abbot@example.org"), in_card(abbot, "abbot@example.org")), (None, b"x" * (MOST + 3)))
    publish(abbot, b"one")
    equal(in_card(abbot, "abbot@example.org"), b"x" * (MOST + 3))
    abbot.send("<presence/>")
    equal(next_name(abbot, abbot.jid), None)
    leave(server, abbot, romeo)


ALL = (a_picture_has_its_size, a_cards_picture_is_for_all, all_sessions_tell, a_host_may_leave_it)

if __name__ == "__main__":
    run(ALL, lambda: Server(
        workers=2, accounts=("romeo@localhost", "juliet@localhost", "abbot@example.org"),
        host_options="require_tls = false;", options="avatar_bytes = %d;" % MOST,
        options_of={"example.org": "avatar_conversion = false;"}))
