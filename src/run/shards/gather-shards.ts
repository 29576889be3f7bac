import type { AddressInfo } from 'node:net';
import { serialize } from 'node:v8';
import { machineId } from '../../baseline/machine-id.ts';
import { hostTimeUs } from '../../engines/core/delivery/host-time.ts';
import { loopbackAddressesOf } from '../../engines/core/local-address.ts';
import { type TailgateError, tailgateError } from '../../errors.ts';
import { answerMs, fromPlain } from '../../generator/generator-process.ts';
import type { LoadMember, OtherShards } from '../../generator/load-member.ts';
import type { LoadEvent, LoadOrder, PlainError } from '../../generator/load-protocol.ts';
import type { LoadProgress } from '../../generator/load-session.ts';
import type { Host } from '../../host/host.ts';
import { ResourceStack } from '../../host/resource-stack.ts';
import { untilAborted } from '../../host/until-aborted.ts';
import type { RoundMeasurement } from '../../metrics/round-measurement.ts';
import type { Rendezvous } from '../../settings/shard-inputs.ts';
import type { LoadPart, SharedLoad } from '../../side/round-context.ts';
import { leavePlaces } from './meeting-place.ts';
import { listenForPeers, type Message, type Peer } from './peer.ts';
import {
  type Answer,
  type Cannot,
  disagreement,
  type Event,
  type Hello,
  type Ping,
  type RunIdentity,
  readGreeting,
} from './rendezvous.ts';
import { droveTogether, startSkew } from './start-skew.ts';

/** The shards of a run, led by this one, which is the first. Closing it ends the run for all of them. */
export type Crew = AsyncDisposable & {
  readonly count: number;
  readonly part: LoadPart;
  /** How they drove the load together, sentences; none before they did. */
  notes(): string[];
  /** Tells the others that the run is over, and why it has no verdict, if it has none. */
  end(problem: string | null): void;
};

export type GatherRequest = {
  rendezvous: Rendezvous;
  identity: RunIdentity;
  machine: string;
  /** How far clocks may drift apart while one load lasts, beside what is not known of them, microseconds. */
  driftUs: number;
  host: Host;
};

/**
 * Waits at the rendezvous until every shard of the run is there. Throws RENDEZVOUS_FAILED where nobody can wait,
 * SHARDS_ABSENT, SHARD_DISAGREES for one of another run, SHARD_LOST for one that cannot, and CANCELLED; the others are
 * told.
 */
export const gatherShards = async (request: GatherRequest): Promise<Crew> => {
  const { rendezvous, identity, host } = request;
  const { count } = identity;
  await using gathering = new ResourceStack();
  const strangers = new Set<string>();
  const shards = new Map<number, OtherShard>();
  const peers = new Set<Peer>();
  let settle: (problem: TailgateError | null) => void = () => {};
  const gathered = new Promise<TailgateError | null>((resolve) => {
    settle = resolve;
  });
  /** Takes what somebody says first; gives why the run cannot begin, if it cannot. */
  const greet = (peer: Peer, greeting: Hello | Cannot): TailgateError | null => {
    const { number } = greeting;
    if (greeting.type === 'cannot') return tailgateError('SHARD_LOST', { number, reason: greeting.reason });
    const reason = shards.has(number)
      ? `two came with the number ${number}`
      : number === 1
        ? 'shard 1 leads, and it came to the rendezvous of another one'
        : disagreement(identity, greeting.identity);
    if (reason !== null) return tailgateError('SHARD_DISAGREES', { number, reason });
    const shard = new OtherShard(peer, greeting, host.signal);
    shards.set(number, shard);
    host.info(`Shard ${number} of ${count} is there.`);
    void shard.lost.then(settle);
    return null;
  };
  const hear = (peer: Peer, message: Message): void => {
    const greeting = message.type === 'ping' ? null : readGreeting(message);
    if (message.type === 'ping') answerPing(peer, message as Ping);
    else if (greeting === null) peer.drop('its first words were none of a shard');
    else {
      const problem = greet(peer, greeting);
      if (problem !== null || shards.size === count - 1) settle(problem);
    }
  };
  const server = listenForPeers(
    rendezvous.token,
    (peer) => {
      peers.add(peer);
      void peer.gone.then(() => peers.delete(peer));
      peer.onMessage((message) => hear(peer, message));
    },
    (address) => {
      if (strangers.size < 20) strangers.add(address);
    },
  );
  let crew: ShardCrew | null = null;
  gathering.defer(async () => {
    server.close();
    crew?.end(null);
    await Promise.all([...peers].map((peer) => peer.close()));
  });
  const port = await listen(server, rendezvous);
  if ('file' in rendezvous.place)
    gathering.use(
      await leavePlaces(rendezvous.place.file, port).catch((failure: Error) => {
        throw cannotWait(rendezvous, failure.message, failure);
      }),
    );
  host.info(`Shard 1 of ${count}: waits for the others at ${rendezvous.address}.`);
  const timer = setTimeout(() => {
    const missing = Array.from({ length: count - 1 }, (_, index) => index + 2).filter(
      (number) => !shards.has(number),
    );
    settle(
      tailgateError('SHARDS_ABSENT', {
        missing,
        count,
        waitedMs: rendezvous.waitMs,
        strangers: [...strangers],
      }),
    );
  }, rendezvous.waitMs);
  const { aborted, forget } = untilAborted(host.signal);
  const problem = await Promise.race([gathered, aborted]);
  clearTimeout(timer);
  forget();
  if (problem !== null) {
    for (const peer of peers) peer.send({ type: 'end', problem: problem.what } as Message);
    throw problem;
  }
  // One that comes now is one too many.
  server.close();
  const owned = gathering.move();
  crew = new ShardCrew(
    [...shards].sort(([a], [b]) => a - b).map(([, shard]) => shard),
    request,
    () => owned[Symbol.asyncDispose](),
  );
  return crew;
};

/** Gives the port that it listens on. */
const listen = (server: ReturnType<typeof listenForPeers>, rendezvous: Rendezvous): Promise<number> => {
  const { host, port } = 'file' in rendezvous.place ? { host: '', port: 0 } : rendezvous.place;
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'EADDRINUSE' ? `port ${port} is taken` : error.message;
      reject(cannotWait(rendezvous, reason, error));
    });
    // The others may know this machine by a name that is none of its own addresses, such as that of a service.
    server.listen(port, isLoopback(host) ? host : undefined, () =>
      resolve((server.address() as AddressInfo).port),
    );
  });
};

const cannotWait = ({ address }: Rendezvous, reason: string, cause: Error): TailgateError =>
  tailgateError('RENDEZVOUS_FAILED', { address, reason, leads: true }, {}, cause);

const isLoopback = (host: string): boolean =>
  loopbackAddressesOf(`http://${host.includes(':') ? `[${host}]` : host}`) !== null;

const answerPing = (peer: Peer, { askedUs }: Ping): void =>
  peer.send({ type: 'pong', askedUs, nowUs: hostTimeUs(), machine: machineId() } as Message);

class ShardCrew implements Crew {
  readonly count: number;
  readonly part: LoadPart;
  readonly #shards: readonly OtherShard[];
  readonly #errorMs: number;
  readonly #leadMs: number;
  readonly #machines: number;
  readonly #close: () => Promise<void>;
  #loads = 0;
  #hasStarted = false;
  #skewMs = 0;
  #ended = false;

  constructor(
    shards: readonly OtherShard[],
    { identity, machine, driftUs, host }: GatherRequest,
    close: () => Promise<void>,
  ) {
    this.count = identity.count;
    this.#shards = shards;
    this.#close = close;
    this.#machines = new Set([machine, ...shards.map(({ hello }) => hello.machine)]).size;
    const errorsUs = shards.map(({ hello }) => hello.errorUs).sort((a, b) => b - a);
    // Of two shards, both may be wrong, in opposite directions.
    const apartUs = (errorsUs[0] ?? 0) + (errorsUs[1] ?? 0);
    this.#errorMs = apartUs / 1_000;
    this.#leadMs = leadMs + (2 * Math.max(...shards.map(({ hello }) => hello.roundTripUs))) / 1_000;
    const clock = { aheadUs: 0, apartUs: apartUs + driftUs };
    this.part = {
      shard: { index: 0, count: this.count },
      clock,
      others: (load) => this.#open(load, clock.apartUs, driftUs, host),
    };
  }

  #open(load: SharedLoad, apartUs: number, driftUs: number, host: Host): OtherShards {
    const number = this.#loads++;
    const members = this.#shards.map((shard) => new OtherLoad(shard, number, driftUs));
    const secrets = secretsIn(load.variables, host);
    return {
      members,
      leadMs: this.#leadMs,
      prepare: async (hooks, limitMs) => {
        const known = [...secrets, ...secretsIn(hooks, host)];
        await Promise.all(
          members.map((member) =>
            member.open(
              { load, hooks: serialize(hooks).toString('base64'), apartUs, secrets: known },
              limitMs,
            ),
          ),
        );
      },
      started: (startedUs) => this.#started(load.suite, startedUs),
    };
  }

  #started(suite: string, startedUs: readonly number[]): void {
    if (startedUs.length === 0) return;
    this.#hasStarted = true;
    const { apartMs, problem } = startSkew({
      suite,
      round: null,
      startedMs: startedUs.map((us) => us / 1_000),
      errorMs: this.#errorMs,
      // Each has as many processes, and they tell in the order of their numbers.
      numberOf: (index) => 1 + Math.floor((index * this.count) / startedUs.length),
    });
    this.#skewMs = Math.max(this.#skewMs, apartMs);
    if (problem !== null) throw problem;
  }

  notes(): string[] {
    if (!this.#hasStarted) return [];
    const by = this.#errorMs === 0 ? 'one clock' : `clocks that agree to within ${shownMs(this.#errorMs)} ms`;
    const started = `each part of it started within ${shownMs(this.#skewMs)} ms, by ${by}`;
    return [droveTogether(this.count, this.#machines, started)];
  }

  end(problem: string | null): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const shard of this.#shards) shard.end(problem);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }
}

/** How long before a start the others are told of it, beside the way there, milliseconds. */
const leadMs = 50;

const shownMs = (ms: number): string => (ms < 10 ? (Math.ceil(ms * 10) / 10).toFixed(1) : `${Math.ceil(ms)}`);

/** Values that this machine shows to nobody, and that the others must not show either. */
const secretsIn = (variables: Record<string, unknown>, host: Host): string[] => {
  const known = new Set(host.secrets);
  return Object.values(variables).filter((value): value is string => known.has(String(value)));
};

/** For a question to another shard and its answer to travel, which has as long as a process of this machine. */
const wayMs = 5_000;
/** Once the run is cancelled nobody waits for longer than this. */
const cancelledAnswerMs = 500;

type Waiting = { resolve: (value: unknown) => void; reject: (error: unknown) => void };

/** Another shard, seen from the one that leads. */
class OtherShard {
  readonly hello: Hello;
  /** Resolves with SHARD_LOST when it is gone before the end. */
  readonly lost: Promise<TailgateError>;
  failure: TailgateError | null = null;
  readonly #peer: Peer;
  readonly #signal: AbortSignal;
  readonly #waiting = new Map<number, Waiting>();
  readonly #loads = new Map<number, (event: LoadEvent) => void>();
  #nextId = 1;
  #ended = false;

  constructor(peer: Peer, hello: Hello, signal: AbortSignal) {
    this.hello = hello;
    this.#signal = signal;
    this.#peer = peer;
    peer.trust();
    peer.onMessage((message) => this.#receive(message));
    this.lost = peer.gone.then((reason) => this.#fail(reason));
  }

  onEvent(load: number, listener: (event: LoadEvent) => void): void {
    this.#loads.set(load, listener);
  }

  /** Asks for something of one load. One that does not answer in time is dropped: nobody knows what it does. */
  async ask<T>(load: number, order: { type: string }, limitMs: number): Promise<T> {
    if (this.failure !== null) throw this.failure;
    const id = this.#nextId++;
    let timer: NodeJS.Timeout | undefined;
    const within = (timeMs: number): void => {
      clearTimeout(timer);
      timer = setTimeout(
        () => this.#peer.drop(`it did not answer "${order.type}" within ${Math.round(timeMs)} ms`),
        Math.min(timeMs, 2 ** 31 - 1),
      );
    };
    const hurry = (): void => within(cancelledAnswerMs);
    // Its own generators are asked within the same time.
    within(this.#signal.aborted ? cancelledAnswerMs : limitMs + wayMs);
    this.#signal.addEventListener('abort', hurry, { once: true });
    try {
      return await new Promise<T>((resolve, reject) => {
        this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
        this.#peer.send({ type: 'ask', load, id, order } as Message);
      });
    } finally {
      clearTimeout(timer);
      this.#signal.removeEventListener('abort', hurry);
      this.#waiting.delete(id);
    }
  }

  /** Without an answer: it is over for this load. */
  release(load: number): void {
    this.#loads.delete(load);
    this.#peer.send({ type: 'ask', load, id: 0, order: { type: 'close' } } as Message);
  }

  end(problem: string | null): void {
    this.#ended = true;
    this.#peer.send({ type: 'end', problem } as Message);
  }

  #fail(reason: string): TailgateError {
    this.failure ??= tailgateError('SHARD_LOST', { number: this.hello.number, reason });
    for (const { reject } of this.#waiting.values()) reject(this.failure);
    if (!this.#ended) for (const tell of this.#loads.values()) tell({ type: 'failed', error: this.failure });
    return this.failure;
  }

  #receive(message: Message): void {
    if (message.type === 'ping') answerPing(this.#peer, message as Ping);
    else if (message.type === 'event') {
      const { load, event } = message as Event;
      this.#loads.get(load)?.(event as LoadEvent);
    } else if (message.type === 'cannot') {
      const greeting = readGreeting(message);
      if (greeting?.type === 'cannot') this.#fail(greeting.reason);
    } else if (message.type === 'answer') {
      const { id, value, error } = message as Answer;
      if (error === undefined) this.#waiting.get(id)?.resolve(value);
      else this.#waiting.get(id)?.reject(ofShard(this.hello.number, error as PlainError));
    }
  }
}

/** An error of another machine: its name must be told. */
const ofShard = (number: number, error: PlainError): TailgateError => {
  const { code, what } = fromPlain(error);
  return code === 'SHARD_LOST' ? fromPlain(error) : tailgateError('SHARD_LOST', { number, reason: what });
};

/** What the leader tells a shard of a load that it is to drive a part of. */
export type OpenOrder = {
  load: SharedLoad;
  /** What `before` left (`HookVariables`), as V8 writes it: JSON has no dates, bytes or big numbers. */
  hooks: string;
  apartUs: number;
  secrets: string[];
};

/** What a shard measured of one load; `driftUs` is how far its clock moved against that of shard 1 meanwhile. */
export type Collected = { parts: RoundMeasurement[]; errorUs: number; driftUs: number };

/** The part of one load that another shard drives. */
class OtherLoad implements LoadMember {
  readonly finished: Promise<void>;
  readonly #shard: OtherShard;
  readonly #load: number;
  readonly #driftUs: number;
  #failure: TailgateError | null = null;
  #progress: (progress: LoadProgress) => void = () => {};

  constructor(shard: OtherShard, load: number, driftUs: number) {
    this.#shard = shard;
    this.#load = load;
    this.#driftUs = driftUs;
    this.finished = new Promise((resolve, reject) => {
      shard.onEvent(load, (event) => {
        if (event.type === 'progress') this.#progress(event.progress);
        else if (event.type === 'finished') resolve();
        else if (event.type === 'failed') {
          this.#failure = ofShard(shard.hello.number, event.error);
          reject(this.#failure);
        }
      });
    });
    this.finished.catch(() => {});
  }

  get failure(): TailgateError | null {
    return this.#failure ?? this.#shard.failure;
  }

  open(order: OpenOrder, limitMs: number): Promise<void> {
    return this.#shard.ask(this.#load, { type: 'open', ...order } as { type: string }, limitMs);
  }

  ask<T>(order: LoadOrder, limitMs = answerMs): Promise<T> {
    return this.#shard.ask<T>(this.#load, order, limitMs);
  }

  async collect(limitMs: number, hurry: boolean): Promise<RoundMeasurement[]> {
    const order: LoadOrder = { type: 'collect', hurry };
    const { parts, errorUs, driftUs } = await this.#shard.ask<Collected>(this.#load, order, limitMs);
    if (Math.abs(driftUs) > this.#driftUs) {
      const reason = `its clock moved by ${Math.ceil(Math.abs(driftUs) / 1_000)} ms against that of shard 1 while it drove one load`;
      this.#failure ??= tailgateError('SHARD_LOST', { number: this.#shard.hello.number, reason });
    }
    return parts.map((part) => ({ ...part, clockErrorMs: (errorUs + Math.abs(driftUs)) / 1_000 }));
  }

  onProgress(listener: (progress: LoadProgress) => void): void {
    this.#progress = listener;
  }

  async close(): Promise<void> {
    this.#shard.release(this.#load);
  }
}
