import type { EngineDescription } from '../core/engine-description.ts';

export const httpDescription: EngineDescription = {
  name: 'http',
  protocol: 'HTTP, by the engine of Artillery',
  page: 'scenarios.md',
  language: 'http',
  engine: { file: 'src/engines/http/http-engine.ts', name: 'HttpEngine' },
  replaces: './engine_http.js',
  stepKeys: [],
  latencies: [],
  counters: ['http.requests', 'http.responses'],
  steps: { kind: 'requests' },
};
