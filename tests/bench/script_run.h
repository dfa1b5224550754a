/* SPDX-License-Identifier: Apache-2.0 */
/* The table script_emit writes for script_run.c. */
#ifndef SCRIPT_RUN_H
#define SCRIPT_RUN_H

#include "tbe/script.h"

struct bench {
    const char *name, *lang;
    bool parse; /* the message's JSON is parsed before every run */
    int limit_ns;
    const struct tbe_script *script;
};
extern const struct bench benches[];
extern const unsigned n_benches;

#endif
