/* SPDX-License-Identifier: Apache-2.0 */
/* Stored points of devices as CSV or JSON lines. Works beside a running daemon and without one. */
#ifndef TBE_STORE_EXPORT_H
#define TBE_STORE_EXPORT_H

#include <stdio.h>
#include "store/store.h"

struct export_options {
    struct tbe_str device; /* name; absent: every device, by name */
    struct tbe_str key;    /* absent: every key */
    int64_t from, to;      /* ms, from <= ts < to */
    bool json;             /* one object a line; else CSV with a header line (RFC 4180, LF) */
};

/* Per device and key in order of time: device,key,ts,value and
 * {"device":..,"key":..,"ts":..,"value":..}. 0, or -1 and err: no data, unknown device, output
 * that cannot be written. */
int store_export(const char *dir, const struct export_options *o, FILE *out,
                 char err[256]) TBE_MUST_USE;
/* The same from an open store, in pieces of about 64 kB to put, which returns false to stop. Counts the
 * points. */
typedef bool store_export_fn(void *arg, const char *p, size_t n);
int store_export_to(struct store *s, const struct export_options *o, store_export_fn *put, void *arg,
                    int64_t *points, char err[256]) TBE_MUST_USE;

#endif
