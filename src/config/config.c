/* config.c -- the life of a config, and the search for a host. */
#include "config/config.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "config/config_box.h"

struct config_box *
config_box_new(size_t size)
{
	struct config_box *box = memory_new(sizeof(*box) + size);

	arena_init(&box->arena);
	box->size = size;
	return box;
}

struct named {
	struct slice name;
	uint32_t     index;
};

static int
compare_named(const void *a, const void *b)
{
	const struct named *one = a, *other = b;
	int order = slice_compare(one->name, other->name);

	return order != 0 ? order : (one->index > other->index) - (one->index < other->index);
}

void
config_box_sort(struct config_box *box, uint32_t *order)
{
	size_t count = box->config.host_count;
	struct named *all = memory_new((count + 1) * sizeof(*all));

	for (size_t i = 0; i < count; i++)
		all[i] = (struct named){ slice_from_text(box->config.hosts[i].name), (uint32_t)i };
	qsort(all, count, sizeof(*all), compare_named);
	for (size_t i = 0; i < count; i++)
		order[i] = all[i].index;
	memory_free(all);
	box->config.host_order = order;
}

static void
wipe(struct slice secret)
{
	if (secret.length > 0)
		memory_wipe((void *)(uintptr_t)secret.data, secret.length);
}

void
config_free(struct config **config)
{
	struct config_box *box = (struct config_box *)*config;

	if (box == NULL)
		return;
	for (size_t i = 0; i < box->config.host_count; i++)
		wipe(box->config.hosts[i].key_pem);
	arena_clear(&box->arena);
	memory_free(box);
	*config = NULL;
}

void
config_forget_keys(struct config *config)
{
	for (size_t i = 0; i < config->host_count; i++) {
		wipe(config->hosts[i].key_pem);
		config->hosts[i].key_pem = SLICE_EMPTY;
	}
}

void
config_set_certificate(struct config *config, size_t host, struct slice chain_pem,
    struct slice key_pem)
{
	struct config_box *box = (struct config_box *)config;
	struct config_host *one;
	struct slice old_key;

	ensure(host < config->host_count);
	one = &config->hosts[host];
	old_key = one->key_pem;
	one->certificate_pem = arena_copy(&box->arena, chain_pem);
	one->key_pem = arena_copy(&box->arena, key_pem);
	wipe(old_key);
}

static const struct config_host *
find_unsorted(const struct config *config, struct slice domain)
{
	for (size_t i = 0; i < config->host_count; i++)
		if (slice_is(domain, config->hosts[i].name))
			return &config->hosts[i];
	return NULL;
}

const struct config_host *
config_find_host(const struct config *config, struct slice domain)
{
	size_t low = 0, high = config->host_count;

	if (config->host_order == NULL)
		return find_unsorted(config, domain);
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct config_host *host = &config->hosts[config->host_order[middle]];
		int order = slice_compare(domain, slice_from_text(host->name));

		if (order == 0)
			return host;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}
