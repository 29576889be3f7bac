import createArtilleryReader from '../../../node_modules/artillery/dist/lib/core/readers.js';
import { runState } from '../run-state.ts';

/**
 * Takes the place of Artillery's payload readers. In sequence, arrival n gets row n (and begins again after the last),
 * so that several generator processes neither repeat nor lose rows; Artillery gives each worker the rows from the
 * first. Without an order the row is drawn, with the virtual user's own random numbers.
 */
export const createPayloadReader = (
  order: string | undefined,
  spec: unknown,
): ((data: unknown[][]) => unknown) => {
  if (order !== 'sequence') return createArtilleryReader(order, spec);
  return (data) => data[(runState.arrival?.number ?? 0) % data.length];
};
