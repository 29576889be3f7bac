import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lineChart } from '../../src/report/line-chart.ts';
import { renderHtml } from '../../src/report/render-html.ts';
import { judgedReports } from './judged-report.ts';
import { htmlDocument } from './rendered-page.ts';

const loading = [
  'script',
  'link',
  'img',
  'iframe',
  'object',
  'embed',
  'image',
  'use',
  'form',
  'base',
  'foreignobject',
];

test('a page needs nothing else: no script, no request, no handler', () => {
  for (const [name, make] of Object.entries(judgedReports)) {
    const page = htmlDocument(renderHtml(make()));
    for (const { tag, attributes } of page.elements) {
      assert.ok(!loading.includes(tag), `<${tag}> in ${name}`);
      for (const [attribute, value] of Object.entries(attributes)) {
        assert.doesNotMatch(attribute, /^on/i);
        if (['href', 'src', 'xlink:href'].includes(attribute))
          assert.match(value, /^https:\/\/github\.com\//);
      }
    }
    const policy = page.elements.find(
      ({ attributes }) => attributes['http-equiv'] === 'Content-Security-Policy',
    );
    assert.match(policy?.attributes.content ?? '', /default-src 'none'/);
    assert.doesNotMatch(page.elements.find(({ tag }) => tag === 'style')?.text ?? '', /url\(|@import/);
  }
});

test('it shows what failed, drawn and in words', () => {
  const page = htmlDocument(renderHtml(judgedReports.fail!()));
  assert.match(page.text, /chat\.delivery p50 got 19% slower, 24\.3 to 29 ms/);
  assert.match(page.text, /connect ECONNREFUSED 127\.0\.0\.1:3000/);
  assert.equal(page.elements.filter(({ tag }) => tag === 'svg').length, 3);
  assert.ok(page.tables[0]!.every((cells) => cells === 6));
  assert.equal(
    htmlDocument(renderHtml(judgedReports.nothing!())).elements.filter(({ tag }) => tag === 'svg').length,
    0,
  );
});

test('the same report gives the same page, and no two drawings share an id', () => {
  const make = () => renderHtml(judgedReports['several-suites']!());
  assert.equal(make(), make());
  const ids = htmlDocument(make()).elements.flatMap(({ attributes }) => attributes.id ?? []);
  assert.equal(new Set(ids).size, ids.length);
});

test('a line goes through its points', () => {
  const format = String;
  const svg = lineChart({
    id: 'x',
    x: { title: 'x', format, ticks: [0, 10] },
    y: { title: 'y', format, ticks: [0, 100] },
    series: [
      {
        side: 'head',
        points: [
          [0, 0],
          [5, 50],
          [10, 100],
        ],
      },
    ],
    marks: [{ x: 5, text: 'half', side: 'head' }],
    width: 584,
    height: 258,
  });
  // 64 left, 20 right, 14 above and 44 below: the drawing is 500 by 200.
  assert.match(svg, /d="M64 214L314 114L564 14"/);
  assert.match(svg, /M314\.0 14V214/);
  assert.match(svg, />half<\/text>/);
  assert.match(svg, /stroke="var\(--head\)"/);
});
