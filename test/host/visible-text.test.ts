import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { createLiveLine, createTerminalHost } from '../../src/host/terminal-host.ts';
import { visibleText } from '../../src/visible-text.ts';

const hostile = 'a\u001B]0;title\u0007b\u202Ec\u2066d\u001B[31me\u0000f\u009Bg\u200Bh\r::error::x';

test('controls and bidirectional marks are dropped or spelt out; lines and tabs stay', () => {
  assert.equal(visibleText(hostile), 'ab[U+202E]c[U+2066]de[U+0000]f[U+009B]g[U+200B]h\n::error::x');
  assert.equal(visibleText('one\n\ttwo ü 日本 🎉\r\nthree'), 'one\n\ttwo ü 日本 🎉\nthree');
});

test('a sequence that never ends hides nothing behind it', () => {
  const [title, link] = ['\u001B]0;title', '\u001B]8;;http://a.test'];
  assert.equal(visibleText(`${title}\nthe fix`), '0;title\nthe fix');
  assert.equal(visibleText(`it said ${title}, and ended`), 'it said 0;title, and ended');
  assert.equal(visibleText(`${title}\r\nits tail\nthe fix\u0007.`), '0;title\nits tail\nthe fix[U+0007].');
  assert.equal(
    visibleText(`${link}\u001B\\a link\u001B]8;;\u001B\\ and ${title}\u0007more`),
    'a link and more',
  );
  assert.equal(visibleText(`${title}\u001B[31mred`), '0;titlered');
});

test('a terminal is shown no such character, whoever wrote the message', () => {
  const stream = new PassThrough();
  const stderr = stream as unknown as NodeJS.WriteStream;
  const host = createTerminalHost({
    env: {},
    cwd: '.',
    signal: new AbortController().signal,
    stderr,
    stdout: stderr,
    live: createLiveLine(stderr),
  });
  host.info(hostile);
  host.warn(hostile);
  host.error(hostile, { file: `f${hostile}` });
  host.progress(hostile);
  const printed = String(stream.read());
  assert.match(printed, /a.*b/);
  assert.doesNotMatch(printed.replaceAll('\n', ''), /\p{Cc}|\p{Cf}/u);
});
