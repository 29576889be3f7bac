import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { buildBundle } from '../../scripts/build.ts';
import type { LoadSession } from '../../src/generator/load-session.ts';
import { startLoadSession } from '../../src/generator/start-load-session.ts';
import { generatorCpus } from './processes.ts';
import { benchEngineSettings } from './settings.ts';

let bundle: Promise<string> | null = null;

/** Bundles the generator as it is shipped, from the sources as they are; once for a bench. */
const bundledWorker = async (): Promise<string> => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tailgate-bench-bundle-'));
  process.once('exit', () => void rm(folder, { recursive: true, force: true }));
  await buildBundle(folder, ['load-worker']);
  return path.join(folder, 'load-worker.js');
};

export type SessionFiles = {
  /** The scenario, as YAML or JSON. */
  scenario: unknown;
  /** Text of `processor.cjs` beside it. */
  processor?: string;
};

/**
 * Prepares a load session the way a run does it: a scenario file, the bundled generator in a process of its own on the
 * first core. `resume` starts the load.
 */
export const startSession = async (targetUrl: string, files: SessionFiles): Promise<LoadSession> => {
  bundle ??= bundledWorker();
  const workerPath = await bundle;
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tailgate-bench-'));
  const scenarioPath = path.join(folder, 'scenario.yml');
  await writeFile(scenarioPath, JSON.stringify(files.scenario));
  if (files.processor !== undefined) await writeFile(path.join(folder, 'processor.cjs'), files.processor);
  const session = await startLoadSession(
    {
      scenarioPath,
      environment: null,
      overrides: {},
      variables: {},
      targetUrl,
      rawPath: null,
      engine: benchEngineSettings,
    },
    { logPath: path.join(folder, 'load.log'), cpus: generatorCpus, env: process.env, workerPath },
  );
  return {
    ...session,
    [Symbol.asyncDispose]: async () => {
      await session[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
