/* answer.c -- JSON for scripts: one value a command, on standard output. */
#include "ctl/answer.h"

#include <stdio.h>
#include <sysexits.h>

#include "base/clock.h"
#include "ctl/ctl.h"
#include "ctl/print.h"

json_t *
answer_text(struct slice text)
{
	struct buffer safe;
	json_t *value;

	if (text.length == 0)
		return json_null();
	value = json_stringn(text.data, text.length);
	if (value != NULL)
		return value;
	buffer_init(&safe);
	print_safe(&safe, text);
	value = json_stringn(buffer_slice(&safe).data, buffer_length(&safe));
	buffer_clear(&safe);
	return value;
}

json_t *
answer_time(uint64_t wall_us)
{
	char stamp[CLOCK_STAMP_SIZE];

	if (wall_us == 0)
		return json_null();
	clock_stamp(wall_us, stamp, sizeof(stamp));
	return json_string(stamp);
}

int
answer_write(json_t *value)
{
	int rc = value != NULL ? json_dumpf(value, stdout, JSON_INDENT(1)) : -1;

	putchar('\n');
	json_decref(value);
	return rc == 0 ? 0 : ctl_fail(EX_IOERR, "cannot write the answer");
}
