/* sanitizer — for programs that count their threads.
 *
 * - Thread: main, before there is another one.
 */
#pragma once

#include <pthread.h>
#include <stddef.h>

static void *sanitizer_nothing(void *context)
{
    return context;
}

/* A sanitizer's own thread begins beside the first of ours: before anything is counted. */
static void start_sanitizer(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, sanitizer_nothing, NULL) == 0)
        pthread_join(thread, NULL);
}
