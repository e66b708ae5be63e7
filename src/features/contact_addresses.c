/* contact_addresses.c -- XEP-0157: tells how to reach those who run a host. */
#include "features/feature.h"

#include "config/config.h"
#include "xmpp/data_form.h"

static const char *const kinds[] = { "abuse", "admin", "feedback", "sales", "security", "status",
	"support" };

/* The URI of an entry that is of the kind, as "abuse mailto:abuse@example.org"; else empty. */
static struct slice
address_of(struct slice entry, struct slice kind)
{
	if (!slice_starts_with(entry, kind) || slice_find(entry, ' ') != kind.length)
		return SLICE_EMPTY;
	return slice_trim(slice_after(entry, kind.length));
}

static void
add_kind(struct arena *arena, struct element *form, const struct option_list *list,
    const char *kind)
{
	struct element *field = NULL;

	for (size_t i = 0; i < list->count; i++) {
		struct slice address = address_of(slice_from_text(list->item[i]),
		    slice_from_text(kind));

		if (address.length == 0)
			continue;
		if (field == NULL)
			field = data_form_add(arena, form,
			    arena_printf(arena, "%s-addresses", kind).data, "list-multi", NULL);
		data_form_add_value(arena, field, address);
	}
}

static void
contact_on_info(struct stanza *stanza, struct element *query)
{
	const struct option_list *list = &stanza->host->contact_addresses;
	struct element *form;

	if (list->count == 0)
		return;
	form = data_form_new(stanza->arena, "result",
	    "http://jabber.org/network/serverinfo");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		add_kind(stanza->arena, form, list, kinds[i]);
	element_append(stanza->arena, query, form);
}

const struct feature contact_addresses_feature = {
	.name = "contact_addresses",
	.spec = "XEP-0157 1.1.1",
	.about = "Tells how to reach those who run the server.",
	.on_host_info = contact_on_info,
};
