/* config_image.c -- a config as flat bytes: a header, the server's fields, then each host. */
#include "config/config.h"

#include <errno.h>
#include <stdalign.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/result.h"
#include "config/config_box.h"
#include "config/option_value.h"

#define IMAGE_MAGIC "ROOKCONF"
#define IMAGE_MAX   (64u << 20)
#define NO_TEXT	    UINT32_MAX

/* Numbers have 8 bytes, texts a length, their bytes and a NUL; lists count their texts. */
struct image_header {
	char	 magic[8];
	uint64_t layout;	/* of the fields, by their types and names */
	uint64_t length;	/* this header included */
	uint64_t serial;
	uint32_t host_count;
	uint32_t item_count;	/* of all lists */
};

/* FNV-1a over the fields as they are declared: two binaries agree only when their structs do. */
static uint64_t
image_layout(void)
{
	static const char fields[] = "1;"
#define OPTION_FIELD_HOST(ctype, name)	 "host " #ctype " " #name ";"
#define OPTION_FIELD_SERVER(ctype, name) "server " #ctype " " #name ";"
#include "config/fields.def"
#undef OPTION_FIELD_HOST
#undef OPTION_FIELD_SERVER
	    ;
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < sizeof(fields) - 1; i++)
		hash = (hash ^ (unsigned char)fields[i]) * 0x100000001b3;
	return hash;
}

/* --- writing; without data it only measures --- */

struct writer {
	char	*data;
	size_t	 length;
	uint32_t items;
};

static void
put(struct writer *writer, const void *bytes, size_t size)
{
	if (writer->data != NULL && size > 0)
		memcpy(writer->data + writer->length, bytes, size);
	writer->length += size;
}

static void
put_number(struct writer *writer, const int64_t *number)
{
	put(writer, number, sizeof(*number));
}

static void
put_int(struct writer *writer, const int *value)
{
	put_number(writer, &(int64_t){ *value });
}

static void
put_bool(struct writer *writer, const bool *value)
{
	put_number(writer, &(int64_t){ *value });
}

static void
put_slice(struct writer *writer, struct slice bytes)
{
	uint32_t length = (uint32_t)bytes.length;

	put(writer, &length, sizeof(length));
	put(writer, bytes.data, bytes.length);
	put(writer, "", 1);
}

static void
put_text(struct writer *writer, const char *const *text)
{
	if (*text != NULL)
		put_slice(writer, slice_from_text(*text));
	else
		put(writer, &(uint32_t){ NO_TEXT }, sizeof(uint32_t));
}

static void
put_list(struct writer *writer, const struct option_list *list)
{
	put_number(writer, &(int64_t){ (int64_t)list->count });
	for (size_t i = 0; i < list->count; i++)
		put_text(writer, &list->item[i]);
	writer->items += (uint32_t)list->count;
}

#define PUT(writer, field) _Generic(*(field), \
	int64_t: put_number, \
	int: put_int, \
	bool: put_bool, \
	const char *: put_text, \
	struct option_list: put_list)(writer, field)

static void
put_host(struct writer *writer, const struct config_host *host)
{
	put_text(writer, &host->name);
	put_slice(writer, host->certificate_pem);
	put_slice(writer, host->key_pem);
#define OPTION_FIELD_HOST(ctype, name) PUT(writer, &host->name);
#define OPTION_FIELD_SERVER(ctype, name)
#include "config/fields.def"
#undef OPTION_FIELD_HOST
#undef OPTION_FIELD_SERVER
}

static void
put_config(struct writer *writer, const struct config *config)
{
	writer->length = sizeof(struct image_header);
#define OPTION_FIELD_HOST(ctype, name)
#define OPTION_FIELD_SERVER(ctype, name) PUT(writer, &config->name);
#include "config/fields.def"
#undef OPTION_FIELD_HOST
#undef OPTION_FIELD_SERVER
	for (size_t i = 0; i < config->host_count; i++)
		put_host(writer, &config->hosts[i]);
}

static int
write_all(int fd, const char *data, size_t length)
{
	size_t done = 0;

	while (done < length) {
		ssize_t count = pwrite(fd, data + done, length - done, (off_t)done);

		if (count < 0 && errno != EINTR)
			return RESULT_FAILED;
		done += count > 0 ? (size_t)count : 0;
	}
	return ftruncate(fd, (off_t)length) == 0 ? RESULT_OK : RESULT_FAILED;
}

int
config_store(const struct config *config, int fd)
{
	struct writer writer = { 0 };
	struct image_header header = { .layout = image_layout(), .serial = config->serial,
		.host_count = (uint32_t)config->host_count };
	int rc;

	put_config(&writer, config);
	if (writer.length > IMAGE_MAX)
		return RESULT_FULL;
	memcpy(header.magic, IMAGE_MAGIC, sizeof(header.magic));
	header.length = writer.length;
	header.item_count = writer.items;
	writer.data = memory_new(writer.length);
	memcpy(writer.data, &header, sizeof(header));
	put_config(&writer, config);
	rc = write_all(fd, writer.data, writer.length);
	memory_wipe(writer.data, writer.length);
	memory_free(writer.data);
	return rc;
}

/* --- reading; once broken, everything that follows is empty --- */

struct reader {
	struct slice rest;
	const char **items;	/* the next free */
	size_t	     items_left;
	bool	     is_broken;
};

static const char *
take(struct reader *reader, size_t size)
{
	const char *data = reader->rest.data;

	if (reader->is_broken || size > reader->rest.length) {
		reader->is_broken = true;
		return NULL;
	}
	reader->rest = slice_after(reader->rest, size);
	return data;
}

static int64_t
take_integer(struct reader *reader, int64_t least, int64_t most)
{
	const char *bytes = take(reader, sizeof(int64_t));
	int64_t number = least;

	if (bytes != NULL)
		memcpy(&number, bytes, sizeof(number));
	if (number < least || number > most) {
		reader->is_broken = true;
		return least;
	}
	return number;
}

static void
take_number(struct reader *reader, int64_t *number)
{
	*number = take_integer(reader, INT64_MIN, INT64_MAX);
}

static void
take_int(struct reader *reader, int *value)
{
	*value = (int)take_integer(reader, 0, INT32_MAX);
}

static void
take_bool(struct reader *reader, bool *value)
{
	*value = take_integer(reader, 0, 1) != 0;
}

/* False for the mark of no text, and when broken. */
static bool
take_slice(struct reader *reader, struct slice *bytes)
{
	const char *prefix = take(reader, sizeof(uint32_t)), *data;
	uint32_t length = NO_TEXT;

	*bytes = SLICE_EMPTY;
	if (prefix != NULL)
		memcpy(&length, prefix, sizeof(length));
	if (length == NO_TEXT)
		return false;
	data = take(reader, (size_t)length + 1);
	if (data == NULL || data[length] != '\0') {
		reader->is_broken = true;
		return false;
	}
	*bytes = slice_of(data, length);
	return true;
}

static void
take_text(struct reader *reader, const char **text)
{
	struct slice bytes;

	*text = NULL;
	if (!take_slice(reader, &bytes))
		return;
	if (slice_find(bytes, '\0') < bytes.length)
		reader->is_broken = true;
	*text = bytes.data;
}

static void
take_list(struct reader *reader, struct option_list *list)
{
	int64_t count = take_integer(reader, 0, (int64_t)reader->items_left);

	*list = (struct option_list){ reader->items, (size_t)count };
	for (int64_t i = 0; i < count; i++)
		take_text(reader, &reader->items[i]);
	reader->items += count;
	reader->items_left -= (size_t)count;
}

#define TAKE(reader, field) _Generic(*(field), \
	int64_t: take_number, \
	int: take_int, \
	bool: take_bool, \
	const char *: take_text, \
	struct option_list: take_list)(reader, field)

static void
take_host(struct reader *reader, struct config_host *host)
{
	take_text(reader, &host->name);
	take_slice(reader, &host->certificate_pem);
	take_slice(reader, &host->key_pem);
#define OPTION_FIELD_HOST(ctype, name) TAKE(reader, &host->name);
#define OPTION_FIELD_SERVER(ctype, name)
#include "config/fields.def"
#undef OPTION_FIELD_HOST
#undef OPTION_FIELD_SERVER
	if (host->name == NULL)
		reader->is_broken = true;
}

static void
take_config(struct reader *reader, struct config *config)
{
#define OPTION_FIELD_HOST(ctype, name)
#define OPTION_FIELD_SERVER(ctype, name) TAKE(reader, &config->name);
#include "config/fields.def"
#undef OPTION_FIELD_HOST
#undef OPTION_FIELD_SERVER
	for (size_t i = 0; i < config->host_count && !reader->is_broken; i++)
		take_host(reader, &config->hosts[i]);
	if (reader->rest.length > 0 || reader->items_left > 0)
		reader->is_broken = true;
}

/* What a file could not say, an image may not say either. */
static bool
is_valid(const struct config *config)
{
	size_t count;
	const struct option_row *rows = config_options(&count);

	for (size_t i = 0; i < count; i++) {
		if (rows[i].scope == OPTION_SERVER && !option_is_valid(&rows[i], config))
			return false;
		for (size_t j = 0; j < config->host_count && rows[i].scope == OPTION_HOST; j++)
			if (!option_is_valid(&rows[i], &config->hosts[j]))
				return false;
	}
	for (size_t i = 1; i < config->host_count; i++)
		if (strcmp(config->hosts[config->host_order[i - 1]].name,
			config->hosts[config->host_order[i]].name) == 0)
			return false;
	return true;
}

static bool
is_header_valid(const struct image_header *header, size_t length)
{
	return memcmp(header->magic, IMAGE_MAGIC, sizeof(header->magic)) == 0 &&
	    header->layout == image_layout() && header->length == length &&
	    header->host_count > 0 &&
	    header->host_count < length / sizeof(uint32_t) &&
	    header->item_count < length / sizeof(uint32_t);
}

/* One allocation: the box, hosts, items of lists, order of hosts, and the image itself. */
static struct config_box *
box_for(const struct image_header *header, struct reader *reader, char **image)
{
	size_t hosts = header->host_count * sizeof(struct config_host);
	size_t items = header->item_count * sizeof(char *);
	size_t order = header->host_count * sizeof(uint32_t);
	struct config_box *box = config_box_new(hosts + items + order + header->length);

	_Static_assert(offsetof(struct config_box, more) % alignof(struct config_host) == 0,
	    "hosts follow the box at once");
	box->config.serial = header->serial;
	box->config.hosts = (struct config_host *)(void *)box->more;
	box->config.host_count = header->host_count;
	reader->items = (const char **)(void *)(box->more + hosts);
	reader->items_left = header->item_count;
	box->config.host_order = (uint32_t *)(void *)(box->more + hosts + items);
	*image = box->more + hosts + items + order;
	return box;
}

static bool
read_all(int fd, char *data, size_t length)
{
	size_t done = 0;

	while (done < length) {
		ssize_t count = pread(fd, data + done, length - done, (off_t)done);

		if (count == 0 || (count < 0 && errno != EINTR))
			return false;
		done += count > 0 ? (size_t)count : 0;
	}
	return true;
}

struct config *
config_load(int fd)
{
	struct image_header header;
	struct reader reader = { 0 };
	struct config_box *box;
	struct config *config;
	struct stat status;
	char *image;

	if (fstat(fd, &status) != 0 || status.st_size < (off_t)sizeof(header) ||
	    status.st_size > (off_t)IMAGE_MAX ||
	    !read_all(fd, (char *)&header, sizeof(header)) ||
	    !is_header_valid(&header, (size_t)status.st_size))
		return NULL;
	box = box_for(&header, &reader, &image);
	config = &box->config;
	reader.is_broken = !read_all(fd, image, header.length);
	reader.rest = slice_after(slice_of(image, header.length), sizeof(header));
	take_config(&reader, config);
	if (!reader.is_broken)
		config_box_sort(box, (uint32_t *)(uintptr_t)config->host_order);
	if (reader.is_broken || !is_valid(config)) {
		memory_wipe(box->more, box->size);
		config->host_count = 0;
		config_free(&config);
	}
	return config;
}
