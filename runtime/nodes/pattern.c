/* SPDX-License-Identifier: Apache-2.0 */
/* Template substitution: ${key} from metadata, then $[path] from data (facts/rule-nodes.md 7). The order
 * of the steps is observable, because a metadata value may bring in a $[path] of its own. */
#include "config.h"
#include "nodes/engine.h"

#include <string.h>

/* First place of needle in s, or NULL. */
static const char *
find(struct tbe_str s, struct tbe_str needle)
{
    return needle.n && needle.n <= s.n ? memmem(s.p, s.n, needle.p, needle.n) : NULL;
}

static struct tbe_str
replace_all(struct tbe_arena *a, struct tbe_str s, struct tbe_str what, struct tbe_str with)
{
    const char *at = find(s, what);
    if (!at) {
        return s;
    }
    struct tbe_buf b = { 0 };
    while (at) {
        size_t before = (size_t)(at - s.p);
        tbe_buf_put(&b, s.p, before);
        tbe_buf_puts(&b, with);
        s.p += before + what.n;
        s.n -= before + what.n;
        at = find(s, what);
    }
    tbe_buf_puts(&b, s);
    struct tbe_str out = tbe_arena_dup(a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return out;
}

static struct tbe_str
metadata_json(struct tbe_arena *a, const struct tbe_md *md)
{
    struct tbe_buf b = { 0 };
    tbe_buf_putc(&b, '{');
    for (uint32_t i = 0; i < md->n; i++) {
        if (i) {
            tbe_buf_putc(&b, ',');
        }
        tbe_json_write_str(&b, md->e[i].key);
        tbe_buf_putc(&b, ':');
        tbe_json_write_str(&b, md->e[i].val);
    }
    tbe_buf_putc(&b, '}');
    struct tbe_str out = tbe_arena_dup(a, tbe_buf_str(&b));
    tbe_buf_free(&b);
    return out;
}

static struct tbe_str
from_metadata(struct tbe_arena *a, const struct tbe_md *md, struct tbe_str s)
{
    if (!find(s, TBE_STR("${"))) {
        return s;
    }
    if (find(s, TBE_STR("${*}"))) {
        s = replace_all(a, s, TBE_STR("${*}"), metadata_json(a, md));
    }
    for (uint32_t i = 0; i < md->n; i++) {
        struct tbe_str key = md->e[i].key;
        struct tbe_str slot = tbe_arena_fmt(a, "${%.*s}", (int)key.n, key.p);
        s = replace_all(a, s, slot, md->e[i].val);
    }
    return s;
}

/* Looks up a dotted path; true when it ends at a scalar. */
static bool
lookup(tbe_val v, struct tbe_str path, tbe_val *out)
{
    for (;;) {
        const char *dot = path.n ? memchr(path.p, '.', path.n) : NULL;
        struct tbe_str part = { path.p, dot ? (size_t)(dot - path.p) : path.n };
        if (v.t != TBE_MAP || part.n == 0) {
            return false;
        }
        v = tbe_map_get(v.u.m, part);
        if (v.t == TBE_UNDEF) {
            return false;
        }
        if (!dot) {
            break;
        }
        path.n -= part.n + 1;
        path.p = dot + 1;
    }
    *out = v;
    return v.t != TBE_MAP && v.t != TBE_LIST;
}

static struct tbe_str
scalar_text(struct tbe_arena *a, tbe_val v)
{
    return tbe_is_str(v) ? tbe_val_str(v) : tbe_json_text(a, v, TBE_OUT_JAVA);
}

static struct tbe_str
from_data(struct tbe_arena *a, tbe_val data, struct tbe_str s)
{
    if (!find(s, TBE_STR("$["))) {
        return s;
    }
    if (find(s, TBE_STR("$[*]"))) {
        s = replace_all(a, s, TBE_STR("$[*]"), tbe_json_text(a, data, TBE_OUT_JAVA));
    }
    if (data.t != TBE_MAP) {
        return s;
    }
    /* The slots are those of the text as it is now; what a value brings in is not looked at again,
     * except where it repeats a later slot. */
    struct tbe_str left = s, out = s;
    for (;;) {
        const char *at = find(left, TBE_STR("$["));
        if (!at) {
            return out;
        }
        struct tbe_str rest = { at + 2, left.n - (size_t)(at - left.p) - 2 };
        const char *end = rest.n ? memchr(rest.p, ']', rest.n) : NULL;
        if (!end) {
            return out;
        }
        struct tbe_str path = { rest.p, (size_t)(end - rest.p) };
        struct tbe_str slot = { at, path.n + 3 };
        tbe_val v;
        if (path.n && lookup(data, path, &v)) {
            out = replace_all(a, out, slot, scalar_text(a, v));
        }
        left = (struct tbe_str){ end + 1, rest.n - path.n - 1 };
    }
}

int
engine_pattern(struct tbe_run *r, const struct tbe_msg *m, struct tbe_str pattern, struct tbe_str *out)
{
    struct tbe_arena *a = tbe_msg_arena(m);
    tbe_val data = TBE_UNDEF_VAL;
    /* Data that is not JSON fails every pattern, even one without slots. Typed entries are JSON. */
    if (!pattern.p || (!m->kvs && tbe_msg_value(m, TBE_MSG_AS_JAVA, &data) < 0)) {
        engine_fail(r, "Failed to process pattern!");
        return -1;
    }
    struct tbe_str s = from_metadata(a, &m->md, pattern);
    if (data.t == TBE_UNDEF && find(s, TBE_STR("$[")) && tbe_msg_value(m, TBE_MSG_AS_JAVA, &data) < 0) {
        engine_fail(r, "Failed to process pattern!");
        return -1;
    }
    *out = from_data(a, data, s);
    return 0;
}
