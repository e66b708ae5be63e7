"""A server under the ledger's load: something fails meanwhile, and the ledger is clean at the end."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenarios"))

import ledger  # noqa: E402
from server import Server  # noqa: E402

MAILBOX = "mailbox@localhost"

# Clients of a ledger are faster than people, come back more often, and leave more behind.
OPTIONS = """
offline_messages = 100000; offline_bytes = "1 GiB"; offline_strangers = 100000; login_attempts = 100; connection_rate = 0;
archive_queries = 1000; archive_bytes = "10 GiB"; hibernated_stanzas = 100000; hibernated_bytes = "64 MiB"; outbox_bytes = "64 MiB";
"""


def make_server(workers, clients, options="", prepare=None, accounts=(), log_level="warn", kind=Server):
    """Not started yet. prepare: called with it before the first file is in its directories. kind: or one that starts otherwise."""
    def make_accounts(server):
        if prepare is not None:
            prepare(server)
        for name in ["c%d@localhost" % i for i in range(clients)] + [MAILBOX, *accounts]:
            server.add_account(name)

    return kind(workers=workers, hosts=("localhost",), log_level=log_level, options=OPTIONS + options,
                host_options="require_tls = false;", prepare=make_accounts, start=False)


class Load:
    """
    Pairs of clients that talk on a server of their own, as long as the block lasts. At its end the ledger is checked, then
    the rules of memory and stores, then the exit status. More: attributes of the clients.
    """

    def __init__(self, server, clients, tls=False, **more):
        self.server, self.count, self.tls, self.more = server, clients, tls, more
        self.clients = []

    def __enter__(self):
        try:
            self.server.start()
            self.clients = ledger.pairs(self.server, self.count, MAILBOX, self.tls, **self.more)
        except BaseException:
            self.server.remove()
            raise
        return self

    def __exit__(self, error, *_):
        try:
            ledger.stop(self.clients, 180 if error is None else 0)
            if error is None:
                self.check()
            else:
                print(self.server.read_log()[-4000:])
        finally:
            self.server.remove()

    def check(self):
        wrong = ledger.check(self.server, self.clients, MAILBOX)
        print("     " + ledger.summary(self.clients), flush=True)
        if wrong:
            print(self.server.read_log()[-4000:])
            raise AssertionError("\n".join(wrong))
        self.server.check()
        if self.server.stop() != 0:
            raise AssertionError("the server's exit status")

    def got(self):
        return sum(len(c.got) for c in self.clients)

    def refused(self):
        return sum(len(c.refused) for c in self.clients)

    def go_on(self):
        """Raises what a client has given up with."""
        for client in self.clients:
            if client.error:
                raise AssertionError(client.error)

    def wait_for(self, condition, what, timeout=60):
        """The clients run on threads: between two looks it is their turn."""
        def is_so():
            self.go_on()
            return condition() or self.clients[0].stopping.wait(0.02)

        self.server.wait_for(is_so, what, timeout)

    def talk(self, messages=200):
        """Until so many more have arrived; a slow machine has a minute for the next one."""
        wanted = self.got() + messages
        while self.got() < wanted:
            before = self.got()
            self.wait_for(lambda: self.got() > before, "one of %d more messages arrives" % messages)
