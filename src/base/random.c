/* random.c -- getrandom(2), a page at a time. */
#include "base/random.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "base/ensure.h"
#include "base/memory.h"

#define POOL_BYTES 1024

/*
 * The kernel hands a forked child this page full of zeros (MADV_WIPEONFORK), so left is 0
 * there and the child draws its own bytes, whichever way it was forked.
 */
struct pool {
	size_t left;
	uint8_t bytes[POOL_BYTES];
};

/* One a thread: no lock to be held across a fork. A thread that ends leaves its page. */
static _Thread_local struct pool *pool;
static _Thread_local bool pool_is_refused;

static void
draw(void *out, size_t size)
{
	char *next = out;

	while (size > 0) {
		ssize_t count = getrandom(next, size, 0);

		if (count < 0 && errno == EINTR)
			continue;
		ensure(count > 0);
		next += count;
		size -= (size_t)count;
	}
}

/* NULL where the kernel cannot wipe on fork; then nothing is buffered. */
static struct pool *
find_pool(void)
{
	void *page;

	if (pool != NULL || pool_is_refused)
		return pool;
	page = mmap(NULL, sizeof(*pool), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page != MAP_FAILED && madvise(page, sizeof(*pool), MADV_WIPEONFORK) == 0)
		pool = page;
	else if (page != MAP_FAILED)
		munmap(page, sizeof(*pool));
	pool_is_refused = pool == NULL;
	return pool;
}

void
random_bytes(void *out, size_t size)
{
	struct pool *from;

	if (size == 0)
		return;
	from = size > POOL_BYTES / 4 ? NULL : find_pool();
	if (from == NULL) {
		draw(out, size);
		return;
	}
	if (from->left < size) {
		draw(from->bytes, sizeof(from->bytes));
		from->left = sizeof(from->bytes);
	}
	from->left -= size;
	memcpy(out, from->bytes + from->left, size);
	memory_wipe(from->bytes + from->left, size);
}

uint64_t
random_u64(void)
{
	uint64_t number;

	random_bytes(&number, sizeof(number));
	return number;
}

void
random_token(char *out, size_t count)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

	random_bytes(out, count);
	for (size_t i = 0; i < count; i++)
		out[i] = letters[(unsigned char)out[i] & 63];
	out[count] = '\0';
}
