/* SPDX-License-Identifier: Apache-2.0 */
/* Telling whoever started us: the `ready` line on stdout, and systemd over NOTIFY_SOCKET. */
#ifndef TBE_FRONT_NOTIFY_H
#define TBE_FRONT_NOTIFY_H

#include "front/front.h"

void notify_ready(struct front *f);
void notify_systemd(const char *text); /* as sd_notify(3); nothing without NOTIFY_SOCKET */

#endif
