import assert from 'node:assert/strict';
import { test } from 'node:test';
import { estimateRemaining, type ProgressView, renderProgress } from '../../src/report/render-progress.ts';
import { displayWidth } from '../../src/report/terminal-text.ts';

const view: ProgressView = {
  suite: 'chat-room',
  stage: 'measuring',
  side: 'head',
  load: {
    activeMs: 6000,
    plannedMs: 10_000,
    phase: null,
    usersActive: 120,
    usersCreated: 130,
    usersFailed: 0,
    errors: 2,
    messagesSent: 900,
    main: { id: 'chat.delivery', count: 900, p50Ms: 20, p95Ms: 48.7 },
  },
  pairs: { done: 3, doneMs: 80_000, sinceMs: 10_000, min: 6, max: 20 },
  interval: { metric: 'chat.delivery', statistic: 'p95', relative: 0.12, low: 0.04, high: 0.2 },
  elapsedMs: 90_000,
  budgetMs: 900_000,
};

test('a progress line says pairs, interval and how long it may take', () => {
  assert.equal(
    renderProgress(view, 200),
    'chat-room · pair 4 of 6 to 20 · measuring this PR 6 s of 10 s · 120 users · chat.delivery p95 48.7 ms · 2 errors · p95 +12% (+4% to +20%) · 1 min 10 s to 8 min left',
  );
});

test('it fits any width, and keeps the pairs and the interval longest', () => {
  for (let columns = 20; columns <= 160; columns += 1)
    assert.ok(displayWidth(renderProgress(view, columns)) <= columns, String(columns));
  assert.match(renderProgress(view, 60), /pair 4 of 6 to 20.*p95 \+12% \(\+4% to \+20%\)/);
});

test('it says what it knows, and no more', () => {
  assert.equal(
    renderProgress({ ...view, load: null, pairs: null, interval: null, side: null, stage: 'building' }),
    'chat-room · building',
  );
  assert.equal(
    renderProgress({
      ...view,
      load: null,
      interval: null,
      side: null,
      pairs: { done: 0, doneMs: 0, sinceMs: 0, min: 1, max: 1 },
    }),
    'chat-room · round 1 of 1 · measuring',
  );
  assert.doesNotMatch(renderProgress({ ...view, suite: 'a\u001B[2J\nb' }), /\p{Cc}/u);
});

test('the end is estimated from the pairs so far, within the budget', () => {
  const at = (done: number, doneMs: number, budgetMs: number | null, sinceMs = 0) =>
    estimateRemaining({
      pairs: { done, doneMs, sinceMs, min: 6, max: 20 },
      elapsedMs: doneMs + sinceMs,
      budgetMs,
    });
  assert.equal(at(0, 1000, null), null);
  assert.deepEqual(at(3, 90_000, null), { earliestMs: 90_000, latestMs: 510_000 });
  assert.deepEqual(at(8, 240_000, null), { earliestMs: 30_000, latestMs: 360_000 });
  assert.deepEqual(at(8, 240_000, 300_000), { earliestMs: 30_000, latestMs: 60_000 });
  assert.deepEqual(at(20, 600_000, null), { earliestMs: 0, latestMs: 0 });
  // While a pair runs the end comes nearer, and it is not put off by what that pair has taken so far.
  assert.deepEqual(at(3, 90_000, null, 20_000), { earliestMs: 70_000, latestMs: 490_000 });
  assert.deepEqual(at(7, 210_000, null, 40_000), { earliestMs: 0, latestMs: 350_000 });
});

test('after the first look the next one is named', () => {
  const text = (done: number) =>
    renderProgress({ ...view, pairs: { done, doneMs: 30_000 * done, sinceMs: 0, min: 6, max: 20 } }, 200);
  assert.match(text(0), /pair 1 of 6 to 20/);
  assert.match(text(6), /pair 7 of at most 20 .* 30 s to 7 min left/);
  assert.match(text(7), /pair 8 of at most 20/);
  assert.match(text(19), /pair 20 of 20 .* about 30 s left/);
});
