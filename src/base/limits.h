/* limits — every maximum of the program that no configuration key sets, with its unit and what
 * happens when it is reached. */
#pragma once

enum {
    /* Reading. */
    READ_QUANTUM_BYTES = 256 * 1024, /* read per pull: then it is the next source's turn */
    RECORD_BYTES_MAX = 1024 * 1024,  /* one raw record; a longer one is skipped and booked */
    BATCH_ENTRIES_MAX = 8192,        /* entries per pull; the rest is the next pull's */
    BATCH_GAPS_MAX = 64,             /* gaps per pull; the pull ends early */
    LINE_BYTES_MAX = 1024 * 1024,    /* a joined line, source bytes; then cut, flagged `partial` */
    JOINED_TEXT_MAX =
        6 * LINE_BYTES_MAX,            /* its text, still escaped: six characters a byte at most */
    LINE_SPREAD_MAX = 4 * 1024 * 1024, /* raw bytes passed since a line's first chunk; then cut */
    SOURCE_CHUNK_BYTES = 16384,        /* Docker's own chunk (docker-logs §2.5), source bytes */
    FINGERPRINT_SEARCH_MAX = 1024 * 1024, /* searched for a first whole record, bytes */
    INFLATERS_MAX = 8, /* open inflate states per route; a further source waits */

    /* Descriptors, of the budget that RLIMIT_NOFILE leaves us. */
    DESCRIPTORS_FIXED =
        48, /* of the program itself, the Engine's connections, the admin server's */
    DESCRIPTORS_OF_ROUTE = 16, /* its ledger with SQLite's own files, wake-ups, a rotated output
                                  that is being compressed; a sink's connections, its look-up */
    SEGMENTS_OPEN_MIN = 16, /* log files, however small the limit; beyond, idle ones are closed */

    POLL_PERIOD_MS = 1000, /* files and directories that inotify does not watch are looked at */

    /* Containers. */
    ROUTES_MAX = 32,                      /* routes: bits of a slot's ready word */
    CONTAINER_JSON_MAX = 4 * 1024 * 1024, /* config.v2.json, an inspect answer, bytes */
    SEGMENTS_MAX =
        4096,      /* segments and holes per source; then the oldest pins go, as past pins_max */
    ERAS_MAX = 64, /* eras per source; neighbours merge, counted */
    METADATA_CACHE_MAX = 16384, /* records remembered; then the least recently used is forgotten */

    /* Streams. */
    STREAMS_MAX = 256, /* log streams of the Engine at once; further containers wait, shown */
    SPOOL_FILE_BYTES = 4 * 1024 * 1024, /* a stream's spool file; then it is rotated */
    SPOOL_FILES_MAX = 4,                /* of one stream; then the oldest goes */

    /* Delivery. */
    OUTPUT_BUFFER_BYTES = 256 * 1024, /* encoded before one write() */
    OUTPUTS_OPEN_MAX = 4096,          /* outputs open at once, also <= a quarter of the budget */
    PATH_BYTES_MAX = 4096,            /* a rendered output path */
    ENCODED_BYTES_MAX = 64 * 1024 * 1024, /* a buffer that one giant line makes grow; past it the
                                             route waits and says so */
    LABELS_TEXT_MAX = 64 * 1024 * 1024,   /* rendered for one container: CONTAINER_JSON_MAX twice,
                                             escaped */
    TEXTS_KEPT_MAX = 256, /* rendered label texts per sink; those of others are rendered again */
    OUTPUT_HELD_BYTES_MAX = 1024 * 1024, /* encoded for outputs that have no row yet; then a
                                            commit comes first */
    OUTPUTS_REMEMBERED_MAX = 16384,      /* outputs of containers that are gone or quiet, per route;
                                            then the least recently used is forgotten */
    REQUESTS_MAX = 32,                   /* requests in flight per route that a user may ask for */
    ASIDE_MAX = 512, /* requests of a route that wait for what holds up their lines alone, tenants
                        or streams; then the next one holds up the whole route between probes */
    PIECES_SENT_MAX = 64,  /* requests that one batch may become when its content is refused;
                              then what is left of the refused part goes to the dead letters */
    LEDGER_SYNC_MS = 1000, /* commits of a route that may deliver twice are not on the disk for
                              longer: after a power cut so much is sent again at most */
};
