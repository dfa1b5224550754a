/* SPDX-License-Identifier: Apache-2.0 */
/* Names of cloud events. */
#include "config.h"
#include "msg/cloud_event.h"

static const char *const kind_names[] = {
#define CLOUD_KIND_NAME_(n) #n,
    CLOUD_KINDS(CLOUD_KIND_NAME_)
#undef CLOUD_KIND_NAME_
};

static const char *const action_names[] = {
#define CLOUD_ACTION_NAME_(n) #n,
    CLOUD_ACTIONS(CLOUD_ACTION_NAME_)
#undef CLOUD_ACTION_NAME_
};

const char *
cloud_kind_name(int kind)
{
    return kind >= 0 && kind < CLOUD_KIND_COUNT ? kind_names[kind] : "";
}

const char *
cloud_action_name(int action)
{
    return action >= 0 && action < CLOUD_ACTION_COUNT ? action_names[action] : "";
}

enum cloud_kind
cloud_kind_of(enum tbe_entity_type t)
{
    struct tbe_str name = tbe_strz(tbe_entity_type_name(t));
    for (int i = 0; i < CLOUD_KIND_COUNT; i++) {
        if (tbe_str_eqz(name, kind_names[i])) {
            return (enum cloud_kind)i;
        }
    }
    return CLOUD_KIND_NONE;
}
