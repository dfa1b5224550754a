/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines: one write(2) each, so that lines of several threads and processes do not mix. Control
 * characters are escaped, so a peer's bytes cannot forge a line. */
#include "config.h"

#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define LOG_BURST 10u            /* lines of one site before the limit bites */
#define LOG_REFILL_NS 1000000000 /* then one line a second */
#define LOG_TEXT 2048u           /* bytes of the message; longer is cut */
#define LOG_LINE 4096u           /* bytes of the whole line, at most PIPE_BUF */

static const char *const log_names[] = { "debug", "info", "warn", "error" };

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int log_min = LOG_INFO;
static bool log_json;           /* these two: under log_lock */
static char log_process[32] = "";

void
log_setup(enum log_level min, bool json, const char *process)
{
    pthread_mutex_lock(&log_lock);
    log_min = (int)min;
    log_json = json;
    snprintf(log_process, sizeof log_process, "%s", process ? process : "");
    pthread_mutex_unlock(&log_lock);
}

struct log_line {
    char p[LOG_LINE];
    size_t n;
};

static void
log_putc(struct log_line *l, char c)
{
    if (l->n < LOG_LINE - 1) { /* one byte is kept for the line end */
        l->p[l->n++] = c;
    }
}

static void
log_putz(struct log_line *l, const char *z)
{
    while (*z != '\0') {
        log_putc(l, *z++);
    }
}

/* Escaped so that it stays one line and, in JSON, one string. */
static void
log_escaped(struct log_line *l, const char *z, bool json)
{
    static const char hex[] = "0123456789abcdef";
    for (; *z != '\0' && l->n < LOG_LINE - 16; z++) {
        const unsigned char c = (unsigned char)*z;
        if (c == '\n' || c == '\t' || c == '\r') {
            log_putc(l, '\\');
            log_putc(l, c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
        } else if (c < 0x20 || c == 0x7f) {
            log_putz(l, "\\u00");
            log_putc(l, hex[c >> 4]);
            log_putc(l, hex[c & 15]);
        } else if (json && (c == '"' || c == '\\')) {
            log_putc(l, '\\');
            log_putc(l, (char)c);
        } else {
            log_putc(l, (char)c);
        }
    }
}

static void
log_stamp(struct log_line *l)
{
    const int64_t ms = clock_ms();
    const time_t s = (time_t)(ms / 1000);
    struct tm tm;
    char text[40] = "";
    if (gmtime_r(&s, &tm) != NULL) {
        const size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(text + n, sizeof text - n, ".%03dZ", (int)(ms % 1000));
    }
    log_putz(l, text);
}

static const char *
log_basename(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash ? slash + 1 : file;
}

static void
log_as_text(struct log_line *l, enum log_level lv, const char *file, int line, const char *text,
            uint32_t held)
{
    char at[128];
    log_stamp(l);
    snprintf(at, sizeof at, " %-5s %.31s%s%.40s:%d: ", log_names[lv], log_process,
             log_process[0] ? " " : "", log_basename(file), line);
    log_putz(l, at);
    log_escaped(l, text, false);
    if (held != 0) {
        snprintf(at, sizeof at, " (%u more held back)", (unsigned)held);
        log_putz(l, at);
    }
}

static void
log_as_json(struct log_line *l, enum log_level lv, const char *file, int line, const char *text,
            uint32_t held)
{
    char tail[128];
    log_putz(l, "{\"ts\":\"");
    log_stamp(l);
    log_putz(l, "\",\"level\":\"");
    log_putz(l, log_names[lv]);
    log_putz(l, "\",\"process\":\"");
    log_escaped(l, log_process, true);
    snprintf(tail, sizeof tail, "\",\"at\":\"%.40s:%d\",", log_basename(file), line);
    log_putz(l, tail);
    if (held != 0) {
        snprintf(tail, sizeof tail, "\"held\":%u,", (unsigned)held);
        log_putz(l, tail);
    }
    log_putz(l, "\"msg\":\"");
    log_escaped(l, text, true);
    log_putz(l, "\"}");
}

/* Token bucket: LOG_BURST lines, one more for each second that went by. */
static bool
log_admit(struct log_site *site, uint32_t *held)
{
    const int64_t now = clock_mono_ns();
    if (site->lines == 0) {
        site->window_ns = now;
    }
    const int64_t back = (now - site->window_ns) / LOG_REFILL_NS;
    if (back > 0) {
        site->lines = back >= site->lines ? 0 : site->lines - (uint32_t)back;
        site->window_ns += back * LOG_REFILL_NS;
    }
    if (site->lines >= LOG_BURST) {
        site->held++;
        return false;
    }
    site->lines++;
    *held = site->held;
    site->held = 0;
    return true;
}

static void
log_write(const struct log_line *l)
{
    size_t done = 0;
    while (done < l->n) {
        const ssize_t w = write(STDERR_FILENO, l->p + done, l->n - done);
        if (w < 0 && errno == EINTR) {
            continue;
        }
        if (w <= 0) {
            return; /* nowhere to complain to */
        }
        done += (size_t)w;
    }
}

void
log_at(struct log_site *site, enum log_level lv, const char *file, int line, const char *fmt, ...)
{
    if ((int)lv < log_min) {
        return;
    }
    const int keep = errno;
    char text[LOG_TEXT];
    struct log_line l;
    l.n = 0;
    uint32_t held = 0;
    pthread_mutex_lock(&log_lock);
    if (site == NULL || log_admit(site, &held)) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        if (log_json) {
            log_as_json(&l, lv, file, line, text, held);
        } else {
            log_as_text(&l, lv, file, line, text, held);
        }
        l.p[l.n++] = '\n';
        log_write(&l);
    }
    pthread_mutex_unlock(&log_lock);
    errno = keep;
}
