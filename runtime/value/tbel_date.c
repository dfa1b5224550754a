/* SPDX-License-Identifier: Apache-2.0 */
/* TBEL's Date (facts/tbel.md 12): months are 1..12, days of the week 1..7 from Monday, setters
 * refuse what is out of range. Localized texts are those of en-US. */
#include "config.h"
#include "tbel_calendar.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

/* ---- making ---- */

static int64_t
full_year(int64_t y)
{
    return y >= 0 && y <= 69 ? y + 2000 : y >= 70 && y <= 99 ? y + 1900 : y;
}

tbe_val
tbe_t_date_new(struct tbe_x *x, int argc, const tbe_val *argv)
{
    if (argc == 0) {
        return tbel_make(x, clock_ms());
    }
    if (argv[0].t == TBE_STR_T && argc <= 4) {
        return tbel_make(x, tbel_parse_or_throw(x, argc, argv));
    }
    if (argc == 1) {
        if (argv[0].t == TBE_DATE) {
            return tbel_make(x, tbel_ms_of(argv[0]));
        }
        return tbel_make(x, tbel_arg_long(x, argv[0]));
    }
    struct tbel_zone z = local_zone;
    int n = argc;
    if (argv[argc - 1].t == TBE_STR_T) {
        struct tbe_str name = tbe_val_str(argv[--n]);
        if (!tbel_zone_find(name, &z)) {
            tbe_throw(x, "Unknown time-zone ID: %.*s", (int)name.n, name.p);
        }
    }
    if (n != 3 && (n < 5 || n > 7)) {
        tbe_throw(x, "unable to find constructor for: org.thingsboard.script.api.tbel.TbDate");
    }
    int32_t v[7] = { 0 };
    for (int i = 0; i < n; i++) {
        v[i] = tbel_arg_int(x, argv[i]);
    }
    struct civil c = { full_year(v[0]), v[1], v[2], v[3], v[4], v[5], v[6] };
    tbel_check(x, &c);
    return tbel_make(x, tbel_join(&c, &z));
}

tbe_val
tbe_t_date_now(struct tbe_x *x, int argc, const tbe_val *argv)
{
    (void)x;
    (void)argc;
    (void)argv;
    return tbe_long(clock_ms());
}

tbe_val
tbe_t_date_parse(struct tbe_x *x, int argc, const tbe_val *argv)
{
    int64_t ms;
    if (argc < 1 || argc > 2) {
        tbe_t_no_static(x, TBE_STR("Date"), TBE_STR("parse"), argc, argv);
    }
    struct tbe_str s = tbel_arg_str(x, argv[0]);
    bool ok = argc == 2 ? tbel_parse_pattern(s, tbel_arg_str(x, argv[1]), local_zone, true, &ms)
                        : tbel_parse_iso(s, local_zone, &ms);
    return tbe_long(ok ? ms : -1);
}

/* Fields count from the end of the unit before: month 0 is December of the year before, and so
 * on. */
tbe_val
tbe_t_date_utc(struct tbe_x *x, int argc, const tbe_val *argv)
{
    int32_t v[7] = { 0 };
    if (argc < 1 || argc > 7) {
        tbe_t_no_static(x, TBE_STR("Date"), TBE_STR("UTC"), argc, argv);
    }
    for (int i = 0; i < argc; i++) {
        v[i] = tbel_arg_int(x, argv[i]);
    }
    struct civil c = { v[0] == 0 ? 1899 : full_year(v[0]), v[1] == 0 ? 12 : v[1], v[2] == 0 ? 31 :
        v[2], v[3],
                       v[4], v[5], v[6] };
    tbel_check(x, &c);
    return tbe_long(tbel_join(&c, &utc_zone));
}

/* ---- text ---- */

static void
put_int(struct tbel_sb *b, int64_t v, size_t width)
{
    char buf[24];
    tbel_sb_put(b, buf, (size_t)snprintf(buf, sizeof(buf), "%0*lld", (int)(width < 20 ? width : 20),
        (long long)v));
}

static void
put_offset(struct tbel_sb *b, int32_t o, bool colon, bool zulu)
{
    if (o == 0 && zulu) {
        tbel_sb_c(b, 'Z');
        return;
    }
    tbel_sb_c(b, o < 0 ? '-' : '+');
    o = o < 0 ? -o : o;
    put_int(b, o / 3600, 2);
    if (colon) {
        tbel_sb_c(b, ':');
    }
    put_int(b, o / 60 % 60, 2);
}

static void
put_pattern(struct tbel_sb *b, struct tbe_str p, int64_t ms, const struct tbel_zone *z)
{
    struct civil c = tbel_split(ms, z);
    int32_t off = tbel_zone_offset(z, tbel_floor_div(ms, 1000));
    for (size_t i = 0; i < p.n;) {
        char l = p.p[i];
        size_t n = 1;
        while (i + n < p.n && p.p[i + n] == l) {
            n++;
        }
        switch (l) {
        case 'y':
        case 'u':
            put_int(b, n == 2 ? c.y % 100 : c.y, n);
            break;
        case 'M':
        case 'L':
            if (n >= 3) {
                tbel_sb_put(b, tbel_month_names[c.mo - 1], n == 3 ? 3 :
                    strlen(tbel_month_names[c.mo - 1]));
            } else {
                put_int(b, c.mo, n);
            }
            break;
        case 'd':
            put_int(b, c.d, n);
            break;
        case 'E':
            tbel_sb_put(b, tbel_day_names[tbel_week_day(&c) - 1], n <= 3 ? 3 :
                strlen(tbel_day_names[tbel_week_day(&c) - 1]));
            break;
        case 'H':
            put_int(b, c.h, n);
            break;
        case 'h':
            put_int(b, c.h % 12 == 0 ? 12 : c.h % 12, n);
            break;
        case 'm':
            put_int(b, c.mi, n);
            break;
        case 's':
            put_int(b, c.s, n);
            break;
        case 'S':
            for (size_t k = 0; k < n && k < 9; k++) {
                static const int div[] = { 100, 10, 1 };
                tbel_sb_c(b, (char)('0' + (k < 3 ? c.ms / div[k] % 10 : 0)));
            }
            break;
        case 'a':
            tbel_sb_z(b, c.h < 12 ? "AM" : "PM");
            break;
        case 'X':
        case 'x':
            put_offset(b, off, n == 3, l == 'X');
            break;
        case 'Z':
            put_offset(b, off, false, false);
            break;
        case 'z':
        case 'V':
        case 'v':
            if (off == 0) {
                tbel_sb_z(b, "UTC");
            } else {
                put_offset(b, off, true, false);
            }
            break;
        case '\'':
            for (i++; i < p.n && p.p[i] != '\''; i++) {
                tbel_sb_c(b, p.p[i]);
            }
            n = 1;
            break;
        default:
            tbel_sb_put(b, p.p + i, n);
        }
        i += n;
    }
}

static tbe_val
formatted(struct tbe_x *x, tbe_val d, const char *pattern, const struct tbel_zone *z)
{
    struct tbel_sb b;
    tbel_sb_init(&b, x, 64);
    put_pattern(&b, tbe_strz(pattern), tbel_ms_of(d), z);
    return tbel_sb_done(&b);
}

tbe_val
tbel_date_text(struct tbe_x *x, tbe_val d)
{
    struct tbel_zone z = local_zone;
    int32_t off = tbel_zone_offset(&z, tbel_floor_div(tbel_ms_of(d), 1000));
    return formatted(x, d, off == 0 ? "EEEE, MMMM d, y 'at' h:mm:ss a 'Coordinated Universal Time'"
                                    : "EEEE, MMMM d, y 'at' h:mm:ss a z", &z);
}

#define METHOD(name) static tbe_val name(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv)
#define UNUSED_ARGS (void)x, (void)argc, (void)argv

METHOD(d_iso)
{
    UNUSED_ARGS;
    return formatted(x, self, tbel_ms_of(self) % 1000 ? "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'" :
        "yyyy-MM-dd'T'HH:mm:ss'Z'",
                     &utc_zone);
}

METHOD(d_to_string)
{
    UNUSED_ARGS;
    return tbel_date_text(x, self);
}

/* kind: 0 date and time, 1 date, 2 time; options: zone id or JSON */
static tbe_val
localized(struct tbe_x *x, tbe_val self, int argc, const tbe_val *argv, int kind)
{
    static const char *const dates[] = { "EEEE, MMMM d, y", "MMMM d, y", "MMM d, y", "M/d/yy" };
    static const char *const times[] = { "h:mm:ss a z", "h:mm:ss a z", "h:mm:ss a", "h:mm a" };
    static const char *const styles[] = { "full", "long", "medium", "short" };
    struct tbel_zone z = local_zone;
    int ds = 3, ts = 2;
    if (argc == 0 && kind == 1) { /* the server's locale, not en-US */
        return formatted(x, self, "y MMM d, EEE", &z);
    }
    tbe_val o = argc > 1 ? argv[1] : TBE_NULL_VAL;
    struct tbe_str zone = TBE_STR_NONE;
    if (o.t == TBE_STR_T && o.n > 0 && o.u.s[0] == '{') {
        o = tbe_t_json_parse(x, 1, &o);
    }
    if (o.t == TBE_MAP) {
        tbe_val t = tbe_map_get(o.u.m, TBE_STR("timeZone")),
            p = tbe_map_get(o.u.m, TBE_STR("pattern"));
        tbe_val dv = tbe_map_get(o.u.m, TBE_STR("dateStyle")),
            tv = tbe_map_get(o.u.m, TBE_STR("timeStyle"));
        zone = t.t == TBE_STR_T ? tbe_val_str(t) : zone;
        if (zone.p != NULL && !tbel_zone_find(zone, &z)) {
            tbe_throw(x, "Unknown time-zone ID: %.*s", (int)zone.n, zone.p);
        }
        if (p.t == TBE_STR_T) {
            struct tbel_sb b;
            tbel_sb_init(&b, x, 64);
            put_pattern(&b, tbe_val_str(p), tbel_ms_of(self), &z);
            return tbel_sb_done(&b);
        }
        for (int i = 0; i < 4; i++) {
            ds = dv.t == TBE_STR_T && tbe_str_eqz(tbe_val_str(dv), styles[i]) ? i : ds;
            ts = tv.t == TBE_STR_T && tbe_str_eqz(tbe_val_str(tv), styles[i]) ? i : ts;
        }
    } else if (o.t == TBE_STR_T && o.n > 0) {
        zone = tbe_val_str(o);
        if (!tbel_zone_find(zone, &z)) {
            tbe_throw(x, "Unknown time-zone ID: %.*s", (int)zone.n, zone.p);
        }
    }
    tbe_val date = formatted(x, self, dates[ds], &z), time = formatted(x, self, times[ts], &z);
    if (kind != 0) {
        return kind == 1 ? date : time;
    }
    const char *sep = ds <= 1 ? " at " : ", ";
    return tbe_t_concat(x, tbe_t_concat(x, date, tbe_strv(tbe_strz(sep))), time);
}

METHOD(d_locale)
{
    return localized(x, self, argc, argv, 0);
}

METHOD(d_locale_date)
{
    return localized(x, self, argc, argv, 1);
}

METHOD(d_locale_time)
{
    return localized(x, self, argc, argv, 2);
}

METHOD(d_date_string)
{
    if (argc == 0) {
        return formatted(x, self, "y MMM d, EEE", &local_zone);
    }
    (void)argv;
    return formatted(x, self, "EEEE, MMMM d, y", &local_zone);
}

METHOD(d_time_string)
{
    UNUSED_ARGS;
    return formatted(x, self, "h:mm:ss a z", &local_zone);
}

METHOD(d_utc_string)
{
    UNUSED_ARGS;
    return formatted(x, self, "EEE, d MMM y HH:mm:ss 'GMT'", &utc_zone);
}

/* ---- getters ---- */

METHOD(d_time)
{
    UNUSED_ARGS;
    return tbe_long(tbel_ms_of(self));
}

METHOD(d_second)
{
    UNUSED_ARGS;
    return tbe_long(tbel_floor_div(tbel_ms_of(self), 1000));
}

#define GETTER(fn, zone, expr) \
    METHOD(fn) \
    { \
        UNUSED_ARGS; \
        struct civil c = tbel_split(tbel_ms_of(self), &zone); \
        return tbe_int((int32_t)(expr)); \
    }
#define GETTERS(field, expr) GETTER(d_get_##field, local_zone, expr) GETTER(d_get_utc_##field, utc_zone, expr)
GETTERS(year, c.y)
GETTERS(month, c.mo)
GETTERS(date, c.d)
GETTERS(day, tbel_week_day(&c))
GETTERS(hours, c.h)
GETTERS(minutes, c.mi)
GETTERS(seconds, c.s)
GETTERS(ms, c.ms)

/* ---- setters ---- */

enum field { F_YEAR, F_MONTH, F_DATE, F_HOURS, F_MINUTES, F_SECONDS, F_MS };

static tbe_val
set_fields(struct tbe_x *x, tbe_val self, const struct tbel_zone *z, enum field from, int argc,
    const tbe_val *argv)
{
    struct civil c = tbel_split(tbel_ms_of(self), z);
    int day = c.d;
    bool lift = argc == 1 && (from == F_MONTH || from == F_YEAR) && day > 28;
    if (lift) {
        c.d = 1;
    }
    for (int i = 0; i < argc; i++) {
        int32_t v = tbel_arg_int(x, argv[i]);
        switch ((int)from + i) {
        case F_YEAR: c.y = v; break;
        case F_MONTH: c.mo = v; break;
        case F_DATE: c.d = v; break;
        case F_HOURS: c.h = v; break;
        case F_MINUTES: c.mi = v; break;
        case F_SECONDS: c.s = v; break;
        default: c.ms = v; break;
        }
    }
    tbel_check(x, &c);
    int64_t ms = tbel_join(&c, z);
    tbel_set_ms(x, self, lift ? ms + (int64_t)(day - 1) * 86400000 : ms);
    return TBE_NULL_VAL;
}

#define SETTER(fn, zone, from) \
    METHOD(fn) \
    { \
        return set_fields(x, self, &zone, from, argc, argv); \
    }
#define SETTERS(field, from) SETTER(d_set_##field, local_zone, from) SETTER(d_set_utc_##field, utc_zone, from)
SETTERS(year, F_YEAR)
SETTERS(month, F_MONTH)
SETTERS(date, F_DATE)
SETTERS(hours, F_HOURS)
SETTERS(minutes, F_MINUTES)
SETTERS(seconds, F_SECONDS)
SETTERS(ms, F_MS)

METHOD(d_set_time)
{
    (void)argc;
    tbel_set_ms(x, self, tbel_arg_long(x, argv[0]));
    return TBE_NULL_VAL;
}

static tbe_val
add_ms(struct tbe_x *x, tbe_val self, const tbe_val *argv, int64_t unit)
{
    int64_t n = tbel_arg_long(x, argv[0]);
    if (n > MAX_MS / unit || n < -(MAX_MS / unit)) {
        tbe_throw(x, "java.time.DateTimeException: Instant exceeds minimum or maximum instant");
    }
    tbel_set_ms(x, self, tbel_ms_of(self) + n * unit);
    return TBE_NULL_VAL;
}

static tbe_val
add_months(struct tbe_x *x, tbe_val self, int64_t n)
{
    struct civil c = tbel_split(tbel_ms_of(self), &utc_zone);
    if (n > 3000000 || n < -3000000) {
        tbe_throw(x, "java.time.DateTimeException: Instant exceeds minimum or maximum instant");
    }
    int64_t m = c.y * 12 + c.mo - 1 + n;
    c.y = tbel_floor_div(m, 12);
    c.mo = (int)(m - c.y * 12) + 1;
    int last = tbel_month_days(c.y, c.mo);
    c.d = c.d > last ? last : c.d;
    tbel_set_ms(x, self, tbel_join(&c, &utc_zone));
    return TBE_NULL_VAL;
}

#define ADDER(fn, unit) \
    METHOD(fn) \
    { \
        (void)argc; \
        return add_ms(x, self, argv, unit); \
    }
ADDER(d_add_days, 86400000)
ADDER(d_add_weeks, 604800000)
ADDER(d_add_hours, 3600000)
ADDER(d_add_minutes, 60000)
ADDER(d_add_seconds, 1000)

METHOD(d_add_nanos)
{
    (void)argc;
    tbel_set_ms(x, self, tbel_ms_of(self) + tbel_floor_div(tbel_arg_long(x, argv[0]), 1000000));
    return TBE_NULL_VAL;
}

METHOD(d_add_months)
{
    (void)argc;
    return add_months(x, self, tbel_arg_int(x, argv[0]));
}

METHOD(d_add_years)
{
    (void)argc;
    return add_months(x, self, (int64_t)tbel_arg_int(x, argv[0]) * 12);
}

#define M(name, min, max, fn) { name, min, max, fn }
static const struct tbel_mdef date_methods[] = {
    M("addDays", 1, 1, d_add_days), M("addHours", 1, 1, d_add_hours),
    M("addMinutes", 1, 1, d_add_minutes),
    M("addMonths", 1, 1, d_add_months), M("addNanos", 1, 1, d_add_nanos),
    M("addSeconds", 1, 1, d_add_seconds),
    M("addWeeks", 1, 1, d_add_weeks), M("addYears", 1, 1, d_add_years),
    M("getDate", 0, 0, d_get_date),
    M("getDay", 0, 0, d_get_day), M("getFullYear", 0, 0, d_get_year),
    M("getHours", 0, 0, d_get_hours),
    M("getMilliseconds", 0, 0, d_get_ms), M("getMinutes", 0, 0, d_get_minutes),
    M("getMonth", 0, 0, d_get_month), M("getSeconds", 0, 0, d_get_seconds),
    M("getTime", 0, 0, d_time),
    M("getUTCDate", 0, 0, d_get_utc_date), M("getUTCDay", 0, 0, d_get_utc_day),
    M("getUTCFullYear", 0, 0, d_get_utc_year), M("getUTCHours", 0, 0, d_get_utc_hours),
    M("getUTCMilliseconds", 0, 0, d_get_utc_ms), M("getUTCMinutes", 0, 0, d_get_utc_minutes),
    M("getUTCMonth", 0, 0, d_get_utc_month), M("getUTCSeconds", 0, 0, d_get_utc_seconds),
    M("parseSecond", 0, 0, d_second), M("parseSecondMilli", 0, 0, d_time),
    M("setDate", 1, 1, d_set_date),
    M("setFullYear", 1, 3, d_set_year), M("setHours", 1, 4, d_set_hours),
    M("setMilliseconds", 1, 1, d_set_ms),
    M("setMinutes", 1, 3, d_set_minutes), M("setMonth", 1, 2, d_set_month),
    M("setSeconds", 1, 2, d_set_seconds),
    M("setTime", 1, 1, d_set_time), M("setUTCDate", 1, 1, d_set_utc_date),
    M("setUTCFullYear", 1, 3, d_set_utc_year), M("setUTCHours", 1, 4, d_set_utc_hours),
    M("setUTCMilliseconds", 1, 1, d_set_utc_ms), M("setUTCMinutes", 1, 3, d_set_utc_minutes),
    M("setUTCMonth", 1, 2, d_set_utc_month), M("setUTCSeconds", 1, 2, d_set_utc_seconds),
    M("toDateString", 0, 2, d_date_string), M("toISOString", 0, 0, d_iso), M("toJSON", 0, 0, d_iso),
    M("toLocaleDateString", 0, 2, d_locale_date), M("toLocaleString", 0, 2, d_locale),
    M("toLocaleTimeString", 0, 2, d_locale_time), M("toString", 0, 0, d_to_string),
    M("toTimeString", 0, 2, d_time_string), M("toUTCString", 0, 2, d_utc_string),
    M("valueOf", 0, 0, d_time),
};
const struct tbel_class tbel_date_class = { date_methods,
    sizeof(date_methods) / sizeof(date_methods[0]) };
