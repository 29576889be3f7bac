import { type Fault, type Given, usage } from '../fault.ts';

/** Not a pass: invalid, failed, or refused before anything was started. */
const never = { verdicts: ['invalid', 'fail', null], exits: [1, 2, 4] } as const;

const missing = (
  id: string,
  what: string,
  given: Given,
  expected: Pick<Fault, 'verdicts' | 'exits'> = never,
): Fault => ({
  id: `missing-${id}`,
  what,
  ...expected,
  given,
});
const limit = (id: string, what: string, threshold: string, more: Given = {}): Fault =>
  missing(id, `${what} (\`${threshold}\`)`, {
    ...more,
    settings: { thresholds: [threshold], ...more.settings },
  });
const custom = (id: string, what: string, command: string, more: object = {}): Fault =>
  limit(`custom-${id}`, what, 'custom.b >= 0', { settings: { measure: { custom: { command, ...more } } } });
const oneUser = { config: { phases: [{ duration: 2, arrivalRate: 8, maxVusers: 1 }] } };
const deliveries = {
  scenarios: [
    {
      engine: 'socketio',
      flow: [
        { emit: { channel: 'chat', data: { tag: '{{ $tag }}' } }, acknowledge: {}, delivery: 'chat' },
        { think: '100ms' },
      ],
    },
  ],
};
const lonely = { scenario: { ...oneUser, ...deliveries } };
const report = (verdict: string, suites: unknown[], more: object = {}): string =>
  JSON.stringify({ schemaVersion: 1, verdict, suites, problems: [], ...more });
const compared = (id: string, what: string, before: string, after: string): Fault =>
  missing(id, what, { args: ['compare', 'a.json', 'b.json'], files: { 'a.json': before, 'b.json': after } });
const stored = (id: string, what: string, before: string, more: object = {}): Fault =>
  missing(id, what, {
    shell: `${before}; exec $TG run --json out.json`,
    settings: { baseline: { mode: 'file', path: 'b.jsonl', require: true, ...more } },
  });

/** The ways in which what a limit needs can be missing. None of them passes. */
export const missingData: readonly Fault[] = [
  missing('users', 'no user arrives', {
    scenario: { config: { phases: [{ duration: 1, arrivalCount: 0 }] } },
  }),
  missing('pause', 'the load is a pause', { scenario: { config: { phases: [{ pause: 1 }] } } }),
  missing('flow', 'the flow is empty', { scenario: { scenarios: [{ engine: 'socketio', flow: [] }] } }),
  missing('think', 'users only think', {
    scenario: { scenarios: [{ engine: 'socketio', flow: [{ think: '50ms' }] }] },
  }),
  missing('acknowledge', 'nothing is acknowledged', {
    scenario: { scenarios: [{ engine: 'socketio', flow: [{ emit: { channel: 'chat', data: 1 } }] }] },
  }),
  missing('scenarios', 'there is no scenario', { scenario: { scenarios: [] } }, usage),
  missing('all-refused', 'every user is refused', { server: 'refuses-all' }),
  missing('all-401', 'every handshake is refused', { server: 'http-401' }),
  missing('all-lost', 'no message is answered', {
    server: 'answers-never',
    settings: { thresholds: ['chat.ack.p95 < 1s'] },
  }),
  missing('time', 'the time is over before the first answer', { settings: { maxMinutes: 0.005 } }),
  limit('metric', 'a latency of an event that is never sent', 'other.ack.p95 < 1s'),
  limit('delivery', 'a delivery that nobody watches', 'chat.delivery.p95 < 1s'),
  limit('response', 'a response that nobody waits for', 'chat.response.p95 < 1s'),
  limit('receipt', 'a receipt of another protocol', '*.receipt.p95 < 1s'),
  limit('wildcard', 'a pattern that nothing matches', '*.delivery.p95 < 1s'),
  limit('lost', 'lost messages where none is watched', 'lost = 0'),
  limit('lost-rate', 'the share of lost messages where none is watched', 'lost.rate < 1%'),
  limit('lost-alone', 'lost messages where nobody else is in the room', 'lost = 0', lonely),
  limit('lost-rate-alone', 'their share where nobody else is in the room', 'lost.rate < 1%', lonely),
  limit('duplicated-alone', 'duplicates where nobody else is in the room', 'duplicated = 0', lonely),
  limit('delivery-alone', 'a delivery where nobody else is in the room', 'chat.delivery.p95 < 1s', lonely),
  limit('samples', 'a percentile of too few values', 'chat.ack.p99 < 1s', {
    settings: { verdict: { minSamplesP99: 100_000 } },
  }),
  limit('heap', 'the heap of a server that tells none', 'server.heap.max < 1GB', {
    settings: { target: { nodePreload: false } },
  }),
  limit('eventloop', 'the event-loop delay of a server that tells none', 'server.eventLoopDelay.p99 < 1s', {
    settings: { target: { nodePreload: false } },
  }),
  limit('custom', 'a custom metric without a command', 'custom.b >= 0'),
  custom('name', 'a name that the command does not print', `echo '{"a":1}'`),
  custom('null', 'null', `echo '{"b":null}'`),
  custom('text', 'text', `echo '{"b":"1"}'`),
  custom('nan', 'a number that is none', `echo '{"b":NaN}'`),
  custom('infinite', 'a number that is too large', `echo '{"b":1e999}'`),
  custom('empty', 'nothing', 'true'),
  custom('no-json', 'no JSON', 'echo b=1'),
  custom('failed', 'the number, and then the command fails', `echo '{"b":1}'; exit 1`),
  custom('hangs', 'a command that hangs', 'sleep 300', { timeoutMs: 500 }),
  custom('daemon', 'a command that fails and leaves a daemon', `setsid sleep 300 > /dev/null 2>&1 & exit 3`),
  custom('huge', 'output without end', 'yes'),
  custom('inherited', 'a name that every object has', `echo '{"a":1}'`),
  limit('custom-method', 'a metric named like a method', 'custom.toString >= 0', {
    settings: { measure: { custom: { command: `echo '{"b":1}'` } } },
  }),
  limit('custom-url', 'a URL that redirects to itself', 'custom.b >= 0', {
    server: 'http-redirects',
    settings: { measure: { custom: { url: '/metrics' } } },
  }),
  limit('custom-silent', 'a URL that never answers', 'custom.b >= 0', {
    server: 'http-silent',
    settings: { measure: { custom: { url: '/metrics', timeoutMs: 500 } } },
  }),
  limit('custom-metrics', 'a URL that answers with something else', 'custom.b >= 0', {
    settings: { measure: { custom: { url: '/metrics' } } },
  }),
  stored('baseline', 'a required baseline that is not there', 'true'),
  stored('baseline-empty', 'a required baseline that is empty', 'touch b.jsonl'),
  stored('baseline-damaged', 'a required baseline of damaged records', 'echo x > b.jsonl'),
  stored('baseline-folder', 'a baseline that is a folder', 'mkdir b.jsonl', { require: false }),
  stored('baseline-device', 'a baseline that is a device', 'ln -s /dev/zero b.jsonl', { require: false }),
  missing('compare-empty', 'a report without suites', {
    args: ['compare', 'a.json', 'b.json'],
    files: { 'a.json': report('pass', []), 'b.json': report('pass', []) },
  }),
  compared('compare-no-report', 'a report that is none', '{}', '{}'),
  compared('compare-half', 'half a report', report('pass', []).slice(0, 30), report('pass', [])),
  compared('compare-invalid', 'a report that is invalid itself', report('invalid', []), report('pass', [])),
  missing('compare-absent', 'a report that is not there', { args: ['compare', 'a.json', 'b.json'] }, usage),
  missing(
    'report-file',
    'a report to render that is not there',
    { args: ['report', 'none.json'] },
    { verdicts: [null], exits: [2, 4] },
  ),
  missing('suite', 'a suite that is not there', { args: ['run', '--suite', 'none'] }, usage),
  missing('suite-comma', 'a list of suites that names none', { args: ['run', '--suite', ','] }, usage),
  missing(
    'scenario-file',
    'a scenario that is not there',
    { args: ['run', '--scenario', 'none.yml'] },
    usage,
  ),
  missing(
    'target',
    'no server to measure',
    { settings: { target: { start: '' } } },
    { verdicts: ['invalid', null], exits: [2, 4] },
  ),
];
