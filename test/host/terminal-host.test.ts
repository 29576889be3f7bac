import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { canDraw, createLiveLine, createTerminalHost, wantsColor } from '../../src/host/terminal-host.ts';

/** A terminal of 40 columns, or a file, that keeps what is written. */
const streamOf = (isTTY: boolean) => {
  const written: string[] = [];
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      written.push(String(chunk));
      done();
    },
  });
  return { written, stream: Object.assign(stream, { isTTY, columns: 40 }) as unknown as NodeJS.WriteStream };
};

test('each stream decides on colours for itself, FORCE_COLOR before NO_COLOR', () => {
  const [terminal, file] = [streamOf(true).stream, streamOf(false).stream];
  assert.equal(wantsColor(terminal, {}), true);
  assert.equal(wantsColor(file, {}), false);
  assert.equal(wantsColor(terminal, { NO_COLOR: '1' }), false);
  assert.equal(wantsColor(terminal, { NO_COLOR: '' }), true, 'an empty value says nothing');
  assert.equal(wantsColor(terminal, { TERM: 'dumb' }), false);
  assert.equal(wantsColor(file, { FORCE_COLOR: '1', NO_COLOR: '1' }), true);
  assert.equal(wantsColor(terminal, { FORCE_COLOR: '0' }), false);
});

test('lines are drawn where the locale can have them', () => {
  assert.equal(canDraw({}), true);
  assert.equal(canDraw({ LANG: 'de_DE.UTF-8', TERM: 'xterm' }), true);
  assert.equal(canDraw({ LANG: 'de_DE.UTF-8', LC_ALL: 'C' }), false);
  assert.equal(canDraw({ TERM: 'linux' }), false);
});

test('the line of progress is cleared before anything else is written', () => {
  const { stream, written } = streamOf(true);
  const live = createLiveLine(stream);
  const host = createTerminalHost({
    env: {},
    cwd: '/',
    signal: new AbortController().signal,
    stderr: stream,
    stdout: streamOf(false).stream,
    live,
  });
  assert.deepEqual(host.result, { columns: 40, color: false, unicode: true });
  assert.equal(host.columns, 39);
  host.progress('measuring');
  assert.equal(written.join(''), 'measuring');
  const before = written.length;
  host.warn('something');
  assert.equal(written.slice(before).join(''), '\r\u001B[2K\u001B[33mWarning:\u001B[39m something\n');
  const after = written.length;
  live.clear();
  assert.equal(written.length, after, 'nothing is left to clear');
});
