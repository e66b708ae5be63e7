/* features_disco_test.c -- a feature that answers something says so in disco; which ones stay silent, and why. */
#include "features/feature.h"

#include "tests/unit/unit.h"
#include "xml/names.h"

/* Those who have nothing to announce: clients learn of them elsewhere. */
static const struct {
	const char *feature;
	const char *why;
} silent[] = {
	{ "bind", "a stream feature (RFC 6120 7)" },
	{ "roster", "every server of RFC 6121 has it" },
	{ "caps", "a stream feature (XEP-0115 6.1)" },
	{ "presence", "every server of RFC 6121 has it" },
	{ "csi", "a stream feature (XEP-0352 4.1)" },
	{ "deletion", "nobody can ask for it" },
};

static const char *
reason(const char *feature)
{
	for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++)
		if (strcmp(silent[i].feature, feature) == 0)
			return silent[i].why;
	return NULL;
}

static bool
has(const char *const *vars)
{
	return vars != NULL && *vars != NULL;
}

static void
each_feature_is_announced_or_has_its_reason(void **state)
{
	for (const struct feature *const *feature = features_all(); *feature != NULL; feature++) {
		bool is_announced = has((*feature)->host_vars) || has((*feature)->account_vars) ||
		    (*feature)->on_host_info != NULL;

		if (is_announced == (reason((*feature)->name) != NULL))
			fail_msg("%s: %s", (*feature)->name,
			    is_announced ? "is no longer silent" : "forgets its row");
	}
}

static void
no_reason_is_left_over(void **state)
{
	for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
		const struct feature *const *feature = features_all();

		while (*feature != NULL && strcmp((*feature)->name, silent[i].feature) != 0)
			feature++;
		assert_non_null(*feature);
	}
}

/* "urn:xmpp:mam:2", or what begins with it and goes on with "#". */
static bool
names(const char *const *vars, struct slice uri)
{
	for (; vars != NULL && *vars != NULL; vars++)
		if (slice_starts_with(slice_from_text(*vars), uri) &&
		    ((*vars)[uri.length] == 0 || (*vars)[uri.length] == '#'))
			return true;
	return false;
}

/* Namespaces that clients do not look for by themselves. */
static bool
is_part(struct slice uri)
{
	static const char *const parts[] = {
		"http://jabber.org/protocol/pubsub#owner",	/* of pubsub */
		"jabber:iq:roster",
		"urn:ietf:params:xml:ns:xmpp-bind",
		"urn:ietf:params:xml:ns:xmpp-session",
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (slice_is(uri, parts[i]))
			return true;
	return false;
}

/*
 * Where a host answers, the host says so; what an account answers may stand with either (XEP-0030 3). What a host only has
 * where it is configured it says itself, in on_host_info: their tests look for it.
 */
static void
what_is_answered_is_announced(void **state)
{
	for (const struct feature *const *feature = features_all(); *feature != NULL; feature++)
		for (const struct iq_row *row = (*feature)->iqs;
		     row != NULL && row->name != NULL; row++) {
			struct slice uri = names_uri(row->ns);
			bool is_there = names((*feature)->host_vars, uri);

			if (!(row->scopes & SCOPE_HOST))
				is_there |= names((*feature)->account_vars, uri);
			if (!is_there && !is_part(uri) && (*feature)->on_host_info == NULL)
				fail_msg("%s does not announce " SLICE_FMT, (*feature)->name,
				    SLICE_ARG(uri));
		}
}

/* Two that announce the same would be listed twice. */
static void
nothing_is_announced_twice(void **state)
{
	for (const struct feature *const *one = features_all(); *one != NULL; one++)
		for (const struct feature *const *other = one + 1; *other != NULL; other++) {
			for (const char *const *var = (*one)->host_vars;
			     var != NULL && *var != NULL; var++)
				for (const char *const *same = (*other)->host_vars;
				     same != NULL && *same != NULL; same++)
					assert_string_not_equal(*var, *same);
			for (const char *const *var = (*one)->account_vars;
			     var != NULL && *var != NULL; var++)
				for (const char *const *same = (*other)->account_vars;
				     same != NULL && *same != NULL; same++)
					assert_string_not_equal(*var, *same);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_feature_is_announced_or_has_its_reason),
		cmocka_unit_test(no_reason_is_left_over),
		cmocka_unit_test(what_is_answered_is_announced),
		cmocka_unit_test(nothing_is_announced_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
