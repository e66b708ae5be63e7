/* image.c -- reads a configuration through a short-lived child without rights; the master never parses. */
#include "process/image.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "process/image_child.h"
#include "process/talk.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* A plain file for the child to read, or -1 with errno. */
static int
open_plain(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

static const char *
why_not(int error)
{
	return error == EINVAL ? "it is no plain file" : strerror(error);
}

static void
hand_over(const struct image *image, const char *path)
{
	int fd = open_plain(path);

	if (fd < 0) {
		talk_send(image->socket, TALK_REFUSED, slice_from_text(why_not(errno)), -1);
		return;
	}
	talk_send(image->socket, TALK_FILE, SLICE_EMPTY, fd);
	close(fd);
}

static void
end_child(struct image *image)
{
	if (image->socket >= 0)
		close(image->socket);
	image->socket = -1;
	if (image->pid > 0) {
		kill(image->pid, SIGKILL);
		while (waitpid(image->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	image->pid = 0;
}

/* The child has no rights, and gets no trust either: what it made is checked here. */
static int
take_image(struct image *image, int fd)
{
	if (fcntl(fd, F_GET_SEALS) == SEALS)
		image->config = config_load(fd);
	if (image->config == NULL) {
		close(fd);
		return RESULT_FAILED;
	}
	image->fd = fd;
	return RESULT_OK;
}

static int
finish(struct image *image, int fd)
{
	int rc = RESULT_INVALID;

	if (fd >= 0)
		rc = take_image(image, fd);
	else if (image->mistakes == 0)
		rc = RESULT_FAILED;
	end_child(image);
	return rc;
}

static void
note(struct image *image, const struct talk *talk, unsigned *count)
{
	++*count;
	if (buffer_length(&image->lines) > 256 * 1024)
		return;
	buffer_append(&image->lines, slice_of(talk->text, talk->length));
	buffer_append_byte(&image->lines, '\n');
}

int
image_turn(struct image *image)
{
	struct talk talk;
	int rc = talk_receive(image->socket, &talk);

	if (rc == RESULT_AGAIN)
		return rc;
	if (rc != RESULT_OK) {
		end_child(image);
		return RESULT_FAILED;
	}
	if (talk.verb == TALK_FINISHED)
		return finish(image, talk.fd);
	if (talk.fd >= 0)
		close(talk.fd);
	if (talk.verb == TALK_WANT)
		hand_over(image, talk.text);
	else if (talk.verb == TALK_MISTAKE)
		note(image, &talk, &image->mistakes);
	else if (talk.verb == TALK_WARNING)
		note(image, &talk, &image->warnings);
	return RESULT_AGAIN;
}

int
image_start(struct image *image, const struct image_options *options)
{
	int file = open_plain(options->path);
	int sockets[2];

	*image = (struct image){ .socket = -1, .fd = -1 };
	if (file < 0) {
		buffer_printf(&image->lines, "%s: cannot be opened: %s\n", options->path,
		    why_not(errno));
		image->mistakes = 1;
		return RESULT_INVALID;
	}
	if (talk_pair(sockets) != RESULT_OK) {
		close(file);
		return RESULT_FAILED;
	}
	image->pid = fork();
	if (image->pid == 0)
		image_child(sockets[1], file, options);
	close(sockets[1]);
	close(file);
	image->socket = sockets[0];
	if (image->pid > 0)
		return RESULT_OK;
	end_child(image);
	return RESULT_FAILED;
}

int
image_read(struct image *image, const struct image_options *options, int timeout_ms)
{
	int rc = image_start(image, options);

	if (rc != RESULT_OK)
		return rc;
	while ((rc = image_turn(image)) == RESULT_AGAIN) {
		struct pollfd ready = { .fd = image->socket, .events = POLLIN };

		if (poll(&ready, 1, timeout_ms) == 0) {
			end_child(image);
			return RESULT_TIMEOUT;
		}
	}
	return rc;
}

void
image_clear(struct image *image)
{
	end_child(image);
	buffer_clear(&image->lines);
	if (image->fd >= 0)
		close(image->fd);
	config_free(&image->config);
	*image = (struct image){ .socket = -1, .fd = -1 };
}

int
image_seal(const struct config *config)
{
	int fd = memfd_create("rookery.conf", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -1;
	if (config_store(config, fd) == RESULT_OK && fcntl(fd, F_ADD_SEALS, SEALS) == 0)
		return fd;
	close(fd);
	return -1;
}
