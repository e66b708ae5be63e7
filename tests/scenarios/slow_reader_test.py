#!/usr/bin/env python3
"""Clients that write and never read: what the server holds for them is bounded, and nobody else feels it."""
import socket
import sys

import client as xmpp
from server import PASSWORD, Server

QUESTION = "<iq type='get' id='%d' to='localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>"
MESSAGE = "<message to='juliet@localhost/deaf'><body>%s</body></message>"


def write_until_stuck(actor, text, most):
    """Bytes the server took until it took no more for a second."""
    data = text.encode()
    actor.socket.settimeout(1)
    taken = 0
    try:
        while taken < most:
            taken += actor.socket.send(data)
    except (socket.timeout, TimeoutError):
        return taken
    finally:
        actor.socket.settimeout(xmpp.TIMEOUT)
    return taken


def queue_bytes(server, jid):
    return sum(s["queue_bytes"] for s in server.sessions() if s["jid"] == jid)


def main():
    failed = 0

    def fact(text, is_so, more=""):
        nonlocal failed
        failed += not is_so
        print("%s %s%s" % ("ok  " if is_so else "FAIL", text, " (%s)" % more if more else ""), flush=True)

    with Server(workers=2, host_options="require_tls = false;",
                accounts=("romeo@localhost", "juliet@localhost", "nurse@localhost")) as server:
        asker = xmpp.Client(server)
        asker.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        asker.login("romeo@localhost/asker", PASSWORD, tls=False)
        most = 64 << 20
        taken = write_until_stuck(asker, "".join(QUESTION % i for i in range(100)), most)
        held = queue_bytes(server, "romeo@localhost/asker")
        fact("who does not read its answers is not read any more", taken < most, "%d KiB taken" % (taken >> 10))
        fact("and its outbox is bounded", held < 1 << 20, "%d KiB held" % (held >> 10))

        deaf = xmpp.Client(server)
        deaf.login("juliet@localhost/deaf", PASSWORD, tls=False)
        sender = xmpp.Client(server)
        sender.login("nurse@localhost/sender", PASSWORD, tls=False)
        refused = 0
        for i in range(400):
            sender.send(MESSAGE % ("x" * 60000))
            if i % 20 == 19:
                refused += sum(answer.get("type") == "error" for answer in sender.until_answered())
        held = queue_bytes(server, "juliet@localhost/deaf")
        fact("a recipient that does not read has a bounded outbox", held < 8 << 20, "%d KiB held" % (held >> 10))
        fact("and senders are told", refused > 0, "%d of 400 refused" % refused)

        other = xmpp.Client(server)
        other.login("juliet@localhost/other", PASSWORD, tls=False)
        sender.send("<message to='juliet@localhost/other'><body>hello</body></message>")
        fact("others are served", other.get().findtext("{jabber:client}body") == "hello")
        got = sum(deaf.get().tag.endswith("message") for _ in range(400 - refused))
        fact("what was accepted arrives when it reads", got == 400 - refused, "%d" % got)
        deaf.close()
        asker.close()
    print("%d passed, %d failed" % (6 - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
