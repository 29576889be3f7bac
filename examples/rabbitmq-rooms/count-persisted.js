/**
 * Prints how many messages the server on port `argv[2]` has persisted, and how many of those sent are missing. The gate
 * runs it after the load and passes what was sent in TAILGATE_COUNTERS.
 */
import { countMessages, databasePath } from './message-store.js';

const sent = JSON.parse(process.env.TAILGATE_COUNTERS ?? '{}')['messages.sent'];
const persisted = countMessages(databasePath(process.argv[2]));
const missing = sent === undefined ? {} : { missing: Math.max(0, sent - persisted) };
console.log(JSON.stringify({ persisted, ...missing }));
