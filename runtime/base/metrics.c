/* SPDX-License-Identifier: Apache-2.0 */
/* The list of metrics and its Prometheus rendering. A name may carry labels, name{a="b"};
 * metrics of one family are rendered together under one HELP and TYPE, as the format demands. */
#include "config.h"

#include "base/metrics.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>

static pthread_mutex_t metrics_lock = PTHREAD_MUTEX_INITIALIZER;
static struct metric *metrics_first;

static struct tbe_str
metric_family(const struct metric *m)
{
    return (struct tbe_str){ m->name, strcspn(m->name, "{") };
}

void
metric_register(struct metric *m)
{
    pthread_mutex_lock(&metrics_lock);
    struct metric **at = &metrics_first;
    while (*at != NULL && *at != m) {
        at = &(*at)->next;
    }
    if (*at == NULL) {
        m->next = NULL;
        *at = m;
    }
    pthread_mutex_unlock(&metrics_lock);
}

static void
metrics_help(struct tbe_buf *out, const char *help)
{
    for (; *help != '\0'; help++) {
        if (*help == '\n') {
            tbe_buf_putz(out, "\\n");
        } else if (*help == '\\') {
            tbe_buf_putz(out, "\\\\");
        } else {
            tbe_buf_putc(out, *help);
        }
    }
}

static bool
metrics_family_seen(const struct metric *m)
{
    for (const struct metric *k = metrics_first; k != m; k = k->next) {
        if (tbe_str_eq(metric_family(k), metric_family(m))) {
            return true;
        }
    }
    return false;
}

void
metrics_render(struct tbe_buf *out)
{
    pthread_mutex_lock(&metrics_lock);
    for (struct metric *m = metrics_first; m != NULL; m = m->next) {
        if (metrics_family_seen(m)) {
            continue;
        }
        const struct tbe_str family = metric_family(m);
        tbe_buf_fmt(out, "# HELP %.*s ", (int)family.n, family.p);
        metrics_help(out, m->help);
        tbe_buf_fmt(out, "\n# TYPE %.*s %s\n", (int)family.n, family.p,
                    m->gauge ? "gauge" : "counter");
        for (struct metric *k = m; k != NULL; k = k->next) {
            if (tbe_str_eq(metric_family(k), family)) {
                tbe_buf_fmt(out, "%s %" PRId64 "\n", k->name, metric_get(k));
            }
        }
    }
    pthread_mutex_unlock(&metrics_lock);
}
