import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BisectReport, renderBisect } from '../../src/report/render-bisect.ts';
import { rateAngle } from '../../src/verdict/bisect/choose-statistic.ts';

const commit = (sha: string) => ({ sha: sha.repeat(40), subject: `change ${sha}` });
const [a, b, c] = ['a', 'b', 'c'].map(commit) as [ReturnType<typeof commit>, ...ReturnType<typeof commit>[]];
/** How the search tells a change: of a rate, the difference of the angles. */
const risen = (from: number, to: number): number => Math.expm1(rateAngle(to) - rateAngle(from));

const report = (parts: Partial<BisectReport>): BisectReport => ({
  good: a,
  bad: c!,
  suite: 'chat',
  statistic: 'errors.rate',
  goodRate: 0.01,
  answer: { kind: 'one', version: 1, probability: 0.97, change: risen(0.01, 0.05), other: 0 },
  versions: [[b!], [c!]],
  probabilities: [0.97, 0.03],
  explanations: [],
  measured: [{ ...b!, pairs: 4, change: risen(0.01, 0.05), rate: 0.05, calls: null }],
  witness: null,
  broken: [],
  unchanged: 0,
  commits: 2,
  pairs: 8,
  elapsedMs: 60_000,
  proofs: [],
  ...parts,
});

test('what made more fail is told by the rates of failures, one after the other', () => {
  const one = renderBisect(report({}));
  assert.match(
    one,
    /^Commit bbbbbbbbbb \(`change b`\) made more fail: errors\.rate from 1% to 5% \(probability 97%\)\.$/m,
  );
  assert.match(one, /^\| bbbbbbbbbb `change b` \| 4 \| 5% \|$/m);
  const culprits = [
    { version: 1, probability: 0.97, change: risen(0.01, 0.05) },
    { version: 2, probability: 0.96, change: risen(0.05, 0.2) },
  ];
  const two = renderBisect(report({ answer: { kind: 'two', culprits } }));
  assert.match(two, /^- Commit bbbbbbbbbb .*from 1% to 5% .*\n- Commit cccccccccc .*from 5% to 20% /m);
  const lost = renderBisect(report({ statistic: 'deliveries.lost.rate', goodRate: 0 }));
  assert.match(lost, / lost deliveries: deliveries\.lost\.rate from 0% to /);
});

test('what made it slower is told by the relative change', () => {
  const answer = { kind: 'one', version: 2, probability: 0.999, change: 0.05, other: 0 } as const;
  assert.match(
    renderBisect(report({ statistic: 'chat.ack p5', goodRate: null, answer })),
    /^Commit cccccccccc \(`change c`\) made it slower: chat\.ack p5 \+5% \(probability over 99%\)\.$/m,
  );
  const none = { kind: 'none', probability: 0.97, change: 0.001 } as const;
  assert.match(
    renderBisect(report({ statistic: 'chat.ack p5', goodRate: null, answer: none })),
    /^\*\*Neither is slower\*\*: /m,
  );
});
