/* SPDX-License-Identifier: Apache-2.0 */
/* Ingest of the store alone: messages of three keys, saved and pushed to the cloud, in commits of many
 * messages with fsync; bytes written to disk per point (compaction and checkpoints included); time to open
 * and to read a first latest value with everything stored. Prints one JSON object.
 *
 *   store_bench [DIR] [POINTS] [DEVICES] [MESSAGES-PER-COMMIT] */
#include "config.h"
#include <event2/event.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "store/store.h"

struct bench {
    struct store *s;
    struct event_base *base;
    uint32_t devices, per_commit;
    uint64_t messages, sent;
    unsigned in_flight;
};

static int64_t
disk_bytes(void)
{
    char line[128];
    long long v = 0;
    FILE *f = fopen("/proc/self/io", "r");
    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "write_bytes: %lld", &v) == 1) {
            break;
        }
    }
    if (f) {
        fclose(f);
    }
    return v;
}

static long
pss_kib(void)
{
    char line[128];
    long v = 0;
    FILE *f = fopen("/proc/self/smaps_rollup", "r");
    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "Pss: %ld", &v) == 1) {
            break;
        }
    }
    if (f) {
        fclose(f);
    }
    return v;
}

static struct tbe_entity
device(uint32_t n)
{
    struct tbe_entity e = { .type = TBE_ENT_DEVICE };
    n = n * 2654435761u + 1;
    for (unsigned i = 0; i < 4; i++) {
        memcpy(e.id.b + i * 4, &n, 4);
        n = n * 1664525u + 1013904223u;
    }
    return e;
}

static void
message(struct bench *b, struct store_batch *batch, uint64_t i)
{
    struct tbe_entity e = device((uint32_t)(i % b->devices));
    uint64_t turn = i / b->devices;
    int64_t ts = 1700000000000 + (int64_t)turn * 1000 + (int64_t)(i * 7919 % 13);
    struct tbe_kv kv[] = {
        { .key = TBE_STR_INIT("temperature"), .type = TBE_KV_DOUBLE, .u = { .d = round((20 + 5 * sin((double)turn / 50 + (double)(i % 97))) * 10) / 10 } },
        { .key = TBE_STR_INIT("humidity"), .type = TBE_KV_LONG, .u = { .i = 40 + (int64_t)(i * 31 % 17) } },
        { .key = TBE_STR_INIT("active"), .type = TBE_KV_BOOLEAN, .u = { .b = turn % 100 != 0 } },
    };
    struct tbe_kvs kvs = { kv, 3 };
    store_save_ts(batch, &e, ts, &kvs, 0, STORE_TS_HISTORY | STORE_TS_LATEST);
    store_push_ts(batch, &e, ts, &kvs);
}

static void
committed(void *arg)
{
    ((struct bench *)arg)->in_flight--;
}

static void
ingest(struct bench *b)
{
    while (b->sent < b->messages || b->in_flight) {
        while (b->in_flight < 2 && b->sent < b->messages) {
            struct store_batch *batch = store_batch_new(b->s);
            for (uint32_t i = 0; i < b->per_commit && b->sent < b->messages; i++) {
                message(b, batch, b->sent++);
            }
            store_batch_seq(batch, 1, b->sent);
            store_batch_after(batch, committed, b);
            b->in_flight++;
            store_commit(b->s, &batch);
            store_end_turn(b->s);
        }
        event_base_loop(b->base, EVLOOP_ONCE);
    }
}

static bool
count_point(void *arg, const struct tbe_kv *kv, int64_t ts)
{
    (void)kv;
    (void)ts;
    ++*(int64_t *)arg;
    return true;
}

int
main(int argc, char **argv)
{
    struct store_options o = { .dir = argc > 1 ? argv[1] : "/tmp/store-bench" };
    struct bench b = { .messages = (argc > 2 ? strtoull(argv[2], NULL, 10) : 1500000) / 3,
                       .devices = argc > 3 ? (uint32_t)atoi(argv[3]) : 100,
                       .per_commit = argc > 4 ? (uint32_t)atoi(argv[4]) : 2000 };
    char err[256];
    b.base = event_base_new();
    if (store_open(&b.s, &o, b.base, err) < 0) {
        fprintf(stderr, "store_bench: %s\n", err);
        return 1;
    }
    int64_t bytes = disk_bytes(), t0 = clock_mono_ns();
    ingest(&b);
    double seconds = (double)(clock_mono_ns() - t0) / 1e9;
    struct store_stats st;
    store_stats(b.s, &st);
    store_close(b.s);
    bytes = disk_bytes() - bytes;
    t0 = clock_mono_ns();
    if (store_open(&b.s, &o, b.base, err) < 0) {
        fprintf(stderr, "store_bench: %s\n", err);
        return 1;
    }
    double open_ms = (double)(clock_mono_ns() - t0) / 1e6;
    t0 = clock_mono_ns();
    struct tbe_entity e = device(0);
    struct tbe_kv kv;
    int64_t ts, n = 0;
    bool found = store_latest(b.s, &e, TBE_STR("temperature"), &kv, &ts);
    double latest_ms = (double)(clock_mono_ns() - t0) / 1e6;
    t0 = clock_mono_ns();
    struct store_range r = { .from = INT64_MIN, .to = INT64_MAX };
    store_history(b.s, &e, TBE_STR("temperature"), &r, count_point, &n);
    double history_ms = (double)(clock_mono_ns() - t0) / 1e6;
    printf("{\"points\":%lld,\"devices\":%u,\"messages_per_commit\":%u,\"points_per_s\":%.0f,\"bytes_per_point\":%.1f,"
           "\"open_ms\":%.2f,\"first_latest_ms\":%.2f,\"latest_found\":%s,\"history_points\":%lld,\"history_ms\":%.2f,"
           "\"commits\":%lld,\"log_bytes\":%lld,\"pss_kib\":%ld}\n",
        (long long)b.messages * 3, b.devices, b.per_commit, (double)b.messages * 3 / seconds,
        (double)bytes / ((double)b.messages * 3), open_ms, latest_ms, found ? "true" : "false", (long long)n, history_ms,
        (long long)st.commits, (long long)st.log_bytes, pss_kib());
    store_close(b.s);
    event_base_free(b.base);
    return 0;
}
