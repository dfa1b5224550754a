/* SPDX-License-Identifier: Apache-2.0 */
/* "First message of an originator in an interval": the memory behind the DEDUPLICATE strategies of the
 * save nodes (facts/rule-nodes.md 11.2). Not stored: a restart begins anew, as in the reference. */
#include "config.h"
#include "nodes/engine_int.h"

#include <stdlib.h>
#include <string.h>

struct dedup_interval {
    int64_t number;
    uint64_t used;        /* stamp of the last look, for eviction */
    struct tbe_uuid *ids; /* open addressing; an all-zero id is a free slot */
    uint32_t n, cap;
};

struct dedup_site {
    const void *site;
    struct dedup_interval *v;
    uint32_t n, max;
    uint64_t stamp;
    struct dedup_site *next;
};

#define IDS_MAX (1u << 20) /* originators of one interval; more count as first each time */

static struct dedup_site *
site_of(struct tbe_engine *e, const void *site, int64_t secs)
{
    for (struct dedup_site *s = e->dedup; s; s = s->next) {
        if (s->site == site) {
            return s;
        }
    }
    struct dedup_site *s = calloc(1, sizeof(*s));
    int64_t max = 172800 / (secs > 0 ? secs : 1);
    max = max > 100 ? 100 : max < 1 ? 1 : max;
    if (!s || !(s->v = calloc((size_t)max, sizeof(*s->v)))) {
        abort();
    }
    s->site = site;
    s->max = (uint32_t)max;
    s->next = e->dedup;
    e->dedup = s;
    return s;
}

static struct dedup_interval *
interval_of(struct dedup_site *s, int64_t number)
{
    struct dedup_interval *oldest = &s->v[0];
    for (uint32_t i = 0; i < s->n; i++) {
        if (s->v[i].number == number) {
            s->v[i].used = ++s->stamp;
            return &s->v[i];
        }
        if (s->v[i].used < oldest->used) {
            oldest = &s->v[i];
        }
    }
    struct dedup_interval *v = s->n < s->max ? &s->v[s->n++] : oldest;
    free(v->ids);
    *v = (struct dedup_interval){ .number = number, .used = ++s->stamp };
    return v;
}

static uint32_t
slot_of(const struct dedup_interval *v, const struct tbe_uuid *id)
{
    static const struct tbe_uuid zero;
    uint32_t h;
    memcpy(&h, id->b + 4, sizeof(h));
    for (h *= 2654435761u;; h++) {
        const struct tbe_uuid *at = &v->ids[h & (v->cap - 1)];
        if (memcmp(at, id, sizeof(*id)) == 0 || memcmp(at, &zero, sizeof(zero)) == 0) {
            return h & (v->cap - 1);
        }
    }
}

static bool
add(struct dedup_interval *v, const struct tbe_uuid *id)
{
    if (v->n * 2 >= v->cap) {
        struct dedup_interval bigger = { .cap = v->cap ? v->cap * 2 : 16 };
        if (bigger.cap > IDS_MAX || !(bigger.ids = calloc(bigger.cap, sizeof(*bigger.ids)))) {
            return true;
        }
        static const struct tbe_uuid zero;
        for (uint32_t i = 0; i < v->cap; i++) {
            if (memcmp(&v->ids[i], &zero, sizeof(zero)) != 0) {
                bigger.ids[slot_of(&bigger, &v->ids[i])] = v->ids[i];
            }
        }
        free(v->ids);
        v->ids = bigger.ids;
        v->cap = bigger.cap;
    }
    struct tbe_uuid *at = &v->ids[slot_of(v, id)];
    if (memcmp(at, id, sizeof(*id)) == 0) {
        return false;
    }
    *at = *id;
    v->n++;
    return true;
}

bool
engine_first_in_interval(struct tbe_engine *e, const void *site, int64_t secs, int64_t ts,
                         const struct tbe_uuid *originator)
{
    secs = secs < 1 ? 1 : secs;
    struct dedup_site *s = site_of(e, site, secs);
    return add(interval_of(s, ts / (secs * 1000)), originator);
}

void
dedup_free(struct tbe_engine *e)
{
    while (e->dedup) {
        struct dedup_site *s = e->dedup;
        e->dedup = s->next;
        for (uint32_t i = 0; i < s->n; i++) {
            free(s->v[i].ids);
        }
        free(s->v);
        free(s);
    }
}
