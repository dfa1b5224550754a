// SPDX-License-Identifier: Apache-2.0
// The JavaScript of script_bench.json in Node.js, the same work a run as script_run.c does: "NAME js NS" a
// line, processor time, the median of three rounds after one that warms up. usage: node script_node.js FILE
'use strict';
const payloads = ['{"temperature":25.5,"humidity":60,"active":true}', '{"temperature":75.5,"humidity":60,"active":true}'];
let sink = 0;

// Compiled anew for each script, so that one script's types do not slow down the next.
const makeRound = (script, parse) => new Function('payload', 'kept', 'spent', `
    const f = new Function('msg', 'metadata', 'msgType', ${JSON.stringify(script)});
    const start = spent();
    let runs = 0, seen = 0, ns;
    do {
        for (let i = 0; i < 4096; i++) {
            const msg = ${parse ? 'JSON.parse(payload)' : 'kept[i % 8]'};
            const out = f(msg, { deviceName: 'Thermostat', deviceType: 'default' }, 'POST_TELEMETRY_REQUEST');
            seen += out === true ? 1 : 0;
        }
        runs += 4096;
        ns = spent() - start;
    } while (ns < 200e6);
    return { ns: ns / runs, seen };`);

function spent() {
    const u = process.cpuUsage();
    return (u.user + u.system) * 1000;
}

for (const b of JSON.parse(require('fs').readFileSync(process.argv[2], 'utf8'))) {
    if (b.lang !== 'js') {
        continue;
    }
    const round = makeRound(b.script, b.parse), ns = [];
    for (let k = 0; k < 4; k++) {
        const kept = Array.from({ length: 8 }, (_, i) => JSON.parse(payloads[i % 2]));
        const r = round(payloads[0], kept, spent);
        sink += r.seen;
        if (k > 0) {
            ns.push(r.ns);
        }
    }
    ns.sort((x, y) => x - y);
    console.log(`${b.name} js ${ns[1].toFixed(1)}`);
}
if (sink < 0) {
    console.log(sink);
}
