import { runUsers } from '../socketio/run-users.ts';

/** One of two generator processes: four users in a room, ten messages each. */
const [url, index] = process.argv.slice(2) as [string, string];
const { measured } = await runUsers(url, {
  users: 4,
  config: { socketio: { transports: ['websocket'] } },
  settings: { shard: { index: Number(index), count: 2 }, drainMs: 1_000, timeoutMs: 20_000 },
  flow: [
    { emit: { channel: 'join', data: 'r' }, acknowledge: {}, joins: 'r' },
    // The server confirms when the users of the other process are there, too.
    { think: '300ms' },
    {
      loop: [{ emit: { channel: 'chat', data: { id: '{{ $tag }}' } }, delivery: 'chat' }, { think: '30ms' }],
      count: 10,
    },
    { think: '1500ms' },
  ],
});
process.send!(measured);
