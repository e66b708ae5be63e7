/* caps_store.c -- verified capabilities in the core store: a fixed number of places, each for one hash. */
#include "features/caps.h"

#include <string.h>

#include "base/hash.h"
#include "features/caps_private.h"
#include "shm/registry.h"
#include "stream/server.h"
#include "xml/fragment.h"

#define PLACES 4096

/* Account 0 is nobody's, so its keys are the server's. */
struct slice
caps_key(struct server *server, struct arena *arena, struct slice name)
{
	struct hash_key key;
	char *bytes = arena_zeroed(arena, 11);
	uint64_t place;

	memcpy(&key, server->secret, sizeof(key));
	place = hash64(&key, name) % PLACES;
	bytes[8] = 'c';
	bytes[9] = (char)(place >> 8);
	bytes[10] = (char)place;
	return slice_of(bytes, 11);
}

/* The value: the name with its NUL, then what is wanted. */
bool
caps_find(struct server *server, struct arena *arena, struct txn *core, struct slice name,
    struct slice *wanted)
{
	struct slice value;
	uint64_t version;

	if (!store_get(server->core, core, STORE_PEP, caps_key(server, arena, name), &value,
		&version) ||
	    value.length <= name.length || !slice_starts_with(value, name) ||
	    value.data[name.length] != '\0' || value.data[value.length - 1] != '\0')
		return false;
	*wanted = slice_after(value, name.length + 1);
	return true;
}

bool
caps_wants(struct slice wanted, struct slice node)
{
	while (wanted.length > 0) {
		size_t end = slice_find(wanted, '\0');

		if (slice_equal(slice_of(wanted.data, end), node))
			return true;
		wanted = slice_after(wanted, end < wanted.length ? end + 1 : end);
	}
	return false;
}

struct slice
caps_name(struct arena *arena, const struct element *presence)
{
	const struct element *c = element_child(presence, NS_CAPS, "c");
	struct slice hash, ver;

	if (c == NULL)
		return (struct slice){ NULL, 0 };
	hash = element_attribute(c, "hash");
	ver = element_attribute(c, "ver");
	if (hash.length == 0 || ver.length == 0 || hash.length + ver.length >= CAPS_NAME_MAX)
		return (struct slice){ NULL, 0 };
	return arena_printf(arena, SLICE_FMT " " SLICE_FMT, SLICE_ARG(hash), SLICE_ARG(ver));
}

bool
caps_of_resource(struct server *server, struct arena *arena, struct txn *core,
    struct txn *registry, uint64_t account, uint64_t resource_hash, struct slice *wanted)
{
	struct element *presence;
	struct slice bytes, name;

	if (!registry_presence(server->registry, registry, account, resource_hash, &bytes))
		return false;
	presence = fragment_read(arena, bytes);
	if (presence == NULL)
		return false;
	name = caps_name(arena, presence);
	return name.data != NULL && caps_find(server, arena, core, name, wanted);
}
