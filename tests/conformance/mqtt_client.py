# SPDX-License-Identifier: Apache-2.0
"""A small MQTT 3.1, 3.1.1 and 5 client over a raw socket: sends exactly what a vector says, decodes what comes back
into the vectors' form, and keeps the bytes. One instance is one TCP connection."""
import select
import socket
import struct
import time


def varint(n):
    out = b""
    while True:
        b = n & 127
        n >>= 7
        out += bytes([b | (128 if n else 0)])
        if not n:
            return out


def text(s):
    b = s if isinstance(s, bytes) else s.encode("utf-8", "surrogatepass")
    return struct.pack(">H", len(b)) + b


class Connection:
    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buf = b""
        self.closed = False
        self.version = 4
        self.no_ack = False

    def send(self, data):
        try:
            self.sock.sendall(data)
        except OSError:
            self.closed = True

    def packet(self, head, body):
        self.send(bytes([head]) + varint(len(body)) + body)

    def connect(self, s, sub):
        self.version = s.get("version", 4)
        flags = 2 if s.get("clean", True) else 0
        will = s.get("will")
        body = text("MQIsdp" if self.version == 3 else "MQTT") + bytes([self.version])
        user, password = s.get("username"), s.get("password")
        if will:
            flags |= 4 | (will.get("qos", 0) << 3) | (32 if will.get("retain") else 0)
        flags |= (128 if user is not None else 0) | (64 if password is not None else 0)
        body += bytes([flags]) + struct.pack(">H", s.get("keepAlive", 60))
        body += self.props(s)
        body += text(sub(s.get("clientId", "")))
        if will:
            if self.version == 5:
                body += b"\0"
            payload = bytes.fromhex(will["payloadHex"]) if "payloadHex" in will else sub(will.get("payload", "")).encode()
            body += text(sub(will["topic"])) + struct.pack(">H", len(payload)) + payload
        if user is not None:
            body += text(sub(user))
        if password is not None:
            body += text(sub(password))
        self.packet(0x10, body)

    def props(self, s):
        if self.version != 5:
            return b""
        p = bytes.fromhex(s.get("propsHex", ""))
        return varint(len(p)) + p

    def publish(self, s, sub):
        qos = s.get("qos", 0)
        head = 0x30 | qos << 1 | (1 if s.get("retain") else 0) | (8 if s.get("dup") else 0)
        if "payloadHex" in s:
            payload = bytes.fromhex(s["payloadHex"])
        elif "payloadRepeat" in s:
            r = s["payloadRepeat"]
            payload = (r.get("prefix", "") + r["text"] * r["count"] + r.get("suffix", "")).encode()
        else:
            payload = sub(s.get("payload", "")).encode("utf-8", "surrogatepass")
        body = text(sub(s["topic"]))
        if qos:
            body += struct.pack(">H", s.get("packetId", 1))
        self.packet(head, body + self.props(s) + payload)

    def subscribe(self, s, sub):
        body = struct.pack(">H", s.get("packetId", 1)) + self.props(s)
        for f, opt in s["filters"]:
            body += text(sub(f)) + bytes([opt])
        self.packet(0x82, body)

    def unsubscribe(self, s, sub):
        body = struct.pack(">H", s.get("packetId", 1)) + self.props(s)
        for f in s["filters"]:
            body += text(sub(f))
        self.packet(0xA2, body)

    def take(self):
        """The next whole packet of the buffer as (head, body, raw), or None."""
        n, shift, i = 0, 0, 1
        while True:
            if i >= len(self.buf) or i > 4:
                return None
            n |= (self.buf[i] & 127) << shift
            shift += 7
            i += 1
            if not self.buf[i - 1] & 128:
                break
        if len(self.buf) < i + n:
            return None
        raw, self.buf = self.buf[:i + n], self.buf[i + n:]
        return raw[0], raw[i:], raw

    def decode(self, head, body, raw):
        kind = head >> 4
        if kind == 2:
            return {"connack": {"sessionPresent": body[0] & 1, "code": body[1]}, "raw": raw.hex()}
        if kind == 3:
            return self.decode_publish(head, body)
        if kind == 4:
            return {"puback": {"id": body[0] << 8 | body[1], "code": body[2] if len(body) > 2 else 0}, "raw": raw.hex()}
        if kind in (9, 11):
            codes = body[2:]
            if self.version == 5 and codes:
                codes = codes[1 + codes[0]:]
            return {"suback" if kind == 9 else "unsuback": {"id": body[0] << 8 | body[1], "codes": list(codes)}, "raw": raw.hex()}
        if kind == 13:
            return {"pingresp": True, "raw": raw.hex()}
        if kind == 14:
            return {"disconnect": {"code": body[0] if body else 0}, "raw": raw.hex()}
        return {"packet": kind, "raw": raw.hex()}

    def decode_publish(self, head, body):
        n = body[0] << 8 | body[1]
        topic, rest = body[2:2 + n].decode("utf-8", "replace"), body[2 + n:]
        out = {"topic": topic, "qos": head >> 1 & 3, "retain": head & 1, "dup": head >> 3 & 1}
        if out["qos"]:
            out["id"] = rest[0] << 8 | rest[1]
            rest = rest[2:]
        if self.version == 5:
            rest = rest[1 + rest[0]:]
        if out["qos"] == 1 and not self.no_ack:
            self.send(b"\x40\x02" + struct.pack(">H", out["id"]))
        try:
            out["payload"] = rest.decode("utf-8")
        except UnicodeDecodeError:
            out["payloadHex"] = rest.hex()
        out["bytes"] = rest
        return {"publish": out}

    def read(self, until, settle, within):
        """Packets that arrive until until(list) holds and then `settle` seconds of silence, at most `within`."""
        got, end, quiet_from = [], time.time() + within, None
        while not self.closed:
            now = time.time()
            if quiet_from is None and until(got):
                quiet_from = now
            limit = min(end, quiet_from + settle) if quiet_from is not None else end
            if now >= limit:
                break
            ready, _, _ = select.select([self.sock], [], [], limit - now)
            if not ready:
                continue
            try:
                data = self.sock.recv(65536)
            except OSError:
                data = b""
            if not data:
                self.closed = True
                got.append({"closed": True})
                break
            self.buf += data
            while True:
                p = self.take()
                if p is None:
                    break
                got.append(self.decode(*p))
                if quiet_from is not None:
                    quiet_from = time.time()
        return got

    def close(self):
        self.sock.close()
