/* config_diff.c -- what a reload would change, for its log lines. */
#include "config/config.h"

#include "config/option_value.h"

struct diff {
	config_change_fn *on_change;
	void		 *owner;
};

static void
tell(const struct diff *diff, const char *option, const char *host, const char *text,
    bool applied)
{
	struct config_change change = { option, host, text, applied };

	diff->on_change(diff->owner, &change);
}

static void
compare_rows(const struct diff *diff, enum option_scope scope, const char *host,
    const void *old, const void *new)
{
	size_t count;
	const struct option_row *rows = config_options(&count);

	for (size_t i = 0; i < count; i++) {
		bool applied = rows[i].reload == OPTION_RELOAD;

		if (rows[i].scope == scope && !option_equal(&rows[i], old, new))
			tell(diff, rows[i].name, host,
			    applied ? "changed" : "needs a restart", applied);
	}
}

/* A renewed certificate mostly keeps its path. */
static void
compare_contents(const struct diff *diff, const struct config_host *old,
    const struct config_host *new)
{
	if (!slice_equal(old->certificate_pem, new->certificate_pem))
		tell(diff, "certificate", new->name, "has new contents", true);
	if (!slice_equal(old->key_pem, new->key_pem))
		tell(diff, "key", new->name, "has new contents", true);
}

void
config_diff(const struct config *old, const struct config *new, config_change_fn *on_change,
    void *owner)
{
	struct diff diff = { on_change, owner };

	compare_rows(&diff, OPTION_SERVER, NULL, old, new);
	for (size_t i = 0; i < old->host_count; i++)
		if (config_find_host(new, slice_from_text(old->hosts[i].name)) == NULL)
			tell(&diff, "hosts", old->hosts[i].name, "removed", true);
	for (size_t i = 0; i < new->host_count; i++) {
		const struct config_host *host = &new->hosts[i];
		const struct config_host *before =
		    config_find_host(old, slice_from_text(host->name));

		if (before == NULL) {
			tell(&diff, "hosts", host->name, "added", true);
			continue;
		}
		compare_rows(&diff, OPTION_HOST, host->name, before, host);
		compare_contents(&diff, before, host);
	}
}
