/* estate.c -- what a master tells the binary that it executes in its own place. */
#include "process/estate.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "process/descriptors.h"

#define SEALS	 (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define TEXT_MOST (1u << 20)
#define FDS_MOST 512

/* --- every descriptor in it --- */

struct fds {
	int    fd[FDS_MOST];
	size_t count;
};

static void
add(struct fds *fds, int fd)
{
	if (fd >= 0 && fds->count < FDS_MOST)
		fds->fd[fds->count++] = fd;
}

static void
add_all(struct fds *fds, const int *all, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add(fds, all[i]);
}

static void
gather(const struct estate *estate, struct fds *fds)
{
	fds->count = 0;
	add(fds, estate->program_fd);
	add(fds, estate->image_fd);
	add(fds, estate->lock_fd);
	add(fds, estate->pid_fd);
	add(fds, estate->control_fd);
	add_all(fds, estate->trace_fd, 2);
	add_all(fds, estate->wake_fd, WORKERS_MAX);
	add_all(fds, estate->answer_fd, PROCESSES_MAX);
	add_all(fds, estate->request_fd, STORE_COUNT);
	for (size_t i = 0; i < estate->listeners.count; i++)
		add(fds, estate->listeners.all[i].fd);
	for (uint32_t i = 0; i < estate->processes; i++) {
		add(fds, estate->process[i].pidfd);
		add(fds, estate->process[i].socket);
	}
	add_all(fds, estate->client_fd, estate->clients);
}

static void
set_survival(const struct estate *estate, int fd, bool survives)
{
	struct fds fds;

	gather(estate, &fds);
	add(&fds, fd);
	for (size_t i = 0; i < fds.count; i++)
		fcntl(fds.fd[i], F_SETFD, survives ? 0 : FD_CLOEXEC);
}

/* --- the text: a line a thing, so that each binary reads the other's --- */

static void
print_fds(struct buffer *out, const char *name, const int *all, int count)
{
	for (int i = 0; i < count; i++)
		if (all[i] >= 0)
			buffer_printf(out, "%s %d %d\n", name, i, all[i]);
}

static void
print(const struct estate *estate, struct buffer *out)
{
	buffer_printf(out, "estate %d %d\n", ESTATE_VERSION, (int)estate->kind);
	buffer_printf(out, "program %s\nversion %s\nreason %s\n", estate->program,
	    estate->version, estate->reason);
	buffer_printf(out, "numbers %d %d %llu %d %d %d %d %d %d\n", estate->program_fd,
	    estate->image_fd, (unsigned long long)estate->config_serial, (int)estate->guardian,
	    estate->lock_fd, estate->pid_fd, estate->control_fd, estate->trace_fd[0],
	    estate->trace_fd[1]);
	print_fds(out, "wake", estate->wake_fd, WORKERS_MAX);
	print_fds(out, "answer", estate->answer_fd, PROCESSES_MAX);
	print_fds(out, "request", estate->request_fd, STORE_COUNT);
	buffer_printf(out, "workers %u\n", estate->listeners.workers);
	for (size_t i = 0; i < estate->listeners.count; i++) {
		const struct listening *one = &estate->listeners.all[i];

		buffer_printf(out, "listener %d %u %d\n", one->fd, one->worker, one->direct_tls);
	}
	for (uint32_t i = 0; i < estate->processes; i++) {
		const struct estate_process *process = &estate->process[i];

		buffer_printf(out, "process %u %d %d %d %d %d %u %llu\n", process->number,
		    (int)process->pid, process->pidfd, process->socket, (int)process->role,
		    process->is_asked, process->restarts, (unsigned long long)process->started_ms);
	}
	for (uint32_t i = 0; i < estate->clients; i++)
		buffer_printf(out, "client %d\n", estate->client_fd[i]);
}

static bool
parse_fd(const char *rest, int *all, int count)
{
	int index, fd;

	if (sscanf(rest, "%d %d", &index, &fd) != 2 || index < 0 || index >= count)
		return false;
	all[index] = fd;
	return true;
}

static bool
parse_text(const char *rest, char *out, size_t size)
{
	return (size_t)snprintf(out, size, "%s", rest) < size;
}

static bool
parse_numbers(const char *rest, struct estate *estate)
{
	unsigned long long serial;
	int guardian;

	if (sscanf(rest, "%d %d %llu %d %d %d %d %d %d", &estate->program_fd, &estate->image_fd,
		&serial, &guardian, &estate->lock_fd, &estate->pid_fd, &estate->control_fd,
		&estate->trace_fd[0], &estate->trace_fd[1]) != 9)
		return false;
	estate->config_serial = serial;
	estate->guardian = guardian;
	return true;
}

static bool
parse_listener(const char *rest, struct listeners *listeners)
{
	struct listening one = { 0 };
	int direct_tls;

	if (sscanf(rest, "%d %u %d", &one.fd, &one.worker, &direct_tls) != 3)
		return false;
	one.direct_tls = direct_tls != 0;
	listeners->all = memory_resize(listeners->all,
	    (listeners->count + 1) * sizeof(*listeners->all));
	listeners->all[listeners->count++] = one;
	return true;
}

static bool
parse_process(const char *rest, struct estate *estate)
{
	struct estate_process *process = &estate->process[estate->processes];
	unsigned long long started;
	int pid, role, is_asked;

	if (estate->processes == PROCESSES_MAX ||
	    sscanf(rest, "%u %d %d %d %d %d %u %llu", &process->number, &pid, &process->pidfd,
		&process->socket, &role, &is_asked, &process->restarts, &started) != 8 ||
	    process->number >= PROCESSES_MAX || role < SEAT_EMPTY || role > SEAT_ORPHAN)
		return false;
	process->pid = pid;
	process->is_asked = is_asked != 0;
	process->role = (enum seat_role)role;
	process->started_ms = started;
	estate->processes++;
	return true;
}

static bool
parse_client(const char *rest, struct estate *estate)
{
	if (estate->clients == ESTATE_CLIENTS_MAX)
		return false;
	estate->client_fd[estate->clients++] = atoi(rest);
	return true;
}

static bool
parse_head(const char *rest, struct estate *estate)
{
	int version, kind;

	if (sscanf(rest, "%d %d", &version, &kind) != 2 || version != ESTATE_VERSION)
		return false;
	estate->kind = (enum estate_kind)kind;
	return kind == ESTATE_UPGRADE || kind == ESTATE_BACK;
}

static bool
parse_line(const char *word, const char *rest, struct estate *estate)
{
	if (strcmp(word, "estate") == 0)
		return parse_head(rest, estate);
	if (strcmp(word, "program") == 0)
		return parse_text(rest, estate->program, sizeof(estate->program));
	if (strcmp(word, "version") == 0)
		return parse_text(rest, estate->version, sizeof(estate->version));
	if (strcmp(word, "reason") == 0)
		return parse_text(rest, estate->reason, sizeof(estate->reason));
	if (strcmp(word, "numbers") == 0)
		return parse_numbers(rest, estate);
	if (strcmp(word, "wake") == 0)
		return parse_fd(rest, estate->wake_fd, WORKERS_MAX);
	if (strcmp(word, "answer") == 0)
		return parse_fd(rest, estate->answer_fd, PROCESSES_MAX);
	if (strcmp(word, "request") == 0)
		return parse_fd(rest, estate->request_fd, STORE_COUNT);
	if (strcmp(word, "workers") == 0)
		return sscanf(rest, "%u", &estate->listeners.workers) == 1;
	if (strcmp(word, "listener") == 0)
		return parse_listener(rest, &estate->listeners);
	if (strcmp(word, "process") == 0)
		return parse_process(rest, estate);
	return strcmp(word, "client") == 0 && parse_client(rest, estate);
}

static bool
parse(char *text, struct estate *estate)
{
	for (char *line = text, *next; *line != '\0'; line = next) {
		char *end = strchr(line, '\n'), *rest;

		if (end == NULL)
			return false;
		*end = '\0';
		next = end + 1;
		rest = strchr(line, ' ');
		if (rest == NULL)
			return false;
		*rest = '\0';
		if (!parse_line(line, rest + 1, estate))
			return false;
	}
	return estate->kind != 0;
}

/* --- */

static void
clear(struct estate *estate)
{
	*estate = (struct estate){ .program_fd = -1,
		.image_fd = -1,
		.lock_fd = -1,
		.pid_fd = -1,
		.control_fd = -1,
		.trace_fd = { -1, -1 } };
	memset(estate->wake_fd, -1, sizeof(estate->wake_fd));
	memset(estate->answer_fd, -1, sizeof(estate->answer_fd));
	memset(estate->request_fd, -1, sizeof(estate->request_fd));
}

int
estate_write(const struct estate *estate)
{
	int fd = memfd_create("estate", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct buffer text;
	bool is_written;

	if (fd < 0)
		return -1;
	buffer_init(&text);
	print(estate, &text);
	is_written = write(fd, buffer_slice(&text).data, buffer_length(&text)) ==
		(ssize_t)buffer_length(&text) &&
	    fcntl(fd, F_ADD_SEALS, SEALS) == 0;
	buffer_clear(&text);
	if (!is_written) {
		close(fd);
		return -1;
	}
	set_survival(estate, fd, true);
	return fd;
}

void
estate_stay(const struct estate *estate, int fd)
{
	set_survival(estate, -1, false);
	close(fd);
}

bool
estate_read(int fd, struct estate *estate)
{
	char *text = memory_new(TEXT_MOST);
	ssize_t length = pread(fd, text, TEXT_MOST - 1, 0);
	struct fds fds;
	bool is_read;

	clear(estate);
	text[length > 0 ? length : 0] = '\0';
	is_read = length > 0 && fcntl(fd, F_GET_SEALS) == SEALS && parse(text, estate);
	memory_free(text);
	if (!is_read)
		return false;
	gather(estate, &fds);
	descriptors_keep(fds.fd, fds.count);
	set_survival(estate, -1, false);
	return true;
}
