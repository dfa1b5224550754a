/* SPDX-License-Identifier: Apache-2.0 */
/* The test mode of a generated worker: given entities, attributes, time series, alarms, a clock and
 * messages, it runs the same compiled chains as in production on a private in-memory store and reports
 * node by node what happened. `tbedgec test` and the conformance suites use it.
 *
 *   WORKER --replay FILE|-        one scenario a line in, one report a line out, in order
 *
 * A scenario is a JSON object; all members but "steps" may be absent:
 *
 *   "id"        text, given back
 *   "now"       clock at the start, epoch ms; absent: the real clock. With "now" it moves by "advance" only
 *   "service"   service id (metadata serviceId), default "replay"
 *   "tenant"    {"id": uuid, "json": {tenant entity fields}}
 *   "root"      name or id of the chain that is the root chain here (default: the program's)
 *   "entities"  [{"type": "DEVICE", "id": uuid, "name": text, "kind": text, "label": text|null,
 *                 "customer": uuid, "profile": uuid, "created": ms, "json": {further entity fields}}]
 *               kind is the profile's name for devices and assets (default "default": that profile is made
 *               when it does not exist). A DEVICE_PROFILE or ASSET_PROFILE has "chain": name or id of its
 *               default rule chain.
 *   "attributes" [{"entity": uuid, "scope": "SERVER_SCOPE", "ts": ms, "values": {k: v}}]
 *   "timeseries" [{"entity": uuid, "ts": ms, "values": {k: v}}]
 *               values are JSON; the spelling of a number gives its type: 5 LONG, 5.0 DOUBLE
 *   "relations" [{"from": {"entityType","id"}, "to": {"entityType","id"}, "type": text}]
 *   "alarms"    [{"id": uuid, "originator": {"entityType","id"}, "type", "severity", "details": any,
 *                 "ack": bool, "clear": bool, "start": ms, "end": ms}]  in creation order
 *   "rpc"       what devices answer to server-side RPC: {"answer": text} at once, {"answer": null} never,
 *               {"methods": {method: text|null}} before it; absent: no device is connected
 *   "steps"     done in order; after each the run queue is worked off:
 *     {"do": "message", "chain": name|id, "node": index, "msg": {"type", "data": text, "metadata": {k: text},
 *       "originator": {"entityType","id"}, "customer": uuid, "ts": ms}}
 *                       chain absent: the originator's profile's chain or the root chain; node absent: the
 *                       first node
 *     {"do": "post", "what": "telemetry"|"attributes"|"rpc", "device": uuid, "json": text}   what a device posts,
 *                       or {"method","params"} of its call; the messages are made as for a transport
 *     {"do": "advance", "ms": n}   the clock moves on and what waits (delay, RPC time-outs) is resumed;
 *                       without "now" the call sleeps
 *     {"do": "attributes", "entity": {"entityType","id"}, "scope", "values": {k: v}} stored without a message
 *     {"do": "delete-attributes", "entity", "scope", "keys": [k]}
 *     {"do": "timeseries", "entity", "ts", "values"}
 *     {"do": "alarm", "op": "ack"|"clear", "originator": {"entityType","id"}} the originator's first
 *                       active alarm by type is acknowledged or cleared, as over REST, and its
 *                       ALARM_ACK or ALARM_CLEAR message enters the originator's chain
 *     {"do": "state"}   the report of this step has "state"
 *
 * The report: {"id": .., "steps": [{"events": [..], "rpc": [..], "pushes": [..], "replies": [..], "saves": [..], "attributes": [..],
 *   "alarms": [..], "cloud": [..], "state": {..}}]}
 *   event   {"chain": name, "node": index, "dir": "IN"|"OUT", "relation": text|null, "msg": uuid,
 *            "originator": {"entityType","id"}, "msgType", "data": text, "metadata": {..}, "error": text|null}
 *           relation: IN: by which the message came, null at the entry; OUT: the relation, "ACK", or
 *           "To Root Rule Chain"
 *   rpc     {"device": uuid, "method": text, "params": JSON, "oneway": bool} sent to devices
 *   replies {"device": uuid, "request": n, "data": text}: answers to calls of devices, whose session id is their id
 *   pushes  {"device": uuid, "updated": {k: v}} or {"device": uuid, "deleted": [k]}: shared attributes
 *   cloud   {"entity": {"entityType","id"}, "type": text, "action": text, "body": JSON}: queued for the cloud
 *   saves   {"entity", "ts": ms, "ttl": seconds, "history": bool, "latest": bool, "values": {..}}: time series nodes
 *           wrote; "attributes": {"entity", "scope", "values": {..}} or {.., "deleted": key}; "alarms": as the REST
 *           API shows them, each time one is written. What the device room writes by itself is not in them.
 *   state   {"attributes": {uuid: {scope: {k: v}}}, "latest": {uuid: {k: {"ts","value"}}},
 *            "history": {uuid: {k: [{"ts","value"}]}}, "alarms": [..oldest first, as the REST API shows them..],
 *            "shown": {uuid: [alarms of others that propagate to it]}, "relations": [{"from","to","type"}]}
 * A worker compiled with coverage writes a last line {"coverage": [[script file, line, column, n, n], ..]}: column
 * 0: how often the line ran; else how often the condition was false, was true.
 * An input that cannot be understood gives {"id": .., "error": text} and the next line is read. */
#ifndef TBE_REPLAY_REPLAY_H
#define TBE_REPLAY_REPLAY_H

#include "tbe/chain.h"

/* argv[0] is the scenario file, "-" for standard input. Exit status: 0, or 2 when the file cannot be read. */
int replay_main(const struct tbe_program *p, int argc, char **argv);

#endif
