/* sandbox_calls.c -- the system calls each role may make, and why. */
#include "process/sandbox_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "process/sandbox.h"

#define W    SANDBOX_WORKER
#define BOTH (SANDBOX_WORKER | SANDBOX_STORE)

#define ALLOW(name, roles, why)			{ SCMP_SYS(name), roles, 0, { 0, 0, 0 }, why }
#define ALLOW_IF(name, roles, arg, mask, is, why) \
	{ SCMP_SYS(name), roles, 0, { arg, mask, is }, why }
#define REFUSE(name, why)			{ SCMP_SYS(name), BOTH, EACCES, { 0, 0, 0 }, why }

#define ALL_BITS UINT64_MAX
#define INT_BITS 0xffffffffull

static const struct sandbox_call calls[] = {
	/* memory: nothing that could be run is ever mapped again */
	ALLOW_IF(mmap, BOTH, 3, PROT_EXEC, 0, "malloc"),
	ALLOW_IF(mprotect, BOTH, 3, PROT_EXEC, 0, "malloc: an arena that grows"),
	ALLOW(munmap, BOTH, "malloc"),
	ALLOW(mremap, BOTH, "malloc: realloc of large memory"),
	ALLOW(brk, BOTH, "malloc"),
	ALLOW(madvise, BOTH, "malloc gives memory back"),
	ALLOW(mlock, BOTH, "OpenSSL: keys of a reload"),
	ALLOW(munlock, BOTH, "OpenSSL: keys of a reload"),

	/* descriptors that are open already */
	ALLOW(read, BOTH, "eventfds, sockets"),
	ALLOW(write, BOTH, "eventfds, sockets, the log"),
	ALLOW(readv, BOTH, "libuv"),
	ALLOW(writev, BOTH, "LMDB, libuv"),
	ALLOW(pread64, BOTH, "LMDB: meta pages; the configuration's image"),
	ALLOW(pwrite64, BOTH, "LMDB: the registry's commit, the store's"),
	ALLOW(pwritev, BOTH, "LMDB: pages in a row"),
	ALLOW(lseek, BOTH, "LMDB: pages in a row"),
	ALLOW(fsync, SANDBOX_STORE, "LMDB"),
	ALLOW(fdatasync, SANDBOX_STORE, "LMDB: the commit"),
	ALLOW(fallocate, BOTH, "shared memory that grows, and is given back"),
	ALLOW(fstatfs, BOTH, "a write was cut short: is the disk full? What is left of tmpfs"),
	ALLOW(close, BOTH, "connections"),
	ALLOW(fstat, BOTH, "the configuration's image, LMDB"),
	ALLOW_IF(newfstatat, BOTH, 4, AT_EMPTY_PATH, AT_EMPTY_PATH, "glibc's fstat()"),
	ALLOW_IF(fcntl, BOTH, 2, INT_BITS, F_GETFL, "libuv"),
	ALLOW_IF(fcntl, BOTH, 2, INT_BITS, F_SETFL, "libuv: non-blocking"),
	ALLOW_IF(fcntl, BOTH, 2, INT_BITS, F_GETFD, "libuv"),
	ALLOW_IF(fcntl, BOTH, 2, INT_BITS, F_SETFD, "libuv: not for children"),
	ALLOW_IF(fcntl, BOTH, 2, INT_BITS, F_DUPFD_CLOEXEC, "listener: are descriptors short?"),
	ALLOW_IF(fcntl, BOTH, 2, INT_BITS, F_GETLK, "LMDB: does a reader live?"),
	ALLOW_IF(fcntl, BOTH, 2, INT_BITS, F_SETLK, "LMDB: a reader's slot"),
	ALLOW_IF(fcntl, BOTH, 2, INT_BITS, F_SETLKW, "LMDB: a reader's slot"),
	ALLOW(flock, SANDBOX_STORE, "the store's lock, at its end"),

	/* connections that others listened for, words with the master */
	ALLOW(accept4, W, "clients"),
	ALLOW_IF(ioctl, BOTH, 2, INT_BITS, FIONBIO, "libuv: non-blocking"),
	ALLOW_IF(setsockopt, W, 2, INT_BITS, IPPROTO_TCP, "listener: no delay"),
	ALLOW_IF(setsockopt, W, 2, INT_BITS, SOL_SOCKET, "listener: keep alive"),
	ALLOW(getsockopt, W, "libuv: the error of a socket"),
	ALLOW(shutdown, W, "the end of a connection"),
	ALLOW(recvfrom, BOTH, "sockets"),
	ALLOW_IF(sendto, BOTH, 5, ALL_BITS, 0, "sockets and syslog, to the peer they have"),
	ALLOW(recvmsg, BOTH, "words of the master, with descriptors"),
	ALLOW(sendmsg, BOTH, "words to the master"),
	ALLOW(epoll_ctl, W, "libuv"),
	ALLOW(epoll_wait, W, "libuv"),
	ALLOW(epoll_pwait, W, "libuv"),
	ALLOW(poll, BOTH, "stores wait; OpenSSL"),
	ALLOW(ppoll, BOTH, "poll() where the machine has no call of that name"),

	/* time, chance, threads that run already */
	ALLOW(clock_gettime, BOTH, "where the kernel has no page for it"),
	ALLOW(gettimeofday, BOTH, "OpenSSL"),
	ALLOW(time, BOTH, "OpenSSL"),
	ALLOW(nanosleep, BOTH, "a lock that others hold"),
	ALLOW(clock_nanosleep, BOTH, "nanosleep() of glibc"),
	ALLOW(sched_yield, BOTH, "a lock that others hold"),
	ALLOW(getrandom, BOTH, "ids, salts, keys"),
	ALLOW(futex, BOTH, "the thread pool; LMDB's mutex"),
	ALLOW(set_robust_list, BOTH, "LMDB's mutex"),
	ALLOW(rseq, BOTH, "glibc"),
	ALLOW(restart_syscall, BOTH, "the kernel, after a stop"),
	ALLOW(sched_getaffinity, BOTH, "malloc: how many arenas"),
	ALLOW(sysinfo, BOTH, "glibc: how much memory"),
	ALLOW(uname, W, "the version told to clients"),
	ALLOW(getrusage, BOTH, "CPU a session has cost"),
	ALLOW(getpid, BOTH, "LMDB: still the opener?"),
	ALLOW(gettid, BOTH, "glibc: raise()"),
	ALLOW_IF(prlimit64, BOTH, 3, ALL_BITS, 0, "listener: how many descriptors"),

	/* the end */
	ALLOW(rt_sigprocmask, BOTH, "abort()"),
	ALLOW(rt_sigreturn, BOTH, "handler of a denied call"),
	ALLOW_IF(tgkill, BOTH, 1, INT_BITS, SANDBOX_SELF, "abort()"),
	ALLOW(exit, BOTH, "a thread"),
	ALLOW(exit_group, BOTH, "the end"),

	/* tried by libraries that go on without */
	REFUSE(open, "glibc: /proc, time zones, locales"),
	REFUSE(openat, "glibc: /proc, time zones, locales"),
	REFUSE(access, "glibc, OpenSSL"),
	REFUSE(faccessat, "glibc, OpenSSL"),
	REFUSE(stat, "glibc: has the time zone changed?"),
	REFUSE(readlink, "glibc"),
	REFUSE(prctl, "glibc: names of memory and threads"),
};

const struct sandbox_call *
sandbox_calls(size_t *count)
{
	*count = sizeof(calls) / sizeof(calls[0]);
	return calls;
}
