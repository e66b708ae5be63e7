/* pep_config.c -- how a personal node is configured. */
#include "features/pep_config.h"

#include "features/pep_list.h"
#include "xmpp/data_form.h"

#define PUBSUB	   "http://jabber.org/protocol/pubsub"
#define TEXT_MAX   1023		/* bytes of a title, a description, a group */
#define GROUPS_MAX 20

static const char *const access_names[] = { [PEP_OPEN] = "open",
	[PEP_PRESENCE] = "presence",
	[PEP_WHITELIST] = "whitelist",
	[PEP_ROSTER] = "roster" };

static const char *const send_names[] = { [PEP_SEND_NEVER] = "never",
	[PEP_SEND_ON_SUB] = "on_sub",
	[PEP_SEND_ON_SUB_AND_PRESENCE] = "on_sub_and_presence" };

static const char *const publish_names[] = { [PEP_PUBLISHERS] = "publishers",
	[PEP_SUBSCRIBERS] = "subscribers",
	[PEP_ANYBODY] = "open" };

static const char *const message_names[] = { "headline", "normal" };

static const struct {
	const char *var;
	uint32_t    flag;
	const char *label;
} flags[] = {
	{ "pubsub#persist_items", PEP_PERSIST_ITEMS, "Items are kept" },
	{ "pubsub#deliver_notifications", PEP_DELIVER_NOTIFICATIONS, "Events are told" },
	{ "pubsub#deliver_payloads", PEP_DELIVER_PAYLOADS, "Events carry what was published" },
	{ "pubsub#notify_config", PEP_NOTIFY_CONFIG, "A new configuration is told" },
	{ "pubsub#notify_retract", PEP_NOTIFY_RETRACT, "Retracted items are told" },
	{ "pubsub#notify_delete", PEP_NOTIFY_DELETE, "The end of the node is told" },
};

static const struct {
	const char *var, *label;
} texts[] = {
	[PEP_TITLE] = { "pubsub#title", "A name for the node" },
	[PEP_DESCRIPTION] = { "pubsub#description", "What the node is about" },
	[PEP_TYPE] = { "pubsub#type", "The namespace of its items" },
};

/* What the forms of many clients say too: here it is always so. */
static const struct {
	const char *var, *values[2];
} given[] = {
	{ "pubsub#node_type", { "leaf", NULL } },
	{ "pubsub#presence_based_delivery", { "1", "true" } },
	{ "pubsub#purge_offline", { "0", "false" } },
	{ "pubsub#notify_sub", { "0", "false" } },
	{ "pubsub#item_expire", { "max", NULL } },
};

#define FLAGS (sizeof(flags) / sizeof(flags[0]))
#define GIVEN (sizeof(given) / sizeof(given[0]))

void
pep_config_default(struct slice node, struct pep_config *config)
{
	bool is_items = slice_is(node, "urn:xmpp:bookmarks:1");

	*config = (struct pep_config){ .access = PEP_PRESENCE,
		.send_last = PEP_SEND_ON_SUB_AND_PRESENCE,
		.flags = PEP_PERSIST_ITEMS | PEP_NOTIFY_RETRACT | PEP_NOTIFY_DELETE |
		    PEP_DELIVER_NOTIFICATIONS | PEP_DELIVER_PAYLOADS,
		.max_items = 1,
		.groups = SLICE_EMPTY };
	for (int i = 0; i < PEP_TEXT_COUNT; i++)
		config->text[i] = SLICE_EMPTY;
	if (is_items || slice_is(node, "storage:bookmarks"))
		config->access = PEP_WHITELIST;
	if (is_items) {
		config->max_items = PEP_ITEMS_MAX;
		config->send_last = PEP_SEND_NEVER;
	}
}

/* --- what is submitted --- */

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

/* 0: none but the server's own. */
static bool
take_size(struct slice value, uint32_t *out)
{
	int64_t number;

	if (!slice_to_int(value, 0, UINT32_MAX, &number))
		return false;
	*out = (uint32_t)number;
	return true;
}

static void
set_flag(struct pep_config *config, uint32_t flag, bool is_on)
{
	config->flags &= ~flag;
	config->flags |= is_on ? flag : 0;
}

static bool
take_flag(struct slice var, struct slice value, struct pep_config *config)
{
	bool is_on;

	for (size_t i = 0; i < FLAGS; i++)
		if (slice_is(var, flags[i].var) && data_form_bool(value, &is_on)) {
			set_flag(config, flags[i].flag, is_on);
			return true;
		}
	return false;
}

static bool
take_text(struct slice var, struct slice value, struct pep_config *config)
{
	for (int i = 0; i < PEP_TEXT_COUNT; i++)
		if (slice_is(var, texts[i].var) && value.length <= TEXT_MAX) {
			config->text[i] = value;
			return true;
		}
	return false;
}

static bool
is_given(struct slice var, struct slice value)
{
	for (size_t i = 0; i < GIVEN; i++)
		if (slice_is(var, given[i].var))
			return slice_is(value, given[i].values[0]) ||
			    (given[i].values[1] != NULL && slice_is(value, given[i].values[1]));
	return false;
}

static bool
take_groups(struct arena *arena, const struct data_field *field, struct pep_config *config)
{
	struct slice groups = SLICE_EMPTY;

	if (field->count > GROUPS_MAX)
		return false;
	for (int i = 0; i < field->count; i++) {
		if (field->values[i].length > TEXT_MAX)
			return false;
		groups = pep_list_set(arena, groups, field->values[i], 1);
	}
	config->groups = groups;
	return true;
}

static bool
take_value(struct slice var, struct slice value, uint32_t most, struct pep_config *config)
{
	uint8_t is_normal;

	if (slice_is(var, "pubsub#access_model"))
		return take_choice(value, access_names, PEP_ACCESS_COUNT, &config->access);
	if (slice_is(var, "pubsub#publish_model"))
		return take_choice(value, publish_names, PEP_PUBLISH_COUNT, &config->publish);
	if (slice_is(var, "pubsub#send_last_published_item"))
		return take_choice(value, send_names, PEP_SEND_COUNT, &config->send_last);
	if (slice_is(var, "pubsub#max_items"))
		return take_count(value, most, &config->max_items);
	if (slice_is(var, "pubsub#max_payload_size"))
		return take_size(value, &config->payload_bytes);
	if (slice_is(var, "pubsub#notification_type")) {
		if (!take_choice(value, message_names, 2, &is_normal))
			return false;
		set_flag(config, PEP_NORMAL_MESSAGES, is_normal == 1);
		return true;
	}
	return take_flag(var, value, config) || take_text(var, value, config) ||
	    is_given(var, value);
}

static bool
take_field(struct arena *arena, const struct data_field *field, uint32_t most,
    struct pep_config *config)
{
	if (slice_is(field->var, "pubsub#roster_groups_allowed"))
		return take_groups(arena, field, config);
	return field->count == 1 && take_value(field->var, field->values[0], most, config);
}

enum pep_form
pep_config_submit(struct arena *arena, const struct element *x, const char *form_type,
    uint32_t most, struct pep_config *config)
{
	struct data_form form;

	if (x == NULL || !data_form_read(arena, x, &form) || !slice_is(form.type, "submit") ||
	    !slice_is(form.form_type, form_type))
		return PEP_FORM_INVALID;
	for (int i = 0; i < form.count; i++)
		if (!take_field(arena, &form.fields[i], most, config))
			return slice_is(form.fields[i].var, "pubsub#access_model")
			    ? PEP_FORM_ACCESS
			    : PEP_FORM_UNSUPPORTED;
	return PEP_FORM_OK;
}

/* --- what it means --- */

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

	for (int i = 0; i < PEP_TEXT_COUNT; i++)
		if (!slice_equal(a->text[i], b->text[i]))
			return false;
	return a->access == b->access && a->send_last == b->send_last && a->flags == b->flags &&
	    a->publish == b->publish && a->payload_bytes == b->payload_bytes &&
	    slice_equal(a->groups, b->groups) &&
	    items == (b->max_items > most ? most : b->max_items);
}

/* --- how it is shown --- */

static void
add_field(struct arena *arena, struct element *form, const char *var, const char *type,
    const char *label, struct slice value)
{
	data_form_add_value(arena, data_form_add(arena, form, var, type, label), value);
}

static void
add_choice(struct arena *arena, struct element *form, const char *var, const char *label,
    const char *const *names, int count, int chosen)
{
	struct element *field = data_form_add(arena, form, var, "list-single", label);

	data_form_add_value(arena, field, slice_from_text(names[chosen]));
	for (int i = 0; i < count; i++)
		element_add_text(arena,
		    element_add(arena, element_add(arena, field, NS_DATA_FORMS, "option"),
			NS_DATA_FORMS, "value"),
		    slice_from_text(names[i]));
}

static void
add_groups(struct arena *arena, struct element *form, struct slice groups)
{
	struct element *field = data_form_add(arena, form, "pubsub#roster_groups_allowed",
	    "list-multi", "Groups of the roster that may read");
	struct pep_entry entry;

	while (pep_list_next(&groups, &entry))
		data_form_add_value(arena, field, arena_copy(arena, entry.name));
}

struct element *
pep_config_form(struct arena *arena, const struct pep_config *config)
{
	struct element *form = data_form_new(arena, "form", PUBSUB "#node_config");

	for (int i = 0; i < PEP_TEXT_COUNT; i++)
		add_field(arena, form, texts[i].var, "text-single", texts[i].label,
		    arena_copy(arena, config->text[i]));
	add_choice(arena, form, "pubsub#access_model", "Who may read", access_names,
	    PEP_ACCESS_COUNT, config->access);
	add_groups(arena, form, config->groups);
	add_choice(arena, form, "pubsub#publish_model", "Who may publish", publish_names,
	    PEP_PUBLISH_COUNT, config->publish);
	add_choice(arena, form, "pubsub#send_last_published_item", "When the last item is sent",
	    send_names, PEP_SEND_COUNT, config->send_last);
	add_choice(arena, form, "pubsub#notification_type", "The type of messages that tell",
	    message_names, 2, (config->flags & PEP_NORMAL_MESSAGES) != 0);
	add_field(arena, form, "pubsub#max_items", "text-single", "How many items are kept",
	    config->max_items == PEP_ITEMS_MAX ? SLICE("max")
					       : arena_printf(arena, "%u", config->max_items));
	add_field(arena, form, "pubsub#max_payload_size", "text-single",
	    "The largest item in bytes, 0 for the server's own limit",
	    arena_printf(arena, "%u", config->payload_bytes));
	for (size_t i = 0; i < FLAGS; i++)
		add_field(arena, form, flags[i].var, "boolean", flags[i].label,
		    config->flags & flags[i].flag ? SLICE("1") : SLICE("0"));
	return form;
}
