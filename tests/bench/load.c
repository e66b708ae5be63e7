/* load.c -- logs clients in, lets them talk, and measures what the server spends. */
#include "tests/bench/load.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/bench/managed.h"

enum { EXIT_UNSOUND = 1, EXIT_USAGE = 2, EXIT_UNREACHED = 3 };

#define MS UINT64_C(1000000)

static struct load_options options;
static struct load_figures figures;
static struct peer *peers;

static void
on_closed(struct peer *peer)
{
	bool is_counted = options.im.task != IM_NONE && peer->state == LOGIN_DONE;

	if ((peer->chat != NULL || is_counted) && chat_counts.broken++ == 0)
		fprintf(stderr, "load: user %u lost its connection\n", peer->number);
	if (peer->state == LOGIN_DONE) {
		peer_close(peer, false);
		storm_on_lost(peer);
	}
}

/* Time for what follows a login in the server: tickets, presence, threads that end. */
static void
settle(uint64_t ns)
{
	uint64_t end = peer_now_ns() + ns;

	while (peer_now_ns() < end)
		peer_turn(20);
}

static uint64_t
own_cpu_ns(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return (uint64_t)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000 * MS +
	       (uint64_t)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1000;
}

static void
make_peers(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	peers = memory_new(options.users * sizeof(*peers));
	for (unsigned i = 0; i < options.users; i++) {
		peers[i].fd = -1;
		peers[i].number = i;
		buffer_init(&peers[i].in);
		buffer_init(&peers[i].out);
	}
}

/* --- reaching the server --- */

static void
note_difference(const struct usage_set *before, struct usage_set *difference)
{
	struct usage_set after;

	if (options.server == 0)
		return;
	usage_take(options.server, &after);
	if (!usage_subtract(&after, before, difference))
		figures.processes_changed = true;
}

static bool
connect_one(unsigned number, unsigned group)
{
	uint16_t port = (uint16_t)(options.login.port + group % options.ports);

	if (!peer_open(&peers[number], port)) {
		fprintf(stderr, "load: port %u: %s\n", port, strerror(errno));
		return false;
	}
	peers[number].state = LOGIN_DONE;
	if (options.login.tls != PEER_PLAIN)
		peer_secure(&peers[number], options.login.host);
	peer_turn(0);
	return true;
}

/* One that speaks, then those who hear it. */
static bool
connect_groups(void)
{
	unsigned actors = options.im.actors, contacts = options.im.contacts;
	bool done = true;

	for (unsigned i = 0; i < actors && done; i++) {
		done = connect_one(i, i);
		for (unsigned j = 0; j < contacts && done; j++)
			done = connect_one(actors + i * contacts + j, i);
	}
	return done;
}

/* A relay joins each connection to those before, so they are made one after the other. */
static bool
connect_all(void)
{
	bool done = true;

	if (options.im.task == IM_PRESENCE)
		return connect_groups();
	for (unsigned i = 0; i < options.users && done; i++)
		done = connect_one(i, i / 2);
	return done;
}

static bool
log_in(struct usage_set *cost)
{
	struct usage_set before;

	usage_take(options.server, &before);
	if (options.is_relay ? !connect_all()
			     : !login_all(&options.login, peers, options.users))
		return false;
	settle(500 * MS);
	note_difference(&before, cost);
	return true;
}

/* The same clients once more: closed all, and back with the tickets they were given. */
static bool
log_in_again(void)
{
	for (unsigned i = 0; i < options.users; i++)
		peer_close(&peers[i], !options.forgets);
	settle(500 * MS);
	if (!log_in(&figures.resumption))
		return false;
	figures.sessions_resumed = options.login.is_managed ? login_count() : 0;
	for (unsigned i = 0; i < options.users; i++)
		figures.resumed += peer_is_resumed(&peers[i]);
	return true;
}

static void
count_calls(void)
{
	struct usage_set set;

	usage_take(options.server, &set);
	figures.calls_counted = usage_count_calls(&set);
}

static void
note_memory(struct usage_memory *memory)
{
	struct usage_set set;

	if (options.server == 0)
		return;
	figures.memory.processes = usage_take(options.server, &set);
	usage_memory(&set, options.runtime_dir, memory);
}

static bool
is_talking(void)
{
	return options.chat.pairs > 0 || options.im.task != IM_NONE;
}

static bool
reach_server(void)
{
	note_memory(&figures.memory.before);
	if (options.counts_calls)
		count_calls();
	if (!log_in(&figures.login))
		return false;
	if (options.server != 0 && options.idle_s > 0)
		settle(options.idle_s * 1000 * MS);	/* what a server gives back of a silent session counts */
	note_memory(&figures.memory.after);
	return !options.resumes || log_in_again();
}

/* --- talking --- */

static uint64_t
cpu_since(const struct usage_set *before)
{
	struct usage_set now, difference;

	usage_take(options.server, &now);
	usage_subtract(&now, before, &difference);
	return difference.total.cpu_ns;
}

static void
start_traffic(void)
{
	if (options.im.task == IM_NONE)
		chat_start(&options.chat, peers);
	else if (options.im.task == IM_PRESENCE)
		im_presence_start(&options.im, peers);
	else
		im_roster_start(&options.im, peers);
}

static void
measure(const struct usage_set *before)
{
	uint64_t start = peer_now_ns();
	uint64_t step = options.least_ns;

	if (options.chat.messages != 0) {
		chat_run(start + options.most_ns);
		return;
	}
	do {
		chat_run(peer_now_ns() + step);
		step = 200 * MS;
	} while (options.server != 0 && chat_counts.broken == 0 &&
		 peer_now_ns() - start < options.most_ns &&
		 cpu_since(before) < options.least_cpu_ns);
}

static void
talk(void)
{
	struct usage_set before = { 0 };
	uint64_t delivered, own_cpu;

	/* A counted number of messages is measured from the first on. */
	if (options.chat.messages == 0) {
		start_traffic();
		chat_run(peer_now_ns() + options.warm_up_ns);
		chat_forget_latency();
	}
	usage_take(options.server, &before);
	delivered = chat_counts.received;
	own_cpu = own_cpu_ns();
	if (options.chat.messages != 0)
		start_traffic();
	fprintf(stderr, "load: measuring\n");
	measure(&before);
	figures.chat.at_ns = peer_now_ns() - before.at_ns;
	figures.delivered = chat_counts.received - delivered;
	note_difference(&before, &figures.chat);
	figures.client_cpu_ns = own_cpu_ns() - own_cpu;
	chat_drain(2000 * MS);
	if (options.login.is_managed)
		figures.unsettled = managed_settle(peers, options.users, 5000 * MS);
}

/* Tasks of which a login is a part. */
static bool
run_logins(void)
{
	if (options.im.task == IM_LOGIN)
		return im_login_run(&options.im, options.login, peers, &figures.im);
	return im_offline_run(&options.im, options.login, peers, &figures.im);
}

int
main(int argc, char **argv)
{
	if (!load_options_read(&options, argc, argv))
		return EXIT_USAGE;
	signal(SIGPIPE, SIG_IGN);
	peer_start(NULL, on_closed);
	make_peers();
	if (options.im.task >= IM_LOGIN) {
		if (!run_logins())
			return EXIT_UNREACHED;
	} else if (!reach_server()) {
		return EXIT_UNREACHED;
	} else if (options.victim != 0) {
		if (!storm_run(&options.login, options.victim, &figures.storm))
			return EXIT_UNREACHED;
	} else if (is_talking()) {
		talk();
	}
	load_report(&options, &figures);
	if (is_talking() && !chat_is_sound()) {
		fprintf(stderr, "load: not everything arrived once and in order\n");
		return EXIT_UNSOUND;
	}
	if (figures.unsettled > 0) {
		fprintf(stderr, "load: not everything was acknowledged to %u users\n",
			figures.unsettled);
		return EXIT_UNSOUND;
	}
	if (options.login.is_managed)
		managed_leave(peers, options.users);
	return figures.processes_changed || figures.im.is_changed ? EXIT_UNSOUND : EXIT_SUCCESS;
}
