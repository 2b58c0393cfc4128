// SPDX-License-Identifier: Apache-2.0
/* Linked into a test, in place of libc's: the test asks what was committed, and when, not whether
 * it survives a loss of power; and hundreds of commits shall not wait for the disk. */
#include <unistd.h>

int fsync(int fd)
{
    return 0;
}

int fdatasync(int fd)
{
    return 0;
}
