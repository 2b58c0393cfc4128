/* commit — which commit this program was built from. The build writes it, from commit.c.in. */
#pragma once

/* Twelve digits, with "-dirty" where files differed from it; "unknown" outside a repository. */
extern const char tallyman_commit[];
