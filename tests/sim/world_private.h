/* world_private — the world's inside, for world.c (who does what), writing.c (records and damage)
 * and rotation.c (names). */
#pragma once

#include "world.h"

#define FAILS_NEVER(call)                                                                          \
    do {                                                                                           \
        if ((call) < 0)                                                                            \
            world_fail(#call);                                                                     \
    } while (0)

_Noreturn void world_fail(const char *call);
void world_trace(const struct world *w, const struct simulated *c, const char *format, ...)
    PRINTF_LIKE(3, 4);
void world_between(struct world *w);

/* writing.c */
void writing_record(struct world *w, struct simulated *c);
void writing_end_lines(struct world *w, struct simulated *c);
void writing_damage(struct world *w, struct simulated *c);
void writing_truncate(struct world *w, struct simulated *c);

/* rotation.c */
#define LOCAL_DIRECTORY "local-logs"
enum { ROTATION_PATH_MAX = PATH_MAX + 96 };
void rotation_path(const struct simulated *c, int number, bool packed, char *to);
void rotation_open(struct world *w, struct simulated *c, bool append);
bool rotation_due(const struct simulated *c);
void rotation_rotate(struct world *w, struct simulated *c);
/* One step of the compression in the background. */
void rotation_pack(struct world *w, struct simulated *c);
/* Dockerd dies while it compresses. */
void rotation_abandon(struct world *w, struct simulated *c);
/* Unlinks everything, in some order. */
void rotation_remove(struct world *w, struct simulated *c);
