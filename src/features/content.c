/* content.c -- what a message carries, as bits: by these it is kept, copied, or may wait. */
#include "features/content.h"

#define NAME(text) { text, sizeof(text) - 1 }
#define ANY	   { "", 0 }

/* Those of one namespace stand together. */
static const struct row {
	enum xml_namespace ns;
	struct slice	   name;	/* empty: any */
	unsigned	   content;
} rows[] = {
	{ NS_CLIENT, NAME("body"), CONTENT_BODY },
	{ NS_CLIENT, NAME("subject"), CONTENT_SUBJECT },
	{ NS_CLIENT, NAME("thread"), CONTENT_THREAD },
	{ NS_CLIENT, NAME("error"), CONTENT_ERROR },
	{ NS_CHAT_STATES, ANY, CONTENT_CHAT_STATE },
	{ NS_RECEIPTS, ANY, CONTENT_RECEIPT },
	{ NS_MARKERS, ANY, CONTENT_MARKER },
	{ NS_DIRECT_INVITE, NAME("x"), CONTENT_INVITE },
	{ NS_MUC_USER, NAME("x"), CONTENT_ROOM },
	{ NS_JINGLE_MESSAGE, ANY, CONTENT_CALL },
	{ NS_JINGLE_MESSAGE_1, ANY, CONTENT_CALL },
	{ NS_ENCRYPTION, NAME("encryption"), CONTENT_ENCRYPTED },
	{ NS_OMEMO, NAME("encrypted"), CONTENT_ENCRYPTED },
	{ NS_OMEMO_2, NAME("encrypted"), CONTENT_ENCRYPTED },
	{ NS_OPENPGP, NAME("openpgp"), CONTENT_ENCRYPTED },
	{ NS_OPENPGP_OLD, NAME("x"), CONTENT_ENCRYPTED },
	{ NS_HINTS, NAME("no-store"), CONTENT_NO_STORE },
	{ NS_HINTS, NAME("no-permanent-store"), CONTENT_NO_PERMANENT_STORE },
	{ NS_HINTS, NAME("no-copy"), CONTENT_NO_COPY },
	{ NS_HINTS, NAME("store"), CONTENT_STORE },
	{ NS_CARBONS, NAME("private"), CONTENT_PRIVATE },
	{ NS_CARBONS, NAME("sent"), CONTENT_SENT },
	{ NS_CARBONS, NAME("received"), CONTENT_RECEIVED },
	{ NS_DELAY, NAME("delay"), CONTENT_DELAY },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* How a message is to be handled, or what comes along with something: nothing to keep by itself. */
#define NOT_KEPT                                                                                  \
	(CONTENT_THREAD | CONTENT_CHAT_STATE | CONTENT_NO_STORE | CONTENT_NO_PERMANENT_STORE |    \
	    CONTENT_NO_COPY | CONTENT_PRIVATE | CONTENT_DELAY)

/* Every message is asked several times: 1 + the first row of each namespace, filled at first use; 0: it has none. */
static uint8_t first_rows[NS_COUNT];
static bool first_rows_are_filled;

static void
fill_first_rows(void)
{
	for (size_t i = ROWS; i-- > 0;)
		first_rows[rows[i].ns] = (uint8_t)(i + 1);
	first_rows_are_filled = true;
}

static const struct row *
find_row(const struct element *child)
{
	size_t i = first_rows[child->ns];

	if (i == 0)
		return NULL;
	for (i--; i < ROWS && rows[i].ns == child->ns; i++)
		if (rows[i].name.length == 0 || slice_equal(child->name, rows[i].name))
			return &rows[i];
	return NULL;
}

static unsigned
content_of_child(const struct element *child)
{
	const struct row *row = find_row(child);

	if (row == NULL)
		return CONTENT_OTHER;
	if (row->content == CONTENT_ROOM && element_child(child, NS_MUC_USER, "invite") != NULL)
		return CONTENT_INVITE;
	return row->content;
}

unsigned
content_of(const struct element *message)
{
	unsigned content = 0;

	if (!first_rows_are_filled)
		fill_first_rows();
	for (struct element *child = element_first(message); child != NULL;
	     child = element_next(message, child))
		content |= content_of_child(child);
	return content;
}

bool
content_is_kept(enum stanza_type type, unsigned content)
{
	if ((type != TYPE_NORMAL && type != TYPE_CHAT) || (content & CONTENT_NO_STORE))
		return false;
	return (content & CONTENT_STORE) != 0 || (content & ~(unsigned)NOT_KEPT) != 0;
}
