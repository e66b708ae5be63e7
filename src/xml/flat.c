/* flat.c -- small elements without content, as acknowledgements are, built without expat. */
#include "xml/flat.h"

#define LONGEST 96

struct tag {
	struct slice uri, name;
	struct slice key, value; /* no key: no attribute */
};

static bool
take(struct slice *rest, struct slice expected)
{
	if (!slice_starts_with(*rest, expected))
		return false;
	*rest = slice_after(*rest, expected.length);
	return true;
}

static bool
take_letters(struct slice *rest, struct slice *letters)
{
	size_t count = 0;

	while (count < rest->length && rest->data[count] >= 'a' && rest->data[count] <= 'z')
		count++;
	*letters = slice_of(rest->data, count);
	*rest = slice_after(*rest, count);
	return count > 0;
}

/* Stands for itself: no reference, no white space, nothing beyond ASCII. */
static bool
is_plain(char c)
{
	return c > ' ' && c <= '~' && c != '&' && c != '<';
}

static bool
take_value(struct slice *rest, struct slice *value)
{
	char quote = rest->length > 0 ? rest->data[0] : '\0';
	size_t end = 1;

	if (quote != '\'' && quote != '"')
		return false;
	while (end < rest->length && rest->data[end] != quote && is_plain(rest->data[end]))
		end++;
	if (end == rest->length || rest->data[end] != quote)
		return false;
	*value = slice_of(rest->data + 1, end - 1);
	*rest = slice_after(*rest, end + 1);
	return true;
}

/* No second attribute, so none comes twice; none of XML's own. */
static bool
read_tag(struct slice rest, struct tag *tag)
{
	*tag = (struct tag){ .key = SLICE_EMPTY };
	if (!take(&rest, SLICE("<")) || !take_letters(&rest, &tag->name) ||
	    !take(&rest, SLICE(" xmlns=")) || !take_value(&rest, &tag->uri) ||
	    !slice_starts_with(tag->uri, SLICE("urn:")))
		return false;
	if (take(&rest, SLICE(" ")) &&
	    (!take_letters(&rest, &tag->key) || slice_starts_with(tag->key, SLICE("xml")) ||
	     !take(&rest, SLICE("=")) || !take_value(&rest, &tag->value)))
		return false;
	return slice_equal(rest, SLICE("/>"));
}

/* As expat would tell it. */
static enum parser_error
build(struct tree *tree, const struct tag *tag)
{
	char uri[LONGEST], name[LONGEST], key[LONGEST], value[LONGEST];
	const char *attributes[] = { tag->key.length > 0 ? key : NULL, value, NULL };
	char *end = slice_copy(name, tag->uri);
	enum parser_error error;

	*end = TREE_SEPARATOR;
	*slice_copy(end + 1, tag->name) = '\0';
	*slice_copy(uri, tag->uri) = '\0';
	*slice_copy(key, tag->key) = '\0';
	*slice_copy(value, tag->value) = '\0';
	error = tree_declare(tree, uri);
	if (error == PARSER_OK)
		error = tree_open(tree, name, attributes);
	if (error == PARSER_OK)
		tree_close(tree);
	return error;
}

bool
flat_build(struct tree *tree, struct slice bytes, enum parser_error *error)
{
	struct tag tag;

	if (bytes.length > LONGEST || !read_tag(bytes, &tag))
		return false;
	*error = build(tree, &tag);
	return true;
}
