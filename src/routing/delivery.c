/* delivery.c -- what a stanza's way gathers: copies to sessions, written to shared memory as one effect. */
#include "routing/delivery.h"

#include "base/result.h"
#include "shm/slots.h"
#include "xml/writer.h"

#define FIRST_ROOM 2048		/* most stanzas fit at the first try */

static const enum entry_kind entry_kinds[] = { [KIND_MESSAGE] = ENTRY_MESSAGE,
	[KIND_PRESENCE] = ENTRY_PRESENCE,
	[KIND_IQ] = ENTRY_IQ };

void
delivery_begin(struct delivery *delivery, struct shm *shm, struct slot_ref origin,
    uint64_t number)
{
	*delivery = (struct delivery){ .shm = shm };
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
	size_t needed;
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

void
delivery_add(struct delivery *delivery, enum stanza_kind kind, const struct element *element,
    struct slot_ref target)
{
	if (delivery->result == RESULT_OK && delivery->written != element)
		delivery->result = write_once(delivery, element);
	if (delivery->result == RESULT_OK)
		delivery->result = effect_add(delivery->shm, target, entry_kinds[kind], 0,
		    &delivery->piece, 1);
	delivery->count++;
}

int
delivery_run(struct delivery *delivery)
{
	return delivery->result == RESULT_OK ? effect_run(delivery->shm) : delivery->result;
}
