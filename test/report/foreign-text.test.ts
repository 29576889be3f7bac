import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cleanLine, cleanLines } from '../../src/report/clean-text.ts';
import { codeSpan, fenced, prose, safeUrl, tableCell } from '../../src/report/escape-markdown.ts';
import { renderHtml } from '../../src/report/render-html.ts';
import { renderMarkdown } from '../../src/report/render-markdown.ts';
import { renderTerminal } from '../../src/report/render-terminal.ts';
import { hostileReport } from './hostile-report.ts';
import { judgedReports } from './judged-report.ts';
import { htmlDocument, markdownHtml, markdownPage, type Page } from './rendered-page.ts';

/** Pieces that mean something to markdown, HTML, GitHub or a terminal. */
const pieces = [
  '@octocat',
  '@acme/team',
  'mail@example.com',
  '#123',
  'GH-7',
  'acme/chat#9',
  'octocat@3f1c9a27d4e8b605',
  '3f1c9a27d4e8b60512f7a9c3d1e4b8f6a0572c9e',
  'https://evil.example/x',
  'http://evil.example',
  'www.evil.example',
  'ftp://evil.example',
  'mailto:a@b.cc',
  '<img src=x onerror=alert(1)>',
  '<script>alert(1)</script>',
  '</details>',
  '</summary>',
  '<!--',
  '-->',
  '<details open>',
  '</td></tr></table>',
  '<a href="https://evil.example">',
  '&lt;b&gt;',
  '&#64;octocat',
  '&commat;x',
  '[click](https://evil.example)',
  '![pixel](https://evil.example/p.png)',
  '[x]: https://evil.example',
  '[x]',
  '[^1]',
  '[^1]: note',
  '|',
  '\\|',
  '||',
  '| a | b |',
  '|---|---|',
  '`',
  '``',
  '```',
  '~~~',
  '~~gone~~',
  '*',
  '**bold**',
  '_',
  '__',
  '_it_',
  '# heading',
  '#',
  '##',
  '> quote',
  '- item',
  '+ item',
  '1. one',
  '2) two',
  '---',
  '===',
  '***',
  '    code',
  '\t',
  '\n',
  '\r\n',
  '\n\n',
  '\u2028',
  '\u2029',
  '\u0085',
  '\u0000',
  '\u001B[31m',
  '\u001B]0;title\u0007',
  '\u001B[2J',
  '\b',
  '\u202E',
  '\u2066',
  '\u2069',
  '\u200B',
  '\u200D',
  '\uFEFF',
  '\u00AD',
  '\u{E0041}',
  '\uD800',
  '\uDC00',
  '\\',
  '\\`',
  '\\@',
  '$',
  '$x$',
  '$`x`$',
  ':tada:',
  ':+1:',
  '- [ ] task',
  ' ',
  '  ',
  '.',
  ',',
  ':',
  '(',
  ')',
  '"',
  "'",
  '!',
  '?',
  'plain',
  'words',
  'Ünïcödé',
  '日本語',
  '🎉',
  'e\u0301\u0301\u0301\u0301\u0301\u0301',
  '::error::boom',
  '%0A',
  '{{ x }}',
  '<',
  '>',
  '&',
  '=',
  '+',
  '-',
  '/',
  '^',
  '~',
];
const hostileText = fc
  .array(
    fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom(...pieces) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
    ),
    {
      minLength: 0,
      maxLength: 12,
    },
  )
  .map((parts) => parts.join(''));
const hostileTexts = fc.array(hostileText, { minLength: 5, maxLength: 40 });

const seed = { seed: 20260314, numRuns: 30 };

/** What GitHub's filters act on in text outside of code (mentions, references, commits, addresses, emoji names). */
const liveMarkup: Record<string, RegExp> = {
  mention: /(^|[^A-Za-z0-9_/`])@[A-Za-z0-9]/,
  reference: /(^|[^A-Za-z0-9_&])#\d|\bGH-\d/i,
  commit: /\b[0-9a-f]{7,40}\b/i,
  address: /https?:\/\/|\bwww\.|mailto:|[\w.+-]+@[\w-]+\.\w/i,
  emoji: /:[a-z0-9_+-]+:/i,
  math: /\$/,
};
const unseen = /(?!\n)(\p{Cc}|\p{Cf}|\p{Cs}|\p{Zl}|\p{Zp})/u;

const allowedTags = new Set(
  'h2 h3 p table thead tbody tr th td code pre ul li strong em a br sub details summary'.split(' '),
);
const base = judgedReports.fail!();
const links = { run: null, repository: null, report: null };

const assertInert = (page: Page, reference: Page, what: string): void => {
  for (const { tag, attributes } of page.elements) {
    assert.ok(allowedTags.has(tag), `<${tag}> in ${what}`);
    const names = Object.keys(attributes).filter((name) => !['align', 'class', 'open'].includes(name));
    assert.deepEqual(names, [], `<${tag}> has attributes in ${what}`);
  }
  for (const text of page.liveText) {
    for (const [kind, pattern] of Object.entries(liveMarkup))
      assert.doesNotMatch(text, pattern, `a live ${kind} in ${what}`);
  }
  assert.doesNotMatch(page.text, unseen);
  assert.deepEqual(page.comments, [' marker ']);
  assert.deepEqual(page.tables, reference.tables, `tables of ${what}`);
  const count = (of: Page, tag: string) => of.elements.filter((element) => element.tag === tag).length;
  for (const tag of ['details', 'summary', 'h2', 'h3', 'table', 'sub'])
    assert.equal(count(page, tag), count(reference, tag), `<${tag}> in ${what}`);
};

for (const kind of ['fail', 'several-suites', 'levels', 'invalid'] as const) {
  test(`no foreign text acts in a comment: ${kind}`, () => {
    const base = judgedReports[kind]!();
    const options = { marker: '<!-- marker -->', links, maxLength: 10_000_000 };
    // Names decide the order and the grouping of rows, so they differ from each other and have no slash at the end.
    const render = (texts: readonly string[]) => {
      let count = 0;
      const report = hostileReport((place) => {
        count += 1;
        return `n${place} ${texts[place % texts.length] ?? ''}${kind === 'levels' ? '' : ' '}`;
      }, base);
      if (kind === 'levels')
        report.suites = report.suites.map((suite, index) => ({
          ...suite,
          name: `rooms/${index} ${texts[index]?.replaceAll('/', '')}`,
        }));
      assert.ok(count > 20);
      return renderMarkdown(report, options);
    };
    const reference = markdownPage(render(['calm words']));
    fc.assert(
      fc.property(hostileTexts, (texts) =>
        assertInert(markdownPage(render(texts)), reference, JSON.stringify(texts)),
      ),
      seed,
    );
  });
}

test('no foreign text acts in a comment that was cut to any length', () => {
  fc.assert(
    fc.property(hostileTexts, fc.integer({ min: 600, max: 9000 }), (texts, maxLength) => {
      const report = hostileReport((place) => texts[place % texts.length] ?? '', base);
      const text = renderMarkdown(report, { marker: '<!-- marker -->', links, maxLength });
      assert.ok(text.length <= Math.max(maxLength, 700), `${text.length} of ${maxLength}`);
      assert.doesNotMatch(text, /\p{Cs}/u);
      const page = markdownPage(text);
      // As the markdown parser writes it, before a browser would close what was left open.
      const html = markdownHtml(text);
      for (const tag of ['details', 'summary', 'sub'])
        assert.equal(
          html.split(new RegExp(`<${tag}(?: open)?>`)).length,
          html.split(`</${tag}>`).length,
          tag,
        );
      for (const { tag } of page.elements) assert.ok(allowedTags.has(tag), tag);
      for (const rows of page.tables)
        assert.equal(new Set(rows).size, 1, 'a table has rows of different lengths');
    }),
    seed,
  );
});

test('prose and code spans keep the words: what is read is what was written', () => {
  const squeeze = (text: string) => text.replaceAll(/\s+/g, ' ').trim();
  fc.assert(
    fc.property(hostileText, (text) => {
      const cleaned = cleanLine(text, 5000);
      assert.equal(squeeze(markdownPage(prose(text, 5000)).text), squeeze(cleaned));
      assert.equal(squeeze(markdownPage(`x ${prose(text, 5000, false)}`).text), squeeze(`x ${cleaned}`));
      if (cleaned !== '') assert.equal(markdownPage(`x ${codeSpan(text, 5000)}`).text.trim(), `x ${cleaned}`);
      const lines = markdownPage(fenced(text, 1000));
      assert.equal(lines.text.replace(/\n$/, ''), `${cleanLines(text, 1000).join('\n')}`);
      assert.deepEqual(
        lines.elements.map((element) => element.tag),
        ['pre', 'code'],
      );
    }),
    { ...seed, numRuns: 1500 },
  );
});

test('ordinary sentences stay ordinary', () => {
  const sentence =
    'chat.delivery p95 rose by 18% (14% to 22%), over 8 pairs: 50.2 ms → 59.4 ms; "joinRoom" is fine.';
  assert.equal(prose(sentence), sentence);
  assert.equal(
    prose('Nothing answers at http://127.0.0.1:3000 (ECONNREFUSED).'),
    'Nothing answers at `http://127.0.0.1:3000` (ECONNREFUSED).',
  );
  assert.equal(prose('ask @octocat, please'), 'ask `@octocat`, please');
  assert.equal(prose('- [ ] x'), '\\- `[ ]` x'.replace('`[ ]`', '\\[ \\]'));
  assert.equal(codeSpan('a`b'), '``a`b``');
  assert.equal(codeSpan(' \n '), '*(empty)*');
  assert.equal(tableCell('`a|b`\nc'), '`a¦b` c');
});

test('only plain web addresses become links', () => {
  assert.equal(
    safeUrl('https://github.com/acme/chat/actions/runs/1?x=1#a'),
    'https://github.com/acme/chat/actions/runs/1?x=1#a',
  );
  for (const url of [
    'javascript:alert(1)',
    'https://a.b/) [x](https://c.d',
    'https://a.b/ x',
    'https://a.b/"><img>',
    '//a.b',
    '',
    'https://u:p@a.b/',
    `https://a.b/${'x'.repeat(600)}`,
  ])
    assert.equal(safeUrl(url), null, url);
});

test('a terminal gets no sequence from foreign text, and lines keep to its width where words allow', () => {
  fc.assert(
    fc.property(hostileTexts, (texts) => {
      const report = hostileReport((place) => texts[place % texts.length] ?? '', base);
      assert.doesNotMatch(renderTerminal(report, { full: true }).replaceAll('\n', ''), unseen);
    }),
    seed,
  );
});

test('an HTML report runs nothing, loads nothing and keeps its structure', () => {
  const render = (texts: readonly string[]) =>
    renderHtml(hostileReport((place) => `n${place} ${texts[place % texts.length] ?? ''}`, base));
  const reference = htmlDocument(render(['calm words']));
  const shape = (page: Page) =>
    page.elements
      // A problem of several lines is a block.
      .filter(({ tag }) => tag !== 'pre')
      .map(({ tag, attributes }) => `${tag} ${Object.keys(attributes).sort().join(' ')}`);
  fc.assert(
    fc.property(hostileTexts, (texts) => {
      const page = htmlDocument(render(texts));
      assert.deepEqual(shape(page), shape(reference));
      assert.deepEqual(page.tables, reference.tables);
      assert.deepEqual(page.comments, []);
      assert.doesNotMatch(page.text, unseen);
    }),
    { ...seed, numRuns: 25 },
  );
});

test('cleaning takes time in proportion to the text', () => {
  const nasty = `${'\u001B]'.repeat(200_000)}${'a\u0301'.repeat(200_000)}${'`'.repeat(200_000)}`;
  const started = performance.now();
  cleanLine(nasty);
  cleanLines(nasty);
  prose(nasty);
  assert.ok(performance.now() - started < 5000);
});
