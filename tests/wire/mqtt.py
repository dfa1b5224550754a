# SPDX-License-Identifier: Apache-2.0
"""Covers: the MQTT wire of the front with raw bytes: acknowledgements, limits, malformed packets, keep-alive."""
import os
import signal
import time

from wire import *


def test_all_packets_v311():
    with Edge() as e:
        e.start(e.worker())
        c = e.client()
        c.send(publish("a", "x", pid=5)).expect(puback(5))
        c.send(publish("a", "x", qos=0)).nothing()
        c.send(publish("a", "x", qos=2, pid=6)).expect(puback(6))
        c.send(subscribe([("a", 1), ("b", 2), ("#", 0)], pid=7)).expect(bytes.fromhex("90050007010180"))
        c.send(unsubscribe(["a"], pid=8)).expect(bytes.fromhex("b0020008"))
        c.send(PING).expect(PINGRESP)
        c.send(publish("bad", "x", pid=9)).expect(puback(9))
        c.send(b"\xe0\x00").closed()


def test_all_packets_v5():
    with Edge() as e:
        e.start(e.worker())
        c = e.client(version=5)
        c.send(publish("a", "x", pid=5, version=5)).expect(puback(5))
        c.send(publish("bad", "x", pid=6, version=5)).expect(bytes.fromhex("400400069900"))
        c.send(subscribe([("a", 1), ("#", 0)], version=5)).expect(bytes.fromhex("900500010001" + "8f"))
        c.send(unsubscribe(["a"], version=5)).expect(bytes.fromhex("b00400010000"))
        c.send(bytes.fromhex("e00100")).expect(b"\xe0\x00").closed()


def test_refused_connect():
    with Edge() as e:
        e.start(e.worker())
        Client(e.ports["mqtt"]).send(connect(user="bad")).expect(bytes.fromhex("20020005")).closed()
        Client(e.ports["mqtt"]).send(connect(version=5, user="bad")).expect(bytes.fromhex("2003008600")).expect(
            bytes.fromhex("e0028600")).closed()


def test_downlink_ids_and_tag():
    with Edge() as e:
        e.start(e.worker())
        c = e.client()
        for i in (1, 2, 3):
            c.send(publish("echo/%d" % i, "p", qos=0)).expect(publish("echo/%d" % i, "p", pid=i))
        c.send(puback(2))
        eventually(lambda: [r for r in e.applied() if r[1] == 20 and r[3] == 7 << 16 | 2])


def test_server_close():
    with Edge() as e:
        e.start(e.worker())
        c = e.client(version=5)
        c.send(publish("close", pid=1, version=5)).expect(puback(1)).expect(bytes.fromhex("e0029800")).closed()
        c = e.client()
        c.send(publish("kick", pid=1)).closed()


def test_malformed_before_connect_closes_silently():
    with Edge() as e:
        e.start(e.worker())
        for h in ("ffffffff", "474554202f", "c000", "00", "100c00044d5154540602003c0000", "100e00064d51497364700202003c0000",
                  "100c00044d5154540403003c0000", "f00118"):
            Client(e.ports["mqtt"]).send(bytes.fromhex(h)).closed()


def test_malformed_after_connect():
    with Edge() as e:
        e.start(e.worker())
        for h in ("36070003612f620001", "800800010003612f6200", "820800010003612f6203", "32070003612f620000",
                  "32070003612f2b0001", "0000", "f1", "30ffffffff7f", "3003000561"):
            e.client().send(bytes.fromhex(h)).closed()
        c = e.client(version=5)
        c.send(bytes.fromhex("36080003612f62000100")).expect(bytes.fromhex("e0028100")).closed()
        c = e.client(version=5)  # an unknown property
        c.send(packet(0x32, s16("a") + b"\0\1" + b"\2\x7f\0" + b"x")).expect(bytes.fromhex("e0028100")).closed()


def test_remaining_length_at_and_past_the_limit():
    with Edge() as e:
        e.start(e.worker())
        body = 65536 - 2 - 1 - 2
        c = e.client()
        c.send(publish("a", b"x" * body, pid=1)).expect(puback(1))
        c.send(publish("a", b"x" * (body + 1), pid=2)).closed()
        c = e.client(version=5)
        c.send(publish("a", b"x" * body, pid=2, version=5)).expect(bytes.fromhex("e0028100")).closed()


def test_packets_sent_with_connect_wait_for_it():
    with Edge() as e:
        e.start(e.worker())
        c = Client(e.ports["mqtt"])
        c.send(connect() + b"".join(publish("a", "%d" % i, pid=i) for i in range(1, 201)))
        c.expect(bytes.fromhex("20020000"))
        for i in range(1, 201):
            c.expect(puback(i))
        assert [r[7] for r in e.applied() if r[1] == 17] == [str(i) for i in range(1, 201)]


def test_client_that_sends_all_and_leaves():
    with Edge() as e:
        e.start(e.worker())
        c = Client(e.ports["mqtt"])
        c.send(connect() + b"".join(publish("a", "%d" % i, qos=0) for i in range(500)) + b"\xe0\x00")
        c.close()
        eventually(lambda: len([r for r in e.applied() if r[1] == 17]) == 500)
        eventually(lambda: [r for r in e.applied() if r[1] == 21 and r[3] == 0])


def test_byte_by_byte():
    with Edge() as e:
        e.start(e.worker())
        c = Client(e.ports["mqtt"])
        for b in connect() + publish("a", "hello", pid=3) + PING:
            c.send(bytes([b]))
            time.sleep(0.001)
        c.expect(bytes.fromhex("20020000"))
        assert {c.read(), c.read()} == {puback(3), PINGRESP}


def test_keep_alive():
    with Edge(TBEDGE_MQTT_KEEP_ALIVE_MIN=0) as e:
        e.start(e.worker())
        c, d = e.client(keep_alive=1, version=5), e.client(keep_alive=0)
        t = time.time()
        for _ in range(4):
            time.sleep(0.7)
            c.send(PING).expect(PINGRESP)
        c.expect(bytes.fromhex("e0028d00"), 5).closed()
        assert 3.5 < time.time() - t < 7, time.time() - t
        d.send(PING).expect(PINGRESP)


def test_qos2_handshake_forwards_once():
    with Edge(TBEDGE_MQTT_QOS2="handshake") as e:
        e.start(e.worker())
        c = e.client()
        c.send(publish("a", "x", qos=2, pid=4)).expect(bytes.fromhex("50020004"))
        c.send(publish("a", "x", qos=2, pid=4, dup=True)).expect(bytes.fromhex("50020004"))
        c.send(bytes.fromhex("62020004")).expect(bytes.fromhex("70020004"))
        c.send(publish("a", "y", qos=2, pid=4)).expect(bytes.fromhex("50020004"))
        c.send(bytes.fromhex("62020004")).expect(bytes.fromhex("70020004"))
        assert [r[7] for r in e.applied() if r[1] == 17] == ["x", "y"]


def test_second_connect_is_answered_again():
    with Edge() as e:
        e.start(e.worker())
        c = e.client()
        c.send(connect()).expect(bytes.fromhex("20020000"))
        c.send(PING).expect(PINGRESP)


def test_one_close_frame_for_each_connection():
    with Edge() as e:
        e.start(e.worker())
        e.client().send(b"\xe0\x00").closed()
        e.client().close()
        e.client().send(publish("kick")).closed()
        Client(e.ports["mqtt"]).send(connect(user="bad")).expect(bytes.fromhex("20020005")).closed()
        Client(e.ports["mqtt"]).close()
        eventually(lambda: sorted((r[2], r[3]) for r in e.applied() if r[1] == 21) == [(1, 0), (2, 1), (3, 2), (4, 2)])


def test_slow_reader_is_held_or_closed_others_go_on():
    with Edge() as e:
        e.start(e.worker())
        c, d = e.client(), e.client()
        c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        c.sock.setblocking(False)
        big, at, stuck = publish("echo/x", b"y" * 60000, qos=0) * 400, 0, 0
        while at < len(big) and stuck < 40:
            try:
                at += c.sock.send(big[at : at + 65536])
                stuck = 0
            except BlockingIOError:
                stuck += 1
                time.sleep(0.02)
            except (ConnectionResetError, BrokenPipeError):
                break
        assert at < len(big) or stuck, "a device that never reads was served without end"
        d.send(publish("a", "z")).expect(puback(1))


def test_time_for_connect():
    with Edge(TBEDGE_MQTT_CONNECT_TIMEOUT=1000) as e:
        e.start(e.worker())
        c, d = Client(e.ports["mqtt"]), Client(e.ports["mqtt"])
        packet = connect()
        t = time.time()
        for i in range(4):  # a trickle does not help
            d.send(packet[i : i + 1])
            time.sleep(0.3)
        c.closed()
        d.closed()
        assert time.time() - t < 4


def test_connections_at_and_past_the_limit():
    with Edge(TBEDGE_MQTT_MAX_CONNECTIONS=2) as e:
        e.start(e.worker())
        a, b = e.client(), e.client()
        Client(e.ports["mqtt"]).closed()
        a.send(b"\xe0\x00").closed()
        a.close()
        eventually(lambda: e.client())
        b.send(PING).expect(PINGRESP)


def test_subscriptions_at_and_past_the_limit():
    with Edge() as e:
        e.start(e.worker())
        c = e.client(version=5)
        for k in range(20):
            c.send(subscribe([("f/%d/%d" % (k, i), 1) for i in range(50)], version=5))
            assert c.read()[-50:] == b"\x01" * 50
        c.send(subscribe([("f/0/0", 0), ("more", 1)], version=5))
        assert c.read()[-2:] == b"\x00\x97"
        c.send(unsubscribe(["f/1/1"], version=5)).read()
        c.send(subscribe([("more", 1)], version=5))
        assert c.read()[-1:] == b"\x01"


def test_qos2_in_flight_at_and_past_the_limit():
    with Edge(TBEDGE_MQTT_QOS2="handshake") as e:
        e.start(e.worker())
        c = e.client(version=5)
        for i in range(1, 257):
            c.send(publish("a", "x", qos=2, pid=i, version=5)).expect(b"\x50\x02" + struct.pack(">H", i))
        c.send(publish("a", "x", qos=2, pid=257, version=5)).expect(bytes.fromhex("e0029300")).closed()


def test_more_unconfirmed_than_one_connection_may_have():
    with Edge() as e:
        e.start(e.worker())
        c = e.client()
        pid = e.worker_pids()[0]
        os.kill(pid, signal.SIGSTOP)
        n = 9000
        c.send(b"".join(publish("a", "x", pid=i) for i in range(1, n + 1)))
        time.sleep(0.3)
        d = Client(e.ports["mqtt"]).send(connect())
        d.nothing()
        os.kill(pid, signal.SIGCONT)
        d.expect(bytes.fromhex("20020000"))
        for i in range(1, n + 1):
            c.expect(puback(i))


def test_control_request_past_the_limit_is_closed():
    with Edge() as e:
        e.start(e.worker())
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(10)
        s.connect(os.path.join(e.data, "control.sock"))
        try:
            s.sendall(b"x" * (3 << 20))
            assert s.recv(10) == b""
        except (BrokenPipeError, ConnectionResetError):
            pass
        for bad in (b"{}\n", b"[1]\n", b'{"op":"deploy","digest":"../../x"}\n', b"\n"):
            s = socket.socket(socket.AF_UNIX)
            s.connect(os.path.join(e.data, "control.sock"))
            s.sendall(bad)
            assert json.loads(s.makefile().readline())["exit"] == 2


def test_systemd_is_told():
    with Edge() as e:
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.settimeout(10)
        s.bind(os.path.join(e.data, "notify"))
        e.env["NOTIFY_SOCKET"] = os.path.join(e.data, "notify")
        e.start(e.worker())
        assert s.recv(100) == b"READY=1"
        assert e.stop() == 0
        assert s.recv(100) == b"STOPPING=1"


main(globals())
