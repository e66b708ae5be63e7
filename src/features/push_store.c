/* push_store.c -- an account's push services in the durable store. */
#include "features/push_store.h"

#include <endian.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"
#include "stream/server.h"

#define ID_PREFIX "push-"

/* One after the other; behind each stand jid, node and options. */
struct head {
	uint16_t jid, node, options;	/* lengths */
	uint16_t errors;
};

static struct slice
key_of(struct arena *arena, uint64_t account)
{
	uint64_t ordered = htobe64(account);

	return arena_copy(arena, slice_of(&ordered, sizeof(ordered)));
}

/* --- reading --- */

static struct slice
take(struct slice *value, size_t length)
{
	struct slice taken = slice_of(value->data, length);

	*value = slice_after(*value, length);
	return taken;
}

static bool
unpack_one(struct slice *value, struct push_service *service)
{
	struct head head;

	if (value->length < sizeof(head))
		return false;
	memcpy(&head, value->data, sizeof(head));
	*value = slice_after(*value, sizeof(head));
	if (value->length < (size_t)head.jid + head.node + head.options)
		return false;
	service->jid = take(value, head.jid);
	service->node = take(value, head.node);
	service->options = take(value, head.options);
	service->errors = head.errors;
	return true;
}

static void
unpack(struct slice value, struct push_services *services)
{
	while (value.length > 0 && services->count < PUSH_MAX &&
	    unpack_one(&value, &services->service[services->count]))
		services->count++;
	if (value.length > 0)
		log_error(LOG_FEATURE, "corrupt push services", "account=%llu",
		    (unsigned long long)services->account);
}

struct push_services *
push_read(struct server *server, struct arena *arena, uint64_t account)
{
	struct push_services *services = ARENA_NEW(arena, struct push_services);
	struct txn *txn = store_read(server->core);
	struct slice value;

	services->server = server;
	services->arena = arena;
	services->account = account;
	if (store_get(server->core, txn, STORE_PUSH, key_of(arena, account), &value,
		&services->version))
		unpack(arena_copy(arena, value), services);
	else
		services->version = 0;
	txn_end(&txn);
	return services;
}

/* --- changing --- */

static size_t
size_of(const struct push_service *service)
{
	return sizeof(struct head) + service->jid.length + service->node.length +
	    service->options.length;
}

static struct slice
pack(const struct push_services *services)
{
	size_t size = 0;
	char *value, *place;

	for (int i = 0; i < services->count; i++)
		size += size_of(&services->service[i]);
	value = place = arena_alloc(services->arena, size);
	for (int i = 0; i < services->count; i++) {
		const struct push_service *service = &services->service[i];
		struct head head = { (uint16_t)service->jid.length,
			(uint16_t)service->node.length, (uint16_t)service->options.length,
			service->errors };

		place = slice_copy(place, slice_of(&head, sizeof(head)));
		place = slice_copy(slice_copy(slice_copy(place, service->jid), service->node), service->options);
	}
	return slice_of(value, size);
}

struct store_change
push_change(const struct push_services *services)
{
	return (struct store_change){ .verb = STORE_SET,
		.table = STORE_PUSH,
		.version = services->version,
		.key = key_of(services->arena, services->account),
		.value = pack(services) };
}

struct push_service *
push_find(struct push_services *services, struct slice jid, struct slice node)
{
	for (int i = 0; i < services->count; i++)
		if (slice_equal(services->service[i].jid, jid) &&
		    slice_equal(services->service[i].node, node))
			return &services->service[i];
	return NULL;
}

void
push_remove(struct push_services *services, struct push_service *service)
{
	struct push_service *last = &services->service[--services->count];

	memmove(service, service + 1, (size_t)(last - service) * sizeof(*service));
}

/* --- ids --- */

struct id {
	uint64_t       account;
	struct hash128 service;
};

/* The hash's key lasts as long as the data directory, and is not the one its secret is used with elsewhere. */
static struct hash128
hash_of(const struct push_services *services, const struct push_service *service)
{
	struct slice text = arena_printf(services->arena, SLICE_FMT "\n" SLICE_FMT "\n" SLICE_FMT,
	    SLICE_ARG(service->jid), SLICE_ARG(service->node), SLICE_ARG(service->options));
	struct hash_key key;
	struct hash128 hash;

	memcpy(&key, services->server->secret, sizeof(key));
	hash = hash128(&key, SLICE("push"));
	memcpy(&key, &hash, sizeof(key));
	return hash128(&key, text);
}

static bool
read_id(struct slice text, struct id *id)
{
	return text.length == PUSH_ID_LENGTH && slice_starts_with(text, SLICE(ID_PREFIX)) &&
	    text_base64_decode(slice_after(text, sizeof(ID_PREFIX) - 1), id, sizeof(*id)) ==
		(long)sizeof(*id);
}

struct slice
push_id(const struct push_services *services, const struct push_service *service)
{
	struct id id = { services->account, hash_of(services, service) };
	char text[TEXT_BASE64_LENGTH(sizeof(id)) + 1];

	text_base64_encode(slice_of(&id, sizeof(id)), text);
	return arena_printf(services->arena, ID_PREFIX "%s", text);
}

bool
push_id_account(struct slice text, uint64_t *account)
{
	struct id id;

	if (!read_id(text, &id))
		return false;
	*account = id.account;
	return true;
}

struct push_service *
push_find_id(struct push_services *services, struct slice text)
{
	struct id id;
	struct hash128 hash;

	if (!read_id(text, &id) || id.account != services->account)
		return NULL;
	for (int i = 0; i < services->count; i++) {
		hash = hash_of(services, &services->service[i]);
		if (memcmp(&hash, &id.service, sizeof(hash)) == 0)
			return &services->service[i];
	}
	return NULL;
}
