/* shm_registry_test.c -- facts about the registry: finding, binding by every policy, presence, sweeping. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/result.h"
#include "shm/registry_record.h"
#include "shm/slots.h"
#include "tests/folder.h"

static char directory[64];
static struct shm *shm;
static struct registry *registry;

static int
setup(void **state)
{
	struct shm_options options = { directory, 2, 100, 1 << 20 };

	if (!folder_make(directory, "/dev/shm") || shm_create(&options, &shm) != RESULT_OK)
		return -1;
	shm_join(shm, 0);
	return registry_open(shm, true, false, &registry);
}

static int
teardown(void **state)
{
	char command[128];

	registry_close(&registry);
	shm_detach(&shm);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

static struct slot_ref
take(void)
{
	struct slot_ref ref;

	assert_int_equal(slot_take(shm, &ref), RESULT_OK);
	return ref;
}

static uint64_t bind_clock;

static int
bind_as(struct slot_ref session, uint64_t account, const char *resource, enum bind_policy policy,
    struct bind_answer *answer)
{
	struct bind_request request = {
		.session = session,
		.account = account,
		.bare_jid = SLICE("romeo@localhost"),
		.resource = slice_from_text(resource),
		.policy = policy,
		.sessions_max = 20,
		.now_us = ++bind_clock,
	};

	return registry_bind(registry, &request, answer);
}

static struct slot_ref
bound(uint64_t account, const char *resource)
{
	struct slot_ref session = take();
	struct bind_answer answer;

	assert_int_equal(bind_as(session, account, resource, BIND_KICK_OLD, &answer), RESULT_OK);
	return session;
}

static int
find(uint64_t account, struct route *found, int max)
{
	struct txn *txn = registry_read(registry);
	int count = registry_find(registry, txn, account, found, max);

	txn_end(&txn);
	return count;
}

static bool
has(uint64_t account, const char *resource, struct slot_ref session)
{
	struct txn *txn = registry_read(registry);
	struct route route;
	bool found = registry_find_resource(registry, txn, account, slice_from_text(resource),
	    &route);

	txn_end(&txn);
	return found && route.session.slot == session.slot &&
	    route.session.epoch == session.epoch;
}

static void
set_presence(struct slot_ref session, uint64_t account, const char *resource, int priority,
    const char *presence)
{
	assert_int_equal(registry_set_presence(registry, account, slice_from_text(resource),
			     session, (int8_t)priority, SLOT_INTERESTED,
			     slice_from_text(presence)),
	    RESULT_OK);
}

static void
a_bound_resource_is_found(void **state)
{
	struct slot_ref a = bound(1, "phone");
	struct slot_ref other = bound(2, "phone");
	struct route route[4];

	assert_true(has(1, "phone", a));
	assert_true(has(2, "phone", other));
	assert_false(has(1, "balcony", a));
	assert_int_equal(find(1, route, 4), 1);
	assert_int_equal(route[0].session.slot, a.slot);
	assert_int_equal(find(3, route, 4), 0);
}

static void
best_priority_comes_first_then_the_latest(void **state)
{
	struct slot_ref a = bound(1, "a"), b = bound(1, "b"), c = bound(1, "c"),
			d = bound(1, "d");
	struct route route[4];

	set_presence(a, 1, "a", -1, "<presence/>");
	set_presence(b, 1, "b", 5, "<presence/>");
	set_presence(c, 1, "c", 5, "<presence/>");
	assert_int_equal(find(1, route, 4), 4);
	assert_int_equal(route[0].session.slot, c.slot);
	assert_int_equal(route[1].session.slot, b.slot);
	assert_int_equal(route[2].session.slot, d.slot);
	assert_int_equal(route[3].session.slot, a.slot);
	assert_int_equal(find(1, route, 2), 2);
	assert_int_equal(route[0].session.slot, c.slot);
	assert_int_equal(route[1].session.slot, b.slot);
	assert_int_equal(find(1, route, 0), 0);
}

static void
a_session_that_ended_is_not_found(void **state)
{
	struct slot_ref a = bound(1, "phone");
	struct route route[4];

	slot_give(shm, a);
	assert_int_equal(find(1, route, 4), 0);
	assert_false(has(1, "phone", a));
	/* Its record is still there; the next to bind that name takes it and displaces nobody. */
	struct slot_ref b = take();
	struct bind_answer answer;

	assert_int_equal(bind_as(b, 1, "phone", BIND_KICK_NEW, &answer), RESULT_OK);
	assert_int_equal(answer.displaced.slot, UINT32_MAX);
	assert_true(has(1, "phone", b));
}

static void
kick_old_displaces(void **state)
{
	struct slot_ref old = bound(1, "phone"), new = take();
	struct bind_answer answer;
	struct registry_session found;
	struct slice presence;

	set_presence(old, 1, "phone", 3, "<presence id='old'/>");
	assert_int_equal(bind_as(new, 1, "phone", BIND_KICK_OLD, &answer), RESULT_OK);
	assert_int_equal(answer.displaced.slot, old.slot);
	assert_int_equal(answer.displaced.epoch, old.epoch);
	assert_true(has(1, "phone", new));

	struct txn *txn = registry_read(registry);

	assert_false(registry_session_of(registry, txn, old, &found));
	assert_true(registry_session_of(registry, txn, new, &found));
	assert_int_equal(found.priority, 0);
	assert_false(registry_presence(registry, txn, 1, answer.resource_hash, &presence));
	txn_end(&txn);
	/* The displaced one cannot take the record of its successor away. */
	assert_int_equal(registry_unbind(registry, 1, SLICE("phone"), old), RESULT_NOT_FOUND);
	assert_true(has(1, "phone", new));
}

static void
kick_new_refuses(void **state)
{
	struct slot_ref old = bound(1, "phone");
	struct bind_answer answer;

	assert_int_equal(bind_as(take(), 1, "phone", BIND_KICK_NEW, &answer), RESULT_CONFLICT);
	assert_int_equal(answer.displaced.slot, UINT32_MAX);
	assert_true(has(1, "phone", old));
}

static void
random_makes_another_name(void **state)
{
	struct slot_ref old = bound(1, "phone"), new = take();
	struct bind_answer answer;

	assert_int_equal(bind_as(new, 1, "phone", BIND_RANDOM, &answer), RESULT_OK);
	assert_int_equal(answer.resource_length, 12);
	assert_true(has(1, "phone", old));
	assert_true(has(1, answer.resource, new));
}

static void
increment_takes_the_next_free_number(void **state)
{
	struct bind_answer answer;

	bound(1, "phone");
	bound(1, "phone#2");
	assert_int_equal(bind_as(take(), 1, "phone", BIND_INCREMENT, &answer), RESULT_OK);
	assert_string_equal(answer.resource, "phone#1");
	assert_int_equal(bind_as(take(), 1, "phone", BIND_INCREMENT, &answer), RESULT_OK);
	assert_string_equal(answer.resource, "phone#3");
}

static void
increment_of_the_longest_name_makes_one(void **state)
{
	char longest[1024];
	struct bind_answer answer;

	memset(longest, 'x', 1023);
	longest[1023] = 0;
	bound(1, longest);
	assert_int_equal(bind_as(take(), 1, longest, BIND_INCREMENT, &answer), RESULT_OK);
	assert_int_equal(answer.resource_length, 12);
}

static void
every_policy_gives_a_free_name_as_asked(void **state)
{
	static const enum bind_policy policies[] = { BIND_KICK_OLD, BIND_KICK_NEW, BIND_RANDOM,
		BIND_INCREMENT };
	struct bind_answer answer;

	for (int i = 0; i < 4; i++) {
		char name[2] = { (char)('a' + i), 0 };

		assert_int_equal(bind_as(take(), 1, name, policies[i], &answer), RESULT_OK);
		assert_string_equal(answer.resource, name);
		assert_int_equal(answer.displaced.slot, UINT32_MAX);
	}
}

static void
no_name_gets_a_made_one(void **state)
{
	struct slot_ref a = take(), b = take();
	struct bind_answer one, two;

	assert_int_equal(bind_as(a, 1, "", BIND_KICK_NEW, &one), RESULT_OK);
	assert_int_equal(bind_as(b, 1, "", BIND_KICK_NEW, &two), RESULT_OK);
	assert_int_equal(one.resource_length, 12);
	assert_string_not_equal(one.resource, two.resource);
	assert_true(has(1, one.resource, a));
	assert_true(has(1, two.resource, b));
}

static void
a_session_binds_once(void **state)
{
	struct slot_ref a = bound(1, "phone");
	struct bind_answer answer;

	assert_int_equal(bind_as(a, 1, "balcony", BIND_KICK_OLD, &answer), RESULT_EXISTS);
}

static void
too_long_names_are_invalid(void **state)
{
	char name[1025];
	struct bind_answer answer;

	memset(name, 'x', 1024);
	name[1024] = 0;
	assert_int_equal(bind_as(take(), 1, name, BIND_KICK_OLD, &answer), RESULT_INVALID);
}

static void
hibernate(struct slot_ref session, uint64_t deadline_ms)
{
	struct slot *slot = slot_find(shm, session);

	atomic_fetch_or(&slot->flags, SLOT_HIBERNATING);
	atomic_store(&slot->deadline_ms, deadline_ms);
}

/* Of those without connection the one that is given up first goes; of the others none. */
static void
who_comes_outsleeps_who_hibernates(void **state)
{
	struct slot_ref session[21];
	struct bind_answer answer;
	char resource[16];

	for (int i = 0; i < 20; i++) {
		session[i] = take();
		snprintf(resource, sizeof(resource), "r%d", i);
		assert_int_equal(bind_as(session[i], 1, resource, BIND_KICK_OLD, &answer), RESULT_OK);
		assert_int_equal(answer.outslept.slot, UINT32_MAX);
	}
	hibernate(session[4], 9000);
	hibernate(session[7], 8000);
	session[20] = take();
	assert_int_equal(bind_as(session[20], 1, "r20", BIND_KICK_OLD, &answer), RESULT_OK);
	assert_int_equal(answer.outslept.slot, session[7].slot);
	assert_int_equal(answer.displaced.slot, UINT32_MAX);
	assert_int_equal(bind_as(take(), 1, "r4", BIND_KICK_OLD, &answer), RESULT_OK);
	assert_int_equal(answer.displaced.slot, session[4].slot);
	assert_int_equal(answer.outslept.slot, UINT32_MAX);
	assert_int_equal(bind_as(take(), 1, "more", BIND_KICK_OLD, &answer), RESULT_FULL);
}

static void
sessions_of_an_account_are_limited(void **state)
{
	struct slot_ref session[20];
	struct bind_answer answer;

	for (int i = 0; i < 20; i++) {
		char name[16];

		snprintf(name, sizeof(name), "r%d", i);
		session[i] = bound(1, name);
	}
	assert_int_equal(bind_as(take(), 1, "more", BIND_KICK_OLD, &answer), RESULT_FULL);
	/* Taking the place of one of them adds none. */
	assert_int_equal(bind_as(take(), 1, "r3", BIND_KICK_OLD, &answer), RESULT_OK);
	assert_int_equal(answer.displaced.slot, session[3].slot);
	/* Sessions that ended do not count. */
	slot_give(shm, session[5]);
	assert_int_equal(bind_as(take(), 1, "more", BIND_KICK_OLD, &answer), RESULT_OK);
	assert_int_equal(bind_as(take(), 2, "more", BIND_KICK_OLD, &answer), RESULT_OK);
}

static uint64_t
colliding_hash(const struct shm *ignored, struct slice resource)
{
	return UINT64_MAX - 1;
}

static void
colliding_resources_are_kept_apart(void **state)
{
	struct slot_ref a, b, c;
	struct bind_answer answer;
	struct route route[8];
	struct slice presence;
	struct txn *txn;

	registry->hash = colliding_hash;
	a = bound(1, "a");
	b = bound(1, "b");
	c = bound(1, "c");
	set_presence(a, 1, "a", 1, "<presence id='a'/>");
	set_presence(b, 1, "b", 2, "<presence id='b'/>");
	assert_true(has(1, "a", a) && has(1, "b", b) && has(1, "c", c));
	assert_int_equal(find(1, route, 8), 3);
	txn = registry_read(registry);
	assert_true(registry_presence(registry, txn, 1, route[0].resource_hash, &presence));
	assert_slice(presence, "<presence id='b'/>");
	assert_true(registry_presence(registry, txn, 1, route[1].resource_hash, &presence));
	assert_slice(presence, "<presence id='a'/>");
	txn_end(&txn);

	/* A gap does not hide what stands behind it. */
	assert_int_equal(registry_unbind(registry, 1, SLICE("a"), a), RESULT_OK);
	assert_true(!has(1, "a", a) && has(1, "b", b) && has(1, "c", c));
	assert_int_equal(bind_as(a, 1, "c", BIND_KICK_NEW, &answer), RESULT_CONFLICT);
	assert_int_equal(bind_as(a, 1, "d", BIND_KICK_NEW, &answer), RESULT_OK);
	bound(1, "e");
	assert_int_equal(bind_as(take(), 1, "f", BIND_KICK_NEW, &answer), RESULT_FULL);
	assert_true(has(1, "b", b) && has(1, "c", c) && has(1, "d", a));
}

static void
presence_is_kept_and_taken_back(void **state)
{
	struct slot_ref a = bound(1, "phone");
	struct route route;
	struct slice presence;
	struct txn *txn;

	set_presence(a, 1, "phone", 7, "<presence/>");
	assert_int_equal(find(1, &route, 1), 1);
	assert_int_equal(route.priority, 7);
	assert_int_equal(route.flags, SLOT_INTERESTED | SLOT_AVAILABLE);
	txn = registry_read(registry);
	assert_true(registry_presence(registry, txn, 1, route.resource_hash, &presence));
	assert_slice(presence, "<presence/>");
	txn_end(&txn);

	set_presence(a, 1, "phone", 7, "");
	assert_int_equal(find(1, &route, 1), 1);
	assert_int_equal(route.priority, 0);
	assert_int_equal(route.flags, SLOT_INTERESTED);
	txn = registry_read(registry);
	assert_false(registry_presence(registry, txn, 1, route.resource_hash, &presence));
	txn_end(&txn);
}

static void
presence_is_limited_to_8_kib(void **state)
{
	static char bytes[8193];
	struct slot_ref a = bound(1, "phone");

	assert_int_equal(registry_set_presence(registry, 1, SLICE("phone"), a, 0, 0,
			     slice_of(bytes, 8193)), RESULT_FULL);
	assert_int_equal(registry_set_presence(registry, 1, SLICE("phone"), a, 0, 0,
			     slice_of(bytes, 8192)), RESULT_OK);
}

static void
presence_of_another_session_is_refused(void **state)
{
	struct slot_ref a = bound(1, "phone");

	a.epoch += 2;
	assert_int_equal(registry_set_presence(registry, 1, SLICE("phone"), a, 0, 0,
			     SLICE("<presence/>")), RESULT_NOT_FOUND);
}

static void
unbind_removes_everything(void **state)
{
	struct slot_ref a = bound(1, "phone");
	struct registry_session found;
	struct txn *txn;

	set_presence(a, 1, "phone", 7, "<presence/>");
	assert_int_equal(registry_unbind(registry, 1, SLICE("phone"), a), RESULT_OK);
	assert_int_equal(registry_unbind(registry, 1, SLICE("phone"), a), RESULT_NOT_FOUND);
	txn = registry_read(registry);
	assert_int_equal(txn_entries(txn, REGISTRY_SESSION), 0);
	assert_int_equal(txn_entries(txn, REGISTRY_PRESENCE), 0);
	assert_int_equal(txn_entries(txn, REGISTRY_SLOT), 0);
	assert_false(registry_session_of(registry, txn, a, &found));
	txn_end(&txn);
}

static void
a_slot_leads_to_its_record(void **state)
{
	struct slot_ref a = bound(1, "phone");
	struct registry_session found;
	struct txn *txn = registry_read(registry);

	assert_true(registry_session_of(registry, txn, a, &found));
	assert_int_equal(found.account, 1);
	assert_slice(found.bare_jid, "romeo@localhost");
	assert_slice(found.resource, "phone");
	a.epoch += 2;
	assert_false(registry_session_of(registry, txn, a, &found));
	txn_end(&txn);
}

static void
sweep_removes_what_has_ended(void **state)
{
	struct slot_ref session[90];
	struct route route;
	struct txn *txn;

	for (int i = 0; i < 90; i++)
		session[i] = bound((uint64_t)i / 3, i % 3 == 0 ? "a" : i % 3 == 1 ? "b" : "c");
	for (int i = 0; i < 80; i++)
		slot_give(shm, session[i]);
	atomic_store(&shm->slots[session[80].slot].owner, 60);	/* a number this server does not have */
	assert_int_equal(registry_sweep(registry), 81);
	assert_int_equal(registry_sweep(registry), 0);
	assert_int_equal(find(0, &route, 1), 0);
	assert_int_equal(find(29, &route, 1), 1);
	txn = registry_read(registry);
	assert_int_equal(txn_entries(txn, REGISTRY_SESSION), 9);
	assert_int_equal(txn_entries(txn, REGISTRY_SLOT), 9);
	txn_end(&txn);
}

static bool
count_session(void *owner, const struct registry_session *session)
{
	int *count = owner;

	return ++*count < 2;
}

static void
each_stops_when_told(void **state)
{
	struct txn *txn;
	int count = 0;

	bound(1, "a");
	bound(2, "b");
	bound(3, "c");
	txn = registry_read(registry);
	registry_each(registry, txn, count_session, &count);
	txn_end(&txn);
	assert_int_equal(count, 2);
}

static void
a_fresh_slot_number_is_another_session(void **state)
{
	struct slot_ref a = bound(1, "phone"), b;
	struct registry_session found;
	struct bind_answer answer;
	struct txn *txn;

	slot_give(shm, a);
	shm->slot_hint = a.slot;
	b = take();
	assert_int_equal(b.slot, a.slot);
	assert_int_equal(bind_as(b, 2, "balcony", BIND_KICK_OLD, &answer), RESULT_OK);
	assert_false(has(1, "phone", a));
	/* The stale record goes without taking the slot's new one along. */
	assert_int_equal(registry_sweep(registry), 1);
	txn = registry_read(registry);
	assert_true(registry_session_of(registry, txn, b, &found));
	txn_end(&txn);
	assert_slice(found.resource, "balcony");
}

static void
fill_registry(double fill)
{
	static char bytes[200000];

	for (uint32_t i = 0; env_fill(registry_env(registry)) < fill; i++) {
		struct txn *txn = txn_write(registry_env(registry));

		txn_put(txn, REGISTRY_ROOM, slice_of(&i, sizeof(i)), slice_of(bytes, sizeof(bytes)));
		assert_int_equal(txn_commit(&txn), RESULT_OK);
	}
}

static void
four_fifths_full_takes_no_more_sessions(void **state)
{
	struct slot_ref a = bound(1, "phone");
	struct bind_answer answer;
	uint32_t first = 0;
	struct txn *txn;

	fill_registry(0.8);
	assert_int_equal(bind_as(take(), 1, "balcony", BIND_KICK_OLD, &answer), RESULT_FULL);
	/* Who is there goes on. */
	set_presence(a, 1, "phone", 1, "<presence/>");
	assert_int_equal(registry_unbind(registry, 1, SLICE("phone"), a), RESULT_OK);
	/* What is given back counts, though the file stays as long as it was. */
	for (; first < 40; first++) {
		txn = txn_write(registry_env(registry));
		txn_delete(txn, REGISTRY_ROOM, slice_of(&first, sizeof(first)));
		assert_int_equal(txn_commit(&txn), RESULT_OK);
	}
	assert_int_equal(bind_as(take(), 1, "balcony", BIND_KICK_OLD, &answer), RESULT_OK);
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(a_bound_resource_is_found),
		FACT(best_priority_comes_first_then_the_latest),
		FACT(a_session_that_ended_is_not_found),
		FACT(kick_old_displaces),
		FACT(kick_new_refuses),
		FACT(random_makes_another_name),
		FACT(increment_takes_the_next_free_number),
		FACT(increment_of_the_longest_name_makes_one),
		FACT(every_policy_gives_a_free_name_as_asked),
		FACT(no_name_gets_a_made_one),
		FACT(a_session_binds_once),
		FACT(too_long_names_are_invalid),
		FACT(who_comes_outsleeps_who_hibernates),
		FACT(sessions_of_an_account_are_limited),
		FACT(colliding_resources_are_kept_apart),
		FACT(presence_is_kept_and_taken_back),
		FACT(presence_is_limited_to_8_kib),
		FACT(presence_of_another_session_is_refused),
		FACT(unbind_removes_everything),
		FACT(a_slot_leads_to_its_record),
		FACT(sweep_removes_what_has_ended),
		FACT(each_stops_when_told),
		FACT(four_fifths_full_takes_no_more_sessions),
		FACT(a_fresh_slot_number_is_another_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
