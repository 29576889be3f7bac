import { engineNamed, isEmitting } from '../engines/engine-registry.ts';
import { isHttpStep } from '../engines/http/http-methods.ts';
import { standardCounters } from '../metrics/metric.ts';
import type { MeasureSettings } from '../settings/settings-schema.ts';
import { messageStepsOf } from './message-steps.ts';
import type { ReadScenario } from './read-scenario.ts';
import { emitsOf, scenarioSteps } from './scenario-steps.ts';

/** What a scenario can measure, as far as it can be told without running it. */
export type KnownMetrics = {
  /** Latency distributions, by id. */
  latencies: string[];
  /** Counters; null when they cannot be told, as with HTTP, which counts each status code. */
  counters: string[] | null;
  /** Numbers that the custom command or URL gives are not known before it ran. */
  custom: boolean;
  /**
   * Whether there may be more: metrics reported by the scenario's own code, by a plugin or an engine that is not ours,
   * or events whose name is a template.
   */
  open: boolean;
};

/** Plugins that add no latencies of their own. */
const quietPlugins = new Set(['ensure', 'expect', 'apdex']);

/** Counters that a scenario has beside the standard ones: of its engines, and of its plugins. */
export const ownCounters = (scenario: Pick<ReadScenario, 'engines' | 'config'>): string[] => [
  ...new Set(scenario.engines.flatMap((engine) => engineNamed(engine)?.counters ?? [])),
  ...pluginCounters(scenario),
];

/** Lists the metrics that a scenario can have under these settings. */
export const knownMetrics = (scenario: ReadScenario, measure: MeasureSettings): KnownMetrics => {
  const latencies = new Set<string>(['session.length']);
  let open = isOpen(scenario);
  let usesHttp = false;
  const ours = scenario.engines.flatMap((engine) => engineNamed(engine) ?? []);
  for (const id of ours.flatMap((engine) => engine.latencies)) latencies.add(id);
  for (const emit of emitsOf(scenario, measure)) {
    if (emit.event === null) open = true;
    for (const id of emit.latencies) if (!id.includes('{{')) latencies.add(id);
  }
  for (const delivery of measure.deliveries) latencies.add(`${delivery.send}.delivery`);
  for (const { spec, engine } of scenarioSteps(scenario)) {
    if (isHttpStep(spec)) {
      usesHttp = true;
      latencies.add('http.response');
      for (const status of ['2xx', '3xx', '4xx', '5xx']) latencies.add(`http.${status}.response`);
    }
    if (isEmitting(engine) && spec.namespace !== undefined) latencies.add('namespace.handshake');
    // What engines of others measure, nothing but running them could tell.
    if (engineNamed(engine) === undefined) open = true;
  }
  const messageSteps = messageStepsOf(scenario, measure);
  for (const { outline } of messageSteps) for (const id of outline?.latencies ?? []) latencies.add(id);
  return {
    latencies: [...latencies].sort(),
    counters: open || usesHttp ? null : [...standardCounters, ...ownCounters(scenario)],
    custom: measure.custom !== undefined,
    open,
  };
};

function pluginCounters(scenario: Pick<ReadScenario, 'config'>): string[] {
  const plugins = scenario.config.plugins ?? {};
  return [
    ...('ensure' in plugins || 'expect' in plugins ? ['checks.failed'] : []),
    ...('expect' in plugins ? ['plugins.expect.ok', 'plugins.expect.failed'] : []),
    ...('apdex' in plugins ? ['apdex.satisfied', 'apdex.tolerated', 'apdex.frustrated'] : []),
  ];
}

function isOpen(scenario: ReadScenario): boolean {
  return (
    (scenario.processorText !== null && mayReport(scenario.processorText)) ||
    Object.keys(scenario.config.plugins ?? {}).some((name) => !quietPlugins.has(name))
  );
}

/** Whether code of the scenario's author may report metrics: it names one of the events for it, or brings other files. */
function mayReport(processor: string): boolean {
  return (
    /['"`](histogram|summary|customStat|counter|rate)['"`]/.test(processor) ||
    /(\brequire\(|\bfrom|\bimport\(?)\s*['"`]\.{1,2}\//.test(processor)
  );
}
