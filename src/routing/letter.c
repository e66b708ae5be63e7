/* letter.c -- stanzas of the server's own that wait until what is under way is done. */
#include "routing/router_private.h"

#include "base/memory.h"
#include "xml/fragment.h"
#include "xml/writer.h"

/* A stanza written down, to be read again when its turn comes. */
struct letter {
	size_t size;
	char   bytes[];
};

static void
send_letter(struct server *server, void *data)
{
	const struct letter *letter = data;
	struct arena arena;
	struct element *element;

	arena_init(&arena);
	element = fragment_read(&arena, slice_of(letter->bytes, letter->size));
	if (element != NULL)
		router_send(server, element);
	arena_clear(&arena);
}

void
router_send_later(struct router *router, const struct element *element)
{
	size_t size = writer_write(element, NS_CLIENT, NULL, 0);
	struct letter *letter = memory_new(sizeof(*letter) + size);

	letter->size = size;
	writer_write(element, NS_CLIENT, letter->bytes, size);
	if (router->busy)
		router_after(router, send_letter, letter, sizeof(*letter) + size);
	else
		send_letter(router->server, letter);
	memory_free(letter);
}
