/* secret_header — which headers of requests carry something that is never shown: not by `check
 * --print`, and not where a server's answer echoes it.
 */
#pragma once

#include <stdbool.h>

/* By its name: "Authorization", "X-Api-Key", "Cookie" … */
bool secret_header_named(const char *name);
