/**
 * What the gate asks after the load: how many messages are in the database, and how many of those that were sent are
 * not. Prints { persisted, lost }. The environment is that of the server; Tailgate adds what it counted.
 */
import { countMessages } from './message-store.js';
import { databaseFile } from './test-database.js';

const sentIn = (name) => JSON.parse(process.env[name] ?? '{}')['messages.sent'] ?? 0;

const persisted = countMessages(databaseFile(process.env, process.env.TAILGATE_SERVER_DIR ?? process.cwd()));
const sent = sentIn('TAILGATE_COUNTERS') + sentIn('TAILGATE_WARM_UP_COUNTERS');
console.log(JSON.stringify({ persisted, lost: sent - persisted }));
