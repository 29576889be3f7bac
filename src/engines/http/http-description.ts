import type { EngineDescription } from '../core/engine-description.ts';

export const httpDescription: EngineDescription = {
  name: 'http',
  engine: { file: 'src/engines/http/http-engine.ts', name: 'HttpEngine' },
  replaces: './engine_http.js',
  stepKeys: [],
  latencies: [],
  counters: ['http.requests', 'http.responses'],
  steps: { kind: 'requests' },
};
