/* SPDX-License-Identifier: Apache-2.0 */
/* What waits for the cloud: the kinds and actions of cloud events, in the order of
 * facts/edge-cloud-protocol.md 4.2. The numbers are those of struct store_uplink and are stored:
 * new ones go to the end. */
#ifndef TBE_MSG_CLOUD_EVENT_H
#define TBE_MSG_CLOUD_EVENT_H

#include "tbe/msg.h"

#define CLOUD_KINDS(K) \
    K(DASHBOARD) K(ASSET) K(ASSET_PROFILE) K(DEVICE) K(DEVICE_PROFILE) K(ENTITY_VIEW) K(ALARM) \
    K(ALARM_COMMENT) K(RULE_CHAIN) K(RULE_NODE) K(RULE_CHAIN_METADATA) K(USER) K(TENANT) K(TENANT_PROFILE) \
    K(CUSTOMER) K(RELATION) K(WIDGETS_BUNDLE) K(WIDGET_TYPE) K(EDGE) K(TB_RESOURCE) K(CALCULATED_FIELD) \
    K(AI_MODEL) K(API_KEY)
#define CLOUD_ACTIONS(A) \
    A(ADDED) A(UPDATED) A(DELETED) A(POST_ATTRIBUTES) A(ATTRIBUTES_UPDATED) A(ATTRIBUTES_DELETED) \
    A(TIMESERIES_UPDATED) A(CREDENTIALS_UPDATED) A(ASSIGNED_TO_CUSTOMER) A(UNASSIGNED_FROM_CUSTOMER) \
    A(RELATION_ADD_OR_UPDATE) A(RELATION_DELETED) A(RPC_CALL) A(ALARM_ACK) A(ALARM_CLEAR) A(ALARM_DELETE) \
    A(ALARM_ASSIGNED) A(ALARM_UNASSIGNED) A(ADDED_COMMENT) A(UPDATED_COMMENT) A(DELETED_COMMENT) \
    A(ASSIGNED_TO_EDGE) A(UNASSIGNED_FROM_EDGE) A(ATTRIBUTES_REQUEST) A(RELATION_REQUEST) \
    A(CALCULATED_FIELD_REQUEST) A(TIMESERIES_DELETED) A(CREDENTIALS_REQUEST) A(RULE_CHAIN_METADATA_REQUEST) \
    A(WIDGET_BUNDLE_TYPES_REQUEST) A(ENTITY_VIEW_REQUEST)

enum cloud_kind {
    CLOUD_KIND_NONE = -1, /* an entity type without a kind of its own */
#define CLOUD_KIND_ENUM_(n) CLOUD_KIND_##n,
    CLOUD_KINDS(CLOUD_KIND_ENUM_)
#undef CLOUD_KIND_ENUM_
    CLOUD_KIND_COUNT
};
enum cloud_action {
#define CLOUD_ACTION_ENUM_(n) CLOUD_ACTION_##n,
    CLOUD_ACTIONS(CLOUD_ACTION_ENUM_)
#undef CLOUD_ACTION_ENUM_
    CLOUD_ACTION_COUNT
};

const char *cloud_kind_name(int kind);     /* "" when out of range */
const char *cloud_action_name(int action); /* "" when out of range */
enum cloud_kind cloud_kind_of(enum tbe_entity_type t); /* the kind of the same name */

#endif
