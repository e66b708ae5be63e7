/* register_new.h -- accounts made before the login (XEP-0077 3.1.1): what the stream is handed at start. */
#pragma once

#include "stream/registration.h"

extern const struct stream_registration register_new;
