/**
 * Modules of Artillery 1 that the package `artillery-engine-socketio-v3` requires and Artillery 2 does not have, with
 * what takes their place; paths from the root of the repository.
 */
export const bundleAliases: Readonly<Record<string, string>> = {
  'artillery/core/lib/engine_util.js': './src/engines/socketio-v3/artillery-1/engine-util.cjs',
  'artillery/core/lib/engine_http.js': './src/engines/socketio-v3/artillery-1/engine-http.cjs',
};
