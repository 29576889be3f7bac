import { verdictSchema } from '../src/settings/settings-schema.ts';

/** The verdict settings of someone who sets none. */
export const defaultVerdictSettings = verdictSchema.parse({});
