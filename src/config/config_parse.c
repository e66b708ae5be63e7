/* config_parse.c -- from the text of rookery.conf to a config, or all its mistakes. */
#include "config/config.h"

#include <libconfig.h>

#include "config/config_box.h"
#include "config/config_check.h"
#include "config/config_source.h"
#include "config/option_value.h"
#include "config/options.h"

#define HOSTS_MAX   4096
#define DOMAIN_SIZE 1024 /* RFC 7622 3.2: 1,023 bytes */

static void
on_source_mistake(void *owner, unsigned line, const char *mistake)
{
	struct config_report *report = owner;

	config_report(report, line, NULL, "%s", mistake);
}

/* libconfig gives a duplicate's line only: the line's one assignment names it. */
static struct slice
name_on_line(struct slice text, unsigned line)
{
	struct slice name, rest;
	size_t end;

	for (; line > 1 && text.length > 0; line--) {
		end = slice_find(text, '\n');
		text = slice_after(text, end < text.length ? end + 1 : end);
	}
	text = slice_of(text.data, slice_find(text, '\n'));
	end = slice_find(text, '=');
	if (end == text.length)
		return SLICE_EMPTY;
	name = slice_trim(slice_of(text.data, end));
	rest = slice_after(text, end + 1);
	for (size_t i = 0; i < name.length; i++)
		if (name.data[i] == '{' || name.data[i] == ';' || name.data[i] == ' ')
			return SLICE_EMPTY;
	return slice_find(rest, '=') == rest.length ? name : SLICE_EMPTY;
}

static void
report_syntax(struct config_report *report, const config_t *file, struct slice text)
{
	unsigned line = (unsigned)config_error_line(file);
	struct slice name = name_on_line(text, line);
	char option[64];

	if (strcmp(config_error_text(file), "duplicate setting name") != 0) {
		config_report(report, line, NULL, "%s", config_error_text(file));
		return;
	}
	if (name.length == 0 || name.length >= sizeof(option)) {
		config_report(report, line, NULL, "an option is given twice");
		return;
	}
	memcpy(option, name.data, name.length);
	option[name.length] = '\0';
	config_report(report, line, option, "is given twice");
}

/* The items of a list or array when all are texts. */
static bool
take_list(const struct option_row *row, void *base, const config_setting_t *setting,
    struct arena *arena, struct buffer *why)
{
	size_t count = (size_t)config_setting_length(setting);
	struct slice *items = arena_alloc(arena, (count + 1) * sizeof(*items));

	for (size_t i = 0; i < count; i++) {
		config_setting_t *item = config_setting_get_elem(setting, (unsigned)i);

		if (config_setting_type(item) != CONFIG_TYPE_STRING)
			return option_refuse(row, why);
		items[i] = slice_from_text(config_setting_get_string(item));
	}
	return option_set_list(row, base, items, count, arena, why);
}

static bool
take_value(const struct option_row *row, void *base, const config_setting_t *setting,
    struct arena *arena, struct buffer *why)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_INT:
		return option_set_number(row, base, config_setting_get_int(setting), why);
	case CONFIG_TYPE_INT64:
		return option_set_number(row, base, config_setting_get_int64(setting), why);
	case CONFIG_TYPE_BOOL:
		return option_set_bool(row, base, config_setting_get_bool(setting) != 0, why);
	case CONFIG_TYPE_STRING:
		return option_set_text(row, base,
		    slice_from_text(config_setting_get_string(setting)), arena, why);
	case CONFIG_TYPE_ARRAY:
	case CONFIG_TYPE_LIST:
		return take_list(row, base, setting, arena, why);
	default:
		return option_refuse(row, why);
	}
}

static void
take_option(struct config_report *report, const struct option_row *row, void *base,
    const config_setting_t *setting, struct arena *arena)
{
	struct buffer why;

	buffer_init(&why);
	if (!take_value(row, base, setting, arena, &why))
		config_report(report, setting->line, row->name, SLICE_FMT,
		    SLICE_ARG(buffer_slice(&why)));
	buffer_clear(&why);
}

static void
report_unknown(struct config_report *report, const config_setting_t *setting, bool in_host)
{
	const char *name = config_setting_name(setting);
	const char *nearest = options_nearest(slice_from_text(name), in_host);

	if (in_host && options_find(slice_from_text(name)) != NULL)
		config_report(report, setting->line, name,
		    "belongs to the whole server: write it outside of hosts");
	else if (!in_host && strcmp(name, "name") == 0)
		config_report(report, setting->line, name, "belongs inside hosts");
	else if (nearest != NULL)
		config_report(report, setting->line, name,
		    "is no option here; did you mean \"%s\"?", nearest);
	else
		config_report(report, setting->line, name, "is no option here");
}

/* The options of a group, but for the one read elsewhere: "hosts", or a host's "name". */
static void
take_group(struct config_report *report, const config_setting_t *group,
    const char *except, struct config *config, struct config_host *host, struct arena *arena)
{
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
		struct slice name = slice_from_text(config_setting_name(setting));
		const struct option_row *row = options_find(name);

		if (slice_is(name, except))
			continue;
		if (row == NULL || (row->scope == OPTION_SERVER && config == NULL))
			report_unknown(report, setting, config == NULL);
		else
			take_option(report, row,
			    row->scope == OPTION_HOST ? (void *)host : config, setting,
			    arena);
	}
	config_check_certificate(report, group);
}

static void
set_fallbacks(struct config *config, struct config_host *defaults, struct arena *arena)
{
	size_t count;
	const struct option_row *rows = config_options(&count);

	for (size_t i = 0; i < count; i++)
		option_set_fallback(&rows[i],
		    rows[i].scope == OPTION_HOST ? (void *)defaults : config, arena);
}

typedef bool prepare_domain_fn(struct slice text, char *out, size_t size);

static bool
take_name(struct config_report *report, struct config_host *host,
    const config_setting_t *group, prepare_domain_fn *prepare, struct arena *arena)
{
	const config_setting_t *setting = config_setting_get_member(group, "name");
	char domain[DOMAIN_SIZE];

	if (setting == NULL) {
		config_report(report, group->line, "name", "is missing: each host has one");
		return false;
	}
	if (config_setting_type(setting) != CONFIG_TYPE_STRING) {
		config_report(report, setting->line, "name", "must be a domain in quotes");
		return false;
	}
	if (!prepare(slice_from_text(config_setting_get_string(setting)), domain,
		sizeof(domain)) || domain[0] == '\0') {
		config_report(report, setting->line, "name", "is no domain");
		return false;
	}
	host->name = arena_copy(arena, slice_from_text(domain)).data;
	return true;
}

static void
report_duplicates(struct config_report *report, const struct config *config,
    const unsigned *lines)
{
	for (size_t i = 1; i < config->host_count; i++) {
		uint32_t first = config->host_order[i - 1], second = config->host_order[i];

		if (strcmp(config->hosts[first].name, config->hosts[second].name) == 0)
			config_report(report, lines[second], "name",
			    "\"%s\" is given twice, first on line %u",
			    config->hosts[second].name, lines[first]);
	}
}

static void
take_host_list(struct config_report *report, const config_setting_t *list,
    struct config_box *box, const struct config_host *defaults, prepare_domain_fn *prepare)
{
	size_t count = (size_t)config_setting_length(list);
	struct config_host *hosts = arena_zeroed(&box->arena, (count + 1) * sizeof(*hosts));
	unsigned *lines = arena_zeroed(&box->arena, (count + 1) * sizeof(*lines));
	size_t taken = 0;

	for (size_t i = 0; i < count; i++) {
		config_setting_t *group = config_setting_get_elem(list, (unsigned)i);
		struct config_host *host = &hosts[taken];

		if (!config_setting_is_group(group)) {
			config_report(report, group->line, "hosts",
			    "each host must be a group: { name = \"example.org\"; }");
			continue;
		}
		*host = *defaults;
		lines[taken] = group->line;
		take_group(report, group, "name", NULL, host, &box->arena);
		config_check_admins(report, group, prepare);
		taken += take_name(report, host, group, prepare, &box->arena);
	}
	box->config.hosts = hosts;
	box->config.host_count = taken;
	config_box_sort(box, arena_alloc(&box->arena, (taken + 1) * sizeof(uint32_t)));
	report_duplicates(report, &box->config, lines);
}

static void
take_hosts(struct config_report *report, const config_setting_t *root,
    struct config_box *box, const struct config_host *defaults, prepare_domain_fn *prepare)
{
	const config_setting_t *list = config_setting_get_member(root, "hosts");

	if (list == NULL)
		config_report(report, 0, "hosts",
		    "no host is given: write hosts = ( { name = \"example.org\"; } );");
	else if (!config_setting_is_list(list))
		config_report(report, list->line, "hosts",
		    "must be a list of groups: ( { name = \"example.org\"; } )");
	else if (config_setting_length(list) == 0)
		config_report(report, list->line, "hosts", "no host is given");
	else if (config_setting_length(list) > HOSTS_MAX)
		config_report(report, list->line, "hosts", "must be 1 to %d", HOSTS_MAX);
	else
		take_host_list(report, list, box, defaults, prepare);
}

static void
take_file(struct config_report *report, const config_setting_t *root,
    struct config_box *box, prepare_domain_fn *prepare)
{
	struct config_host defaults = { 0 };

	set_fallbacks(&box->config, &defaults, &box->arena);
	take_group(report, root, "hosts", &box->config, &defaults, &box->arena);
	config_check_admins(report, root, prepare);
	take_hosts(report, root, box, &defaults, prepare);
	config_check_listen(report, root, &box->config);
	config_check_sizes(report, root, &box->config);
}

struct config *
config_parse(struct slice text, const char *file, prepare_domain_fn *prepare_domain,
    config_mistake_fn *on_mistake, void *owner)
{
	struct config_report report = { file, on_mistake, owner, 0 };
	struct config_box *box = config_box_new(0);
	struct config *config = &box->config;
	struct buffer source;
	config_t parsed;

	buffer_init(&source);
	config_init(&parsed);
	config_source_read(text, &source, on_source_mistake, &report);
	if (report.count == 0) {
		if (config_read_string(&parsed, buffer_slice(&source).data) == CONFIG_TRUE)
			take_file(&report, config_root_setting(&parsed), box, prepare_domain);
		else
			report_syntax(&report, &parsed, text);
	}
	config_destroy(&parsed);
	buffer_clear(&source);
	if (report.count > 0)
		config_free(&config);
	return config;
}
