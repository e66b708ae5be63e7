/* config_check.c -- what one option alone cannot show to be wrong. */
#include "config/config_check.h"

#include <libconfig.h>
#include <stdarg.h>

#include "base/buffer.h"
#include "config/address.h"
#include "config/option_check.h"

#define LISTEN_MAX  256
#define DOMAIN_SIZE 1024

void
config_report(struct config_report *report, unsigned line, const char *option,
    const char *format, ...)
{
	char text[1024];
	struct config_mistake mistake = { report->file, line, option, text };
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	report->count++;
	report->on_mistake(report->owner, &mistake);
}

void
config_check_certificate(struct config_report *report, const config_setting_t *group)
{
	const config_setting_t *certificate = config_setting_get_member(group, "certificate");
	const config_setting_t *key = config_setting_get_member(group, "key");

	if (certificate != NULL && key == NULL)
		config_report(report, certificate->line, "certificate",
		    "needs the option key beside it");
	if (certificate == NULL && key != NULL)
		config_report(report, key->line, "key",
		    "needs the option certificate beside it");
}

void
config_check_admins(struct config_report *report, const config_setting_t *group,
    bool (*prepare_domain)(struct slice text, char *out, size_t size))
{
	const config_setting_t *list = config_setting_get_member(group, "admins");
	char domain[DOMAIN_SIZE];

	if (list == NULL || !config_setting_is_aggregate(list))
		return;
	for (int i = 0; i < config_setting_length(list); i++) {
		config_setting_t *item = config_setting_get_elem(list, (unsigned)i);
		struct slice jid;

		if (config_setting_type(item) != CONFIG_TYPE_STRING)
			continue;
		jid = slice_from_text(config_setting_get_string(item));
		if (check_text(jid) == NULL && check_bare_jid(jid) == NULL &&
		    !prepare_domain(slice_after(jid, slice_find(jid, '@') + 1), domain,
			sizeof(domain)))
			config_report(report, item->line, "admins", "\"%s\" has no domain",
			    jid.data);
	}
}

struct listening {
	struct sockaddr_storage address;
	const char	       *text;
};

struct listen_set {
	struct listening used[LISTEN_MAX];
	int		 count;
};

static const struct listening *
find_listening(const struct listen_set *set, const struct sockaddr_storage *address)
{
	for (int i = 0; i < set->count; i++)
		if (memcmp(&set->used[i].address, address, sizeof(*address)) == 0)
			return &set->used[i];
	return NULL;
}

static void
add_address(struct config_report *report, unsigned line, const char *option,
    const char *text, struct listen_set *set)
{
	struct sockaddr_storage found[ADDRESS_MAX];
	const struct listening *other = NULL;
	const char *why;
	int count = address_read(slice_from_text(text), found, &why);

	for (int i = 0; i < count && other == NULL; i++)
		other = find_listening(set, &found[i]);
	if (other != NULL)
		config_report(report, line, option, "\"%s\" is taken by \"%s\"", text,
		    other->text);
	for (int i = 0; i < count && set->count < LISTEN_MAX; i++)
		set->used[set->count++] = (struct listening){ found[i], text };
}

static void
add_addresses(struct config_report *report, const config_setting_t *root,
    const char *option, const struct option_list *list, struct listen_set *set)
{
	const config_setting_t *setting = config_setting_get_member(root, option);
	unsigned line = setting != NULL ? setting->line : 0;

	if (list->count > LISTEN_MAX / ADDRESS_MAX / 2) {
		config_report(report, line, option, "has more than %d addresses",
		    LISTEN_MAX / ADDRESS_MAX / 2);
		return;
	}
	for (size_t i = 0; i < list->count; i++) {
		const config_setting_t *item = setting == NULL
		    ? NULL : config_setting_get_elem(setting, (unsigned)i);

		add_address(report, item != NULL ? item->line : line, option, list->item[i],
		    set);
	}
}

void
config_check_listen(struct config_report *report, const config_setting_t *root,
    const struct config *config)
{
	struct listen_set set;

	set.count = 0;
	add_addresses(report, root, "listen", &config->listen, &set);
	add_addresses(report, root, "listen_tls", &config->listen_tls, &set);
}

/* A default takes part as well, so the line is that of whichever option the file gives. */
static unsigned
line_of(const config_setting_t *root, const char *option, const char *other)
{
	const config_setting_t *setting = config_setting_get_member(root, option);

	if (setting == NULL)
		setting = config_setting_get_member(root, other);
	return setting != NULL ? setting->line : 0;
}

static void
check_order(struct config_report *report, const config_setting_t *root,
    const char *smaller, int64_t small, const char *larger, int64_t large)
{
	if (small > large)
		config_report(report, line_of(root, smaller, larger), smaller,
		    "must not be more than %s", larger);
}

void
config_check_sizes(struct config_report *report, const config_setting_t *root,
    const struct config *config)
{
	check_order(report, root, "stanza_bytes_unauthenticated",
	    config->stanza_bytes_unauthenticated, "stanza_bytes", config->stanza_bytes);
	check_order(report, root, "stanza_bytes", config->stanza_bytes, "outbox_bytes",
	    config->outbox_bytes);
	check_order(report, root, "outbox_bytes", config->outbox_bytes, "arena_bytes",
	    config->arena_bytes);
	check_order(report, root, "handshake_timeout", config->handshake_timeout,
	    "login_timeout", config->login_timeout);
}
