"""A server in the background, where a guardian starts a new master when one dies."""
import subprocess

import reports
from facts import equal
from server import Server


class Guarded(Server):
    """Its log is a file: it has no output."""

    def prepare(self, accounts, more):
        self.options += ' log = "%s";' % self.path("run/log")
        super().prepare(accounts, more)

    def start(self, *arguments):
        done = subprocess.run([*self.before, self.daemon, "-D", "--test-clock", "-c", self.config, *arguments],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                              env=reports.to_files(self.reports))
        equal(done.returncode, 0, done.stdout + done.stderr)
        self.process = self

    def read_log(self):
        with open(self.path("run/log"), encoding="utf-8") as f:
            return f.read()

    def stop(self, wait=20):
        if self.process is None:
            return 0
        self.process = None
        return self.ctl("stop", check=False).returncode
