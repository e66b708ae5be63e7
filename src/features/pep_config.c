/* pep_config.c -- how a personal node is configured. */
#include "features/pep_config.h"

#include "xmpp/data_form.h"

#define PUBSUB "http://jabber.org/protocol/pubsub"

static const char *const access_names[] = { [PEP_OPEN] = "open",
	[PEP_PRESENCE] = "presence",
	[PEP_WHITELIST] = "whitelist" };

static const char *const send_names[] = { [PEP_SEND_NEVER] = "never",
	[PEP_SEND_ON_SUB] = "on_sub",
	[PEP_SEND_ON_SUB_AND_PRESENCE] = "on_sub_and_presence" };

static const struct {
	const char *var;
	uint32_t    flag;
	const char *label;
} flags[] = {
	{ "pubsub#persist_items", PEP_PERSIST_ITEMS, "Items are kept" },
	{ "pubsub#deliver_notifications", PEP_DELIVER_NOTIFICATIONS, "Events are told" },
	{ "pubsub#deliver_payloads", PEP_DELIVER_PAYLOADS, "Events carry what was published" },
	{ "pubsub#notify_retract", PEP_NOTIFY_RETRACT, "Retracted items are told" },
	{ "pubsub#notify_delete", PEP_NOTIFY_DELETE, "The end of the node is told" },
};

#define FLAGS (sizeof(flags) / sizeof(flags[0]))

void
pep_config_default(struct pep_config *config)
{
	*config = (struct pep_config){ .access = PEP_PRESENCE,
		.send_last = PEP_SEND_ON_SUB_AND_PRESENCE,
		.flags = PEP_PERSIST_ITEMS | PEP_NOTIFY_RETRACT | PEP_NOTIFY_DELETE |
		    PEP_DELIVER_NOTIFICATIONS | PEP_DELIVER_PAYLOADS,
		.max_items = 1 };
}

static bool
take_choice(struct slice value, const char *const *names, uint8_t count, uint8_t *out)
{
	for (uint8_t i = 0; i < count; i++)
		if (slice_is(value, names[i])) {
			*out = i;
			return true;
		}
	return false;
}

static bool
take_count(struct slice value, uint32_t most, uint32_t *out)
{
	int64_t number;

	if (slice_is(value, "max")) {
		*out = PEP_ITEMS_MAX;
		return true;
	}
	if (!slice_to_int(value, 1, most, &number))
		return false;
	*out = (uint32_t)number;
	return true;
}

static bool
take_flag(struct slice var, struct slice value, struct pep_config *config)
{
	bool is_on;

	for (size_t i = 0; i < FLAGS; i++)
		if (slice_is(var, flags[i].var) && data_form_bool(value, &is_on)) {
			config->flags &= ~flags[i].flag;
			config->flags |= is_on ? flags[i].flag : 0;
			return true;
		}
	return false;
}

/* Only the owner publishes, and nodes have no children: the forms of many clients say so too. */
static bool
take_field(struct slice var, struct slice value, uint32_t most, struct pep_config *config)
{
	if (slice_is(var, "pubsub#access_model"))
		return take_choice(value, access_names, PEP_ACCESS_COUNT, &config->access);
	if (slice_is(var, "pubsub#send_last_published_item"))
		return take_choice(value, send_names, PEP_SEND_COUNT, &config->send_last);
	if (slice_is(var, "pubsub#max_items"))
		return take_count(value, most, &config->max_items);
	if (slice_is(var, "pubsub#publish_model"))
		return slice_is(value, "publishers");
	if (slice_is(var, "pubsub#node_type"))
		return slice_is(value, "leaf");
	return take_flag(var, value, config);
}

enum pep_form
pep_config_submit(struct arena *arena, const struct element *x, const char *form_type,
    uint32_t most, struct pep_config *config)
{
	struct data_form form;

	if (x == NULL || !data_form_read(arena, x, &form) || !slice_is(form.type, "submit") ||
	    !slice_is(form.form_type, form_type))
		return PEP_FORM_INVALID;
	for (int i = 0; i < form.count; i++) {
		const struct data_field *field = &form.fields[i];

		if (field->count != 1 || !take_field(field->var, field->values[0], most, config))
			return PEP_FORM_UNSUPPORTED;
	}
	return PEP_FORM_OK;
}

uint32_t
pep_config_items(const struct pep_config *config, uint32_t most)
{
	/* XEP-0060 6.5.5: also where items are not kept the last one is, for who comes later. */
	if (!(config->flags & PEP_PERSIST_ITEMS))
		return 1;
	return config->max_items > most ? most : config->max_items;
}

bool
pep_config_equal(const struct pep_config *a, const struct pep_config *b, uint32_t most)
{
	uint32_t items = a->max_items > most ? most : a->max_items;

	return a->access == b->access && a->send_last == b->send_last && a->flags == b->flags &&
	    items == (b->max_items > most ? most : b->max_items);
}

static struct element *
add_field(struct arena *arena, struct element *form, const char *var, const char *type,
    const char *label, struct slice value)
{
	struct element *field = data_form_add(arena, form, var, type, label);

	data_form_add_value(arena, field, value);
	return field;
}

static void
add_options(struct arena *arena, struct element *field, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
		element_add_text(arena,
		    element_add(arena, element_add(arena, field, NS_DATA_FORMS, "option"),
			NS_DATA_FORMS, "value"),
		    slice_from_text(names[i]));
}

struct element *
pep_config_form(struct arena *arena, const struct pep_config *config)
{
	struct element *form = data_form_new(arena, "form", PUBSUB "#node_config");
	struct element *field;

	field = add_field(arena, form, "pubsub#access_model", "list-single", "Who may read",
	    slice_from_text(access_names[config->access]));
	add_options(arena, field, access_names, PEP_ACCESS_COUNT);
	field = add_field(arena, form, "pubsub#send_last_published_item", "list-single",
	    "When the last item is sent", slice_from_text(send_names[config->send_last]));
	add_options(arena, field, send_names, PEP_SEND_COUNT);
	add_field(arena, form, "pubsub#max_items", "text-single", "How many items are kept",
	    config->max_items == PEP_ITEMS_MAX ? SLICE("max")
					       : arena_printf(arena, "%u", config->max_items));
	for (size_t i = 0; i < FLAGS; i++)
		add_field(arena, form, flags[i].var, "boolean", flags[i].label,
		    config->flags & flags[i].flag ? SLICE("1") : SLICE("0"));
	return form;
}
