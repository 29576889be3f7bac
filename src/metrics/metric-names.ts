import type { Statistic, Unit } from './threshold.ts';

/**
 * The vocabulary of metric names beside the latency metrics `<subject>.<kind>`, whose subjects are events of the
 * scenario: counters, rates made from counters, resources of the server, and short names for the common ones.
 */

/** Last part of the name of a latency metric. */
export const latencyKinds = ['ack', 'response', 'delivery', 'receipt', 'handshake'] as const;

/** Whether a latency is that of messages; not of connecting, and not the length of a session. */
export const isOfMessages = (metric: string): boolean =>
  latencyKinds.some((kind) => kind !== 'handshake' && metric.endsWith(`.${kind}`));

/** Short name -> full name. */
export const metricAliases: Readonly<Record<string, string>> = {
  sent: 'messages.sent',
  acknowledged: 'messages.acknowledged',
  unanswered: 'messages.unanswered',
  'unanswered.rate': 'messages.unanswered.rate',
  expected: 'deliveries.expected',
  delivered: 'deliveries.received',
  lost: 'deliveries.lost',
  'lost.rate': 'deliveries.lost.rate',
  duplicated: 'deliveries.duplicated',
  'duplicated.rate': 'deliveries.duplicated.rate',
  late: 'deliveries.late',
  'late.rate': 'deliveries.late.rate',
  failed: 'users.failed',
  'failed.rate': 'users.failed.rate',
};

/**
 * Rates: the counter `part` over the sum of the counters `of`, both over all measured rounds of a side; 0 when
 * nothing was attempted. An attempt, for `errors.rate`, is a virtual user's session or a message that it sent: a
 * user that cannot connect counts as one failed attempt of one.
 */
export const rates: Readonly<Record<string, { part: string; of: readonly string[]; meaning: string }>> = {
  'errors.rate': {
    part: 'errors',
    of: ['users.created', 'messages.sent'],
    meaning: 'errors per attempt (a virtual user started, or a message sent)',
  },
  'users.failed.rate': {
    part: 'users.failed',
    of: ['users.created'],
    meaning: 'virtual users that failed, of those started',
  },
  'messages.unanswered.rate': {
    part: 'messages.unanswered',
    of: ['messages.acknowledged', 'messages.unanswered'],
    meaning: 'messages that were never acknowledged, of those that waited for it',
  },
  'deliveries.lost.rate': {
    part: 'deliveries.lost',
    of: ['deliveries.expected'],
    meaning: 'deliveries that never came, of those expected',
  },
  'deliveries.duplicated.rate': {
    part: 'deliveries.duplicated',
    of: ['deliveries.expected'],
    meaning: 'deliveries that came more than once, of those expected',
  },
  'deliveries.late.rate': {
    part: 'deliveries.late',
    of: ['deliveries.expected'],
    meaning: 'deliveries that came after the drain, of those expected',
  },
};

/**
 * Work for each message or delivery: a count over the messages sent or the deliveries received. Counted and not timed,
 * so that a busy machine hardly moves it. `of` is the counter that it is divided by.
 */
export const workMetrics: Readonly<
  Record<string, { unit: Unit; of: 'messages.sent' | 'deliveries.received'; meaning: string }>
> = {
  'server.syscalls.perMessage': {
    unit: 'count',
    of: 'messages.sent',
    meaning: 'reads and writes of the server: files, pipes, connections (Linux)',
  },
  'server.read.perMessage': { unit: 'bytes', of: 'messages.sent', meaning: 'bytes that it read (Linux)' },
  'server.written.perMessage': {
    unit: 'bytes',
    of: 'messages.sent',
    meaning: 'bytes that it wrote (Linux)',
  },
  'server.contextSwitches.perMessage': {
    unit: 'count',
    of: 'messages.sent',
    meaning: 'switches of its threads, voluntary or not (Linux)',
  },
  'server.pageFaults.perMessage': {
    unit: 'count',
    of: 'messages.sent',
    meaning: 'page faults of its processes (Linux)',
  },
  'server.userCpu.perMessage': {
    unit: 'ms',
    of: 'messages.sent',
    meaning: 'CPU time in its own code (Linux)',
  },
  'server.systemCpu.perMessage': {
    unit: 'ms',
    of: 'messages.sent',
    meaning: 'CPU time in the kernel (Linux)',
  },
  'server.runQueue.perMessage': {
    unit: 'ms',
    of: 'messages.sent',
    meaning: 'time that its threads waited for a core (Linux)',
  },
  'server.calls.perMessage': {
    unit: 'count',
    of: 'messages.sent',
    meaning: 'calls of functions of the repository, counted side by side (Node servers)',
  },
  'server.allocated.perMessage': {
    unit: 'bytes',
    of: 'messages.sent',
    meaning: 'memory allocated on the heap (Node servers, with the preload)',
  },
  'server.collections.perMessage': {
    unit: 'count',
    of: 'messages.sent',
    meaning: 'garbage collections (Node servers, with the preload)',
  },
  'wire.bytes.perMessage': {
    unit: 'bytes',
    of: 'messages.sent',
    meaning: 'bytes that the virtual users sent and received (not over TLS)',
  },
  'wire.bytes.perDelivery': {
    unit: 'bytes',
    of: 'deliveries.received',
    meaning: 'bytes that the virtual users received (not over TLS)',
  },
  'wire.frames.perMessage': {
    unit: 'count',
    of: 'messages.sent',
    meaning: 'WebSocket messages that the virtual users sent and received (not with `socket.io-client`)',
  },
  'wire.frames.perDelivery': {
    unit: 'count',
    of: 'deliveries.received',
    meaning: 'WebSocket messages that the virtual users received (not with `socket.io-client`)',
  },
};

/** Counted in pairs of their own after the others, because counting changes how code is compiled. */
export const countedMetric = 'server.calls.perMessage';

/**
 * What stays in the server when its users have gone, which a suite of `kind: endurance` measures: memory by the rate at
 * which it grows from wave to wave, everything else as a count at the end less that at the start.
 */
export const enduranceMetrics: Readonly<
  Record<string, { unit: Unit; per?: 'messages' | 'sessions'; meaning: string }>
> = {
  'server.retained.perMessage': {
    unit: 'bytes',
    per: 'messages',
    meaning:
      'memory that is kept for each message: heap after a forced collection (Node servers), else resident',
  },
  'server.retained.perSession': {
    unit: 'bytes',
    per: 'sessions',
    meaning: 'the same for each virtual user that came and went',
  },
  'server.left.fds': { unit: 'count', meaning: 'open file descriptors of all its processes (Linux)' },
  'server.left.threads': { unit: 'count', meaning: 'threads (Linux)' },
  'server.left.sockets': { unit: 'count', meaning: 'sockets (Node servers, with the preload)' },
  'server.left.timers': { unit: 'count', meaning: 'timers that keep it running (Node servers, likewise)' },
  'server.left.handles': {
    unit: 'count',
    meaning: 'other handles and requests: files, watchers, processes (Node servers, likewise)',
  },
  'server.left.listeners': {
    unit: 'count',
    meaning: 'listeners of all event emitters that live (Node servers, likewise)',
  },
  'server.left.rooms': {
    unit: 'count',
    meaning: 'rooms of its Socket.IO servers (Node servers, likewise)',
  },
};

/** Ending of a counter's name that makes it a throughput: the counter over the seconds of driven load. */
export const throughputSuffix = '.perSecond';

/** The most messages that were sent in one second of driven load, where `messages.sent.perSecond` is the mean. */
export const peakSendRate = 'messages.sent.maxPerSecond';

/** Prefix of the metrics that the custom command or URL prints. */
export const customPrefix = 'custom.';

/** Prefix of the count of one error by its name: `errors.named.ECONNREFUSED`. */
export const namedErrorPrefix = 'errors.named.';

/**
 * Resources of the server's process tree. `statistics` are taken over the samples of a round; the first is meant when
 * a threshold names none.
 */
export const resourceMetrics: Readonly<
  Record<string, { unit: Unit; statistics: readonly Statistic[]; meaning: string }>
> = {
  'server.cpu': {
    unit: 'cores',
    statistics: ['mean', 'max'],
    meaning: 'CPU time over wall time; 1 is one core',
  },
  'server.rss': { unit: 'bytes', statistics: ['max', 'mean'], meaning: 'resident memory' },
  'server.fds': { unit: 'count', statistics: ['max', 'mean'], meaning: 'open file descriptors' },
  'server.threads': { unit: 'count', statistics: ['max', 'mean'], meaning: 'threads' },
  'server.heap': {
    unit: 'bytes',
    statistics: ['max', 'mean'],
    meaning: 'used heap (Node servers, with the preload)',
  },
  'server.loopDelay': {
    unit: 'ms',
    statistics: ['max', 'mean'],
    meaning: 'p99 of the event-loop delay (Node servers, with the preload)',
  },
  'server.cpuPerMessage': {
    unit: 'ms',
    statistics: ['value'],
    meaning:
      'CPU time of the server over the messages sent: steadier than latencies where the machine is noisy',
  },
  'server.gc': {
    unit: 'ms',
    statistics: ['value'],
    meaning: 'time spent in garbage collection in a round (Node servers, with the preload)',
  },
};
