import { registerHooks } from 'node:module';
import { bundleAliases } from '../../../src/engines/socketio-v3/bundle-aliases.ts';

/** Does for Node what the bundler does: the package's requires of Artillery 1 lead to ours. */
registerHooks({
  resolve: (specifier, context, next) => {
    const file = bundleAliases[specifier];
    if (file === undefined) return next(specifier, context);
    return { url: new URL(`../../../${file}`, import.meta.url).href, format: 'commonjs', shortCircuit: true };
  },
});
