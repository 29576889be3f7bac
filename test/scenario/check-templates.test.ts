import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { checkTemplates, type TemplateNames, unquotedTemplates } from '../../src/scenario/check-templates.ts';
import type { ScenarioConfig } from '../../src/scenario/script.ts';

const check = (
  text: string,
  given: Partial<TemplateNames> & {
    processorText?: string;
    environment?: string;
    overrides?: Record<string, unknown>;
  } = {},
): string[] => {
  const content = parse(text) as Record<string, unknown>;
  return checkTemplates(
    {
      content,
      config: (content.config ?? {}) as ScenarioConfig,
      environment: given.environment ?? null,
      overrides: given.overrides ?? {},
      processorText: given.processorText ?? null,
    },
    { variables: given.variables ?? [], hasToken: given.hasToken ?? false, env: given.env ?? {} },
  ).map(({ place, problem, fix }) => `${place.join('.')}: ${problem}. ${fix}`);
};

const scenario = (data: string, config = '{}'): string =>
  `config: ${config}\nscenarios:\n  - engine: socketio\n    flow:\n      - emit: { channel: a, data: ${data} }\n`;

describe('every template stands for something', () => {
  test('that variables, payload files, captures, loops and the suite define', () => {
    const text = `config:
  variables: { city: [a, b] }
  payload: [{ path: a.csv, fields: [user, token] }, { path: b.csv, loadAll: true, name: rows }]
  socketio: { auth: { token: "{{ token }}", id: "{{ $uuid }}", later: "{{ got }}" } }
before:
  flow: [{ get: { url: /, capture: { json: $.id, as: fromBefore } } }]
scenarios:
  - engine: socketio
    flow:
      - loop:
          - emit: [a, "{{ city }} {{user.name}} {{ $loopCount }} {{ n }} {{ e.x[0] }} {{ rows[0] }} {{ fromBefore }}"]
            acknowledge: { capture: { json: $.0.id, as: got } }
          - emit: [b, "{{{ got }}} {{ room }} {{ $randomNumber(1, 9) }} {{ $env.HOME }} {{ $token }} {{ $tag }}"]
          - emit: [c, "{{ $sendCount }}"]
            rate: 5
            duration: 1
        over: city
        loopValue: n
        loopElement: e
`;
    assert.deepEqual(check(text, { variables: ['room'], hasToken: true, env: { HOME: '/' } }), []);
  });

  test('else it is told once, with its place and what to write', () => {
    const found = check(
      scenario('{ a: "{{ usr }}", b: "{{ usr }}", c: "{{ nobody }}" }', '{ variables: { user: x } }'),
    );
    assert.equal(found.length, 2);
    assert.match(found[0]!, /emit\.data\.a: nothing defines "usr".*Did you mean "\{\{ user \}\}"\?/);
    assert.match(found[1]!, /emit\.data\.c: nothing defines "nobody".*as: nobody/);
  });

  test('the list of a loop, which may be named without braces', () => {
    const text = (over: string) =>
      `config: { variables: { items: [1] } }\nscenarios: [{ engine: socketio, flow: [{ loop: [{ think: 1 }], over: ${over} }] }]\n`;
    assert.deepEqual(check(text('items')), []);
    assert.match(
      check(text('itms')).join(),
      /over: nothing defines "itms".*Did you mean "\{\{ items \}\}"\?/,
    );
  });

  test('a capture of one scenario is none of another', () => {
    const text = `config: {}
scenarios:
  - engine: socketio
    flow: [{ emit: [a], acknowledge: { capture: { json: $.0, as: id } } }]
  - engine: socketio
    flow: [{ emit: [a, "{{ id }}"] }]
`;
    assert.match(check(text).join(), /scenarios\.1\.flow\.0\.emit\.1: nothing defines "id"/);
  });

  test('functions and built-in names that do not exist, even with a processor', () => {
    const text = scenario(
      '{ a: "{{ $randomInt(1, 5) }}", b: "{{ $timestamp }}", c: "{{ $randFullName() }}" }',
    );
    for (const processorText of [undefined, 'exports.f = () => {};']) {
      const found = check(text, processorText === undefined ? {} : { processorText });
      assert.equal(found.length, 3);
      assert.match(found[0]!, /no function "\$randomInt".*\$randomNumber/);
      assert.match(found[1]!, /no built-in variable "\$timestamp".*context\.vars/);
    }
    assert.deepEqual(check(scenario('"{{ $now }}"'), { processorText: 'context.vars.$now = 1' }), []);
  });

  test('names that only a loop, a rate or a message gives, where there is none', () => {
    const found = check(scenario('{ a: "{{ $loopCount }}", b: "{{ $sendCount }}", c: "{{ $tag }}" }'));
    assert.equal(found.length, 2);
    assert.match(found[0]!, /nothing gives "\$loopCount" a value .*rounds of a "loop", and there is none/);
    assert.match(found[1]!, /"\$sendCount".*a step with "rate"/);
    const http = 'config: {}\nscenarios: [{ flow: [{ post: { url: /, json: { text: "{{ $tag }}" } } }] }]\n';
    assert.match(check(http).join(), /"\$tag".*what a step of Socket\.IO, ws or STOMP sends/);
  });

  test('a name that a function of the processor may set is left to the run', () => {
    assert.deepEqual(check(scenario('"{{ set }}"'), { processorText: 'exports.f = () => {};' }), []);
  });

  test('a minted token without "measure.jwt", and environment variables that are not set', () => {
    assert.match(check(scenario('"{{ $token }}"')).join(), /measure\.jwt/);
    const text = scenario(
      '"{{ $processEnvironment.SECRET_A }}"',
      '{ tls: { ca: "{{ $env.CA }}" }, target: "{{ $env.NONE }}" }',
    );
    const found = check(text);
    assert.equal(found.length, 2);
    assert.match(found[0]!, /config\.tls\.ca: .*environment variable CA, which is not set/);
    assert.match(found[1]!, /SECRET_A/);
    assert.deepEqual(check(text, { env: { SECRET_A: 'x', CA: '' } }), []);
  });

  test('an environment that was not chosen is not looked at', () => {
    const text = `config: { environments: { a: { variables: { x: 1 } }, b: { tls: { ca: "{{ $env.B }}" } } } }
scenarios: [{ engine: socketio, flow: [{ emit: [e, "{{ x }}"] }] }]
`;
    assert.deepEqual(check(text, { environment: 'a' }), []);
    assert.match(
      check(text, { environment: 'b' }).join('\n'),
      /environments\.b\.tls\.ca.*nothing defines "x"/s,
    );
  });

  test('without quotes it is a mapping', () => {
    const read = {
      scenarios: [{ flow: [{ emit: { data: { nick: { '[object Object]': null }, ok: 1 } } }] }],
    };
    assert.deepEqual([...unquotedTemplates(read)], [['scenarios', 0, 'flow', 0, 'emit', 'data', 'nick']]);
  });
});
