#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes from the recorded device-API vectors what belongs to payload typing: each post of telemetry or
attributes with what the server stored or answered. Writes the table that test_kv.c runs.

usage: kv_extract.py DIR-OF-VECTORS > kv_vectors.jsonl
"""
import json
import os
import sys


def body_of(step):
    """(operation, payload as hex, HTTP expectation) of a step that posts data, else None."""
    if 'http' in step:
        h = step['http']
        if h.get('method') != 'POST':
            return None
        op = {'/api/v1/$TOKEN/telemetry': 'telemetry', '/api/v1/$TOKEN/attributes': 'attributes'}.get(h['path'])
        ctype = (h.get('headers') or {}).get('Content-Type', '')
        if op is None or ctype != 'application/json':
            return None
        src = h
        keys = ('body', 'bodyHex', 'bodyRepeat')
    elif step.get('mqtt') == 'publish':
        op = {'v1/devices/me/telemetry': 'telemetry', 'v1/devices/me/attributes': 'attributes'}.get(step['topic'])
        src = step
        keys = ('payload', 'payloadHex', 'payloadRepeat')
    else:
        return None
    if op is None:
        return None
    if keys[0] in src and src[keys[0]] is not None:
        return op, src[keys[0]].encode('utf-8', 'surrogatepass').hex()
    if keys[1] in src:
        return op, src[keys[1]]
    return None


def main():
    root = sys.argv[1]
    for name in ('http', 'mqtt3', 'mqtt5'):
        with open(os.path.join(root, name + '.jsonl'), encoding='utf-8') as f:
            for line in f:
                v = json.loads(line)
                posts = [(b, s) for s in v['steps'] for b in [body_of(s)] if b]
                if len(posts) != 1 or v.get('devices') or any('$' in bytes.fromhex(b[1]).decode('latin1') for b, _ in posts):
                    continue
                if any('server' in s for s in v['steps']) or v.get('device', {}).get('none') or \
                        v.get('device', {}).get('profile', {}).get('transport'):
                    continue
                (op, payload), step = posts[0]
                e = step.get('expect') or {}
                row = {'id': v['id'], 'op': op, 'hex': payload}
                if 'http' in step:
                    if e.get('status') == 200:
                        row['ok'] = True
                    elif e.get('status') == 500:
                        row['ok'] = False
                        row['error'] = e.get('body', '')
                    else:
                        continue
                else:
                    acks = [p for p in e.get('packets', []) if 'puback' in p]
                    if not v['after']['timeseries'] and not v['after']['attributes'] and not acks:
                        continue
                    if acks and any(p['puback'].get('code', 0) > 0x7f for p in acks):
                        row['ok'] = False
                    elif not acks and not (v['after']['timeseries'] or v['after']['attributes']):
                        continue
                    else:
                        row['ok'] = True
                if row['ok']:
                    if op == 'telemetry':
                        row['stored'] = v['after']['timeseries']
                    else:
                        row['stored'] = v['after']['attributes'].get('CLIENT_SCOPE', {})
                print(json.dumps(row, ensure_ascii=True))


main()
