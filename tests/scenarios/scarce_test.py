#!/usr/bin/env python3
"""Memory for stanzas runs short: who causes most of it waits and loses nothing, and the others feel nothing of it."""
import threading

from facts import Facts, equal
from managed import Managed
from pair import Pair
from server import Server

PAIRS = 3
MESSAGES = 1000
BODY = "x" * 20000	# all of them together are more than there is memory
OPTIONS = 'arena_bytes = "16 MiB"; outbox_bytes = "16 MiB"; ack_timeout = "1 h"; write_timeout = "1 h";'


class Loud(threading.Thread):
    """Sends as fast as it hears that it was read."""

    def __init__(self, client, to):
        super().__init__(daemon=True)
        self.client, self.to = client, to
        self.came = []		# errors, if anything
        client.conn.socket.settimeout(120)
        self.start()

    def run(self):
        for number in range(MESSAGES):
            self.client.send("<message to='%s' type='chat' id='%d'><body>%s</body></message>" % (self.to, number, BODY))
            if number % 4 == 3:
                self.came += self.client.until_acked()


class Case:
    """One who does not read is sent more than there is memory for, by a client of the worker that quiet pairs share."""

    def __init__(self, server):
        self.server = server
        self.deaf = Managed(server, "juliet@localhost/deaf")
        self.pairs = [Pair(Managed(server, "romeo@localhost/%d" % i), Managed(server, "nurse@localhost/%d" % i))
                      for i in range(PAIRS)]
        self.loud = Loud(Managed(server, "tybalt@localhost/loud"), self.deaf.jid)
        server.wait_for(lambda: self.counter("scarce") + self.counter("memory_full") > 0, "memory is scarce")

    def counter(self, name):
        return self.server.ctl_json("stats")["counters"][name]

    def waiting(self):
        return next(s["queue_bytes"] for s in self.server.sessions() if s["jid"] == self.deaf.jid)


def the_others_go_on(case):
    """while it is scarce those who send little are neither held nor refused"""
    for pair in case.pairs:
        pair.wait(100)
    for pair in case.pairs:
        pair.stop()
        equal(pair.wrong, None, "what went wrong")
    equal(case.counter("memory_full"), 0, "refused for memory")
    equal(case.loud.is_alive(), True, "the loud one waits")


def nobody_waits_for_ever(case):
    """who waits is read once more when its time is over, though nobody has read anything meanwhile"""
    for _ in range(3):
        before = case.waiting()
        case.server.move_clock(5)
        case.server.wait_for(lambda: case.waiting() > before, "the loud one is read")


def nothing_is_lost(case):
    """when the deaf one reads, all goes on: it gets everything in order, and the loud one was refused nothing"""
    equal([case.deaf.get().get("id") for _ in range(MESSAGES)], [str(i) for i in range(MESSAGES)], "messages")
    case.loud.join(30)
    equal((case.loud.client.acked, case.loud.came), (MESSAGES, []), "acknowledged, and refused")
    equal(case.counter("memory_full"), 0, "refused for memory")
    case.loud.client.ping()
    case.server.check()


def main():
    facts = Facts()
    with Server(workers=1, accounts=["%s@localhost" % name for name in ("romeo", "juliet", "nurse", "tybalt")],
                host_options="require_tls = false;", options=OPTIONS) as server:
        case = Case(server)
        for fact in (the_others_go_on, nobody_waits_for_ever, nothing_is_lost):
            facts.show(fact, case)
        facts.end(server)


if __name__ == "__main__":
    main()
