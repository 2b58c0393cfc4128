// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/limits.h"
#include "sink/sink.h"

const struct sink_option request_option_rows[] = {
    {.name = "requests_max",
     .kind = OPTION_COUNT,
     .offset = offsetof(struct request_options, requests_max),
     .fallback = "4",
     .minimum = 1,
     .maximum = REQUESTS_MAX,
     .help = "Requests on their way at once. What they hold may be sent again after a crash."},
    {.name = "max_age",
     .kind = OPTION_DURATION,
     .offset = offsetof(struct request_options, max_age_ns),
     .fallback = "0s",
     .minimum = 0,
     .maximum = INT64_C(100) * 365 * 24 * 3600 * NS_PER_SECOND,
     .help = "Lines that are older when they are read are booked and not sent; `0s`: all are "
             "sent."},
    {0},
};
