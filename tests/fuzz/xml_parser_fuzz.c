/* xml_parser_fuzz.c -- a stream cut, paused and released is the stream in one piece. */
#include <stdint.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "tests/unit/xml_support.h"

/* The first byte says how to feed, the second how many bytes of cuts follow. */
enum {
	HEADER = 0x80,
	PAUSE = 0x40,
	RELEASE = 0x20,
	EARLY = 0x10,
};

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
start(struct xml_record *record, int flags)
{
	xml_record_open(record, flags & EARLY ? &xml_early_limits : &xml_limits);
	if (flags & HEADER)
		xml_record_feed_text(record, XML_HEADER);
}

static void
feed_cut(struct xml_record *record, int flags, struct slice bytes, struct slice cuts)
{
	size_t piece, i = 0;

	record->pauses = (flags & PAUSE) != 0;
	while (bytes.length > 0) {
		piece = cuts.length == 0 ? bytes.length
					 : (unsigned char)cuts.data[i++ % cuts.length] + 1u;
		if (piece > bytes.length)
			piece = bytes.length;
		xml_record_feed(record, slice_of(bytes.data, piece));
		bytes = slice_after(bytes, piece);
		while (!parser_resume(record->parser))
			continue;
		if (flags & RELEASE)
			parser_release(record->parser);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xml_record whole, cut;
	struct slice bytes, cuts;
	int flags;

	if (size < 2)
		return 0;
	flags = data[0];
	bytes = slice_of(data + 2, size - 2);
	cuts = slice_of(bytes.data, data[1] % 16);
	if (cuts.length > bytes.length)
		cuts.length = bytes.length;
	bytes = slice_after(bytes, cuts.length);

	start(&whole, flags);
	xml_record_feed(&whole, bytes);
	start(&cut, flags);
	feed_cut(&cut, flags, bytes, cuts);
	ensure(parser_failure(whole.parser) == parser_failure(cut.parser));
	ensure(slice_equal(buffer_slice(&whole.events), buffer_slice(&cut.events)));
	xml_record_close(&whole);
	xml_record_close(&cut);
	return 0;
}
