/* faults.c -- loaded into a server before all others (LD_PRELOAD): what it asks of the kernel and of malloc() fails. */

/*
 * When, and how often, stands in a file that FAULTS names and that the test maps too; faults.py has its other side. Nothing is asked
 * of the kernel here once the server runs, so its sandbox stays as it is. The master is hit by nothing but time: a process
 * is one of those that are once it has its name.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* The order of faults.KINDS. */
enum fault {
	FAULT_INTERRUPTED, /* EINTR of what may wait */
	FAULT_NOT_NOW,	   /* EAGAIN of sockets */
	FAULT_SHORT,	   /* sockets take and give less */
	FAULT_RESET,	   /* ECONNRESET of a client's socket */
	FAULT_ACCEPT,	   /* EMFILE of accept4() */
	FAULT_DISK_FULL,   /* ENOSPC of a write to a file */
	FAULT_DISK_SHORT,  /* a write to a file that is cut short */
	FAULT_SYNC,	   /* EIO of fdatasync() */
	FAULT_MEMORY_FULL, /* ENOSPC of posix_fallocate() */
	FAULT_COUNT
};

enum role { ROLE_NONE, ROLE_WORKER = 1, ROLE_STORE = 2 };

struct control {
	_Atomic uint32_t permyriad[FAULT_COUNT]; /* of 10,000 calls */
	_Atomic uint32_t roles[FAULT_COUNT];	 /* whose calls: bits */
	_Atomic uint32_t done[FAULT_COUNT];
	_Atomic uint32_t malloc_roles;
	_Atomic int32_t  malloc_left;	/* with this 1 the next allocation fails; 0 and less: none */
	_Atomic uint32_t malloc_done;
	_Atomic int64_t	 wall_seconds;	/* what everybody's calendar says is so much later */
	_Atomic int64_t	 master_seconds;	/* and what the master's time-outs go by */
};

static struct control nothing, *control = &nothing;
static enum role role;
static uint64_t dice;

__attribute__((constructor)) static void
start(void)
{
	const char *path = getenv("FAULTS");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
	void *memory;

	if (fd < 0)
		return;
	memory = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (memory != MAP_FAILED)
		control = memory;
}

#define REAL(name)                                                               \
	static __typeof__(&name) real;                                           \
	if (real == NULL)                                                        \
		real = (__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name)

/* Some threads may see the same number: it is chance all the same. */
static uint64_t
chance(void)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return dice;
}

static bool
strikes(enum fault fault)
{
	uint32_t share = atomic_load_explicit(&control->permyriad[fault], memory_order_relaxed);

	if (share == 0 || (role & atomic_load(&control->roles[fault])) == 0 ||
	    chance() % 10000 >= share)
		return false;
	atomic_fetch_add(&control->done[fault], 1);
	return true;
}

static bool
fails(enum fault fault, int error)
{
	if (!strikes(fault))
		return false;
	errno = error;
	return true;
}

static size_t
shortened(enum fault fault, size_t size)
{
	return size > 1 && strikes(fault) ? 1 + chance() % (size - 1) : size;
}

/* "rookeryd 3", "rookeryd core". */
int
prctl(int option, ...)
{
	unsigned long more[4];
	const char *name;
	va_list list;

	REAL(prctl);
	va_start(list, option);
	for (int i = 0; i < 4; i++)
		more[i] = va_arg(list, unsigned long);
	va_end(list);
	if (option == PR_SET_NAME) {
		name = strchr((const char *)more[0], ' ');
		role = name == NULL				? ROLE_NONE
		    : name[1] >= '0' && name[1] <= '9'		? ROLE_WORKER
								: ROLE_STORE;
		dice = (uint64_t)getpid() * 0x9e3779b97f4a7c15u;
	}
	return real(option, more[0], more[1], more[2], more[3]);
}

/* --- sockets --- */

ssize_t
recv(int fd, void *out, size_t size, int flags)
{
	REAL(recv);
	if (fails(FAULT_INTERRUPTED, EINTR) || fails(FAULT_NOT_NOW, EAGAIN) ||
	    fails(FAULT_RESET, ECONNRESET))
		return -1;
	return real(fd, out, shortened(FAULT_SHORT, size), flags);
}

ssize_t
send(int fd, const void *data, size_t size, int flags)
{
	REAL(send);
	if (fails(FAULT_INTERRUPTED, EINTR) || fails(FAULT_NOT_NOW, EAGAIN) ||
	    fails(FAULT_RESET, EPIPE))
		return -1;
	return real(fd, data, shortened(FAULT_SHORT, size), flags);
}

int
accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
	REAL(accept4);
	if (fails(FAULT_INTERRUPTED, EINTR) || fails(FAULT_ACCEPT, EMFILE))
		return -1;
	return real(fd, address, length, flags);
}

ssize_t
recvmsg(int fd, struct msghdr *message, int flags)
{
	REAL(recvmsg);
	return fails(FAULT_INTERRUPTED, EINTR) ? -1 : real(fd, message, flags);
}

ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
	REAL(sendmsg);
	return fails(FAULT_INTERRUPTED, EINTR) ? -1 : real(fd, message, flags);
}

/* eventfds: what is read is a number, whole or not at all. */
ssize_t
read(int fd, void *out, size_t size)
{
	REAL(read);
	return fails(FAULT_INTERRUPTED, EINTR) ? -1 : real(fd, out, size);
}

int
poll(struct pollfd *fds, nfds_t count, int timeout)
{
	REAL(poll);
	return fails(FAULT_INTERRUPTED, EINTR) ? -1 : real(fds, count, timeout);
}

int
epoll_wait(int fd, struct epoll_event *events, int count, int timeout)
{
	REAL(epoll_wait);
	return fails(FAULT_INTERRUPTED, EINTR) ? -1 : real(fd, events, count, timeout);
}

int
epoll_pwait(int fd, struct epoll_event *events, int count, int timeout, const sigset_t *set)
{
	REAL(epoll_pwait);
	return fails(FAULT_INTERRUPTED, EINTR) ? -1 : real(fd, events, count, timeout, set);
}

/* --- files --- */

/* eventfds and the log are written too. */
ssize_t
write(int fd, const void *data, size_t size)
{
	REAL(write);
	return fails(FAULT_INTERRUPTED, EINTR) ? -1 : real(fd, data, size);
}

ssize_t
pwrite(int fd, const void *data, size_t size, off_t offset)
{
	REAL(pwrite);
	if (fails(FAULT_INTERRUPTED, EINTR) || fails(FAULT_DISK_FULL, ENOSPC))
		return -1;
	return real(fd, data, shortened(FAULT_DISK_SHORT, size), offset);
}

/* LMDB writes pages that lie apart in memory and together in the file. */
ssize_t
writev(int fd, const struct iovec *pieces, int count)
{
	REAL(writev);
	if (fails(FAULT_INTERRUPTED, EINTR) || fails(FAULT_DISK_FULL, ENOSPC))
		return -1;
	if (count > 1 && strikes(FAULT_DISK_SHORT))
		count--;
	return real(fd, pieces, count);
}

ssize_t
pwritev(int fd, const struct iovec *pieces, int count, off_t offset)
{
	REAL(pwritev);
	if (fails(FAULT_INTERRUPTED, EINTR) || fails(FAULT_DISK_FULL, ENOSPC))
		return -1;
	if (count > 1 && strikes(FAULT_DISK_SHORT))
		count--;
	return real(fd, pieces, count, offset);
}

int
fdatasync(int fd)
{
	REAL(fdatasync);
	return fails(FAULT_SYNC, EIO) ? -1 : real(fd);
}

/* Tells its error, errno stays. */
int
posix_fallocate(int fd, off_t offset, off_t length)
{
	REAL(posix_fallocate);
	if (strikes(FAULT_INTERRUPTED))
		return EINTR;
	return strikes(FAULT_MEMORY_FULL) ? ENOSPC : real(fd, offset, length);
}

/* --- time --- */

int
clock_gettime(clockid_t clock, struct timespec *out)
{
	int rc;

	REAL(clock_gettime);
	rc = real(clock, out);
	if (rc == 0 && clock == CLOCK_REALTIME)
		out->tv_sec += atomic_load(&control->wall_seconds);
	else if (rc == 0 && clock == CLOCK_MONOTONIC && role == ROLE_NONE)
		out->tv_sec += atomic_load(&control->master_seconds);
	return rc;
}

time_t
time(time_t *out)
{
	time_t now;

	REAL(time);
	now = real(NULL) + atomic_load(&control->wall_seconds);
	if (out != NULL)
		*out = now;
	return now;
}

/* --- memory --- */

#ifndef ROOKERY_SANITIZERS

/* dlsym() allocates: so by glibc's own names. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

static bool
is_out_of_memory(void)
{
	if (role == ROLE_NONE || atomic_load_explicit(&control->malloc_left, memory_order_relaxed) <= 0 ||
	    (role & atomic_load(&control->malloc_roles)) == 0 ||
	    atomic_fetch_sub(&control->malloc_left, 1) != 1)
		return false;
	atomic_fetch_add(&control->malloc_done, 1);
	errno = ENOMEM;
	return true;
}

void *
malloc(size_t size)
{
	return is_out_of_memory() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return is_out_of_memory() ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *memory, size_t size)
{
	return is_out_of_memory() ? NULL : __libc_realloc(memory, size);
}

#endif
