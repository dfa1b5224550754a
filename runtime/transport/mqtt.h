/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's side of MQTT: frames of the front become device operations, and what devices are told
 * becomes frames. It writes frames into a buffer only; the worker sends them once the batch of the turn
 * is durable. Loop thread only. */
#ifndef TBE_TRANSPORT_MQTT_H
#define TBE_TRANSPORT_MQTT_H

#include "device/device.h"
#include "frame/frame.h"

struct mqtt_server;

struct mqtt_server *mqtt_new(struct device_hub *h, struct tbe_engine *e);
void mqtt_free(struct mqtt_server *ms);
/* Frames up to seq were applied before: they are confirmed, their effects are not repeated. */
void mqtt_applied_set(struct mqtt_server *ms, uint64_t seq);
/* A numbered frame of a device, or FR_SESSION. */
void mqtt_frame(struct mqtt_server *ms, const struct frame *f);
/* Frames to send when this turn is durable. The caller may take the buffer's memory (and zero it). */
struct tbe_buf *mqtt_out(struct mqtt_server *ms);

#endif
