/* layout_text.h -- the numbers that two binaries must agree on to share one memory and one data directory. */
#pragma once

struct buffer;

/* Lines "layout NAME NUMBER", in an order that stays. */
void	layout_describe(struct buffer *out);
