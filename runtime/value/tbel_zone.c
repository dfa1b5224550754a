/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones for TBEL's dates: fixed offsets, the machine's own, and the system's zoneinfo
 * files, which are read once and kept. Times after the last transition of a file keep its last
 * offset. */
#include "config.h"
#include "tbel_zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_ZONES 32
#define MAX_FILE 65536
#define MAX_NAME 48

struct zone_data {
    char name[MAX_NAME];
    uint32_t n;
    int64_t *at;
    int32_t *offset;
    int32_t first; /* before the first transition */
};

static _Thread_local struct zone_data *zones[MAX_ZONES];

static int64_t
be(const unsigned char *p, int n)
{
    uint64_t v = p[0] & 0x80 ? UINT64_MAX : 0;
    for (int i = 0; i < n; i++) {
        v = v << 8 | p[i];
    }
    return (int64_t)v;
}

/* The 64-bit block of a version 2 file (RFC 8536). */
static struct zone_data *
parse_tzif(const unsigned char *p, size_t size)
{
    if (size < 88 || memcmp(p, "TZif", 4) != 0 || p[4] < '2') {
        return NULL;
    }
    int64_t c[6];
    for (int i = 0; i < 6; i++) { /* isut, isstd, leap, time, type, char */
        c[i] = be(p + 20 + 4 * i, 4);
        if (c[i] < 0 || c[i] > MAX_FILE) {
            return NULL;
        }
    }
    size_t skip = 44 + (size_t)(c[3] * 5 + c[4] * 6 + c[5] + c[2] * 8 + c[1] + c[0]);
    if (skip + 44 > size || memcmp(p + skip, "TZif", 4) != 0) {
        return NULL;
    }
    p += skip;
    size -= skip;
    int64_t times = be(p + 32, 4), types = be(p + 36, 4);
    if (times < 0 || types < 1 || times > MAX_FILE || types > 256 ||
        44 + (size_t)times * 9 + (size_t)types * 6 > size) {
        return NULL;
    }
    struct zone_data *z = calloc(1, sizeof(*z));
    if (z != NULL) {
        z->at = calloc((size_t)times + 1, sizeof(*z->at));
        z->offset = calloc((size_t)times + 1, sizeof(*z->offset));
    }
    if (z == NULL || z->at == NULL || z->offset == NULL) {
        if (z != NULL) {
            free(z->at);
            free(z->offset);
            free(z);
        }
        return NULL;
    }
    const unsigned char *idx = p + 44 + times * 8, *ty = idx + times;
    z->n = (uint32_t)times;
    z->first = (int32_t)be(ty, 4);
    for (int64_t i = 0; i < times; i++) {
        unsigned k = idx[i] < types ? idx[i] : 0;
        z->at[i] = be(p + 44 + i * 8, 8);
        z->offset[i] = (int32_t)be(ty + k * 6, 4);
    }
    return z;
}

static struct zone_data *
load(const char *name)
{
    char path[MAX_NAME + 32];
    unsigned char *buf = malloc(MAX_FILE);
    struct zone_data *z = NULL;
    snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
    FILE *f = buf ? fopen(path, "rb") : NULL;
    if (f != NULL) {
        z = parse_tzif(buf, fread(buf, 1, MAX_FILE, f));
        fclose(f);
    }
    free(buf);
    if (z != NULL) {
        snprintf(z->name, sizeof(z->name), "%s", name);
    }
    return z;
}

/* [+-]H[H][:MM[:SS]] or [+-]HHMM */
static bool
fixed(struct tbe_str s, int32_t *out)
{
    int d[6] = { 0 }, n = 0;
    if (s.n < 2 || (s.p[0] != '+' && s.p[0] != '-')) {
        return false;
    }
    bool one = s.n == 2 || s.p[2] == ':';
    for (size_t i = 1; i < s.n; i++) {
        if (s.p[i] == ':') {
            continue;
        }
        if (s.p[i] < '0' || s.p[i] > '9' || n >= 6) {
            return false;
        }
        if (n == 0 && one) {
            n++;
        }
        d[n++] = s.p[i] - '0';
    }
    if (n % 2 != 0) {
        return false;
    }
    int32_t v = (d[0] * 10 + d[1]) * 3600 + (d[2] * 10 + d[3]) * 60 + d[4] * 10 + d[5];
    *out = s.p[0] == '-' ? -v : v;
    return v <= 18 * 3600;
}

bool
tbel_zone_find(struct tbe_str s, struct tbel_zone *out)
{
    *out = (struct tbel_zone){ TBEL_ZONE_FIXED, 0, NULL };
    if (tbe_str_eqz(s, "Z") || tbe_str_eqz(s, "UTC") || tbe_str_eqz(s, "GMT") ||
        tbe_str_eqz(s, "UT") ||
        tbe_str_eqz(s, "Etc/UTC")) {
        return true;
    }
    struct tbe_str o = s;
    if (s.n > 3 && (memcmp(s.p, "UTC", 3) == 0 || memcmp(s.p, "GMT", 3) == 0)) {
        o.p += 3;
        o.n -= 3;
    }
    if (fixed(o, &out->offset)) {
        return true;
    }
    if (s.n == 0 || s.n >= MAX_NAME || s.p[0] == '/' || s.p[0] == '.') {
        return false;
    }
    char name[MAX_NAME];
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            c == '/' ||
                  c == '_' || c == '-' || c == '+';
        if (!ok) {
            return false;
        }
        name[i] = c;
    }
    name[s.n] = '\0';
    size_t slot = MAX_ZONES;
    for (size_t i = 0; i < MAX_ZONES; i++) {
        if (zones[i] != NULL && strcmp(zones[i]->name, name) == 0) {
            *out = (struct tbel_zone){ TBEL_ZONE_FILE, 0, zones[i] };
            return true;
        }
        slot = zones[i] == NULL && slot == MAX_ZONES ? i : slot;
    }
    struct zone_data *z = load(name);
    if (z == NULL) {
        return false;
    }
    if (slot == MAX_ZONES) { /* full: the first goes */
        slot = 0;
        free(zones[0]->at);
        free(zones[0]->offset);
        free(zones[0]);
    }
    zones[slot] = z;
    *out = (struct tbel_zone){ TBEL_ZONE_FILE, 0, z };
    return true;
}

int32_t
tbel_zone_offset(const struct tbel_zone *z, int64_t sec)
{
    if (z->kind == TBEL_ZONE_FIXED) {
        return z->offset;
    }
    if (z->kind == TBEL_ZONE_LOCAL) {
        time_t t = (time_t)sec;
        struct tm tm;
        return localtime_r(&t, &tm) != NULL ? (int32_t)tm.tm_gmtoff : 0;
    }
    const struct zone_data *d = z->data;
    uint32_t lo = 0, hi = d->n;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (d->at[mid] <= sec) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo == 0 ? d->first : d->offset[lo - 1];
}

int64_t
tbel_zone_to_utc(const struct tbel_zone *z, int64_t local)
{
    int32_t before = tbel_zone_offset(z, local - 86400), after = tbel_zone_offset(z, local + 86400);
    if (tbel_zone_offset(z, local - before) == before) {
        return local - before; /* in an overlap the earlier offset, as java.time does */
    }
    if (tbel_zone_offset(z, local - after) == after) {
        return local - after;
    }
    return local - before; /* in a gap: shifted forward */
}
