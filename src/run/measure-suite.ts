import { type Confirmation, measureAgainstStored } from './measure-against-stored.ts';
import { measureSideBySide } from './measure-side-by-side.ts';
import type { SuiteInputs, SuiteRun } from './suite-run.ts';

/**
 * Measures one suite and judges it. Known failures do not throw: they are in `problems`, with everything that was
 * measured before them.
 */
export const measureSuite = (inputs: SuiteInputs, confirmation: Confirmation): Promise<SuiteRun> =>
  inputs.baseline === null
    ? measureAgainstStored(inputs, confirmation)
    : measureSideBySide(inputs, inputs.baseline);
