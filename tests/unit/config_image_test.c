/* config_image_test.c -- an image gives back what was stored, and nothing when it is damaged. */
#include "config_unit.h"

#include <unistd.h>

static const char full[] =
    "workers = 3; listen = [ \"*:1\", \"[::1]:2\" ]; listen_tls = [ ]; log = \"syslog\";\n"
    "hosts = ( { name = \"b.example\"; certificate = \"/c\"; key = \"/k\"; },\n"
    "  { name = \"a.example\"; admins = [ \"x@a.example\", \"y@a.example\" ]; } );";

static int
store(const struct config *config)
{
	int fd = memfd_create("config", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(config_store(config, fd), 0);
	return fd;
}

static struct config *
load_bytes(const char *bytes, size_t length)
{
	int fd = memfd_create("config", MFD_CLOEXEC);
	struct config *config;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), length);
	config = config_load(fd);
	close(fd);
	return config;
}

static struct config *
full_config(void)
{
	struct config *config = unit_parse(full);

	config->serial = 7;
	config->test_clock = true;
	config_set_certificate(config, 0, SLICE("chain\0with a nul"), SLICE("secret"));
	return config;
}

static size_t
image_bytes(char *bytes, size_t size)
{
	struct config *config = full_config();
	int fd = store(config);
	ssize_t length = pread(fd, bytes, size, 0);

	assert_true(length > 0 && (size_t)length < size);
	close(fd);
	config_free(&config);
	return (size_t)length;
}

static void
what_was_stored_comes_back(void **state)
{
	struct config *stored = full_config(), *loaded;
	int fd = store(stored);
	char *before = unit_values(stored), *after;

	loaded = config_load(fd);
	config_free(&stored);
	close(fd);
	assert_non_null(loaded);
	after = unit_values(loaded);
	assert_string_equal(after, before);
	assert_int_equal(loaded->serial, 7);
	assert_true(loaded->test_clock);
	assert_true(slice_equal(loaded->hosts[0].certificate_pem, SLICE("chain\0with a nul")));
	assert_slice(loaded->hosts[0].key_pem, "secret");
	assert_int_equal(loaded->hosts[1].certificate_pem.length, 0);
	assert_null(loaded->hosts[1].certificate);
	assert_ptr_equal(config_find_host(loaded, SLICE("a.example")), &loaded->hosts[1]);
	assert_null(config_find_host(loaded, SLICE("c.example")));
	config_free(&loaded);
	free(before);
	free(after);
}

static void
an_image_is_loaded_more_than_once(void **state)
{
	struct config *stored = full_config();
	int fd = store(stored);

	for (int i = 0; i < 3; i++) {
		struct config *loaded = config_load(fd);

		assert_non_null(loaded);
		config_set_certificate(loaded, 1, SLICE("chain"), SLICE("key"));
		assert_slice(loaded->hosts[1].key_pem, "key");
		config_free(&loaded);
	}
	config_set_certificate(stored, 0, SLICE(""), SLICE(""));
	assert_int_equal(config_store(stored, fd), 0); /* over a longer one */
	config_free(&stored);
	stored = config_load(fd);
	assert_non_null(stored);
	config_free(&stored);
	close(fd);
}

static void
a_cut_image_is_refused(void **state)
{
	char bytes[8192];
	size_t length = image_bytes(bytes, sizeof(bytes) - 1);

	for (size_t cut = 0; cut < length; cut++)
		assert_null(load_bytes(bytes, cut));
	bytes[length] = '\0';
	assert_null(load_bytes(bytes, length + 1));
}

/* A cut image whose header says so is no better. */
static void
a_cut_image_that_hides_it_is_refused(void **state)
{
	char bytes[8192];
	size_t length = image_bytes(bytes, sizeof(bytes));

	for (uint64_t cut = 40; cut < length; cut++) {
		memcpy(bytes + 16, &cut, sizeof(cut));
		assert_null(load_bytes(bytes, cut));
	}
}

static void
another_layout_is_refused(void **state)
{
	char bytes[8192];
	size_t length = image_bytes(bytes, sizeof(bytes));

	for (size_t i = 0; i < 16; i++) { /* magic and layout */
		bytes[i] ^= 1;
		assert_null(load_bytes(bytes, length));
		bytes[i] ^= 1;
	}
}

/* Whatever byte is wrong: refused, or a config that can be read and freed. */
static void
no_damage_does_harm(void **state)
{
	char bytes[8192];
	size_t length = image_bytes(bytes, sizeof(bytes));
	static const char masks[] = { 1, (char)0x80, (char)0xff };

	for (size_t i = 16; i < length; i++)
		for (size_t j = 0; j < sizeof(masks); j++) {
			struct config *config;

			bytes[i] ^= masks[j];
			config = load_bytes(bytes, length);
			if (config != NULL)
				free(unit_values(config));
			config_free(&config);
			bytes[i] ^= masks[j];
		}
}

static void
what_is_no_file_is_refused(void **state)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_null(config_load(ends[0]));
	assert_null(config_load(-1));
	close(ends[0]);
	close(ends[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_stored_comes_back),
		cmocka_unit_test(an_image_is_loaded_more_than_once),
		cmocka_unit_test(a_cut_image_is_refused),
		cmocka_unit_test(a_cut_image_that_hides_it_is_refused),
		cmocka_unit_test(another_layout_is_refused),
		cmocka_unit_test(no_damage_does_harm),
		cmocka_unit_test(what_is_no_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
