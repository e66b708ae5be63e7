"""Facts that a test shows: each is a function whose first line of documentation says it."""
import os
import sys
import traceback


def skip(reason):
    """Ends the test as skipped, for automake and for who reads the log."""
    print("SKIPPED: " + reason, flush=True)
    sys.exit(77)


class Facts:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def show(self, fact, *arguments):
        """True when it held. A fact that fails does not end the others."""
        title = (fact.__doc__ or fact.__name__).strip().splitlines()[0]
        try:
            fact(*arguments)
        except Exception:
            self.failed += 1
            print("FAIL %s\n%s" % (title, traceback.format_exc()), flush=True)
            return False
        self.passed += 1
        print("ok   " + title, flush=True)
        return True

    def end(self, server=None):
        """The last line, and the exit status."""
        if self.failed and server is not None:
            print(server.read_log()[-6000:])
        print("%d passed, %d failed" % (self.passed, self.failed), flush=True)
        sys.exit(1 if self.failed or not self.passed else 0)


def equal(got, wanted, what="got"):
    if got != wanted:
        raise AssertionError("%s: %r, not %r" % (what, got, wanted))


def run(facts_of, make_server):
    """Shows all facts on one server, which make_server() starts. Arguments choose facts by name."""
    facts = Facts()
    chosen = [f for f in facts_of if not sys.argv[1:] or f.__name__ in sys.argv[1:]]
    with make_server() as server:
        for fact in chosen:
            facts.show(fact, server)
        if facts.failed:
            print(server.read_log()[-6000:])

        def stops():
            """the server stops with exit status 0"""
            equal(server.stop(), 0, "exit status")
        facts.show(stops)
        if os.environ.get("ROOKERY_SHOW_LOG"):
            print(server.read_log())
    facts.end()
