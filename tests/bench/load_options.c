/* load_options.c -- the words of the load client's command line. */
#include "tests/bench/load.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum word {
	WORD_HELP = 1,
	WORD_HOST,
	WORD_USER,
	WORD_PASSWORD,
	WORD_PORT,
	WORD_PORTS,
	WORD_TLS,
	WORD_USERS,
	WORD_PARALLEL,
	WORD_RELAY,
	WORD_RESUME,
	WORD_FORGET,
	WORD_MANAGED,
	WORD_KILL,
	WORD_PAIRS,
	WORD_WINDOW,
	WORD_BODY,
	WORD_MESSAGES,
	WORD_SECONDS,
	WORD_CPU_SECONDS,
	WORD_WARM_UP,
	WORD_IDLE,
	WORD_MOST,
	WORD_BOTH,
	WORD_BARE,
	WORD_SERVER,
	WORD_RUNTIME,
	WORD_CALLS,
	WORD_ARCHIVED,
	WORD_RATE,
	WORD_TASK,
	WORD_ACTORS,
	WORD_CONTACTS,
	WORD_ENTRIES
};

static const struct option words[] = {
	{ "help", no_argument, NULL, WORD_HELP },
	{ "host", required_argument, NULL, WORD_HOST },
	{ "user", required_argument, NULL, WORD_USER },
	{ "password", required_argument, NULL, WORD_PASSWORD },
	{ "port", required_argument, NULL, WORD_PORT },
	{ "ports", required_argument, NULL, WORD_PORTS },
	{ "tls", required_argument, NULL, WORD_TLS },
	{ "users", required_argument, NULL, WORD_USERS },
	{ "parallel", required_argument, NULL, WORD_PARALLEL },
	{ "relay", no_argument, NULL, WORD_RELAY },
	{ "resume", no_argument, NULL, WORD_RESUME },
	{ "forget", no_argument, NULL, WORD_FORGET },
	{ "managed", no_argument, NULL, WORD_MANAGED },
	{ "kill", required_argument, NULL, WORD_KILL },
	{ "pairs", required_argument, NULL, WORD_PAIRS },
	{ "window", required_argument, NULL, WORD_WINDOW },
	{ "body", required_argument, NULL, WORD_BODY },
	{ "messages", required_argument, NULL, WORD_MESSAGES },
	{ "seconds", required_argument, NULL, WORD_SECONDS },
	{ "cpu-seconds", required_argument, NULL, WORD_CPU_SECONDS },
	{ "warm-up", required_argument, NULL, WORD_WARM_UP },
	{ "idle", required_argument, NULL, WORD_IDLE },
	{ "most-seconds", required_argument, NULL, WORD_MOST },
	{ "both", no_argument, NULL, WORD_BOTH },
	{ "bare", no_argument, NULL, WORD_BARE },
	{ "server", required_argument, NULL, WORD_SERVER },
	{ "runtime-dir", required_argument, NULL, WORD_RUNTIME },
	{ "calls", no_argument, NULL, WORD_CALLS },
	{ "archived", no_argument, NULL, WORD_ARCHIVED },
	{ "rate", required_argument, NULL, WORD_RATE },
	{ "task", required_argument, NULL, WORD_TASK },
	{ "actors", required_argument, NULL, WORD_ACTORS },
	{ "contacts", required_argument, NULL, WORD_CONTACTS },
	{ "entries", required_argument, NULL, WORD_ENTRIES },
	{ 0 }
};

static const char help[] =
    "usage: load --port PORT [option ...]\n"
    "  --host NAME --user PREFIX --password TEXT   account n is PREFIXn@NAME\n"
    "  --tls none|starttls|direct                  TLS 1.3, certificates unchecked\n"
    "  --users N --parallel K                      sessions, and logins under way at "
    "once\n"
    "  --resume                                    logs all in again with TLS tickets; "
    "--forget: without\n"
    "  --managed                                   with stream management; who comes "
    "again resumes\n"
    "  --kill PID                                  of a worker: its clients come back and "
    "resume\n"
    "  --relay --ports K                           no login; pair i to PORT + i modulo "
    "K\n"
    "  --pairs P --window W --body BYTES           who talks; --both: both ways\n"
    "  --bare                                      to bare JIDs instead of full ones\n"
    "  --rate N                                    messages a second of all senders, at "
    "most\n"
    "  --archived                                  without the hint that they be not "
    "kept\n"
    "  --task presence|roster-get|roster-set|login|offline   instead of talking\n"
    "  --actors N --contacts C --entries E         who does it, contacts online, and "
    "what else\n"
    "  --messages M | --seconds S --cpu-seconds C  how long; S and C of server CPU, "
    "both\n"
    "  --idle S                                    of silence, before memory is measured\n"
    "  --warm-up S --most-seconds S                before, not measured (0.5); and at "
    "most (60)\n"
    "  --server PID --runtime-dir DIR              whose use is measured\n"
    "  --calls                                     counts system calls too (slower)\n";

static uint64_t
to_ns(const char *seconds)
{
	return (uint64_t)(strtod(seconds, NULL) * 1e9);
}

static bool
read_tls(const char *word, enum peer_tls *tls)
{
	static const char *const names[] = { "none", "starttls", "direct" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(word, names[i]) == 0) {
			*tls = (enum peer_tls)i;
			return true;
		}
	fprintf(stderr, "load: --tls is none, starttls or direct\n");
	return false;
}

static bool
read_task(const char *word, struct im_options *im)
{
	static const char *const names[] = { "presence", "roster-get", "roster-set", "login",
					     "offline" };

	im->name = word;
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(word, names[i]) == 0)
			im->task = (enum im_task)(IM_PRESENCE + i);
	return im->task != IM_NONE;
}

static unsigned
to_number(const char *word)
{
	return (unsigned)strtoul(word, NULL, 10);
}

static bool
read_word(struct load_options *options, int word, const char *value)
{
	switch ((enum word)word) {
	case WORD_HOST:
		options->login.host = value;
		return true;
	case WORD_USER:
		options->login.user = value;
		return true;
	case WORD_PASSWORD:
		options->login.password = value;
		return true;
	case WORD_PORT:
		options->login.port = (uint16_t)to_number(value);
		return true;
	case WORD_PORTS:
		options->ports = to_number(value);
		return true;
	case WORD_TLS:
		return read_tls(value, &options->login.tls);
	case WORD_USERS:
		options->users = to_number(value);
		return true;
	case WORD_PARALLEL:
		options->login.parallel = to_number(value);
		return true;
	case WORD_RELAY:
		options->is_relay = true;
		return true;
	case WORD_RESUME:
		options->resumes = true;
		return true;
	case WORD_FORGET:
		options->resumes = true;
		options->forgets = true;
		return true;
	case WORD_MANAGED:
		options->login.is_managed = true;
		return true;
	case WORD_KILL:
		options->victim = (pid_t)to_number(value);
		options->login.is_managed = true;
		return true;
	case WORD_PAIRS:
		options->chat.pairs = to_number(value);
		return true;
	case WORD_WINDOW:
		options->chat.window = to_number(value);
		return true;
	case WORD_BODY:
		options->chat.body = to_number(value);
		return true;
	case WORD_MESSAGES:
		options->chat.messages = strtoull(value, NULL, 10);
		return true;
	case WORD_SECONDS:
		options->least_ns = to_ns(value);
		return true;
	case WORD_CPU_SECONDS:
		options->least_cpu_ns = to_ns(value);
		return true;
	case WORD_IDLE:
		options->idle_s = to_number(value);
		return true;
	case WORD_WARM_UP:
		options->warm_up_ns = to_ns(value);
		return true;
	case WORD_MOST:
		options->most_ns = to_ns(value);
		return true;
	case WORD_BOTH:
		options->chat.both_ways = true;
		return true;
	case WORD_BARE:
		options->chat.resource = NULL;
		return true;
	case WORD_SERVER:
		options->server = (pid_t)to_number(value);
		return true;
	case WORD_RUNTIME:
		options->runtime_dir = value;
		return true;
	case WORD_CALLS:
		options->counts_calls = true;
		return true;
	case WORD_ARCHIVED:
		options->chat.is_archived = true;
		return true;
	case WORD_RATE:
		options->chat.rate = strtoull(value, NULL, 10);
		return true;
	case WORD_TASK:
		return read_task(value, &options->im);
	case WORD_ACTORS:
		options->im.actors = to_number(value);
		return true;
	case WORD_CONTACTS:
		options->im.contacts = to_number(value);
		return true;
	case WORD_ENTRIES:
		options->im.entries = to_number(value);
		return true;
	case WORD_HELP:
		break;
	}
	fputs(help, stderr);
	return false;
}

/* Presence has one actor's contacts at least behind the actors; other tasks have the users they need. */
static bool
check_task(struct load_options *options)
{
	struct im_options *im = &options->im;
	unsigned least = im->actors + im->contacts;

	im->host = options->login.host;
	im->user = options->login.user;
	im->server = options->server;
	im->body = options->chat.body;
	im->messages = options->chat.messages;
	im->rate = options->chat.rate;
	if (im->task == IM_OFFLINE)
		least = 2 * im->actors;
	if (im->task != IM_PRESENCE || options->users < least)
		options->users = least;
	im->users = options->users;
	if (im->task == IM_NONE || (im->actors > 0 && (im->entries > 0 || im->task == IM_PRESENCE)))
		return true;
	fputs("load: a task needs actors and entries, presence needs contacts\n", stderr);
	return false;
}

static bool
check(struct load_options *options)
{
	struct chat_options *chat = &options->chat;

	chat->host = options->login.host;
	chat->user = options->login.user;
	if (options->im.task != IM_NONE && !check_task(options))
		return false;
	if (options->users < 2 * chat->pairs)
		options->users = 2 * chat->pairs;
	if (options->login.port != 0 && options->ports > 0 &&
	    options->login.parallel > 0 && chat->window > 0 &&
	    chat->window <= CHAT_WINDOW_MAX && chat->body >= 32 && chat->body <= 4096)
		return true;
	fprintf(stderr,
		"load: a port is needed; windows are 1 to %d, bodies 32 to 4096 bytes\n",
		CHAT_WINDOW_MAX);
	return false;
}

bool
load_options_read(struct load_options *options, int argc, char **argv)
{
	int word;

	*options = (struct load_options){
		.login = { .host = "localhost",
			   .user = "u",
			   .password = "bench",
			   .resource = "bench",
			   .parallel = 16 },
		.chat = { .resource = "bench", .window = 1, .body = 200 },
		.ports = 1,
		.warm_up_ns = 500000000,
		.least_ns = 1000000000,
		.most_ns = UINT64_C(60000000000),
	};
	while ((word = getopt_long(argc, argv, "", words, NULL)) != -1)
		if (!read_word(options, word, optarg))
			return false;
	return check(options);
}
