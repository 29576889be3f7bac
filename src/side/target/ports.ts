import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tailgateError } from '../../errors.ts';
import { portHolder } from './port-holder.ts';

/** Linux's default; read from the machine where it can be. */
const defaultEphemeralRange: readonly [number, number] = [32_768, 60_999];

const givenOut = new Set<number>();

/** The ports that the kernel gives to outgoing connections, both ends included. */
export const ephemeralPortRange = (): readonly [number, number] => {
  try {
    const [low, high] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
      .trim()
      .split(/\s+/)
      .map(Number);
    if (low !== undefined && high !== undefined && low > 0 && high >= low) return [low, high];
  } catch {
    // Not Linux.
  }
  return defaultEphemeralRange;
};

/** Whether a server could listen on `port` at every address of this machine. */
export const isPortFree = async (port: number): Promise<boolean> => {
  // The IPv6 wildcard covers both families; where IPv6 is off, the IPv4 one is asked.
  const both = await canListen(port, '::');
  return (both === 'unknown' ? await canListen(port, '0.0.0.0') : both) !== 'used';
};

/**
 * A port on which nothing listens and that this process has not given out before. It lies outside of the range for
 * outgoing connections, so that no connection of the load takes it before the server listens on it.
 */
export const freePort = async (): Promise<number> => {
  const [low, high] = ephemeralPortRange();
  const inRange = (port: number): boolean => port >= low && port <= high;
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const port = randomInt(10_240, 65_000);
    if (inRange(port) || givenOut.has(port)) continue;
    if (!(await isPortFree(port))) continue;
    givenOut.add(port);
    return port;
  }
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = address !== null && typeof address === 'object' ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
};

/** Throws PORT_IN_USE, naming the holder where the machine tells, if something listens on `port`. */
export const assertPortFree = async (port: number): Promise<void> => {
  if (await isPortFree(port)) return;
  throw tailgateError('PORT_IN_USE', { port, holder: portHolder(port)?.description ?? '' });
};

/** Waits until `port` is free; false if it still is not after `timeoutMs`. */
export const portBecomesFree = async (port: number, timeoutMs: number): Promise<boolean> => {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    if (await isPortFree(port)) return true;
    if (performance.now() >= deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
};

function canListen(port: number, host: string): Promise<'free' | 'used' | 'unknown'> {
  return new Promise((resolve) => {
    const server = createServer();
    server.unref();
    server.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'EADDRINUSE' ? 'used' : 'unknown'),
    );
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve('free')));
  });
}
