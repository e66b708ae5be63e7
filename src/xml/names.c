/* names.c -- the list of namespaces, and a hash table over it that is filled at first use. */
#include "xml/names.h"

#include "base/ensure.h"

#define TABLE_SIZE 512 /* a power of two */
_Static_assert(NS_COUNT < TABLE_SIZE / 2, "make the table of namespaces larger");

static const struct slice uris[NS_COUNT] = {
	[NS_NONE] = { "", 0 },
	[NS_OTHER] = { "", 0 },
#define XML_NAMESPACE(symbol, uri) [symbol] = { uri, sizeof(uri) - 1 },
#include "xml/namespaces.def"
#undef XML_NAMESPACE
};

static uint16_t table[TABLE_SIZE];
static bool table_is_filled;

/*
 * The list is ours and does not grow with what peers send, so nobody can make chains
 * long. URIs differ in their last bytes; eight of them and the length tell most apart.
 */
static size_t
hash(struct slice uri)
{
	uint64_t word = 0, other = 0;
	size_t count = uri.length < sizeof(word) ? uri.length : sizeof(word);

	if (count == sizeof(word)) {
		memcpy(&word, uri.data + uri.length - sizeof(word), sizeof(word));
		memcpy(&other, uri.data + (uri.length - sizeof(other)) / 2,
		       sizeof(other));
	} else {
		memcpy(&word, uri.data, count);
	}
	word = (word ^ uri.length) * UINT64_C(0x9e3779b97f4a7c15);
	word = (word ^ other ^ word >> 32) * UINT64_C(0xd6e8feb86659fd93);
	return (size_t)(word >> 40) % TABLE_SIZE;
}

static void
fill_table(void)
{
	size_t at;

	for (uint16_t ns = NS_OTHER + 1; ns < NS_COUNT; ns++) {
		for (at = hash(uris[ns]); table[at] != 0; at = (at + 1) % TABLE_SIZE)
			ensure(!slice_equal(uris[table[at]], uris[ns]));
		table[at] = ns;
	}
	table_is_filled = true;
}

enum xml_namespace
names_find(struct slice uri)
{
	size_t at;

	if (uri.length == 0)
		return NS_NONE;
	if (!table_is_filled)
		fill_table();
	for (at = hash(uri); table[at] != 0; at = (at + 1) % TABLE_SIZE)
		if (slice_equal(uris[table[at]], uri))
			return (enum xml_namespace)table[at];
	return NS_OTHER;
}

struct slice
names_uri(enum xml_namespace ns)
{
	return uris[ns];
}
