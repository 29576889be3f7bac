import {
  formatBytes,
  formatCount,
  formatDuration,
  formatElapsed,
  formatValue,
  noValue,
  plural,
  sideTitle,
} from '../metrics/notation.ts';
import type { Block } from './document.ts';
import type {
  EnvironmentReport,
  Report,
  ResourceReport,
  SendRateReport,
  SuiteReport,
} from './report-model.ts';

const shownCounters: readonly (readonly [string, string])[] = [
  ['users.created', 'Users started'],
  ['users.failed', 'Users failed'],
  ['users.skipped', 'Users skipped'],
  ['messages.sent', 'Messages sent'],
  ['messages.acknowledged', 'Acknowledged'],
  ['messages.unanswered', 'Never answered'],
  ['deliveries.expected', 'Deliveries expected'],
  ['deliveries.received', 'Deliveries received'],
  ['deliveries.lost', 'Deliveries lost'],
  ['deliveries.duplicated', 'Deliveries duplicated'],
  ['deliveries.late', 'Deliveries late'],
  ['disconnects', 'Disconnects'],
  ['errors', 'Errors'],
];

/** How a suite was compared, in a sentence. Plain text. */
export const comparisonSentence = (suite: SuiteReport): string => {
  const heads = suite.rounds.filter((round) => round.side === 'head');
  const length = formatElapsed(mean(heads.map((round) => round.activeMs)));
  const samples = suite.metrics
    .flatMap((metric) => metric.change)
    .reduce((most, change) => Math.max(most, change.samples), 0);
  if (isInWaves(suite))
    return `Users came and went in ${plural(heads.length, 'wave')} of ${length}${suite.comparison === 'side-by-side' ? ' a side, in turns, while both servers ran on' : ', while the server ran on'}.`;
  switch (suite.comparison) {
    case 'side-by-side': {
      const slices = mean(heads.map((round) => round.slices ?? 0));
      const sliceMs = slices > 0 ? mean(heads.map((round) => round.activeMs)) / slices : 0;
      const alternation =
        slices > 0
          ? `alternating in slices of ${formatElapsed(Math.round(sliceMs))}`
          : 'in whole rounds, in turn';
      return `Side by side on the same machine: ${plural(heads.length, 'pair')} of ${length} a side, ${alternation}${processesClause(suite.design)}.`;
    }
    case 'history':
      return `Against ${samplesPhrase(samples, 'history')} of the default branch; this run: ${plural(heads.length, 'round')} of ${length}.`;
    case 'single':
      return `Against ${samplesPhrase(samples, 'single')}, which is weak evidence; this run: ${plural(heads.length, 'round')} of ${length}.`;
    case 'none':
      return heads.length === 0
        ? 'Nothing was measured.'
        : `No baseline: only absolute limits were applied, over ${plural(heads.length, 'round')} of ${length}.`;
  }
};

/** What a change is against: "8 pairs", "14 stored runs", "one earlier run". */
export const samplesPhrase = (samples: number, comparison: SuiteReport['comparison']): string => {
  if (comparison === 'side-by-side') return plural(samples, 'pair');
  if (comparison === 'history') return plural(samples, 'stored run');
  return samples <= 1 ? 'one earlier run' : plural(samples, 'earlier run');
};

/** Whether its users came and went in waves, to see what stays: a suite of kind `endurance`. */
export const isInWaves = ({ rounds }: Pick<SuiteReport, 'rounds'>): boolean =>
  rounds.some(({ quiet }) => quiet !== undefined);

/** Machine and versions, in a line. Plain text. */
export const environmentLine = (environment: EnvironmentReport): string =>
  [
    `${environment.cpuModel}, ${plural(environment.cores, 'core')}, ${formatCount(environment.memoryGiB)} GiB`,
    environment.os,
    `Node ${environment.node}, Tailgate ${environment.tailgate}, Artillery ${environment.artillery}`,
    ...(environment.pinning === null ? [] : [environment.pinning]),
  ].join(' · ');

/** How long the run took and what it spent it on. Plain text. */
export const durationLine = (durations: Report['durations']): string =>
  `took ${formatElapsed(durations.totalMs)} (${[
    `build ${formatElapsed(durations.buildMs)}`,
    `load ${formatElapsed(durations.loadMs)}`,
    ...(durations.explainMs === undefined
      ? []
      : [`looking for the cause ${formatElapsed(durations.explainMs)}`]),
  ].join(', ')})`;

/** The first seven characters of a commit, as git shows it. */
export const shortSha = (sha: string): string => sha.slice(0, 7);

/** Counters, send rate and server resources, baseline against head: nothing where there is none of them. */
export function loadTable(suite: SuiteReport): Block[] {
  const lines = [...counterLines(suite), ...resourceLines(suite.resources)];
  if (lines.length === 0) return [];
  return [
    {
      kind: 'table',
      noun: 'row',
      columns: [
        { title: 'Load and server' },
        { title: sideTitle('baseline'), align: 'right', drop: 1 },
        { title: sideTitle('head'), align: 'right' },
      ],
      rows: lines.map(({ name, baseline, head }) => [[name], [baseline], [head]]),
    },
  ];
}

/** Whether the generator kept up, in a sentence. Plain text; the reason of a bottleneck may be foreign. */
export const generatorSentence = (generator: NonNullable<SuiteReport['generator']>): string => {
  const numbers = [
    `${formatValue(generator.cpuShare, 'cores')} at most`,
    `event-loop delay p99 ${formatDuration(generator.loopDelayP99Ms)}`,
    `${formatCount(generator.startedArrivals)} of ${formatCount(generator.intendedArrivals)} users started`,
    ...(generator.intendedSends === 0
      ? []
      : [`${formatCount(generator.lateSends)} of ${formatCount(generator.intendedSends)} timed sends late`]),
    `largest lag ${formatDuration(generator.maxLagMs)}`,
  ].join(', ');
  if (generator.bottleneck === null) return `Load generator: kept up (${numbers}).`;
  const achieved = generator.bestEffort === true ? arrivalSentence(generator) : null;
  return `Load generator: was the bottleneck, ${generator.bottleneck} (${numbers}).${achieved === null ? '' : ` ${achieved}`}`;
};

/** "10,000 users, meant to start within 1 s, started within 6.2 s: 1,600 a second."; null when that is not known. */
export const arrivalSentence = (generator: NonNullable<SuiteReport['generator']>): string | null => {
  const { startedArrivals, intendedArrivalsMs, arrivalsMs } = generator;
  if (intendedArrivalsMs === undefined || arrivalsMs === undefined || arrivalsMs <= 0) return null;
  const rate = formatValue(startedArrivals / (arrivalsMs / 1000), 'perSecond');
  return `${formatCount(startedArrivals)} users, meant to start within ${formatDuration(intendedArrivalsMs)}, started within ${formatDuration(arrivalsMs)} (${rate}); limits are judged at that rate.`;
};

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / Math.max(values.length, 1);
}

function processesClause(design: SuiteReport['design']): string {
  if (design === undefined) return '';
  const fresh = ', fresh processes for each pair';
  if (design.warmUpMs === 0) return fresh;
  const together = design.warmUpTogether === true ? ', both sides at once' : '';
  return `${fresh}, warmed up for ${formatElapsed(design.warmUpMs)}${together}`;
}

type Line = { name: string; baseline: string; head: string };

/** The counters that say something, those that are not zero on both sides, and how fast messages were sent. */
function counterLines({ counters, sendRate }: Pick<SuiteReport, 'counters' | 'sendRate'>): Line[] {
  return shownCounters.flatMap(([name, title]) => {
    const values = counters[name];
    if (values === undefined || ((values.baseline ?? 0) === 0 && (values.head ?? 0) === 0)) return [];
    const line = { name: title, baseline: formatCount(values.baseline), head: formatCount(values.head) };
    return name === 'messages.sent' ? [line, ...sendRateLine(sendRate)] : [line];
  });
}

function sendRateLine(rate: SuiteReport['sendRate']): Line[] {
  if (rate === undefined) return [];
  const text = (side: SendRateReport | null): string =>
    side === null
      ? noValue
      : [
          formatValue(side.meanPerSecond, 'perSecond'),
          ...(side.maxPerSecond === null ? [] : [`at most ${formatValue(side.maxPerSecond, 'perSecond')}`]),
        ].join(', ');
  return [{ name: 'Messages a second', baseline: text(rate.baseline), head: text(rate.head) }];
}

/** The server's resources, base against head; empty when they were not sampled. Plain text of ours. */
function resourceLines(resources: SuiteReport['resources']): Line[] {
  if (resources === null) return [];
  const cell = (side: ResourceReport | null, of: (usage: ResourceReport) => string): string =>
    side === null ? noValue : of(side);
  const line = (name: string, of: (usage: ResourceReport) => string): Line => ({
    name,
    baseline: cell(resources.baseline, of),
    head: cell(resources.head, of),
  });
  const files = (usage: ResourceReport): string =>
    usage.openFilesLimit === null || usage.maxOpenFiles === null
      ? formatCount(usage.maxOpenFiles)
      : `${formatCount(usage.maxOpenFiles)} of ${formatCount(usage.openFilesLimit)}`;
  return [
    line('CPU time', (usage) => formatDuration(usage.cpuSeconds === null ? null : usage.cpuSeconds * 1000)),
    line('CPU, peak', (usage) => formatValue(usage.maxCpuShare, 'cores')),
    line('Memory (RSS), peak', (usage) => formatBytes(usage.maxRssBytes)),
    line('Heap, peak', (usage) => formatBytes(usage.maxHeapUsedBytes)),
    line('Open files, peak', files),
    line('Threads, peak', (usage) => formatCount(usage.maxThreads)),
    line('Event-loop delay, peak', (usage) => formatDuration(usage.maxLoopDelayMs)),
    line('Garbage collection', (usage) => formatDuration(usage.gcPauseMs)),
  ].filter(({ baseline, head }) => baseline !== noValue || head !== noValue);
}
