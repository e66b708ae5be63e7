/* session_private.h -- what the files of a session share. */
#pragma once

#include "session/session.h"
#include "stream/stream.h"

/* session_stream.c: what the stream of a session calls. */
extern const struct stream_events session_stream_events;

/* session.c */
void	session_show_type(struct session *session, enum slot_type type);
uint64_t session_given(const struct session *session);	/* entries given back so far */

/* session_bind.c: the first two are the stream's events */
void	session_on_login(void *owner, struct slice username, struct slice host, uint64_t account);
int	session_on_bind(void *owner, struct slice resource, struct slice *full_jid);
void	session_set_jid(struct session *session, struct slice local, struct slice domain,
	    struct slice resource);

/* session_input.c: after a stanza its input may have to wait; after some of its output was taken it may go on. */
void	session_hold_if_full(struct session *session);
void	session_hold_for_store(struct session *session);
void	session_release_if_drained(struct session *session);
void	session_pause_input(struct session *session, enum session_pause why);
void	session_resume_input(struct session *session, enum session_pause why);
