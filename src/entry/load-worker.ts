import { keepGlobals } from '../generator/kept-globals.ts';
import { installSeededRandom } from '../generator/virtual-user-random.ts';

// Before anything that keeps Math.random for itself is loaded.
installSeededRandom();
keepGlobals();
const { serveLoadCommands } = await import('../generator/serve-load-commands.ts');
serveLoadCommands();
