/* load_report.c -- the figures of a run as one line of JSON. */
#include "tests/bench/load.h"

#include <stdio.h>

static double
per(uint64_t amount, uint64_t count)
{
	return count == 0 ? 0 : (double)amount / (double)count;
}

static void
print_memory(const char *name, const struct usage_memory *memory)
{
	printf("\"%s\":{\"pss\":%llu,\"mapped\":%llu,\"blocks\":%llu}", name,
	       (unsigned long long)memory->pss, (unsigned long long)memory->mapped,
	       (unsigned long long)memory->blocks);
}

/* CPU in microseconds, everything divided by count. */
static void
print_usage(const struct usage *usage, uint64_t count)
{
	uint64_t ticks = usage->user_ticks + usage->system_ticks;

	printf("\"cpu_us\":%.3f,\"system_share\":%.2f,\"voluntary\":%.3f,\"involuntary\":"
	       "%.3f,"
	       "\"reads\":%.3f,\"writes\":%.3f",
	       per(usage->cpu_ns, count) / 1e3, per(usage->system_ticks, ticks),
	       per(usage->voluntary, count), per(usage->involuntary, count),
	       per(usage->reads, count), per(usage->writes, count));
}

static void
print_set(const struct usage_set *set, uint64_t count, bool has_calls)
{
	if (has_calls)
		printf("\"calls\":%.3f,", per(set->total.calls, count));
	printf("\"count\":%llu,\"seconds\":%.3f,\"cpu_seconds\":%.3f,",
	       (unsigned long long)count, (double)set->at_ns / 1e9,
	       (double)set->total.cpu_ns / 1e9);
	print_usage(&set->total, count);
	printf(",\"processes\":[");
	for (int i = 0; i < set->count; i++) {
		printf("%s{\"pid\":%d,\"name\":\"", i == 0 ? "" : ",",
		       (int)set->process[i].pid);
		for (const char *c = set->process[i].name; *c != '\0'; c++)
			putchar(*c < ' ' || *c == '"' || *c == '\\' ? '?' : *c);
		printf("\",");
		print_usage(&set->process[i].usage, count);
		printf("}");
	}
	printf("]");
}

static void
print_login(const char *name, const struct usage_set *set, unsigned users, bool has_calls)
{
	if (set->count == 0)
		return;
	printf(",\"%s\":{", name);
	print_set(set, users, has_calls);
	printf("}");
}

static void
print_counts(void)
{
	const struct chat_counts *counts = &chat_counts;

	printf(",\"sent\":%llu,\"received\":%llu,\"lost\":%llu,\"doubled\":%llu,"
	       "\"reordered\":%llu,\"damaged\":%llu,\"refused\":%llu,\"broken\":%llu",
	       (unsigned long long)counts->sent, (unsigned long long)counts->received,
	       (unsigned long long)counts->lost, (unsigned long long)counts->doubled,
	       (unsigned long long)counts->reordered, (unsigned long long)counts->damaged,
	       (unsigned long long)counts->refused, (unsigned long long)counts->broken);
}

static void
print_chat(const struct load_options *options, const struct load_figures *figures)
{
	const struct chat_counts *counts = &chat_counts;

	printf(",\"%s\":{\"pairs\":%u,\"window\":%u,\"body\":%u,\"rate\":%.0f,",
	       options->im.task == IM_NONE ? "chat" : options->im.name, options->chat.pairs,
	       options->chat.window, options->chat.body,
	       per(figures->delivered, figures->chat.at_ns) * 1e9);
	printf("\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f,",
	       (double)latency_percentile(&counts->latency, 0.5) / 1e3,
	       (double)latency_percentile(&counts->latency, 0.99) / 1e3,
	       (double)counts->latency.most_ns / 1e3);
	printf("\"client_cpu_us\":%.3f,",
	       per(figures->client_cpu_ns, figures->delivered) / 1e3);
	print_set(&figures->chat, figures->delivered, figures->calls_counted);
	print_counts();
	printf("}");
}

/* A login's cost by logins, a message's by messages. */
static void
print_logins(const struct load_options *options, const struct load_figures *figures)
{
	const struct im_options *im = &options->im;

	printf(",\"%s\":{", im->name);
	if (im->task == IM_OFFLINE) {
		uint64_t messages = (uint64_t)im->actors * im->entries;

		printf("\"in\":{");
		print_set(&figures->im.in, messages, false);
		printf("},\"out\":{");
		print_set(&figures->im.out, messages, false);
		printf("},\"bare\":{");
		print_set(&figures->im.bare, messages, false);
	} else {
		printf("\"out\":{");
		print_set(&figures->im.out, im->actors, false);
	}
	printf("}");
	print_counts();
	printf("}");
}

static void
print_storm(const struct storm_figures *storm)
{
	printf(",\"storm\":{\"lost\":%u,\"resumed\":%u,\"first_ms\":%.1f,\"last_ms\":%.1f}",
	       storm->lost, storm->resumed, (double)storm->first_ns / 1e6,
	       (double)storm->last_ns / 1e6);
}

void
load_report(const struct load_options *options, const struct load_figures *figures)
{
	printf("{\"users\":%u", options->users);
	if (figures->memory.processes > 0) {
		printf(",\"memory\":{\"processes\":%d,", figures->memory.processes);
		print_memory("before", &figures->memory.before);
		printf(",");
		print_memory("after", &figures->memory.after);
		printf("}");
	}
	print_login("login", &figures->login, options->users, figures->calls_counted);
	if (options->resumes)
		printf(",\"resumed\":%u", figures->resumed);
	if (options->resumes && options->login.is_managed)
		printf(",\"sessions_resumed\":%u", figures->sessions_resumed);
	if (options->victim != 0)
		print_storm(&figures->storm);
	print_login("resumption", &figures->resumption, options->users,
		    figures->calls_counted);
	if (options->im.task >= IM_LOGIN)
		print_logins(options, figures);
	else if (options->chat.pairs > 0 || options->im.task != IM_NONE)
		print_chat(options, figures);
	printf(",\"processes_changed\":%s}\n",
	       figures->processes_changed ? "true" : "false");
}
