/* journal_files — may a directory of the systemd journal be read? Told by its files, since whoever
 * may list the directory may not always open them.
 *
 * Source of the layout: systemd-journald.service(8): `<directory>/<machine id>/NAME.journal`, or
 * the files in the directory itself.
 *
 * - Thread: any, no state.
 */
#pragma once

#include <stdbool.h>

enum journal_files {
    JOURNAL_FILES_NONE,      /* there are none (yet), or no such directory */
    JOURNAL_FILES_FORBIDDEN, /* directory or files may not be opened */
    JOURNAL_FILES_READABLE,  /* one of them at least */
};

enum journal_files journal_files_in(const char *directory);

/* Is there a journal to read? In the directory that is configured, where its files may still come;
 * NULL: this host's, which is no other's, so that it is looked for only where Docker's files are
 * (`host`). */
bool journal_files_usable(const char *configured, bool host);
