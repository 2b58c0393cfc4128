// SPDX-License-Identifier: Apache-2.0
/* crash_shim_subject — a program for the crash shim's test: each wrapped call once, three writes
 * from one place, and some that must not count. In the directory it is given; then a SQLite
 * transaction, if it is given the name of a database too. Ends with the errno of its last failure.
 */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int last_failure;

static void check(long answer)
{
    if (answer < 0)
        last_failure = errno;
}

/* A pipe and a terminal are no files. */
static void write_elsewhere(void)
{
    int ends[2];
    check(pipe(ends));
    check(write(ends[1], "pipe", 4));
    check(ftruncate(ends[1], 0) < 0 ? 0 : -1);
    close(ends[0]);
    close(ends[1]);
}

/* One place, however the loop around it is unrolled. */
__attribute__((noinline)) static void write_ten(int fd)
{
    check(write(fd, "0123456789", 10));
}

static void change_files(int directory)
{
    int fd = open("a", O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
    for (int i = 0; i < 3; i++)
        write_ten(fd);
    check(fsync(fd));
    close(fd);

    fd = open("b", O_RDWR | O_CREAT | O_TRUNC, 0600);
    check(pwrite(fd, "ABCDEF", 6, 0));
    check(ftruncate(fd, 20));
    check(fdatasync(fd));
    close(fd);

    check(rename("b", "c"));
    check(renameat(directory, "c", directory, "d"));
    check(renameat2(directory, "d", directory, "e", 0));
    check(link("e", "f"));
    check(linkat(directory, "f", directory, "second-link", 0));
    check(unlink("f"));
    check(unlinkat(directory, "second-link", 0));
    check(fsync(directory));
}

static int use_database(const char *name)
{
    sqlite3 *database;
    if (sqlite3_open(name, &database) != SQLITE_OK ||
        sqlite3_exec(database, "CREATE TABLE t (x)", NULL, NULL, NULL) != SQLITE_OK)
        return 1;
    return sqlite3_close(database);
}

int main(int argc, char **argv)
{
    if (argc < 2 || chdir(argv[1]) < 0)
        return 1;

    int directory = open(".", O_RDONLY | O_DIRECTORY);
    write_elsewhere();
    change_files(directory);
    close(directory);
    if (argc > 2 && use_database(argv[2]) != 0)
        return 2;
    return last_failure;
}
