import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SecretMask } from '../../src/host/secret-mask.ts';

const maskOf = (...secrets: string[]): SecretMask => {
  const mask = new SecretMask();
  for (const secret of secrets) mask.add(secret);
  return mask;
};

test('a secret is found in every form in which text repeats it', () => {
  const secret = `Auth "q" \\ <ü> 's-88cd+/`;
  const mask = maskOf(secret);
  const inJson = JSON.stringify({ token: secret });
  for (const text of [
    secret,
    `/path?t=${encodeURIComponent(secret)}`,
    inJson,
    JSON.stringify({ said: inJson }),
    JSON.stringify(JSON.stringify({ said: inJson })),
    'Auth &quot;q&quot; \\ &lt;ü&gt; &apos;s-88cd+/',
  ])
    assert.doesNotMatch(mask.mask(text), /88cd/, text);
  for (const before of ['', 'a', 'ab', 'user:']) {
    for (const encoding of ['base64', 'base64url'] as const) {
      const encoded = Buffer.from(`${before}${secret}`).toString(encoding);
      const left = Buffer.from(mask.mask(encoded).replaceAll('*', ''), encoding).toString('latin1');
      assert.doesNotMatch(left, /q" .*88/, `${before} ${encoding}`);
      assert.match(mask.mask(encoded), /\*\*\*/);
    }
  }
});

test('the userinfo of a URL is never shown, whoever wrote it', () => {
  const mask = maskOf();
  assert.equal(
    mask.mask('could not connect to http://user:pass-w0rd@127.0.0.1:3000/x, nor to wss://token@host'),
    'could not connect to http://***@127.0.0.1:3000/x, nor to wss://***@host',
  );
  const harmless = 'https://host/@scope/package?mail=a@b.c and a@b.c';
  assert.equal(mask.mask(harmless), harmless);
});

test('thousands of tokens are masked as words, wherever one stands', () => {
  const tokens = Array.from({ length: 20_000 }, (_, index) => `tok.${index}-${(index * 7919) % 99_991}`);
  const mask = maskOf(...tokens);
  for (const index of [0, 150, 250, 19_999]) {
    const token = tokens[index]!;
    for (const text of [`Bearer ${token}`, `{"token":"${token}"}`, `/users/${token}/x`, `t=${token}&a=b`])
      assert.ok(!mask.mask(text).includes(token), text);
  }
  assert.equal(mask.mask('an ordinary line'), 'an ordinary line');
});
