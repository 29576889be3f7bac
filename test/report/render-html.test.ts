import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ticksOf } from '../../src/report/chart.ts';
import { chartSvg } from '../../src/report/chart-svg.ts';
import { flameSvg } from '../../src/report/flame-svg.ts';
import { renderHtml } from '../../src/report/render-html.ts';
import { hostileReport } from './hostile-report.ts';
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

test('a page without its script needs nothing else: no script, no request, no handler', () => {
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
  assert.equal(page.elements.filter(({ tag }) => tag === 'svg').length, 5);
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
  const svg = chartSvg(
    {
      x: { title: 'x', unit: 'count', ticks: [0, 10] },
      y: { title: 'y', unit: 'count', ticks: [0, 100] },
      lines: [
        {
          name: 'head',
          side: 'head',
          points: [
            [0, 0],
            [5, 50, 25, 75],
            [10, 100],
          ],
        },
      ],
      marks: [{ x: 5, text: 'half', tone: 'head' }],
    },
    { label: 'A line', width: 584, height: 268 },
  );
  // 66 left, 18 right, 22 above and 46 below: the drawing is 500 by 200.
  assert.match(svg, /d="M66 222L316 122L566 22"/);
  assert.match(svg, /d="M316 172V72"/);
  assert.match(svg, /M316 22V222/);
  assert.match(svg, />half<\/text>/);
  assert.match(svg, /stroke="var\(--head\)"/);
});

test('a flame graph: as wide as the longer side, red where the head takes longer, nothing outside of its caller', () => {
  const frame = (name: string, parent: number | null, baseline: number, head: number) => ({
    name,
    file: 'src/chat.ts',
    line: 3,
    parent,
    timeUs: { baseline, head },
  });
  const svg = flameSvg(
    [frame('onMessage', null, 800, 1_000), frame('<save>', 0, 100, 400), frame('send', 0, 600, 500)],
    'flame',
  );
  const boxes = [
    ...svg.matchAll(
      /<rect x="([\d.]+)" y="(\d+)" width="([\d.]+)"[^>]*fill="var\(--(\w+)\)" fill-opacity="([\d.]+)"/g,
    ),
  ];
  assert.deepEqual(
    boxes.map(([, x, y, width, colour, opacity]) => [x, y, width, colour, opacity]),
    [
      ['0.0', '0', '1199.0', 'fail', '0.35'],
      ['0.0', '22', '479.0', 'fail', '0.35'],
      ['480.0', '22', '719.0', 'pass', '0.35'],
    ],
  );
  assert.match(svg, /<title>&lt;save&gt; \(src\/chat\.ts:3\): 0\.1 → 0\.4 ms a message<\/title>/);
});

test('round values stand at an axis, whatever its scale', () => {
  const axis = { title: '', unit: 'ms' as const };
  assert.deepEqual(ticksOf(axis, [0, 87], 4), [0, 25, 50, 75]);
  assert.deepEqual(ticksOf({ title: '', unit: 'count' }, [5.9, 8.1], 6), [6, 7, 8]);
  assert.deepEqual(ticksOf({ ...axis, logarithmic: true }, [0.9, 1200], 4), [1, 10, 100, 1000]);
  assert.deepEqual(ticksOf({ ...axis, logarithmic: true }, [4, 9], 4), [4, 5, 6, 8]);
  assert.deepEqual(
    ticksOf({ title: '', unit: 'elapsed' }, [0, 240_000], 4),
    [0, 60_000, 120_000, 180_000, 240_000],
  );
});

test('no text of others leaves the data of a chart, and no script runs but ours', () => {
  const script = { text: 'ours()', hash: 'sha256-x' };
  const html = renderHtml(
    hostileReport((place) => `</script><script>alert(${place})</script><!--<script>`),
    { script },
  );
  const scripts = htmlDocument(html).elements.filter(({ tag }) => tag === 'script');
  const data = scripts.filter(({ attributes }) => attributes.type === 'application/json');
  assert.ok(data.length > 3);
  for (const { text } of data) assert.ok(Array.isArray(JSON.parse(text).lines));
  assert.deepEqual(
    scripts.filter((one) => !data.includes(one)).map(({ text }) => text),
    ['ours()'],
  );
});
