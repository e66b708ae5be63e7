"""The rows of instant messaging: presence, logins with contacts, rosters, messages kept; with few and many accounts."""
import os
import statistics

import profile_server
from private_server import WORKERS, Failed, Relay, Server, run_load

ACCOUNTS = (100, 1000, 10000)   # beside those that act
OTHER_WORKERS = (1, 4)          # with the fewest accounts, beside the usual number
SENDERS, CONTACTS = 20, 50
LOGINS, ONLINE, AWAY = 50, 20, 80
ENTRIES = 500
AWAY_USERS, MESSAGES = 10, 1000
PAIRS = 100
MOST_SECONDS = 6    # rows that wait for a disk would take minutes to use the CPU that others use in seconds
CHAT = ["--user", "c", "--pairs", PAIRS]
PACED = CHAT + ["--window", 32, "--rate"]

# What is done, over which transport, with which words. Targets in microseconds, or a function of the relay's fan-out.
ROWS = (
    # name, unit, tls, words, target
    ("presence", "delivery", "none",
     ["--user", "p", "--task", "presence", "--users", SENDERS * (CONTACTS + 1), "--actors", SENDERS,
      "--contacts", CONTACTS], lambda floor: 3 * floor),
    ("roster get, 500 entries", "get", "none",
     ["--user", "r", "--task", "roster-get", "--actors", 4, "--entries", ENTRIES], ENTRIES),
    ("roster set, alone", "set", "none",
     ["--user", "r", "--task", "roster-set", "--actors", 1, "--entries", ENTRIES], 6100),
    ("roster set, 20 at once", "set", "none",
     ["--user", "r", "--task", "roster-set", "--actors", 20, "--entries", ENTRIES], 6100),
    ("chat, archived, W 32", "message", "direct", CHAT + ["--window", 32, "--archived"], 40),
    ("chat, archived, W 1", "message", "direct", CHAT + ["--window", 1, "--archived"], 40),
    ("chat, archived, 5,000/s", "message", "direct", PACED + [5000, "--archived"], 40),
    ("  the same, not archived", "message", "direct", PACED + [5000], None),
    ("chat, archived, 1,000/s", "message", "direct", PACED + [1000, "--archived"], 40),
    ("  as slow, not archived", "message", "direct", PACED + [1000], None),
)
FLOORS = (("relay, 5,000/s", "message", "direct", PACED + [5000], None),
          ("relay, 1,000/s", "message", "direct", PACED + [1000], None))
BY_WORKERS = ("presence", "chat, archived, W 32")
LOGIN = ["--user", "l", "--task", "login", "--actors", LOGINS, "--contacts", ONLINE, "--entries", ONLINE + AWAY]
OFFLINE = ["--user", "o", "--task", "offline", "--actors", AWAY_USERS, "--entries", MESSAGES,
           "--rate", 2500]


def accounts(others, senders=SENDERS, contacts=CONTACTS, entries=ENTRIES):
    """Whoever acts in a row has a prefix of its own."""
    presence = []
    for i in range(senders):
        first = senders + i * contacts
        presence += [(i, 1, first, contacts), (first, contacts, i, 1)]
    away = ONLINE + LOGINS
    login = [(ONLINE, LOGINS, 0, ONLINE), (0, ONLINE, ONLINE, LOGINS),
             (ONLINE, LOGINS, away, AWAY), (away, AWAY, ONLINE, LOGINS)]
    return [("p", senders * (contacts + 1), presence), ("l", away + AWAY, login),
            ("r", 20 + entries, [(0, 20, 20, entries), (20, entries, 0, 20)]),
            ("o", 2 * AWAY_USERS, [(0, AWAY_USERS, AWAY_USERS, AWAY_USERS), (AWAY_USERS, AWAY_USERS, 0, AWAY_USERS)]),
            ("c", 2 * PAIRS, []), ("b", others, [(0, others, others, 5)])]


def middle(runs):
    """The median run, with the spread of all."""
    runs = sorted(runs, key=lambda run: run["cpu_us"])
    row = dict(runs[len(runs) // 2])
    row.update(least_us=runs[0]["cpu_us"], most_us=runs[-1]["cpu_us"])
    return row


def measure_row(target, row, how, say, others, workers=WORKERS):
    name, unit, tls, words, goal = row
    runs = []
    for i in range(how.repeats):
        say("  %s, %d other accounts (%d of %d)" % (name, others, i + 1, how.repeats))
        figures = run_load(target, tls, *words, "--seconds", how.seconds,
                           "--cpu-seconds", how.cpu_seconds, "--most-seconds", MOST_SECONDS)
        runs.append(next(figures[key] for key in ("presence", "roster-get", "roster-set", "chat") if key in figures))
    return dict(middle(runs), name=name, unit=unit, tls=tls, target=goal, accounts=others, workers=workers)


def failed_row(name, unit, tls, others, failed, say):
    say(str(failed))
    reasons = [line for line in str(failed).splitlines() if "refused:" in line] or str(failed).splitlines()[1:2]
    return {"name": name, "unit": unit, "tls": tls, "accounts": others, "failed": " ".join(reasons)[:150]}


def try_row(server, row, how, say, others):
    """A store that is left behind has messages refused: that is a finding, and the other rows are wanted all the same."""
    try:
        return measure_row(server, row, how, say, others)
    except Failed as failed:
        return failed_row(row[0], row[1], row[2], others, failed, say)


def measure_logins(server, how, say, others):
    """A login with contacts; and messages for those who are away, once they come and when they have come."""
    logins, kept, given = [], [], []
    for i in range(how.repeats):
        say("  logins with contacts, messages kept, %d other accounts (%d of %d)" % (others, i + 1, how.repeats))
        logins.append(run_load(server, "direct", *LOGIN)["login"]["out"])
        offline = run_load(server, "none", *OFFLINE)["offline"]
        kept.append(offline["in"])
        given.append(dict(offline["out"], cpu_us=offline["out"]["cpu_us"] - offline["bare"]["cpu_us"]))
    rest = {"accounts": others, "workers": WORKERS}
    return [dict(middle(logins), name="login, roster 100, 20 online", unit="login", tls="direct",
                 target=lambda floor: 600 + 3 * floor * (1 + 2 * ONLINE), **rest),
            dict(middle(kept), name="1,000 messages kept", unit="message", tls="none", target=40, **rest),
            dict(middle(given), name="  and given", unit="message", tls="none",
                 target=lambda floor: 3 * floor, **rest)]


def try_logins(server, how, say, others):
    try:
        return measure_logins(server, how, say, others)
    except Failed as failed:
        return [failed_row("logins with contacts, kept", "login", "direct", others, failed, say)]


def measure_floors(certificate, how, say):
    """The first one is what goals are multiples of."""
    with Relay(fanout=CONTACTS + 1) as relay:
        rows = [dict(measure_row(relay, ROWS[0], how, say, 0), name="relay, fan-out", target=None)]
    with Relay(certificate) as relay:
        return rows + [measure_row(relay, row, how, say, 0) for row in FLOORS]


def measure_server(certificate, how, say, others):
    with Server(certificate, accounts(others)) as server:
        try:
            rows = [try_row(server, row, how, say, others) for row in ROWS]
            rows += try_logins(server, how, say, others)
            if how.perf and others == ACCOUNTS[0]:
                for row in ROWS:
                    profile_server.profile(server, row[2], row[3] + ["--seconds", 8, "--cpu-seconds", 0], row[0])
        except Failed:
            say(server.read_log())
            raise
    return rows


def measure_workers(certificate, how, say, workers):
    """What is done is the same, and so may what it costs be, whoever shares it."""
    with Server(certificate, accounts(ACCOUNTS[0]), workers) as server:
        return [measure_row(server, row, how, say, ACCOUNTS[0], workers) for row in ROWS if row[0] in BY_WORKERS]


def measure(certificate, how, say):
    rows = measure_floors(certificate, how, say)
    for others in ACCOUNTS:
        rows += measure_server(certificate, how, say, others)
    for workers in OTHER_WORKERS:
        rows += measure_workers(certificate, how, say, workers)
    for row in rows:
        goal = row.get("target")
        row["target"] = goal(rows[0]["cpu_us"]) if callable(goal) else goal
    return rows


def filesystem(path):
    """Of the longest mount point above it: a sync on tmpfs costs nothing."""
    with open("/proc/mounts") as f:
        mounts = [line.split()[:3] for line in f]
    above = [m for m in mounts if os.path.commonpath([m[1], path]) == m[1]]
    return max(above, key=lambda m: len(m[1]))[2]


def print_rows(rows, data):
    floor = rows[0]["cpu_us"]
    form = "%-29s %-6s %2s %6s %9s %15s %7s %9s %8s %8s %6s  %-8s %s"
    print("\n" + form % ("instant messaging", "tls", "w", "others", "us/unit", "(spread)", "x relay", "unit/s", "p50 us",
                         "p99 us", "sys %", "unit", "target"))
    for row in sorted(rows, key=lambda row: [row["name"] == r["name"] for r in rows].index(True)):
        if "failed" in row:
            print("%-29s %-6s %6s  FAILED  %s" % (row["name"], row["tls"], row["accounts"], row["failed"]))
            continue
        goal = row["target"]
        verdict = "" if goal is None else "%.1f: %s" % (
            goal, "ok" if row["cpu_us"] <= goal else "%.1f x" % (row["cpu_us"] / goal))
        ratio = "%.1f" % (row["cpu_us"] / floor) if row["unit"] == "delivery" else ""
        speed = ["%.0f" % row[key] if key in row else "" for key in ("rate", "p50_us", "p99_us")]
        print(form % (row["name"], row["tls"], row["workers"], row["accounts"] or "", "%.2f" % row["cpu_us"],
                      "%.2f-%.2f" % (row["least_us"], row["most_us"]), ratio, *speed,
                      "%.0f" % (100 * row["system_share"]), row["unit"], verdict))
    print("Load average of the machine: %s." % ", ".join("%.1f" % load for load in os.getloadavg()))
    print("The stores lie on %s%s." % (data, ", where a sync costs nothing" if data == "tmpfs" else " and are synced"))


def smoke(certificate):
    """Each task once and short, with few contacts: what arrives counts, not how fast."""
    small = ["--user", "p", "--task", "presence", "--users", 12, "--actors", 2, "--contacts", 5, "--messages", 10]
    with Relay(fanout=6) as relay:
        run_load(relay, "none", *small)
    with Server(certificate, accounts(10, senders=2, contacts=5, entries=20)) as server:
        try:
            run_load(server, "none", *small)
            for task in ("roster-get", "roster-set"):
                run_load(server, "none", "--user", "r", "--task", task, "--actors", 3, "--entries", 20, "--messages", 10)
            run_load(server, "direct", *LOGIN[:4], "--actors", 5, *LOGIN[6:])
            run_load(server, "none", *OFFLINE, "--actors", 2, "--entries", 100)
            run_load(server, "direct", "--user", "c", "--archived", "--pairs", 5, "--window", 8, "--messages", 40)
        except Failed as failed:
            raise Failed("%s\n%s" % (failed, server.read_log()))
