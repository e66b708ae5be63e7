/* shm_fsck_kit.h -- for tests that break one rule each and see exactly its name. */
#pragma once

#include "tests/unit/unit.h"

#include "shm/fsck.h"

/* Where the checker finds exactly that rule broken, once or more; FSCK_RULES: none. */
#define assert_broken(fsck, rule) assert_broken_at((fsck), (rule), __FILE__, __LINE__)

static inline void
assert_broken_at(const struct fsck *fsck, enum fsck_rule rule, const char *file, int line)
{
	const struct fsck_finding *findings;
	size_t more;
	size_t count = fsck_findings(fsck, &findings, &more);
	bool wrong = (count == 0) != (rule == FSCK_RULES);

	for (size_t i = 0; i < count; i++)
		wrong = wrong || findings[i].rule != rule;
	if (!wrong)
		return;
	print_error("wanted %s\n", rule == FSCK_RULES ? "nothing" : fsck_rows[rule].name);
	for (size_t i = 0; i < count; i++)
		print_error("found %s: %s: %s\n", fsck_rows[findings[i].rule].name,
			    findings[i].where, findings[i].what);
	_fail(file, line);
}
