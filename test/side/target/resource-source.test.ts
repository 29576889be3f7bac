import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { collectDefaultMetrics, Registry } from 'prometheus-client';
import type { TailgateError } from '../../../src/errors.ts';
import { fieldSelectors, parseSelector, pickFields } from '../../../src/metrics/server-reading.ts';
import { targetSchema } from '../../../src/settings/settings-schema.ts';
import { parseAgentLine, parseReading } from '../../../src/side/target/parse-reading.ts';
import { openResourceSource, type ResourceSource } from '../../../src/side/target/resource-source.ts';
import { sampleSource } from '../../../src/side/target/sample-source.ts';
import { cleanEnvironment, processesWith } from './fixtures/target-fixture.ts';

const fields = (text: string, chosen: Parameters<typeof fieldSelectors>[0] = {}) =>
  pickFields(parseReading(text), fieldSelectors(chosen));

test('the text of Prometheus and OpenMetrics, with the names of usual clients', () => {
  const node = `# HELP process_cpu_seconds_total Total user and system CPU time spent in seconds.
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total{app="chat \\"1\\", a}"} 12.5 1700000000000
process_cpu_user_seconds_total 10
process_cpu_system_seconds_total 2.5 # {trace="x"} 1
process_resident_memory_bytes 5.9e+07
process_open_fds 22
process_max_fds 20000
nodejs_eventloop_lag_p99_seconds 0.012
nodejs_eventloop_lag_max_seconds Nan
nodejs_heap_size_used_bytes 6307256
nodejs_gc_duration_seconds_sum{kind="major"} 0.2
nodejs_gc_duration_seconds_sum{kind="minor"} 0.1
nodejs_gc_duration_seconds_bucket{le="+Inf",kind="minor"} 4
# EOF
`;
  const { gcMs, ...others } = fields(node);
  assert.ok(Math.abs(gcMs! - 300) < 1e-9, `${gcMs}`);
  assert.deepEqual(others, {
    cpuSeconds: 12.5,
    userCpuSeconds: 10,
    systemCpuSeconds: 2.5,
    rss: 5.9e7,
    fds: 22,
    fdsLimit: 20_000,
    heap: 6_307_256,
    loopDelayMs: 12,
  });
  const java = `process_cpu_time_ns_total 1.5E9
process_files_open_files 90
jvm_threads_live_threads 31
jvm_memory_used_bytes{area="heap",id="G1 Eden Space"} 100
jvm_memory_used_bytes{area="heap",id="G1 Old Gen"} 50
jvm_memory_used_bytes{area="nonheap",id="Metaspace"} 7
jvm_gc_pause_seconds_sum{action="end"} 0.25`;
  assert.deepEqual(fields(java), { cpuSeconds: 1.5, fds: 90, threads: 31, heap: 150, gcMs: 250 });
  const two = 'process_open_fds{pod="a"} 5\nprocess_open_fds{pod="b"} 9\nmem_kilobytes{pod="b"} 3';
  assert.deepEqual(fields(two, { rss: 'mem_kilobytes' }), { fds: 9, rss: 3_000 });
  assert.deepEqual(fields(two, { fds: 'process_open_fds{pod="a"}' }), { fds: 5 });
  assert.equal(parseSelector('process_open_fds{pod=a}'), null);
  assert.equal(parseSelector('sum(process_open_fds)'), null);
});

test('lines of agents, and the tables of kubectl and docker', () => {
  const agent = (line: string) => pickFields(parseAgentLine(line), fieldSelectors({}));
  assert.deepEqual(agent('cpuSeconds 3.5 rss 1000 fds 12'), { cpuSeconds: 3.5, rss: 1000, fds: 12 });
  assert.deepEqual(agent('{"cpu": 0.5, "loopDelayMs": 3, "host": "a", "heap": null}'), {
    cpu: 0.5,
    loopDelayMs: 3,
  });
  assert.deepEqual(fields('{"proc": {"rss": 7}}', { rss: 'proc.rss' }), { rss: 7 });
  const top =
    'NAME     CPU(cores)   MEMORY(bytes)   \nchat-0   250m         120Mi           \nchat-1   1250m        80Mi            \n';
  const both = { cpu: 1.5, rss: 200 * 2 ** 20 };
  assert.deepEqual(fields(top), both);
  assert.deepEqual(fields(top.split('\n').slice(1).join('\n')), both);
  assert.deepEqual(fields(top.replace('NAME  ', 'POD NAME').replaceAll('chat-', 'pod-0 chat-')), both);
  assert.deepEqual(fields('node-1   250m   12%   1Gi   30%'), { cpu: 0.25, rss: 2 ** 30 });
  const stats = `CONTAINER ID   NAME   CPU %     MEM USAGE / LIMIT   MEM %   NET I/O         BLOCK I/O   PIDS
5a31c54d9dd6   chat   12.50%    56.5MiB / 1GiB      5.5%    1.2kB / 800B    0B / 0B     11`;
  const container = { cpu: 0.125, rss: 56.5 * 2 ** 20 };
  assert.deepEqual(fields(stats), container);
  assert.deepEqual(fields(`\u001b[2J\u001b[H${stats}`), container);
  assert.deepEqual(fields('12.50%,56.5MiB / 1GiB'), container);
  const json = '{"CPUPerc":"6.25%","MemUsage":"28.25MiB / 1GiB","Name":"a","PIDs":"11"}';
  assert.deepEqual(fields(`${json}\n${json.replace('"a"', '"b"')}\n`), container);
});

test('what is none of them is told with the line', () => {
  for (const [text, reason] of [
    ['', /it gave nothing/],
    ['<!doctype html><title>Log in</title>', /not in the format of Prometheus.*: "<!doctype html>/],
    ['rss = 12', /not in the format/],
    ['process_open_fds many', /process_open_fds many/],
    ['{"rss": "12 MB"}', /"rss" is "12 MB", which is no number/],
    ['{"rss": 12', /it is no JSON/],
    ['NAME CPU(cores) MEMORY(bytes)', /no rows/],
    ['NAME CPU(cores) MEMORY(bytes)\nchat-0 <unknown> 5Mi', /no CPU and memory: "chat-0 <unknown>/],
    ['{"CPUPerc":"--","MemUsage":"-- / --"}', /no container that runs/],
  ] as const)
    assert.throws(() => parseReading(text), reason);
});

const serve = async (t: TestContext, listener: RequestListener) => {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  t.after(close);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
};

const open = (
  settings: Record<string, unknown>,
  more: { url?: string; secrets?: string[]; env?: Record<string, string> } = {},
): Promise<ResourceSource> =>
  openResourceSource(
    targetSchema.parse({ resources: { intervalMs: 100, timeoutMs: 1_000, ...settings } }).resources!,
    {
      url: more.url ?? 'http://127.0.0.1:3999',
      side: 'head',
      cwd: '/',
      env: { ...cleanEnvironment(), ...more.env },
      serverEnv: {},
      secrets: more.secrets ?? [],
    },
  );

test('an exporter is sampled while it works, with a secret in its header', async (t) => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const token = 'Bearer metrics-0123456789';
  const { url } = await serve(t, async (request, response) => {
    if (request.headers.authorization !== token) response.writeHead(401).end(`no: ${token}`);
    else response.end(await registry.metrics());
  });
  await using source = await open(
    { url: '/metrics', headers: { authorization: { env: 'METRICS_AUTH' } } },
    { url, env: { METRICS_AUTH: token } },
  );
  const sampler = await sampleSource(source);
  const busyUntil = performance.now() + 600;
  while (performance.now() < busyUntil) {
    JSON.stringify(Array.from({ length: 1_000 }));
    await delay(1);
  }
  const usage = await sampler.stop();
  assert.equal(sampler.missing(), null);
  assert.ok(usage !== null && usage.samples.length >= 3, `${usage?.samples.length} samples`);
  assert.ok(usage.cpuSeconds! > 0.02 && usage.maxCpuShare! > 0.02, JSON.stringify(usage));
  assert.ok(usage.maxRssBytes! > 2e7 && usage.maxOpenFiles! > 5 && usage.maxHeapUsedBytes! > 1e6);
  assert.ok(usage.work!.userCpuSeconds! > 0 && usage.maxLoopDelayMs !== null);
  assert.equal(usage.maxThreads, null);
  await assert.rejects(open({ url: '/metrics' }, { url, secrets: [token] }), (failure: TailgateError) => {
    assert.equal(failure.code, 'RESOURCES_FAILED');
    assert.match(
      failure.what,
      /^The resources of the server could not be read from "http:.*\/metrics": it answered with HTTP 401 no: \*\*\*/,
    );
    return true;
  });
});

test('a command for each sample, and an agent that goes on, which is ended with all that it started', async (t) => {
  await using top = await open({ command: 'printf "chat-0 500m 10Mi\\n"' });
  const sampler = await sampleSource(top);
  await delay(350);
  const usage = await sampler.stop();
  assert.ok(Math.abs(usage!.maxCpuShare! - 0.5) < 0.01, `${usage?.maxCpuShare}`);
  assert.ok(usage!.cpuSeconds! > 0.15 && usage!.cpuSeconds! < 2, `${usage?.cpuSeconds}`);
  assert.equal(usage?.maxRssBytes, 10 * 2 ** 20);
  assert.equal(usage?.maxOpenFiles, null);

  const marker = `agent-${process.pid}-${t.name.length}`;
  {
    await using agent = await open({
      agent: `: ${marker}; i=0; while :; do i=$((i+1)); echo "cpuSeconds $i rss_$TAILGATE_SIDE 100"; sleep 0.05; done`,
      metrics: { rss: 'rss_head' },
    });
    const agentSampler = await sampleSource(agent);
    await delay(300);
    const told = await agentSampler.stop();
    assert.ok(told!.cpuSeconds! >= 3 && told!.maxRssBytes === 100, JSON.stringify(told));
    assert.ok(processesWith(marker).length > 0);
  }
  assert.deepEqual(processesWith(marker), []);
});

test('a source that does not work is told before the load', async (t) => {
  const { url, close } = await serve(t, (request, response) =>
    response.end(request.url === '/hang' ? undefined : 'up 1\n'),
  );
  for (const [settings, reason] of [
    [{ url: '/' }, /names no resource that is known.*it names "up"/],
    [{ url: '/', metrics: { rss: 'memory{pod="a"}' } }, /does not name "memory\{pod="a"\}"/],
    [{ command: 'echo gone >&2; exit 3' }, /it ended with exit code 3: gone/],
    [{ command: 'sleep 5', timeoutMs: 200 }, /no end after 200 ms/],
    [{ agent: 'exit 4' }, /it ended with exit code 4/],
    [{ agent: 'sleep 5', timeoutMs: 200 }, /no line within 200 ms/],
  ] as const)
    await assert.rejects(open(settings, { url }), reason);
  close();
  await assert.rejects(open({ url: '/' }, { url }), /ECONNREFUSED/);
});

test('what is told in part is not known, and why', async (t) => {
  let text = 'process_cpu_seconds_total 5\nprocess_start_time_seconds 100\n';
  const { url, close } = await serve(t, (_request, response) => response.end(text));
  const sampledAfter = async (change: () => void): Promise<string | null> => {
    text = 'process_cpu_seconds_total 5\nprocess_start_time_seconds 100\n';
    await using source = await open({ url: '/', timeoutMs: 200 }, { url });
    const sampler = await sampleSource(source);
    change();
    await delay(250);
    assert.equal(await sampler.stop(), null);
    return sampler.missing();
  };
  assert.match(
    (await sampledAfter(() => (text = text.replace('total 5', 'total 4')))) ?? '',
    /counters that went back: the server was restarted/,
  );
  assert.match(
    (await sampledAfter(() => (text = text.replace('100', '200')))) ?? '',
    /restarted, or several answer there/,
  );
  assert.match(
    (await sampledAfter(() => (text = 'up 1\n'))) ?? '',
    /stopped answering after 0 s \(it does not name "cpuSeconds" any more\)/,
  );
  assert.match(
    (await sampledAfter(close)) ?? '',
    /^The resources of the server are not known, because "http:\S+" stopped answering after 0 s \(.*ECONNREFUSED.*\)\.$/,
  );
});
