/* stats.c -- `stats`: what the processes have counted, and how full memory is. */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "config/config.h"
#include "ctl/answer.h"
#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "ctl/process_view.h"
#include "ctl/table.h"
#include "shm/blocks.h"
#include "shm/counters.h"
#include "shm/registry.h"
#include "shm/slots.h"

static const struct table_column counter_columns[] = {
	{ "COUNTER", TABLE_LEFT },
	{ "TOTAL", TABLE_RIGHT },
	{ "WHAT IT IS", TABLE_LEFT },
	{ 0 },
};

static const struct table_column memory_columns[] = {
	{ "MEMORY", TABLE_LEFT },
	{ "USED", TABLE_RIGHT },
	{ 0 },
};

struct memory {
	uint64_t runtime_bytes; /* what stands behind the files of runtime_dir */
	uint64_t slots_used, slots_max;
	uint64_t block_bytes_used, block_bytes_committed;
	double registry_fill;
};

/* Allocated, not apparent, sizes; runtime_dir and the registry below it. */
static uint64_t
directory_bytes(const char *path)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;
	uint64_t bytes = 0;

	if (directory == NULL)
		return 0;
	while ((entry = readdir(directory)) != NULL) {
		struct stat st;

		if (fstatat(dirfd(directory), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) ==
			0 &&
		    S_ISREG(st.st_mode))
			bytes += (uint64_t)st.st_blocks * 512;
	}
	closedir(directory);
	return bytes;
}

static void
read_memory(const struct ctl *ctl, struct memory *memory)
{
	const struct shm *shm = ctl->shm;
	char registry[600];

	snprintf(registry, sizeof(registry), "%s/registry", ctl->config->runtime_dir);
	*memory = (struct memory){
		.runtime_bytes =
		    directory_bytes(ctl->config->runtime_dir) + directory_bytes(registry),
		.slots_used = slot_count(shm),
		.slots_max = shm->max_sessions,
		.registry_fill = env_fill(registry_env(ctl->registry)),
	};
	for (uint32_t i = 0; i < shm->workers; i++) {
		uint32_t used, committed;

		blocks_count(shm, i, &used, &committed);
		memory->block_bytes_used += (uint64_t)used * BLOCK_SIZE;
		memory->block_bytes_committed += (uint64_t)committed * BLOCK_SIZE;
	}
}

static void
write_counters(const struct ctl *ctl)
{
	struct table *table = table_new(counter_columns);

	for (int i = 0; i < COUNTER_COUNT; i++) {
		table_add(table, slice_from_text(counter_name((enum counter)i)));
		table_printf(table, "%" PRIu64, counter_sum(ctl->shm, (enum counter)i));
		table_add(table, slice_from_text(counter_about((enum counter)i)));
	}
	table_write(table, stdout);
	table_free(&table);
}

static void
write_memory(const struct memory *memory)
{
	struct table *table = table_new(memory_columns);

	table_add(table, SLICE("runtime directory"));
	table_bytes(table, memory->runtime_bytes);
	table_add(table, SLICE("slots"));
	table_printf(table, "%" PRIu64 " of %" PRIu64, memory->slots_used,
		     memory->slots_max);
	table_add(table, SLICE("blocks with stanzas"));
	table_bytes(table, memory->block_bytes_used);
	table_add(table, SLICE("blocks with memory behind them"));
	table_bytes(table, memory->block_bytes_committed);
	table_add(table, SLICE("registry"));
	table_printf(table, "%.1f %%", memory->registry_fill * 100);
	table_write(table, stdout);
	table_free(&table);
}

static json_t *
counters_of(const struct shm *shm, uint32_t process)
{
	json_t *object = json_object();

	for (int i = 0; i < COUNTER_COUNT; i++)
		json_object_set_new(object, counter_name((enum counter)i),
				    json_integer((json_int_t)atomic_load(
					&shm_page(shm, process)->counters[i])));
	return object;
}

static int
write_json(const struct ctl *ctl, const struct memory *memory)
{
	struct process_view views[PROCESS_VIEWS_MAX];
	int count = process_views_read(ctl, views);
	json_t *totals = json_object(), *processes = json_array();

	for (int i = 0; i < COUNTER_COUNT; i++)
		json_object_set_new(
		    totals, counter_name((enum counter)i),
		    json_integer((json_int_t)counter_sum(ctl->shm, (enum counter)i)));
	for (int i = 0; i < count; i++)
		json_array_append_new(
		    processes, json_pack("{ss sI so}", "kind", views[i].kind, "number",
					 (json_int_t)views[i].number, "counters",
					 counters_of(ctl->shm, views[i].process)));
	return answer_write(json_pack(
	    "{so so s{sI sI sI sI sI sf}}", "counters", totals, "processes", processes,
	    "memory", "runtime_bytes", (json_int_t)memory->runtime_bytes, "slots_used",
	    (json_int_t)memory->slots_used, "slots_max", (json_int_t)memory->slots_max,
	    "block_bytes_used", (json_int_t)memory->block_bytes_used,
	    "block_bytes_committed", (json_int_t)memory->block_bytes_committed,
	    "registry_fill", memory->registry_fill));
}

int
stats_run(struct ctl *ctl)
{
	struct memory memory;
	int status;

	ctl_bound(CTL_SECONDS);
	status = ctl_open_config(ctl);
	if (status == 0)
		status = ctl_attach(ctl);
	if (status != 0)
		return status;
	read_memory(ctl, &memory);
	if (ctl->arguments.json)
		return write_json(ctl, &memory);
	write_counters(ctl);
	putchar('\n');
	write_memory(&memory);
	return 0;
}
