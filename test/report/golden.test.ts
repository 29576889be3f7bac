import path from 'node:path';
import { test } from 'node:test';
import { renderJson } from '../../src/report/render-json.ts';
import { renderJunit } from '../../src/report/render-junit.ts';
import { renderMarkdown } from '../../src/report/render-markdown.ts';
import { renderTerminal } from '../../src/report/render-terminal.ts';
import { judgedReports } from './judged-report.ts';

/** What readers see, kept as files: `node --test --test-update-snapshots test/report/golden.test.ts` writes them anew. */
const folder = path.join(import.meta.dirname, 'golden');
const asIs = { serializers: [(text: unknown) => String(text)] };

for (const [name, make] of Object.entries(judgedReports)) {
  test(`markdown: ${name}`, (t) => {
    const text = renderMarkdown(make(), {
      marker: '<!-- tailgate:suite-set -->',
      links: {
        repository: 'https://github.com/acme/chat',
        report: 'https://github.com/acme/chat/actions/runs/1#a',
      },
    });
    t.assert.fileSnapshot(text, path.join(folder, `${name}.md`), asIs);
  });
  test(`terminal: ${name}`, (t) => {
    t.assert.fileSnapshot(renderTerminal(make()), path.join(folder, `${name}.txt`), asIs);
  });
}

test('terminal: colours, narrow', (t) => {
  const text = renderTerminal(judgedReports.fail!(), { color: true, columns: 60 });
  t.assert.fileSnapshot(text.replaceAll('\u001B', 'ESC'), path.join(folder, 'fail-narrow.txt'), asIs);
});

for (const name of ['fail', 'invalid', 'inconclusive', 'nothing'])
  test(`JUnit: ${name}`, (t) => {
    t.assert.fileSnapshot(
      renderJunit(judgedReports[name]!(), ['fail', 'invalid']),
      path.join(folder, `${name}.xml`),
      asIs,
    );
  });

test('JSON: first run', (t) => {
  t.assert.fileSnapshot(renderJson(judgedReports['first-run']!()), path.join(folder, 'first-run.json'), asIs);
});
