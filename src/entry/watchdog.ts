import { setTimeout as delay } from 'node:timers/promises';
import { killRemaining, parseRegistry } from '../host/processes/process-registry.ts';

/** Reads which processes were started and which have ended; when nobody is left to say so, kills the rest. */
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => {});

const settleMs = 50;
const timeoutMs = 3_000;

let text = '';
for await (const part of process.stdin.setEncoding('utf8')) text += part;
const lines = parseRegistry(text);
const deadline = performance.now() + timeoutMs;
// A process may start another one while it is being killed, or may just be starting.
for (let quiet = 0; lines.length > 0 && quiet < 2 && performance.now() < deadline; ) {
  quiet = killRemaining(lines).size === 0 ? quiet + 1 : 0;
  await delay(settleMs);
}
