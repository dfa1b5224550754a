# SPDX-License-Identifier: Apache-2.0
"""The test cloud itself, against a bare client: what the other tests rely on."""
import json
import time

from rig import KEY, SECRET, Client, Cloud, check, halves, run_tests, until

D1, D2 = "11111111-2222-11ee-8000-000000000001", "11111111-2222-11ee-8000-000000000002"


def point(ts, device=D1, key="a", value=1):
    msb, lsb = halves(device)
    return {"entityIdMSB": msb, "entityIdLSB": lsb, "entityType": "DEVICE",
            "postTelemetryMsg": {"tsKvList": [{"ts": str(ts), "kv": [{"key": key, "type": "LONG_V",
                                                                     "long_v": str(value)}]}]}}


def attribute(device=D1):
    msb, lsb = halves(device)
    return {"entityIdMSB": msb, "entityIdLSB": lsb, "entityType": "DEVICE", "postAttributeScope": "SERVER_SCOPE",
            "attributesUpdatedMsg": {"kv": [{"key": "x"}]}}


def refuses_strangers():
    c = Cloud()
    for key, secret, text in (("nobody", SECRET, "Failed to find the edge! Routing key: nobody"),
                              (KEY, "wrong", "Failed to validate the edge! Provided request secret: wrong")):
        e = Client(c.port)
        r = e.connect(key, secret)["connectResponseMsg"]
        check(r["responseCode"] == "BAD_CREDENTIALS" and r["errorMsg"] == text, "refusal", r)
        check(e.read() == {"end": {"status": 2}}, "the stream ends with UNKNOWN")
        e.stop()
    check(c.stats()["refusals"] == 2, "two refusals")
    check("wrong" not in json.dumps(c.recorded()[:3]), "no secret in the record")
    check(c.stop() == 0, "ends cleanly")


def syncs_in_packs():
    c = Cloud()
    for i in range(70):
        c.cmd("entities", downlinkMsg={"widgetTypeUpdateMsg": [{"entity": "{}"}]})
    c.cmd("entities", downlinkMsg={"deviceProfileUpdateMsg": [{"entity": "{}"}]})
    e = Client(c.port)
    check("configuration" in e.connect()["connectResponseMsg"], "accepted")
    for full, want in ((True, 72), (False, 2)):
        e.send({"msgType": "SYNC_REQUEST_RPC_MESSAGE", "syncRequestMsg": {"fullSync": full}})
        got, pack = 0, []
        while True:
            d = e.read()["downlinkMsg"]
            got += 1
            pack.append(d["downlinkMsgId"])
            if full and got in (50, 70):
                time.sleep(0.1)
                check(c.stats()["syncDownlinks"] == got, "the next pack waits for the acknowledgements")
                [e.ack(i) for i in pack]
                pack = []
            if "syncCompletedMsg" in d:
                break
            if not full or got > 70:
                e.ack(d["downlinkMsgId"])
        e.ack(d["downlinkMsgId"])
        check(got == want, "messages of the sync", got)
        until(lambda: c.stats()["syncsDone"] == (1 if full else 2), "sync done")
    e.stop()
    c.stop()


def resends_and_gives_up():
    c = Cloud("set={\"resendMs\":100,\"giveUpMs\":50}")
    e = Client(c.port)
    e.connect()
    down = c.send({"deviceUpdateMsg": [{"entity": "{}"}]})
    behind = c.send({"assetUpdateMsg": [{"entity": "{}"}]})
    for _ in range(3):
        check(e.read()["downlinkMsg"]["downlinkMsgId"] == down, "same id again")
    check(e.read()["downlinkMsg"]["downlinkMsgId"] == behind, "then the next one")
    check(c.state(down)["state"] == "abandoned", "given up")
    e.ack(behind, success=False)
    until(lambda: c.state(behind)["state"] == "refused", "refused and not kept")
    c.cmd("set", version="3.9")
    kept = c.send({"assetUpdateMsg": [{"entity": "{}"}]})
    e.read()
    e.ack(kept, success=False)
    check(e.read()["downlinkMsg"]["downlinkMsgId"] == kept, "an old cloud sends a refused one again")
    e.stop()
    c.stop()


def answers():
    c = Cloud()
    e = Client(c.port)
    e.connect()
    e.uplink(uplinkMsgId=1, entityData=[point(1), point(2), point(1, D2)])
    check(e.read()["uplinkResponseMsg"] == {"success": True, "uplinkMsgId": 1}, "answered")
    e.uplink(uplinkMsgId=2, entityData=[point(2), point(5), point(4)])
    e.read()
    r = c.stats(series=True)["received"]
    s = [x for x in r["series"] if x["entityId"] == D1][0]
    check(r["points"] == 5 and r["duplicates"] == 1, "points and duplicates", r)
    check(s["points"] == 4 and s["backwards"] == 1 and s["minTs"] == 1 and s["maxTs"] == 5, "series", s)
    c.cmd("set", hold=True)
    for i in (3, 4, 5):
        e.uplink(uplinkMsgId=i, entityData=[point(10 + i)])
    until(lambda: c.stats()["sessions"][0]["inFlight"] == 3, "three held")
    check(c.stats()["received"]["points"] == 5, "held ones do not count")
    c.cmd("release", order="reverse")
    check([e.read()["uplinkResponseMsg"]["uplinkMsgId"] for _ in range(3)] == [5, 4, 3], "reversed")
    c.cmd("set", hold=False)
    c.cmd("nack", contains="poison", times=1, error="bad")
    e.uplink(uplinkMsgId=6, entityData=[point(30, key="poison")])
    check(e.read()["uplinkResponseMsg"] == {"errorMsg": "bad", "uplinkMsgId": 6}, "refused once")
    e.uplink(uplinkMsgId=7, entityData=[point(30, key="poison")])
    check(e.read()["uplinkResponseMsg"]["success"], "then taken")
    c.cmd("set", rateLimit="2:1000")
    for i in (8, 9, 10):
        e.uplink(uplinkMsgId=i)
    check([e.read()["uplinkResponseMsg"].get("success", False) for _ in range(3)] == [True, True, False], "rate")
    e.stop()
    c.stop()


def sees_broken_rules():
    c = Cloud("set={\"hold\":true}")
    e = Client(c.port)
    e.connect()
    msb, lsb = halves(D1)
    e.uplink(uplinkMsgId=1, deviceUpdateMsg=[{"idMSB": msb, "idLSB": lsb, "entity": "{}"}])
    e.uplink(uplinkMsgId=2, entityData=[point(1)])
    e.uplink(uplinkMsgId=3, entityData=[attribute()])
    e.uplink(uplinkMsgId=4, entityData=[attribute(D2), point(1, D2)])
    until(lambda: c.stats()["uplinksReceived"] == 4, "four")
    v = c.stats()["received"]["violations"]
    check([x.split(":")[0] for x in v] == ["data before its entity", "data before its entity", "order"], "broken", v)
    c.cmd("clear")
    c.cmd("release")
    e.uplink(uplinkMsgId=5, entityData=[attribute()])
    e.uplink(uplinkMsgId=6, entityData=[point(3)],
             deviceProfileUpdateMsg=[{"msgType": "ENTITY_DELETED_RPC_MESSAGE"}])
    until(lambda: c.stats()["uplinksReceived"] == 2, "two more")
    v = c.stats()["received"]["violations"]
    check(v == ["forbidden: deviceProfileUpdateMsg DELETED"], "only the forbidden one", v)
    e.stop()
    c.stop()


def failures_of_the_link():
    c = Cloud("set={\"maxInbound\":1000}")
    for cmd, status in (("close", 0), ("reset", 1), ("cut", 14)):
        e = Client(c.port)
        e.connect()
        c.cmd(cmd)
        check(e.read() == {"end": {"status": status}}, cmd)
        e.stop()
    e = Client(c.port)
    e.connect()
    e.uplink(uplinkMsgId=1, deviceUpdateMsg=[{"entity": "x" * 2000}])
    check(e.read() == {"end": {"status": 1}}, "too large")
    check(c.stats()["resets"] == 1, "counted")
    a, b = Client(c.port), Client(c.port)
    a.connect()
    check("configuration" in b.connect()["connectResponseMsg"], "the second is accepted")
    check(a.read() == {"end": {"status": 0}}, "the first is ended cleanly")
    c.cmd("half-open")
    b.uplink(uplinkMsgId=2)
    time.sleep(0.2)
    check(c.stats()["uplinksReceived"] == 0, "nothing passes")
    c.cmd("resume")
    check(b.read()["uplinkResponseMsg"]["uplinkMsgId"] == 2, "it passes again")
    c.cmd("restart", ms=100)
    check(b.read()["end"]["status"] in (1, 14), "restart ends streams")
    time.sleep(0.3)
    d = Client(c.port)
    check("configuration" in d.connect()["connectResponseMsg"], "up again on the same port")
    for x in (a, b, d):
        x.stop()
    check(c.stop() == 0, "ends cleanly")


def old_versions():
    c = Cloud("set={\"version\":\"3.7\"}")
    e = Client(c.port)
    e.connect()
    msb, lsb = halves(D1)
    meta = json.dumps({"nodes": [{"debugSettings": {"allEnabled": True}}]})
    c.send({"ruleChainUpdateMsg": [{"idMSB": msb, "idLSB": lsb, "entity": "{}"}],
            "ruleChainMetadataUpdateMsg": [{"entity": meta}]})
    d = e.read()["downlinkMsg"]
    check("ruleChainMetadataUpdateMsg" not in d and "ruleChainUpdateMsg" in d, "metadata withheld", d)
    e.ack(d["downlinkMsgId"])
    check(c.try_cmd("send", downlinkMsg={"calculatedFieldUpdateMsg": [{"entity": "{}"}]})["error"], "not known then")
    e.uplink(uplinkMsgId=1, ruleChainMetadataRequestMsg=[{"ruleChainIdMSB": msb, "ruleChainIdLSB": lsb}])
    got = [e.read(), e.read()]
    d = [x["downlinkMsg"] for x in got if "downlinkMsg" in x][0]
    nodes = json.loads(d["ruleChainMetadataUpdateMsg"][0]["entity"])["nodes"]
    check(nodes == [{"debugMode": True}], "sent when asked, in the old form", nodes)
    c.send({"queueUpdateMsg": [{"entity": "{}"}], "_oAuth2UpdateMsg37": "{}"})
    e.ack(d["downlinkMsgId"])
    check(e.read() is None, "field 30 as 3.7 has it cannot be read by a strict reader")
    e.stop()
    c.stop()


def steps():
    c = Cloud(scenario="""
steps:
  - {on: uplink, count: 2, do: [{cmd: close, status: 5}]}
""")
    e = Client(c.port)
    e.connect()
    e.uplink(uplinkMsgId=1)
    e.read()
    e.uplink(uplinkMsgId=2)
    check([e.read(), e.read()][1] == {"end": {"status": 5}}, "the second uplink ends the stream")
    e.stop()
    c.stop()


run_tests([refuses_strangers, syncs_in_packs, resends_and_gives_up, answers, sees_broken_rules, failures_of_the_link,
           old_versions, steps])
