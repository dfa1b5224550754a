/* SPDX-License-Identifier: Apache-2.0 */
/* ThingsBoard's other global functions and JSON: flat maps, URIs, padding, areas on the map,
 * kinds of values (facts/tbel.md 12, 13). */
#include "config.h"
#include "tbel_priv.h"

#include <math.h>
#include <string.h>

#define GLOBAL(name) tbe_val name(struct tbe_x *x, int argc, const tbe_val *argv)
#define MAX_POLYGONS 64
#define EARTH_KM 6371.0087714

static void
need(struct tbe_x *x, const char *name, int argc, const tbe_val *argv, int min, int max)
{
    if (argc < min || argc > max) {
        tbe_t_no_static(x, TBE_STR(""), tbe_strz(name), argc, argv);
    }
}

/* ---- JSON ---- */

/* Depth is bounded by copy_out; Dates become text and byte arrays base64 as Jackson writes them. */
static tbe_val
for_json(struct tbe_x *x, tbe_val v, int depth)
{
    const struct tbe_entry *e;
    if (depth > TBEL_DEPTH) {
        tbe_throw(x, "java.lang.StackOverflowError: value is nested too deep");
    }
    tbe_burn(x);
    if (v.t == TBE_ARRAY && v.sub == TBE_BYTE) {
        uint8_t *p = tbe_arena_alloc(x->a, v.u.l->n + 1);
        for (uint32_t i = 0; i < v.u.l->n; i++) {
            p[i] = (uint8_t)v.u.l->v[i].u.i;
        }
        return tbel_b64(x, p, v.u.l->n);
    }
    if (v.t == TBE_LIST) {
        tbe_val r = tbe_list_new(x->a, v.u.l->n);
        for (uint32_t i = 0; i < v.u.l->n; i++) {
            tbe_list_push(x->a, r.u.l, for_json(x, v.u.l->v[i], depth + 1));
        }
        return r;
    }
    if (v.t == TBE_MAP) {
        tbe_val r = tbe_map_new(x->a, v.u.m->live);
        for (uint32_t i = 0; tbe_map_next(v.u.m, &i, &e);) {
            tbel_map_set(x, r, tbel_text_val(x, e->key), for_json(x, e->val, depth + 1));
        }
        return r;
    }
    return tbe_t_copy_out(x, v);
}

GLOBAL(tbe_t_json_stringify)
{
    need(x, "stringify", argc, argv, 1, 1);
    tbe_val v = argv[0].t >= TBE_LIST ? for_json(x, argv[0], 0) : argv[0];
    if (v.t == TBE_UNDEF) {
        v = TBE_NULL_VAL;
    }
    struct tbe_str s = tbe_json_text(x->a, v, TBE_OUT_JAVA);
    if (s.p == NULL) {
        tbe_throw_full(x, 1);
    }
    return tbe_strv(s);
}

/* Where the first JSON value of s ends: the engine ignores what follows. */
static size_t
value_end(struct tbe_str s)
{
    size_t i = 0, depth = 0;
    while (i < s.n && (unsigned char)s.p[i] <= ' ') {
        i++;
    }
    if (i < s.n && s.p[i] != '{' && s.p[i] != '[') {
        return s.n;
    }
    for (bool str = false; i < s.n; i++) {
        char c = s.p[i];
        if (str) {
            i += c == '\\';
            str = c != '"';
        } else if (c == '"') {
            str = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            return i + 1;
        }
    }
    return s.n;
}

static void
json_error(struct tbe_x *x, struct tbe_str s, const struct tbe_json_err *e)
{
    uint32_t len, cp = 0;
    size_t at = e->offset < s.n ? e->offset : s.n;
    if (strstr(e->msg, "leading zero") != NULL) {
        tbe_throw(x, "com.fasterxml.jackson.core.JsonParseException: Invalid numeric value: Leading zeroes not "
                  "allowed");
    }
    if (s.n == 0 || at == s.n) {
        tbe_throw(x, "com.fasterxml.jackson.databind.exc.MismatchedInputException: No content to map due to "
                  "end-of-input: %s", e->msg);
    }
    cp = tbel_cp(s.p + at, s.n - at, &len);
    size_t b = at;
    while (b > 0 && (unsigned char)s.p[b - 1] <= ' ') {
        b--;
    }
    bool key = b > 0 && s.p[b - 1] == '{';
    tbe_throw(x, "com.fasterxml.jackson.core.JsonParseException: Unexpected character ('%.*s' (code %u)): %s",
              (int)len, s.p + at, cp, key ? "was expecting double-quote to start field name" :
              e->msg);
}

GLOBAL(tbe_t_json_parse)
{
    struct tbe_json_err err = { 0, "" };
    tbe_val v;
    need(x, "parse", argc, argv, 1, 1);
    if (tbe_is_null(argv[0])) {
        return TBE_NULL_VAL;
    }
    struct tbe_str s = tbel_text(x, argv[0]);
    s.n = value_end(s);
    x->fuel -= s.n >> 6;
    if (tbe_json_parse(x->a, s, TBE_JSON_JAVA | TBE_JSON_DROP_NULLS | TBE_JSON_BORROW, &v,
        &err) != 0) {
        json_error(x, s, &err);
    }
    if (v.t == TBE_BIGINT) { /* a top-level number beyond 64 bits comes as text */
        v.t = TBE_STR_T;
        v.ascii = 1;
    }
    return v;
}

/* ---- text ---- */

static tbe_val
pad(struct tbe_x *x, const char *name, int argc, const tbe_val *argv, bool start)
{
    struct tbel_sb b;
    if (argc != 3 || tbe_is_null(argv[0])) {
        tbe_t_no_static(x, TBE_STR(""), tbe_strz(name), argc, argv);
    }
    tbe_val s = tbel_text_val(x, argv[0]);
    int32_t n = tbel_arg_int(x, argv[1]);
    tbe_val c = tbe_t_cast(x, TBE_STR("char"), argv[2]);
    int32_t fill = n - (int32_t)tbel_len16(s);
    if (fill > TBE_T_MAX_STRING) {
        tbe_throw(x, "Max string length overflow (%d > %d)!", n, TBE_T_MAX_STRING);
    }
    tbel_sb_init(&b, x, s.n + (fill > 0 ? (size_t)fill : 0));
    if (!start) {
        tbel_sb_put(&b, s.u.s, s.n);
    }
    for (int32_t i = 0; i < fill; i++) {
        tbel_sb_unit(&b, (uint32_t)c.u.i);
    }
    if (start) {
        tbel_sb_put(&b, s.u.s, s.n);
    }
    return tbel_sb_done(&b);
}

GLOBAL(tbe_t_pad_start)
{
    return pad(x, "padStart", argc, argv, true);
}

GLOBAL(tbe_t_pad_end)
{
    return pad(x, "padEnd", argc, argv, false);
}

GLOBAL(tbe_t_encode_uri)
{
    static const char keep[] = "!'()~;,/?:@&=+$#-_.*";
    struct tbel_sb b;
    need(x, "encodeURI", argc, argv, 1, 1);
    struct tbe_str s = tbel_arg_str(x, argv[0]);
    tbel_sb_init(&b, x, s.n + 16);
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            (c != '\0' && strchr(keep, c) != NULL)) {
            tbel_sb_c(&b, c);
        } else {
            char o[3] = { '%', "0123456789ABCDEF"[(unsigned char)c >> 4],
                "0123456789ABCDEF"[c & 15] };
            tbel_sb_put(&b, o, 3);
        }
    }
    return tbel_sb_done(&b);
}

static int
hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

GLOBAL(tbe_t_decode_uri)
{
    need(x, "decodeURI", argc, argv, 1, 1);
    struct tbe_str s = tbel_arg_str(x, argv[0]);
    tbe_val l = tbe_list_new(x->a, (uint32_t)s.n);
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%') {
            int h = i + 2 < s.n ? hex(s.p[i + 1]) : -1, lo = i + 2 < s.n ? hex(s.p[i + 2]) : -1;
            if (h < 0 || lo < 0) {
                tbe_throw(x, "URLDecoder: Illegal hex characters in escape (%%) pattern");
            }
            c = (char)(h << 4 | lo);
            i += 2;
        }
        tbe_list_push(x->a, l.u.l, tbel_typed(TBE_BYTE, (int8_t)c));
    }
    return tbe_t_bytes_to_string(x, 1, &l);
}

GLOBAL(tbe_t_raise_error)
{
    struct tbe_str s = argc > 0 ? tbel_text(x, argv[0]) : TBE_STR("null");
    tbe_throw(x, "%.*s", (int)s.n, s.p);
}

/* ---- kinds ---- */

#define KIND(fn, cond) \
    GLOBAL(fn) \
    { \
        (void)x; \
        tbe_val v = argc > 0 ? argv[0] : TBE_NULL_VAL; \
        return tbe_bool(cond); \
    }
KIND(tbe_t_is_map, v.t == TBE_MAP)
KIND(tbe_t_is_list, v.t == TBE_LIST)
KIND(tbe_t_is_array, v.t == TBE_ARRAY)
KIND(tbe_t_is_set, v.t == TBE_SET)

/* ---- flat maps ---- */

struct flat {
    struct tbe_x *x;
    tbe_val out, exclude;
    bool path;
};

static void flat_value(struct flat *f, tbe_val v, tbe_val path, tbe_val parent, tbe_val name,
    bool number,
                       int depth);

static void
flat_step(struct flat *f, tbe_val v, tbe_val path, tbe_val parent, tbe_val name, bool number,
    int depth)
{
    if (!tbe_is_null(f->exclude) && tbe_t_contains(f->x, f->exclude, name)) {
        return;
    }
    tbe_val full = path.n == 0 ? name : tbe_t_concat(f->x,
        tbe_t_concat(f->x, path, tbel_ascii(".", 1)), name);
    flat_value(f, v, full, parent, name, number, depth + 1);
}

static void
flat_value(struct flat *f, tbe_val v, tbe_val path, tbe_val parent, tbe_val name, bool number,
    int depth)
{
    const struct tbe_entry *e;
    if (depth > TBEL_DEPTH) {
        tbe_throw(f->x, "java.lang.StackOverflowError: value is nested too deep");
    }
    tbe_burn(f->x);
    if (v.t == TBE_MAP) {
        for (uint32_t i = 0; tbe_map_next(v.u.m, &i, &e);) {
            flat_step(f, e->val, path, name, tbel_text_val(f->x, e->key), false, depth);
        }
    } else if (v.t == TBE_LIST) {
        for (uint32_t i = 0; i < v.u.l->n; i++) {
            flat_step(f, v.u.l->v[i], path, name, tbel_text_val(f->x, tbe_int((int32_t)i)), true,
                depth);
        }
    } else {
        tbe_val key = f->path ? path : name;
        if (!f->path && number && parent.t == TBE_STR_T) { /* an index alone would say nothing */
            key = tbe_t_concat(f->x, tbe_t_concat(f->x, parent, tbel_ascii(".", 1)), name);
        }
        tbel_map_set(f->x, f->out, key, v);
    }
}

GLOBAL(tbe_t_to_flat_map)
{
    need(x, "toFlatMap", argc, argv, 1, 3);
    if (argv[0].t != TBE_MAP) {
        tbe_t_no_static(x, TBE_STR(""), TBE_STR("toFlatMap"), argc, argv);
    }
    struct flat f = { x, tbe_map_new(x->a, 8), TBE_NULL_VAL, true };
    if (argc > 1 && argv[1].t == TBE_BOOL) {
        f.path = argv[1].u.i != 0;
    } else if (argc > 1) {
        f.exclude = argv[1];
    }
    if (argc > 2) {
        f.path = tbel_arg_bool(x, argv[2]);
    }
    flat_value(&f, argv[0], tbel_ascii("", 0), TBE_NULL_VAL, TBE_NULL_VAL, false, 0);
    return f.out;
}

/* ---- areas ---- */

struct polygon {
    double *p; /* x, y pairs */
    uint32_t n;
    double area;
};

static double
coordinate(struct tbe_x *x, tbe_val v, uint32_t i)
{
    if (v.t != TBE_LIST || v.u.l->n < 2 || !tbel_is_num(v.u.l->v[i])) {
        tbe_throw(x, "Failed to parse polygon: wrong coordinates");
    }
    return tbel_to_double(v.u.l->v[i]);
}

static void
read_polygon(struct tbe_x *x, tbe_val l, struct polygon *o)
{
    uint32_t n = l.u.l->n, k = n == 2 ? 4 : n;
    o->p = tbe_arena_alloc(x->a, (size_t)(k + 1) * 2 * sizeof(double));
    o->n = k;
    if (n == 2) { /* opposite corners of a rectangle */
        double ax = coordinate(x, l.u.l->v[0], 0), ay = coordinate(x, l.u.l->v[0], 1);
        double bx = coordinate(x, l.u.l->v[1], 0), by = coordinate(x, l.u.l->v[1], 1);
        const double c[8] = { ax, ay, ax, by, bx, by, bx, ay };
        memcpy(o->p, c, sizeof(c));
    }
    for (uint32_t i = 0; n != 2 && i < n; i++) {
        o->p[2 * i] = coordinate(x, l.u.l->v[i], 0);
        o->p[2 * i + 1] = coordinate(x, l.u.l->v[i], 1);
    }
    o->area = 0;
    for (uint32_t i = 0; i < k; i++) {
        uint32_t j = (i + 1) % k;
        o->area += o->p[2 * i] * o->p[2 * j + 1] - o->p[2 * j] * o->p[2 * i + 1];
    }
    o->area = fabs(o->area);
}

/* 1 inside, 0 on the boundary, -1 outside. */
static int
locate(const struct polygon *o, double px, double py)
{
    bool in = false;
    for (uint32_t i = 0, j = o->n - 1; i < o->n; j = i++) {
        double ax = o->p[2 * i], ay = o->p[2 * i + 1], bx = o->p[2 * j], by = o->p[2 * j + 1];
        double cross = (bx - ax) * (py - ay) - (by - ay) * (px - ax);
        if (cross == 0 && px >= fmin(ax, bx) && px <= fmax(ax, bx) && py >= fmin(ay, by) &&
            py <= fmax(ay, by)) {
            return 0;
        }
        if ((ay > py) != (by > py) && px < (bx - ax) * (py - ay) / (by - ay) + ax) {
            in = !in;
        }
    }
    return in ? 1 : -1;
}

static tbe_val
json_arg(struct tbe_x *x, tbe_val v)
{
    return v.t == TBE_STR_T ? tbe_t_json_parse(x, 1, &v) : v;
}

GLOBAL(tbe_t_inside_polygon)
{
    struct polygon polys[MAX_POLYGONS];
    need(x, "isInsidePolygon", argc, argv, 3, 3);
    if (tbe_is_null(argv[2]) || (argv[2].t == TBE_STR_T && tbel_is_blank(tbe_val_str(argv[2])))) {
        tbe_throw(x, "Polygon string can't be empty or null!");
    }
    double px = tbel_arg_double(x, argv[0]), py = tbel_arg_double(x, argv[1]);
    tbe_val v = json_arg(x, argv[2]);
    if (v.t != TBE_LIST || v.u.l->n == 0 || v.u.l->v[0].t != TBE_LIST || v.u.l->v[0].u.l->n == 0) {
        tbe_throw(x, "Failed to parse polygon");
    }
    uint32_t n = 1;
    if (v.u.l->v[0].u.l->v[0].t == TBE_LIST) {
        n = v.u.l->n;
        if (n > MAX_POLYGONS) {
            tbe_throw(x, "Too many polygons: %u", n);
        }
        for (uint32_t i = 0; i < n; i++) {
            if (v.u.l->v[i].t != TBE_LIST || v.u.l->v[i].u.l->n == 0) {
                tbe_throw(x, "Failed to parse polygon");
            }
            read_polygon(x, v.u.l->v[i], &polys[i]);
        }
    } else {
        read_polygon(x, v, &polys[0]);
    }
    /* A polygon inside a bigger one is a hole: inside an odd number of them is inside. */
    unsigned inside = 0;
    for (uint32_t i = 0; i < n; i++) {
        int at = locate(&polys[i], px, py);
        if (at == 0) {
            return tbe_bool(false);
        }
        inside += at > 0;
    }
    return tbe_bool(inside % 2 == 1);
}

static double
circle_number(struct tbe_x *x, tbe_val m, const char *key)
{
    tbe_val v = tbe_map_get(m.u.m, tbe_strz(key));
    if (!tbel_is_num(v)) {
        tbe_throw(x, "Failed to parse circle: %s", key);
    }
    return tbel_to_double(v);
}

GLOBAL(tbe_t_inside_circle)
{
    static const struct {
        const char *name;
        double per_km;
    } units[] = { { "METER", 1000 }, { "KILOMETER", 1 }, { "FOOT", 3280.84 }, { "MILE", 0.62137 },
                  { "NAUTICAL_MILE", 0.539957 } };
    need(x, "isInsideCircle", argc, argv, 3, 3);
    tbe_val c = json_arg(x, argv[2]);
    if (c.t != TBE_MAP) {
        tbe_throw(x, "Failed to parse circle");
    }
    const double rad = 0.017453292519943295;
    double lat1 = tbel_arg_double(x, argv[0]) * rad, lon1 = tbel_arg_double(x, argv[1]) * rad;
    double lat2 = circle_number(x, c, "latitude") * rad,
        lon2 = circle_number(x, c, "longitude") * rad;
    double radius = circle_number(x, c, "radius"), per_km = 1000;
    tbe_val u = tbe_map_get(c.u.m, TBE_STR("radiusUnit"));
    if (u.t == TBE_STR_T) {
        per_km = 0;
        for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
            per_km = tbe_str_eqz(tbe_val_str(u), units[i].name) ? units[i].per_km : per_km;
        }
        if (per_km == 0) {
            tbe_throw(x, "Failed to parse circle: radiusUnit");
        }
    }
    double sx = sin((lat2 - lat1) / 2), sy = sin((lon2 - lon1) / 2);
    double h = sx * sx + cos(lat1) * cos(lat2) * sy * sy;
    double km = 2 * EARTH_KM * asin(fmin(1, sqrt(h)));
    return tbe_bool(km * per_km < radius);
}
