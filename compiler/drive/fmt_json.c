/* SPDX-License-Identifier: Apache-2.0 */
/* Documents as indented JSON. */
#include "config.h"
#include <string.h>
#include "drive/fmt.h"

/* Half a surrogate pair, as the JSON reader keeps it: three bytes that are not UTF-8. */
static bool
is_surrogate(const unsigned char *p, size_t n)
{
    return n >= 3 && p[0] == 0xED && p[1] >= 0xA0;
}

static void
put_text(struct tbe_buf *b, struct tbe_str s)
{
    static const char special[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const unsigned char *p = (const unsigned char *)s.p;
    tbe_buf_putc(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        const char *e = p[i] ? strchr(special, p[i]) : NULL;
        if (e) {
            tbe_buf_putc(b, '\\');
            tbe_buf_putc(b, letters[e - special]);
        } else if (p[i] < 32) {
            tbe_buf_fmt(b, "\\u%04x", p[i]);
        } else if (is_surrogate(p + i, s.n - i)) {
            tbe_buf_fmt(b, "\\u%04x", 0xD000u | (p[i + 1] & 0x3Fu) << 6 | (p[i + 2] & 0x3Fu));
            i += 2;
        } else {
            tbe_buf_putc(b, (char)p[i]);
        }
    }
    tbe_buf_putc(b, '"');
}

static void
indent(struct tbe_buf *b, int depth)
{
    tbe_buf_putc(b, '\n');
    for (int i = 0; i < depth; i++) {
        tbe_buf_put(b, "  ", 2);
    }
}

static void
put(struct tbe_buf *b, const struct doc *d, int depth)
{
    bool map = d->t == DOC_MAP;
    if (d->t == DOC_STR) {
        put_text(b, d->s);
        return;
    }
    if (d->t < DOC_LIST) {
        doc_json(b, d);
        return;
    }
    tbe_buf_putc(b, map ? '{' : '[');
    for (const struct doc *m = d->first; m; m = m->next) {
        indent(b, depth + 1);
        if (map) {
            put_text(b, m->key);
            tbe_buf_put(b, ": ", 2);
        }
        put(b, m, depth + 1);
        if (m->next) {
            tbe_buf_putc(b, ',');
        }
    }
    if (d->n) {
        indent(b, depth);
    }
    tbe_buf_putc(b, map ? '}' : ']');
}

void
fmt_json(struct tbe_buf *out, const struct doc *root)
{
    put(out, root, 0);
    tbe_buf_putc(out, '\n');
}
