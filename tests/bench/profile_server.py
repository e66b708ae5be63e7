"""Where a server spends its time: perf's symbols and system calls, while clients chat."""
import os
import re
import subprocess
import tempfile

import folders
from private_server import descendants, run_load


def record(pids, path):
    subprocess.run(["perf", "record", "-q", "-F", "1999", "-g", "-p", ",".join(map(str, pids)), "-o", path,
                    "--", "sleep", "3"], stderr=subprocess.DEVNULL)


# Addresses are left out: libraries come without symbols, and their share stands in the table before.
def print_symbols(path, title, *words):
    report = subprocess.run(["perf", "report", "-i", path, "--stdio", "-g", "none", "--percent-limit", "0.8"]
                            + list(words), capture_output=True, text=True)
    lines = [re.sub(r"[\s-]+$", "", line) for line in report.stdout.splitlines()
             if line.strip() and not line.startswith("#") and " 0x" not in line]
    print("\n%s\n%s" % (title, "\n".join(lines[:30]) or report.stderr))


def print_calls(trace, title):
    """perf trace prints a table a thread; the sums by name are what counts."""
    calls = {}
    for name, count in re.findall(r"^\s+([a-z_0-9]+)\s+(\d+)\s+\d+\s+[\d.]+", trace, re.M):
        calls[name] = calls.get(name, 0) + int(count)
    total = sum(calls.values()) or 1
    print("\n%s" % title)
    for name, count in sorted(calls.items(), key=lambda item: -item[1])[:15]:
        print("%6.1f %%  %s" % (100 * count / total, name))


def profile(server, tls, words, name):
    """Two runs: symbols slow the server little, the trace of calls much."""
    pids = descendants(server.process.pid)
    what = "%s, %s" % (tls, name)
    with folders.lent(tempfile.gettempdir()) as directory:
        path = os.path.join(directory, "perf.data")
        run_load(server, tls, *words, on_measuring=lambda: record(pids, path))
        print_symbols(path, "Time by library (%s)" % what, "--no-children", "--sort", "dso")
        print_symbols(path, "Time by function (%s)" % what, "--no-children", "--sort", "dso,symbol")
        print_symbols(path, "Time by function with what it calls (%s)" % what, "--children", "--sort", "symbol")
    traced = []

    def trace():
        done = subprocess.run(["perf", "trace", "-s", "-p", ",".join(map(str, pids)), "--", "sleep", "2"],
                              capture_output=True, text=True)
        traced.append(done.stderr + done.stdout)

    run_load(server, tls, *words, on_measuring=trace)
    print_calls(traced[0], "System calls (%s)" % what)
