/* precis.c -- mappings until nothing moves (RFC 8264 7), then the rules of the class. */
#include "xmpp/precis.h"

#include "xmpp/bidi.h"
#include "xmpp/code_points.h"
#include "xmpp/precis_class.h"
#include "xmpp/precis_context.h"

/* RFC 8264 7: what still changes when the mappings ran three times more is refused. */
#define ROUNDS 4

struct precis_profile {
	bool is_freeform; /* its class, else the IdentifierClass */
	bool maps_width;
	bool maps_spaces;
	bool lowers;
	bool has_bidi_rule;
};

const struct precis_profile precis_username = {
	.maps_width = true,
	.lowers = true,
	.has_bidi_rule = true,
};

const struct precis_profile precis_opaque = {
	.is_freeform = true,
	.maps_spaces = true,
};

/* What stands around is asked only where context is not NULL. */
static bool
is_allowed(const struct precis_profile *profile, const struct code_points *text,
	   size_t place, struct precis_context *context)
{
	switch (precis_class_of(text->at[place])) {
	case PRECIS_VALID:
		return true;
	case PRECIS_FREEFORM:
		return profile->is_freeform;
	case PRECIS_CONTEXT_J:
	case PRECIS_CONTEXT_O:
		return context == NULL || precis_context_allows(context, place);
	default:
		return false;
	}
}

static bool
is_of_class(const struct precis_profile *profile, const struct code_points *text,
	    struct precis_context *context)
{
	for (size_t i = 0; i < text->count; i++) {
		if (!is_allowed(profile, text, i, context))
			return false;
	}
	return text->count > 0;
}

/*
 * Preparation, RFC 8265 3.3.1 and 4.2.1: width comes first, since wide and narrow forms
 * are not of the class. What a code point's neighbours are is not settled before case and
 * composition are, so the rules of context wait.
 */
static bool
prepare(const struct precis_profile *profile, struct code_points *text)
{
	if (profile->maps_width)
		code_points_map_width(text);
	return is_of_class(profile, text, NULL);
}

/* The order is that of RFC 8264 7. The array that came in stays as it was. */
static void
map(struct arena *scratch, const struct precis_profile *profile, struct code_points *text)
{
	struct code_points mapped = *text;

	mapped.at = arena_alloc(scratch, mapped.count * sizeof(uint32_t));
	memcpy(mapped.at, text->at, mapped.count * sizeof(uint32_t));
	if (profile->maps_width)
		code_points_map_width(&mapped);
	if (profile->maps_spaces)
		code_points_map_spaces(&mapped);
	if (profile->lowers)
		code_points_lower(scratch, &mapped);
	code_points_compose(scratch, &mapped);
	*text = mapped;
}

static bool
map_until_stable(struct arena *scratch, const struct precis_profile *profile,
		 struct code_points *text)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct code_points before = *text;

		map(scratch, profile, text);
		if (code_points_equal(text, &before))
			return true;
	}
	return false;
}

static bool
follows_rules(const struct precis_profile *profile, const struct code_points *text)
{
	struct precis_context context;

	if (profile->has_bidi_rule && bidi_has_right_to_left(text) &&
	    !bidi_rule_is_met(text))
		return false;
	precis_context_init(&context, text);
	return is_of_class(profile, text, &context);
}

bool
precis_enforce(struct arena *arena, const struct precis_profile *profile,
	       struct slice text, struct slice *out)
{
	struct arena scratch;
	struct code_points points;
	bool is_good;

	arena_init(&scratch);
	is_good = code_points_decode(&scratch, text, &points) &&
		  prepare(profile, &points) &&
		  map_until_stable(&scratch, profile, &points) &&
		  follows_rules(profile, &points);
	if (is_good)
		*out = code_points_encode(arena, &points);
	arena_clear(&scratch);
	return is_good;
}
