/* pages.c -- runs of pages that go back to the system when they are given back, whatever stands beside them. */
#include "base/pages.h"

#include <sys/mman.h>

#include "base/ensure.h"
#include "base/memory.h"

#define SLAB_RUNS 256	/* mapped at once; address space, until somebody writes */
#define WARM_MOST 32	/* runs given back that keep their pages */

/* A checker is to see who uses what was given back, and what nobody gave back. */
#if defined(__SANITIZE_ADDRESS__)
#define HAS_CHECKER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_CHECKER 1
#endif
#endif

#ifdef HAS_CHECKER

void *
pages_take(void)
{
	return memory_new(PAGES_RUN);
}

void
pages_give(void *run)
{
	memory_free(run);
}

#else

/* Runs nobody has; what stands in them is gone, so their addresses stand here. */
struct stack {
	void **runs;
	size_t count;
	size_t room;
};

static struct stack warm, cold;

static void
push(struct stack *stack, void *run)
{
	if (stack->count == stack->room) {
		stack->room = stack->room == 0 ? SLAB_RUNS : stack->room * 2;
		stack->runs = memory_resize(stack->runs, stack->room * sizeof(*stack->runs));
	}
	stack->runs[stack->count++] = run;
}

static void
map_slab(void)
{
	char *slab = mmap(NULL, SLAB_RUNS * PAGES_RUN, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	ensure(slab != MAP_FAILED);
	/* A huge page would be memory for all runs where one is used. */
	madvise(slab, SLAB_RUNS * PAGES_RUN, MADV_NOHUGEPAGE);
	for (size_t i = SLAB_RUNS; i-- > 0;)
		push(&cold, slab + i * PAGES_RUN);
}

void *
pages_take(void)
{
	if (warm.count > 0)
		return warm.runs[--warm.count];
	if (cold.count == 0)
		map_slab();
	return cold.runs[--cold.count];
}

void
pages_give(void *run)
{
	if (warm.count < WARM_MOST) {
		push(&warm, run);
		return;
	}
	ensure(madvise(run, PAGES_RUN, MADV_DONTNEED) == 0);
	push(&cold, run);
}

#endif
