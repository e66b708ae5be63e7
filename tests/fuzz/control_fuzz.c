/* control_fuzz.c -- the words between rookeryctl and the master, and between the master and its children. */
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "config/config.h"
#include "process/control.h"
#include "process/control_client.h"
#include "process/control_frame.h"
#include "process/heartbeat.h"
#include "process/image.h"
#include "process/master.h"
#include "process/talk.h"
#include "shm/shm.h"
#include "shm/store_request.h"
#include "tests/folder.h"

/*
 * The first byte says who hears: the master what rookeryctl sends, in cuts; rookeryctl what the master answers; or the master
 * what the child says that reads a configuration, as messages: verb, descriptors sent along, length (2 bytes), text.
 */
enum { TO_MASTER, TO_MASTER_IN_CUTS, TO_CTL, TO_READER, KINDS };

#define CUT	 7
#define TURNS	 4
#define WORKERS	 1
#define FDS_MOST 3

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[64];
static struct master *master;
static struct ring *requests;	/* to the store of accounts */
static struct config config;
static const struct arguments arguments = { .file = "/dev/null/rookery.conf" };

/* --- a master without children --- */

static int
remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static void
clear_master(void)
{
	control_free(&master->control);
	store_client_close(&master->core_client);
	ring_detach(&requests);
	shm_detach(&master->shm);
	memory_free(master);
	nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void
make_master(void)
{
	struct shm_options options = { directory, WORKERS, 64, 1 << 20 };
	struct inheritance *all;
	int pair[2];

	log_to_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	ensure(folder_make(directory, "/dev/shm"));
	config = (struct config){ .runtime_dir = directory, .test_clock = true, .log = "stderr" };
	master = NEW(struct master);
	all = &master->inheritance;
	master->arguments = &arguments;
	master->config = &config;
	all->identity = (struct identity){ .uid = geteuid() };
	ensure(shm_create(&options, &master->shm) == RESULT_OK &&
	    store_rings_create(master->shm) == RESULT_OK &&
	    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair) == 0);
	master->trace_fd = pair[0];
	all->trace_fd = pair[1];
	for (int i = 0; i < PROCESSES_MAX; i++)
		all->answer_fd[i] = -1;
	all->answer_fd[shm_master_number(master->shm)] = eventfd(0, EFD_NONBLOCK);
	all->request_fd[0] = all->request_fd[1] = -1;
	store_set_wake_fds(all->answer_fd, all->request_fd);
	ensure(store_client_open(master->shm, shm_master_number(master->shm), STORE_CORE,
		   &master->core_client) == RESULT_OK);
	ensure(ring_attach(master->shm, store_ring_number(shm_master_number(master->shm),
		   STORE_CORE, RING_REQUESTS), &requests) == RESULT_OK);
	ensure(control_listen(master, &master->control) == RESULT_OK);
	atexit(clear_master);
}

static void
turns(int count)
{
	while (count-- > 0) {
		poll_set_reset(&master->poll_set, heartbeat_now_ms());
		control_watch(master->control, &master->poll_set);
		poll_set_wait(&master->poll_set);
	}
}

/* As a store does that has died behind each: what was asked goes, and nothing is answered. */
static void
forget_requests(void)
{
	ring_drop(requests, ring_waiting(requests));
}

/* --- rookeryctl speaks --- */

static int
connect_client(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", directory, CONTROL_SOCKET);
	ensure(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	return fd;
}

/* Everything but frames of answers, whole, is not for rookeryctl's eyes. */
static void
check_answers(int fd)
{
	struct control_header header;
	struct slice payload;
	struct buffer in;
	ssize_t count;

	buffer_init(&in);
	while ((count = recv(fd, buffer_reserve(&in, 65536), 65536, MSG_DONTWAIT)) > 0)
		buffer_add(&in, (size_t)count);
	while (control_frame_read(&in, &header, &payload) == RESULT_OK) {
		ensure(header.verb == CONTROL_LINE || header.verb == CONTROL_DONE);
		control_frame_drop(&in);
	}
	ensure(buffer_length(&in) == 0);
	buffer_clear(&in);
}

static void
speak_to_master(struct slice bytes, size_t cut)
{
	int fd = connect_client();
	size_t length = bytes.length;

	master->state = MASTER_READY;
	/* A reload and an upgrade are under way: those that are asked for wait, or are refused, and nothing is forked here. */
	master->is_applying = true;
	master->reload_again = false;
	master->upgrade.stage = UPGRADE_DRAIN;
	turns(1);
	while (bytes.length > 0) {
		ssize_t sent = send(fd, bytes.data, bytes.length < cut ? bytes.length : cut,
		    MSG_NOSIGNAL);

		if (sent <= 0)
			break;
		bytes = slice_after(bytes, (size_t)sent);
		turns(1);
	}
	send(master->inheritance.trace_fd, "a line", 6, MSG_DONTWAIT);
	turns(TURNS);
	check_answers(fd);
	close(fd);
	turns(TURNS + (int)(length / 4096));	/* that much is read in one */
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
		ensure(master->control->client[i].fd < 0);
	forget_requests();
}

/* --- the master answers --- */

static void
on_line(void *owner, struct slice line)
{
	*(size_t *)owner += line.length;
	ensure(line.length <= CONTROL_PAYLOAD_MAX);
}

static void
speak_to_ctl(struct slice bytes)
{
	struct buffer reply;
	size_t heard = 0;
	int pair[2];

	ensure(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	if (bytes.length > 0)
		ensure(send(pair[1], bytes.data, bytes.length, MSG_NOSIGNAL) ==
		    (ssize_t)bytes.length);
	shutdown(pair[1], SHUT_WR);
	buffer_init(&reply);
	control_ask(pair[0], CONTROL_STATUS, SLICE_EMPTY, on_line, &heard, &reply);
	ensure(buffer_length(&reply) + heard <= bytes.length);
	buffer_clear(&reply);
	close(pair[0]);
	close(pair[1]);
}

/* --- the child that reads a configuration --- */

static void
send_message(int socket, uint8_t verb, int fds, struct slice text)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(FDS_MOST * sizeof(int))];
	} control = { 0 };
	struct iovec parts[2] = { { &verb, 1 }, { (void *)(uintptr_t)text.data, text.length } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	int sent[FDS_MOST] = { STDERR_FILENO, socket, STDERR_FILENO };

	if (fds > 0) {
		message.msg_control = control.space;
		message.msg_controllen = CMSG_SPACE((size_t)fds * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN((size_t)fds * sizeof(int));
		memcpy(CMSG_DATA(&control.header), sent, (size_t)fds * sizeof(int));
	}
	sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* What it wants is a path of the fuzzer: one that no file has. */
static bool
may_be_opened(uint8_t verb, struct slice text)
{
	return verb != TALK_WANT || slice_starts_with(text, SLICE("/dev/null/"));
}

static void
speak_to_reader(struct slice bytes)
{
	struct image image = { .socket = -1, .fd = -1 };
	int pair[2];

	ensure(talk_pair(pair) == RESULT_OK);
	image.socket = pair[0];
	while (bytes.length >= 4 && image.socket >= 0) {
		uint8_t verb = (uint8_t)bytes.data[0];
		int fds = bytes.data[1] & FDS_MOST;
		size_t length = (uint8_t)bytes.data[2] | (size_t)(uint8_t)bytes.data[3] << 8;
		struct slice text;

		bytes = slice_after(bytes, 4);
		length = length > bytes.length ? bytes.length : length;
		text = slice_of(bytes.data, length);
		bytes = slice_after(bytes, length);
		if (!may_be_opened(verb, text))
			continue;
		send_message(pair[1], verb, fds, text);
		image_turn(&image);
	}
	ensure(image.lines.data == NULL || buffer_length(&image.lines) <= 300000);
	image_clear(&image);
	close(pair[1]);
}

/* No descriptor that came along stays open. */
static int
next_descriptor(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest;
	int before;

	if (master == NULL)
		make_master();
	if (size == 0 || size > 100000)
		return 0;
	rest = slice_of(data + 1, size - 1);
	before = next_descriptor();
	switch (data[0] % KINDS) {
	case TO_MASTER:
		speak_to_master(rest, 4096);
		break;
	case TO_MASTER_IN_CUTS:
		if (rest.length < 1000)
			speak_to_master(rest, CUT);
		break;
	case TO_CTL:
		speak_to_ctl(rest);
		break;
	case TO_READER:
		speak_to_reader(rest);
		break;
	}
	ensure(next_descriptor() == before);
	return 0;
}
