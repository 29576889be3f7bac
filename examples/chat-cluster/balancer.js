/**
 * Hands TCP connections to the ports in turn. It looks at no byte of them, so that whatever travels over one connection
 * (a WebSocket, for example) stays with one instance.
 */
import { connect, createServer } from 'node:net';

/** Starts it on 127.0.0.1; gives `{ port, stop }`. */
export const startBalancer = async (port, ports) => {
  let turn = 0;
  const open = new Set();

  const join = (client, instance) => {
    for (const [from, to] of [
      [client, instance],
      [instance, client],
    ]) {
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
      from.pipe(to);
    }
  };

  /** Tries one instance after the other; a client that nobody takes is reset, as by a server that is not there. */
  const pass = (client, attempts) => {
    if (attempts === 0) {
      client.resetAndDestroy();
      return;
    }
    const instance = connect({ host: '127.0.0.1', port: ports[turn++ % ports.length], noDelay: true });
    const retry = () => pass(client, attempts - 1);
    instance.once('error', retry);
    instance.once('connect', () => {
      instance.off('error', retry);
      if (client.destroyed) instance.destroy();
      else join(client, instance);
    });
  };

  const server = createServer({ noDelay: true }, (client) => {
    open.add(client);
    client.on('close', () => open.delete(client));
    client.on('error', () => client.destroy());
    pass(client, ports.length);
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    port: server.address().port,
    stop: () => {
      server.close();
      for (const client of open) client.destroy();
    },
  };
};
