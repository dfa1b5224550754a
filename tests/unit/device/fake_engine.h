/* SPDX-License-Identifier: Apache-2.0 */
/* Stands where the rule engine is: keeps the messages devices send, as text lines. */
#ifndef TBE_TESTS_FAKE_ENGINE_H
#define TBE_TESTS_FAKE_ENGINE_H

#include "device/device.h"
#include "nodes/engine.h"

struct tbe_buf seen; /* "TYPE {metadata} data\n" for each message */
int seen_n;
struct tbe_msg *last_msg;

void
engine_submit_take(struct tbe_engine *e, struct tbe_msg **m)
{
    (void)e;
    seen_n++;
    tbe_buf_puts(&seen, (*m)->type);
    for (uint32_t i = 0; i < (*m)->md.n; i++) {
        tbe_buf_fmt(&seen, " %.*s=%.*s", (int)(*m)->md.e[i].key.n, (*m)->md.e[i].key.p, (int)(*m)->md.e[i].val.n,
                    (*m)->md.e[i].val.p);
    }
    tbe_buf_putc(&seen, ' ');
    tbe_buf_puts(&seen, (*m)->data);
    tbe_buf_putc(&seen, '\n');
    tbe_msg_unref(last_msg);
    last_msg = *m;
    *m = NULL;
}

bool
engine_run(struct tbe_engine *e)
{
    (void)e;
    return false;
}

static inline void
forget_seen(void)
{
    tbe_msg_unref(last_msg);
    last_msg = NULL;
    tbe_buf_free(&seen);
    seen_n = 0;
}

#endif
