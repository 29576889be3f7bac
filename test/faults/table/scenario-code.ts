import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { any, type Fault, type Given, invalid, noPass, pass, usage } from '../fault.ts';

const flow = [
  { function: 'f' },
  { loop: [{ emit: { channel: 'chat', data: { a: 1 } }, acknowledge: {} }, { think: '40ms' }], count: 4 },
];

const code = (
  id: string,
  what: string,
  source: string,
  expected: Pick<Fault, 'verdicts' | 'exits'>,
  { given, ...more }: Partial<Fault> & { given?: Given } = {},
): Fault => ({
  id: `code-${id}`,
  what,
  ...expected,
  ...more,
  given: {
    scenario: { config: { processor: './p.js' }, scenarios: [{ engine: 'socketio', flow }] },
    files: { 'p.js': source },
    ...given,
  },
});
const f = (body: string): string => `module.exports.f = (context, events, done) => { ${body} };`;

const csv = (id: string, what: string, text: string, expected: Pick<Fault, 'verdicts' | 'exits'>): Fault => ({
  id: `csv-${id}`,
  what,
  ...expected,
  given: {
    scenario: { config: { payload: { path: 'u.csv', fields: ['a', 'b'] } } },
    files: { 'u.csv': text },
  },
});

/** Sends `signal` to the generators of a run, `ms` after it began. */
const toGenerators =
  (ms: number, signal: NodeJS.Signals): Given['during'] =>
  async (child: ChildProcess) => {
    await delay(ms);
    const mark = readFileSync(`/proc/${child.pid}/environ`, 'utf8')
      .split('\0')
      .find((entry) => entry.startsWith('FAULT='));
    for (const name of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
      try {
        const isGenerator = readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('load-worker.js');
        const environment = readFileSync(`/proc/${name}/environ`, 'utf8').split('\0');
        if (isGenerator && mark !== undefined && environment.includes(mark))
          process.kill(Number(name), signal);
      } catch {
        // It ended meanwhile.
      }
    }
  };
const blocks = `const since = Date.now(); ${f('if (Date.now() - since > 600) for (;;); done();')}`;

/** Code of the scenario that hangs, ends its process, lies or leaves something behind. */
export const scenarioCode: readonly Fault[] = [
  code('loops', 'loops for ever', f('for (;;);'), invalid, { says: /blocks it|did not answer|maxMinutes/ }),
  code('loops-later', 'loops for ever in the middle of the load', blocks, invalid, {
    says: /blocks it|did not answer|maxMinutes/,
  }),
  code(
    'loops-at-load',
    'loops for ever while it is loaded',
    'for (;;);',
    { verdicts: ['invalid', null], exits: [2, 4] },
    {
      given: {
        settings: { maxMinutes: 0.1 },
        timeoutMs: 90_000,
        scenario: { config: { processor: './p.js' }, scenarios: [{ engine: 'socketio', flow }] },
        files: { 'p.js': 'for (;;);' },
      },
    },
  ),
  code(
    'pattern',
    'matches a pathological pattern',
    f("/^(a+)+$/.test('a'.repeat(60) + 'b'); done();"),
    invalid,
  ),
  code('never-calls-back', 'never calls back', f(''), noPass, { says: /maxMinutes/ }),
  code('never-resolves', 'never resolves', 'module.exports.f = async () => new Promise(() => {});', noPass),
  code('calls-back-twice', 'calls back three times', f('done(); done(); setTimeout(done, 50);'), any),
  code('calls-back-error', 'calls back with an error', f("done(new Error('boom'));"), noPass, {
    says: /boom/,
  }),
  code('throws', 'throws', f("throw new Error('boom ::error::x');"), noPass, { says: /boom/ }),
  code('throws-nothing', 'throws undefined', f('throw undefined;'), noPass),
  code(
    'throws-later',
    'throws in a timer',
    f("setTimeout(() => { throw new Error('late'); }, 20); done();"),
    noPass,
  ),
  code('rejects', 'leaves a promise rejected', f("Promise.reject(new Error('lost')); done();"), noPass, {
    quick: true,
  }),
  code('exits', 'ends its process', f('process.exit(0);'), invalid, { says: /ended with code 0/ }),
  code('exits-failing', 'ends its process with code 1', f('process.exit(1);'), invalid),
  code('kills-itself', 'kills its process', f("process.kill(process.pid, 'SIGKILL');"), invalid, {
    says: /SIGKILL/,
  }),
  code('aborts', 'aborts its process', f('process.abort();'), invalid),
  code(
    'takes-memory',
    'takes memory until it dies',
    f('const kept = []; for (;;) kept.push(Array.from({ length: 1e6 }, (_, i) => ({ i })));'),
    invalid,
    {
      given: {
        scenario: { config: { processor: './p.js' }, scenarios: [{ engine: 'socketio', flow }] },
        files: {
          'p.js': f('const kept = []; for (;;) kept.push(Array.from({ length: 1e6 }, (_, i) => ({ i })));'),
        },
        env: { NODE_OPTIONS: '--max-old-space-size=250' },
      },
    },
  ),
  code('disconnects', 'lets go of its parent', f('process.disconnect?.(); done();'), pass),
  code('sends-null', 'sends null to its parent', f('process.send?.(null); done();'), pass, { quick: true }),
  code('sends-ready', 'tells its parent that it is ready', f("process.send?.('ready'); done();"), pass),
  code(
    'forges-failure',
    'sends messages of the protocol',
    f(
      "for (const type of ['failed', 'finished', 'reply', 'checkpoint']) process.send?.({ type, id: 1, error: {} }); done();",
    ),
    pass,
  ),
  code(
    'forges-results',
    'sends results of its own for a server that never answers',
    f(
      "for (let id = 1; id < 20; id += 1) process.send?.({ type: 'reply', id, value: { metrics: {}, counters: {} } }); done();",
    ),
    noPass,
    {
      given: {
        server: 'answers-never',
        scenario: { config: { processor: './p.js' }, scenarios: [{ engine: 'socketio', flow }] },
        files: {
          'p.js': f(
            "for (let id = 1; id < 20; id += 1) process.send?.({ type: 'reply', id, value: { metrics: {}, counters: {} } }); done();",
          ),
        },
      },
    },
  ),
  code(
    'drops-listeners',
    'removes all listeners of its process',
    f("process.removeAllListeners('message'); process.removeAllListeners('disconnect'); done();"),
    noPass,
  ),
  code('stops-timers', 'replaces setTimeout', f('globalThis.setTimeout = () => 0; done();'), any, {
    given: {
      settings: { maxMinutes: 0.2 },
      scenario: { config: { processor: './p.js' }, scenarios: [{ engine: 'socketio', flow }] },
      files: { 'p.js': f('globalThis.setTimeout = () => 0; done();') },
    },
  }),
  code(
    'child',
    'leaves a child process',
    `require('child_process').spawn('sleep', ['300'], { stdio: 'ignore' }).unref(); ${f('done();')}`,
    pass,
  ),
  code(
    'daemon',
    'leaves a daemon',
    `require('child_process').spawn('setsid', ['sleep', '300'], { detached: true, stdio: 'ignore' }).unref(); ${f('done();')}`,
    pass,
    { quick: true },
  ),
  code(
    'daemon-clean',
    'leaves a daemon with an emptied environment',
    `require('child_process').spawn('setsid', ['env', '-i', 'sleep', '300'], { detached: true, stdio: 'ignore' }).unref(); ${f('done();')}`,
    pass,
  ),
  code('missing', 'is a file that is not there', '', usage, {
    given: { scenario: { config: { processor: './none.js' } } },
  }),
  code(
    'syntax',
    'cannot be parsed',
    'module.exports = {',
    { verdicts: ['invalid', null], exits: [2, 4] },
    { says: /p\.js/ },
  ),
  code('no-function', 'lacks the function that is called', 'module.exports = {};', {
    verdicts: ['invalid', 'fail', null],
    exits: [1, 2, 4],
  }),
  code(
    'prints-commands',
    'prints runner commands',
    `console.log('::set-output name=verdict::pass'); ${f('done();')}`,
    pass,
  ),
  {
    id: 'generator-killed',
    what: 'the generator is killed in the middle',
    ...invalid,
    says: /SIGKILL/,
    given: {
      scenario: { config: { phases: [{ duration: 5, arrivalRate: 5 }] } },
      during: toGenerators(3_500, 'SIGKILL'),
    },
  },
  {
    id: 'generator-ended',
    what: 'the generator is told to end in the middle',
    ...invalid,
    given: {
      scenario: { config: { phases: [{ duration: 5, arrivalRate: 5 }] } },
      during: toGenerators(3_500, 'SIGTERM'),
    },
  },
  {
    id: 'generator-stopped',
    what: 'the generator is stopped in the middle',
    ...invalid,
    says: /blocks it|did not answer|maxMinutes/,
    given: {
      scenario: { config: { phases: [{ duration: 5, arrivalRate: 5 }] } },
      during: toGenerators(3_500, 'SIGSTOP'),
    },
  },
  {
    id: 'generator-killed-early',
    what: 'the generator is killed while it loads',
    ...any,
    given: { during: toGenerators(120, 'SIGKILL') },
  },
  csv('missing', 'a payload file with fewer columns than fields', 'x\n', {
    verdicts: ['invalid', null],
    exits: [2, 4],
  }),
  csv('empty', 'an empty payload file', '', { verdicts: ['invalid', null], exits: [2, 4] }),
  csv('malformed', 'a payload file that is no CSV', 'a,"b\nc"d,e"\n', {
    verdicts: ['invalid', null],
    exits: [2, 4],
  }),
  csv('binary', 'a payload file of bytes', '\u0000\u0001,\u0002\n', any),
  csv(
    'large',
    'a payload file of 20,000 rows',
    Array.from({ length: 20_000 }, (_, i) => `u${i},${'x'.repeat(50)}`).join('\n'),
    pass,
  ),
];
