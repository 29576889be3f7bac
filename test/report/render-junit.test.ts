import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SaxesParser } from 'saxes';
import { renderJunit } from '../../src/report/render-junit.ts';
import type { Report } from '../../src/report/report-model.ts';
import { hostileReport } from './hostile-report.ts';
import { judgedReports, reportOf, suiteWith } from './judged-report.ts';

type Element = { name: string; attributes: Record<string, string>; children: Element[]; text: string };

/** Parses strictly: what is not well-formed XML 1.0 throws. */
const parseXml = (xml: string): Element => {
  const parser = new SaxesParser();
  const root: Element = { name: '', attributes: {}, children: [], text: '' };
  const open = [root];
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', (tag) => {
    const element: Element = {
      name: tag.name,
      attributes: { ...tag.attributes } as Record<string, string>,
      children: [],
      text: '',
    };
    open.at(-1)!.children.push(element);
    open.push(element);
  });
  parser.on('text', (text) => {
    open.at(-1)!.text += text;
  });
  parser.on('closetag', () => open.pop());
  parser.write(xml).close();
  return root.children[0]!;
};

/** What the schema junit-10 of Jenkins' xUnit plugin allows of what we write: children, and attributes (! if required). */
const allowed: Record<string, { children: string[]; attributes: string[] }> = {
  testsuites: { children: ['testsuite'], attributes: ['name', 'time', 'tests', 'failures', 'errors'] },
  testsuite: {
    children: ['testcase', 'system-out'],
    attributes: ['name!', 'tests!', 'failures!', 'errors!', 'skipped', 'time', 'timestamp'],
  },
  testcase: {
    children: ['skipped', 'error', 'failure', 'system-out'],
    attributes: ['name!', 'time', 'classname'],
  },
  failure: { children: [], attributes: ['type', 'message'] },
  error: { children: [], attributes: ['type', 'message'] },
  skipped: { children: [], attributes: ['type', 'message'] },
  'system-out': { children: [], attributes: [] },
};

const assertValid = (element: Element): void => {
  const rule = allowed[element.name];
  assert.ok(rule !== undefined, `<${element.name}>`);
  const names = rule.attributes.map((name) => name.replace('!', ''));
  for (const name of Object.keys(element.attributes))
    assert.ok(names.includes(name), `${element.name} ${name}`);
  for (const name of rule.attributes)
    if (name.endsWith('!')) assert.ok(name.slice(0, -1) in element.attributes, `${element.name} ${name}`);
  if ('time' in element.attributes)
    assert.match(element.attributes.time!, /^\d{1,3}(\d{3})*(\.\d*)?$|^\d+(\.\d*)?$/);
  for (const child of element.children) {
    assert.ok(rule.children.includes(child.name), `<${child.name}> in <${element.name}>`);
    assertValid(child);
  }
};

const casesOf = (suite: Element): Element[] => suite.children.filter((child) => child.name === 'testcase');
const outcomes = (report: Report): Record<string, string> =>
  Object.fromEntries(
    parseXml(renderJunit(report, report.failOn)).children.flatMap((suite) =>
      casesOf(suite).map((one) => [
        `${suite.attributes.name}: ${one.attributes.name}`,
        one.children[0]?.name ?? 'passed',
      ]),
    ),
  );

test('every sample is valid for Jenkins, and its counts are those of its cases', () => {
  for (const make of Object.values(judgedReports)) {
    const root = parseXml(renderJunit(make(), ['fail', 'invalid']));
    assertValid(root);
    const total = { tests: 0, failures: 0, errors: 0 };
    for (const suite of root.children) {
      const cases = casesOf(suite);
      const count = (name: string) =>
        cases.filter((one) => one.children.some((child) => child.name === name)).length;
      assert.equal(Number(suite.attributes.tests), cases.length);
      assert.equal(Number(suite.attributes.failures), count('failure'));
      assert.equal(Number(suite.attributes.errors), count('error'));
      assert.equal(Number(suite.attributes.skipped), count('skipped'));
      assert.equal(
        new Set(cases.map((one) => one.attributes.name)).size,
        cases.length,
        'names are their own',
      );
      total.tests += cases.length;
      total.failures += count('failure');
      total.errors += count('error');
    }
    assert.equal(Number(root.attributes.tests), total.tests);
    assert.equal(Number(root.attributes.failures), total.failures);
    assert.equal(Number(root.attributes.errors), total.errors);
    assert.ok(total.tests > 0);
  }
});

test('what fails is what fails the step', () => {
  const make = (verdict: 'fail' | 'inconclusive', failOn: Report['failOn']) =>
    outcomes(reportOf([suiteWith(verdict)], { failOn }));
  const limit = 'chat-room: chat.delivery p50 < +3%';
  assert.equal(make('fail', ['fail', 'invalid'])[limit], 'failure');
  assert.equal(make('fail', ['fail', 'invalid'])['chat-room: verdict'], 'failure');
  assert.equal(make('fail', ['invalid'])[limit], 'skipped');
  assert.equal(make('inconclusive', ['fail'])[limit], 'skipped');
  assert.equal(make('inconclusive', ['fail', 'inconclusive'])[limit], 'failure');
  assert.equal(make('fail', ['fail'])['chat-room: chat.delivery p95 < 200ms'], 'passed');
  const invalid = outcomes(judgedReports.invalid!());
  assert.equal(invalid['chat-room: verdict'], 'error');
  assert.equal(invalid['chat-room: TARGET_DIED'], 'error');
  assert.equal(outcomes(judgedReports.nothing!())['run: SETTINGS_UNKNOWN_KEY'], 'error');
  assert.equal(outcomes(reportOf([]))['run: verdict'], 'error');
});

test('what is undecided is named, in the message that Jenkins shows and in the text that GitLab shows', () => {
  const [suite] = parseXml(renderJunit(judgedReports.inconclusive!(), ['fail', 'invalid'])).children;
  const undecided = casesOf(suite!).filter((one) => one.children[0]?.name === 'skipped');
  assert.ok(undecided.length > 1);
  for (const { children } of undecided) {
    assert.match(children[0]!.attributes.message!, /^inconclusive: /);
    assert.ok(children[0]!.text.length > 20);
  }
});

test('the message says why, and the text where', () => {
  const root = parseXml(renderJunit(judgedReports.nothing!(), ['fail', 'invalid']));
  const error = root.children[0]!.children[0]!.children[0]!;
  assert.equal(error.attributes.message, 'Unknown setting "tresholds".');
  assert.equal(error.text, 'tailgate.yml:7: Unknown setting "tresholds".\nDid you mean "thresholds"?');
});

test('hostile text stays text', () => {
  const nasty = [
    '<x/>',
    ']]>',
    '&amp;',
    '"',
    '\u0000\u0008\u001B[31m',
    '\uFFFE\uFFFF',
    '\uD800',
    '</testcase>',
    '<![CDATA[',
    '\n',
    '--',
  ];
  for (const text of nasty) {
    const root = parseXml(
      renderJunit(
        hostileReport((place) => `${place} ${text}`),
        ['fail', 'invalid'],
      ),
    );
    assertValid(root);
    assert.equal(root.children.length, 2);
  }
});
