/* label_name — the names of labels that a configuration may ask an output for.
 *
 * What a container renders (model/container.h, `rendered`) is known only once it runs; this is what
 * may be asked for before, so that a misspelt name is an error at start and not an empty value for
 * ever.
 */
#pragma once

#include "base/nearest.h"

/* True for a name that a container can render. `container_label_…` and `network_…` take any key. */
bool label_name_known(struct span name);

/* Offers those that can be spelt out. */
void label_name_offer(struct nearest *near);
