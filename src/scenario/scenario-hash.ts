import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { ScenarioInputs } from './merge-script.ts';
import type { ScenarioSource } from './scenario-source.ts';
import { scenarioPath } from './scenario-target.ts';
import { isMapping } from './script.ts';

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isMapping(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  );
};

/**
 * SHA-256 of everything that decides what is run, in hexadecimal: the script (of its target the path alone), the inputs,
 * and the files.
 */
export const scenarioHash = async (
  source: ScenarioSource,
  inputs: ScenarioInputs,
  files: string[],
): Promise<string> => {
  const config = isMapping(source.content.config) ? source.content.config : {};
  const { target, ...others } = config;
  const path = scenarioPath(target);
  const rest = path === '' ? others : { ...others, target: path };
  const hash = createHash('sha256');
  hash.update(JSON.stringify(sorted({ ...source.content, config: rest, inputs })));
  for (const file of files) {
    hash.update('\0');
    hash.update(existsSync(file) ? await readFile(file) : '');
  }
  return hash.digest('hex');
};
