/* version.c -- XEP-0092: tells name and version of the software. */
#include "features/feature.h"

#include <sys/utsname.h>

#include "config/config.h"
#include "stream/server.h"

static void
add_text(struct arena *arena, struct element *query, const char *name, const char *text)
{
	element_add_text(arena, element_add(arena, query, NS_VERSION, name),
	    arena_copy(arena, slice_from_text(text)));
}

static int
version_on_get(struct stanza *stanza)
{
	const struct config *config = router_server(stanza->router)->config;
	struct element *query = element_new(stanza->arena, NS_VERSION, "query");
	struct utsname system;

	add_text(stanza->arena, query, "name", "Rookery");
	add_text(stanza->arena, query, "version",
	    config->show_version ? PACKAGE_VERSION : "hidden");
	if (config->show_version && uname(&system) == 0)
		add_text(stanza->arena, query, "os", system.sysname);
	return router_reply(stanza, query);
}

static const struct iq_row version_iqs[] = {
	{ NS_VERSION, "query", IQ_GET, SCOPE_HOST, version_on_get },
	{ 0 }
};

static const char *const version_vars[] = { "jabber:iq:version", NULL };

const struct feature version_feature = {
	.name = "version",
	.spec = "XEP-0092 1.1",
	.about = "Tells name and version of the server; show_version = false hides the latter.",
	.iqs = version_iqs,
	.host_vars = version_vars,
};
