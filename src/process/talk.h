/* talk.h -- the words between the master and its children: small messages, some with a descriptor. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum talk_verb {
	/* from a child */
	TALK_READY = 1,		/* accepts, or serves its rings */
	TALK_APPLIED,		/* of TALK_IMAGE */
	TALK_CHECKED,		/* of TALK_CHECK; text: the same number */
	TALK_LOG,		/* its connection to syslog is lost; to it: a new one, or a new log file */
	/* to a child */
	TALK_STOP,
	TALK_IMAGE,		/* a new configuration, with its descriptor */
	TALK_CHECK,		/* clear what a dead process left in the stores; text: its number */
	/* to and from the child that reads a configuration */
	TALK_FILE,		/* with the descriptor of what was wanted */
	TALK_REFUSED,		/* text: why there is none */
	TALK_WANT,		/* text: a path */
	TALK_MISTAKE,		/* text: a line for the administrator */
	TALK_WARNING,
	TALK_FINISHED,		/* with the descriptor of the image, unless there were mistakes */
	/* to a worker, and from it; after an upgrade it may be of another version, so the numbers above stay */
	TALK_DRAIN,		/* accepts no more, and ends when none of its sessions has a connection */
	TALK_ADOPT,		/* what another worker number left; text: its seat */
	TALK_ADOPTED,		/* text: the same number */
	TALK_LAST
};

#define TALK_TEXT_MAX 8191

struct talk {
	enum talk_verb verb;
	int	       fd;	/* the receiver's from now on, or -1 */
	size_t	       length;
	char	       text[TALK_TEXT_MAX + 1];	/* ends with a NUL */
};

/* Two ends that keep messages whole; non-blocking, closed by exec. Dies only of lack of descriptors. */
int	talk_pair(int sockets[2]);

/* text is cut at TALK_TEXT_MAX; fd -1: none. RESULT_AGAIN: the other side does not read. */
int	talk_send(int socket, enum talk_verb verb, struct slice text, int fd);

/* RESULT_AGAIN: nothing there; RESULT_CLOSED: the other side is gone; RESULT_CORRUPT: no message of ours. */
int	talk_receive(int socket, struct talk *talk);

/* Waits until there is room, or timeout_ms have passed: RESULT_TIMEOUT. */
int	talk_wait_send(int socket, enum talk_verb verb, struct slice text, int fd, int timeout_ms);

/* Waits until there is one, or timeout_ms have passed: RESULT_TIMEOUT. */
int	talk_wait(int socket, struct talk *talk, int timeout_ms);
