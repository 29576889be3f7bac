import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitSections } from '../../src/report/fit-sections.ts';
import { renderMarkdown } from '../../src/report/render-markdown.ts';
import type { SuiteReport } from '../../src/report/report-model.ts';
import { judgedReports, judgedSuite, reportOf, suiteWith } from './judged-report.ts';
import { markdownPage } from './rendered-page.ts';

test('sections shrink from the least important, and never in the middle', () => {
  const sections = [
    { variants: ['headline'], importance: 100 },
    { variants: ['long long text', 'long', ''], importance: 50 },
    { variants: ['details details', ''], importance: 10 },
  ];
  assert.deepEqual(fitSections(sections, 1000, 'cut'), {
    text: 'headline\n\nlong long text\n\ndetails details',
    shortened: false,
  });
  assert.equal(fitSections(sections, 40, 'cut').text, 'headline\n\nlong long text\n\ncut');
  assert.equal(fitSections(sections, 24, 'cut').text, 'headline\n\nlong\n\ncut');
  assert.equal(fitSections(sections, 18, 'cut').text, 'headline\n\ncut');
});

/** Many suites with many metrics each: far more than a comment holds. */
const huge = (suites: number, metrics: number) => {
  const one = suiteWith('fail');
  const copies = (index: number): SuiteReport => ({
    ...one,
    name: `suite-${index}`,
    verdict: index % 3 === 0 ? 'fail' : 'pass',
    metrics: Array.from({ length: metrics }, (_, at) => ({
      ...one.metrics[at % one.metrics.length]!,
      id: `event-${at}.ack`,
    })),
  });
  return reportOf(Array.from({ length: suites }, (_, index) => copies(index)));
};

test('a comment is at most 60,000 characters, whole, and says where the rest is', () => {
  for (const [suites, metrics] of [
    [1, 3000],
    [40, 30],
    [1500, 1],
  ] as const) {
    const text = renderMarkdown(huge(suites, metrics), {
      marker: '<!-- tailgate -->',
      links: { report: 'https://github.com/acme/chat/actions/runs/1' },
    });
    assert.ok(text.length <= 60_000, String(text.length));
    assert.ok(text.length > 20_000, `${text.length}: more could have been shown`);
    assert.ok(text.startsWith('<!-- tailgate -->\n## ❌ `event-0.ack` '));
    assert.match(
      text,
      /\[the full report\]\(https:\/\/github\.com\/acme\/chat\/actions\/runs\/1\) has everything/,
    );
    for (const rows of markdownPage(text).tables) assert.equal(new Set(rows).size, 1);
  }
});

test('what failed is shown before what passed', () => {
  const text = renderMarkdown(huge(40, 30), { maxLength: 20_000 });
  const headings = [...text.matchAll(/### `suite-\d+` (\S+)/g)].map((match) => match[1]);
  assert.ok(headings.length > 0);
  assert.ok(
    headings.every((emoji) => emoji === '❌'),
    headings.join(' '),
  );
});

test('failing and changed rows are open, the others collapsed', () => {
  const text = renderMarkdown(judgedReports.fail!());
  const collapsedFrom = text.indexOf('<details>');
  assert.ok(text.indexOf('`chat.delivery` p95') < collapsedFrom);
  assert.ok(text.indexOf('`chat.ack` p95') < collapsedFrom);
  assert.ok(text.indexOf('`session.length` p95') > collapsedFrom);
  assert.ok(text.indexOf('connect ECONNREFUSED') < collapsedFrom);
  const pass = renderMarkdown(judgedReports.pass!());
  assert.ok(pass.indexOf('`chat.ack` p95') > pass.indexOf('<details>'));
});

test('commits and the run are linked only to addresses the publisher vouches for', () => {
  const report = judgedReports.pass!();
  assert.match(
    renderMarkdown(report),
    /\[run\]\(https:\/\/github\.com\/acme\/chat\/actions\/runs\/9172634455\)/,
  );
  assert.doesNotMatch(renderMarkdown(report, { links: { run: null } }), /\]\(/);
  assert.match(
    renderMarkdown(report, { links: { repository: 'https://github.com/acme/chat' } }),
    /\[`3f1c9a2`\]\(https:\/\/github\.com\/acme\/chat\/commit\/3f1c9a27d4e8b60512f7a9c3d1e4b8f6a0572c9e\)/,
  );
  const forged = {
    ...report,
    commits: { head: 'a) [x](https://evil.example', base: null },
    runUrl: 'javascript:alert(1)',
  };
  assert.doesNotMatch(
    renderMarkdown(forged, { links: { repository: 'https://github.com/acme/chat' } }),
    /\]\((javascript|https:\/\/evil)/,
  );
});

test('levels of one suite stand in one table, base against head', () => {
  const { tables } = markdownPage(renderMarkdown(judgedReports.levels!()));
  assert.deepEqual(tables[0], [7, 7, 7, 7, 7]);
  const one = judgedSuite({ pairs: 2 });
  const many = reportOf(
    Array.from({ length: 800 }, (_, index) => ({ ...one, name: `rooms/${index} users` })),
  );
  const text = renderMarkdown(many);
  assert.match(text, /\*and 740 more levels\*/);
  assert.ok(text.length <= 60_000);
});

test('a file that lies elsewhere is named without the way to it', () => {
  const place = { file: '../../../dist/chat-server.js', line: 8 };
  const explanation = { kind: 'more-work' as const, sentences: [{ text: '`work` runs more often.', place }] };
  const text = renderMarkdown(reportOf([{ ...suiteWith('fail'), explanation }]));
  assert.match(text, /`work` runs more often \(`dist\/chat-server\.js:8`\)\./);
});
