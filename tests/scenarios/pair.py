"""Two clients that talk without a pause, and count."""
import threading

import client as xmpp
from server import PASSWORD


def enter(server, jid):
    """Logged in, in clear, on whichever worker; without presence."""
    client = xmpp.Client(server)
    client.login(jid, PASSWORD, tls=False)
    return client


def seat(server, jid, worker):
    """Logged in on a worker, in clear: connects until the kernel chose its socket."""
    for _ in range(300):
        client = xmpp.Client(server)
        if server.worker_of(client) == worker:
            client.login(jid, PASSWORD, tls=False)
            return client
        client.close()
    raise AssertionError("worker %d took none of 300 connections" % worker)


class Pair:
    """
    One sends numbered messages, the other sees each once and in order, then answers with the number; on a thread of
    its own until stop(), or until the connections break, which may be expected.
    """

    def __init__(self, sender, receiver):
        self.sender = sender
        self.receiver = receiver
        self.count = 0
        self.wrong = None
        self.news = threading.Condition()
        self.stopping = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            while not self.stopping:
                self.say(self.sender, self.receiver, self.count + 1)
                self.say(self.receiver, self.sender, self.count + 1)
                with self.news:
                    self.count += 1
                    self.news.notify_all()
        except Exception as e:
            with self.news:
                self.wrong = "%s: %s" % (type(e).__name__, e)
                self.news.notify_all()

    @staticmethod
    def say(sender, receiver, number):
        sender.send("<message to='%s' id='%d'><body>%d</body></message>" % (receiver.jid, number, number))
        got = receiver.get()
        if got is None or got.get("id") != str(number) or got.get("from") != sender.jid:
            raise AssertionError("message %d: got %s" % (number, xmpp.text_of(got)))

    def wait(self, more, timeout=20):
        """Until that many more rounds are done."""
        with self.news:
            wanted = self.count + more
            done = self.news.wait_for(lambda: self.count >= wanted or self.wrong, timeout)
            if self.wrong or not done:
                raise AssertionError("after %d rounds: %s" % (self.count, self.wrong or "no message for too long"))

    def wait_for_break(self, timeout=20):
        with self.news:
            if not self.news.wait_for(lambda: self.wrong, timeout):
                raise AssertionError("the pair still talks")

    def stop(self):
        self.stopping = True
        self.thread.join(30)
        self.sender.close()
        self.receiver.close()
