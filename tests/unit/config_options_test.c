/* config_options_test.c -- rows and fields agree, and every row keeps the rules of rows. */
#include "config/options.h"

#include "config/option_value.h"
#include "config_unit.h"
#include "shm/layout.h"

struct field {
	const char	 *name;
	const char	 *ctype;
	enum option_scope scope;
	size_t		  offset;
};

static const struct field fields[] = {
#define OPTION_FIELD_HOST(ctype, name)	 { #name, #ctype, OPTION_HOST, offsetof(struct config_host, name) },
#define OPTION_FIELD_SERVER(ctype, name) { #name, #ctype, OPTION_SERVER, offsetof(struct config, name) },
#include "config/fields.def"
#undef OPTION_FIELD_HOST
#undef OPTION_FIELD_SERVER
};

#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))

static const char *
ctype_of(enum option_type type)
{
	switch (type) {
	case OPTION_BOOL:
		return "bool";
	case OPTION_CHOICE:
		return "int";
	case OPTION_TEXT:
	case OPTION_PATH:
		return "const char *";
	case OPTION_LIST:
		return "struct option_list";
	default:
		return "int64_t";
	}
}

static void
every_field_has_a_row_of_its_type(void **state)
{
	size_t rows;

	for (size_t i = 0; i < FIELD_COUNT; i++) {
		const struct option_row *row = options_find(slice_from_text(fields[i].name));

		/* rookeryd --test-clock sets this one; a file must not. */
		if (strcmp(fields[i].name, "test_clock") == 0) {
			assert_null(row);
			continue;
		}
		if (row == NULL)
			fail_msg("options.def has no row for %s", fields[i].name);
		assert_string_equal(ctype_of(row->type), fields[i].ctype);
		assert_int_equal(row->scope, fields[i].scope);
		assert_int_equal(row->offset, fields[i].offset);
	}
	config_options(&rows);
	assert_int_equal(rows, FIELD_COUNT - 1);
}

static void
every_default_is_a_valid_value(void **state)
{
	union { struct config config; struct config_host host; } scratch;
	size_t count;
	const struct option_row *rows = config_options(&count);
	struct arena arena;

	arena_init(&arena);
	for (size_t i = 0; i < count; i++) {
		memset(&scratch, 0, sizeof(scratch));
		option_set_fallback(&rows[i], &scratch, &arena);
		assert_true(option_is_valid(&rows[i], &scratch));
	}
	arena_clear(&arena);
}

static void
every_row_tells_its_story(void **state)
{
	size_t count;
	const struct option_row *rows = config_options(&count);

	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(rows[i].about);

		assert_true(length > 20 && rows[i].about[length - 1] == '.');
		assert_true(strlen(rows[i].group) > 0);
		assert_true(rows[i].least <= rows[i].most);
		assert_true((rows[i].type == OPTION_CHOICE) <= (rows[i].choices != NULL));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(rows[i].name, rows[j].name);
	}
}

static bool
was_seen(const struct option_row *rows, size_t count, const char *group)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].group, group) == 0)
			return true;
	return false;
}

static void
rows_of_a_group_stand_together(void **state)
{
	size_t count;
	const struct option_row *rows = config_options(&count);

	for (size_t i = 1; i < count; i++)
		if (strcmp(rows[i].group, rows[i - 1].group) != 0)
			assert_false(was_seen(rows, i, rows[i].group));
}

static void
no_more_sessions_than_memory_can_have(void **state)
{
	assert_true(options_find(SLICE("max_sessions"))->most < SLOTS_MAX);
}

static void
the_nearest_name_is_offered(void **state)
{
	assert_string_equal(options_nearest(SLICE("wrokers"), false), "workers");
	assert_string_equal(options_nearest(SLICE("max-sessions"), false), "max_sessions");
	assert_string_equal(options_nearest(SLICE("host"), false), "hosts");
	assert_string_equal(options_nearest(SLICE("names"), true), "name");
	assert_string_equal(options_nearest(SLICE("admin"), true), "admins");
	assert_null(options_nearest(SLICE("wrokers"), true));
	assert_null(options_nearest(SLICE("something_else"), false));
	assert_null(options_nearest(SLICE(
	    "a_name_that_is_longer_than_any_option_could_ever_reasonably_be"), false));
}

static void
defaults_are_those_of_the_manual(void **state)
{
	struct config *config = unit_parse(ONE_HOST);

	assert_int_equal(config->workers, 0);
	assert_string_equal(config->user, "rookery");
	assert_string_equal(config->data_dir, "/var/lib/rookery");
	assert_string_equal(config->runtime_dir, "/run/rookery");
	assert_string_equal(config->listen.item[0], "*:5222");
	assert_string_equal(config->listen_tls.item[0], "*:5223");
	assert_int_equal(config->max_sessions, 10000);
	assert_int_equal(config->arena_bytes, INT64_C(1) << 30);
	assert_int_equal(config->map_size, INT64_C(1) << 40);
	assert_int_equal(config->login_timeout, 30000);
	assert_int_equal(config->handshake_timeout, 10000);
	assert_int_equal(config->idle_timeout, 300000);
	assert_int_equal(config->idle_drop, 120000);
	assert_int_equal(config->write_timeout, 60000);
	assert_int_equal(config->close_timeout, 5000);
	assert_int_equal(config->stanza_bytes, 262144);
	assert_int_equal(config->stanza_bytes_unauthenticated, 8192);
	assert_int_equal(config->outbox_bytes, 4194304);
	assert_int_equal(config->login_attempts, 3);
	assert_int_equal(config->sessions_per_account, 20);
	assert_int_equal(config->scram_iterations, 10000);
	assert_int_equal(config->log_level, 2);
	assert_int_equal(config->tls_profile, TLS_PROFILE_INTERMEDIATE);
	assert_true(config->show_version);
	assert_false(config->test_clock);
	assert_true(config->hosts[0].require_tls);
	assert_int_equal(config->hosts[0].conflict, CONFLICT_KICK_OLD);
	assert_int_equal(config->hosts[0].mechanisms.count, 0);
	assert_null(config->hosts[0].certificate);
	config_free(&config);
	assert_null(config);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_has_a_row_of_its_type),
		cmocka_unit_test(every_default_is_a_valid_value),
		cmocka_unit_test(every_row_tells_its_story),
		cmocka_unit_test(rows_of_a_group_stand_together),
		cmocka_unit_test(no_more_sessions_than_memory_can_have),
		cmocka_unit_test(the_nearest_name_is_offered),
		cmocka_unit_test(defaults_are_those_of_the_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
