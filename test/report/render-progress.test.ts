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
  pairs: { done: 3, min: 6, max: 20 },
  interval: { metric: 'chat.delivery', statistic: 'p95', relative: 0.12, low: 0.04, high: 0.2 },
  elapsedMs: 90_000,
  budgetMs: 900_000,
};

test('a progress line says pairs, interval and how long it may take', () => {
  assert.equal(
    renderProgress(view, 200),
    'chat-room · pair 4 of 6 to 20 · measuring head 6 s of 10 s · 120 users · chat.delivery p95 48.7 ms · 2 errors · p95 +12% (4% to 20%) · 2 min to 9 min left',
  );
});

test('it fits any width, and keeps the pairs and the interval longest', () => {
  for (let columns = 20; columns <= 160; columns += 1)
    assert.ok(displayWidth(renderProgress(view, columns)) <= columns, String(columns));
  assert.match(renderProgress(view, 60), /pair 4 of 6 to 20.*p95 \+12% \(4% to 20%\)/);
});

test('it says what it knows, and no more', () => {
  assert.equal(
    renderProgress({ ...view, load: null, pairs: null, interval: null, side: null, stage: 'building' }),
    'chat-room · building',
  );
  assert.equal(
    renderProgress({ ...view, load: null, interval: null, side: null, pairs: { done: 0, min: 1, max: 1 } }),
    'chat-room · round 1 of 1 · measuring',
  );
  assert.doesNotMatch(renderProgress({ ...view, suite: 'a\u001B[2J\nb' }), /\p{Cc}/u);
});

test('the end is estimated from the pairs so far, within the budget', () => {
  const at = (done: number, elapsedMs: number, budgetMs: number | null) =>
    estimateRemaining({ pairs: { done, min: 6, max: 20 }, elapsedMs, budgetMs });
  assert.equal(at(0, 1000, null), null);
  assert.deepEqual(at(3, 90_000, null), { earliestMs: 90_000, latestMs: 510_000 });
  assert.deepEqual(at(8, 240_000, null), { earliestMs: 60_000, latestMs: 360_000 });
  assert.deepEqual(at(8, 240_000, 300_000), { earliestMs: 60_000, latestMs: 60_000 });
  assert.deepEqual(at(20, 600_000, null), { earliestMs: 0, latestMs: 0 });
});
