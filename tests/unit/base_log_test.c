/* base_log_test.c -- facts about log lines. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/log.h"
#include "base/log_syslog.h"

#define STAMP_LENGTH 27

static int log_pipe[2];
static char said[8192];

/* Stand in for log_syslog.c, which the linker then leaves out. */
static char syslog_line[4097];
static char syslog_ident[64];
static int syslog_level;

int
log_syslog_connect(void)
{
	return 1000;
}

void
log_syslog_use(const char *ident, int fd)
{
	assert_int_equal(fd, 1000);
	snprintf(syslog_ident, sizeof(syslog_ident), "%s", ident);
}

void
log_syslog_write(int level, const char *line)
{
	syslog_level = level;
	snprintf(syslog_line, sizeof(syslog_line), "%s", line);
}

static int
setup(void **state)
{
	if (pipe2(log_pipe, O_NONBLOCK) != 0)
		return -1;
	log_to_fd(log_pipe[1]);
	log_set_level(LOG_INFO);
	log_set_process("");
	return 0;
}

static int
teardown(void **state)
{
	log_to_fd(STDERR_FILENO);
	close(log_pipe[0]);
	close(log_pipe[1]);
	return 0;
}

/* What was logged since the last call, without the stamp; "" if nothing. */
static const char *
take_line(void)
{
	ssize_t length = read(log_pipe[0], said, sizeof(said) - 1);

	said[length < 0 ? 0 : length] = '\0';
	return length <= STAMP_LENGTH ? "" : said + STAMP_LENGTH;
}

static void
a_line_has_stamp_level_process_area_event_and_fields(void **state)
{
	log_set_process("worker 1");
	log_info(LOG_STREAM, "closed", "sid=%s reason=%s", "abc", "timeout");
	assert_string_equal(take_line(),
	    " info worker 1 stream closed sid=abc reason=timeout\n");
	for (int i = 0; i < STAMP_LENGTH; i++) {
		char pattern = "0000-00-00T00:00:00.000000Z"[i];

		if (pattern == '0')
			assert_in_range(said[i], '0', '9');
		else
			assert_int_equal(said[i], pattern);
	}
}

static void
a_process_without_a_name_leaves_no_gap(void **state)
{
	log_warn(LOG_CONFIG, "reload failed", "line=%d", 3);
	assert_string_equal(take_line(), " warn config reload failed line=3\n");
}

static void
fields_may_be_missing(void **state)
{
	log_error(LOG_TLS, "no certificate", "");
	assert_string_equal(take_line(), " error tls no certificate\n");
}

static void
levels_below_the_least_say_nothing(void **state)
{
	log_debug(LOG_NET, "quiet", "n=%d", 1);
	log_write(LOG_TRACE, LOG_NET, "quiet", "n=%d", 1);
	assert_string_equal(take_line(), "");

	log_set_level(LOG_TRACE);
	log_debug(LOG_NET, "loud", "n=%d", 1);
	assert_string_equal(take_line(), " debug net loud n=1\n");
	log_trace(LOG_NET, "loud", "n=%d", 2);
	assert_string_equal(take_line(), " trace net loud n=2\n");

	log_set_level(LOG_ERROR);
	log_warn(LOG_NET, "quiet", "n=%d", 1);
	assert_string_equal(take_line(), "");
	assert_true(log_is_on(LOG_ERROR));
	assert_false(log_is_on(LOG_WARN));
}

static void
what_is_off_is_not_evaluated(void **state)
{
	int count = 0;

	log_debug(LOG_NET, "quiet", "n=%d", ++count);
	assert_int_equal(count, 0);
}

static void
every_area_has_a_word(void **state)
{
	for (int area = 0; area < LOG_AREA_COUNT; area++) {
		char expected[64];
		const char *line;

		log_info((enum log_area)area, "event", "");
		line = take_line();
		assert_int_equal(sscanf(line, " info %60s event", expected), 1);
		assert_string_not_equal(expected, "event");
	}
}

static void
control_characters_are_escaped(void **state)
{
	log_info(LOG_NET, "got", "a=%s", "x\ny\r\tz\x1b[0m\x7f");
	assert_string_equal(take_line(),
	    " info net got a=x\\x0ay\\x0d\\x09z\\x1b[0m\\x7f\n");
	log_info(LOG_NET, "got", "a=%c", '\0');
	assert_string_equal(take_line(), " info net got a=\\x00\n");
	log_info(LOG_NET, "got", "a=%s", "\xc2\x80\xc2\x9f\xc2\xa0");
	assert_string_equal(take_line(), " info net got a=\\xc2\\x80\\xc2\\x9f\xc2\xa0\n");
}

static void
invalid_utf8_is_escaped_and_valid_is_kept(void **state)
{
	log_info(LOG_NET, "got", "a=%s", "Gr\xc3\xbc\xc3\x9f" "e \xf0\x9f\x90\xa6");
	assert_string_equal(take_line(),
	    " info net got a=Gr\xc3\xbc\xc3\x9f" "e \xf0\x9f\x90\xa6\n");
	log_info(LOG_NET, "got", "a=%s", "\xff\xc0\xaf\xed\xa0\x80" "b\xe2\x82");
	assert_string_equal(take_line(),
	    " info net got a=\\xff\\xc0\\xaf\\xed\\xa0\\x80b\\xe2\\x82\n");
}

static void
a_long_line_is_cut_at_4_kib(void **state)
{
	char fields[6000];

	memset(fields, 'a', sizeof(fields));
	fields[sizeof(fields) - 1] = '\0';
	log_info(LOG_NET, "got", "%s", fields);
	take_line();
	assert_int_equal(strlen(said), 4096);
	assert_string_equal(said + 4096 - 6, "aa...\n");
}

static void
a_cut_never_parts_a_character_or_an_escape(void **state)
{
	char fields[6000];

	for (size_t shift = 0; shift < 4; shift++) {
		memset(fields, 'a', shift);
		for (size_t i = shift; i + 1 < sizeof(fields); i++)
			fields[i] = "\xf0\x9f\x90\xa6"[(i - shift) % 4];
		fields[sizeof(fields) - 1] = '\0';
		log_info(LOG_NET, "got", "%s", fields);
		take_line();
		assert_in_range(strlen(said), 4093, 4096);
		assert_string_equal(said + strlen(said) - 8, "\xf0\x9f\x90\xa6...\n");

		memset(fields + shift, '\n', sizeof(fields) - 1 - shift);
		log_info(LOG_NET, "got", "%s", fields);
		take_line();
		assert_in_range(strlen(said), 4093, 4096);
		assert_string_equal(said + strlen(said) - 8, "\\x0a...\n");
	}
}

static void
the_longest_line_that_fits_is_not_cut(void **state)
{
	static const char before[] = " info net got ";
	char fields[4096];
	size_t room = 4096 - 4 - STAMP_LENGTH - strlen(before);

	memset(fields, 'a', sizeof(fields));
	fields[room] = '\0';
	log_info(LOG_NET, "got", "%s", fields);
	take_line();
	assert_int_equal(strlen(said), 4096 - 3);
	assert_string_equal(said + strlen(said) - 4, "aaa\n");
}

static void
errno_stays(void **state)
{
	errno = ENOSPC;
	log_info(LOG_STORE, "full", "n=%d", 1);
	assert_int_equal(errno, ENOSPC);
	log_to_fd(-1);
	log_info(LOG_STORE, "full", "n=%d", 1);
	assert_int_equal(errno, ENOSPC);
}

static void
syslog_gets_the_line_without_stamp_and_level(void **state)
{
	log_set_process("master");
	log_to_syslog("rookery", -1);
	assert_string_equal(syslog_ident, "rookery");
	log_warn(LOG_MASTER, "worker died", "number=%d", 2);
	assert_string_equal(syslog_line, "master master worker died number=2");
	assert_int_equal(syslog_level, LOG_WARN);
	assert_string_equal(take_line(), "");

	log_to_fd(log_pipe[1]);
	log_warn(LOG_MASTER, "back", "");
	assert_string_equal(take_line(), " warn master master back\n");
}

static void
levels_have_names(void **state)
{
	enum log_level level = LOG_TRACE;

	assert_true(log_level_from_text("error", &level));
	assert_int_equal(level, LOG_ERROR);
	assert_true(log_level_from_text("trace", &level));
	assert_int_equal(level, LOG_TRACE);
	assert_true(log_level_from_text("warn", &level));
	assert_int_equal(level, LOG_WARN);
	assert_false(log_level_from_text("Warn", &level));
	assert_false(log_level_from_text("", &level));
	assert_int_equal(level, LOG_WARN);
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		FACT(a_line_has_stamp_level_process_area_event_and_fields),
		FACT(a_process_without_a_name_leaves_no_gap),
		FACT(fields_may_be_missing),
		FACT(levels_below_the_least_say_nothing),
		FACT(what_is_off_is_not_evaluated),
		FACT(every_area_has_a_word),
		FACT(control_characters_are_escaped),
		FACT(invalid_utf8_is_escaped_and_valid_is_kept),
		FACT(a_long_line_is_cut_at_4_kib),
		FACT(a_cut_never_parts_a_character_or_an_escape),
		FACT(the_longest_line_that_fits_is_not_cut),
		FACT(errno_stays),
		FACT(syslog_gets_the_line_without_stamp_and_level),
		FACT(levels_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
