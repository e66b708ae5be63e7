/* command.c -- every command is a row: usage, help and manual all read it. */
#include "ctl/command.h"

#include <string.h>

#include "ctl/commands.h"

#define PASSWORD_TEXT \
	"The password is asked for twice at a terminal, and is one line of standard " \
	"input otherwise. SCRAM keys for SHA-1, SHA-256 and SHA-512 are made from it " \
	"here; the password itself is neither stored nor sent."

static const struct command commands[] = {
	{ "adduser", "JID", COMMAND_DATA, adduser_run, "Makes an account.",
	  "Its host must be in the configuration, and the name before the @ may have "
	  "64 bytes. An account that exists already is left as it is. " PASSWORD_TEXT },
	{ "passwd", "JID", 0, passwd_run,
	  "Gives an account another password and closes its sessions.",
	  "They end with the stream error reset. " PASSWORD_TEXT },
	{ "deluser", "JID", 0, deluser_run, "Deletes an account and closes its sessions.",
	  "They end with the stream error not-authorized. Its contacts are unsubscribed "
	  "from it, and all that was kept for it is removed: at once, or when the server "
	  "starts. An account that is made later with the same name is another one: it "
	  "inherits nothing." },
	{ "users", "[HOST]", COMMAND_JSON, users_run,
	  "Lists the accounts of a host, or of all hosts.",
	  "Each with the SCRAM hashes it has keys for, whether it is disabled, and how "
	  "many sessions it has now." },
	{ "sessions", "[JID]", COMMAND_JSON, sessions_run,
	  "Lists connections and sessions.",
	  "All of them, or those of a full JID, an account or a host. They are read "
	  "from shared memory, so this also works while no worker answers. The columns "
	  "are explained in rookery-session(7). The last lines are sums, and the "
	  "memory it takes." },
	{ "session", "FULL-JID", COMMAND_JSON, session_run,
	  "Shows the properties of one session.",
	  "By the names of rookery-session(7). The presence is the last one that was "
	  "not directed to somebody." },
	{ "kick", "JID", 0, kick_run,
	  "Closes the sessions of an account, or one session.",
	  "A full JID names one session. Each stream ends with an error." },
	{ "workers", NULL, COMMAND_JSON | COMMAND_ROOT, workers_run,
	  "Lists the processes of the server, and what each costs.",
	  "A worker has two numbers in turn; STATE is draining for one that is being "
	  "replaced. GENERATION grows each time a process of that number ended. HEARTBEAT "
	  "is the age of its last sign of life. IN and OUT count stanzas, CPU is user "
	  "and system time. PSS, which shares common memory out, is shown to root "
	  "alone." },
	{ "stats", NULL, COMMAND_JSON, stats_run,
	  "Shows what was counted, and how full memory is.",
	  "With --json the counters of each process too." },
	{ "limits", NULL, COMMAND_JSON, limits_run,
	  "Shows each limit, how near it came, and how often it bit.",
	  "VALUE is the option of that name in rookery.conf(5). USED is what is in use now, "
	  "of an address the most that any has, and PEAK the most since the server "
	  "started, where that is counted. Of rates USED and PEAK are how much of the "
	  "burst was taken. BITES counts each time that something was refused, put off or "
	  "ended for it." },
	{ "status", NULL, COMMAND_JSON, status_run, "Tells whether the server runs.",
	  "Exits 0 when it does, 3 when it does not." },
	{ "fsck", NULL, COMMAND_JSON, fsck_run,
	  "Checks memory and stores, and names each broken rule.",
	  "It changes nothing. With the server down it is exact; while one runs it looks "
	  "up to five times, and tells what it found each time. A line names the rule, "
	  "where it is broken, what is there instead and what to do. Exits 0 when nothing "
	  "is broken, and 65 (EX_DATAERR) with findings. A large archive takes seconds, "
	  "for which the data directory may grow." },
	{ "reload", NULL, 0, reload_run, "Makes the server read its configuration again.",
	  "Prints what changed, what needs a restart, and every mistake. With any "
	  "mistake nothing is changed." },
	{ "stop", NULL, 0, stop_run, "Stops the server, and waits until it has ended.",
	  NULL },
	{ "drain", "WORKER", 0, drain_run, "Puts a new worker in the place of another one.",
	  "It has another number, and accepts connections when the command ends. The "
	  "old one accepts no more: sessions that can be resumed lose their connection, "
	  "drain_pace a second, and come back to another worker; the others end after "
	  "drain_time. Numbers are those of the command workers." },
	{ "upgrade", NULL, 0, upgrade_run,
	  "Puts the installed version in the place of the old one.",
	  "Sessions, memory and listening sockets stay. The new version is asked first "
	  "whether its memory is laid out as the running one's, and checks the "
	  "configuration; where it does not fit nothing is touched. Then it starts new "
	  "workers, and the command ends when they accept connections; the old ones drain "
	  "as with the command drain. A version that does not start leaves the old one "
	  "running." },
	{ "trace", "JID", COMMAND_COUNT, trace_run,
	  "Prints the way of an address's stanzas as they go it.",
	  "For a full JID or an account, until it is interrupted, or --count lines "
	  "were printed." },
	{ "clock", "SECONDS|stop|go", 0, clock_run,
	  "Moves, stops or starts the server's clock, for tests.",
	  "Works only with a server started with --test-clock." },
	{ "config", NULL, COMMAND_SAMPLE | COMMAND_ROOT, config_run,
	  "Prints the configuration as the server understands it.",
	  "Every option with its value, given or default. With --sample a file to "
	  "start from." },
	{ "version", NULL, COMMAND_JSON, version_run, "Prints the version.", NULL },
	{ "help", "[COMMAND]", 0, help_run, "Lists the commands, or explains one.",
	  NULL },
};

#define COUNT (sizeof(commands) / sizeof(commands[0]))

const struct command *
command_find(const char *name)
{
	for (size_t i = 0; i < COUNT; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

const struct command *
command_all(size_t *count)
{
	*count = COUNT;
	return commands;
}
