/* SPDX-License-Identifier: Apache-2.0 */
/* One table says what is in the frame, for both directions. */
#include "config.h"
#include "frame/link_config.h"

#include <stddef.h>

static const size_t strings[] = {
    offsetof(struct link_config, host),         offsetof(struct link_config, routing_key),
    offsetof(struct link_config, secret),       offsetof(struct link_config, edge_version),
    offsetof(struct link_config, ssl_cert),     offsetof(struct link_config, proxy_host),
    offsetof(struct link_config, proxy_user),   offsetof(struct link_config, proxy_password),
    offsetof(struct link_config, log_level),    offsetof(struct link_config, log_format),
};
static const size_t numbers[] = {
    offsetof(struct link_config, port),            offsetof(struct link_config, proxy_port),
    offsetof(struct link_config, ssl),             offsetof(struct link_config, compress),
    offsetof(struct link_config, reconnect_first), offsetof(struct link_config, reconnect_max),
    offsetof(struct link_config, connect_timeout), offsetof(struct link_config, close_timeout),
    offsetof(struct link_config, keep_alive_time), offsetof(struct link_config, keep_alive_timeout),
    offsetof(struct link_config, max_inbound),     offsetof(struct link_config, last_session),
};
#define COUNT(a) (sizeof(a) / sizeof *(a))

bool
link_config_put(struct tbe_buf *b, const struct link_config *c)
{
    size_t begin = frame_begin(b, FR_LINK_CONFIG, 0, 0, 0, 0);

    for (size_t i = 0; i < COUNT(strings); i++) {
        frame_put_str(b, *(const struct tbe_str *)(const void *)((const char *)c + strings[i]));
    }
    for (size_t i = 0; i < COUNT(numbers); i++) {
        frame_put_u32(b, *(const uint32_t *)(const void *)((const char *)c + numbers[i]));
    }
    return frame_end(b, begin);
}

bool
link_config_get(struct tbe_str payload, struct link_config *c)
{
    struct frame_reader r = { payload, false };

    for (size_t i = 0; i < COUNT(strings); i++) {
        struct tbe_str s = frame_get_str(&r);
        *(struct tbe_str *)(void *)((char *)c + strings[i]) = s.p ? s : TBE_STR("");
    }
    for (size_t i = 0; i < COUNT(numbers); i++) {
        *(uint32_t *)(void *)((char *)c + numbers[i]) = frame_get_u32(&r);
    }
    return !r.bad && r.left.n == 0;
}
