// Loaded before a Socket.IO server (`node --require`): makes it slower as two kinds of regressions do, without a line of
// the server. SLOW_PATH_MS: one message in twenty waits so long before it is handled. STALL_MS: every ten seconds the
// process stands still for so long.
const { EventEmitter } = require('node:events');

const slowPathMs = Number(process.env.SLOW_PATH_MS ?? 0);
const stallMs = Number(process.env.STALL_MS ?? 0);

if (slowPathMs > 0) {
  const { emit } = EventEmitter.prototype;
  let messages = 0;
  EventEmitter.prototype.emit = function (event, ...values) {
    const isMessage = event === 'chat' && this.handshake !== undefined;
    if (!isMessage) return emit.call(this, event, ...values);
    messages += 1;
    if (messages % 20 !== 0) return emit.call(this, event, ...values);
    setTimeout(() => emit.call(this, event, ...values), slowPathMs);
    return true;
  };
}

if (stallMs > 0)
  setInterval(() => {
    const end = performance.now() + stallMs;
    while (performance.now() < end);
  }, 10_000).unref();
