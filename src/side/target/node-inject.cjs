'use strict';
/*
 * Loaded with `node --require` into every Node process of a server whose service time is to be multiplied
 * (`tailgate verify --inject`). Before each message from a client it keeps the processor busy for (factor - 1) times
 * the CPU time that a message has cost the process lately, so that whatever handles the message, with whatever
 * library, takes factor times as long. With a factor of 1 it only counts. A message is what one read of a connection
 * that a server accepted gave, or one HTTP request. Works from Node 16 on, for CommonJS and ES module programs.
 */
(() => {
  const factor = Number(process.env.TAILGATE_NODE_INJECT);
  const folder = process.env.TAILGATE_NODE_INJECT_FOLDER;
  const packageManagers =
    /(^|[\\/])(npm|npx|npm-cli\.js|npx-cli\.js|yarn|yarn\.c?js|yarnpkg|pnpm|pnpx|pnpm\.c?js|corepack|corepack\.js)$/;
  if (!(factor >= 1) || !folder || packageManagers.test(process.argv[1] || '')) return;
  if (!require('node:worker_threads').isMainThread) return;
  const { writeFileSync } = require('node:fs');
  const { Server: HttpServer } = require('node:http');
  const { Server: HttpsServer } = require('node:https');
  const { Socket } = require('node:net');
  const { join } = require('node:path');

  /** Messages after which their cost is measured anew, and the weight of the new measurement. */
  const windowMessages = 25;
  const newWeight = 0.2;
  /** Between two readings of the clock further apart than this, somebody else had the processor. */
  const takenAwayMs = 0.1;

  let messages = 0;
  let injectedMs = 0;
  let costMs = 0;
  let window = null;

  const cpuMs = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  const openWindow = () => {
    window = { messages, injectedMs, cpuMs: cpuMs() };
  };
  const measureCost = () => {
    if (window === null) return openWindow();
    if (messages - window.messages < windowMessages) return;
    const ownMs = cpuMs() - window.cpuMs - (injectedMs - window.injectedMs);
    const cost = Math.max(0, ownMs) / (messages - window.messages);
    costMs = costMs === 0 ? cost : (1 - newWeight) * costMs + newWeight * cost;
    openWindow();
  };
  /** Uses `ms` of the processor. While it has the processor, readings of the clock follow each other closely. */
  const keepBusy = (ms) => {
    let busyMs = 0;
    let before = performance.now();
    while (busyMs < ms) {
      const now = performance.now();
      if (now - before < takenAwayMs) busyMs += now - before;
      before = now;
    }
    return busyMs;
  };
  const beforeMessage = () => {
    measureCost();
    messages += 1;
    injectedMs += keepBusy((factor - 1) * costMs);
  };

  const push = Socket.prototype.push;
  Socket.prototype.push = function (chunk, encoding) {
    if (chunk !== null && this.server) beforeMessage();
    return push.call(this, chunk, encoding);
  };
  for (const { prototype } of [HttpServer, HttpsServer]) {
    const emit = prototype.emit;
    prototype.emit = function (name, ...args) {
      if (name === 'request') beforeMessage();
      return emit.call(this, name, ...args);
    };
  }

  const startedCpuMs = cpuMs();
  const tell = () => {
    const ownMs = cpuMs() - startedCpuMs - injectedMs;
    const told = { factor, messages, injectedMs, ownMs };
    try {
      writeFileSync(join(folder, `${process.pid}.json`), JSON.stringify(told));
    } catch {
      // Whoever asked for it will miss it and say so.
    }
  };
  setInterval(tell, 1000).unref();
  process.on('exit', tell);
})();
