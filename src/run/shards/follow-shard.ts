import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { hostTimeUs } from '../../engines/core/delivery/host-time.ts';
import { loopbackAddressesOf } from '../../engines/core/local-address.ts';
import { problemsOf, TailgateError, tailgateError } from '../../errors.ts';
import type { LoadOrder, PlainError } from '../../generator/load-protocol.ts';
import type { LoadSession } from '../../generator/load-session.ts';
import type { Host } from '../../host/host.ts';
import { untilAborted } from '../../host/until-aborted.ts';
import type { Rendezvous } from '../../settings/shard-inputs.ts';
import type { SharedLoad } from '../../side/round-context.ts';
import { type ClockAhead, ClockComparison } from './clock-offset.ts';
import type { Collected, OpenOrder } from './gather-shards.ts';
import { placesOf } from './meeting-place.ts';
import { connectToPeer, type Message, type Peer } from './peer.ts';
import type { Ask, End, Hello, Ping, Pong, RunIdentity } from './rendezvous.ts';

export type FollowRequest = {
  rendezvous: Rendezvous;
  number: number;
  identity: RunIdentity;
  machine: string;
  host: Host;
  /** Opens the part of a load that this machine drives. */
  openLoad: (order: OpenOrder, url: string, aheadUs: number, label: string) => Promise<LoadSession>;
};

/**
 * Goes to the rendezvous and drives a part of each load as shard 1 tells it, until that ends the run. Throws
 * RENDEZVOUS_FAILED, SHARDS_ENDED with what shard 1 gives as its reason, SHARD_LOST where shard 1 is gone, and CANCELLED.
 */
export const followShard = async (request: FollowRequest): Promise<void> => {
  const { rendezvous, number, host } = request;
  const { peer, host: leader } = await meet(rendezvous, host);
  const clock = new ClockComparison();
  let roundTripUs = 0;
  let onClock: () => void = () => {};
  const loads = new Map<number, FollowedLoad>();
  const { aborted, forget } = untilAborted(host.signal);
  let end: (outcome: End) => void = () => {};
  const ended = new Promise<End>((resolve) => {
    end = resolve;
  });
  peer.trust();
  peer.onMessage((message) => {
    if (message.type === 'pong') {
      const answeredUs = hostTimeUs();
      const { askedUs, nowUs, machine } = message as Pong;
      if (machine === request.machine) clock.onOneMachine();
      clock.add({ askedUs, answeredUs, theirsUs: nowUs });
      roundTripUs = Math.max(roundTripUs, answeredUs - askedUs);
      onClock();
    } else if (message.type === 'end') end(message as End);
    else if (message.type === 'ask') {
      const ask = message as Ask;
      const load = loads.get(ask.load) ?? new FollowedLoad(request, leader, peer, clock, ask.load);
      loads.set(ask.load, load);
      if ((ask.order as LoadOrder | { type: 'close' }).type === 'close') loads.delete(ask.load);
      void load.obey(ask);
    }
  });
  const ping = (): void => peer.send({ type: 'ping', askedUs: hostTimeUs() } as Message as Ping);
  let pinging: NodeJS.Timeout | undefined;
  try {
    const outcome = await Promise.race([
      (async () => {
        for (let asked = 0; asked < firstPings; asked += 1) {
          const answered = new Promise<void>((resolve) => {
            onClock = resolve;
          });
          ping();
          await answered;
        }
        pinging = setInterval(ping, pingEveryMs);
        const hello: Hello = {
          type: 'hello',
          number,
          identity: request.identity,
          machine: request.machine,
          errorUs: clock.read().errorUs,
          roundTripUs,
        };
        peer.send(hello);
        host.info(`Shard ${number} of ${request.identity.count}: met shard 1 at ${rendezvous.address}.`);
        return await ended;
      })(),
      ended,
      peer.gone,
      aborted,
    ]);
    if (typeof outcome === 'string') throw tailgateError('SHARD_LOST', { number: 1, reason: outcome });
    if (outcome instanceof TailgateError) {
      peer.send({ type: 'cannot', number, reason: 'it was cancelled' } as Message);
      throw outcome;
    }
    if (outcome.problem !== null) throw tailgateError('SHARDS_ENDED', { problem: outcome.problem });
  } finally {
    forget();
    clearInterval(pinging);
    await Promise.all([...loads.values()].map((load) => load.close()));
    await peer.close();
  }
};

/** Tells shard 1 that this one cannot take part. Never throws: who cannot reach it has told its own log. */
export const tellCannot = async (
  { rendezvous, number, host }: Pick<FollowRequest, 'rendezvous' | 'number' | 'host'>,
  reason: string,
): Promise<void> => {
  try {
    const { peer } = await meet({ ...rendezvous, waitMs: Math.min(rendezvous.waitMs, cannotMs) }, host);
    peer.send({ type: 'cannot', number, reason } as Message);
    await peer.close();
  } catch {
    // Shard 1 will say that it did not come.
  }
};

const firstPings = 20;
const pingEveryMs = 1_000;
const retryMs = 500;
const cannotMs = 60_000;
const reachMs = 5_000;

/** Connects to shard 1 as soon as it is there. Throws RENDEZVOUS_FAILED and CANCELLED. */
const meet = async (rendezvous: Rendezvous, host: Host): Promise<Met> => {
  const { address, place, token, waitMs } = rendezvous;
  const untilMs = performance.now() + waitMs;
  const failed = (reason: string, cause?: unknown): TailgateError =>
    tailgateError('RENDEZVOUS_FAILED', { address, reason, leads: false }, {}, cause);
  let last = failed('its file is not there');
  do {
    for (const { host: name, port } of await placesOf(rendezvous)) {
      if (host.signal.aborted) break;
      try {
        const limitMs = Math.max(retryMs, untilMs - performance.now());
        return { peer: await connectToPeer(name, port, token, limitMs), host: name };
      } catch (failure) {
        const { message, code } = failure as NodeJS.ErrnoException;
        const isOtherToken = code?.startsWith('ERR_SSL') === true;
        last = failed(isOtherToken ? 'who waits there has another token, or is no shard' : message, failure);
        // No wait makes another token right. What a file names may be left from another run.
        if (isOtherToken && 'host' in place) throw last;
      }
    }
    await delay(retryMs, undefined, { signal: host.signal }).catch(() => {});
    if (host.signal.aborted) throw tailgateError('CANCELLED', { signal: String(host.signal.reason) });
  } while (performance.now() < untilMs);
  throw last;
};

/** Shard 1, and the name by which this machine reached it. */
type Met = { peer: Peer; host: string };

/** The part of one load that this shard drives. */
class FollowedLoad {
  readonly #request: FollowRequest;
  /** Name by which shard 1 was reached. */
  readonly #leader: string;
  readonly #peer: Peer;
  readonly #clock: ClockComparison;
  readonly #number: number;
  #session: Promise<LoadSession> | null = null;
  #from: ClockAhead = { aheadUs: 0, errorUs: 0 };

  constructor(request: FollowRequest, leader: string, peer: Peer, clock: ClockComparison, number: number) {
    this.#request = request;
    this.#leader = leader;
    this.#peer = peer;
    this.#clock = clock;
    this.#number = number;
  }

  async obey({ id, order }: Ask): Promise<void> {
    const wanted = order as LoadOrder | ({ type: 'open' } & OpenOrder) | { type: 'close' };
    if (wanted.type === 'close') return await this.close();
    try {
      const value = wanted.type === 'open' ? await this.#open(wanted) : await this.#drive(wanted);
      this.#peer.send({ type: 'answer', id, value } as Message);
    } catch (failure) {
      this.#peer.send({ type: 'answer', id, error: plain(failure) } as Message);
    }
  }

  async #open(order: OpenOrder): Promise<void> {
    const { number, host, openLoad } = this.#request;
    for (const secret of order.secrets) host.secret(secret);
    const url = reachable(order.load, this.#leader);
    await assertReachable(url, number);
    this.#from = this.#clock.read();
    this.#session = openLoad(order, url, this.#from.aheadUs, `load${this.#number + 1}`);
    const session = await this.#session;
    const tell = (event: object): void =>
      this.#peer.send({ type: 'event', load: this.#number, event } as Message);
    session.onProgress((progress) => tell({ type: 'progress', progress }));
    session.finished.then(
      () => tell({ type: 'finished' }),
      (failure) => tell({ type: 'failed', error: plain(failure) }),
    );
  }

  async #drive(order: LoadOrder): Promise<unknown> {
    const session = await this.#session;
    if (session === null) throw new Error('This load was not opened.');
    switch (order.type) {
      case 'resume':
        return await session.resume(order.slice, order.atUs);
      case 'slice':
        return await session.driveSlice(order.slice, order.forMs, order.guardMs, order.atUs);
      case 'pause':
        return await session.pause(order.guardMs, order.atUs);
      case 'reset':
        return await session.reset(order.atUs);
      case 'collect': {
        const parts = await session.collectParts(order.hurry);
        if (session.failure !== null) throw session.failure;
        const { errorUs, aheadUs } = this.#clock.read();
        const from = this.#from;
        const driftUs = aheadUs - from.aheadUs;
        return { parts, errorUs: Math.max(errorUs, from.errorUs), driftUs } satisfies Collected;
      }
      default:
        throw new Error(`A shard is not asked to "${order.type}".`);
    }
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = null;
    try {
      await (await session)?.[Symbol.asyncDispose]();
    } catch {
      // What could not be opened was told, and is closed.
    }
  }
}

const plain = (failure: unknown): PlainError => {
  const { code, what, fix, exit, where } = problemsOf(failure)[0]!;
  return { code, what, fix, exit, where };
};

/** The address of a server that shard 1 may know as one of its own: the others reach it where they reach shard 1. */
const reachable = ({ url }: SharedLoad, host: string): string => {
  const address = new URL(url);
  if (loopbackAddressesOf(url) === null && address.hostname !== '0.0.0.0') return url;
  address.hostname = host.includes(':') ? `[${host}]` : host;
  return url.endsWith('/') ? address.href : address.href.replace(/\/$/, '');
};

const assertReachable = (url: string, number: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const { hostname, port, protocol } = new URL(url);
    const isSecure = protocol === 'https:' || protocol === 'wss:';
    const host = hostname.replace(/^\[|\]$/g, '');
    const socket = connect({ host, port: Number(port) || (isSecure ? 443 : 80) });
    const fail = (reason: string): void => {
      socket.destroy();
      reject(
        tailgateError('SHARD_LOST', {
          number,
          reason: `it cannot reach the server at ${url} (${reason}); a server that shard 1 starts must listen on an address that the others reach`,
        }),
      );
    };
    socket.setTimeout(reachMs, () => fail(`no answer within ${reachMs} ms`));
    socket.once('error', (error) => fail(error.message));
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
  });
