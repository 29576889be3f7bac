import { updateGlobalObject } from '../../../node_modules/artillery/dist/lib/core/update-global-object.js';
import { artilleryVersion } from '../../host/versions.ts';

/** The global `artillery` that plugins and processors use. */
export type ArtilleryGlobal = {
  testRunId: string;
  version: string;
  suggestedExitCode: number;
  _exitCode: number;
  extensionEvents: { ext: string; method: (data: unknown) => unknown }[];
  globalEvents: {
    on(event: string, listener: (...args: unknown[]) => void): void;
    emit(event: string, ...args: unknown[]): void;
  };
  runtimeOptions: Record<string, unknown>;
  [key: string]: unknown;
};

export const artilleryGlobal = (): ArtilleryGlobal =>
  (globalThis as unknown as { artillery: ArtilleryGlobal }).artillery;

/**
 * Sets up the global `artillery` as Artillery does in its workers, without its cloud parts. What plugins and processors
 * log goes to the generator's log.
 */
export const prepareArtilleryGlobal = async (testRunId: string): Promise<void> => {
  process.env.LOCAL_WORKER_ID = '1';
  await updateGlobalObject({ version: artilleryVersion });
  const artillery = artilleryGlobal();
  artillery.testRunId = testRunId;
  artillery._exitCode = 0;
  artillery.stash = null;
  artillery.runtimeOptions.legacyReporting = false;
  artillery.globalEvents.on('log', (_options, ...args) => console.log(...args));
};
