/* SPDX-License-Identifier: Apache-2.0 */
/* Asking for a sync, and its end (facts/edge-cloud-protocol.md 3). While one runs that we asked for, nothing goes
 * up but answers. */
#include "config.h"

#include "cloud/internal.h"

#include "base/clock.h"
#include "base/log.h"

void
sync_ask(struct cloud *c, bool held)
{
    Edge__SyncRequestMsg s = EDGE__SYNC_REQUEST_MSG__INIT;
    Edge__RequestMsg m = EDGE__REQUEST_MSG__INIT;

    c->s.syncing = true;
    c->s.sync_full = c->full_required;
    c->s.sync_asked = c->s.heard = clock_ms();
    s._full_sync_case = EDGE__SYNC_REQUEST_MSG___FULL_SYNC_FULL_SYNC;
    s.fullsync = c->s.sync_full;
    m.msgtype = EDGE__REQUEST_MSG_TYPE__SYNC_REQUEST_RPC_MESSAGE;
    m.syncrequestmsg = &s;
    cloud_send(c, &m, held);
    session_save(c);
    log_info("cloud: %s sync asked for", c->s.sync_full ? "full" : "partial");
}

void
sync_completed(struct cloud *c)
{
    struct tbe_entity tenant = { TBE_ENT_TENANT, *store_tenant(c->env.store) };
    struct tbe_entity customer = { TBE_ENT_CUSTOMER, c->edge.customer };

    if (c->s.syncing) {
        log_info("cloud: %s sync completed after %lld ms", c->s.sync_full ? "full" : "partial",
                 (long long)(clock_ms() - c->s.sync_asked));
    } else {
        log_info("cloud: a sync the cloud began is completed");
    }
    c->s.syncing = false;
    c->s.completed = true;
    c->s.last_sync = clock_ms();
    c->full_required = false;
    session_settings_save(c);
    session_save(c);
    cloud_request(c, c->batch, &tenant, CLOUD_ACTION_ATTRIBUTES_REQUEST);
    if (!tbe_uuid_is_null(&c->edge.customer)) {
        cloud_request(c, c->batch, &customer, CLOUD_ACTION_ATTRIBUTES_REQUEST);
    }
    c->up.general_look = c->up.log_look = true;
}

int64_t
sync_turn(struct cloud *c, int64_t now)
{
    if (!c->s.accepted || !c->s.syncing || c->up.draining) {
        return 0;
    }
    if (now - c->s.heard >= CLOUD_SYNC_SILENCE_MS) {
        log_warn("cloud: nothing came for %d s of the sync; asking again", CLOUD_SYNC_SILENCE_MS / 1000);
        sync_ask(c, false);
    }
    return c->s.heard + CLOUD_SYNC_SILENCE_MS;
}
