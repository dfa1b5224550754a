# SPDX-License-Identifier: Apache-2.0
"""What comes down: applied once, in order, answered after the commit and in time (facts 5, 6, 8, 9.2, 12.3; checklist
3, 4, 6, 10-12)."""
import json
import time
import uuid

from entities import (ASSET_PROFILE_ID, Pair, asset, attributes, credentials, deleted, device, device_down, device_id,
                      device_profile, entity_data, entity_msg, kv, ref, root_chain)
from rig import NULL_ID, PROFILE_ID, TENANT_ID, Cloud, Device, check, halves, run_tests, until, whole

U = device_id(500)


def requests_for(cloud, u):
    msb, lsb = halves(u)
    return sorted(f for m in cloud.ups() for f, items in m.items() if f.endswith("RequestMsg")
                  for i in items if i.get("entityIdMSB", i.get("deviceIdMSB", i.get("userIdMSB"))) == msb
                  and i.get("entityIdLSB", i.get("deviceIdLSB", i.get("userIdLSB"))) == lsb)


def repeated():
    """The same message again, under the same and under another id: acknowledged again, applied once."""
    with Pair('set={"resendMs":150}') as (c, e):
        down = device_down(U, "twice", "tok-twice")
        c.acked(c.send(down))
        until(lambda: len(requests_for(c, U)) >= 4, "asked about")
        for _ in range(3):
            c.cmd("raw", msg={"downlinkMsg": dict(down, downlinkMsgId=4711)})
            c.acked(c.send(down))
        acks = [x["msg"]["downlinkResponseMsg"] for x in c.recorded() if x["dir"] == "up" and
                "downlinkResponseMsg" in x["msg"]]
        again = [a for a in acks if a["downlinkMsgId"] == 4711]
        check(len(again) == 3 and all(a["success"] for a in again), "every repeat is answered", again)
        check(len(requests_for(c, U)) == 4, "asked about once", requests_for(c, U))
        check(e.cmd("device", "list").count("twice") == 1, "one device")


def unknown():
    """What the edge does not know is acknowledged and changes nothing."""
    with Pair() as (c, e):
        c.acked(c.send({}))
        for field in ("deviceUpdateMsg", "assetUpdateMsg", "dashboardUpdateMsg", "entityViewUpdateMsg",
                      "ruleChainUpdateMsg", "customerUpdateMsg", "userUpdateMsg", "otaPackageUpdateMsg",
                      "resourceUpdateMsg", "calculatedFieldUpdateMsg", "widgetTypeUpdateMsg", "queueUpdateMsg"):
            c.acked(c.send(deleted(field, device_id(999))))
        c.acked(c.send(entity_data(device_id(998), postTelemetryMsg={"tsKvList": [
            {"ts": "1700000000000", "kv": [kv("a", 1)]}]})))
        c.acked(c.send({"deviceCredentialsUpdateMsg": [credentials(device_id(997), "nobody")]}))
        check(e.status()["workerRestarts"] == 0, "no crash")


def garbage():
    """Texts that are no JSON, or the wrong JSON: answered, nothing breaks, the next message is applied."""
    with Pair() as (c, e):
        ids = []
        for field in ("deviceUpdateMsg", "deviceProfileUpdateMsg", "assetUpdateMsg", "ruleChainUpdateMsg",
                      "ruleChainMetadataUpdateMsg", "dashboardUpdateMsg", "alarmUpdateMsg", "relationUpdateMsg",
                      "userUpdateMsg", "tenantUpdateMsg", "otaPackageUpdateMsg", "calculatedFieldUpdateMsg",
                      "deviceCredentialsUpdateMsg", "adminSettingsUpdateMsg", "widgetsBundleUpdateMsg"):
            for text in ("", "{", "[]", "null", '{"id":5}', '{"id":{"id":"x"}}', "{}", "[" * 5000):
                ids.append(c.send({field: [{"entity": text}]}))
        for i in ids:
            until(lambda: c.state(i)["state"] in ("acked", "refused"), "an answer", 20)
        c.acked(c.send(device_down(U, "after", "tok-after")))
        check(e.entity(U)["name"] == "after", "applied")
        check(e.status()["workerRestarts"] == 0, "no crash")


def devices():
    """Created, renamed, credentials, deleted; sessions follow."""
    with Pair() as (c, e):
        c.acked(c.send(device_down(U, "a", "tok-a")))
        d = Device(e, "tok-a")
        c.acked(c.send(device_down(U, "b", "tok-a", "ENTITY_UPDATED_RPC_MESSAGE", label="new")))
        check(e.entity(U)["name"] == "b" and e.entity(U)["label"] == "new", "renamed")
        check(d.alive, "a rename keeps the session")
        c.acked(c.send({"deviceCredentialsUpdateMsg": [credentials(U, "tok-b")]}))
        until(lambda: not d.alive, "old credentials: the session is closed", 5)
        d2 = Device(e, "tok-b")
        c.acked(c.send(deleted("deviceUpdateMsg", U)))
        until(lambda: not d2.alive, "deleted: the session is closed", 5)
        check(e.entity(U) is None, "gone")
        c.acked(c.send(deleted("deviceUpdateMsg", U)))


def no_echo():
    """Nothing that a downlink stored goes up again."""
    with Pair() as (c, e):
        c.acked(c.send(device_down(U, "quiet", "tok-q")))
        c.acked(c.send(device_down(U, "quieter", "tok-q", "ENTITY_UPDATED_RPC_MESSAGE")))
        c.acked(c.send(attributes(U, "SERVER_SCOPE", {"a": 1})))
        c.acked(c.send(entity_data(U, postTelemetryMsg={"tsKvList": [{"ts": "1700000000000", "kv": [kv("t", 1)]}]})))
        c.acked(c.send(deleted("deviceUpdateMsg", U)))
        time.sleep(1)
        kinds = {f for m in c.ups() for f in m if f not in ("uplinkMsgId",) and not f.endswith("RequestMsg")}
        check(kinds <= {"entityData"}, "only requests", kinds)
        check(not [x for x in c.ups("entityData") if x["entityType"] != "EDGE"], "no data", c.ups("entityData"))


def duplicate_keys():
    """Java's own duplicate member in deviceData (checklist 11)."""
    with Pair() as (c, e):
        d = device_down(U, "dup", "tok-dup")
        text = d["deviceUpdateMsg"][0]["entity"].replace('"configuration": {"type": "DEFAULT"}',
                                                         '"configuration":{"type":"DEFAULT","type":"DEFAULT"}')
        check('"type":"DEFAULT","type"' in text, "prepared")
        d["deviceUpdateMsg"][0]["entity"] = text
        c.acked(c.send(d))
        check(e.entity(U)["name"] == "dup", "stored")


def keeps_all():
    """Members the edge does not interpret are kept (checklist 12)."""
    with Pair() as (c, e):
        c.acked(c.send(device_down(U, "keep", "tok-k", additionalInfo={"x": [1, {"y": None}]}, futureField={"z": 1})))
        got = e.entity(U)
        check(got["additionalInfo"]["x"] == [1, {"y": None}] and got.get("futureField") == {"z": 1}, "kept", got)


def attributes_down():
    """Attributes: newest wins, deletion, told to the device (9.2)."""
    with Pair() as (c, e):
        d = Device(e, "tok-1")
        d.subscribe("v1/devices/me/attributes")
        u = device_id(1)
        c.acked(c.send(attributes(u, "SHARED_SCOPE", {"target": 22.5, "big": 9007199254740993, "on": False,
                                                      "obj": {"a": [1, {"b": None}]}}, ts=2000)))
        got = json.loads(d.receive()["payload"])
        check(got.get("target") == 22.5 and got.get("big") == 9007199254740993 and got.get("on") is False, "told", got)
        c.acked(c.send(attributes(u, "SHARED_SCOPE", {"target": 1}, ts=1000)))
        check('22.5' in e.cmd("attr", "get", "dev-1", "--scope", "SHARED_SCOPE", "target"), "an older one is ignored")
        c.acked(c.send(entity_data(u, attributeDeleteMsg={"scope": "SHARED_SCOPE", "attributeNames": ["target"]})))
        got = json.loads(d.receive()["payload"])
        check(got == {"deleted": ["target"]}, "told of the deletion", got)


def telemetry_down():
    """Telemetry runs through the rule chain, which stores it; source=cloud keeps it from going up again."""
    with Pair() as (c, e):
        c.acked(c.send(entity_data(device_id(1), postTelemetryMsg={"tsKvList": [
            {"ts": "1700000000000", "kv": [kv("fromCloud", 7)]}]})))
        until(lambda: "7" in e.cmd("telemetry", "dev-1", "--key", "fromCloud"), "stored")
        time.sleep(0.5)
        check(not [x for x in c.ups("entityData") if x["entityType"] == "DEVICE"], "not sent back")


def late_profile():
    """A device that is sent without its profile first, then with it."""
    with Pair() as (c, e):
        p = device_profile(device_id(700), "prof-x")
        body = dict(device(U, "late", device_id(700)), type="prof-x")
        first = c.send({"deviceUpdateMsg": [entity_msg("DEVICE", body)],
                        "deviceCredentialsUpdateMsg": [credentials(U, "tok-late")]})
        until(lambda: c.state(first)["state"] in ("acked", "refused"), "answered")
        c.acked(c.send({"deviceUpdateMsg": [entity_msg("DEVICE", body)],
                        "deviceCredentialsUpdateMsg": [credentials(U, "tok-late")],
                        "deviceProfileUpdateMsg": [entity_msg("DEVICE_PROFILE", p)]}))
        check(e.entity(U)["deviceProfileId"]["id"] == device_id(700), "with its profile")
        Device(e, "tok-late")


def name_conflict():
    """Another device has the name: the incoming one is renamed and goes up as UPDATED (5.3 R)."""
    with Pair() as (c, e):
        c.acked(c.send(device_down(U, "dev-1", "tok-c")))
        name = e.entity(U)["name"]
        check(name.startswith("dev-1_") and len(name) == 6 + 15, "renamed", name)
        up = until(lambda: [x for x in c.ups("deviceUpdateMsg")], "the new name goes up")[0]
        check(up.get("msgType") == "ENTITY_UPDATED_RPC_MESSAGE" and json.loads(up["entity"])["name"] == name, "it", up)


def relations():
    """Stored when both ends are there, skipped with success when not, deleted."""
    with Pair() as (c, e):
        a = device_id(600)
        c.acked(c.send({"assetUpdateMsg": [entity_msg("ASSET", asset(a, "building"))]}))

        def relation(frm, to, kind="ENTITY_CREATED_RPC_MESSAGE"):
            body = {"from": ref("ASSET", frm), "to": ref("DEVICE", to), "type": "Contains", "typeGroup": "COMMON",
                    "version": None, "additionalInfo": {"x": 1}}
            return {"relationUpdateMsg": [{"msgType": kind, "entity": json.dumps(body)}]}
        c.acked(c.send(relation(a, device_id(1))))
        c.acked(c.send(relation(a, device_id(999))))

        def stored():
            return e.db("SELECT count(*) FROM relation WHERE type = 'Contains'")[0][0]
        check(stored() == 1, "one is stored", stored())
        c.acked(c.send(relation(a, device_id(1), "ENTITY_DELETED_RPC_MESSAGE")))
        check(stored() == 0, "deleted")


def large():
    """Checklist 1: one message of 3.9 MB comes through flow control, is stored and answered."""
    with Pair() as (c, e):
        u = device_id(800)
        body = {"id": ref("DASHBOARD", u), "createdTime": 1700000000000, "tenantId": ref("TENANT", TENANT_ID),
                "title": "big", "name": "big", "configuration": {"x": "y" * 3900000}, "version": None}
        ms = c.acked(c.send({"dashboardUpdateMsg": [entity_msg("DASHBOARD", body)]}))
        check(ms < 2000, "in time", ms)
        check(len(e.entity(u)["configuration"]["x"]) == 3900000, "all of it is stored")


def in_order_and_fast():
    """500 messages in packs while devices publish: in order, each answered within a second."""
    with Pair(devices=2) as (c, e):
        d = Device(e, "tok-1")
        for n in range(500):
            last = c.send(attributes(device_id(2), "SERVER_SCOPE", {"n": n}, ts=1000 + n))
            if n % 10 == 0:
                d.telemetry([{"ts": 1700000000000 + 100 * n + k, "values": {"a": k}} for k in range(100)])
        c.acked(last, 30)
        s = c.stats()
        check(s["downlinksResent"] == 0 and s["ackMsMax"] < 1000, "answered within a second", s["ackMsMax"])
        check("499" in e.cmd("attr", "get", "dev-2", "--scope", "SERVER_SCOPE", "n"), "the last one counts")


def worker_killed():
    """The worker dies while downlinks come: each is applied once and answered."""
    import os
    with Pair('set={"resendMs":3000}') as (c, e):
        ids = [c.send(device_down(device_id(1000 + n), "k-%d" % n, "tok-k%d" % n)) for n in range(200)]
        until(lambda: c.stats()["downlinksAcked"] > 20, "some are answered")
        os.kill(e.children()["worker"][0], 9)
        for i in ids:
            c.acked(i, 60)
        names = e.cmd("device", "list")
        check(all("k-%d\t" % n in names for n in range(200)), "all are there")
        check(c.stats()["streams"] == 1, "the stream was not cut")


# RPC ------------------------------------------------------------------------------------------------------

def call(u, method="getState", params='{"a":1}', ms=6000, number=3, **more):
    msb, lsb = halves(u)
    r = halves(str(uuid.uuid4()))
    return dict({"deviceIdMSB": msb, "deviceIdLSB": lsb, "requestUuidMSB": r[0], "requestUuidLSB": r[1],
                 "requestId": number, "expirationTime": str(int(time.time() * 1000) + ms), "persisted": False,
                 "retries": 0, "additionalInfo": '"null"', "requestMsg": {"method": method, "params": params}}, **more)


def rpc(cloud, request):
    """Sends it; returns (acknowledgement ms, fn that waits for the answer)."""
    ms = cloud.acked(cloud.send({"deviceRpcCallMsg": [request]}, urgent=True))

    def answer(seconds=10):
        got = until(lambda: [x for x in cloud.ups("deviceRpcCallMsg") if x.get("responseMsg") is not None and
                             x["requestUuidMSB"] == request["requestUuidMSB"]], "the answer", seconds)[0]
        check(got["expirationTime"] == request["expirationTime"] and
              got.get("requestId", 0) == request.get("requestId", 0) and
              got.get("oneway", False) == request.get("oneway", False), "echoes the request", got)
        check(not any(k in got for k in ("persisted", "retries", "additionalInfo", "serviceId", "sessionId")),
              "and nothing else", got)
        return got["responseMsg"]
    return ms, answer


def rpc_cases():
    """Two-way, one-way, unanswered, not connected, persistent (8.1, 15.4)."""
    with Pair(devices=2) as (c, e):
        u = device_id(1)
        d = Device(e, "tok-1")
        d.subscribe("v1/devices/me/rpc/request/+")
        ms, answer = rpc(c, call(u))
        check(ms < 500, "acknowledged before the device answers", ms)
        got = d.receive()
        check(json.loads(got["payload"]) == {"method": "getState", "params": {"a": 1}}, "request", got)
        d.publish("v1/devices/me/rpc/response/" + got["topic"].rsplit("/", 1)[1], '{"ok": 1}')
        check(answer() == {"response": '{"ok": 1}'}, "the device's text as it is", answer())
        _, answer = rpc(c, call(u, "setOn", "true", oneway=True, number=0))
        check(answer() == {"response": "{}"}, "one-way", answer())
        check(json.loads(d.receive()["payload"]) == {"method": "setOn", "params": True}, "delivered")
        _, answer = rpc(c, call(u, ms=600))
        check(answer() == {"error": "TIMEOUT"}, "unanswered", answer())
        d.receive()
        _, answer = rpc(c, call(device_id(2), ms=600))
        check(answer() == {"error": "NO_ACTIVE_CONNECTION"}, "not connected", answer())
        _, answer = rpc(c, call(device_id(2), ms=600, oneway=True))
        check(answer() == {"error": "NO_ACTIVE_CONNECTION"}, "not connected, one-way", answer())
        p = call(device_id(2), "late", "{}", persisted=True, ms=20000)
        _, answer = rpc(c, p)
        want = whole(p["requestUuidMSB"], p["requestUuidLSB"])
        check(json.loads(answer()["response"]) == {"rpcId": want}, "persistent: answered at once", answer())
        d2 = Device(e, "tok-2")
        d2.subscribe("v1/devices/me/rpc/request/+")
        got = d2.receive()
        check(got and json.loads(got["payload"])["method"] == "late", "delivered when it connects", got)


def rpc_from_device():
    """A client-side RPC that the chain pushes up, answered from the cloud by session (8.2)."""
    chain = root_chain(also=[("Message Type Switch", "Push to cloud", "RPC Request from Device")])
    with Pair(chain=chain) as (c, e):
        d = Device(e, "tok-1")
        d.subscribe("v1/devices/me/rpc/response/+")
        d.publish("v1/devices/me/rpc/request/77", '{"method":"getCurrentTime","params":{"z":1}}')
        up = until(lambda: [x for x in c.ups("deviceRpcCallMsg") if "requestMsg" in x], "the call")[0]
        check(up["requestMsg"]["method"] == "getCurrentTime" and up.get("requestId") == 77, "call", up)
        check(up.get("sessionId") and up.get("serviceId"), "session and service", up)
        msb, lsb = halves(device_id(1))
        c.acked(c.send({"deviceRpcCallMsg": [{"deviceIdMSB": msb, "deviceIdLSB": lsb, "requestId": 77,
                                              "serviceId": up["serviceId"], "sessionId": up["sessionId"],
                                              "responseMsg": {"response": '{"time":5}'}}]}, urgent=True))
        got = d.receive()
        check(got["topic"].endswith("/77") and json.loads(got["payload"]) == {"time": 5}, "the answer", got)


# Older clouds ------------------------------------------------------------------------------------------------

def old_cloud(version):
    def test():
        with Pair('set={"version":"%s"}' % version, devices=2) as (c, e):
            check(e.status()["workerRestarts"] == 0, "no crash")
            Device(e, "tok-2").telemetry({"n": 1})
            until(lambda: c.stats()["received"]["points"] == 1, "telemetry")
            asked = {f for m in c.ups() for f in m}
            early = float(version.rsplit(".", 1)[0] if version.count(".") > 1 else version) < 3.8
            check(("deviceCredentialsRequestMsg" in asked) == early and
                  ("ruleChainMetadataRequestMsg" in asked) == early, "asks for companions only where needed", asked)
            if version == "3.7":
                c.acked(c.send({"queueUpdateMsg": [{"msgType": "ENTITY_DELETED_RPC_MESSAGE"}],
                                "_oAuth2UpdateMsg37": '{"x":1}'}))
    test.__name__ = "old_cloud_" + version.replace(".", "_")
    return test


if __name__ == "__main__":
    run_tests([repeated, unknown, garbage, devices, no_echo, duplicate_keys, keeps_all, attributes_down, telemetry_down,
               late_profile, name_conflict, relations, large, in_order_and_fast, worker_killed, rpc_cases, rpc_from_device,
               *[old_cloud(v) for v in ("3.6.2", "3.7", "3.8", "3.9", "4.0", "4.1", "4.2", "4.3")]])
