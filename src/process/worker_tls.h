/* worker_tls.h -- the TLS of a configuration: its certificates, and the ticket keys that all workers share. */
#pragma once

struct config;
struct shm;
struct tls_context;

/*
 * A certificate that cannot be used is logged, and its host offers no TLS; NULL: none has one. The keys are in the context
 * from now on, and in the configuration no more.
 */
struct tls_context *worker_tls_new(struct config *config, struct shm *shm);
