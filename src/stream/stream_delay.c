/* stream_delay.c -- answers that come later than they could: of logins under attack, of sessions in a storm. */
#include "stream/stream_private.h"

#include "xml/fragment.h"
#include "xml/writer.h"

bool
stream_is_delayed(const struct stream *stream)
{
	return timer_is_armed(&stream->delay.timer);
}

/* Nothing is read meanwhile, and the time counts against nobody. */
static void
wait_for(struct stream *stream, uint64_t delay_ms,
    void (*on_over)(struct timer *timer, void *parameter))
{
	parser_pause(stream->parser);
	connection_pause(stream->connection);
	stream->deadline_ms += delay_ms;
	stream_arm(stream);
	timer_start(stream->server->timers, &stream->delay.timer, delay_ms, on_over, stream);
}

static void
on_sasl_due(struct timer *timer, void *parameter)
{
	struct stream *stream = parameter;

	if (stream->state != STATE_SASL_WORK)
		return;
	client_sasl_done(stream, stream->delay.step);
	stream_go_on(stream);
}

void
stream_delay_sasl(struct stream *stream, enum sasl_step step, uint64_t delay_ms)
{
	stream->delay.step = step;
	stream->delay.was_slow = true;
	stream_set_state(stream, STATE_SASL_WORK);
	wait_for(stream, delay_ms, on_sasl_due);
}

static void
on_bind_due(struct timer *timer, void *parameter)
{
	struct stream *stream = parameter;
	struct arena arena;
	struct element *iq;

	if (stream->state != STATE_BIND)
		return;
	arena_init(&arena);
	iq = fragment_read(&arena, buffer_slice(&stream->delay.iq));
	if (iq != NULL)
		client_bind(stream, &arena, iq);
	arena_clear(&arena);
	buffer_clear(&stream->delay.iq);
	stream_go_on(stream);
}

void
stream_delay_bind(struct stream *stream, const struct element *iq, uint64_t delay_ms)
{
	buffer_init(&stream->delay.iq);
	writer_append(iq, NS_CLIENT, &stream->delay.iq);
	wait_for(stream, delay_ms, on_bind_due);
}

void
stream_delay_end(struct stream *stream)
{
	timer_stop(stream->server->timers, &stream->delay.timer);
	buffer_clear(&stream->delay.iq);
}
