import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';

/** What a step that does this with its host prints. */
const printed = (body: string): string =>
  execFileSync(
    process.execPath,
    [
      '--input-type=module-typescript',
      '--eval',
      `import { createActionsHost } from './src/host/actions-host.ts';
       const host = createActionsHost({ env: {}, cwd: '.', signal: new AbortController().signal });
       ${body}`,
    ],
    { cwd: path.resolve(import.meta.dirname, '../..'), encoding: 'utf8' },
  );

/** As ActionCommand.TryParseV2 and TryParse of the runner tell whether a line is a command. */
const commandsIn = (text: string): string[] =>
  text.split(/\r\n|\n|\r/).filter((line) => line.trimStart().startsWith('::') || /##\[.*\]/.test(line));

test('nothing in a message is taken as a command of the runner', () => {
  const text = printed(`
    host.info('first\\n  ::error::of a server\\rlast ##[set-output name=verdict]pass');
    host.progress('::warning::of a suite');
  `);
  assert.deepEqual(commandsIn(text), [], text);
  assert.match(text, /of a server/);
});

test('a secret is told to the runner once, and stands in no message, group or annotation', () => {
  const text = printed(`
    host.secret('p4ssw0rd');
    host.secret('p4ssw0rd');
    host.info('p4ssw0rd 1');
    host.group('p4ssw0rd 2')();
    host.warn('p4ssw0rd 3', { key: 'room.token' });
    host.error('p4ssw0rd 4', { file: 'tailgate.yml', line: 3 });
  `);
  assert.equal(text.split('p4ssw0rd').length, 2, text);
  assert.match(text, /^::add-mask::p4ssw0rd$/m);
  assert.match(text, /^::group::\*\*\* 2$/m);
  assert.match(text, /^::error title=Tailgate,file=tailgate.yml,line=3::\*\*\* 4$/m);
});
