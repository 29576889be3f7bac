import * as original from '../../../node_modules/artillery/dist/lib/commons/engine_util.js';
import * as jitter from '../../../node_modules/artillery/dist/lib/commons/jitter.js';
import { createThink } from './create-think.ts';

/** Takes the place of Artillery's helpers for engines: thinks run on the load clock, the rest is Artillery's own. */
const engineUtil = { ...original, createThink };

export { engineUtil as engine_util, jitter };
