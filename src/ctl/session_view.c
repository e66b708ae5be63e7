/* session_view.c -- sessions as shared memory shows them at one moment, copied. */
#include "ctl/session_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "ctl/ctl.h"
#include "shm/outbox.h"
#include "shm/registry.h"

static const char *const type_names[] = {
	[SLOT_FREE] = "free",
	[SLOT_C2S_UNAUTHED] = "c2s_unauthed",
	[SLOT_C2S_UNBOUND] = "c2s_unbound",
	[SLOT_C2S] = "c2s",
	[SLOT_C2S_DESTROYED] = "c2s_destroyed",
	[SLOT_S2SIN] = "s2sin",
	[SLOT_S2SOUT] = "s2sout",
	[SLOT_COMPONENT] = "component",
};

static const struct {
	uint32_t flag;
	const char *name;
} flag_names[] = {
	{ SLOT_SECURE, "secure" },           { SLOT_NOTOPEN, "notopen" },
	{ SLOT_AVAILABLE, "available" },     { SLOT_INTERESTED, "interested" },
	{ SLOT_HIBERNATING, "hibernating" }, { SLOT_RESUMABLE, "resumable" },
	{ SLOT_CARBONS, "carbons" },         { SLOT_INACTIVE, "inactive" },
	{ SLOT_DIRECT_TLS, "direct_tls" },
};

const char *
session_type_name(uint32_t type)
{
	return type < sizeof(type_names) / sizeof(type_names[0]) ? type_names[type]
								 : "unknown";
}

void
session_flags_text(uint32_t flags, char *out, size_t size)
{
	size_t length = 0;

	out[0] = '\0';
	for (size_t i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++) {
		if ((flags & flag_names[i].flag) == 0 || length >= size)
			continue;
		length += (size_t)snprintf(out + length, size - length, "%s%s",
					   length > 0 ? "," : "", flag_names[i].name);
	}
}

/* The owner may be writing it: what is read is cut at its size, whatever it holds. */
static void
copy_text(char *out, const char *text, size_t size)
{
	memcpy(out, text, size);
	out[size] = '\0';
}

static void
copy_slot(const struct shm *shm, const struct slot *slot, struct session_view *view)
{
	uint32_t owner = atomic_load(&slot->owner);
	int family;

	view->worker = owner - 1;
	if (view->worker < shm->workers)
		view->pid = atomic_load(&shm_page(shm, view->worker)->pid);
	view->type = atomic_load(&slot->type);
	view->flags = atomic_load(&slot->flags);
	view->priority = atomic_load(&slot->priority);
	view->account = atomic_load(&slot->account);
	view->port = atomic_load(&slot->port);
	view->since_us = atomic_load(&slot->since_us);
	view->bound_us = atomic_load(&slot->bound_us);
	view->stanzas_in = atomic_load(&slot->stanzas_in);
	view->stanzas_out = atomic_load(&slot->stanzas_out);
	view->octets_in = atomic_load(&slot->octets_in);
	view->octets_out = atomic_load(&slot->octets_out);
	view->queue_entries = outbox_entries(slot);
	view->queue_bytes = outbox_bytes(slot);
	view->resume_ms = atomic_load(&slot->resume_ms);
	view->deadline_ms = atomic_load(&slot->deadline_ms);
	view->h_in = (uint32_t)(atomic_load(&slot->h_in) - atomic_load(&slot->sm_in));
	view->h_safe = (uint32_t)(atomic_load(&slot->h_safe) - atomic_load(&slot->sm_in));
	family = (view->flags & SLOT_IPV6) != 0 ? AF_INET6 : AF_INET;
	inet_ntop(family, slot->address, view->address, sizeof(view->address));
	copy_text(view->id, slot->stream_id, sizeof(slot->stream_id));
	copy_text(view->tls, slot->tls, sizeof(slot->tls));
	copy_text(view->mechanism, slot->mechanism, sizeof(slot->mechanism));
}

struct collecting {
	struct ctl *ctl;
	struct session_views *views;
};

static void
on_slot(void *owner, struct slot_ref ref, struct slot *slot)
{
	struct collecting *collecting = owner;
	struct session_views *views = collecting->views;
	struct session_view *view;

	if (views->count == views->capacity) {
		views->capacity = views->capacity == 0 ? 64 : views->capacity * 2;
		views->all = memory_resize(views->all, views->capacity * sizeof(*view));
	}
	view = &views->all[views->count];
	memset(view, 0, sizeof(*view));
	view->ref = ref;
	copy_slot(collecting->ctl->shm, slot, view);
	/* Ended while it was being copied: what was copied is half another's. */
	if (slot_find(collecting->ctl->shm, ref) != NULL && view->type != SLOT_FREE &&
	    view->type != SLOT_C2S_DESTROYED)
		views->count++;
}

static void
add_jid(struct ctl *ctl, struct txn *txn, struct session_view *view)
{
	struct registry_session record;
	struct route route;
	struct slice text;

	if (!registry_session_of(ctl->registry, txn, view->ref, &record))
		return;
	text = arena_printf(&ctl->arena, SLICE_FMT "/" SLICE_FMT,
			    SLICE_ARG(record.bare_jid), SLICE_ARG(record.resource));
	jid_split(text, &view->jid);
	if (registry_find_resource(ctl->registry, txn, record.account, record.resource,
				   &route))
		view->resource_hash = route.resource_hash;
}

static int
compare(const void *left, const void *right)
{
	const struct session_view *a = left, *b = right;

	if ((a->jid.full.length == 0) != (b->jid.full.length == 0))
		return a->jid.full.length == 0 ? 1 : -1;
	if (a->jid.full.length > 0)
		return slice_compare(a->jid.full, b->jid.full);
	return a->since_us < b->since_us ? -1 : a->since_us > b->since_us;
}

void
session_views_read(struct ctl *ctl, struct session_views *views)
{
	struct collecting collecting = { ctl, views };
	struct txn *txn;

	*views = (struct session_views){ 0 };
	slot_each(ctl->shm, SHM_NOBODY, on_slot, &collecting);
	txn = registry_read(ctl->registry);
	for (size_t i = 0; i < views->count; i++)
		add_jid(ctl, txn, &views->all[i]);
	txn_end(&txn);
	if (views->count > 0)
		qsort(views->all, views->count, sizeof(views->all[0]), compare);
}

void
session_views_free(struct session_views *views)
{
	memory_free(views->all);
	*views = (struct session_views){ 0 };
}

bool
session_view_is(const struct session_view *view, const struct jid *jid)
{
	if (view->jid.full.length == 0)
		return false;
	if (jid->resource.length > 0)
		return slice_equal(view->jid.full, jid->full);
	if (jid->local.length > 0)
		return slice_equal(view->jid.bare, jid->bare);
	return slice_equal(view->jid.domain, jid->domain);
}
