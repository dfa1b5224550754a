# SPDX-License-Identifier: Apache-2.0
"""Rule chains of the cloud: pushed, compiled, swapped in while devices stay connected; refused ones; nodes that do
not work; root and profile chains (facts 7, 6.1). `figures` prints how long it takes from the cloud's message to the
first result of the new code."""
import json
import os
import shutil
import sys
import threading
import time

from entities import Pair, device_down, device_id, device_profile, entity_msg, ref, root_chain
from rig import CHAIN_ID, EDGE_ID, PROFILE_ID, TENANT_ID, Device, check, halves, run_tests, until

SCRIPT = "org.thingsboard.rule.engine.transform.TbTransformMsgNode"
OTHER_CHAIN = "914b8cd0-e691-11f1-beeb-0000000000%02x"


def node_id(n):
    return "0c0c0c0c-e691-11f1-beeb-%012x" % n


def parts(down):
    return json.loads(down["ruleChainUpdateMsg"][0]["entity"]), \
        json.loads(down["ruleChainMetadataUpdateMsg"][0]["entity"])


def packed(chain, meta, u, msg_type="ENTITY_UPDATED_RPC_MESSAGE"):
    msb, lsb = halves(u)
    chain["id"] = meta["ruleChainId"] = ref("RULE_CHAIN", u)
    return {"ruleChainUpdateMsg": [{"msgType": msg_type, "idMSB": msb, "idLSB": lsb, "entity": json.dumps(chain)}],
            "ruleChainMetadataUpdateMsg": [{"msgType": msg_type, "entity": json.dumps(meta)}]}


def chain(gen, u=CHAIN_ID, root=True, name=None, kind=SCRIPT, script=None):
    """The default chain with a script in front of "Save Timeseries" that adds gen to every message."""
    c, m = parts(root_chain(u))
    c["root"] = root
    c["name"] = name or c["name"]
    for i, n in enumerate(m["nodes"]):
        n["id"] = ref("RULE_NODE", node_id(i))
    save = [i for i, n in enumerate(m["nodes"]) if n["type"].endswith("TbMsgTimeseriesNode")][0]
    mine = len(m["nodes"])
    m["nodes"].append({"id": ref("RULE_NODE", node_id(mine)), "type": kind, "name": "Mark", "configurationVersion": 0,
                       "debugSettings": None, "singletonMode": False, "queueName": None,
                       "configuration": {"scriptLang": "TBEL", "jsScript": "return {};", "tbelScript": script or
                                         "msg.gen = %d; return {msg: msg, metadata: metadata, msgType: msgType};" % gen},
                       "additionalInfo": {"layoutX": 0, "layoutY": 0}})
    for k in m["connections"]:
        if k["toIndex"] == save and k["type"] == "Post telemetry":
            k["toIndex"] = mine
    m["connections"].append({"fromIndex": mine, "toIndex": save, "type": "Success"})
    return packed(c, m, u)


def seen_gen(cloud, gen):
    """Time (ms of the record) of the first telemetry with this generation, or None."""
    for x in cloud.recorded():
        if x["dir"] == "up" and '"gen"' in json.dumps(x["msg"]):
            for e in x["msg"].get("uplinkMsg", {}).get("entityData", []):
                for l in e.get("postTelemetryMsg", {}).get("tsKvList", []):
                    if any(k["key"] == "gen" and k.get("long_v") == str(gen) for k in l["kv"]):
                        return x["t"]
    return None


def sent_at(cloud, gen):
    """Time the chain with this script left the cloud."""
    text = "msg.gen = %d;" % gen
    return [x["t"] for x in cloud.recorded() if x["dir"] == "down" and text in json.dumps(x["msg"])][0]


class Traffic:
    """A device that publishes numbered values until it is stopped."""

    def __init__(self, edge, token="tok-1", every=0.01):
        self.d = Device(edge, token)
        self.every, self.n, self.error, self.go = every, 0, None, True
        self.longest = 0
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        try:
            while self.go:
                start = time.time()
                self.d.telemetry({"n": self.n})
                self.longest = max(self.longest, time.time() - start)
                self.n += 1
                time.sleep(self.every)
        except Exception as e:
            self.error = e

    def stop(self):
        self.go = False
        self.thread.join()
        check(self.error is None, "the device publishes on", self.error)
        check(self.d.alive, "the device stays connected")
        self.d.close()


def deployment(edge):
    return edge.status().get("deployment") or {}


def record_of(edge, state, seconds=30):
    return until(lambda: (lambda d: d if d.get("state") == state else None)(deployment(edge)),
                 "deployment is " + state, seconds)


def alarms(edge):
    """[(severity, cleared)] of the edge's own entity."""
    import uuid
    return edge.db("SELECT severity, cleared FROM alarm WHERE oid = ?", uuid.UUID(EDGE_ID).bytes)


def events(edge, node):
    import uuid
    return [json.loads(r[0]) for r in edge.db("SELECT body FROM debug_event WHERE eid = ? ORDER BY id",
                                              uuid.UUID(node).bytes)]


def pushed_chain_handles_the_next_message():
    with Pair(devices=1) as (c, e):
        t = Traffic(e)
        for gen in range(1, 4):
            c.acked(c.send(chain(gen)))
            until(lambda: seen_gen(c, gen), "generation %d works" % gen, 30)
        t.stop()
        until(lambda: e.status()["outbox"]["depth"] == 0, "all is sent")
        got = set()
        for x in c.ups("entityData"):
            for l in x.get("postTelemetryMsg", {}).get("tsKvList", []):
                got.update(int(k["long_v"]) if "long_v" in k else 0 for k in l["kv"] if k["key"] == "n")
        check(got == set(range(t.n)), "no value is lost", t.n, len(got))
        check(e.status()["front"]["swaps"] == 4, "a swap for each", e.status()["front"])


def burst_is_one_build():
    with Pair(devices=1) as (c, e):
        swaps = e.status()["front"]["swaps"]
        for k in range(1, 9):
            u = OTHER_CHAIN % k
            c.send(chain(k, u, root=False, name="chain %d" % k))
        until(lambda: len(deployment(e).get("chains", [])) == 9 and deployment(e)["state"] == "live", "all nine", 60)
        check(e.status()["front"]["swaps"] - swaps <= 2, "few swaps", e.status()["front"]["swaps"] - swaps)


def live_with(e, nodes):
    """The deployment record, once chains of which the first has so many nodes are live. One look: it changes meanwhile."""
    d = deployment(e)
    return d if d.get("state") == "live" and d["chains"][0]["nodes"] == nodes else None


def unchanged_chain_never_rebuilds():
    with Pair(devices=1) as (c, e):
        c.acked(c.send(chain(1)))
        before = until(lambda: live_with(e, 9), "the chain is live", 30)
        c.acked(c.send(chain(1)))
        c.cmd("sync", partial=False)
        until(lambda: c.stats()["syncsDone"] == 2, "forced sync")
        time.sleep(0.5)
        c.acked(c.send(chain(1)))
        time.sleep(0.6)
        after = deployment(e)
        # the forced sync brings the first chain back, the last message this one: both were built before
        check(after["generation"] == before["generation"], "same generation", before, after)
        check(after["builtTs"] - after["startedTs"] == 0 or after == before, "nothing was built", after)


def refused_chain_keeps_the_old_one():
    with Pair(devices=1) as (c, e):
        c.acked(c.send(chain(1)))
        d = Device(e, "tok-1")
        until(lambda: d.telemetry({"a": 1}) or seen_gen(c, 1), "generation 1")
        bad, meta = parts(chain(2))
        meta["connections"].append({"fromIndex": 2, "toIndex": 77, "type": "Success"})
        c.acked(c.send(packed(bad, meta, CHAIN_ID)))
        r = record_of(e, "failed")
        check("77" in r["error"], "the record says why", r)
        check(r["diagnostics"], "with the compiler's diagnostics", r)
        n = len(c.ups("entityData"))
        d.telemetry({"a": 2})
        until(lambda: len(c.ups("entityData")) > n, "the old one works on")
        check(any(k["key"] == "gen" and k.get("long_v") == "1" for x in c.ups("entityData")[n:]
                  for l in x.get("postTelemetryMsg", {}).get("tsKvList", []) for k in l["kv"]), "and it is the old one")
        check(("CRITICAL", 0) in alarms(e), "alarm on the edge", alarms(e))
        check(d.alive, "the device stays connected")
        check(any(ev.get("success") is False for ev in events(e, CHAIN_ID)), "lifecycle event of the chain",
              events(e, CHAIN_ID))
        # a good one clears the alarm
        c.acked(c.send(chain(3)))
        until(lambda: d.telemetry({"a": 3}) or seen_gen(c, 3), "generation 3")
        until(lambda: all(cleared for _, cleared in alarms(e)), "the alarm is cleared")


def broken_node_fails_alone():
    with Pair(devices=1) as (c, e):
        c.acked(c.send(chain(1, kind="org.example.NotThere")))
        until(lambda: live_with(e, 9), "the rest is live", 30)
        mine = node_id(8)
        until(lambda: any(ev.get("success") is False for ev in events(e, mine)), "lifecycle event of the node")
        check(("WARNING", 0) in alarms(e), "alarm on the edge", alarms(e))
        d = Device(e, "tok-1")
        d.publish("v1/devices/me/attributes", {"works": True})
        until(lambda: any("postAttributesMsg" in x for x in c.ups("entityData")), "another branch works")
        # a script that cannot be compiled: the same
        c.acked(c.send(chain(2, script="return (;")))
        until(lambda: len(events(e, mine)) >= 2, "the script's node", 30)
        check(e.status()["deployment"]["state"] == "live", "live")


def root_moves():
    with Pair(devices=1) as (c, e):
        u = OTHER_CHAIN % 1
        c.acked(c.send(chain(1, u, root=False, name="second")))
        until(lambda: e.live_chain(u), "the second chain is live", 30)
        d = Device(e, "tok-1")
        d.telemetry({"a": 1})
        time.sleep(0.3)
        check(seen_gen(c, 1) is None, "the first is the root")
        c.acked(c.send(chain(1, u, root=True, name="second")))
        until(lambda: d.telemetry({"a": 2}) or seen_gen(c, 1), "the second is the root", 30)
        check([x["id"] for x in deployment(e)["chains"] if x["root"]] == [u], "one root", deployment(e))


def chain_of_a_profile():
    with Pair(devices=2) as (c, e):
        u, p = OTHER_CHAIN % 2, "911588b0-e691-11f1-beeb-000000000002"
        profile = dict(device_profile(p, "special"), defaultEdgeRuleChainId=ref("RULE_CHAIN", u))
        # the profile comes before its chain
        c.acked(c.send(device_down(device_id(1), "dev-1", "tok-1", "ENTITY_UPDATED_RPC_MESSAGE", profile=profile,
                                   deviceProfileId=ref("DEVICE_PROFILE", p))))
        c.acked(c.send(chain(5, u, root=False, name="of the profile")))
        until(lambda: e.live_chain(u), "its chain is live", 30)
        d1, d2 = Device(e, "tok-1"), Device(e, "tok-2")
        d2.telemetry({"a": 1})
        time.sleep(0.3)
        check(seen_gen(c, 5) is None, "other devices go to the root chain")
        until(lambda: d1.telemetry({"a": 1}) or seen_gen(c, 5), "the device's own chain")


def rpc_outlives_a_swap():
    """The device answers after the worker that sent it the request has gone; the cloud gets the answer."""
    from downlink import call, rpc
    with Pair(devices=1) as (c, e):
        d = Device(e, "tok-1")
        d.subscribe("v1/devices/me/rpc/request/+")
        _, answer = rpc(c, call(device_id(1), ms=120000))
        got = d.receive()
        c.acked(c.send(chain(1)))
        until(lambda: e.status()["front"]["swaps"] == 2 and deployment(e)["state"] == "live", "swapped", 30)
        d.publish("v1/devices/me/rpc/response/" + got["topic"].rsplit("/", 1)[1], '{"ok": 1}')
        check(answer() == {"response": '{"ok": 1}'}, "answered by the next worker", answer())
        d.close()


def figures():
    out = {}
    for cc in ("gcc", "tcc"):
        if not shutil.which(cc):
            continue
        with Pair(devices=1, env={"TBEDGE_DEPLOY_CC": cc, "CC": cc}) as (c, e):
            t = Traffic(e, every=0.002)
            ms, builds = [], []
            for gen in range(1, 6):
                c.acked(c.send(chain(gen)))
                at = until(lambda: seen_gen(c, gen), "generation %d" % gen, 60)
                ms.append(at - sent_at(c, gen))
                until(lambda: deployment(e)["state"] == "live", "live")
                r = deployment(e)
                builds.append(r["builtTs"] - r["startedTs"])
            t.stop()
            out[cc] = {"savedToLiveMs": sorted(ms), "buildMs": sorted(builds), "longestPublishMs": int(t.longest * 1000)}
    print(json.dumps({"chainPush": out}))


if __name__ == "__main__":
    if sys.argv[1:] == ["figures"]:
        figures()
        sys.exit(0)
    run_tests([pushed_chain_handles_the_next_message, burst_is_one_build, unchanged_chain_never_rebuilds,
               refused_chain_keeps_the_old_one, broken_node_fails_alone, root_moves, chain_of_a_profile,
               rpc_outlives_a_swap])
