/* SPDX-License-Identifier: Apache-2.0 */
/* What Java's toString() makes of a value (facts/tbel.md 4). */
#include "config.h"

#include "value/value_int.h"

#define TEXT_DEPTH 1100     /* deeper (a cycle) sets b->oom, like memory that ran out */
#define TEXT_MAX (64u << 20) /* bytes of one text, likewise */

struct java_out {
    struct tbe_buf *b;
    size_t max;
    int depth;
};

static bool java_value(struct java_out *o, tbe_val v);

static bool
java_list(struct java_out *o, const struct tbe_list *l)
{
    tbe_buf_putc(o->b, '[');
    for (uint32_t i = 0; i < l->n; i++) {
        if (i > 0) {
            tbe_buf_put(o->b, ", ", 2);
        }
        if (!java_value(o, l->v[i])) {
            return false;
        }
    }
    tbe_buf_putc(o->b, ']');
    return true;
}

static bool
java_map(struct java_out *o, const struct tbe_map *m, bool values)
{
    const struct tbe_entry *e;
    bool first = true;
    tbe_buf_putc(o->b, values ? '{' : '[');
    for (uint32_t i = 0; tbe_map_next(m, &i, &e); first = false) {
        if (!first) {
            tbe_buf_put(o->b, ", ", 2);
        }
        if (!java_value(o, e->key)) {
            return false;
        }
        if (values) {
            tbe_buf_putc(o->b, '=');
            if (!java_value(o, e->val)) {
                return false;
            }
        }
    }
    tbe_buf_putc(o->b, values ? '}' : ']');
    return true;
}

static bool
java_value(struct java_out *o, tbe_val v)
{
    char text[TBE_NUMTEXT];
    switch (v.t) {
    case TBE_UNDEF:
    case TBE_NULL:
        tbe_buf_put(o->b, "null", 4);
        break;
    case TBE_BOOL:
        tbe_buf_putz(o->b, v.u.i ? "true" : "false");
        break;
    case TBE_CHAR:
        tbe_buf_put(o->b, text, value_utf8_put((uint32_t)v.u.i, text));
        break;
    case TBE_BYTE:
    case TBE_SHORT:
    case TBE_INT:
    case TBE_LONG:
        tbe_buf_put(o->b, text, tbe_long_text(v.u.i, text));
        break;
    case TBE_FLOAT:
        tbe_buf_put(o->b, text, tbe_float_java((float)v.u.d, text));
        break;
    case TBE_DOUBLE:
        tbe_buf_put(o->b, text, tbe_double_java(v.u.d, text));
        break;
    case TBE_BIGDEC:
    case TBE_BIGINT:
    case TBE_NUM:
    case TBE_STR_T:
        tbe_buf_puts(o->b, tbe_val_str(v));
        break;
    case TBE_LIST:
    case TBE_ARRAY:
    case TBE_SET:
    case TBE_MAP: {
        if (o->depth == TEXT_DEPTH || o->b->n > o->max) {
            o->b->oom = true;
            return false;
        }
        o->depth++;
        const bool ok = v.t == TBE_MAP || v.t == TBE_SET ? java_map(o, v.u.m, v.t == TBE_MAP)
                                                         : java_list(o, v.u.l);
        o->depth--;
        return ok;
    }
    default: /* dates, functions and objects have their text from their dialect */
        tbe_buf_putz(o->b, "object");
        break;
    }
    return !o->b->oom;
}

void
tbe_java_text(struct tbe_buf *b, tbe_val v)
{
    struct java_out o = { .b = b, .max = b->n + TEXT_MAX };
    java_value(&o, v);
}
