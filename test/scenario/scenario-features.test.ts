import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { meanMs, runLoad, startServer, useBundledWorker } from '../generator/load-fixture.ts';

const burst = (count: number, duration = 0.2): string =>
  `phases: [{ duration: ${duration}, arrivalCount: ${count} }]`;

describe("Artillery's scenario files work unchanged", { concurrency: 2 }, () => {
  useBundledWorker();

  test('variables, captures, loops, matches, environments and templates of the environment', async () => {
    await using server = await startServer();
    const scenario = `
config:
  target: "{{ $processEnvironment.NOWHERE }}"
  phases: [{ duration: 60, arrivalRate: 5 }]
  environments:
    short: { phases: [{ duration: 0.2, arrivalCount: 3, arrivalRate: 0 }] }
  variables:
    greeting: ["hi"]
    token: "{{ $processEnvironment.SECRET_TOKEN }}"
scenarios:
  - name: all
    flow:
      - get:
          url: "/first/{{ greeting }}/{{ $environment }}"
          headers: { authorization: "Bearer {{ token }}" }
          capture: { json: $.url, as: seen }
      - loop:
          - post: { url: "/loop/{{ $loopCount }}", json: { seen: "{{ seen }}", id: "{{ $uuid }}" } }
        count: 2
      - get: { url: "/match", match: { json: $.url, value: /match } }
`;
    const { measurement } = await runLoad({ 'scenario.yml': scenario }, server.url, {
      environment: 'short',
      session: { env: { ...process.env, SECRET_TOKEN: 'abc' } },
    });
    assert.equal(measurement.counters['users.completed'], 3);
    assert.deepEqual(measurement.errors, []);
    const first = server.requests.filter(({ url }) => url.startsWith('/first'));
    assert.deepEqual(
      first.map(({ url, headers }) => [url, headers.authorization]),
      Array.from({ length: 3 }, () => ['/first/hi/short', 'Bearer abc']),
    );
    const loops = server.requests.filter(({ url }) => url.startsWith('/loop'));
    assert.deepEqual(loops.map(({ url }) => url).sort(), [
      '/loop/0',
      '/loop/0',
      '/loop/0',
      '/loop/1',
      '/loop/1',
      '/loop/1',
    ]);
    assert.ok(loops.every(({ body }) => JSON.parse(body).seen === '/first/hi/short'));
    assert.equal(new Set(loops.map(({ body }) => JSON.parse(body).id)).size, 3);
    assert.equal(measurement.metrics['http.response']?.count, 12);
  });

  test('loops over lists and conditions, parallel steps, cookies, forms and HTML captures', async () => {
    await using server = await startServer();
    const scenario = `
config: { ${burst(1)}, processor: ./p.cjs, variables: { rooms: [[a, b]] } }
scenarios:
  - flow:
      - get: { url: /login }
      - get: { url: /page, capture: { selector: "#next", attr: href, as: next } }
      - get: { url: "{{ next }}" }
      - loop:
          - get: { url: "/over/{{ $loopElement }}" }
        over: rooms
      - loop:
          - get: { url: "/while/{{ turn }}" }
        whileTrue: again
      - parallel:
          - get: { url: /parallel/1 }
          - get: { url: /parallel/2 }
      - get: { url: /skipped, ifTrue: "turn > 100" }
      - post: { url: /form, form: { a: "{{ turn }}" }, qs: { q: "{{ turn }}" } }
`;
    const processor = `module.exports = { again(context, next) { context.vars.turn = (context.vars.turn ?? 0) + 1; return next(context.vars.turn < 3); } };`;
    const { measurement } = await runLoad({ 'scenario.yml': scenario, 'p.cjs': processor }, server.url);
    assert.deepEqual(measurement.errors, []);
    const urls = server.requests.map(({ url }) => url);
    assert.deepEqual(urls.slice(0, 8), [
      '/login',
      '/page',
      '/found',
      '/over/a',
      '/over/b',
      '/while/undefined',
      '/while/1',
      '/while/2',
    ]);
    assert.deepEqual(urls.slice(8).toSorted(), ['/form?q=3', '/parallel/1', '/parallel/2']);
    const form = server.requests.find(({ url }) => url.startsWith('/form'))!;
    assert.equal(form.body, 'a=3');
    assert.equal(form.headers.cookie, 'session=s1');
  });

  test('overrides and variables of the settings win', async () => {
    await using server = await startServer();
    const scenario = `
config:
  ${burst(50)}
  variables: { who: nobody }
scenarios: [{ flow: [{ get: { url: "/{{ who }}/{{ room.id }}" } }] }]
`;
    await runLoad({ 'scenario.yml': scenario }, server.url, {
      overrides: { phases: [{ duration: 0.1, arrivalCount: 2 }] },
      variables: { who: 'owner', room: { id: 7 } },
    });
    assert.deepEqual(
      server.requests.map(({ url }) => url),
      ['/owner/7', '/owner/7'],
    );
  });

  test('before and after run once, and before leaves its variables to every user', async () => {
    await using server = await startServer();
    const scenario = `
config: { ${burst(4)} }
before:
  flow:
    - think: 50ms
    - post: { url: /login, capture: { json: $.url, as: session } }
after:
  flow:
    - post: { url: "/logout?{{ session }}" }
scenarios: [{ flow: [{ get: { url: "/as?{{ session }}" } }] }]
`;
    const { measurement } = await runLoad({ 'scenario.yml': scenario }, server.url, {
      session: { workers: 2 },
    });
    const urls = server.requests.map(({ url }) => url);
    assert.deepEqual(urls.toSorted(), [
      '/as?/login',
      '/as?/login',
      '/as?/login',
      '/as?/login',
      '/login',
      '/logout?/login',
    ]);
    assert.equal(urls[0], '/login');
    assert.equal(urls.at(-1), '/logout?/login');
    assert.equal(measurement.metrics['http.response']?.count, 4, 'the hooks are not part of the load');
  });

  const processors: Record<string, string> = {
    'processor.cjs': `
module.exports = {
  prepare(context, events, done) { context.vars.path = 'callback'; return done(); },
  async later(context, events) { await new Promise((r) => setTimeout(r, 5)); context.vars.path += '-async'; events.emit('histogram', 'my.size', 12); },
  sign(request, context, events, done) { request.headers = { 'x-signed': 'yes' }; return done(); },
  async check(request, response, context, events) { events.emit('counter', 'my.checked', 2); events.emit('rate', 'my.rate'); if (response.statusCode !== 200) throw new Error('bad'); },
};`,
    'processor.mjs': `
const ready = await Promise.resolve('callback');
export const prepare = (context, events, done) => { context.vars.path = ready; return done(); };
export async function later(context, events) { context.vars.path += '-async'; events.emit('histogram', 'my.size', 12); }
export function sign(request, context, events, done) { request.headers = { 'x-signed': 'yes' }; return done(); }
export async function check(request, response, context, events) { events.emit('counter', 'my.checked', 2); events.emit('rate', 'my.rate'); }`,
    'processor.ts': `
import { join, type Part } from './helper';
import { basename } from 'node:path';
enum Kind { Callback = 'callback' }
type Context = { vars: Record<string, unknown> };
class Signer { constructor(private readonly value: Part) {} get header(): string { return this.value; } }
export function prepare(context: Context, events: unknown, done: () => void): void { context.vars.path = Kind.Callback; return done(); }
export async function later(context: Context, events: any): Promise<void> { context.vars.path = join(context.vars.path as string, 'async'); events.emit('histogram', 'my.size', 12); }
export function sign(request: any, context: Context, events: unknown, done: () => void): void { request.headers = { 'x-signed': new Signer(basename('/a/yes') as Part).header }; return done(); }
export async function check(request: unknown, response: any, context: Context, events: any): Promise<void> { events.emit('counter', 'my.checked', 2); events.emit('rate', 'my.rate'); }`,
  };
  for (const [file, text] of Object.entries(processors))
    test(`functions of ${file}: steps, hooks, async, and metrics of their own`, async () => {
      await using server = await startServer();
      const scenario = `
config: { ${burst(3)}, processor: ./${file} }
scenarios:
  - beforeScenario: prepare
    beforeRequest: sign
    afterResponse: check
    flow:
      - function: later
      - get: { url: "/{{ path }}" }
`;
      const helper = `export type Part = string;\nexport const join = (a: string, b: string): string => a + '-' + b;\n`;
      const { measurement } = await runLoad(
        { 'scenario.yml': scenario, [file]: text, 'helper.ts': helper },
        server.url,
      );
      assert.deepEqual(measurement.errors, []);
      assert.deepEqual(
        server.requests.map(({ url, headers }) => [url, headers['x-signed']]),
        Array.from({ length: 3 }, () => ['/callback-async', 'yes']),
      );
      assert.equal(measurement.metrics['my.size']?.count, 3);
      assert.equal(meanMs(measurement, 'my.size'), 12);
      assert.equal(measurement.counters['my.checked'], 6);
      assert.equal(measurement.counters['my.rate'], 3);
    });

  test('payload rows in sequence, over several processes, each exactly as often as it should be', async () => {
    await using server = await startServer();
    const scenario = `
config:
  ${burst(20)}
  payload:
    - { path: users.csv, fields: [name, secret], order: sequence, skipHeader: true }
    - { path: all.csv, fields: [word], loadAll: true, name: words }
scenarios: [{ flow: [{ get: { url: "/{{ name }}/{{ secret }}/{{ words[1].word }}" } }] }]
`;
    const rows = Array.from({ length: 20 }, (_, index) => `user${index},s${index}`);
    await runLoad(
      { 'scenario.yml': scenario, 'users.csv': `name,secret\n${rows.join('\n')}\n`, 'all.csv': 'a\nb\n' },
      server.url,
      { session: { workers: 2 } },
    );
    assert.deepEqual(
      server.requests.map(({ url }) => url).toSorted(),
      rows.map((row) => `/${row.replace(',', '/')}/b`).toSorted(),
    );
  });

  test('weights share the users out, the same way with the same seed, however many processes', async () => {
    const scenario = `
config: { ${burst(60, 0.5)}, variables: { colour: [red, green, blue] } }
scenarios:
  - { name: often, weight: 9, flow: [{ get: { url: "/often/{{ colour }}/{{ $randomNumber(1,1000) }}" } }] }
  - { name: rare, weight: 1, flow: [{ get: { url: "/rare/{{ $randomString(6) }}" } }] }
  - { name: never, weight: 0, flow: [{ get: { url: /never } }] }
`;
    const run = async (seed: number, workers: number): Promise<string[]> => {
      await using server = await startServer();
      await runLoad({ 'scenario.yml': scenario }, server.url, { engine: { seed }, session: { workers } });
      return server.requests.map(({ url }) => url).toSorted();
    };
    const first = await run(5, 1);
    assert.equal(first.length, 60);
    const often = first.filter((url) => url.startsWith('/often')).length;
    assert.ok(often >= 45 && often < 60, `${often} of 60`);
    assert.deepEqual(await run(5, 2), first);
    assert.notDeepEqual(await run(6, 1), first);
  });

  test('maxVusers skips arrivals and counts them, also below the number of processes', async () => {
    await using server = await startServer();
    const scenario = `
config: { phases: [{ duration: 1, arrivalCount: 10, maxVusers: 1 }] }
scenarios: [{ flow: [{ get: { url: /slow/350 } }] }]
`;
    const { measurement } = await runLoad({ 'scenario.yml': scenario }, server.url, {
      session: { workers: 3 },
    });
    const { 'users.created': created = 0, 'users.skipped': skipped = 0 } = measurement.counters;
    assert.equal(created + skipped, 10);
    assert.ok(created >= 2 && created <= 4, `${created} users`);
    assert.equal(measurement.counters['users.completed'], created);
  });

  test('the plugins expect, ensure, apdex and metrics-by-endpoint do their work', async () => {
    await using server = await startServer();
    const scenario = `
config:
  ${burst(5)}
  plugins:
    expect: { outputFormat: silent }
    metrics-by-endpoint: {}
    apdex: { threshold: 60000 }
    ensure:
      thresholds: [{ "http.response_time.p95": 10000 }, { "vusers.created": 2 }]
      conditions:
        - { expression: "http.codes.200 == 5 and vusers.failed == 0" }
        - { expression: "http.response.p99 < 0", strict: false }
        - { expression: "apdex > 0.5" }
scenarios:
  - flow:
      - get: { url: /a, expect: [{ statusCode: 200 }, { hasProperty: url }] }
      - get: { url: /status/503, expect: [{ statusCode: 200 }] }
`;
    const { measurement } = await runLoad({ 'scenario.yml': scenario }, server.url);
    assert.equal(measurement.counters['plugins.expect.ok'], 10);
    assert.equal(measurement.counters['plugins.expect.failed'], 5);
    assert.equal(measurement.counters['apdex.satisfied'], 10);
    assert.equal(measurement.counters['plugins.metrics-by-endpoint./a.codes.200'], 5);
    assert.equal(measurement.metrics['plugins.metrics-by-endpoint.response_time./status/503']?.count, 5);
    assert.equal(measurement.metrics['http.5xx.response']?.count, 5);
    assert.equal(measurement.counters['checks.failed'], 2);
    assert.ok(measurement.warnings.some((warning) => warning.includes('vusers.created < 2')));
    const checks = Object.fromEntries((measurement.checks ?? []).map((check) => [check.expression, check]));
    assert.equal(checks['http.response_time.p95 < 10000']?.ok, true);
    assert.equal(checks['vusers.created < 2']?.ok, false);
    assert.equal(checks['http.codes.200 == 5 and vusers.failed == 0']?.ok, true);
    assert.equal(checks['apdex > 0.5']?.ok, true);
    assert.deepEqual(checks['http.response.p99 < 0'], {
      plugin: 'ensure',
      expression: 'http.response.p99 < 0',
      strict: false,
      ok: false,
    });
    assert.ok((measurement.checks ?? []).some(({ plugin, ok }) => plugin === 'expect' && !ok));
  });

  test("a scenario's own engine and plugin, installed beside it", async () => {
    await using server = await startServer();
    const { mkdir, writeFile } = await import('node:fs/promises');
    const path = await import('node:path');
    const { folderWith, openSession } = await import('../generator/load-fixture.ts');
    await using folder = await folderWith({
      'scenario.yml': `
config:
  ${burst(3)}
  engines: { mine: {} }
  plugins: { counting: { by: 2 } }
scenarios: [{ engine: mine, flow: [{ knock: 3 }] }]
`,
    });
    const install = async (name: string, text: string): Promise<void> => {
      const place = path.join(folder.path, 'node_modules', name);
      await mkdir(place, { recursive: true });
      await writeFile(path.join(place, 'index.js'), text);
    };
    await install(
      'artillery-engine-mine',
      `module.exports = class { createScenario(spec, ee) { return (context, callback) => { ee.emit('started');
        for (let i = 0; i < spec.flow[0].knock; i++) ee.emit('counter', 'knocks', 1);
        ee.emit('histogram', 'knock.response', 5); setTimeout(() => callback(null, context), 5); }; } };`,
    );
    await install(
      'artillery-plugin-counting',
      `exports.Plugin = class { constructor(script, events) {
        if (process.env.LOCAL_WORKER_ID === undefined) events.on('done', (report) => { console.log('knocks seen: ' + report.counters.knocks * script.config.plugins.counting.by); if (report.counters.knocks === 9) global.artillery.suggestedExitCode = 3; }); } };`,
    );
    await using session = await openSession(folder.path, server.url);
    await session.resume();
    await session.finished;
    const measurement = await session.collect();
    assert.equal(measurement.counters.knocks, 9);
    assert.equal(measurement.metrics['knock.response']?.count, 3);
    assert.deepEqual(measurement.checks, [
      { plugin: 'processor', expression: 'exit code 3 was asked for', strict: true, ok: false },
    ]);
  });
});
