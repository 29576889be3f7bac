import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { lintScenario } from '../../src/scenario/lint-scenario.ts';
import { readScenario } from '../../src/scenario/read-scenario.ts';
import { measureSchema } from '../../src/settings/settings-schema.ts';
import { folderWith } from '../generator/load-fixture.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The examples are of users in the room that the settings create. */
const context = { variables: ['room'], hasToken: true, env: {}, wanted: [] };

const problemsOf = async (file: string): Promise<string[]> => {
  const scenario = await readScenario(file, { environment: null, overrides: {}, variables: {} });
  const { problems, warnings } = lintScenario(scenario, measureSchema.parse({}), context);
  return [...problems, ...warnings].map(({ message }) => message);
};

for (const page of ['websocket.md', 'stomp.md']) {
  test(`the scenarios in docs/${page} are valid and measure what they send`, async () => {
    const text = readFileSync(path.join(root, 'docs', page), 'utf8');
    const blocks = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1]!);
    const scenarios = blocks.filter((block) => /^scenarios:/m.test(block));
    assert.ok(scenarios.length > 0);
    for (const scenario of scenarios) {
      await using folder = await folderWith({ 'scenario.yml': scenario });
      assert.deepEqual(await problemsOf(path.join(folder.path, 'scenario.yml')), []);
    }
  });
}

for (const name of ['location-stomp.yml', 'rabbitmq-rooms.yml']) {
  test(`scenarios/${name} is valid in every environment`, async () => {
    const file = path.join(root, 'scenarios', name);
    const { content } = await readScenario(file, { environment: null, overrides: {}, variables: {} });
    const config = content.config as { environments?: Record<string, unknown> };
    for (const environment of [null, ...Object.keys(config.environments ?? {})]) {
      const scenario = await readScenario(file, { environment, overrides: {}, variables: {} });
      const { problems, warnings } = lintScenario(scenario, measureSchema.parse({}), context);
      assert.deepEqual([...problems, ...warnings], [], String(environment));
    }
  });
}
