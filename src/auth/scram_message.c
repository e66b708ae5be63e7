/* scram_message.c -- what a SCRAM client says, by the grammar of RFC 5802 7. */
#include "auth/scram_message.h"

#include "base/text.h"

/* Takes the text before the next comma, and the comma; false if there is no comma. */
static bool
take_part(struct slice *rest, struct slice *part)
{
	size_t comma = slice_find(*rest, ',');

	if (comma == rest->length)
		return false;
	*part = slice_of(rest->data, comma);
	*rest = slice_after(*rest, comma + 1);
	return true;
}

/* The same, or the whole rest where no comma follows; rest->data is NULL after that. */
static struct slice
take_attribute(struct slice *rest)
{
	struct slice attribute;

	if (!take_part(rest, &attribute)) {
		attribute = *rest;
		*rest = (struct slice){ NULL, 0 };
	}
	return attribute;
}

/* Takes the value of an attribute of that letter; false if it is another, or empty. */
static bool
take_value(struct slice *rest, char letter, struct slice *value)
{
	struct slice attribute = take_attribute(rest);

	if (attribute.length < 3 || attribute.data[0] != letter ||
	    attribute.data[1] != '=')
		return false;
	*value = slice_after(attribute, 2);
	return true;
}

/* What we do not know is passed over; m= demands to be known (RFC 5802 5.1). */
static bool
is_optional_extension(struct slice attribute)
{
	char letter = attribute.length < 3 ? 0 : attribute.data[0];

	return ((letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z')) &&
	       letter != 'm' && attribute.data[1] == '=';
}

/* UTF-8 without NUL: what every value may hold at most. */
static bool
is_text(struct slice text)
{
	while (text.length > 0) {
		if (text_utf8_next(&text) <= 0)
			return false;
	}
	return true;
}

static bool
is_printable(struct slice text)
{
	for (size_t i = 0; i < text.length; i++) {
		if (text.data[i] < 0x21 || text.data[i] > 0x7e)
			return false;
	}
	return true;
}

bool
scram_message_parse_first(struct slice data, struct scram_first *first)
{
	struct slice rest = data;
	struct slice authzid;

	if (!is_text(data) || !take_part(&rest, &first->flag) ||
	    !take_part(&rest, &authzid))
		return false;
	if (authzid.length != 0 &&
	    (authzid.length < 3 || !slice_starts_with(authzid, SLICE("a="))))
		return false;
	first->bare = rest;
	first->gs2_header = slice_of(data.data, data.length - rest.length);
	if (!take_value(&rest, 'n', &first->name) || rest.data == NULL ||
	    !take_value(&rest, 'r', &first->nonce) || !is_printable(first->nonce))
		return false;
	while (rest.data != NULL) {
		if (!is_optional_extension(take_attribute(&rest)))
			return false;
	}
	first->authzid = authzid.length == 0 ? authzid : slice_after(authzid, 2);
	return true;
}

bool
scram_message_parse_final(struct slice data, struct scram_final *final)
{
	struct slice rest = data;

	if (!is_text(data) || !take_value(&rest, 'c', &final->binding) ||
	    rest.data == NULL || !take_value(&rest, 'r', &final->nonce))
		return false;
	while (rest.data != NULL) {
		struct slice attribute = take_attribute(&rest);

		if (slice_starts_with(attribute, SLICE("p="))) {
			final->proof = slice_after(attribute, 2);
			final->without_proof =
			    slice_of(data.data, (size_t)(attribute.data - data.data) - 1);
			return rest.data == NULL;
		}
		if (!is_optional_extension(attribute))
			return false;
	}
	return false;
}

bool
scram_message_decode_name(struct slice text, struct buffer *out)
{
	while (text.length > 0) {
		size_t used = 1;
		char c = text.data[0];

		if (c == '=') {
			used = 3;
			if (slice_starts_with(text, SLICE("=2C")))
				c = ',';
			else if (!slice_starts_with(text, SLICE("=3D")))
				return false;
		}
		buffer_append_byte(out, c);
		text = slice_after(text, used);
	}
	return true;
}
