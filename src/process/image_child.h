/* image_child.h -- the child that reads a configuration: parses, checks certificates, makes the image. */
#pragma once

#include "process/image.h"

/* Runs in a fresh fork: gives up its rights, reads the file from its descriptor, asks for others on the socket. */
_Noreturn void image_child(int socket, int file, const struct image_options *options);
