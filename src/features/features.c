/* features.c -- the features of this server, in the order in which they are asked. */
#include "features/feature.h"

#include "features/turn.h"
#include "stream/server.h"

extern const struct feature bind_feature;
extern const struct feature blocking_feature;
extern const struct feature roster_feature;
extern const struct feature last_activity_feature;
extern const struct feature caps_feature;
extern const struct feature avatar_feature;
extern const struct feature presence_feature;
extern const struct feature carbons_feature;
extern const struct feature csi_feature;
extern const struct feature offline_feature;
extern const struct feature archive_feature;
extern const struct feature push_feature;
extern const struct feature private_xml_feature;
extern const struct feature vcard_feature;
extern const struct feature contact_addresses_feature;
extern const struct feature external_services_feature;
extern const struct feature pep_feature;
extern const struct feature bookmarks_feature;
extern const struct feature disco_feature;
extern const struct feature ping_feature;
extern const struct feature register_feature;
extern const struct feature deletion_feature;
extern const struct feature adhoc_feature;
extern const struct feature version_feature;
extern const struct feature time_feature;

static const struct feature *const features[] = {
	&bind_feature,
	&blocking_feature,	/* before all that act on what comes and goes */
	&roster_feature,
	&last_activity_feature,
	&caps_feature,
	&avatar_feature,	/* before presence goes out */
	&presence_feature,
	&carbons_feature,
	&csi_feature,
	&offline_feature,
	&archive_feature,
	&push_feature,
	&private_xml_feature,
	&vcard_feature,
	&contact_addresses_feature,
	&external_services_feature,
	&pep_feature,
	&bookmarks_feature,
	&disco_feature,
	&ping_feature,
	&register_feature,
	&deletion_feature,
	&adhoc_feature,
	&version_feature,
	&time_feature,
	NULL
};

const struct feature *const *
features_all(void)
{
	return features;
}

static bool
add(struct router *router, const struct feature *feature)
{
	bool added = true;

	for (const struct iq_row *row = feature->iqs; row != NULL && row->name != NULL; row++)
		added &= router_add_iq(router, feature->name, row);
	for (const struct stage_row *row = feature->stages;
	     row != NULL && row->handle != NULL; row++)
		router_add_stage(router, row);
	if (feature->on_bound != NULL)
		router_on_bound(router, feature->on_bound);
	if (feature->on_ending != NULL)
		router_on_ending(router, feature->on_ending);
	if (feature->on_unbound != NULL)
		router_on_unbound(router, feature->on_unbound);
	if (feature->on_hibernating != NULL)
		router_on_hibernating(router, feature->on_hibernating);
	if (feature->on_leaving != NULL)
		router_on_leaving(router, feature->on_leaving);
	if (feature->on_available != NULL)
		router_on_available(router, feature->on_available);
	if (feature->on_look != NULL)
		router_on_look(router, feature->on_look);
	if (feature->flags_of != NULL)
		router_set_flags_of(router, feature->flags_of);
	return added;
}

bool
features_start(struct server *server)
{
	bool added = true;

	router_start(server);
	for (size_t i = 0; features[i] != NULL; i++)
		added &= add(server->router, features[i]);
	for (size_t i = 0; features[i] != NULL && added; i++)
		if (features[i]->on_start != NULL)
			features[i]->on_start(server);
	return added;
}

void
features_stop(struct server *server)
{
	for (size_t i = 0; features[i] != NULL; i++)
		if (features[i]->on_stop != NULL)
			features[i]->on_stop(server);
	turns_free(server);
	sessions_free(server);
	router_free(server);
}
