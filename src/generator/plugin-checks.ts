import type { EventEmitter } from 'node:events';
import type { PluginCheck, RoundMeasurement } from '../metrics/round-measurement.ts';
import { artilleryGlobal } from './artillery/artillery-global.ts';
import { artilleryReport } from './artillery-report.ts';

type EnsureCheck = { original: string; strict: boolean; result: unknown };

/**
 * Runs what Artillery's plugins do at the end of a test, with the measurement in the shape of Artillery's report, and
 * gives the checks they made: every condition of `ensure`, failed expectations of `expect`, and any other plugin or
 * processor that asked for a failing exit code.
 */
export const checksOf = async (
  measurement: RoundMeasurement,
  reporting: EventEmitter,
): Promise<PluginCheck[]> => {
  const artillery = artilleryGlobal();
  const report = artilleryReport(measurement, Date.now());
  const checks: PluginCheck[] = [];
  artillery.globalEvents.on('checks', (results) => {
    for (const { original, strict, result } of results as EnsureCheck[])
      checks.push({ plugin: 'ensure', expression: original, strict, ok: result === 1 || result === true });
  });
  reporting.emit('stats', report);
  reporting.emit('done', report);
  artillery.globalEvents.emit('done', report);
  // Before `ensure` asks for one of its own.
  const exitCodeBefore = artillery.suggestedExitCode;
  for (const extension of artillery.extensionEvents) {
    if (extension.ext !== 'beforeExit') continue;
    // `ensure` finds the score of `apdex` only among the counters.
    const score = (artillery.apdexPlugin as { apdex?: number } | undefined)?.apdex;
    if (score !== undefined) report.counters.apdex = score;
    await extension.method({ report, testInfo: { endTime: Date.now() } });
  }
  for (const extension of artillery.extensionEvents)
    if (extension.ext === 'onShutdown') await extension.method({});
  const failedExpectations = measurement.counters['plugins.expect.failed'] ?? 0;
  if (failedExpectations > 0)
    checks.push({
      plugin: 'expect',
      expression: `${failedExpectations} failed expectations`,
      strict: true,
      ok: false,
    });
  else if (exitCodeBefore !== 0)
    checks.push({
      plugin: 'processor',
      expression: `exit code ${exitCodeBefore} was asked for`,
      strict: true,
      ok: false,
    });
  return checks;
};
