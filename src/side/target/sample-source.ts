import { setTimeout as delay } from 'node:timers/promises';
import type { ServerWork } from '../../metrics/round-measurement.ts';
import { countedFields, type FieldValues } from '../../metrics/server-reading.ts';
import type { ResourceSampler } from './resource-sampler.ts';
import type { ResourceSource, SourceReading } from './resource-source.ts';
import { type ServerReading, UsageSeries } from './usage-series.ts';

/**
 * Samples a server through the source of the user, from now on: at once, then at its interval, and once more when it is
 * stopped. Never throws. What is told in part has no usage, and `missing` says why: the part that is not known could be
 * the worst.
 */
export const sampleSource = async (source: ResourceSource): Promise<ResourceSampler> => {
  const startedAt = performance.now();
  const series = new UsageSeries();
  const stopping = new AbortController();
  let first: SourceReading | null = null;
  let last: SourceReading | null = null;
  let reason: string | null = null;
  let missing: string | null = null;
  let coreSeconds = 0;
  const note = (what: string): void => {
    missing ??= `The resources of the server are not known, because "${source.name}" ${what}.`;
  };
  const take = async (): Promise<boolean> => {
    try {
      const reading = await source.read();
      const gapMs = reading.atMs - (last?.atMs ?? startedAt);
      if (gapMs > source.patienceMs)
        note(`did not answer for ${seconds(gapMs)}${reason === null ? '' : ` (${reason})`}`);
      if (last !== null && isAnotherLife(last, reading))
        note('told of counters that went back: the server was restarted, or several answer there');
      coreSeconds += ((reading.fields.cpu ?? 0) * Math.max(0, gapMs)) / 1_000;
      first ??= reading;
      last = reading;
      reason = null;
      series.addReading(reading.atMs - startedAt, readingOf(reading.fields, coreSeconds));
      return true;
    } catch (failure) {
      reason = failure instanceof Error ? failure.message : String(failure);
      return false;
    }
  };
  await take();
  const loop = (async () => {
    let due = startedAt;
    while (!stopping.signal.aborted) {
      due = Math.max(due + source.intervalMs, performance.now());
      // An agent that has ended answers at once.
      const pauseMs = Math.max(due - performance.now(), reason === null ? 0 : failedPauseMs);
      await delay(pauseMs, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
      if (stopping.signal.aborted) return;
      await take();
    }
  })();

  return {
    intervalMs: source.intervalMs,
    begin: async () => {},
    missing: () => missing,
    stop: async (quick = false) => {
      stopping.abort();
      if (!quick) {
        await loop;
        if (!(await take()) && !(await take()))
          note(`stopped answering after ${seconds((last?.atMs ?? startedAt) - startedAt)} (${reason})`);
      }
      if (missing !== null) return null;
      const usage = series.usage();
      return usage === null ? null : { ...usage, ...workOf(first, last) };
    },
  };
};

const failedPauseMs = 100;

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`;
}

/** Whether a counter went back, or a process says that it started at another time. */
function isAnotherLife(before: SourceReading, after: SourceReading): boolean {
  return (
    before.life !== after.life ||
    countedFields.some((field) => (after.fields[field] ?? Infinity) < (before.fields[field] ?? -Infinity))
  );
}

/** As the series takes it. Cores in use are added up over time where no counter tells their sum. */
function readingOf(fields: FieldValues, coreSeconds: number): ServerReading {
  const { cpuSeconds, cpu, userCpuSeconds, systemCpuSeconds } = fields;
  const both =
    userCpuSeconds === undefined || systemCpuSeconds === undefined ? null : userCpuSeconds + systemCpuSeconds;
  return {
    cpuSeconds: cpuSeconds ?? both ?? (cpu === undefined ? null : coreSeconds),
    rssBytes: fields.rss ?? null,
    openFiles: fields.fds ?? null,
    openFilesLimit: fields.fdsLimit ?? null,
    threads: fields.threads ?? null,
    heapUsedBytes: fields.heap,
    loopDelayP99Ms: fields.loopDelayMs,
    loopDelayMaxMs: fields.loopDelayMaxMs,
    gcPauseMs: fields.gcMs,
  };
}

/** CPU time by where it went, where the source tells; nothing else of the work is known from outside. */
function workOf(first: SourceReading | null, last: SourceReading | null): { work?: ServerWork } {
  const spent = (field: 'userCpuSeconds' | 'systemCpuSeconds'): number | null => {
    const [from, to] = [first?.fields[field], last?.fields[field]];
    return from === undefined || to === undefined ? null : to - from;
  };
  const [userCpuSeconds, systemCpuSeconds] = [spent('userCpuSeconds'), spent('systemCpuSeconds')];
  if (userCpuSeconds === null || systemCpuSeconds === null) return {};
  return {
    work: {
      systemCalls: null,
      bytesRead: null,
      bytesWritten: null,
      contextSwitches: null,
      pageFaults: null,
      userCpuSeconds,
      systemCpuSeconds,
      runQueueSeconds: null,
      allocatedBytes: null,
      collections: null,
    },
  };
}
