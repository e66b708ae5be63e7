/* password.h -- a password from a prompt or a pipe, never from an argument. */
#pragma once

#include "base/buffer.h"

#define PASSWORD_MAX 1023

/*
 * From a terminal: asks twice on out, echo off. From anything else: the line that in gives. NULL, and the
 * password in *password, which the caller wipes; else what is wrong.
 */
const char *password_read(int in, int out, const char *jid, struct buffer *password);

/* Overwrites and gives back. */
void	    password_clear(struct buffer *password);
