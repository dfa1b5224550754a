/* SPDX-License-Identifier: Apache-2.0 */
/* /metrics, /healthz and /readyz. */
#ifndef TBE_API_HEALTH_H
#define TBE_API_HEALTH_H

#include "store/store.h"

struct evhttp;

struct health {
    struct store *store; /* NULL: closed, the process ends */
    bool ready; /* devices are served */
};
void health_serve(struct evhttp *http, struct health *h); /* h must outlive http */

#endif
