/* SPDX-License-Identifier: Apache-2.0 */
/* The table of sessions, and the part of a session that a new worker is told (FR_SESSION). */
#include "config.h"
#include "front/session.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "front/tls.h"

#define TABLE_FIRST 256u

static void
table_insert(struct session **table, uint32_t size, struct session *s)
{
    struct session **slot = &table[s->conn & (size - 1)];

    s->same_slot = *slot;
    *slot = s;
}

static bool
table_grow(struct front *f)
{
    uint32_t size = f->table_size ? f->table_size * 2 : TABLE_FIRST;
    struct session **table = calloc(size, sizeof *table);

    if (!table) {
        return false;
    }
    for (struct session *s = f->all; s; s = s->next) {
        table_insert(table, size, s);
    }
    free(f->table);
    f->table = table;
    f->table_size = size;
    return true;
}

struct session *
session_find(struct front *f, uint32_t conn)
{
    struct session *s = f->table_size ? f->table[conn & (f->table_size - 1)] : NULL;

    while (s && s->conn != conn) {
        s = s->same_slot;
    }
    return s;
}

struct session *
session_new(struct front *f, int fd, SSL *ssl, const char *peer)
{
    struct session *s = calloc(1, sizeof *s);

    if (!s || (f->sessions >= f->table_size && !table_grow(f) && !f->table_size)) {
        free(s);
        tls_free(ssl);
        close(fd);
        return NULL;
    }
    s->front = f;
    s->fd = fd;
    s->ssl = ssl;
    s->tls = s->handshaking = ssl != NULL;
    s->peer = strdup(peer);
    s->last_rx = f->now_ms;
    do { /* 0 means no connection; after 2^32 connections an old one may still be open */
        s->conn = ++f->last_conn;
    } while (s->conn == 0 || session_find(f, s->conn));
    table_insert(f->table, f->table_size, s);
    s->next = f->all;
    if (f->all) {
        f->all->prev = s;
    }
    f->all = s;
    f->sessions++;
    f->connected++;
    if (!session_io_start(s)) {
        session_close(s, SESSION_LOST);
        return NULL;
    }
    return s;
}

static void
table_remove(struct front *f, struct session *s)
{
    struct session **p = &f->table[s->conn & (f->table_size - 1)];

    while (*p != s) {
        p = &(*p)->same_slot;
    }
    *p = s->same_slot;
    if (s->prev) {
        s->prev->next = s->next;
    } else {
        f->all = s->next;
    }
    if (s->next) {
        s->next->prev = s->prev;
    }
    f->sessions--;
}

static void
session_free(struct session *s)
{
    for (uint32_t i = 0; i < s->n_subs; i++) {
        free((void *)(uintptr_t)s->subs[i].filter.p);
    }
    free(s->subs);
    free(s->tags);
    free(s->qos2);
    free(s->peer);
    tbe_buf_free(&s->in);
    tbe_buf_free(&s->out);
    tbe_buf_free(&s->connect);
    tbe_buf_free(&s->keep);
    free(s);
}

void
session_release_if_done(struct session *s)
{
    struct front *f = s->front;

    if (s->dead || s->connect_sent || s->unconfirmed) {
        return;
    }
    s->dead = true;
    table_remove(f, s);
    s->next_dead = f->dead;
    f->dead = s;
    front_wake(f);
}

void
session_free_dead(struct front *f)
{
    struct session *s;

    while ((s = f->dead)) {
        if (s->dirty) { /* still in the list of this turn */
            return;
        }
        f->dead = s->next_dead;
        session_free(s);
    }
}

void
session_free_all(struct front *f)
{
    while (f->all) {
        struct session *s = f->all;
        session_io_stop(s);
        s->connect_sent = false;
        s->unconfirmed = 0;
        session_release_if_done(s);
    }
    for (struct session *s = f->dead; s; s = s->next_dead) {
        s->dirty = false;
    }
    session_free_dead(f);
    free(f->table);
    f->table = NULL;
}

void
session_close(struct session *s, uint32_t reason)
{
    if (s->state == SESSION_GONE) {
        return;
    }
    session_io_stop(s);
    s->front->connected--;
    tbe_buf_free(&s->in);
    tbe_buf_free(&s->out);
    s->out_at = 0;
    mqtt_send_closed(s, reason);
    s->state = SESSION_GONE;
    session_release_if_done(s);
}

/* Subscriptions. */

static struct session_sub *
sub_find(struct session *s, struct tbe_str filter)
{
    for (uint32_t i = 0; i < s->n_subs; i++) {
        if (tbe_str_eq(s->subs[i].filter, filter)) {
            return &s->subs[i];
        }
    }
    return NULL;
}

bool
session_sub_set(struct session *s, struct tbe_str filter, uint32_t qos)
{
    struct session_sub *sub = sub_find(s, filter);
    char *copy;

    if (sub) {
        sub->qos = qos;
        return true;
    }
    if (s->n_subs == SESSION_SUBS_MAX) {
        return false;
    }
    if ((s->n_subs & (s->n_subs - 1)) == 0) { /* capacities are powers of two */
        size_t cap = s->n_subs ? s->n_subs * 2 : 1;
        sub = realloc(s->subs, cap * sizeof *sub);
        if (!sub) {
            return false;
        }
        s->subs = sub;
    }
    copy = malloc(filter.n + 1);
    if (!copy) {
        return false;
    }
    memcpy(copy, filter.p, filter.n);
    s->subs[s->n_subs++] = (struct session_sub){ { copy, filter.n }, qos };
    return true;
}

void
session_sub_remove(struct session *s, struct tbe_str filter)
{
    struct session_sub *sub = sub_find(s, filter);

    if (sub) {
        free((void *)(uintptr_t)sub->filter.p);
        *sub = s->subs[--s->n_subs];
    }
}

void
session_put(const struct session *s, struct tbe_buf *out)
{
    size_t begin = frame_begin(out, FR_SESSION, 0, s->conn, 0, 0);

    tbe_buf_put(out, s->connect.p, s->connect.n);
    frame_put_str(out, s->has_keep ? tbe_buf_str(&s->keep) : TBE_STR_NONE);
    frame_put_u32(out, s->n_subs);
    for (uint32_t i = 0; i < s->n_subs; i++) {
        frame_put_str(out, s->subs[i].filter);
        frame_put_u32(out, s->subs[i].qos);
    }
    frame_end(out, begin);
}
