/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "link/memory.h"

#ifdef HAVE_MALLOC_H
#include <malloc.h>
#endif
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* Text is never written (no relocations in it), so dropping a page loses nothing. */
static void
forget_text(void)
{
    char line[512], mode[8];
    FILE *f = fopen("/proc/self/maps", "re");

    while (f && fgets(line, sizeof line, f)) {
        unsigned long from, to, inode;
        if (sscanf(line, "%lx-%lx %7s %*x %*s %lu", &from, &to, mode, &inode) == 4 &&
            strcmp(mode, "r-xp") == 0 && inode != 0) {
            madvise((void *)(uintptr_t)from, to - from, MADV_DONTNEED);
        }
    }
    if (f) {
        fclose(f);
    }
}

void
memory_give_back(void)
{
    forget_text();
#ifdef HAVE_MALLOC_TRIM
    malloc_trim(0);
#endif
}
