/* worker_tls.c -- the TLS of a configuration: its certificates, and the ticket keys that all workers share. */
#include "process/worker_tls.h"

#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "net/tls_context.h"
#include "shm/shm.h"

struct tls_context *
worker_tls_new(struct config *config, struct shm *shm)
{
	const char *profile = config->tls_profile == TLS_PROFILE_MODERN ? "modern" : "intermediate";
	struct tls_context *tls = tls_context_new(profile,
	    (const struct tls_ticket_page *)(const void *)shm->instance->tickets);
	size_t count = 0;
	char why[256];

	for (size_t i = 0; tls != NULL && i < config->host_count; i++) {
		const struct config_host *host = &config->hosts[i];

		if (host->certificate_pem.length == 0)
			continue;
		if (tls_context_add(tls, slice_from_text(host->name), host->certificate_pem,
			host->key_pem, why, sizeof(why)) == RESULT_OK)
			count++;
		else
			log_error(LOG_TLS, "certificate not used", "host=%s reason=\"%s\"",
			    host->name, why);
	}
	config_forget_keys(config);
	if (count == 0)
		tls_context_free(&tls);
	return tls;
}
