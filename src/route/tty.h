/* tty — the `\r` that a terminal puts before each newline is not the program's (D25). */
#pragma once

#include "model/entry.h"

/* Takes one trailing `\r` off each terminated message of the batch, in either form. */
void tty_strip(struct batch *batch);
