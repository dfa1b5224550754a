# SPDX-License-Identifier: Apache-2.0
"""Rule chains from the cloud: pushed, compiled, swapped in with devices connected; broken ones leave the old running
(facts 7, checklist 10)."""
import json
import os
import tempfile
import time

from entities import Pair, deleted, device_id, root_chain
from rig import BUILD, CHAIN_ID, ROOT, Device, check, halves, run_tests, until

OTHER_ID = "914b8cd0-e691-11f1-beeb-998483c8d1ff"


def chain_file(factor=1, broken=False, extra=0, key="n"):
    """A chain that multiplies n before it is saved and pushed to the cloud, as a UI export."""
    script = "msg.%s = msg.%s * %d; return {msg: msg, metadata: metadata, msgType: msgType};" % (key, key, factor)
    if broken:
        script = "return {msg: msg, metadata: metadata, msgType: ;"

    def node(kind, name, config, version=0):
        return {"type": "org.thingsboard.rule.engine." + kind, "name": name, "configuration": config,
                "configurationVersion": version, "debugSettings": None, "singletonMode": False, "queueName": None,
                "additionalInfo": {"layoutX": 1, "layoutY": 2}}
    nodes = [node("transform.TbTransformMsgNode", "Times", {"scriptLang": "TBEL", "jsScript": "return msg;",
                                                            "tbelScript": script}),
             node("telemetry.TbMsgTimeseriesNode", "Save", {"defaultTTL": 0, "useServerTs": False,
                                                            "processingSettings": {"type": "ON_EVERY_MESSAGE"}}, 1),
             node("edge.TbMsgPushToCloudNode", "Push", {"scope": "SERVER_SCOPE"})]
    nodes += [node("action.TbLogNode", "Log %d" % i, {"scriptLang": "TBEL", "jsScript": "return '';",
                                                      "tbelScript": "return 'x';"}) for i in range(extra)]
    conns = [{"fromIndex": 0, "toIndex": 1, "type": "Success"}, {"fromIndex": 1, "toIndex": 2, "type": "Success"}]
    f = {"ruleChain": {"name": "Factor %d" % factor, "type": "EDGE", "root": True, "firstRuleNodeId": None,
                       "debugMode": False, "configuration": None, "additionalInfo": None},
         "metadata": {"firstNodeIndex": 0, "nodes": nodes, "connections": conns, "ruleChainConnections": None}}
    fd, path = tempfile.mkstemp(suffix=".json", prefix="tbe-chain-")
    with os.fdopen(fd, "w") as out:
        json.dump(f, out)
    return path


def push(cloud, **args):
    root, u = args.pop("root", True), args.pop("id", CHAIN_ID)
    path = chain_file(**args)
    try:
        return cloud.cmd("push-chain", file=path, id=u, root=root)["id"]
    finally:
        os.unlink(path)


def newest(cloud, device=1, key="n"):
    for s in cloud.stats(series=True)["received"]["series"]:
        if s["entityId"] == device_id(device) and s["key"] == key:
            return s["last"]
    return None


def sent_until(cloud, device, value, want, seconds=20, key="n"):
    """Posts `value` until the cloud gets `want` for it; returns the seconds that took."""
    start = time.time()
    while time.time() - start < seconds:
        device.telemetry({key: value})
        time.sleep(0.02)
        if newest(cloud, key=key) == want:
            return time.time() - start
    check(False, "after %s s the cloud has %s, not %s" % (seconds, newest(cloud, key=key), want))


def pushed():
    """A push reaches the running code; devices stay connected, nothing is lost on the way."""
    with Pair(devices=3) as (c, e):
        ds = [Device(e, "tok-%d" % (i + 1)) for i in range(3)]
        worker = e.children()["worker"]
        for factor in (2, 3, 4):
            down = push(c, factor=factor)
            c.acked(down)
            took = sent_until(c, ds[0], 10, str(10 * factor))
            check(took < 20, "in time", took)
        check(e.children()["worker"] != worker, "another worker")
        check(all(d.alive for d in ds), "devices stayed connected")
        check(c.stats()["streams"] == 1, "the stream was not cut")
        check(c.stats()["received"]["violationCount"] == 0, "no broken rule", c.stats()["received"]["violations"])


def burst():
    """Many updates at once are one or two builds, and the last one counts."""
    with Pair() as (c, e):
        d = Device(e, "tok-1")
        swaps = e.status()["front"]["swaps"]
        for factor in range(2, 12):
            last = push(c, factor=factor)
        c.acked(last)
        sent_until(c, d, 10, "110")
        time.sleep(1)
        check(e.status()["front"]["swaps"] - swaps <= 4, "few swaps", e.status()["front"]["swaps"] - swaps)


def same_again():
    """The same chain again builds nothing and swaps nothing."""
    with Pair() as (c, e):
        d = Device(e, "tok-1")
        c.acked(push(c, factor=5))
        sent_until(c, d, 2, "10")
        worker = e.children()["worker"]
        c.acked(push(c, factor=5))
        time.sleep(1)
        check(e.children()["worker"] == worker, "the same worker")


def broken():
    """A script that does not compile: the message is acknowledged, that node fails or the old chain stays, it is
    reported; the next good push works."""
    with Pair() as (c, e):
        d = Device(e, "tok-1")
        c.acked(push(c, factor=5))
        sent_until(c, d, 2, "10")
        c.acked(push(c, broken=True))
        time.sleep(2)
        text = json.dumps(e.status()["deployment"]) + e.tail(20000)
        check("Times" in text or "error" in text.lower(), "it is reported", text[-500:])
        check(d.alive, "the device is connected")
        d.telemetry({"n": 2})
        c.acked(push(c, factor=7))
        sent_until(c, d, 2, "14")


def old_shapes():
    """null connections and firstNodeIndex, ruleChainConnections, indexes out of range: accepted, never a crash
    (checklist 10)."""
    with Pair() as (c, e):
        msb, lsb = halves(OTHER_ID)
        chain = {"id": {"entityType": "RULE_CHAIN", "id": OTHER_ID}, "name": "Odd", "type": "EDGE", "root": False,
                 "firstRuleNodeId": None, "debugMode": False, "configuration": None, "additionalInfo": None}
        node = {"type": "org.thingsboard.rule.engine.action.TbLogNode", "name": "L", "debugMode": True,
                "configuration": {"scriptLang": "TBEL", "jsScript": "return 1;", "tbelScript": "return 'x';"}}
        for meta in ({"nodes": [node], "connections": None, "firstNodeIndex": None, "ruleChainConnections": None},
                     {"nodes": [node], "connections": [{"fromIndex": 0, "toIndex": 9, "type": "Success"}],
                      "firstNodeIndex": 7},
                     {"nodes": [node], "connections": [{"fromIndex": -1, "toIndex": 0, "type": "Success"}],
                      "firstNodeIndex": 0},
                     {"nodes": [], "connections": None, "firstNodeIndex": 0},
                     {"nodes": [node], "firstNodeIndex": 0, "connections": [], "ruleChainConnections": [
                         {"fromIndex": 0, "targetRuleChainId": {"entityType": "RULE_CHAIN", "id": CHAIN_ID},
                          "additionalInfo": None, "type": "Success"}]}):
            meta["ruleChainId"] = {"entityType": "RULE_CHAIN", "id": OTHER_ID}
            down = c.send({"ruleChainUpdateMsg": [{"idMSB": msb, "idLSB": lsb, "entity": json.dumps(chain)}],
                           "ruleChainMetadataUpdateMsg": [{"entity": json.dumps(meta)}]})
            c.acked(down)
        time.sleep(1)
        check(e.status()["workerRestarts"] == 0, "no crash")
        Device(e, "tok-1").telemetry({"n": 1})
        until(lambda: newest(c) == "1", "it works on")
        c.acked(c.send(deleted("ruleChainUpdateMsg", OTHER_ID)))
        check(e.entity(OTHER_ID) is None, "deleted")


def root_moves():
    """A new root chain takes over; the old one going away later changes nothing."""
    with Pair() as (c, e):
        d = Device(e, "tok-1")
        c.acked(push(c, factor=6, id=OTHER_ID, root=True))
        sent_until(c, d, 2, "12")
        c.acked(c.send(deleted("ruleChainUpdateMsg", CHAIN_ID)))
        time.sleep(1)
        sent_until(c, d, 3, "18")


def swapped_in_flight():
    """Swaps while uplinks of both queues are in flight: all arrives soon, not only after the answers' time limit."""
    with Pair('set={"ackDelayMs":20,"ackJitterMs":60}', devices=2) as (c, e):
        ds = [Device(e, "tok-1"), Device(e, "tok-2")]
        n = 0
        for factor in range(2, 7):
            before, end = e.status()["front"]["swaps"], time.time() + 40
            push(c, factor=1, extra=factor)
            while e.status()["front"]["swaps"] == before:
                check(time.time() < end, "a swap")
                for _ in range(5):
                    n += 1
                    e.cmd("attr", "set", "dev-1", "--scope", "SERVER_SCOPE", "q=%d" % n)
                    ds[n % 2].telemetry({"ts": 1700000000000 + n, "values": {"n": n}})
            until(lambda: c.stats()["received"]["points"] == n, "all %d points; %s" % (n, e.status()["cloud"]), 15)
            until(lambda: e.status()["outbox"]["depth"] == 0, "nothing waits; %s" % e.status()["cloud"], 15)
        check(c.stats()["streams"] == 1, "one stream")
        check(c.stats()["received"]["violationCount"] == 0, "no broken rule", c.stats()["received"]["violations"])


def restart_keeps():
    """The pushed chain runs after a restart, also without a cloud."""
    with Pair() as (c, e):
        c.acked(push(c, factor=8))
        d = Device(e, "tok-1")
        sent_until(c, d, 2, "16")
        d.close()
        e.stop(keep=True)
        c.cmd("refuse")
        e.start()
        d = Device(e, "tok-1")
        d.telemetry({"n": 5})
        c.cmd("resume")
        until(lambda: newest(c) == "40", "with the pushed chain", 20)


if __name__ == "__main__":
    run_tests([pushed, burst, same_again, broken, old_shapes, root_moves, swapped_in_flight, restart_keeps])
