/* fingerprint.c -- a number that names what a stanza says, so that it is known when it comes again. */
#include "routing/fingerprint.h"

#include <string.h>

#include "xml/element.h"

#define BYTES_MOST 512

struct mill {
	uint64_t sum;
	size_t	 left;		/* bytes that still count */
};

static void
grind_word(struct mill *mill, uint64_t word)
{
	mill->sum = (mill->sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	mill->sum ^= mill->sum >> 29;
}

static void
grind(struct mill *mill, struct slice text)
{
	size_t length = text.length < mill->left ? text.length : mill->left;
	uint64_t word;
	size_t at = 0;

	grind_word(mill, text.length);
	for (; at + sizeof(word) <= length; at += sizeof(word)) {
		memcpy(&word, text.data + at, sizeof(word));
		grind_word(mill, word);
	}
	word = 0;
	if (at < length)
		memcpy(&word, text.data + at, length - at);
	grind_word(mill, word);
	mill->left -= length;
}

static void
grind_element(struct mill *mill, const struct element *element)
{
	grind(mill, element->name);
	for (const struct attribute *a = element->attributes; a != NULL && mill->left > 0;
	     a = a->next) {
		grind(mill, a->name);
		grind(mill, a->value);
	}
	for (const struct node *node = element->first; node != NULL && mill->left > 0;
	     node = node->next) {
		if (node->element != NULL)
			grind_element(mill, node->element);
		else
			grind(mill, node->text);
	}
}

uint64_t
fingerprint(const struct element *stanza, uint64_t account)
{
	struct mill mill = { account, BYTES_MOST };

	grind_element(&mill, stanza);
	return mill.sum == 0 ? 1 : mill.sum;
}
