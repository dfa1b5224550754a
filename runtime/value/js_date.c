/* SPDX-License-Identifier: Apache-2.0 */
/* JavaScript Date: milliseconds since 1970; local time from the system's zone data. Text forms
 * as Node prints them in en-US. */
#include "config.h"
#include "js_room.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define ARGS struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv
#define MS_DAY 86400000.0

static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep",
    "Oct", "Nov", "Dec" };

struct fields {
    int64_t year;
    int month, day, hour, min, sec, ms, wday;
};

static double
days_from_civil(double y, int m, int d) /* m 1..12 */
{
    y -= m <= 2;
    double era = floor(y / 400), yoe = y - era * 400;
    double doy = floor((153.0 * (m + (m > 2 ? -3 : 9)) + 2) / 5) + d - 1;
    double doe = yoe * 365 + floor(yoe / 4) - floor(yoe / 100) + doy;
    return era * 146097 + doe - 719468;
}

static struct fields
split(double t)
{
    struct fields f;
    int64_t day = (int64_t)floor(t / MS_DAY), ms = (int64_t)(t - (double)day * MS_DAY);
    int64_t z = day + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365,
        doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    f.day = (int)(doy - (153 * mp + 2) / 5 + 1);
    f.month = (int)(mp < 10 ? mp + 2 : mp - 10); /* 0..11 */
    f.year = yoe + era * 400 + (f.month <= 1);
    f.hour = (int)(ms / 3600000);
    f.min = (int)(ms / 60000 % 60);
    f.sec = (int)(ms / 1000 % 60);
    f.ms = (int)(ms % 1000);
    f.wday = (int)(((day + 4) % 7 + 7) % 7);
    return f;
}

/* Any fields, also out of range, to a time value. month 0..11 */
static double
join(double y, double mo, double d, double h, double mi, double s, double ms)
{
    if (!isfinite(y) || !isfinite(mo) || !isfinite(d) || !isfinite(h) || !isfinite(mi) ||
        !isfinite(s) || !isfinite(ms)) {
        return (double)NAN;
    }
    double ym = trunc(y) + floor(trunc(mo) / 12), mn = trunc(mo) - floor(trunc(mo) / 12) * 12;
    if (fabs(ym) > 400000) {
        return (double)NAN;
    }
    double day = days_from_civil(ym, (int)mn + 1, 1) + trunc(d) - 1;
    return day * MS_DAY + trunc(h) * 3600000 + trunc(mi) * 60000 + trunc(s) * 1000 + trunc(ms);
}

static double
clip(double t)
{
    return isfinite(t) && fabs(t) <= 8.64e15 ? trunc(t) + 0.0 : (double)NAN;
}

/* Offset of local time from UTC in ms at the UTC time t. */
static double
offset_at(double t)
{
    time_t s = (time_t)floor(t / 1000);
    struct tm tm;
    return localtime_r(&s, &tm) ? (double)tm.tm_gmtoff * 1000 : 0;
}

static double
to_utc(double local)
{
    if (!isfinite(local)) {
        return local;
    }
    double t = local - offset_at(local);
    return local - offset_at(t);
}

static double *
time_of(struct tbe_x *x, tbe_val v)
{
    if (v.t != TBE_DATE) {
        tbe_j_throw(x, "TypeError", "this is not a Date object.");
    }
    return &((struct js_date *)v.u.p)->t;
}

tbe_val
js_date_new(struct tbe_x *x, double t)
{
    struct js_date *d = tbe_arena_alloc(x->a, sizeof(*d));
    d->t = clip(t);
    return (tbe_val){ .t = TBE_DATE, .u = { .p = d } };
}

static double
now(const struct tbe_x *x)
{
    return (double)(x->now != 0 ? x->now : clock_ms());
}

/* ---- text ---- */

struct tbe_str
js_date_iso(struct tbe_x *x, double t)
{
    struct fields f = split(t);
    const char *fmt = f.year < 0 ? "-%06lld-%02d-%02dT%02d:%02d:%02d.%03dZ" :
        f.year > 9999 ? "+%06lld-%02d-%02dT%02d:%02d:%02d.%03dZ" :
            "%04lld-%02d-%02dT%02d:%02d:%02d.%03dZ";
    return tbe_arena_fmt(x->a, fmt, (long long)(f.year < 0 ? -f.year : f.year), f.month + 1, f.day,
        f.hour, f.min,
        f.sec, f.ms);
}

static struct tbe_str
date_part(struct tbe_x *x, struct fields f)
{
    return tbe_arena_fmt(x->a, "%s %s %02d %04lld", days[f.wday], months[f.month], f.day,
        (long long)f.year);
}

static struct tbe_str
time_part(struct tbe_x *x, double t, struct fields f)
{
    double off = offset_at(t) / 60000;
    time_t s = (time_t)floor(t / 1000);
    struct tm tm;
    char zone[64] = "UTC";
    if (localtime_r(&s, &tm) != NULL && strftime(zone, sizeof(zone), "%Z", &tm) == 0) {
        zone[0] = '\0';
    }
    bool utc = off == 0 && (strcmp(zone, "UTC") == 0 || strcmp(zone, "GMT") == 0);
    int a = (int)fabs(off);
    return tbe_arena_fmt(x->a, "%02d:%02d:%02d GMT%c%02d%02d (%s)", f.hour, f.min, f.sec, off < 0 ?
        '-' : '+', a / 60,
        a % 60, utc ? "Coordinated Universal Time" : zone);
}

struct tbe_str
js_date_to_text(struct tbe_x *x, double t)
{
    if (isnan(t)) {
        return TBE_STR("Invalid Date");
    }
    struct fields f = split(t + offset_at(t));
    struct tbe_str d = date_part(x, f), z = time_part(x, t, f);
    return tbe_arena_fmt(x->a, "%.*s %.*s", (int)d.n, d.p, (int)z.n, z.p);
}

enum form { DATE_STRING, TIME_STRING, UTC_STRING, ISO_STRING, LOCALE, LOCALE_DATE, LOCALE_TIME,
    FULL };

static tbe_val
text(struct tbe_x *x, tbe_val self, enum form form)
{
    double t = *time_of(x, self);
    if (isnan(t)) {
        if (form == ISO_STRING) {
            tbe_j_throw(x, "RangeError", "Invalid time value");
        }
        return TBE_LIT("Invalid Date");
    }
    struct fields f = split(form == UTC_STRING ? t : t + offset_at(t));
    int h12 = f.hour % 12 == 0 ? 12 : f.hour % 12;
    const char *half = f.hour < 12 ? "AM" : "PM";
    switch (form) {
    case DATE_STRING:
        return tbe_strv(date_part(x, f));
    case TIME_STRING:
        return tbe_strv(time_part(x, t, f));
    case UTC_STRING:
        return tbe_strv(tbe_arena_fmt(x->a, "%s, %02d %s %04lld %02d:%02d:%02d GMT", days[f.wday],
            f.day, months[f.month],
            (long long)f.year, f.hour, f.min, f.sec));
    case ISO_STRING:
        return tbe_strv(js_date_iso(x, t));
    case LOCALE_DATE:
        return tbe_strv(tbe_arena_fmt(x->a, "%d/%d/%lld", f.month + 1, f.day, (long long)f.year));
    case LOCALE_TIME:
        return tbe_strv(tbe_arena_fmt(x->a, "%d:%02d:%02d %s", h12, f.min, f.sec, half));
    case LOCALE:
        return tbe_strv(tbe_arena_fmt(x->a, "%d/%d/%lld, %d:%02d:%02d %s", f.month + 1, f.day,
            (long long)f.year,
            h12, f.min, f.sec, half));
    default:
        return tbe_strv(js_date_to_text(x, t));
    }
}

#define TEXT(fn, form) \
    static tbe_val d_##fn(ARGS) { (void)argc; (void)argv; return text(x, self, form); }
TEXT(to_string, FULL)
TEXT(to_date_string, DATE_STRING)
TEXT(to_time_string, TIME_STRING)
TEXT(to_utc_string, UTC_STRING)
TEXT(to_iso, ISO_STRING)
TEXT(to_locale, LOCALE)
TEXT(to_locale_date, LOCALE_DATE)
TEXT(to_locale_time, LOCALE_TIME)

static tbe_val
d_to_json(ARGS)
{
    (void)argc;
    (void)argv;
    return isnan(*time_of(x, self)) ? TBE_NULL_VAL : text(x, self, ISO_STRING);
}

/* ---- reading text ---- */

static const char *
digits(const char *p, const char *e, int min, int max, double *out)
{
    int n = 0;
    *out = 0;
    while (p < e && n < max && *p >= '0' && *p <= '9') {
        *out = *out * 10 + (*p++ - '0');
        n++;
    }
    return n >= min ? p : NULL;
}

/* [+-hh:mm | +-hhmm | Z] at p; *off in minutes. NULL = no zone there. */
static const char *
zone(const char *p, const char *e, double *off)
{
    double h, m;
    if (p < e && (*p | 32) == 'z') {
        *off = 0;
        return p + 1;
    }
    if (p >= e || (*p != '+' && *p != '-')) {
        return NULL;
    }
    int sign = *p == '-' ? -1 : 1;
    const char *q = digits(p + 1, e, 2, 2, &h);
    if (q == NULL) {
        return NULL;
    }
    if (q < e && *q == ':') {
        q++;
    }
    q = digits(q, e, 2, 2, &m);
    *off = sign * (h * 60 + (q ? m : 0));
    return q;
}

static bool
parse_iso(struct tbe_str s, double *t)
{
    const char *p = s.p, *e = s.p + s.n;
    double y, mo = 1, d = 1, h = 0, mi = 0, sec = 0, ms = 0, off = 0;
    bool neg = p < e && *p == '-', ext = neg || (p < e && *p == '+'), time = false, zoned = false;
    p = digits(ext ? p + 1 : p, e, ext ? 6 : 4, ext ? 6 : 4, &y);
    if (p != NULL && p < e && *p == '-' && (p = digits(p + 1, e, 2, 2, &mo)) != NULL && p < e &&
        *p == '-') {
        p = digits(p + 1, e, 2, 2, &d);
    }
    if (p != NULL && p < e && (*p == 'T' || *p == 't' || *p == ' ')) {
        time = true;
        p = digits(p + 1, e, 2, 2, &h);
        p = p && p < e && *p == ':' ? digits(p + 1, e, 2, 2, &mi) : NULL;
        if (p && p < e && *p == ':') {
            p = digits(p + 1, e, 2, 2, &sec);
            if (p && p < e && (*p == '.' || *p == ',')) {
                double scale = 100;
                for (p++; p < e && *p >= '0' && *p <= '9'; p++, scale /= 10) {
                    ms += (*p - '0') * scale;
                }
                ms = floor(ms + 1e-6);
            }
        }
        const char *z = p ? zone(p, e, &off) : NULL;
        if (z != NULL) {
            zoned = true;
            p = z;
        }
    }
    if (p != e || mo < 1 || mo > 12 || d < 1 || d > 31 || h > 24 || mi > 59 || sec > 59 ||
        (h == 24 && (mi || sec || ms))) {
        return false;
    }
    *t = join(neg ? -y : y, mo - 1, d, h, mi, sec, ms) - off * 60000;
    if (split(join(neg ? -y : y, mo - 1, d, 0, 0, 0, 0)).day != (int)d && !time) {
        return false;
    }
    if (time && !zoned) {
        *t = to_utc(*t);
    }
    return true;
}

static int
month_name(const char *p, const char *e)
{
    for (int i = 0; i < 12 && e - p >= 3; i++) {
        if ((p[0] | 32) == (months[i][0] | 32) && (p[1] | 32) == months[i][1] &&
            (p[2] | 32) == months[i][2]) {
            return i;
        }
    }
    return -1;
}

/* The free form engines accept: "Nov 14, 2023 10:00:00", "14 Nov 2023", "2023/11/14",
 * "11/14/2023 10:00 PM". */
static double
parse_free(struct tbe_str s)
{
    const char *p = s.p, *e = s.p + s.n;
    double num[3], v, h = 0, mi = 0, sec = 0, ms = 0, off = 0;
    int n = 0, month = -1;
    bool zoned = false, pm = false, am = false;
    while (p < e) {
        if (*p >= '0' && *p <= '9') {
            const char *q = digits(p, e, 1, 9, &v);
            if (q < e && *q == ':') {
                h = v;
                q = digits(q + 1, e, 1, 2, &mi);
                if (q && q < e && *q == ':') {
                    q = digits(q + 1, e, 1, 2, &sec);
                    if (q && q < e && *q == '.') {
                        const char *f = q + 1;
                        q = digits(f, e, 1, 3, &ms);
                        for (int64_t k = q ? q - f : 3; k < 3; k++) {
                            ms *= 10;
                        }
                    }
                }
                if (q == NULL) {
                    return (double)NAN;
                }
            } else if (n < 3) {
                num[n++] = v;
            } else {
                return (double)NAN;
            }
            p = q;
        } else if ((*p == '+' || *p == '-') && n == 3 && zone(p, e, &v) != NULL) {
            off = v;
            zoned = true;
            p = zone(p, e, &v);
        } else if (*p == '(') {
            while (p < e && *p != ')') {
                p++;
            }
            p += p < e;
        } else if ((*p | 32) >= 'a' && (*p | 32) <= 'z') {
            const char *q = p;
            while (q < e && (*q | 32) >= 'a' && (*q | 32) <= 'z') {
                q++;
            }
            struct tbe_str w = { p, (size_t)(q - p) };
            bool wday = false;
            for (int i = 0; i < 7; i++) {
                wday = wday || (w.n >= 3 && strncmp(p, days[i], 3) == 0);
            }
            if (month < 0 && month_name(p, q) >= 0) {
                month = month_name(p, q);
            } else if (tbe_str_ieq(w, TBE_STR("GMT")) || tbe_str_ieq(w, TBE_STR("UTC")) ||
                tbe_str_ieq(w, TBE_STR("Z"))) {
                zoned = true;
            } else if (tbe_str_ieq(w, TBE_STR("PM")) || tbe_str_ieq(w, TBE_STR("AM"))) {
                pm = (*p | 32) == 'p';
                am = !pm;
            } else if (!wday && !(w.n == 1 && (*p | 32) == 't' && n == 3)) {
                return (double)NAN;
            }
            p = q;
        } else if (strchr(" ,/-.", *p) != NULL) {
            p++;
        } else {
            return (double)NAN;
        }
    }
    double y, d;
    if (month >= 0 && n == 2) {
        d = num[0] > 31 ? num[1] : num[0];
        y = num[0] > 31 ? num[0] : num[1];
    } else if (month < 0 && n == 3) {
        bool first = num[0] > 31;
        y = first ? num[0] : num[2];
        month = (int)(first ? num[1] : num[0]) - 1;
        d = first ? num[2] : num[1];
    } else {
        return (double)NAN;
    }
    if (month < 0 || month > 11 || d < 1 || d > 31 || h > 24 || mi > 59 || sec > 59) {
        return (double)NAN;
    }
    y += y < 50 ? 2000 : y < 100 ? 1900 : 0;
    h = pm && h < 12 ? h + 12 : am && h == 12 ? 0 : h;
    double t = join(y, month, d, h, mi, sec, ms);
    return zoned ? t - off * 60000 : to_utc(t);
}

static double
parse(struct tbe_str s)
{
    double t;
    s = js_trim(s, true, true);
    return s.n == 0 ? (double)NAN : clip(parse_iso(s, &t) ? t : parse_free(s));
}

/* ---- making ---- */

static double
from_args(struct tbe_x *x, int argc, const tbe_val *argv)
{
    double v[7] = { 0, 0, 1, 0, 0, 0, 0 };
    for (int i = 0; i < 7 && i < argc; i++) {
        v[i] = tbe_j_num(x, argv[i]);
    }
    if (trunc(v[0]) >= 0 && trunc(v[0]) <= 99) {
        v[0] = 1900 + trunc(v[0]);
    }
    return join(v[0], v[1], v[2], v[3], v[4], v[5], v[6]);
}

tbe_val
js_date_construct(struct tbe_x *x, int argc, const tbe_val *argv)
{
    if (argc == 0) {
        return js_date_new(x, now(x));
    }
    if (argc > 1) {
        return js_date_new(x, to_utc(from_args(x, argc, argv)));
    }
    if (argv[0].t == TBE_DATE) {
        return js_date_new(x, *time_of(x, argv[0]));
    }
    tbe_val p = tbe_j_prim(x, argv[0], false);
    return js_date_new(x, p.t == TBE_STR_T ? parse(tbe_val_str(p)) : tbe_j_num(x, p));
}

tbe_val
tbe_j_date_text(struct tbe_x *x, int argc, const tbe_val *argv)
{
    (void)argc;
    (void)argv;
    return tbe_strv(js_date_to_text(x, now(x)));
}

tbe_val
tbe_j_date_now(struct tbe_x *x, int argc, const tbe_val *argv)
{
    (void)argc;
    (void)argv;
    return tbe_double(now(x));
}

tbe_val
tbe_j_date_parse(struct tbe_x *x, int argc, const tbe_val *argv)
{
    return tbe_double(parse(tbe_j_text(x, js_arg(argc, argv, 0))));
}

tbe_val
tbe_j_date_utc(struct tbe_x *x, int argc, const tbe_val *argv)
{
    return tbe_double(argc == 0 ? (double)NAN : clip(from_args(x, argc, argv)));
}

/* ---- getters and setters ---- */

enum part { YEAR, MONTH, DAY, HOUR, MIN, SEC, MS, WDAY };

static tbe_val
get(struct tbe_x *x, tbe_val self, enum part p, bool utc)
{
    double t = *time_of(x, self);
    if (isnan(t)) {
        return tbe_double(t);
    }
    struct fields f = split(utc ? t : t + offset_at(t));
    const double v[] = { (double)f.year, f.month, f.day, f.hour, f.min, f.sec, f.ms, f.wday };
    return tbe_double(v[p]);
}

/* setX(a, b...): the part and those after it. */
static tbe_val
set(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv, enum part p, int max, bool utc)
{
    double *t = time_of(x, self), base = isnan(*t) ? 0 : *t;
    struct fields f = split(utc ? base : base + offset_at(base));
    double v[] = { (double)f.year, f.month, f.day, f.hour, f.min, f.sec, f.ms };
    for (int i = 0; i < max && i < argc; i++) {
        v[(int)p + i] = tbe_j_num(x, argv[i]);
    }
    if (argc == 0 || (isnan(*t) && p != YEAR)) {
        *t = (double)NAN;
    } else {
        double r = join(v[0], v[1], v[2], v[3], v[4], v[5], v[6]);
        *t = clip(utc ? r : to_utc(r));
    }
    return tbe_double(*t);
}

#define GET(fn, part)                                                                              \
    static tbe_val d_get_##fn(ARGS) { (void)argc; (void)argv; return get(x, self, part, false); }  \
    static tbe_val d_get_utc_##fn(ARGS) { (void)argc; (void)argv; return get(x, self, part, true); }
#define SET(fn, part, max)                                                                         \
    static tbe_val d_set_##fn(ARGS) { return set(x, self, argc, argv, part, max, false); }         \
    static tbe_val d_set_utc_##fn(ARGS) { return set(x, self, argc, argv, part, max, true); }
GET(year, YEAR)
GET(month, MONTH)
GET(date, DAY)
GET(hours, HOUR)
GET(minutes, MIN)
GET(seconds, SEC)
GET(ms, MS)
GET(day, WDAY)
SET(year, YEAR, 3)
SET(month, MONTH, 2)
SET(date, DAY, 1)
SET(hours, HOUR, 4)
SET(minutes, MIN, 3)
SET(seconds, SEC, 2)
SET(ms, MS, 1)

static tbe_val
d_get_time(ARGS)
{
    (void)argc;
    (void)argv;
    return tbe_double(*time_of(x, self));
}

static tbe_val
d_set_time(ARGS)
{
    double *t = time_of(x, self);
    *t = clip(tbe_j_num(x, js_arg(argc, argv, 0)));
    return tbe_double(*t);
}

static tbe_val
d_zone_offset(ARGS)
{
    double t = *time_of(x, self);
    (void)argc;
    (void)argv;
    return tbe_double(isnan(t) ? t : -offset_at(t) / 60000 + 0.0);
}

static tbe_val
d_short_year(ARGS)
{
    tbe_val y = d_get_year(x, self, argc, argv);
    return tbe_double(y.u.d - 1900);
}

tbe_fn *
js_date_method(struct tbe_str name)
{
    static const struct js_method t[] = { { "getDate", d_get_date }, { "getDay", d_get_day },
        { "getFullYear", d_get_year }, { "getHours", d_get_hours }, { "getMilliseconds", d_get_ms },
        { "getMinutes", d_get_minutes }, { "getMonth", d_get_month },
        { "getSeconds", d_get_seconds },
        { "getTime", d_get_time }, { "getTimezoneOffset", d_zone_offset },
        { "getUTCDate", d_get_utc_date },
        { "getUTCDay", d_get_utc_day }, { "getUTCFullYear", d_get_utc_year },
        { "getUTCHours", d_get_utc_hours },
        { "getUTCMilliseconds", d_get_utc_ms }, { "getUTCMinutes", d_get_utc_minutes },
        { "getUTCMonth", d_get_utc_month }, { "getUTCSeconds", d_get_utc_seconds },
        { "getYear", d_short_year },
        { "setDate", d_set_date }, { "setFullYear", d_set_year }, { "setHours", d_set_hours },
        { "setMilliseconds", d_set_ms }, { "setMinutes", d_set_minutes },
        { "setMonth", d_set_month },
        { "setSeconds", d_set_seconds }, { "setTime", d_set_time },
        { "setUTCDate", d_set_utc_date },
        { "setUTCFullYear", d_set_utc_year }, { "setUTCHours", d_set_utc_hours },
        { "setUTCMilliseconds", d_set_utc_ms }, { "setUTCMinutes", d_set_utc_minutes },
        { "setUTCMonth", d_set_utc_month }, { "setUTCSeconds", d_set_utc_seconds },
        { "toDateString", d_to_date_string }, { "toGMTString", d_to_utc_string },
        { "toISOString", d_to_iso },
        { "toJSON", d_to_json }, { "toLocaleDateString", d_to_locale_date },
        { "toLocaleString", d_to_locale },
        { "toLocaleTimeString", d_to_locale_time }, { "toString", d_to_string },
        { "toTimeString", d_to_time_string },
        { "toUTCString", d_to_utc_string }, { "valueOf", d_get_time } };
    return js_find_method(t, sizeof(t) / sizeof(t[0]), name);
}
