/* pin_report — each pin with what is known of it: whose it is, whether Docker has the content too,
 * and which routes have not read it.
 *
 * - Owns: everything in it; borrows the configuration.
 * - Thread: one.
 */
#pragma once

#include "agent/config.h"
#include "cli/pin_list.h"
#include "cli/standing.h"
#include "model/container.h"

struct pin_report_item {
    struct pin_entry pin;
    struct container *container; /* a reference; NULL: the book does not know it */
    bool docker_has_it;          /* under a name of its own, perhaps compressed */
    uint32_t needed_by;          /* a bit per route of the configuration */
};

struct pin_report {
    struct pin_report_item *items; /* by id, then serial */
    size_t count;
};

/* `warn`: what of the state could not be read is not known then. -errno with words where the pins
 * themselves cannot be listed. */
int pin_report_make(struct pin_report *ret, const struct config *config,
                    void (*warn)(const char *text), struct error *error) MUST_CHECK;
void pin_report_deinit(struct pin_report *r);
static inline void pin_report_deinit_cleanup(struct pin_report *r)
{
    pin_report_deinit(r);
}
