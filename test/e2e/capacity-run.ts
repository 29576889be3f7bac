import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type CapacityReport, capacityReportSchema } from '../../src/report/capacity-model.ts';
import { runStep, type StepResult } from './runner.ts';

/** A search for the capacity of a server that needs a known time for a message. */

export const queueServer = path.join(import.meta.dirname, 'queue-server.mjs');

/** One message a user, so that messages a second are users a second. */
export const scenario = (more = ''): string => `config:
  target: http://127.0.0.1:3000
  phases: [{ duration: 5, arrivalRate: 5 }]
  socketio: { transports: [websocket] }
${more}scenarios:
  - engine: socketio
    flow:
      - emit: { channel: work, data: 1 }
        acknowledge: {}
`;

export const settings = (target: string, more: string): string => `target:
  start: ${target}
suites: [{ name: queue, scenario: load.yml }]
measure: { main: work.ack, drainMs: 100, timeoutMs: 2000 }
thresholds: ["work.ack.p95 < 100ms", "work.ack.p95 < +10%"]
${more}`;

export const reportOf = (result: StepResult): CapacityReport =>
  capacityReportSchema.parse(JSON.parse(readFileSync(result.outputs['report-json'] ?? '', 'utf8')));

/** On a machine that is busy with something else the search rightly finds no answer; these tests need one. */
export const until = async (
  request: Parameters<typeof runStep>[0],
  isAnswered: (report: CapacityReport) => boolean,
): Promise<{ result: StepResult; report: CapacityReport }> => {
  for (let tries = 1; ; tries += 1) {
    const result = await runStep({ ...request, timeoutMs: 240_000 });
    assert.ok(result.outputs['report-json'], result.log);
    const report = reportOf(result);
    if (isAnswered(report) || tries === 3) return { result, report };
  }
};
