#!/usr/bin/env python3
"""Push services (XEP-0357): limits at their edges, what is told by option, errors in a row, and what outlives a restart."""
from facts import equal, run
from pair import enter
from server import Server

PUSH = "urn:xmpp:push:0"
VALUE = "{jabber:x:data}value"
FORM = "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>" \
       "http://jabber.org/protocol/pubsub#publish-options</value></field><field var='s'><value>%s</value></field></x>"
FORM_MAX = 4096


def condition(actor, payload):
    """What an iq set is answered with: None where it is a result."""
    actor.send("<iq type='set' id='q'>%s</iq>" % payload)
    answer = actor.get()
    equal(answer.get("id"), "q", "id")
    if answer.get("type") == "result":
        return None
    return answer.find("{jabber:client}error")[0].tag.split("}")[1]


def enable(actor, node, form="", jid="nurse@localhost/push"):
    return condition(actor, "<enable xmlns='%s' jid='%s' node='%s'>%s</enable>" % (PUSH, jid, node, form))


def disable(actor, jid="nurse@localhost/push"):
    return condition(actor, "<disable xmlns='%s' jid='%s'/>" % (PUSH, jid))


def leave(actor):
    actor.send("</stream:stream>")
    actor.wait_for_close()
    actor.close()


def summary(iq):
    """Its fields by their names."""
    form = next(iq.iter("{jabber:x:data}x"))
    return {f.get("var"): f.find(VALUE).text for f in form}


def node_of(iq):
    return next(iq.iter("{http://jabber.org/protocol/pubsub}publish")).get("node")


def write(actor, jid, body, more=""):
    actor.send("<message to='%s' type='chat'><body>%s</body>%s</message>" % (jid, body, more))


def answer(actor, iq, error=None):
    if error is None:
        actor.send("<iq type='result' id='%s' to='%s'/>" % (iq.get("id"), iq.get("from")))
        return
    actor.send("<iq type='error' id='%s' to='%s'><error type='%s'><undefined-condition "
               "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>" % (iq.get("id"), iq.get("from"), error))


def forget_messages(server, jid):
    server.ctl("deluser", jid)
    server.add_account(jid)


def so_many_may_be_enabled(server):
    """ten services may be enabled, not one more; the same again is no other"""
    romeo = enter(server, "romeo@localhost/a")
    for i in range(10):
        equal(enable(romeo, "n%d" % i), None)
    equal(enable(romeo, "more"), "resource-constraint")
    equal(enable(romeo, "n3"), None)
    equal(disable(romeo), None)
    equal(enable(romeo, "more"), None)
    equal(disable(romeo), None)
    romeo.close()


def options_have_their_size(server):
    """a form of 4 KiB is kept, a larger one is refused, and so is a node's name beyond 1023 bytes"""
    romeo = enter(server, "romeo@localhost/a")
    room = FORM_MAX - len((FORM % "").replace("'", '"'))
    equal(enable(romeo, "n", FORM % ("x" * room)), None)
    equal(enable(romeo, "n", FORM % ("x" * (room + 1))), "policy-violation")
    equal(enable(romeo, "n" * 1023), None)
    equal(enable(romeo, "n" * 1024), "not-acceptable")
    equal(disable(romeo), None)
    romeo.close()


def sender_and_body_are_told_where_the_host_says_so(server):
    """sender and body are told by option, up to 1 KiB, and never of what may not be kept"""
    abbot, paris = enter(server, "abbot@example.org/push"), enter(server, "paris@example.org/a")
    friar = enter(server, "friar@example.org/cell")
    equal(enable(paris, "n", jid="abbot@example.org/push"), None)
    leave(paris)
    write(friar, "paris@example.org", "Hark")
    equal(summary(abbot.get()), {"FORM_TYPE": "urn:xmpp:push:summary", "message-count": "1",
                                 "last-message-sender": "friar@example.org/cell", "last-message-body": "Hark"})
    write(friar, "paris@example.org", "\u00e4" * 2000)
    body = summary(abbot.get())["last-message-body"]
    equal((1016 <= len(body.encode()) <= 1024, set(body)), (True, {"\u00e4"}), "a body of %d" % len(body))
    write(friar, "paris@example.org", "Once", "<no-permanent-store xmlns='urn:xmpp:hints'/>")
    equal(summary(abbot.get()), {"FORM_TYPE": "urn:xmpp:push:summary", "message-count": "3"})
    abbot.close()
    friar.close()
    forget_messages(server, "paris@example.org")


def patience_ends(server):
    """eight errors that ask for patience pass, the ninth disables; a result in between counts anew"""
    nurse, romeo = enter(server, "nurse@localhost/push"), enter(server, "romeo@localhost/a")
    juliet = enter(server, "juliet@localhost/a")
    equal(enable(romeo, "n"), None)
    leave(romeo)
    for error in ["wait"] * 8 + [None] + ["wait"] * 9:
        write(juliet, "romeo@localhost", "Hark")
        answer(nurse, nurse.get(), error)
        equal(condition(nurse, "<vCard xmlns='vcard-temp'><FN>turn</FN></vCard>"), None)
    romeo = enter(server, "romeo@localhost/b")
    equal(enable(romeo, "other"), None)
    leave(romeo)
    write(juliet, "romeo@localhost", "Hark")
    equal(node_of(nurse.get()), "other", "the node that is left")
    nurse.close()
    juliet.close()
    forget_messages(server, "romeo@localhost")


def an_old_answer_disables_nothing_new(server):
    """an error to what was enabled with other options before is no error of what is enabled now"""
    nurse, romeo = enter(server, "nurse@localhost/push"), enter(server, "romeo@localhost/a")
    juliet = enter(server, "juliet@localhost/a")
    equal(enable(romeo, "n", FORM % "old"), None)
    leave(romeo)
    write(juliet, "romeo@localhost", "One")
    first = nurse.get()
    romeo = enter(server, "romeo@localhost/a")
    equal(enable(romeo, "n", FORM % "new"), None)
    leave(romeo)
    answer(nurse, first, "cancel")
    equal(condition(nurse, "<vCard xmlns='vcard-temp'><FN>turn</FN></vCard>"), None)
    write(juliet, "romeo@localhost", "Two")
    second = nurse.get()
    equal([v.text for v in second.iter(VALUE)][-1], "new", "the secret")
    answer(nurse, second, "cancel")
    nurse.close()
    juliet.close()
    forget_messages(server, "romeo@localhost")


def it_outlives_a_restart(server):
    """what was enabled is so after a restart, until its account goes"""
    romeo = enter(server, "romeo@localhost/a")
    equal(enable(romeo, "n", FORM % "kept"), None)
    romeo.close()
    equal(server.stop(), 0, "exit status")
    server.start()
    nurse, juliet = enter(server, "nurse@localhost/push"), enter(server, "juliet@localhost/a")
    write(juliet, "romeo@localhost", "Hark")
    equal([v.text for v in nurse.get().iter(VALUE)][-1], "kept", "the secret")
    forget_messages(server, "romeo@localhost")
    write(juliet, "romeo@localhost", "Hark")
    romeo = enter(server, "romeo@localhost/a")
    romeo.send("<presence/>")
    while not romeo.get().tag.endswith("message"):
        pass
    nurse.ping()	# an account made anew inherits nothing
    for actor in (nurse, juliet, romeo):
        actor.close()


ALL = (so_many_may_be_enabled, options_have_their_size, sender_and_body_are_told_where_the_host_says_so, patience_ends,
       an_old_answer_disables_nothing_new, it_outlives_a_restart)

if __name__ == "__main__":
    run(ALL, lambda: Server(
        workers=2, accounts=("romeo@localhost", "juliet@localhost", "nurse@localhost", "paris@example.org",
                             "friar@example.org", "abbot@example.org"),
        host_options="require_tls = false;",
        options_of={"example.org": "push_sender = true; push_body = true;"}))
