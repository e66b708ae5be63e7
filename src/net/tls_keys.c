/* tls_keys.c -- private keys in memory that is locked, guarded and in no core dump. */
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/leaks.h"
#include "base/log.h"
#include "base/memory.h"
#include "net/tls_context.h"
#include "net/tls_internal.h"

#define HEAP_LEAST  (512u << 10)
#define HEAP_MOST   (8u << 20)	/* what an ordinary process may lock */
#define HEAP_A_HOST (16u << 10)	/* an RSA key of 4096 bits takes 5, and a reload has each twice */
#define HEAP_PIECE  32

static bool is_loading;

/*
 * OpenSSL gives back what it decodes a key from as it was. So, while a key is loaded, nothing goes back to the heap
 * before it is wiped.
 */
static void *
take(size_t size, const char *file, int line)
{
	return malloc(size);
}

static void
give(void *memory, const char *file, int line)
{
	if (is_loading && memory != NULL)
		memory_wipe(memory, malloc_usable_size(memory));
	free(memory);
}

static void *
resize(void *memory, size_t size, const char *file, int line)
{
	void *other;
	size_t old;

	if (!is_loading || memory == NULL)
		return realloc(memory, size);
	other = malloc(size);
	if (other == NULL)
		return NULL;
	old = malloc_usable_size(memory);
	memcpy(other, memory, old < size ? old : size);
	give(memory, file, line);
	return other;
}

void
tls_keys_loading(bool begins)
{
	is_loading = begins;
}

/* The heap of keys points to what nothing else does; all of it at once tells where it is. */
static void
show_heap(size_t size)
{
#ifdef ROOKERY_SANITIZERS
	void *heap = OPENSSL_secure_malloc(size);

	leaks_look_in(heap, heap == NULL ? 0 : size);
	OPENSSL_secure_free(heap);
#endif
}

/* OpenSSL wants a power of two, and takes keys to its ordinary heap only where there is no such heap at all. */
void
tls_keys_protect(size_t hosts)
{
	size_t size = HEAP_LEAST;

	if (CRYPTO_set_mem_functions(take, resize, give) != 1)
		log_warn(LOG_TLS, "traces of private keys may stay in memory", "");
	while (size < hosts * HEAP_A_HOST && size < HEAP_MOST)
		size *= 2;
	switch (CRYPTO_secure_malloc_init(size, HEAP_PIECE)) {
	case 0:
		log_warn(LOG_TLS, "private keys are in ordinary memory", "");
		break;
	case 2:
		log_debug(LOG_TLS, "private keys may be swapped out",
		    "hint=\"a higher limit of locked memory (ulimit -l)\"");
		break;
	default:
		break;
	}
	if (CRYPTO_secure_malloc_initialized())
		show_heap(size);
}
