/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the store share. Private to the store. */
#ifndef TBE_STORE_INTERNAL_H
#define TBE_STORE_INTERNAL_H

#include "store/store.h"
#include "store/cache.h"
#include "store/db.h"
#include "store/pack.h"
#include "store/writer.h"

struct event;

#define STORE_DB_NAME "tbedge.db"
#define STORE_CACHE_BYTES (4u << 20) /* mirrors; a device takes about 2 KiB */
#define STORE_SPARE 4u               /* batches kept for reuse */

enum op_arg_type { OP_NULL, OP_INT, OP_REAL, OP_TEXT, OP_BLOB };
struct op_arg {
    enum op_arg_type t;
    union {
        int64_t i;
        double d;
        struct tbe_str s;
    } u;
};
struct op { /* one bound statement of the coming transaction, in the batch's arena */
    struct op *next;
    enum stmt stmt;
    uint32_t n;
    struct op_arg a[];
};

struct after {
    struct after *next;
    store_done_fn *fn;
    void *arg;
};

struct store_batch {
    struct store *s;
    struct tbe_arena arena;
    struct pack pack;
    struct op *ops, **ops_end;
    struct after *after, **after_end;
    uint64_t epoch, seq;
    bool has_seq;
    uint64_t no;   /* order of creation; cache pins refer to it */
    uint64_t safe; /* every batch up to this number is given: set by store_commit */
    uint64_t uplink_ack; /* new telemetry cursor, 0 = unchanged */
    struct store_batch *next;             /* in the writer's lists */
    struct store_batch *l_prev, *l_next;  /* in s->open or s->given */
};

struct batch_list {
    struct store_batch *first, *last;
};

struct store {
    struct store_options o;
    char *dir;
    bool sync, readonly;       /* sync: commits are made on the loop thread */
    struct db rd_own, *rd;     /* the reading connection; with sync the writer's */
    struct writer w;
    struct event_base *base;
    struct event *ev;
    int efd, lock_fd;
    struct cache cache;
    struct batch_list open, given;
    struct store_batch *spare;
    unsigned n_spare;
    uint64_t next_no;          /* batch numbers start at 2: pin 1 is "from before this process" */
    uint64_t epoch, seq;       /* committed */
    struct tbe_uuid tenant;
    bool tail_loaded;          /* latest values of the log's tail are in the cache */
    bool completing;
    const struct store_watch *watch; /* or NULL */
};

void store_batches_free(struct store *s);
uint64_t store_done_no(const struct store *s); /* every batch up to it is committed */
void store_complete(struct store *s);          /* runs callbacks of what the writer has committed */
/* logs and aborts: the process is restarted and replays */
void store_oom(void) TBE_NORETURN;

/* Batch building. */
struct op *op_new(struct store_batch *b, enum stmt stmt, uint32_t n);
void op_int(struct op *op, uint32_t i, int64_t v); /* i from 1, as in the SQL */
/* copied; absent: NULL */
void op_text(struct store_batch *b, struct op *op, uint32_t i, struct tbe_str s);
void op_blob(struct store_batch *b, struct op *op, uint32_t i, struct tbe_str s);
void op_uuid(struct store_batch *b, struct op *op, uint32_t i, const struct tbe_uuid *u);
/* type at i, value at i + 1 */
void op_kv(struct store_batch *b, struct op *op, uint32_t i, const struct tbe_kv *kv);
bool store_writable(struct store_batch *b);

static inline void
batch_pin(struct store_batch *b, struct cnode *n)
{
    if (n->pin < b->no) {
        n->pin = b->no;
    }
}

/* A typed value in two columns, type then value. False: not one of ours. s is borrowed from the
 * row. */
bool db_col_kv(sqlite3_stmt *st, int type_col, struct tbe_kv *kv);
void db_bind_kv(sqlite3_stmt *st, int i, const struct tbe_kv *kv);

/* Per file: what the cache frees, and what deleting an entity takes along. */
void entity_cache_setup(struct cache *c);
void attr_cache_setup(struct cache *c);
void state_cache_setup(struct cache *c);
void relation_cache_setup(struct cache *c);
void alarm_cache_setup(struct cache *c);
void latest_cache_setup(struct cache *c);
void attr_delete_all(struct store_batch *b, const struct tbe_entity *e);
void relation_delete_all(struct store_batch *b, const struct tbe_entity *e);
void alarm_delete_all(struct store_batch *b, const struct tbe_entity *e);
void latest_delete_all(struct store_batch *b, const struct tbe_entity *e);
void rule_chain_delete_all(struct store_batch *b, const struct tbe_entity *e);

/* First open: tenant, default profiles (first.c). */
void store_first_rows(struct store *s, struct store_batch *b);

#endif
