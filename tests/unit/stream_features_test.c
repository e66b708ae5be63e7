/* stream_features_test.c -- what a stream offers, by state, TLS and configuration. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "tests/unit/net_tls_kit.h"
#include "tests/unit/worker_caller.h"

#define STARTTLS "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>"
#define ALL_IN_CLEAR \
	"<mechanism>SCRAM-SHA-512</mechanism><mechanism>SCRAM-SHA-256</mechanism>" \
	"<mechanism>SCRAM-SHA-1</mechanism></mechanisms>"

static struct worker worker;
static char heard[8192];

/* The features a new client of a worker with that configuration gets, with or without a certificate. */
static const char *
offer(const char *config, bool certificate)
{
	struct worker_options options = { .config = config };
	struct paper paper;
	struct caller caller;

	if (certificate) {
		paper_make(&paper, "localhost", "P-256", -1, 30);
		options.chain_pem = paper.chain_pem;
		options.key_pem = paper.key_pem;
	}
	worker_begin(&worker, &options);
	caller_open(&caller, &worker, 0, false);
	caller_say(&caller, CALLER_HEADER);
	snprintf(heard, sizeof(heard), "%s", caller_hear(&caller));
	caller_close(&caller);
	if (certificate)
		paper_clear(&paper);
	return heard;
}

static void
in_clear_keys_alone_are_proved(void **state)
{
	offer("hosts = ( { name = \"localhost\"; require_tls = false; } );", false);
	assert_null(strstr(heard, "<starttls"));
	assert_non_null(strstr(heard,
	    "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" ALL_IN_CLEAR));
	assert_null(strstr(heard, "PLAIN"));
	assert_null(strstr(heard, "sasl-channel-binding"));
	assert_null(strstr(heard, "<bind"));
	assert_non_null(strstr(heard, "<limits xmlns='urn:xmpp:stream-limits:0'>"
				      "<max-bytes>8192</max-bytes>"
				      "<idle-seconds>10</idle-seconds></limits>"));
	worker_end(&worker);
}

static void
tls_is_offered_beside_the_mechanisms(void **state)
{
	offer("hosts = ( { name = \"localhost\"; require_tls = false; "
	      "certificate = \"/c\"; key = \"/k\"; } );", true);
	assert_non_null(strstr(heard, "<stream:features>" STARTTLS "</starttls>"));
	assert_non_null(strstr(heard, ALL_IN_CLEAR));
	worker_end(&worker);
}

static void
required_tls_stands_alone(void **state)
{
	offer("hosts = ( { name = \"localhost\"; certificate = \"/c\"; key = \"/k\"; } );",
	    true);
	assert_non_null(strstr(heard, "<stream:features>" STARTTLS
				      "<required/></starttls><limits "));
	assert_null(strstr(heard, "mechanism"));
	worker_end(&worker);
}

/* RFC 6120 6.5.4. */
static void
auth_before_required_tls_is_told_so(void **state)
{
	struct worker_options options = {
		.config = "hosts = ( { name = \"localhost\"; "
			  "certificate = \"/c\"; key = \"/k\"; } );" };
	struct paper paper;
	struct caller caller;

	paper_make(&paper, "localhost", "P-256", -1, 30);
	options.chain_pem = paper.chain_pem;
	options.key_pem = paper.key_pem;
	worker_begin(&worker, &options);
	paper_clear(&paper);
	caller_open(&caller, &worker, 0, false);
	caller_greet(&caller);
	caller_say(&caller, caller_first(&caller, "juliet"));
	assert_non_null(strstr(caller_hear(&caller), "<encryption-required/>"));
	caller_close(&caller);
	worker_end(&worker);
}

static void
assert_no_way(const char *config)
{
	offer(config, false);
	assert_null(strstr(heard, "<stream:features>"));
	assert_non_null(strstr(heard, "<stream:error><undefined-condition "));
	assert_non_null(strstr(heard, "</stream:stream>"));
	assert_true(worker_logged(&worker, "no way to log in"));
	assert_true(worker_logged(&worker, "host=localhost"));
	worker_end(&worker);
}

static void
where_nobody_can_log_in_the_log_says_why(void **state)
{
	assert_no_way("hosts = ( { name = \"localhost\"; } );");
	assert_no_way("hosts = ( { name = \"localhost\"; require_tls = false; "
		      "mechanisms = [ \"PLAIN\" ]; } );");
	assert_no_way("hosts = ( { name = \"localhost\"; require_tls = false; "
		      "mechanisms = [ \"SCRAM-SHA-1-PLUS\" ]; } );");
}

static void
the_configured_mechanisms_are_offered_alone(void **state)
{
	offer("hosts = ( { name = \"localhost\"; require_tls = false; "
	      "mechanisms = [ \"SCRAM-SHA-1\", \"PLAIN\" ]; } );", false);
	assert_non_null(strstr(heard, "xmpp-sasl'><mechanism>SCRAM-SHA-1</mechanism></mech"));
	worker_end(&worker);
}

static void
what_was_not_offered_is_refused(void **state)
{
	struct worker_options options = {
		.config = "hosts = ( { name = \"localhost\"; require_tls = false; "
			  "mechanisms = [ \"SCRAM-SHA-256\" ]; } );" };
	struct caller caller;

	worker_begin(&worker, &options);
	caller_open(&caller, &worker, 0, false);
	caller_greet(&caller);
	caller_say(&caller, caller_first(&caller, "juliet"));
	assert_non_null(strstr(caller_hear(&caller), "<invalid-mechanism/>"));
	caller_close(&caller);
	worker_end(&worker);
}

static void
after_the_login_binding_is_offered(void **state)
{
	struct caller caller;
	const char *text;

	worker_begin(&worker, NULL);
	caller_open(&caller, &worker, 0, false);
	caller_greet(&caller);
	caller_say(&caller, caller_first(&caller, "juliet"));
	caller_say(&caller, caller_final(&caller));
	caller_hear(&caller);
	caller_say(&caller, CALLER_HEADER);
	text = caller_hear(&caller);
	assert_non_null(strstr(text,
	    "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
	    "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session>"
	    "<sm xmlns='urn:xmpp:sm:3'/><sm xmlns='urn:xmpp:sm:2'/>"
	    "<ver xmlns='urn:xmpp:features:rosterver'/>"
	    "<sub xmlns='urn:xmpp:features:pre-approval'/>"
	    "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>262144</max-bytes>"
	    "<idle-seconds>420</idle-seconds></limits><csi xmlns='urn:xmpp:csi:0'/>"
	    "</stream:features>"));
	assert_null(strstr(text, "mechanism"));
	caller_close(&caller);
	worker_end(&worker);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_clear_keys_alone_are_proved),
		cmocka_unit_test(tls_is_offered_beside_the_mechanisms),
		cmocka_unit_test(required_tls_stands_alone),
		cmocka_unit_test(auth_before_required_tls_is_told_so),
		cmocka_unit_test(where_nobody_can_log_in_the_log_says_why),
		cmocka_unit_test(the_configured_mechanisms_are_offered_alone),
		cmocka_unit_test(what_was_not_offered_is_refused),
		cmocka_unit_test(after_the_login_binding_is_offered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
