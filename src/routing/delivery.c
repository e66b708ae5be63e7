/* delivery.c -- what a stanza's way gathers: copies to sessions, written to shared memory as one effect. */
#include "routing/delivery.h"

#include <string.h>

#include "base/buffer.h"
#include "base/result.h"
#include "shm/slots.h"
#include "stream/server.h"
#include "xml/writer.h"

#define FIRST_ROOM 2048		/* most stanzas fit at the first try */

static const enum entry_kind entry_kinds[] = { [KIND_MESSAGE] = ENTRY_MESSAGE,
	[KIND_PRESENCE] = ENTRY_PRESENCE,
	[KIND_IQ] = ENTRY_IQ };

void
delivery_begin(struct delivery *delivery, struct shm *shm, struct slot_ref origin,
    uint64_t number)
{
	*delivery = (struct delivery){ .shm = shm,
		.flags_of = delivery->flags_of,
		.server = delivery->server };
	effect_draft(shm, origin, number, true);
}

static int
write_into(struct delivery *delivery, const struct element *element, uint32_t room,
    size_t *needed)
{
	char *memory;
	int result = effect_stage(delivery->shm, room, &memory, &delivery->piece.offset);

	if (result != RESULT_OK)
		return result;
	*needed = writer_write(element, NS_CLIENT, memory, room);
	effect_stage_cut(delivery->shm, delivery->piece.offset,
	    *needed <= room ? (uint32_t)*needed : 0);
	return RESULT_OK;
}

/* Serialised once, straight into the effect's memory. */
static int
write_once(struct delivery *delivery, const struct element *element)
{
	size_t needed = 0;
	int result = write_into(delivery, element, FIRST_ROOM, &needed);

	if (result == RESULT_OK && needed > FIRST_ROOM) {
		if (needed > EFFECT_STAGING_MAX)
			return RESULT_FULL;
		result = write_into(delivery, element, (uint32_t)needed, &needed);
	}
	delivery->piece.length = (uint32_t)needed;
	delivery->written = element;
	return result;
}

static uint8_t
flags_of(const struct delivery *delivery, enum stanza_kind kind, const struct element *element)
{
	return delivery->flags_of == NULL
	    ? 0
	    : delivery->flags_of(delivery->server->config, kind, element);
}

void
delivery_add(struct delivery *delivery, enum stanza_kind kind, const struct element *element,
    struct slot_ref target)
{
	if (delivery->result == RESULT_OK && delivery->written != element) {
		delivery->result = write_once(delivery, element);
		delivery->flags = flags_of(delivery, kind, element);
	}
	if (delivery->result == RESULT_OK)
		delivery->result = effect_add(delivery->shm, target, entry_kinds[kind],
		    delivery->flags, &delivery->piece, 1);
	delivery->octets += delivery->piece.length;
	delivery->count++;
}

/* --- many recipients --- */

static struct effect_piece
stage(struct delivery *delivery, struct slice bytes)
{
	struct effect_piece piece = { 0, (uint32_t)bytes.length };
	char *memory;

	if (delivery->result == RESULT_OK && bytes.length > EFFECT_STAGING_MAX)
		delivery->result = RESULT_FULL;
	if (delivery->result == RESULT_OK)
		delivery->result = effect_stage(delivery->shm, piece.length, &memory,
		    &piece.offset);
	if (delivery->result == RESULT_OK)
		memcpy(memory, bytes.data, bytes.length);
	return piece;
}

static struct effect_piece
part(struct effect_piece piece, uint32_t from, uint32_t to)
{
	return (struct effect_piece){ piece.offset + from, to - from };
}

struct delivery_form
delivery_form_of(struct delivery *delivery, enum stanza_kind kind, struct slice written)
{
	struct effect_piece all = stage(delivery, written);
	uint32_t name = 1;

	while (name < written.length && strchr(" />", written.data[name]) == NULL)
		name++;
	return (struct delivery_form){ .kind = kind,
		.flags = kind == KIND_PRESENCE && delivery->flags_of != NULL
		    ? ENTRY_CAN_WAIT | ENTRY_REPLACES
		    : 0,
		.head = part(all, 0, name),
		.tail = part(all, name, all.length) };
}

struct delivery_form
delivery_form(struct delivery *delivery, enum stanza_kind kind, const struct element *element)
{
	size_t hole;
	size_t size = writer_write_hole(element, NS_CLIENT, NULL, 0, &hole);
	struct effect_piece all = { 0, (uint32_t)size };
	struct delivery_form form = { .kind = kind,
		.flags = flags_of(delivery, kind, element) };
	char *memory;

	if (delivery->result == RESULT_OK && size > EFFECT_STAGING_MAX)
		delivery->result = RESULT_FULL;
	if (delivery->result == RESULT_OK)
		delivery->result = effect_stage(delivery->shm, all.length, &memory, &all.offset);
	if (delivery->result != RESULT_OK)
		return form;
	writer_write_hole(element, NS_CLIENT, memory, size, &hole);
	/* What delivery_to() stages is the whole attribute: its name and quotes leave the form. */
	form.head = part(all, 0, (uint32_t)hole - (uint32_t)strlen(" to='"));
	form.tail = part(all, (uint32_t)hole + 1, all.length);
	return form;
}

struct effect_piece
delivery_to(struct delivery *delivery, struct slice to)
{
	struct buffer text;
	struct effect_piece piece;

	buffer_init(&text);
	buffer_append(&text, SLICE(" to='"));
	writer_escape(to, &text);
	buffer_append_byte(&text, '\'');
	piece = stage(delivery, buffer_slice(&text));
	buffer_clear(&text);
	return piece;
}

void
delivery_add_form(struct delivery *delivery, const struct delivery_form *form,
    struct effect_piece to, struct slot_ref target)
{
	struct effect_piece pieces[EFFECT_PIECES] = { form->head, to, form->tail };

	if (delivery->result == RESULT_OK)
		delivery->result = effect_add(delivery->shm, target, entry_kinds[form->kind],
		    form->flags, pieces, EFFECT_PIECES);
	delivery->octets += form->head.length + to.length + form->tail.length;
	delivery->count++;
}

void
delivery_tells(struct delivery *delivery, enum step_tells tells, uint64_t told)
{
	if (delivery->result == RESULT_OK)
		effect_tells(delivery->shm, tells, told);
}

int
delivery_run(struct delivery *delivery)
{
	return delivery->result == RESULT_OK ? effect_run(delivery->shm) : delivery->result;
}
