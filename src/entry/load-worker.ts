import { installSeededRandom } from '../load/virtual-user-random.ts';

// Before anything that keeps Math.random for itself is loaded.
installSeededRandom();
const { serveLoadCommands } = await import('../load/serve-load-commands.ts');
serveLoadCommands();
