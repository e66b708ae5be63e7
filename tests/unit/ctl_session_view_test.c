/* ctl_session_view_test.c -- sessions as shared memory shows them. */
#include "ctl/session_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/result.h"
#include "ctl/ctl.h"
#include "shm/registry.h"
#include "tests/folder.h"
#include "unit.h"

static char directory[64];
static struct ctl ctl;

static int
setup(void **state)
{
	struct shm_options options = { directory, 2, 100, 1 << 20 };

	if (!folder_make(directory, "/dev/shm") || shm_create(&options, &ctl.shm) != RESULT_OK)
		return -1;
	shm_join(ctl.shm, 0);
	arena_init(&ctl.arena);
	return registry_open(ctl.shm, true, false, &ctl.registry);
}

static int
teardown(void **state)
{
	char command[128];

	ctl_close(&ctl);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

static struct slot *
connected(struct slot_ref *ref)
{
	struct slot *slot;

	assert_int_equal(slot_take(ctl.shm, ref), RESULT_OK);
	slot = slot_find(ctl.shm, *ref);
	atomic_store(&slot->port, 4711);
	memcpy(slot->address, "\x7f\0\0\1", 4);
	atomic_store(&slot->since_us, 1000000 + ref->slot);
	return slot;
}

static struct slot_ref
bound(uint64_t account, const char *bare_jid, const char *resource)
{
	struct slot_ref ref;
	struct slot *slot = connected(&ref);
	struct bind_answer answer;
	struct bind_request request = {
		.session = ref,
		.account = account,
		.bare_jid = slice_from_text(bare_jid),
		.resource = slice_from_text(resource),
		.sessions_max = 20,
		.now_us = 1,
	};

	assert_int_equal(registry_bind(ctl.registry, &request, &answer), RESULT_OK);
	atomic_store(&slot->account, account);
	atomic_store(&slot->type, SLOT_C2S);
	return ref;
}

static void
without_connections_there_is_nothing_to_see(void **state)
{
	struct session_views views;

	session_views_read(&ctl, &views);
	assert_int_equal(views.count, 0);
	session_views_free(&views);
}

static void
a_connection_is_seen_before_it_has_a_name(void **state)
{
	struct session_views views;
	struct slot_ref ref;

	connected(&ref);
	session_views_read(&ctl, &views);
	assert_int_equal(views.count, 1);
	assert_string_equal(session_type_name(views.all[0].type), "c2s_unauthed");
	assert_int_equal(views.all[0].jid.full.length, 0);
	assert_string_equal(views.all[0].address, "127.0.0.1");
	assert_int_equal(views.all[0].port, 4711);
	assert_int_equal(views.all[0].ref.epoch, ref.epoch);
	session_views_free(&views);
}

static void
an_address_of_ipv6_is_written_as_one(void **state)
{
	struct session_views views;
	struct slot_ref ref;
	struct slot *slot = connected(&ref);

	memset(slot->address, 0, 16);
	slot->address[15] = 1;
	atomic_fetch_or(&slot->flags, SLOT_IPV6);
	session_views_read(&ctl, &views);
	assert_string_equal(views.all[0].address, "::1");
	session_views_free(&views);
}

static void
sessions_come_by_name_and_the_nameless_last(void **state)
{
	struct session_views views;
	struct slot_ref ref;

	connected(&ref);
	bound(2, "romeo@localhost", "b");
	bound(1, "juliet@localhost", "balcony");
	bound(2, "romeo@localhost", "a");
	session_views_read(&ctl, &views);
	assert_int_equal(views.count, 4);
	assert_slice(views.all[0].jid.full, "juliet@localhost/balcony");
	assert_slice(views.all[1].jid.full, "romeo@localhost/a");
	assert_slice(views.all[2].jid.full, "romeo@localhost/b");
	assert_int_equal(views.all[3].jid.full.length, 0);
	session_views_free(&views);
}

static void
a_session_that_ended_is_not_seen(void **state)
{
	struct session_views views;
	struct slot_ref ref = bound(1, "juliet@localhost", "balcony");

	bound(2, "romeo@localhost", "a");
	slot_give(ctl.shm, ref);
	session_views_read(&ctl, &views);
	assert_int_equal(views.count, 1);
	assert_slice(views.all[0].jid.full, "romeo@localhost/a");
	session_views_free(&views);
}

static void
an_address_names_a_session_an_account_or_a_host(void **state)
{
	static const struct {
		const char *text;
		bool is_named;
	} rows[] = {
		{ "romeo@localhost/a", true }, { "romeo@localhost/b", false },
		{ "romeo@localhost", true },   { "juliet@localhost", false },
		{ "localhost", true },         { "example.org", false },
	};
	struct session_views views;

	bound(2, "romeo@localhost", "a");
	session_views_read(&ctl, &views);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct jid jid;

		jid_split(slice_from_text(rows[i].text), &jid);
		assert_int_equal(session_view_is(&views.all[0], &jid), rows[i].is_named);
	}
	session_views_free(&views);
}

static void
flags_are_words(void **state)
{
	char all[160], small[8];

	session_flags_text(0, all, sizeof(all));
	assert_string_equal(all, "");
	session_flags_text(SLOT_SECURE | SLOT_AVAILABLE | SLOT_IPV6, all, sizeof(all));
	assert_string_equal(all, "secure,available");
	session_flags_text(UINT32_MAX, all, sizeof(all));
	assert_non_null(strstr(all, ",direct_tls"));
	session_flags_text(UINT32_MAX, small, sizeof(small));
	assert_string_equal(small, "secure,");
	assert_string_equal(session_type_name(99), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    without_connections_there_is_nothing_to_see, setup, teardown),
		cmocka_unit_test_setup_teardown(a_connection_is_seen_before_it_has_a_name,
						setup, teardown),
		cmocka_unit_test_setup_teardown(an_address_of_ipv6_is_written_as_one,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
		    sessions_come_by_name_and_the_nameless_last, setup, teardown),
		cmocka_unit_test_setup_teardown(a_session_that_ended_is_not_seen, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
		    an_address_names_a_session_an_account_or_a_host, setup, teardown),
		cmocka_unit_test(flags_are_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
