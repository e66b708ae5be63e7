/* image.h -- reads a configuration through a short-lived child without rights; the master never parses. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"

struct config;

struct image_options {
	const char *path;
	uint64_t    serial;
	bool	    test_clock;
};

/* One reading. Zeroed: none. */
struct image {
	int	       socket;	/* to wait on; -1 when it is over */
	pid_t	       pid;
	struct buffer  lines;	/* mistakes, then warnings, one a line, for people */
	unsigned       mistakes;
	unsigned       warnings;
	int	       fd;	/* the sealed image, or -1 */
	struct config *config;	/* what it holds, or NULL */
};

/*
 * The file is opened here and read by the child, as is every certificate and key it asks for. RESULT_INVALID: it
 * cannot be opened, and lines says why. RESULT_FAILED: no child.
 */
int	image_start(struct image *image, const struct image_options *options);

/*
 * Answers the child once. RESULT_AGAIN: more is to come on the socket; RESULT_OK: fd and config are
 * there; RESULT_INVALID: lines has the mistakes; RESULT_FAILED: the child failed.
 */
int	image_turn(struct image *image);

/* From start to end, for those who have time: at most timeout_ms without a word of the child. */
int	image_read(struct image *image, const struct image_options *options, int timeout_ms);

/* Ends the child, and gives back what the reading left: fd and config too, unless they were taken out. */
void	image_clear(struct image *image);

/* A config in a sealed memfd, or -1. */
int	image_seal(const struct config *config);
