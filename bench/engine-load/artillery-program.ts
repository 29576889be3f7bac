import { runner } from '../../node_modules/artillery/dist/lib/core/runner.js';
import { prepareArtilleryGlobal } from '../../src/generator/artillery/artillery-global.ts';

/**
 * Artillery's own runner, scheduler, engines and metric store in a process of their own, for one script; a function
 * `noop` is there for its flows. Told `run`, it starts; asked `isOver`, it tells whether every user ended.
 */
export type ArtilleryQuestion = 'run' | 'isOver';

await prepareArtilleryGlobal('bench');
const script = JSON.parse(process.argv[2]!) as { config: Record<string, unknown> };
script.config.processor = { noop: (_context: unknown, _events: unknown, done: () => void) => done() };
const events = await runner(script, null, { scriptPath: import.meta.filename });
let isOver = false;
events.on('done', () => {
  isOver = true;
});

process.on('message', (question: ArtilleryQuestion) => {
  if (question === 'run') events.run({});
  process.send?.({ value: isOver });
});
process.on('disconnect', () => process.exit(0));
process.send?.({ value: null });
