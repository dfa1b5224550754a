/* SPDX-License-Identifier: Apache-2.0 */
/* TBEL's Date: calendar arithmetic and the reading of dates (facts/tbel.md 12). */
#include "config.h"
#include "tbel_calendar.h"

#include <stdio.h>
#include <string.h>

const char *const tbel_month_names[12] = { "January", "February", "March", "April", "May", "June",
    "July",
    "August", "September", "October", "November", "December" };
const char *const tbel_day_names[7] = { "Monday", "Tuesday", "Wednesday", "Thursday", "Friday",
    "Saturday",
    "Sunday" };

/* ---- calendar ---- */

int64_t
tbel_floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}

static int64_t
days_of(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = tbel_floor_div(y, 400);
    int64_t yoe = y - era * 400, doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void
civil_of(int64_t days, struct civil *c)
{
    days += 719468;
    int64_t era = tbel_floor_div(days, 146097), doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    c->d = (int)(doy - (153 * mp + 2) / 5 + 1);
    c->mo = (int)(mp < 10 ? mp + 3 : mp - 9);
    c->y = yoe + era * 400 + (c->mo <= 2);
}

struct civil
tbel_split(int64_t ms, const struct tbel_zone *z)
{
    struct civil c;
    int64_t sec = tbel_floor_div(ms, 1000);
    c.ms = (int)(ms - sec * 1000);
    sec += tbel_zone_offset(z, sec);
    int64_t days = tbel_floor_div(sec, 86400), rest = sec - days * 86400;
    civil_of(days, &c);
    c.h = (int)(rest / 3600);
    c.mi = (int)(rest / 60 % 60);
    c.s = (int)(rest % 60);
    return c;
}

int64_t
tbel_join(const struct civil *c, const struct tbel_zone *z)
{
    int64_t sec = days_of(c->y, c->mo, c->d) * 86400 + c->h * 3600 + c->mi * 60 + c->s;
    return tbel_zone_to_utc(z, sec) * 1000 + c->ms;
}

int
tbel_month_days(int64_t y, int m)
{
    static const uint8_t n[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    return m == 2 && leap ? 29 : n[m - 1];
}

int
tbel_week_day(const struct civil *c) /* 1 = Monday */
{
    int64_t d = days_of(c->y, c->mo, c->d) + 3;
    return (int)(d - tbel_floor_div(d, 7) * 7) + 1;
}

/* Throws what java.time says of a field out of its range. */
void
tbel_check(struct tbe_x *x, const struct civil *c)
{
    const struct {
        const char *name;
        int64_t v, lo, hi;
    } f[] = { { "Year", c->y, -200000, 200000 }, { "MonthOfYear", c->mo, 1, 12 },
        { "DayOfMonth", c->d, 1, 31 },
              { "HourOfDay", c->h, 0, 23 }, { "MinuteOfHour", c->mi, 0, 59 },
              { "SecondOfMinute", c->s, 0, 59 },
              { "NanoOfSecond", c->ms, 0, 999 } };
    for (size_t i = 0; i < sizeof(f) / sizeof(f[0]); i++) {
        if (f[i].v < f[i].lo || f[i].v > f[i].hi) {
            if (i == 2) {
                tbe_throw(x, "Invalid value for DayOfMonth (valid values 1 - 28/31): %lld",
                    (long long)f[i].v);
            }
            tbe_throw(x, "Invalid value for %s (valid values %lld - %lld): %lld", f[i].name,
                (long long)f[i].lo,
                      (long long)f[i].hi, (long long)f[i].v);
        }
    }
    if (c->d > tbel_month_days(c->y, c->mo)) {
        char name[16];
        size_t n = strlen(tbel_month_names[c->mo - 1]);
        for (size_t i = 0; i <= n; i++) {
            char ch = tbel_month_names[c->mo - 1][i];
            name[i] = ch >= 'a' && ch <= 'z' ? (char)(ch - 32) : ch;
        }
        if (c->mo == 2 && c->d == 29) {
            tbe_throw(x, "Invalid date 'February 29' as '%lld' is not a leap year",
                (long long)c->y);
        }
        tbe_throw(x, "Invalid date '%s %d'", name, c->d);
    }
}

tbe_val
tbel_make(struct tbe_x *x, int64_t ms)
{
    struct date *d = tbe_arena_alloc(x->a, sizeof(*d));
    if (ms > MAX_MS || ms < -MAX_MS) {
        tbe_throw(x, "java.time.DateTimeException: Instant exceeds minimum or maximum instant");
    }
    d->ms = ms;
    return (tbe_val){ .t = TBE_DATE, .u = { .p = d } };
}

int64_t
tbel_ms_of(tbe_val v)
{
    return ((const struct date *)v.u.p)->ms;
}

void
tbel_set_ms(struct tbe_x *x, tbe_val v, int64_t ms)
{
    ((struct date *)v.u.p)->ms = tbel_ms_of(tbel_make(x, ms));
}

/* ---- parsing ---- */

struct reader {
    struct tbe_str s;
    size_t i;
};

/* From min to max digits. */
static bool
digits(struct reader *r, int min, int max, int *out)
{
    int n = 0, v = 0;
    while (n < max && r->i < r->s.n && r->s.p[r->i] >= '0' && r->s.p[r->i] <= '9') {
        v = v * 10 + (r->s.p[r->i++] - '0');
        n++;
    }
    *out = v;
    return n >= min;
}

static bool
ch(struct reader *r, char c)
{
    if (r->i < r->s.n && r->s.p[r->i] == c) {
        r->i++;
        return true;
    }
    return false;
}

static bool
valid(const struct civil *c)
{
    return c->mo >= 1 && c->mo <= 12 && c->d >= 1 && c->d <= tbel_month_days(c->y, c->mo) &&
        c->h <= 23 &&
           c->mi <= 59 && c->s <= 59;
}

static bool
fraction(struct reader *r, int *ms)
{
    int n = 0, v = 0;
    while (r->i < r->s.n && r->s.p[r->i] >= '0' && r->s.p[r->i] <= '9') {
        v = n < 3 ? v * 10 + (r->s.p[r->i] - '0') : v;
        n++;
        r->i++;
    }
    for (int k = n; k < 3; k++) {
        v *= 10;
    }
    *ms = v;
    return n > 0 && n <= 9;
}

static bool
rest_zone(struct reader *r, struct tbel_zone *z)
{
    while (r->i < r->s.n && r->s.p[r->i] == ' ') {
        r->i++;
    }
    if (r->i == r->s.n) {
        return true; /* as it was */
    }
    struct tbe_str name = { r->s.p + r->i, r->s.n - r->i };
    r->i = r->s.n;
    return tbel_zone_find(name, z);
}

/* yyyy-MM-dd, space or T, HH:mm[:ss[.SSS]], zone or nothing */
bool
tbel_parse_iso(struct tbe_str s, struct tbel_zone z, int64_t *ms)
{
    struct reader r = { s, 0 };
    struct civil c = { 0 };
    int y;
    if (!digits(&r, 4, 4, &y) || !ch(&r, '-') || !digits(&r, 2, 2, &c.mo) || !ch(&r, '-') ||
        !digits(&r, 2, 2, &c.d) || (!ch(&r, 'T') && !ch(&r, ' ')) || !digits(&r, 2, 2, &c.h) ||
        !ch(&r, ':') ||
        !digits(&r, 2, 2, &c.mi)) {
        return false;
    }
    if (ch(&r, ':')) {
        if (!digits(&r, 2, 2, &c.s) || (ch(&r, '.') && !fraction(&r, &c.ms))) {
            return false;
        }
    }
    c.y = y;
    if (!rest_zone(&r, &z) || !valid(&c)) {
        return false;
    }
    *ms = tbel_join(&c, &z);
    return true;
}

/* The number of a name in a table, by its first three letters or whole; 0 = none. */
static int
name_at(struct reader *r, const char *const *names, int n, bool full)
{
    for (int i = 0; i < n; i++) {
        size_t len = full ? strlen(names[i]) : 3;
        if (r->s.n - r->i >= len && tbe_str_ieq((struct tbe_str){ r->s.p + r->i, len },
                                               (struct tbe_str){ names[i], len })) {
            r->i += len;
            return i + 1;
        }
    }
    return 0;
}

/* [EEE, ]d MMM yyyy HH:mm[:ss] zone */
static bool
parse_rfc1123(struct tbe_str s, int64_t *ms)
{
    struct reader r = { s, 0 };
    struct civil c = { 0 };
    struct tbel_zone z = local_zone;
    int y;
    if (name_at(&r, tbel_day_names, 7, false) && (!ch(&r, ',') || !ch(&r, ' '))) {
        return false;
    }
    if (!digits(&r, 1, 2, &c.d) || !ch(&r, ' ') || (c.mo = name_at(&r, tbel_month_names, 12,
        false)) == 0 ||
        !ch(&r, ' ') || !digits(&r, 4, 4, &y) || !ch(&r, ' ') || !digits(&r, 2, 2, &c.h) ||
        !ch(&r, ':') ||
        !digits(&r, 2, 2, &c.mi) || (ch(&r, ':') && !digits(&r, 2, 2, &c.s)) ||
        !rest_zone(&r, &z)) {
        return false;
    }
    c.y = y;
    if (!valid(&c)) {
        return false;
    }
    *ms = tbel_join(&c, &z);
    return true;
}

/* A java.time pattern: letters y M d H h m s S a E X x Z z V and quoted text. Needs a time of
 * day unless `date_only`. */
bool
tbel_parse_pattern(struct tbe_str s, struct tbe_str p, struct tbel_zone z, bool date_only,
    int64_t *ms)
{
    struct reader r = { s, 0 };
    struct civil c = { .y = 1970, .mo = 1, .d = 1 };
    bool time = false, ok = true;
    int pm = -1, v;
    for (size_t i = 0; ok && i < p.n;) {
        char l = p.p[i];
        size_t n = 1;
        while (i + n < p.n && p.p[i + n] == l) {
            n++;
        }
        int w = n > 1 ? (int)n : 1, max = n > 1 ? (int)n : 9;
        switch (l) {
        case 'y':
        case 'u':
            ok = digits(&r, n == 2 ? 2 : 4, n == 2 ? 2 : 4, &v);
            c.y = n == 2 ? 2000 + v : v;
            break;
        case 'M':
        case 'L':
            if (n >= 3) {
                ok = (c.mo = name_at(&r, tbel_month_names, 12, n > 3)) > 0;
            } else {
                ok = digits(&r, w, n > 1 ? 2 : 2, &c.mo);
            }
            break;
        case 'd':
            ok = digits(&r, w, 2, &c.d);
            break;
        case 'H':
        case 'h':
        case 'k':
            ok = digits(&r, w, 2, &c.h);
            time = true;
            break;
        case 'm':
            ok = digits(&r, w, 2, &c.mi);
            break;
        case 's':
            ok = digits(&r, w, 2, &c.s);
            break;
        case 'S':
            ok = digits(&r, w, max, &v);
            for (size_t k = n; k < 3; k++) {
                v *= 10;
            }
            for (size_t k = 3; k < n; k++) {
                v /= 10;
            }
            c.ms = v;
            break;
        case 'a':
            ok = r.i + 2 <= s.n && (s.p[r.i + 1] == 'M' || s.p[r.i + 1] == 'm');
            pm = ok && (s.p[r.i] == 'P' || s.p[r.i] == 'p');
            r.i += 2;
            break;
        case 'E':
            ok = name_at(&r, tbel_day_names, 7, n > 3) > 0;
            break;
        case 'X':
        case 'x':
        case 'Z':
        case 'z':
        case 'V': {
            size_t e = r.i;
            while (e < s.n && s.p[e] != ' ') {
                e++;
            }
            ok = tbel_zone_find((struct tbe_str){ s.p + r.i, e - r.i }, &z);
            r.i = e;
            break;
        }
        case '\'':
            for (i++; i < p.n && p.p[i] != '\''; i++) {
                ok = ok && ch(&r, p.p[i]);
            }
            n = 1;
            break;
        default:
            for (size_t k = 0; k < n; k++) {
                ok = ok && ch(&r, l);
            }
        }
        i += n;
    }
    c.h = pm >= 0 ? c.h % 12 + 12 * pm : c.h;
    if (!ok || r.i != s.n || !valid(&c) || (!time && !date_only)) {
        return false;
    }
    *ms = tbel_join(&c, &z);
    return true;
}

int64_t
tbel_parse_or_throw(struct tbe_x *x, int argc, const tbe_val *argv)
{
    struct tbe_str s = tbel_arg_str(x, argv[0]);
    struct tbel_zone z = local_zone;
    int64_t ms;
    bool ok;
    if (argc > 3 && !tbel_zone_find(tbel_arg_str(x, argv[3]), &z)) {
        tbe_throw(x, "Unknown time-zone ID");
    }
    if (argc > 1) {
        ok = tbel_parse_pattern(s, tbel_arg_str(x, argv[1]), z, false, &ms);
    } else {
        ok = s.n > 0 && s.p[0] >= '0' && s.p[0] <= '9' ? tbel_parse_iso(s, z, &ms) :
            parse_rfc1123(s, &ms);
    }
    if (!ok) {
        tbe_throw(x, "could not create constructor: Cannot parse value [%.*s] as instant", (int)s.n,
            s.p);
    }
    return ms;
}
