import {
  customPrefix,
  enduranceMetrics,
  latencyKinds,
  namedErrorPrefix,
  peakSendRate,
  rates,
  resourceMetrics,
  throughputSuffix,
  workMetrics,
} from './metric-names.ts';
import type { Statistic, Unit } from './threshold.ts';

/** What a limit on a metric is about: what gave out where it broke. */
export type Topic = 'latency' | 'errors' | 'loss' | 'descriptors' | 'cpu' | 'memory' | 'throughput' | 'limit';

/** What a metric is. Everything that depends on its name is here: nobody else looks into the name. */
export type Metric = {
  id: string;
  /**
   * `latency`: a distribution. `counter`, and what is made of counters: `rate` (one over others), `throughput` (one over
   * time), `peak` (the most in one second). `error`: the count of one error by its name. `resource`: sampled at the
   * server. `work`: for each message or delivery. `endurance`:
   * what stays when the users have gone. `custom`: a number of the user's own command.
   */
  kind:
    | 'latency'
    | 'counter'
    | 'error'
    | 'rate'
    | 'throughput'
    | 'peak'
    | 'resource'
    | 'work'
    | 'endurance'
    | 'custom';
  /** Null for a custom metric, which has any. */
  unit: Unit | null;
  /** Of a latency all; else the first is meant where none is named. */
  statistics: readonly Statistic[];
  /** Who counts it: the load generator, or whoever samples the server, or the user's own command. */
  by: 'generator' | 'server' | 'user';
  /** The direction in which it is bad; null where the user alone knows. */
  worse: 'higher' | 'lower' | null;
  topic: Topic;
  /**
   * Of a latency the kind of wait, or null when the name does not tell it; of an error and a custom metric the name in
   * the user's words; of a throughput its counter; of what stays `messages` or `sessions`, or what is
   * counted; else null.
   */
  of: string | null;
  /** For a count of failures, or its rate: the counter and those of the attempts. Null for everything else. */
  failure: { part: string; of: readonly string[] } | null;
};

/** What happened so often, and what a limit says of it: "3 users failed; none may." */
export type Happened = { one: string; many: string; may: 'may' | 'may be' };

/** Statistics of a latency distribution. */
export const latencyStatistics = [
  'count',
  'mean',
  'p5',
  'p10',
  'p50',
  'p90',
  'p95',
  'tail',
  'p99',
  'p999',
  'max',
] as const;

/**
 * Counters: what they count in words, and whether that is a failure. Those of an engine's own are kept by the engines
 * that list them (`EngineDescription.counters`), from 0 on; all others by every one.
 */
const counters: Readonly<
  Record<
    string,
    { noun: string; nouns?: string; topic: Topic; failure?: true; happened?: Happened; own?: true }
  >
> = {
  'users.created': { noun: 'user', topic: 'limit' },
  'users.completed': { noun: 'completed user', topic: 'limit' },
  'users.failed': {
    noun: 'failed user',
    topic: 'errors',
    failure: true,
    happened: { one: 'user failed', many: 'users failed', may: 'may' },
  },
  'users.skipped': { noun: 'skipped user', topic: 'limit' },
  'messages.sent': { noun: 'message', topic: 'throughput' },
  'messages.acknowledged': { noun: 'acknowledgement', topic: 'throughput' },
  'messages.unanswered': {
    noun: 'unanswered message',
    topic: 'errors',
    failure: true,
    happened: { one: 'message stayed unanswered', many: 'messages stayed unanswered', may: 'may' },
  },
  'messages.received': { noun: 'received message', topic: 'throughput', own: true },
  'messages.unread': { noun: 'unread message', topic: 'limit', own: true },
  'deliveries.expected': { noun: 'expected delivery', nouns: 'expected deliveries', topic: 'loss' },
  'deliveries.received': { noun: 'delivery', nouns: 'deliveries', topic: 'loss' },
  'deliveries.lost': {
    noun: 'lost message',
    topic: 'loss',
    failure: true,
    happened: { one: 'message was lost', many: 'messages were lost', may: 'may be' },
  },
  'deliveries.duplicated': {
    noun: 'duplicated message',
    topic: 'loss',
    failure: true,
    happened: { one: 'message came more than once', many: 'messages came more than once', may: 'may' },
  },
  'deliveries.late': {
    noun: 'late message',
    topic: 'loss',
    failure: true,
    happened: { one: 'message came late', many: 'messages came late', may: 'may' },
  },
  'deliveries.unexpected': {
    noun: 'unexpected delivery',
    nouns: 'unexpected deliveries',
    topic: 'loss',
    own: true,
  },
  disconnects: {
    noun: 'disconnect',
    topic: 'errors',
    failure: true,
    happened: { one: 'connection broke', many: 'connections broke', may: 'may' },
  },
  errors: {
    noun: 'error',
    topic: 'errors',
    failure: true,
    happened: { one: 'error occurred', many: 'errors occurred', may: 'may' },
  },
  'http.requests': { noun: 'request', topic: 'throughput', own: true },
  'http.responses': { noun: 'response', topic: 'throughput', own: true },
};

/** Counters that every round has, at zero when nothing happened. */
export const standardCounters: readonly string[] = Object.keys(counters).filter(
  (name) => counters[name]!.own === undefined,
);

/** Codes of HTTP answers: each is a counter of its own, that begins to count with the first answer of the code. */
const statusPrefix = 'http.codes.';

const topicsOfServer: Readonly<Record<string, Topic>> = {
  'server.fds': 'descriptors',
  'server.rss': 'memory',
  'server.heap': 'memory',
  'server.gc': 'memory',
  'server.allocated.perMessage': 'memory',
  'server.collections.perMessage': 'memory',
  'server.cpu': 'cpu',
  'server.cpuPerMessage': 'cpu',
  'server.userCpu.perMessage': 'cpu',
  'server.systemCpu.perMessage': 'cpu',
  'server.runQueue.perMessage': 'cpu',
  'server.loopDelay': 'latency',
};

const known = new Map<string, Metric>();

/** The count of a counter that was kept; null of one that nobody counted. */
export const countIn = (kept: Readonly<Record<string, number>>, name: string): number | null =>
  kept[name] ?? (name.startsWith(statusPrefix) && kept['http.requests'] !== undefined ? 0 : null);

/** What the metric of this name is. A name of no other kind is a counter; `Values` know latencies of any name. */
export const metricOf = (id: string): Metric => {
  const found = known.get(id) ?? readName(id);
  known.set(id, found);
  return found;
};

/** The custom metric that the user's command calls `name`. */
export const customMetric = (name: string): string => `${customPrefix}${name}`;

/** What a counter counts, for a number before it: "error", "lost deliveries"; its name where it has no words. */
export const nounsOf = (id: string): { one: string; many: string } => {
  const metric = metricOf(id);
  if (metric.kind === 'error') return { one: `"${metric.of}" error`, many: `"${metric.of}" errors` };
  const counter = metric.failure?.part ?? metric.of ?? id;
  const { noun, nouns } = counters[counter] ?? { noun: counter, nouns: counter };
  return { one: noun, many: nouns ?? `${noun}s` };
};

/** What happened when a failure was counted, for a number before it; null for what is no count of failures. */
export const happenedOf = (id: string): Happened | null => {
  const metric = metricOf(id);
  if (metric.kind === 'error')
    return { one: `"${metric.of}" error occurred`, many: `"${metric.of}" errors occurred`, may: 'may' };
  return metric.kind === 'counter' ? (own(counters, id)?.happened ?? null) : null;
};

/** The metric of this name where it is known to be a distribution, whatever its name says. */
export function latency(id: string, wait: string | null = waitOf(id)): Metric {
  return {
    id,
    kind: 'latency',
    by: 'generator',
    unit: 'ms',
    statistics: latencyStatistics,
    worse: 'higher',
    topic: 'latency',
    of: wait,
    failure: null,
  };
}

function readName(id: string): Metric {
  const base = { id, by: 'generator', statistics: ['value'], of: null, failure: null } as const;
  if (id.startsWith(customPrefix))
    return {
      ...base,
      kind: 'custom',
      by: 'user',
      unit: null,
      worse: null,
      topic: 'limit',
      of: id.slice(customPrefix.length),
    };
  if (id.startsWith(namedErrorPrefix)) {
    const failure = { part: 'errors', of: rates['errors.rate']!.of };
    const of = id.slice(namedErrorPrefix.length);
    return { ...base, kind: 'error', unit: 'count', worse: 'higher', topic: 'errors', of, failure };
  }
  const resource = own(resourceMetrics, id);
  const topic = topicsOfServer[id] ?? 'limit';
  if (resource !== undefined) {
    const { unit, statistics } = resource;
    return { ...base, kind: 'resource', by: 'server', unit, statistics, worse: 'higher', topic };
  }
  const work = own(workMetrics, id);
  if (work !== undefined) {
    const by = id.startsWith('wire.') ? 'generator' : 'server';
    return { ...base, kind: 'work', by, unit: work.unit, worse: 'higher', topic };
  }
  const endurance = own(enduranceMetrics, id);
  if (endurance !== undefined) {
    const topic = endurance.unit === 'bytes' ? 'memory' : 'descriptors';
    return {
      ...base,
      kind: 'endurance',
      by: 'server',
      unit: endurance.unit,
      worse: 'higher',
      topic,
      of: endurance.per ?? id.slice('server.left.'.length),
    };
  }
  const rate = own(rates, id);
  if (rate !== undefined) {
    const { part, of } = rate;
    return {
      ...base,
      kind: 'rate',
      unit: 'ratio',
      worse: 'higher',
      topic: topicOf(part),
      failure: { part, of },
    };
  }
  if (id === peakSendRate)
    return {
      ...base,
      kind: 'peak',
      unit: 'perSecond',
      worse: 'lower',
      topic: 'throughput',
      of: 'messages.sent',
    };
  if (id.endsWith(throughputSuffix)) return throughput(id, id.slice(0, -throughputSuffix.length));
  const wait = waitOf(id);
  return wait === null ? counter(id) : latency(id, wait);
}

function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

function topicOf(name: string): Topic {
  return own(counters, name)?.topic ?? 'limit';
}

function throughput(id: string, counted: string): Metric {
  const topic = topicOf(counted);
  return {
    id,
    kind: 'throughput',
    by: 'generator',
    unit: 'perSecond',
    statistics: ['value'],
    worse: own(counters, counted)?.failure ? 'higher' : 'lower',
    topic: topic === 'limit' ? 'throughput' : topic,
    of: counted,
    failure: null,
  };
}

function waitOf(id: string): string | null {
  if (id === 'session.length') return 'session';
  return latencyKinds.find((kind) => id.endsWith(`.${kind}`)) ?? null;
}

function counter(id: string): Metric {
  const failing = own(counters, id)?.failure === true;
  const of = Object.values(rates).find(({ part }) => part === id)?.of ?? ['users.created'];
  return {
    id,
    kind: 'counter',
    by: 'generator',
    unit: 'count',
    statistics: ['value'],
    worse: failing ? 'higher' : null,
    topic: topicOf(id),
    of: null,
    failure: failing ? { part: id, of } : null,
  };
}
