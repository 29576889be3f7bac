import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { BranchStore } from '../../../src/baseline/branch-store.ts';
import { GitDataBranch } from '../../../src/baseline/git-data-branch.ts';
import { commitUrl, type TrendData, trendData } from '../../../src/baseline/trend/trend-data.ts';
import { gitDataApi } from '../../../src/github/git-data-api.ts';
import type { RoundMeasurement } from '../../../src/metrics/round-measurement.ts';
import { startGithubDouble } from '../../github/double/github-double.ts';
import { clientOf, repositoryName } from '../../github/pull-request.ts';
import { browserMissing, startBrowser } from '../chromium.ts';
import { commitOf, recordOf, roundOf } from '../records.ts';

const runUrl = (number: number) => `https://github.com/acme/chat/actions/runs/${number}`;

/** With a server that grows by a megabyte with each run. */
const sampled = (round: RoundMeasurement, number: number): RoundMeasurement => ({
  ...round,
  counters: { ...round.counters, 'users.created': 10, 'messages.sent': 200 },
  resources: {
    samples: [],
    cpuSeconds: 0.2,
    maxCpuShare: 0.3,
    maxRssBytes: 8e7 + 1e6 * number,
    maxOpenFiles: 30,
    openFilesLimit: null,
    maxThreads: 8,
    maxHeapUsedBytes: null,
    maxLoopDelayMs: null,
    gcPauseMs: null,
  },
});

/** Thirty runs, 25% slower from the fifteenth on, which was accepted. */
const slowedRecords = () =>
  Array.from({ length: 30 }, (_, number) =>
    recordOf(number, {
      rounds: [sampled(roundOf((number < 15 ? 5 : 6.25) * (1 + 0.01 * Math.sin(number * 5))), number)],
      ...(number === 29 ? { recordedAt: '2026-01-01T03:00:00.000Z' } : {}),
      runUrl: runUrl(number),
      ...(number === 15
        ? {
            verdict: 'fail' as const,
            accepted: {
              by: 'kim',
              why: '<img src=x onerror=alert(1)> new codec',
              at: '2026-01-02T00:00:00Z',
            },
          }
        : {}),
    }),
  );

test('the data of the page: points, changes of level, links to commits', () => {
  const data = trendData('chat', slowedRecords());
  assert.equal(data.points.length, 30);
  assert.deepEqual(data.metrics, ['chat.ack']);
  const [p50, p95, p99] = data.points[0]!.values['chat.ack']!;
  assert.ok(p50 > 4.9 && p50 < 5.1 && p95 > p50 && p99 >= p95);
  assert.equal(data.points[29]!.numbers['server.rss'], 1.09e8);
  assert.equal(data.points[29]!.numbers['errors.rate'], 0);
  assert.ok(data.numbers.every(({ id }) => data.points.some(({ numbers }) => numbers[id] !== undefined)));
  assert.equal(data.points[3]!.commitUrl, `https://github.com/acme/chat/commit/${commitOf(3)}`);
  assert.deepEqual(
    data.changes.map(({ metric, statistic, point }) => [metric, statistic, point]),
    [
      ['chat.ack', 'p50', 15],
      ['chat.ack', 'p95', 15],
      ['chat.ack', 'p99', 15],
    ],
  );
  for (const change of data.changes) assert.ok(Math.abs(change.relative - 0.25) < 0.02);
});

/** Five searches, between those of the runs; the last found no end. */
const searches = () =>
  [80, 80, 84, 60, 60].map((holds, index) =>
    recordOf(index * 6, {
      suite: 'chat (capacity)',
      capacity: {
        holds,
        breaks: index === 4 ? null : holds * 1.05,
        confirmed: true,
        messagesPerSecond: holds * 3,
      },
    }),
  );

test('a capacity is a number with its uncertainty', () => {
  const data = trendData('chat (capacity)', searches());
  assert.deepEqual(
    data.numbers.slice(0, 2).map(({ id }) => id),
    ['capacity.users', 'capacity.messages'],
  );
  assert.deepEqual(data.points[0]!.numbers['capacity.users'], 80);
  assert.deepEqual(data.points[0]!.ranges, { 'capacity.users': [80, 84], 'capacity.messages': [240, 252] });
  assert.deepEqual(data.points[4]!.ranges?.['capacity.users'], [60, null]);
});

test('runs of another machine or scenario are no change of level', () => {
  const slower = slowedRecords().map((record, number) => {
    const { fingerprint } = record;
    if (number < 15) return record;
    return {
      ...record,
      fingerprint: { ...fingerprint, environment: { ...fingerprint.environment, cores: 4 } },
    };
  });
  const data = trendData('chat', slower);
  assert.deepEqual(data.changes, []);
  assert.deepEqual([...new Set(data.points.map((point) => point.kind))], [0, 1]);
});

test('the address of a commit comes from that of a run, or not at all', () => {
  const sha = commitOf(5);
  assert.equal(commitUrl(runUrl(1), sha), `https://github.com/acme/chat/commit/${sha}`);
  assert.equal(
    commitUrl('https://git.example/group/sub/chat/-/jobs/9', sha),
    `https://git.example/group/sub/chat/-/commit/${sha}`,
  );
  assert.equal(commitUrl('javascript:alert(1)//actions/runs/1', sha), null);
  assert.equal(commitUrl('https://ci.example/build/9', sha), null);
  assert.equal(commitUrl(runUrl(1), '../../evil'), null);
  assert.equal(commitUrl(null, sha), null);
});

test('the branch carries a page that a browser draws', { skip: browserMissing }, async () => {
  await using double = await startGithubDouble();
  const repository = double.repository();
  repository.commit('main', { 'README.md': 'Chat\n' });
  const branch = new GitDataBranch(gitDataApi(clientOf(double), repositoryName), 'tailgate');
  const store = new BranchStore(branch, { retention: { keep: 200, keepDays: 36_500 } });
  await store.append([recordOf(1, { suite: 'Zimmer <b>1</b>' })]);
  await store.append(slowedRecords());
  await store.append(searches());
  const files = repository.files('tailgate')!;
  assert.ok(files.has('.nojekyll') && files.has('README.md'));
  const data = JSON.parse(files.get('data/chat.json')!) as TrendData;
  assert.equal(data.points.length, 30);

  const types: Record<string, string> = {
    html: 'text/html',
    js: 'text/javascript',
    json: 'application/json',
  };
  const server = createServer((request, response) => {
    const path = decodeURI((request.url ?? '/').slice(1)) || 'index.html';
    const text = files.get(path);
    const type = types[path.split('.').at(-1)!] ?? 'text/plain';
    response
      .writeHead(text === undefined ? 404 : 200, { 'content-type': `${type}; charset=utf-8` })
      .end(text);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    await using browser = await startBrowser();
    const { page } = browser;
    const problems: string[] = [];
    const asked: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().includes('favicon')) problems.push(message.text());
    });
    page.on('request', (request) => asked.push(request.url()));
    page.on('dialog', (dialog) => {
      problems.push('a dialog');
      dialog.dismiss().catch(() => {});
    });
    await page.goto(address);
    await page.locator('#suite').waitFor();
    await page.locator('#suite').selectOption('chat');
    await page.locator('#chart svg circle.p95').nth(29).waitFor();
    assert.equal(await page.locator('#chart svg circle').count(), 90);
    assert.equal(await page.locator('#chart svg a').count(), 90);
    assert.equal(
      await page.locator('#chart svg a').first().getAttribute('href'),
      `https://github.com/acme/chat/commit/${commitOf(0)}`,
    );
    assert.match((await page.locator('#chart svg text.change').first().textContent())!, /^\+2[45]%$/);
    assert.equal(await page.locator('#runs tbody tr').count(), 30);
    assert.match((await page.locator('#runs tbody').textContent())!, /accepted by kim: <img src=x/);
    assert.equal(await page.locator('#runs img').count(), 0);
    const box = (await page.locator('#chart svg').boundingBox())!;
    assert.ok(box.width > 400 && box.height > 100);
    assert.match((await page.locator('#numbers').textContent())!, /Errors per attempt.*Memory \(RSS\), peak/);
    // The capacity is drawn beside the runs of the suite, each with what it lies between.
    const capacity = page.locator('#numbers figure').first();
    assert.match((await capacity.textContent())!, /^Capacity: users a second from where the limits held/);
    assert.equal(await capacity.locator('circle').count(), 5);
    assert.equal(await capacity.locator('line.range').count(), 9);
    assert.match((await capacity.locator('circle title').first().textContent())!, /^80\/s to 84\/s, /);
    // Runs stand where they were in time: three hours without one are a gap.
    const places = await page
      .locator('#chart circle.p95')
      .evaluateAll((circles) => circles.map((circle) => Number(circle.getAttribute('cx'))));
    assert.ok(places[29]! - places[28]! > 20 * (places[28]! - places[27]!));
    await page.mouse.move(box.x + 70, box.y + 150);
    await page.mouse.down();
    await page.mouse.move(box.x + 200, box.y + 150);
    await page.mouse.up();
    assert.ok((await page.locator('#chart circle.p95').count()) < 30);
    await page.locator('#all').click();
    assert.equal(await page.locator('#chart circle.p95').count(), 30);
    const downloading = page.waitForEvent('download');
    await page.locator('#csv').click();
    const lines = readFileSync(await (await downloading).path(), 'utf8').split('\r\n');
    assert.match(lines[0]!, /^at,commit,verdict,kind,chat\.ack\.p50 \(ms\).*errors\.rate/);
    assert.equal(lines.length, 31);
    await page.locator('#suite').selectOption('chat (capacity)');
    await page.locator('#chart svg circle.p95').nth(4).waitFor();
    const downloadingSearches = page.waitForEvent('download');
    await page.locator('#csv').click();
    const table = readFileSync(await (await downloadingSearches).path(), 'utf8').split('\r\n');
    assert.match(table[0]!, /capacity\.users,capacity\.messages,.*capacity\.users at most/);
    await page.locator('#suite').selectOption('chat');
    await page.locator('#chart svg circle.p95').nth(29).waitFor();
    await page.setViewportSize({ width: 400, height: 800 });
    // The page hears of its size, and draws the chart again, a moment later.
    await page.locator('#chart svg[viewBox="0 0 368 320"]').waitFor();
    assert.equal(await page.evaluate('document.documentElement.scrollWidth > innerWidth'), false);
    assert.equal(
      await page.locator('#chart svg').evaluate((one) => one.getAttribute('viewBox')),
      '0 0 368 320',
    );
    await page.locator('#suite').selectOption('Zimmer <b>1</b>');
    await page.locator('#chart svg circle.p95').first().waitFor();
    assert.equal(await page.locator('#chart svg circle').count(), 3);
    assert.match(page.url(), /#suite=Zimmer/);
    const foreign = asked.filter((url) => !url.startsWith(address));
    assert.deepEqual(foreign, [], 'nothing is loaded from elsewhere');
    assert.deepEqual(
      problems.filter((problem) => !/404/.test(problem)),
      [],
    );
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
