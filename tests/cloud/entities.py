# SPDX-License-Identifier: Apache-2.0
"""Entities as the cloud sends them, small ones, and a tenant of them for a test cloud."""
import json
import os
import subprocess
import uuid

from rig import BUILD, CHAIN_ID, NULL_ID, PROFILE_ID, ROOT, TENANT_ID, Cloud, Edge, check, halves, until

ASSET_PROFILE_ID = "911f25a0-e691-11f1-beeb-998483c8d1f1"


def ref(kind, u):
    return {"entityType": kind, "id": u}


def entity_msg(kind, body, msg_type=None):
    msb, lsb = halves(body["id"]["id"])
    out = {"idMSB": msb, "idLSB": lsb, "entity": json.dumps(body)}
    if msg_type:
        out["msgType"] = msg_type
    return out


def device_profile(u, name, default=False):
    return {"id": ref("DEVICE_PROFILE", u), "createdTime": 1700000000000, "tenantId": ref("TENANT", TENANT_ID),
            "name": name, "description": "", "image": None, "type": "DEFAULT", "transportType": "DEFAULT",
            "provisionType": "DISABLED", "defaultRuleChainId": None, "defaultDashboardId": None,
            "defaultQueueName": None, "provisionDeviceKey": None, "firmwareId": None, "softwareId": None,
            "defaultEdgeRuleChainId": None, "externalId": None, "version": None, "default": default,
            "profileData": {"configuration": {"type": "DEFAULT"}, "transportConfiguration": {"type": "DEFAULT"},
                            "provisionConfiguration": {"type": "DISABLED", "provisionDeviceSecret": None},
                            "alarms": None}}


def asset_profile(u, name, default=False):
    return {"id": ref("ASSET_PROFILE", u), "createdTime": 1700000000000, "tenantId": ref("TENANT", TENANT_ID),
            "name": name, "description": "", "image": None, "defaultRuleChainId": None, "defaultDashboardId": None,
            "defaultQueueName": None, "defaultEdgeRuleChainId": None, "externalId": None, "version": None,
            "default": default}


def device(u, name, profile=PROFILE_ID):
    return {"id": ref("DEVICE", u), "createdTime": 1700000000000, "tenantId": ref("TENANT", TENANT_ID),
            "customerId": ref("CUSTOMER", NULL_ID), "name": name, "type": "default", "label": None,
            "deviceProfileId": ref("DEVICE_PROFILE", profile), "firmwareId": None, "softwareId": None,
            "externalId": None, "version": None, "additionalInfo": None,
            "deviceData": {"configuration": {"type": "DEFAULT"}, "transportConfiguration": {"type": "DEFAULT"}}}


def asset(u, name, profile=ASSET_PROFILE_ID):
    return {"id": ref("ASSET", u), "createdTime": 1700000000000, "tenantId": ref("TENANT", TENANT_ID),
            "customerId": ref("CUSTOMER", NULL_ID), "name": name, "type": "default", "label": None,
            "assetProfileId": ref("ASSET_PROFILE", profile), "externalId": None, "version": None,
            "additionalInfo": None}


def credentials(u, token):
    return {"entity": json.dumps({"id": {"id": str(uuid.uuid1())}, "createdTime": 1700000000000,
                                  "deviceId": ref("DEVICE", u), "credentialsType": "ACCESS_TOKEN",
                                  "credentialsId": token, "credentialsValue": None, "version": None})}


def root_chain(u=CHAIN_ID, path=None, also=()):
    """The default edge root chain as the cloud sends it (facts 7.5), from the example file; also: more connections,
    (node name, node name, label)."""
    path = path or os.path.join(ROOT, "examples", "edge-root", "edge-root.yaml")
    out = subprocess.run([os.path.join(BUILD, "tbedgec"), "fmt", "--to", "json", path], capture_output=True, text=True,
                         check=True).stdout
    f = json.loads(out)
    chain, meta = f["ruleChain"], f["metadata"]
    chain.update(id=ref("RULE_CHAIN", u), root=True, type="EDGE", tenantId=ref("TENANT", TENANT_ID))
    meta["ruleChainId"] = ref("RULE_CHAIN", u)
    at = {n["name"]: i for i, n in enumerate(meta["nodes"])}
    meta["connections"] += [{"fromIndex": at[a], "toIndex": at[b], "type": label} for a, b, label in also]
    msb, lsb = halves(u)
    return {"ruleChainUpdateMsg": [{"idMSB": msb, "idLSB": lsb, "entity": json.dumps(chain)}],
            "ruleChainMetadataUpdateMsg": [{"entity": json.dumps(meta)}]}


def device_down(u, name, token, msg_type=None, profile=None, **over):
    """DownlinkMsg of a device with credentials, and its profile where it is new."""
    body = dict(device(u, name), **over)
    d = {"deviceUpdateMsg": [entity_msg("DEVICE", body, msg_type)],
         "deviceCredentialsUpdateMsg": [credentials(u, token)]}
    if profile:
        d["deviceProfileUpdateMsg"] = [entity_msg("DEVICE_PROFILE", profile)]
    return d


def device_id(n):
    return "d0000000-0000-11ee-8000-%012x" % n


def kv(key, value):
    if isinstance(value, bool):
        return dict({"key": key}, **({"bool_v": True} if value else {}))
    if isinstance(value, int):
        return {"key": key, "type": "LONG_V", "long_v": str(value)}
    if isinstance(value, float):
        return {"key": key, "type": "DOUBLE_V", "double_v": value}
    if isinstance(value, str):
        return {"key": key, "type": "STRING_V", "string_v": value}
    return {"key": key, "type": "JSON_V", "json_v": json.dumps(value)}


def entity_data(u, kind="DEVICE", **fields):
    msb, lsb = halves(u)
    return {"entityData": [dict({"entityIdMSB": msb, "entityIdLSB": lsb, "entityType": kind}, **fields)]}


def attributes(u, scope, values, ts=None):
    d = entity_data(u, attributesUpdatedMsg={"kv": [kv(k, v) for k, v in values.items()]}, postAttributeScope=scope)
    if ts:
        d["entityData"][0]["attributeTs"] = str(ts)
    return d


def deleted(kind_field, u):
    msb, lsb = halves(u)
    return {kind_field: [{"msgType": "ENTITY_DELETED_RPC_MESSAGE", "idMSB": msb, "idLSB": lsb}]}


def fill(cloud, devices=1, chain=None):
    """A tenant with default profiles, the default edge root chain and some devices (tokens tok-1, tok-2 ...)."""
    tenant = {"id": ref("TENANT", TENANT_ID), "createdTime": 1700000000000, "title": "Tenant", "name": "Tenant",
              "region": "Global", "version": None}
    cloud.cmd("entities", downlinkMsg={"tenantUpdateMsg": [{"msgType": "ENTITY_UPDATED_RPC_MESSAGE",
                                                            "entity": json.dumps(tenant)}]})
    cloud.cmd("entities", downlinkMsg=chain or root_chain())
    cloud.cmd("entities", downlinkMsg={"deviceProfileUpdateMsg": [
        entity_msg("DEVICE_PROFILE", device_profile(PROFILE_ID, "default", True))]})
    cloud.cmd("entities", downlinkMsg={"assetProfileUpdateMsg": [
        entity_msg("ASSET_PROFILE", asset_profile(ASSET_PROFILE_ID, "default", True))]})
    for n in range(1, devices + 1):
        cloud.cmd("entities", downlinkMsg=device_down(device_id(n), "dev-%d" % n, "tok-%d" % n))


def idle(cloud):
    """Nothing is on its way any more, in either direction."""
    s = cloud.stats()
    return s["sessions"] and s["sessions"][-1]["live"] and not s["sessions"][-1]["inFlight"] and \
        not s["sessions"][-1]["syncing"] and not s["edges"][0]["queued"] and not s["edges"][0]["packOpen"]


def start(*cloud_args, devices=1, env=None, chain=None, quiet=True, record=True):
    """A test cloud with that tenant and an edge that is synchronised and runs its chain."""
    cloud = Cloud(*cloud_args, record=record)
    try:
        fill(cloud, devices, chain)
        edge = Edge(cloud.port, env=env)
    except BaseException:
        cloud.stop()
        raise
    try:
        until(lambda: cloud.stats()["syncsDone"] >= 1, "the first sync", 30)
        until(lambda: edge.live_chain(CHAIN_ID), "the root chain is live", 60)
        if quiet:
            until(lambda: idle(cloud) and cloud.stats()["uplinksReceived"] >= 1, "the first requests are answered", 20)
    except BaseException:
        print(edge.tail())
        edge.stop()
        cloud.stop()
        raise
    return cloud, edge


class Pair:
    """with Pair(...) as (cloud, edge): both are stopped afterwards; the end of the log is shown when it fails."""

    def __init__(self, *args, **kw):
        self.args, self.kw = args, kw

    def __enter__(self):
        self.cloud, self.edge = start(*self.args, **self.kw)
        return self.cloud, self.edge

    def __exit__(self, kind, value, tb):
        if kind:
            print(self.edge.tail(2500))
            print(self.edge.cmd("status", "--json", ok=False), self.edge.cmd("outbox", "--json", ok=False)[1][:600])
        self.edge.stop()
        rc = self.cloud.stop()
        if not kind:
            check(rc == 0, "the test cloud ends cleanly")
