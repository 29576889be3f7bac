import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scenarioPath, withScenarioPath } from '../../src/scenario/scenario-target.ts';

const server = 'http://127.0.0.1:14200';

test('the path and the query of a scenario hold where the URL of the server has none', () => {
  const cases: [string, unknown, string][] = [
    [server, 'http://localhost:3000/audit', `${server}/audit`],
    [`${server}/`, 'ws://localhost/chat?room={{ room }}', `${server}/chat?room={{ room }}`],
    [server, 'http://localhost:3000?token=a', `${server}?token=a`],
    [`${server}/own`, 'http://localhost/other?a=1', `${server}/own?a=1`],
    [`${server}/own?b=2`, 'http://localhost/other?a=1', `${server}/own?b=2`],
    [server, 'http://localhost:3000/', server],
    [server, '', server],
    [server, undefined, server],
    [server, '{{ target }}', server],
  ];
  for (const [url, target, expected] of cases)
    assert.equal(withScenarioPath(url, target), expected, `${url} and ${String(target)}`);
});

test('a target that is only a server says nothing of where users go', () => {
  assert.equal(scenarioPath('http://localhost:3000/'), '');
  assert.equal(scenarioPath(undefined), '');
  assert.equal(scenarioPath('ws://localhost/chat?x=1'), '/chat?x=1');
});
