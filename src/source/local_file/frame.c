// SPDX-License-Identifier: Apache-2.0
#include "source/local_file/frame.h"

bool frame_may_begin(struct span text)
{
    if (text.size < FRAME_MARK_SIZE) {
        char mark[FRAME_MARK_SIZE] = {0};
        memcpy(mark, text.data, text.size);
        return frame_mark_read(mark) <= PAYLOAD_SIZE_MAX;
    }
    if (!frame_payload_size_ok(frame_mark_read(text.data)))
        return false;
    const char *payload = text.data + FRAME_MARK_SIZE;
    size_t size = text.size - FRAME_MARK_SIZE;
    return memcmp(payload, FRAME_STDOUT, size) == 0 || memcmp(payload, FRAME_STDERR, size) == 0;
}

size_t frame_find(struct span text, enum frame_state least)
{
    for (size_t at = 0; at < text.size; at++) {
        /* No payload is so long that the first byte of its mark would not be zero. */
        const char *zero = memchr(text.data + at, 0, text.size - at);
        if (!zero)
            break;
        at = (size_t)(zero - text.data);
        size_t size;
        if (frame_look((struct span){zero, text.size - at}, &size) >= least)
            return at;
    }
    return text.size;
}

size_t frames_whole(struct span text)
{
    for (size_t at = 0; at < text.size;) {
        struct span rest = {text.data + at, text.size - at};
        size_t size = 0;
        switch (frame_look(rest, &size)) {
        case FRAME_UNFINISHED: return at;
        case FRAME_WHOLE: at += size; break;
        case FRAME_NONE: at += frame_find(rest, FRAME_UNFINISHED); break;
        }
    }
    return text.size;
}

size_t frames_first(struct span text)
{
    size_t size;
    if (frame_look(text, &size) == FRAME_WHOLE)
        return size;
    return frame_find(text, FRAME_WHOLE);
}
