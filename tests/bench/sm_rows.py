"""The rows of stream management: what it costs a message, a resumption, a worker that is killed, an idle session."""
import statistics

import profile_server
from private_server import Failed, Server, run_load

PAIRS = 100
HOST = 'ack = "memory";'
TARGET_CHAT = 1.15		# times the same without
TARGET_RESUME_US = 600
TARGET_SESSION_KB = 24
STORMS = (1000, 2000)		# clients of two workers, one of which is killed


def chat_words(window, how):
    return ["--pairs", PAIRS, "--window", window, "--body", 200,
            "--seconds", how.seconds, "--cpu-seconds", how.cpu_seconds]


def measure_chat(server, tls, window, how, say):
    """With and without in turn, so that both meet the same machine."""
    runs = {"without": [], "with": []}
    for i in range(how.repeats):
        for name, more in (("without", []), ("with", ["--managed"])):
            say("  chat %s stream management, %s, window %d (%d of %d)" % (name, tls, window, i + 1, how.repeats))
            runs[name].append(run_load(server, tls, *chat_words(window, how), *more)["chat"])
    row = {"tls": tls, "window": window}
    for name in runs:
        cpu = sorted(run["cpu_us"] for run in runs[name])
        row[name] = {"cpu_us": statistics.median(cpu), "least_us": cpu[0], "most_us": cpu[-1], "runs": runs[name]}
    row["ratio"] = statistics.median(b["cpu_us"] / a["cpu_us"] for a, b in zip(runs["without"], runs["with"]))
    return row


def measure_calls(server, tls, window, row):
    """Counted in runs of their own: counting costs."""
    for name, more in (("without", []), ("with", ["--managed"])):
        words = ["--pairs", PAIRS, "--window", window, "--body", 200, "--seconds", 1.5, "--calls"] + more
        row[name]["calls"] = run_load(server, tls, *words)["chat"].get("calls")


def measure_resumptions(server, how, say):
    found = {}
    for name, word in (("full", "--forget"), ("ticket", "--resume")):
        runs = []
        for i in range(how.repeats):
            say("  %d sessions resumed, %s (%d of %d)" % (how.users, name, i + 1, how.repeats))
            runs.append(run_load(server, "direct", "--users", how.users, "--managed", word))
            if runs[-1]["sessions_resumed"] != how.users:
                raise Failed("%d of %d were resumed" % (runs[-1]["sessions_resumed"], how.users))
        runs.sort(key=lambda run: run["resumption"]["cpu_us"])
        found[name] = {"cpu_us": runs[len(runs) // 2]["resumption"]["cpu_us"],
                       "login_us": statistics.median(run["login"]["cpu_us"] for run in runs),
                       "tickets": runs[0]["resumed"], "sessions": runs[0]["sessions_resumed"],
                       "least_us": runs[0]["resumption"]["cpu_us"], "most_us": runs[-1]["resumption"]["cpu_us"]}
    return found


def measure_storm(certificate, users, say):
    say("  kill -9 of a worker under %d clients" % users)
    with Server(certificate, users, host=HOST) as server:
        words = ["--users", users, "--parallel", 64, "--kill", server.worker(0)]
        try:
            return dict(run_load(server, "direct", *words)["storm"], users=users)
        except Failed as failed:
            raise Failed("%s\n%s" % (failed, server.read_log()))


def measure(certificate, how, say):
    found = {}
    with Server(certificate, how.users, host=HOST) as server:
        say("  %d idle sessions" % how.users)
        # After 5 s a client is asked to acknowledge, and its answer wakes what had been given back: so longer than 10.
        memory = run_load(server, "direct", "--users", how.users, "--managed", "--idle", 16)["memory"]
        found["memory"] = dict(memory, users=how.users)
    with Server(certificate, max(how.users, 2 * PAIRS), host=HOST) as server:
        found["chat"] = []
        for tls in ("none", "direct"):
            for window in (32, 1):
                row = measure_chat(server, tls, window, how, say)
                measure_calls(server, tls, window, row)
                found["chat"].append(row)
        if how.perf:
            for window in (32, 1):
                words = ["--pairs", PAIRS, "--window", window, "--body", 200, "--seconds", 8]
                for name, more in (("without", []), ("with", ["--managed"])):
                    profile_server.profile(server, "none", words + more, "window %d, %s" % (window, name))
        found["resume"] = measure_resumptions(server, how, say)
    found["storms"] = [measure_storm(certificate, users, say) for users in STORMS]
    return found


# --- the table ---

def verdict(value, target):
    return "ok" if value <= target else "%.2f x" % (value / target)


def print_chat(rows):
    form = "%-24s %-6s %3s %9s %13s %9s %13s %7s %7s %7s  %s"
    print("\n" + form % ("stream management", "tls", "W", "without", "(spread)", "with", "(spread)", "calls", "calls",
                         "ratio", "target"))
    for row in rows:
        words = []
        for name in ("without", "with"):
            one = row[name]
            words += ["%.2f" % one["cpu_us"], "%.2f-%.2f" % (one["least_us"], one["most_us"])]
        calls = ["-" if row[name]["calls"] is None else "%.2f" % row[name]["calls"] for name in ("without", "with")]
        print(form % ("chat, us a message", row["tls"], row["window"], *words, *calls, "%.2f" % row["ratio"],
                      "%.2f: %s" % (TARGET_CHAT, verdict(row["ratio"], TARGET_CHAT))))


def session_bytes(memory, *keys):
    used = [sum(memory[when][key] for key in keys) for when in ("before", "after")]
    return (used[1] - used[0]) / memory["users"] / 1024


def print_found(found):
    print_chat(found["chat"])
    form = "%-62s %9.1f %-3s %s"
    print()
    for name, how in (("full", "full handshake"), ("ticket", "with a ticket")):
        one = found["resume"][name]
        what = "resume, TLS 1.3 (%s) + SCRAM-SHA-1, %d of them" % (how, one["sessions"])
        print(form % (what, one["cpu_us"], "us", "(%.0f-%.0f)  %d us: %s" % (
            one["least_us"], one["most_us"], TARGET_RESUME_US, verdict(one["cpu_us"], TARGET_RESUME_US))))
    print(form % ("  the login before it", found["resume"]["full"]["login_us"], "us", ""))
    kb = session_bytes(found["memory"], "pss", "blocks")
    print(form % ("idle TLS session that can be resumed, PSS + runtime directory", kb, "KB",
                  "%d KB: %s" % (TARGET_SESSION_KB, verdict(kb, TARGET_SESSION_KB))))
    print(form % ("  of that the runtime directory", session_bytes(found["memory"], "blocks"), "KB", ""))
    for storm in found["storms"]:
        what = "kill -9 of a worker, %d clients: the last of %d has resumed after" % (storm["users"], storm["lost"])
        print(form % (what, storm["last_ms"], "ms", "the first after %.1f" % storm["first_ms"]))


def smoke(certificate):
    """Everything arrives once and in order, is acknowledged, and all are resumed."""
    words = ["--pairs", 5, "--window", 8, "--messages", 40, "--managed"]
    with Server(certificate, 20, host=HOST) as server:
        try:
            for tls, more in (("none", ["--both"]), ("direct", ["--resume"])):
                run_load(server, tls, *words, *more)
            found = run_load(server, "direct", "--users", 12, "--managed", "--forget")
            if found["sessions_resumed"] != 12 or found["resumed"] != 0:
                raise Failed("%d sessions resumed, %d connections" % (found["sessions_resumed"], found["resumed"]))
            run_load(server, "direct", "--users", 20, "--parallel", 4, "--kill", server.worker(0))
        except Failed as failed:
            raise Failed("%s\n%s" % (failed, server.read_log()))
