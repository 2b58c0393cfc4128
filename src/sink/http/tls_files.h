/* tls_files — are the files that TLS is told of what they should be? curl would say it at the first
 * connection only, and without their names.
 *
 * - Errors: -errno with words that begin with the option's name.
 */
#pragma once

#include "sink/http/client.h"

int tls_files_check(const struct http_options *options, struct error *error) MUST_CHECK;
