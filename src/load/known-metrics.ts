import { standardCounters } from '../measurement/round-measurement.ts';
import type { MeasureSettings } from '../settings/settings-schema.ts';
import type { ReadScenario } from './read-scenario.ts';
import { emitsOf, scenarioSteps } from './scenario-steps.ts';

/** What a scenario can measure, as far as it can be told without running it. */
export type KnownMetrics = {
  /** Latency distributions, by id. */
  latencies: string[];
  counters: string[];
  /** Numbers that the custom command or URL gives are not known before it ran. */
  custom: boolean;
  /**
   * Whether there may be more: metrics reported by the scenario's own code, by a plugin or an engine that is not ours,
   * or events whose name is a template.
   */
  open: boolean;
};

const httpMethods = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options'];

/** Lists the metrics that a scenario can have under these settings. */
export const knownMetrics = (scenario: ReadScenario, measure: MeasureSettings): KnownMetrics => {
  const latencies = new Set<string>(['session.length']);
  let open = scenario.processorText !== null || Object.keys(scenario.config.plugins ?? {}).length > 0;
  if (scenario.engines.some((engine) => engine !== 'http')) latencies.add('connect.handshake');
  for (const emit of emitsOf(scenario, measure)) {
    if (emit.event === null) open = true;
    for (const id of emit.latencies) if (!id.includes('{{')) latencies.add(id);
  }
  for (const { spec, engine } of scenarioSteps(scenario)) {
    if (httpMethods.some((method) => spec[method] !== undefined)) {
      latencies.add('http.response');
      for (const status of ['2xx', '3xx', '4xx', '5xx']) latencies.add(`http.${status}.response`);
    }
    // Their metrics are named after destinations and messages, often from variables.
    if (engine !== 'http' && !engine.startsWith('socketio')) open = true;
  }
  return {
    latencies: [...latencies].sort(),
    counters: [...standardCounters],
    custom: measure.custom !== undefined,
    open,
  };
};
