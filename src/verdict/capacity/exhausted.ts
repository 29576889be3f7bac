import { formatValue } from '../../metrics/notation.ts';
import type { RoundMeasurement } from '../../metrics/round-measurement.ts';
import { observedValue } from '../../metrics/values.ts';
import type { CapacityReason } from './capacity-reason.ts';

/** What the machine has for the server. */
export type ServerMeans = {
  /** Cores that the server may run on. */
  cores: number;
  /** Memory of the machine, or of the container. */
  memoryBytes: number;
};

/** Share of a resource from which it counts as used up: the samples are averages, and what is left is not evenly spread. */
const usedUp = 0.9;

/** A Node server runs its code on one thread: at nearly a core with its event loop held up, that thread is the limit. */
const loopDelayMs = 20;

/** Share of the time in garbage collection from which memory is what the server lacks. */
const collectingShare = 0.25;

const outOfFiles = /\b(EMFILE|ENFILE)\b|too many open files/i;

/** The resources of the server that were used up in a round. Empty when they were not sampled. */
export const exhaustedResources = (round: RoundMeasurement, means: ServerMeans): CapacityReason[] => [
  ...descriptors(round),
  ...memory(round, means),
  ...cpu(round, means),
];

function descriptors(round: RoundMeasurement): CapacityReason[] {
  const { resources } = round;
  const [open, limit] = [resources?.maxOpenFiles ?? null, resources?.openFilesLimit ?? null];
  if (open !== null && limit !== null && open >= 0.95 * limit)
    return [
      {
        what: 'descriptors',
        explanation: `The server had ${formatValue(open, 'count')} files and connections open, and its limit is ${formatValue(limit, 'count')}.`,
      },
    ];
  const error = round.errors.find(
    ({ name, messages }) => outOfFiles.test(name) || messages.some((message) => outOfFiles.test(message)),
  );
  if (error === undefined) return [];
  const message = error.messages.find((text) => outOfFiles.test(text));
  return [
    {
      what: 'descriptors',
      explanation: `Descriptors ran out: "${error.name}"${message === undefined ? '' : ` (${message})`}.`,
    },
  ];
}

function memory(round: RoundMeasurement, means: ServerMeans): CapacityReason[] {
  const { resources } = round;
  if (resources === null) return [];
  if (resources.maxRssBytes !== null && resources.maxRssBytes >= usedUp * means.memoryBytes)
    return [
      {
        what: 'memory',
        explanation: `The server used ${formatValue(resources.maxRssBytes, 'bytes')} of the ${formatValue(means.memoryBytes, 'bytes')} of memory there are.`,
      },
    ];
  const collectingMs = observedValue([round], 'server.gc', 'value');
  if (collectingMs === null || round.activeMs <= 0 || collectingMs < collectingShare * round.activeMs)
    return [];
  return [
    {
      what: 'memory',
      explanation: `The server spent ${formatValue(collectingMs / round.activeMs, 'ratio')} of the time in garbage collection, with ${formatValue(resources.maxHeapUsedBytes ?? 0, 'bytes')} of heap in use.`,
    },
  ];
}

function cpu(round: RoundMeasurement, means: ServerMeans): CapacityReason[] {
  const used = observedValue([round], 'server.cpu', 'mean');
  if (used === null) return [];
  const delayMs = round.resources?.maxLoopDelayMs ?? null;
  const oneThread = delayMs !== null && delayMs >= loopDelayMs && used >= usedUp && used < 1.5;
  if (used < usedUp * means.cores && !oneThread) return [];
  const explanation =
    oneThread && used < usedUp * means.cores
      ? `The server used ${formatValue(used, 'cores')}, which is all that its one JavaScript thread can use, and its event loop was held up by as much as ${formatValue(delayMs, 'ms')}.`
      : `The server used ${formatValue(used, 'cores')} of the ${formatValue(means.cores, 'cores')} it may use.`;
  return [{ what: 'cpu', explanation }];
}
