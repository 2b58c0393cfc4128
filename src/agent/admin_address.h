/* admin_address — where the admin server listens, and how it comes to do so.
 *
 * As text: `127.0.0.1:9777`, `[::1]:9777`, `unix:/run/tallyman.sock`, or `none`. Addresses are
 * numbers: a name could mean another interface tomorrow.
 *
 * - Owns: nothing; the caller closes the descriptor, and removes the socket's file.
 * - Errors: -errno with a sentence that says what to do.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

struct admin_address {
    union {
        struct sockaddr any;
        struct sockaddr_storage internet;
        struct sockaddr_un local;
    } socket;
    socklen_t size; /* bytes of it; 0: "none" */
};

/* False where it is none of the four. */
bool admin_address_parse(struct admin_address *ret, const char *text);

/* A listening socket that does not block. The file of a local one has the mode 0660; one that
 * nobody listens at any more is replaced. */
int admin_address_listen(const struct admin_address *address, const char *text, int *ret_fd,
                         struct error *error) MUST_CHECK;
/* Removes the file of a local one. */
void admin_address_remove(const struct admin_address *address);
