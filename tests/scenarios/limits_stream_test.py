#!/usr/bin/python3
"""Limits of what one stream sends: what is too fast is read later, what is too much ends it."""
from client import STREAM, Client, ping
from facts import equal, run
from limits import JULIET, ROMEO, STREAMS, Bites, bites, gone, logged_in, make_server, with_options


def answers(client, count):
    for _ in range(count):
        equal(client.get().get("type"), "result", "answer")


def slow(server, name, options, send, most):
    """What is sent up to the burst is answered, what comes behind waits, and comes when there is room again."""
    gone(server)
    with_options(server, **options)
    client = logged_in(server, ROMEO + "/phone")
    with Bites(server, name, 0):
        for i in range(most):
            send(client, i)
        client.send(ping())
        answers(client, 1)
    before = bites(server, name)
    for i in range(4):
        send(client, most + i)
    client.send(ping())
    server.wait_for(lambda: bites(server, name) > before, "it bites")
    client.send(ping())
    handled = server.sessions()[0]["stanzas_in"]
    equal(server.sessions()[0]["stanzas_in"], handled, "stanzas handled meanwhile")
    server.move_clock(60)
    answers(client, 1)
    equal(server.sessions()[0]["stanzas_in"] > handled, True, "stanzas handled later")
    answers(client, 1)
    client.close()


def message(client, number):
    client.send("<message to='nobody@localhost' type='headline'><body>%d</body></message>" % number)


def presence(client, number):
    client.send("<presence to='nobody@localhost' type='unavailable'/>")


def padding(client, number):
    client.send(" " * 1000)


def stanzas(server):
    """a client's stanzas beyond the burst are read later"""
    slow(server, "stanza_burst", {"stanza_rate": 1, "stanza_burst": 20}, message, 19)


def presences(server):
    """so is its presence"""
    slow(server, "presence_burst", {"presence_rate": 1, "presence_burst": 10}, presence, 10)


def bytes_of_session(server):
    """so are its bytes, white space too"""
    slow(server, "byte_burst", {"byte_rate": 1024, "byte_burst": 16384}, padding, 14)


def account_stanzas(server):
    """all clients of an account draw from one bucket, whichever worker they are on"""
    gone(server)
    with_options(server, account_stanza_rate=1, account_stanza_burst=20)
    clients = [logged_in(server, "%s/r%d" % (ROMEO, i)) for i in range(4)]
    with Bites(server, "account_stanza_burst", 0):
        for client in clients:
            for i in range(5):
                client.send(ping())
            answers(client, 5)
    before = bites(server, "account_stanza_burst")
    for client in clients:
        client.send(ping())
        answers(client, 1)
    equal(bites(server, "account_stanza_burst") - before, 4, "bites")
    other = logged_in(server, JULIET + "/balcony")
    for i in range(20):
        other.send(ping())
    answers(other, 20)
    equal(bites(server, "account_stanza_burst") - before, 4, "bites")
    for client in clients + [other]:
        client.close()


def account_bytes(server):
    """the same for bytes"""
    gone(server)
    with_options(server, account_byte_rate=1024, account_byte_burst=16384)
    clients = [logged_in(server, "%s/r%d" % (ROMEO, i)) for i in range(2)]
    with Bites(server, "account_byte_burst", 0):
        for client in clients:
            padding(client, 0)
            client.send(ping())
            answers(client, 1)
    before = bites(server, "account_byte_burst")
    for client in clients:
        for i in range(9):
            padding(client, 0)
    server.wait_for(lambda: bites(server, "account_byte_burst") > before, "it bites")
    for client in clients:
        client.close()


def bytes_before_login(server):
    """before the login bytes are read slower still"""
    gone(server)
    with_options(server, byte_rate_unauthenticated=1024, byte_burst_unauthenticated=4096)
    client = Client(server)
    client.open()
    with Bites(server, "byte_burst_unauthenticated", 0):
        client.send(" " * 3000)
    before = bites(server, "byte_burst_unauthenticated")
    client.send(" " * 3000)
    server.wait_for(lambda: bites(server, "byte_burst_unauthenticated") > before, "it bites")
    client.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    server.move_clock(5)
    equal(client.get().tag, "{urn:ietf:params:xml:ns:xmpp-tls}proceed", "answer")
    client.close()


def shape(server, name, option, below, above, login):
    gone(server)
    with_options(server, **option)
    for stanza, wanted in ((below, 0), (above, 1)):
        client = logged_in(server, ROMEO + "/phone") if login else Client(server)
        if not login:
            client.open()
        with Bites(server, name, wanted):
            client.send(stanza)
            answer = client.get()
            equal(answer.tag == STREAM + "error" and answer[0].tag == STREAMS + "policy-violation", wanted == 1,
                  "stream error")
        client.close()


def nested(depth):
    return "<iq type='get' id='n'>" + "<x xmlns='a:b'>" * (depth - 1) + "</x>" * (depth - 1) + "</iq>"


def many(count):
    return "<iq type='get' id='n'><x xmlns='a:b'>" + "<y/>" * (count - 2) + "</x></iq>"


def attributes(count):
    return "<iq type='get' id='n'><x xmlns='a:b' %s/></iq>" % " ".join("a%d=''" % i for i in range(count))


def namespaces(count):
    return "<iq type='get' id='n'><x xmlns='a:b'>" + "<y xmlns='a:c'/>" * (count - 1) + "</x></iq>"


def long(size):
    body = "<iq type='get' id='n'><x xmlns='a:b'>%s</x></iq>"
    return body % ("a" * (size - len(body) + 2))


def tag(size):
    return "<iq type='get' id='n'><x xmlns='a:b'" + " " * (size - len("<x xmlns='a:b'/>")) + "/></iq>"


def value(size):
    return "<iq type='get' id='n'><x xmlns='a:b' a='%s'/></iq>" % ("a" * size)


def name(size):
    return "<iq type='get' id='n'><%s xmlns='a:b'/></iq>" % ("a" * size)


def names(count):
    """So many that differ."""
    return "<iq type='get' id='n'><x xmlns='a:b'>%s</x></iq>" % "".join(
        "<y %s/>" % " ".join("a%d=''" % (i + k) for k in range(50)) for i in range(0, count, 50))


def shapes(server):
    """a stanza has so many elements, so deep in each other, of so many bytes; one more ends the stream"""
    shape(server, "stanza_depth", {"stanza_depth": 20}, nested(20), nested(21), True)
    shape(server, "stanza_elements", {"stanza_elements": 100}, many(100), many(101), True)
    shape(server, "stanza_attributes", {"stanza_attributes": 20}, attributes(20), attributes(21), True)
    shape(server, "stanza_namespaces", {"stanza_namespaces": 20}, namespaces(20), namespaces(21), True)
    shape(server, "stanza_token_bytes", {"stanza_token_bytes": 16384}, tag(16384), tag(16385), True)
    shape(server, "stanza_value_bytes", {"stanza_value_bytes": 4096}, value(4096), value(4097), True)
    shape(server, "stanza_name_bytes", {"stanza_name_bytes": 128}, name(128), name(129), True)
    shape(server, "parser_bytes", {"parser_bytes": 131072}, names(1000), names(20000), True)
    shape(server, "stanza_bytes", {"stanza_bytes": 10000}, long(10000), long(10001), True)


def shapes_before_login(server):
    """so it is before the login, with limits of its own"""
    for name, least, make in (("stanza_depth_unauthenticated", 4, nested), ("stanza_elements_unauthenticated", 16, many),
                              ("stanza_bytes_unauthenticated", 4096, long)):
        shape(server, name, {name: least}, make(least), make(least + 1), False)


FACTS = [stanzas, presences, bytes_of_session, account_stanzas, account_bytes, bytes_before_login, shapes,
         shapes_before_login]

if __name__ == "__main__":
    run(FACTS, make_server)
