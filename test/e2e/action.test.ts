// Runs beside one other: it needs a verdict on latencies, and leaves most of a machine idle.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { parseReport } from '../../src/report/parse-report.ts';
import { type Checkout, chatServer, checkout, settings, shortScenario } from './fixture.ts';
import { processesNaming, runStep, type StepResult } from './runner.ts';

let repo: Checkout;
before(() => {
  repo = checkout();
});
after(() => repo.remove());

const reportOf = (result: StepResult) => {
  const file = result.outputs['report-json'] ?? '';
  return parseReport(readFileSync(file, 'utf8'), file);
};

/** On a machine that is busy with something else the gate rightly refuses a verdict; these tests need one. */
const withVerdict = async (request: Parameters<typeof runStep>[0]): Promise<StepResult> => {
  let result = await runStep(request);
  for (let tries = 1; tries < 4 && result.log.includes('GENERATOR_BOTTLENECK'); tries += 1)
    result = await runStep(request);
  return result;
};

test('a step passes within its limits, and says what it measured, but no secret', async () => {
  const result = await withVerdict({
    workspace: repo.dir,
    inputs: { thresholds: 'chat.ack.p95 < 5s\nerrors = 0', 'github-token': 'ghs_topsecrettoken' },
    env: { ROOM_SECRET: 'a-very-secret-value' },
  });
  assert.equal(result.exitCode, 0, result.log);
  assert.equal(result.outputs.verdict, 'pass');
  assert.equal(result.outputs.regressions, '[]');
  assert.ok(existsSync(result.outputs['report-markdown'] ?? ''));
  assert.match(result.summary, /chat\.ack/);
  const report = reportOf(result);
  const [suite] = report.suites;
  const ack = suite?.metrics.find((metric) => metric.id === 'chat.ack');
  assert.ok((ack?.head?.count ?? 0) >= 100, 'five chats of 24 users');
  assert.ok((ack?.head?.p50Ms ?? 0) > 0.05, 'an acknowledgement takes time');
  assert.equal(suite?.counters['users.failed']?.head, 0);
  assert.ok((suite?.resources?.head?.maxRssBytes ?? 0) > 1e6);
  assert.equal(result.post?.exitCode, 0);

  const files = ['report-json', 'report-markdown', 'report-html'].map((name) => result.outputs[name] ?? '');
  const written = [
    result.summary,
    JSON.stringify(result.outputs),
    ...files.map((file) => readFileSync(file, 'utf8')),
  ];
  const unmasked = result.log.replace(/^::add-mask::.*$/gm, '');
  for (const text of [...written, unmasked]) assert.doesNotMatch(text, /ghs_topsecrettoken|example-secret/);
});

test('a limit that is missed fails the step, after the report was written', async () => {
  const result = await withVerdict({ workspace: repo.dir, inputs: { thresholds: 'chat.ack.p50 < 1us' } });
  assert.equal(result.exitCode, 1, result.log);
  assert.equal(result.outputs.verdict, 'fail');
  assert.match(result.outputs.regressions ?? '', /chat\.ack\.p50 < 1us/);
  assert.match(result.summary, /chat\.ack/);
});

test('fail-on decides which verdicts fail the step, and rounds for which there is no time are not begun', async () => {
  const result = await withVerdict({
    workspace: repo.dir,
    inputs: { thresholds: 'chat.ack.p50 < 1us', 'fail-on': 'none', rounds: '20', 'max-minutes': '0.15' },
  });
  assert.equal(result.exitCode, 0, result.log);
  assert.equal(result.outputs.verdict, 'fail', result.log);
  const [suite] = reportOf(result).suites;
  assert.deepEqual(suite?.problems, []);
  assert.match(suite.warnings.join('\n'), /The time budget ended the run after \d of 20 rounds\./);
});

test('a stored baseline is recorded, read again, and a slower server fails against it', async () => {
  const inputs = {
    baseline: 'file:baseline.jsonl',
    'record-baseline': 'always',
    thresholds: 'chat.ack.p50 < +50% and +2ms',
  };
  const first = await withVerdict({ workspace: repo.dir, inputs });
  assert.equal(first.exitCode, 0, first.log);
  assert.ok(existsSync(path.join(repo.dir, 'baseline.jsonl')));
  const second = await withVerdict({
    workspace: repo.dir,
    inputs: { ...inputs, 'record-baseline': 'never' },
    env: { CHAT_DELAY_MS: '40' },
  });
  assert.equal(second.exitCode, 1, second.log);
  const metric = reportOf(second).suites[0]?.metrics.find(({ id }) => id === 'chat.ack');
  assert.ok((metric?.baseline?.p50Ms ?? 0) > 0);
  assert.ok((metric?.change.find(({ statistic }) => statistic === 'p50')?.relative ?? 0) > 0.5);
});

test('two versions are measured side by side', async () => {
  repo.write(
    'tailgate.yml',
    settings()
      .replace('{ mode: none }', '{ mode: side-by-side, dir: . }\nexplain: never')
      .replace(
        'verdict: {',
        'verdict: { minPairs: 2, maxPairs: 2, slicesPerSide: 2, sliceMs: 500, warmUpMs: 500,',
      ),
  );
  try {
    const result = await withVerdict({
      workspace: repo.dir,
      inputs: { thresholds: 'chat.ack.p50 < +200% and +50ms', 'fail-on': 'fail' },
      timeoutMs: 150_000,
    });
    assert.equal(result.exitCode, 0, result.log);
    const suite = reportOf(result).suites[0];
    assert.equal(suite?.comparison, 'side-by-side');
    assert.ok((suite?.rounds.length ?? 0) >= 4, result.log);
    assert.ok((suite?.rounds ?? []).some((round) => round.side === 'baseline'));
  } finally {
    repo.write('tailgate.yml', settings());
  }
});

/** A checkout whose load is not over before whatever is to happen in the middle of it, however slow the machine. */
const longCheckout = (): Checkout => {
  const user = checkout();
  user.write(
    'chat.yml',
    shortScenario.replace('duration: 2', 'duration: 100').replace('{{ token }}', '{{ $token }}'),
  );
  return user;
};

test('a cancelled step leaves nothing behind within three seconds', async () => {
  const user = longCheckout();
  try {
    const result = await runStep({
      workspace: user.dir,
      inputs: { start: `${chatServer} ${user.dir}` },
      cancelWhen: 'measuring this PR',
    });
    assert.equal(result.exitCode, 130, result.log);
    assert.ok((result.cancelMs ?? 0) < 5_000, `took ${result.cancelMs} ms`);
    assert.deepEqual(processesNaming(user.dir), []);
    assert.equal(result.post?.exitCode, 0);
    assert.doesNotMatch(result.post?.log ?? '', /left a process running/);
  } finally {
    user.remove();
  }
});

test('a step that was killed is cleaned up by post', async () => {
  const user = longCheckout();
  try {
    const result = await runStep({
      workspace: user.dir,
      inputs: { start: `${chatServer} ${user.dir}` },
      killWhen: 'measuring this PR',
    });
    assert.equal(result.signal, 'SIGKILL');
    assert.equal(result.post?.exitCode, 0, result.post?.log);
    assert.deepEqual(processesNaming(user.dir), []);
  } finally {
    user.remove();
  }
});
