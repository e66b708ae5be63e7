/* bidi.h -- the Bidi Rule of RFC 5893 for user names and domain labels. */
#pragma once

#include <stdbool.h>

#include "xmpp/code_points.h"

/* Whether anything in the text is written from right to left: then the rule applies. */
bool	bidi_has_right_to_left(const struct code_points *text);

/* RFC 5893 2, all six conditions. */
bool	bidi_rule_is_met(const struct code_points *text);
