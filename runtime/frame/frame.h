/* SPDX-License-Identifier: Apache-2.0 */
/* The protocol between the three processes (ARCHITECTURE 2): length-prefixed frames over a stream
 * socketpair, host byte order (both ends are on one machine). Implemented in frame.c, used by both ends.
 *
 *   offset 0  u32 length of the whole frame, header included (<= FRAME_MAX)
 *          4  u8  type (enum frame_type)
 *          5  u8  flags
 *          6  u16 reserved, 0
 *          8  u32 conn: the front's number of a connection; 0 = none. Never reused within 2^32.
 *         12  u32 aux: by type (packet id, code ...)
 *         16  u64 seq: frames from a device or the cloud are numbered 1,2,3 ... per front process (epoch);
 *             0 = not numbered
 *         24  payload
 *
 * Payload fields are written with frame_put_* : u32, u64, and byte strings as u32 length + bytes
 * (0xffffffff = absent). A reader that runs past the end yields absent/0 and sets `bad`. */
/* What the front does, exactly:
 *  - A worker gets FR_HELLO and answers FR_READY. Normal start: FR_SESSION for each open connection and
 *    FR_REPLAYED follow at once after FR_READY. Trial start: nothing follows until the old worker has
 *    exited; the first FR_SESSION or FR_REPLAYED after FR_READY is the go-ahead to open for writing and
 *    to read the last committed seq from the store (the one in its FR_READY is stale by then).
 *  - FR_SESSION describes a connection as of the last confirmed frame: its CONNECT was accepted and its
 *    FR_CLOSED is not confirmed yet (so also a connection that is already gone, when frames of it wait).
 *    After FR_REPLAYED come all unconfirmed frames, first one first. A frame with seq <= last committed
 *    of this epoch is not applied again but is confirmed with the same kind of answer; what it does in
 *    memory (CONNECT opens the session, SUBSCRIBE subscribes, CLOSED removes) must still be done.
 *  - Confirms are expected in order of seq; a confirm for a frame that was never sent ends the worker.
 *  - Frames of a connection whose CONNECT was refused may still follow (they were sent before the
 *    refusal was known): confirm them with FR_CODE_NO_ACK. Every connection that sent FR_CONNECT ends
 *    with exactly one FR_CLOSED, the refused ones too.
 *  - A second FR_CONNECT on an open connection (same conn) comes when the device sends CONNECT again.
 *  - Large payloads are no special case: FRAME_MAX bounds them. An unknown conn in FR_DELIVER, FR_CLOSE and
 *    FR_KEEP is ignored (the device may just have left).
 *  - After FR_DRAIN no numbered frame is sent; the worker confirms all it has got, sends FR_DRAINED and
 *    exits with status 0; end of file on the socket means the front is gone: commit and exit. */
/* The cloud link, exactly (facts/edge-cloud-protocol.md 1, 2):
 *  - A session is one accepted connect. Sessions are numbered 1,2,3 ... per front process. LINK_UP
 *    says that one has begun and carries the cloud's answer; every other state, that it is over (or
 *    that there was none: session 0). Attempts between two sessions have the number of the last one.
 *  - A worker gets FR_LINK_STATE once before its FR_REPLAYED, with FR_LINK_REPLAY, whatever the state
 *    is (LINK_OFF when no cloud is configured), and then at every change. LINK_UP with
 *    FR_LINK_REPLAY: the session may be older than the worker; an earlier one may have spoken in it.
 *  - No FR_LINK of a session comes before the FR_LINK_STATE that begins it (or a later state). FR_LINK
 *    of a session that is over may still come (it waited in the window): its content counts, an
 *    answer to it has nowhere to go. So may the cloud's answers to what an earlier worker sent.
 *  - FR_LINK is numbered and waits in the window until it is confirmed, like a device's frame
 *    (FR_CONFIRM with aux 0), so each takes effect once. When the window is full, nothing more is
 *    read from the link, and the stream's flow control holds the cloud.
 *  - Every FR_UPLINK is answered by one FR_UPLINK_DONE: UPLINK_SENT when the stream has taken it (the
 *    cloud's own answer comes as FR_LINK later), else why it was dropped; what is dropped is not sent
 *    later. Messages leave in the order of their frames. At most FRAME_UPLINK_ROOM bytes (payloads)
 *    may be without FR_UPLINK_DONE: a frame that comes when there are as many is answered with
 *    UPLINK_NO_ROOM. When the session ends, all that waits is answered with UPLINK_NO_LINK; so is a
 *    frame for another session than the one that is up.
 *  - What an old worker sent is sent on after it has gone; its FR_UPLINK_DONE goes nowhere.
 * Between front and link the same frames go, and FR_LINK_CONFIG first, FR_DRAIN last (the link ends the
 * stream and exits); FR_LINK has seq 0 there. FR_CONTROL without payload asks the link for a sign of life,
 * FR_CONTROL_REPLY is it. */
#ifndef TBE_FRAME_FRAME_H
#define TBE_FRAME_FRAME_H

#include <sys/types.h>

#include "tbe/base.h"

#define FRAME_HEAD 24u
#define FRAME_MAX (64u << 20) /* bytes; above it the peer is broken and is closed */

enum frame_type {
    /* front -> worker, not numbered */
    FR_HELLO = 1,      /* first frame. payload: u64 epoch, str service_id, u32 flags (bit 0: trial start) */
    FR_SESSION,        /* replay: an open connection. payload: as FR_CONNECT, then str keep (FR_KEEP's bytes),
                          u32 n, n x (str filter, u32 granted qos) */
    FR_REPLAYED,       /* the state is complete; numbered frames follow */
    FR_DRAIN,          /* finish, commit, send FR_DRAINED, exit */
    FR_CONTROL,        /* a command from the control socket. aux = request number. payload: JSON request */
    FR_LINK_STATE,     /* the cloud link came, went or tries again. aux = session. flags: FR_LINK_REPLAY.
                          payload: u32 state (enum link_state), u64 since (epoch ms), u32 attempts without
                          success, u64 next attempt (epoch ms, 0 = none planned), u32 largest RequestMsg the
                          cloud takes (bytes, 0 = unknown), str last error (text without secrets, absent =
                          none), str ConnectResponseMsg (protobuf, LINK_UP only, else absent) */
    FR_UPLINK_DONE,    /* what became of one FR_UPLINK. aux = enum uplink_code. payload: u64 its seq */
    FR_LINK_CONFIG,    /* front -> link, its first frame: settings and secrets (link_config.h) */
    FR_SWAP_FAILED,    /* the swap a FR_SWAP asked for did not happen. aux = 1: another deployment is under
                          way, ask again; 0: it failed. payload: str reason */
    /* front -> worker, numbered: confirmed one by one, in order */
    FR_CONNECT = 16,   /* payload: u32 level (3,4,5), u32 flags (FR_CONNECT_*), u32 keep-alive s, str client id,
                          str user, str password, str peer address, str certificate (base64 DER chain, leaf
                          first, separated by '\n') */
    FR_PUBLISH,        /* aux = packet id (0 for QoS 0). flags: qos (bits 0-1), dup (4), retain (8).
                          payload: str topic, str body, u64 arrival (epoch ms; the same when sent again) */
    FR_SUBSCRIBE,      /* aux = packet id. payload: u32 n, n x (str filter, u32 requested qos) */
    FR_UNSUBSCRIBE,    /* aux = packet id. payload: u32 n, n x str filter */
    FR_ACTIVITY,       /* PINGREQ or PUBACK of a downlink. aux = acknowledged packet id or 0 */
    FR_CLOSED,         /* the connection is gone. aux = 0 clean DISCONNECT, 1 lost, 2 closed by the server */
    FR_LINK,           /* a whole ResponseMsg from the cloud, but no ConnectResponse. aux = session.
                          payload: the protobuf bytes, bare */
    /* worker -> front */
    FR_READY = 32,     /* healthy, waiting for frames. payload: u64 epoch, u64 seq last committed */
    FR_CONFIRM,        /* seq is committed. aux = code by the kind of the frame (below). payload by kind:
                          CONNECT: nothing. SUBSCRIBE: u32 n, n x u32 code. UNSUBSCRIBE: same */
    FR_DELIVER,        /* publish to a device. flags = qos. payload: str topic, str body. aux = worker's tag,
                          1..65535, 0 = none: the FR_ACTIVITY of its PUBACK has aux = tag << 16 | packet id */
    FR_CLOSE,          /* close the connection. aux = MQTT 5 reason code for DISCONNECT (0 = none) */
    FR_KEEP,           /* opaque bytes the front keeps for this connection and gives back in FR_SESSION */
    FR_CONTROL_REPLY,  /* aux = request number. payload: JSON */
    FR_SWAP,           /* please swap to the worker binary at this path. payload: str path, str digest.
                          Answered by the new worker's start or by FR_SWAP_FAILED */
    FR_DRAINED,        /* everything is committed; exiting */
    FR_UPLINK,         /* a whole RequestMsg for the cloud. aux = session, seq = the worker's own number,
                          given back in FR_UPLINK_DONE. payload: the protobuf bytes, bare */
    FR_LINK_RECONNECT  /* end the session and connect again. aux = wait at least so long (ms).
                          payload: str reason (for the log; no secrets) */
};
enum { FR_CONNECT_CLEAN = 1, FR_CONNECT_HAS_USER = 2, FR_CONNECT_HAS_PASSWORD = 4, FR_CONNECT_TLS = 8,
       FR_CONNECT_WILL = 16 };

enum { FR_LINK_REPLAY = 1 };
enum link_state {
    LINK_OFF = 0,    /* no cloud is configured */
    LINK_CONNECTING, /* an attempt is under way */
    LINK_UP,         /* a session runs */
    LINK_WAITING     /* lost, closed or refused (the error says which); the next attempt is planned */
};
enum uplink_code {
    UPLINK_SENT = 0,
    UPLINK_NO_LINK = 1, /* no session, or not that one */
    UPLINK_TOO_BIG = 2, /* above what the cloud takes; the session goes on */
    UPLINK_NO_ROOM = 3, /* FRAME_UPLINK_ROOM bytes wait already */
    UPLINK_BAD = 4      /* not a RequestMsg, or a ConnectRequest */
};
#define FRAME_UPLINK_ROOM (8u << 20) /* bytes */

/* Codes in FR_CONFIRM.aux: the MQTT 5 reason code; the front maps it to the client's version
 * (facts/device-apis.md 2.4, 6.4). FR_CODE_CLOSE added: close the connection after answering with the
 * code; FR_CODE_NO_ACK: do not answer at all. For v3 the worker chooses the flags, which differ by case. */
#define FR_CODE(c) ((c)&0xffu)
#define FR_CODE_CLOSE 0x100u
#define FR_CODE_NO_ACK 0x200u
#define FR_CODE_DISCONNECT(c) ((uint32_t)(c) << 16) /* v5 DISCONNECT reason when closing */

struct frame {
    uint8_t type, flags;
    uint32_t conn, aux;
    uint64_t seq;
    struct tbe_str payload;
};

/* Reading: gives the next whole frame of buf[0..n), or 0 when more bytes are needed, or -1 when the
 * bytes are not a frame; else its length. The payload points into buf. */
int64_t frame_parse(const void *buf, size_t n, struct frame *out);
/* One recv() of a socket: appends to the *n bytes of frames in `in` (its own n is not used), with room for
 * the whole of a frame that has begun, else for `room` bytes. Returns as recv(): > 0 more bytes, 0 the other
 * end is gone, -1 nothing now; or FRAME_NO_MEMORY. */
#define FRAME_NO_MEMORY (-2)
ssize_t frame_recv(int fd, struct tbe_buf *in, size_t *n, size_t room);
/* Writing: frame_begin, frame_put_* ..., frame_end patches the length. It is false when memory ran out
 * (b->oom) or the frame is above FRAME_MAX; then the whole frame is taken out of b again. */
size_t frame_begin(struct tbe_buf *b, uint8_t type, uint8_t flags, uint32_t conn, uint32_t aux, uint64_t seq);
void frame_put_u32(struct tbe_buf *b, uint32_t v);
void frame_put_u64(struct tbe_buf *b, uint64_t v);
void frame_put_str(struct tbe_buf *b, struct tbe_str s);
bool frame_end(struct tbe_buf *b, size_t begin);

struct frame_reader {
    struct tbe_str left;
    bool bad;
};
uint32_t frame_get_u32(struct frame_reader *r);
uint64_t frame_get_u64(struct frame_reader *r);
struct tbe_str frame_get_str(struct frame_reader *r);

#endif
