#!/usr/bin/env python3
"""rookeryd -D: ready when the command returns, and nothing left open of who started it."""
import os
import subprocess
import sys

import reports
from server import Server, program


def main():
    failed = 0

    def fact(text, is_so):
        nonlocal failed
        failed += not is_so
        print("%s %s" % ("ok  " if is_so else "FAIL", text), flush=True)

    with Server(workers=2) as server:
        server.stop()
        with open(server.config) as f:
            text = f.read().replace('log = "stderr"', 'log = "%s"' % server.path("run/rookery.log"))
        with open(server.config, "w") as f:
            f.write(text)
        # communicate() returns at the end of the output: when nobody has the pipe open any more.
        command = subprocess.Popen([program("rookeryd", "process"), "-D", "-c", server.config],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                   env=reports.to_files(server.reports))
        output, _ = command.communicate(timeout=60)
        fact("the command ends with 0 when the server is ready", command.returncode == 0)
        fact("and says nothing", output == b"")
        fact("the server accepts", server.ctl("status").returncode == 0)
        fact("its log stands in the file", "ready" in open(server.path("run/rookery.log")).read())
        second = subprocess.run([program("rookeryd", "process"), "-D", "-c", server.config],
                                capture_output=True, text=True, timeout=60)
        fact("a second one is refused", second.returncode != 0 and "pid" in second.stderr)
        server.ctl("stop")
        fact("it is down when stop returns", server.ctl("status", check=False).returncode != 0)
    print("%d passed, %d failed" % (6 - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
