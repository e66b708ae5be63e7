/* process_image_test.c -- a configuration is read by a child, and every mistake comes back with its place. */
#include "net_tls_kit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/result.h"
#include "config/config.h"
#include "process/image.h"
#include "tests/folder.h"

#define SILENCE_MS 60000

static char directory[64];
static char file[96], certificate[96], key[96];
static struct image image;

static int
set_up(void **state)
{
	if (!folder_make(directory, "/tmp"))
		return -1;
	snprintf(file, sizeof(file), "%s/r.conf", directory);
	snprintf(certificate, sizeof(certificate), "%s/crt", directory);
	snprintf(key, sizeof(key), "%s/key", directory);
	return 0;
}

static int
tear_down(void **state)
{
	image_clear(&image);
	unlink(file);
	unlink(certificate);
	unlink(key);
	return rmdir(directory);
}

static void
put(const char *path, struct slice bytes)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(bytes.data, 1, bytes.length, out), bytes.length);
	assert_int_equal(fclose(out), 0);
}

static int
read_config(const char *text)
{
	struct image_options options = { .path = file, .serial = 7, .test_clock = true };

	put(file, slice_from_text(text));
	return image_read(&image, &options, SILENCE_MS);
}

/* A host with both files, in line 2 and 3. */
static int
read_host(void)
{
	char text[512];

	snprintf(text, sizeof(text),
	    "hosts = ( { name = \"montague.example\";\n"
	    "certificate = \"%s\";\n"
	    "key = \"%s\"; } );\n",
	    certificate, key);
	return read_config(text);
}

static void
put_papers(const char *name, int until_day)
{
	struct paper paper;

	paper_make(&paper, name, "P-256", -30, until_day);
	put(certificate, paper.chain_pem);
	put(key, paper.key_pem);
	paper_clear(&paper);
}

static bool
lines_have(const char *text)
{
	struct slice lines = buffer_slice(&image.lines);

	return memmem(lines.data, lines.length, text, strlen(text)) != NULL;
}

static void
good_file_makes_a_sealed_image(void **state)
{
	assert_int_equal(read_config("hosts = ( { name = \"Montague.Example\"; } );"), RESULT_OK);
	assert_non_null(image.config);
	assert_int_equal(image.config->serial, 7);
	assert_true(image.config->test_clock);
	assert_string_equal(image.config->hosts[0].name, "montague.example");
	assert_true(fcntl(image.fd, F_GET_SEALS) & F_SEAL_WRITE);
	assert_int_equal(pwrite(image.fd, "x", 1, 0), -1);
}

static void
every_mistake_has_file_line_and_option(void **state)
{
	char expected[320];

	assert_int_equal(read_config("hosts = ( { name = \"a.example\"; } );\n"
				     "workers = 1000;\n"
				     "log_level = \"loud\";\n"),
	    RESULT_INVALID);
	assert_null(image.config);
	assert_int_equal(image.mistakes, 2);
	snprintf(expected, sizeof(expected), "%s:2: workers: ", file);
	assert_true(lines_have(expected));
	snprintf(expected, sizeof(expected), "%s:3: log_level: ", file);
	assert_true(lines_have(expected));
}

static void
missing_file_is_a_mistake(void **state)
{
	struct image_options options = { .path = file };

	assert_int_equal(image_read(&image, &options, SILENCE_MS), RESULT_INVALID);
	assert_true(lines_have("cannot be opened"));
}

static void
certificate_comes_with_the_image(void **state)
{
	put_papers("montague.example", 90);
	assert_int_equal(read_host(), RESULT_OK);
	assert_int_equal(image.warnings, 0);
	assert_true(image.config->hosts[0].certificate_pem.length > 0);
	assert_true(image.config->hosts[0].key_pem.length > 0);
}

static void
missing_certificate_names_its_line(void **state)
{
	char expected[320];

	put_papers("montague.example", 90);
	unlink(certificate);
	assert_int_equal(read_host(), RESULT_INVALID);
	snprintf(expected, sizeof(expected), "%s:2: certificate: %s", file, certificate);
	assert_true(lines_have(expected));
	assert_true(lines_have("No such file"));
}

static void
directory_is_no_key(void **state)
{
	put_papers("montague.example", 90);
	unlink(key);
	assert_int_equal(mkdir(key, 0700), 0);
	assert_int_equal(read_host(), RESULT_INVALID);
	assert_true(lines_have(": key: "));
	assert_true(lines_have("no plain file"));
	rmdir(key);
}

static void
key_of_another_certificate_is_a_mistake(void **state)
{
	struct paper other;

	put_papers("montague.example", 90);
	paper_make(&other, "montague.example", "P-256", -30, 90);
	put(key, other.key_pem);
	paper_clear(&other);
	assert_int_equal(read_host(), RESULT_INVALID);
	assert_true(lines_have("does not belong to the certificate"));
}

static void
host_that_nobody_can_log_in_to_is_a_warning(void **state)
{
	char expected[320];

	assert_int_equal(read_config("hosts = (\n{ name = \"a.example\"; },\n"
				     "{ name = \"b.example\"; require_tls = false; } );\n"),
	    RESULT_OK);
	assert_int_equal(image.warnings, 1);
	snprintf(expected, sizeof(expected), "%s:2: require_tls: ", file);
	assert_true(lines_have(expected));
}

static void
certificate_of_another_host_is_a_warning(void **state)
{
	put_papers("capulet.example", 90);
	assert_int_equal(read_host(), RESULT_OK);
	assert_int_equal(image.warnings, 1);
	assert_true(lines_have("does not name montague.example"));
}

static void
expired_certificate_is_a_warning(void **state)
{
	put_papers("montague.example", -1);
	assert_int_equal(read_host(), RESULT_OK);
	assert_true(lines_have("expired on"));
}

static void
last_days_are_a_warning(void **state)
{
	put_papers("montague.example", 5);
	assert_int_equal(read_host(), RESULT_OK);
	assert_true(lines_have("expires in "));
}

/* The one who opens it is the master: the child has no right to. */
static void
file_for_root_alone_can_be_read(void **state)
{
	struct image_options options = { .path = file };

	put(file, SLICE("hosts = ( { name = \"a.example\"; } );"));
	assert_int_equal(chmod(file, 0600), 0);
	assert_int_equal(image_read(&image, &options, SILENCE_MS), RESULT_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(good_file_makes_a_sealed_image, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_mistake_has_file_line_and_option, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(missing_file_is_a_mistake, set_up, tear_down),
		cmocka_unit_test_setup_teardown(certificate_comes_with_the_image, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(missing_certificate_names_its_line, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(directory_is_no_key, set_up, tear_down),
		cmocka_unit_test_setup_teardown(key_of_another_certificate_is_a_mistake, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(host_that_nobody_can_log_in_to_is_a_warning, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(certificate_of_another_host_is_a_warning, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(expired_certificate_is_a_warning, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(last_days_are_a_warning, set_up, tear_down),
		cmocka_unit_test_setup_teardown(file_for_root_alone_can_be_read, set_up,
		    tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
