import { defaultEngineSettings, type EngineSettings } from '../../src/engines/core/engine-settings.ts';

/** Generous waits: what a bench measures must not be cut off by them. */
export const benchEngineSettings: EngineSettings = {
  ...defaultEngineSettings,
  timeoutMs: 30_000,
  drainMs: 3_000,
};
