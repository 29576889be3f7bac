import { registerHooks } from 'node:module';
import { socketIoV3Description } from '../../../src/engines/socketio-v3/socketio-v3-description.ts';

/** Does for Node what the bundler does: the package's requires of Artillery 1 lead to ours. */
registerHooks({
  resolve: (specifier, context, next) => {
    const file = socketIoV3Description.aliases?.[specifier];
    if (file === undefined) return next(specifier, context);
    return { url: new URL(`../../../${file}`, import.meta.url).href, format: 'commonjs', shortCircuit: true };
  },
});
