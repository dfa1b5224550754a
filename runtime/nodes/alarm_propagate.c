/* SPDX-License-Identifier: Apache-2.0 */
/* Where an alarm is shown besides at its originator. */
#include "config.h"
#include "nodes/alarm_propagate.h"

#include <string.h>

#include "base/log.h"
#include "tbe/value.h"

struct above { /* entities found so far; those behind `done` still have to be looked above */
    struct tbe_entity *v;
    uint32_t n;
    bool full;
    const struct tbe_list *types; /* of relations; NULL or empty: any */
};

static bool
is_type(const struct tbe_list *types, struct tbe_str type)
{
    for (uint32_t i = 0; types && i < types->n; i++) {
        if (tbe_is_str(types->v[i]) && tbe_str_eq(tbe_val_str(types->v[i]), type)) {
            return true;
        }
    }
    return !types || types->n == 0;
}

static bool
on_relation(void *arg, const struct store_relation *rel)
{
    struct above *x = arg;
    if (!is_type(x->types, rel->type)) {
        return true;
    }
    for (uint32_t i = 0; i < x->n; i++) {
        if (x->v[i].type == rel->from.type && tbe_uuid_eq(&x->v[i].id, &rel->from.id)) {
            return true; /* relations may go in a circle */
        }
    }
    if (x->n > ALARM_PROPAGATE_MAX) { /* the first is the originator */
        x->full = true;
        return false;
    }
    x->v[x->n++] = rel->from;
    return true;
}

static void
show_above(struct store *s, struct store_batch *b, const struct store_alarm *a)
{
    struct tbe_arena mem;
    tbe_val types = TBE_UNDEF_VAL;
    tbe_arena_init(&mem, 0);
    struct above x = { .v = tbe_arena_alloc(&mem, (ALARM_PROPAGATE_MAX + 1) * sizeof *x.v) };
    if (a->propagate_relations.n &&
        tbe_json_parse(&mem, a->propagate_relations, TBE_JSON_JAVA, &types, NULL) == 0 && types.t == TBE_LIST) {
        x.types = types.u.l;
    }
    x.v[x.n++] = a->originator;
    for (uint32_t i = 0; i < x.n; i++) {
        store_relation_each(s, &x.v[i], false, TBE_STR_NONE, on_relation, &x);
        if (i) {
            store_show_alarm(b, &a->id, &x.v[i]);
        }
    }
    if (x.full) {
        log_warn("alarm %.*s: more than %u entities are above its originator; the others do not show it", (int)a->type.n,
                 a->type.p, ALARM_PROPAGATE_MAX);
    }
    tbe_arena_free(&mem);
}

void
alarm_propagate(struct store *s, struct store_batch *b, const struct store_alarm *a)
{
    const struct tbe_entity tenant = { TBE_ENT_TENANT, *store_tenant(s) };
    const struct tbe_entity customer = { TBE_ENT_CUSTOMER, a->customer };
    if (a->propagate) {
        show_above(s, b, a);
    }
    if (a->propagate_owner) {
        store_show_alarm(b, &a->id, tbe_uuid_is_null(&a->customer) ? &tenant : &customer);
    }
    if (a->propagate_tenant) {
        store_show_alarm(b, &a->id, &tenant);
    }
}
