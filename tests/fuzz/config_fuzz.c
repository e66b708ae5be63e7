/* config_fuzz.c -- the text of a configuration, and images of one, from whoever may write them. */
#include "config/config.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/ensure.h"

/*
 * The first byte says what follows: 'i' an image without its first 24 bytes (magic, layout and length
 * are put in front, so that the corpus outlives new fields), anything else a text.
 */
#define IMAGE_PREFIX 24
#define INPUT_MOST   65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);

/* libconfig 1.5 forgets the text it is reading when a mistake of syntax stops it. */
const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfig.so\n";
}

const char *
__lsan_default_options(void)
{
	return "print_suppressions=0";
}

static bool
prepare(struct slice text, char *out, size_t size)
{
	if (text.length == 0 || text.length >= size)
		return false;
	for (size_t i = 0; i < text.length; i++)
		out[i] = (char)tolower((unsigned char)text.data[i]);
	out[text.length] = '\0';
	return true;
}

static void
on_mistake(void *owner, const struct config_mistake *mistake)
{
	ensure(mistake->text[0] != '\0');
	++*(unsigned *)owner;
}

static char *
values(const struct config *config)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	config_write_values(config, out);
	fclose(out);
	return text;
}

static int
store(const struct config *config)
{
	int fd = memfd_create("config_fuzz", MFD_CLOEXEC);

	ensure(fd >= 0 && config_store(config, fd) == 0);
	return fd;
}

/* What was understood survives being stored, loaded and written. */
static void
try_text(struct slice text)
{
	unsigned mistakes = 0;
	struct config *config = config_parse(text, "fuzz", prepare, on_mistake, &mistakes), *loaded;
	char *before, *after;
	int fd;

	ensure((config == NULL) == (mistakes > 0));
	if (config == NULL)
		return;
	fd = store(config);
	loaded = config_load(fd);
	ensure(loaded != NULL);
	before = values(config);
	after = values(loaded);
	ensure(strcmp(before, after) == 0);
	config_free(&loaded);
	loaded = config_parse(slice_from_text(after), "values", prepare, on_mistake, &mistakes);
	ensure(loaded != NULL);
	config_free(&loaded);
	config_free(&config);
	close(fd);
	free(before);
	free(after);
}

/* Magic and layout of this build. */
static const char *
prefix(void)
{
	static char bytes[IMAGE_PREFIX];
	static bool is_known;
	unsigned mistakes = 0;
	struct config *config;
	int fd;

	if (is_known)
		return bytes;
	config = config_parse(SLICE("hosts = ( { name = \"a\"; } );"), "prefix", prepare,
	    on_mistake, &mistakes);
	ensure(config != NULL);
	fd = store(config);
	ensure(pread(fd, bytes, sizeof(bytes), 0) == sizeof(bytes));
	close(fd);
	config_free(&config);
	is_known = true;
	return bytes;
}

static void
try_image(struct slice rest)
{
	int fd = memfd_create("config_fuzz", MFD_CLOEXEC);
	uint64_t length = IMAGE_PREFIX + rest.length;
	struct config *config;

	ensure(fd >= 0 && write(fd, prefix(), 16) == 16 && write(fd, &length, 8) == 8 &&
	    write(fd, rest.data, rest.length) == (ssize_t)rest.length);
	config = config_load(fd);
	if (config != NULL) {
		for (size_t i = 0; i < config->host_count; i++)
			ensure(config_find_host(config,
				   slice_from_text(config->hosts[i].name)) == &config->hosts[i]);
		free(values(config));
		config_free(&config);
	}
	close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = slice_of(data, size);

	if (size == 0 || size > INPUT_MOST)
		return 0;
	if (data[0] == 'i')
		try_image(slice_after(input, 1));
	else
		try_text(slice_after(input, 1));
	return 0;
}
