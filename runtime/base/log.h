/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines to stderr, as text or JSON, rate-limited per call site (10 lines, then 1 a second, the
 * number held back is printed with the next line). Never pass a secret. Thread safe. */
#ifndef TBE_BASE_LOG_H
#define TBE_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include "tbe/base.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_site {
    int64_t window_ns;
    uint32_t lines, held;
};

/* process: "front", "worker" ... */
void log_setup(enum log_level min, bool json, const char *process);
void log_at(struct log_site *site, enum log_level lv, const char *file, int line, const char *fmt,
            ...)
    TBE_PRINTF(5, 6);

#define LOG_(lv, ...)                                                  \
    do {                                                               \
        static struct log_site log_site_;                              \
        log_at(&log_site_, (lv), __FILE__, __LINE__, __VA_ARGS__);     \
    } while (0)
#define log_debug(...) LOG_(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) LOG_(LOG_INFO, __VA_ARGS__)
#define log_warn(...) LOG_(LOG_WARN, __VA_ARGS__)
#define log_error(...) LOG_(LOG_ERROR, __VA_ARGS__)

#endif
