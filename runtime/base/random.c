/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes. The kernel is asked for a small pool per thread, because a message needs an id
 * and a system call for each would be a good part of its cost. Used bytes are wiped; a fork
 * drops the pool. */
#include "config.h"

#include "base/random.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define RANDOM_POOL 512u /* bytes */

static _Thread_local struct {
    unsigned char b[RANDOM_POOL];
    size_t left;     /* unused bytes, at the end of b */
    unsigned forks;  /* random_forks when it was filled */
} random_pool;

static atomic_uint random_forks;
static pthread_once_t random_once = PTHREAD_ONCE_INIT;
static pthread_mutex_t random_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t random_state; /* of the seeded generator, under random_lock */
static atomic_bool random_seeded;

static void
random_forked(void)
{
    atomic_fetch_add(&random_forks, 1);
}

static void
random_start(void)
{
    pthread_atfork(NULL, NULL, random_forked);
}

static void
random_kernel(unsigned char *p, size_t n)
{
    while (n > 0) {
        const ssize_t got = getrandom(p, n, 0);
        if (got < 0) {
            if (errno == EINTR) {
                continue;
            }
            perror("getrandom");
            abort();
        }
        p += got;
        n -= (size_t)got;
    }
}

/* splitmix64: any seed is good. */
static uint64_t
random_next(void)
{
    uint64_t z = random_state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void
random_from_seed(unsigned char *p, size_t n)
{
    pthread_mutex_lock(&random_lock);
    while (n > 0) {
        const uint64_t v = random_next();
        const size_t take = n < sizeof v ? n : sizeof v;
        memcpy(p, &v, take);
        p += take;
        n -= take;
    }
    pthread_mutex_unlock(&random_lock);
}

void
random_bytes(void *p, size_t n)
{
    if (atomic_load_explicit(&random_seeded, memory_order_acquire)) {
        random_from_seed(p, n);
        return;
    }
    if (n > RANDOM_POOL / 4) {
        random_kernel(p, n);
        return;
    }
    pthread_once(&random_once, random_start);
    const unsigned forks = atomic_load_explicit(&random_forks, memory_order_relaxed);
    if (random_pool.left < n || random_pool.forks != forks) {
        random_kernel(random_pool.b, RANDOM_POOL);
        random_pool.left = RANDOM_POOL;
        random_pool.forks = forks;
    }
    unsigned char *from = random_pool.b + RANDOM_POOL - random_pool.left;
    memcpy(p, from, n);
    memset(from, 0, n);
    random_pool.left -= n;
}

uint64_t
random_u64(void)
{
    uint64_t v;
    random_bytes(&v, sizeof v);
    return v;
}

void
random_seed(uint64_t seed)
{
    pthread_mutex_lock(&random_lock);
    random_state = seed;
    pthread_mutex_unlock(&random_lock);
    atomic_store_explicit(&random_seeded, seed != 0, memory_order_release);
}
