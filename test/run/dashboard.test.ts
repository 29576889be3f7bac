import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { buildPageScript } from '../../scripts/build.ts';
import { createLiveLine, createTerminalHost } from '../../src/host/terminal-host.ts';
import { showLine, startDashboard } from '../../src/run/dashboard.ts';
import { browserMissing, startBrowser } from '../baseline/chromium.ts';
import { checkout } from '../e2e/fixture.ts';
import { root } from '../e2e/runner.ts';
import { judgedReports } from '../report/judged-report.ts';

const get = (url: string, host?: string) =>
  new Promise<{ status: number; body: string }>((resolve, reject) => {
    request(url, { agent: false, ...(host === undefined ? {} : { headers: { host } }) }, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    })
      .on('error', reject)
      .end();
  });

test('the page is served on loopback while it is measured, and ends with the final report', async () => {
  await using dashboard = await startDashboard(0, (text) => text.replaceAll('chat-room', '***'));
  dashboard.progress('chat · pair 1 of 6 to 20');
  const first = await get(dashboard.url);
  assert.match(first.body, /data-live data-version="0"/);
  assert.match(first.body, /pair 1 of 6 to 20/);
  dashboard.show(judgedReports.inconclusive!());
  const next = await get(dashboard.url);
  assert.match(next.body, /data-live data-version="1"/);
  assert.match(next.body, /Undecided: /);
  assert.doesNotMatch(next.body, /chat-room/, 'secrets are removed');
  // A name of somebody else that was made to lead here.
  assert.equal((await get(dashboard.url, 'evil.example')).status, 403);
  assert.equal((await get(`${dashboard.url}other`)).status, 404);
  dashboard.show(judgedReports.fail!(), true);
  const last = await get(dashboard.url);
  assert.doesNotMatch(last.body, /data-live/);
  assert.match(last.body, /got 19% slower/);
  const port = Number(new URL(dashboard.url).port);
  await assert.rejects(startDashboard(port, String), /--dashboard cannot be served at port/);
});

test('a line of progress is on the page and in the log, and one that says nothing yet on the page alone', async () => {
  const written: string[] = [];
  const stream = { isTTY: false, columns: 40, write: (text: string) => written.push(text) };
  const stderr = stream as unknown as NodeJS.WriteStream;
  const live = createLiveLine(stderr);
  const { signal } = new AbortController();
  const host = createTerminalHost({ env: {}, cwd: '/project', signal, stderr, stdout: stderr, live });
  const render = (line: string) => (columns: number) => line.slice(0, columns);
  await using watcher = await startDashboard(0, String);
  showLine({ host, watcher }, render('chat · starting the server'), false);
  assert.match((await get(watcher.url)).body, /chat · starting the server/);
  assert.deepEqual(written, []);
  const long = `chat · counting the work of both versions${' and more'.repeat(10)}`;
  showLine({ host, watcher }, render(long));
  assert.ok((await get(watcher.url)).body.includes(long), 'a page has room for the whole line');
  assert.deepEqual(written, [`${long.slice(0, host.columns)}\n`]);
  showLine({ host }, render('nobody looks on'));
});

test('once it is over the port is free', async () => {
  const dashboard = await startDashboard(0, String);
  await get(dashboard.url);
  await dashboard[Symbol.asyncDispose]();
  await assert.rejects(get(dashboard.url), /ECONNREFUSED/);
});

test('an open page follows the run, and ends with it', { skip: browserMissing }, async () => {
  const text = (await buildPageScript('report-page')).trim();
  const hash = `sha256-${createHash('sha256').update(text).digest('base64')}`;
  await using browser = await startBrowser();
  const { page } = browser;
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('404')) problems.push(message.text());
  });
  {
    await using dashboard = await startDashboard(0, String, { text, hash });
    dashboard.progress('chat · pair 1');
    await page.goto(dashboard.url);
    assert.match((await page.locator('#live').textContent())!, /pair 1/);
    dashboard.show(judgedReports.inconclusive!());
    dashboard.progress('chat · pair 3');
    await page.locator('figure canvas').first().waitFor();
    assert.match((await page.locator('h1').textContent())!, /inconclusive/);
    assert.match((await page.locator('#live').textContent())!, /pair 3/);
    dashboard.show(judgedReports.fail!(), true);
  }
  // It is closed only when the page has what it came to.
  await page.locator('h1', { hasText: 'got 19% slower' }).waitFor();
  assert.equal(await page.locator('#live').textContent(), '');
  assert.deepEqual(problems, []);
});

test('a page that is open while a run is measured has what the rounds so far gave', async () => {
  const repo = checkout();
  try {
    const program = path.join(root, 'dist/cli.js');
    const words = ['run', '--rounds', '3', '--thresholds', 'users.failed = 0', '--dashboard'];
    const run = spawn(process.execPath, [program, ...words], {
      cwd: repo.dir,
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let log = '';
    run.stderr.on('data', (part) => {
      log += part;
    });
    const ended = once(run, 'exit');
    let page = '';
    while (run.exitCode === null && !page.includes('How it was measured')) {
      await delay(100);
      const [url] = /http:\/\/127\.0\.0\.1:\d+\/(?=\n)/.exec(log) ?? [];
      if (url !== undefined)
        page = await get(url)
          .then(({ body }) => body)
          .catch(() => '');
    }
    run.kill('SIGINT');
    await ended;
    assert.match(page, /data-live/, log);
    assert.match(page, /round \d of 3/, log);
  } finally {
    repo.remove();
  }
});
