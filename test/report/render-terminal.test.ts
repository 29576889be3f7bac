import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderTerminal } from '../../src/report/render-terminal.ts';
import { displayWidth, fitWidth, pad, wrap } from '../../src/report/terminal-text.ts';
import { judgedReports, judgedSuite, reportOf, suiteWith } from './judged-report.ts';

test('tables and sentences keep to the width of the terminal', () => {
  let checked = 0;
  for (const columns of [50, 60, 80, 100, 160])
    for (const [name, make] of Object.entries(judgedReports)) {
      const lines = renderTerminal(make(), { columns, full: true }).split('\n');
      // A server's output, and errors with their messages, are shown as they are.
      const ours = lines.filter((line) => !line.startsWith('  ') && !line.includes(' × '));
      for (const line of ours) assert.ok(displayWidth(line) <= columns, `${name} ${columns}: ${line}`);
      checked += ours.length;
    }
  assert.ok(checked > 500);
});

test('a narrow terminal loses columns, never the verdict', () => {
  const narrow = renderTerminal(judgedReports.fail!(), { columns: 50 });
  assert.match(narrow, /chat\.delivery p50 .* fail\n/);
  assert.doesNotMatch(narrow, /Limit/);
  assert.match(renderTerminal(judgedReports.fail!(), { columns: 120 }), /Limit/);
});

test('colours are there only when asked for', () => {
  const sequence = '\u001B[';
  assert.equal(renderTerminal(judgedReports.fail!()).includes(sequence), false);
  assert.equal(renderTerminal(judgedReports.fail!(), { color: true }).includes(`${sequence}31mfail`), true);
});

test('a pass that does not fail and a fail that does not fail the step say so', () => {
  const report = reportOf([suiteWith('fail', { factor: 1.2 })], { failOn: ['invalid'] });
  assert.match(renderTerminal(report), /This\s+does\s+not\s+fail\s+the\s+step\s+\(fail-on\)/);
  assert.doesNotMatch(renderTerminal(judgedReports.fail!()), /does\s+not\s+fail\s+the\s+step/);
});

test('what is undecided says what may hide, what to do and how long that takes', () => {
  const text = renderTerminal(judgedReports.inconclusive!(), { columns: 400 });
  assert.match(text, /Undecided: chat\.delivery p50 may be up to 14% slower/);
  assert.match(text, /Next: about \d+ pairs instead of 12 should settle it, some \d+ min more/);
  const tooNoisy = reportOf([suiteWith('inconclusive', { noise: 0.4 })]);
  assert.match(
    renderTerminal(tooNoisy, { columns: 400 }),
    /a change of \+10% is too small for the noise here/,
  );
});

test('users who come and go in waves are given more of these, and not more pairs', () => {
  const quiet = { atMs: 8_000, sessions: 90, messages: 900, heapBytes: 12_000_000, rssBytes: null, left: {} };
  const suite = suiteWith('inconclusive');
  for (const comparison of ['side-by-side', 'single', 'none'] as const) {
    const waves = { ...suite, comparison, rounds: suite.rounds.map((round) => ({ ...round, quiet })) };
    const [next] = /Next: .*/.exec(renderTerminal(reportOf([waves]), { columns: 400 }))!;
    assert.match(next, /^Next: let the users come and go for longer: raise minutes /);
    assert.doesNotMatch(next, /pair|side by side/i);
  }
});

test('how it was compared counts the earlier runs, as the headline does', () => {
  const suite = judgedSuite({ comparison: 'single', pairs: 2 });
  const text = (samples: number): string => {
    const metrics = suite.metrics.map((metric) => ({
      ...metric,
      change: metric.change.map((change) => ({ ...change, samples })),
    }));
    return renderTerminal(reportOf([{ ...suite, metrics }]), { columns: 400, full: true });
  };
  assert.match(text(1), /Against one earlier run, which is weak evidence/);
  assert.match(text(5), /Against 5 earlier runs, which is weak evidence/);
});

test('widths count what is seen', () => {
  assert.equal(displayWidth('abc'), 3);
  assert.equal(displayWidth('日本'), 4);
  assert.equal(displayWidth('🎉'), 2);
  assert.equal(displayWidth('e\u0301'), 1);
  assert.equal(displayWidth('\u001B[31mred\u001B[39m'), 3);
  assert.equal(fitWidth('日本語テスト', 7), '日本語…');
  assert.equal(fitWidth('short', 10), 'short');
  assert.equal(displayWidth('👨‍👩‍👧'), 2);
  assert.equal(fitWidth('👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧', 5), '👨‍👩‍👧👨‍👩‍👧…');
  assert.equal(pad('日本', 6, true), '  日本');
  assert.equal(wrap('aa bb cc dd', 5, ' '), 'aa bb\n cc\n dd');
});
