import { any, type Fault, fail, invalid, noPass, pass } from '../fault.ts';

const server = (
  habit: string,
  what: string,
  expected: Pick<Fault, 'verdicts' | 'exits'>,
  more: Partial<Fault> = {},
): Fault => ({ id: `server-${habit}`, what, ...expected, ...more, given: { server: habit, ...more.given } });

const engine =
  (name: 'ws' | 'stomp') =>
  (
    habit: string,
    what: string,
    expected: Pick<Fault, 'verdicts' | 'exits'>,
    more: Partial<Fault> = {},
  ): Fault =>
    server(`${name}-${habit}`, what, expected, { ...more, given: { engine: name, ...more.given } });
const ws = engine('ws');
const stomp = engine('stomp');

const room = {
  room: {
    create: { event: 'createRoom', data: {}, expect: { ok: true } },
    delete: { event: 'deleteRoom', data: {} },
    timeoutMs: 1_000,
  },
};
const withRoom = { given: { settings: room } };
const disconnects = { ...fail, says: /disconnect|not connected/ } as const;

/** Servers that start, end, answer or speak as no server should. */
export const servers: readonly Fault[] = [
  server('well-behaved', 'nothing', pass, { quick: true }),
  // start and end
  server('exits-at-once', 'ends before it is ready', invalid, { says: /exit code 3/, quick: true }),
  server('exits-soon', 'ends right after it was ready', invalid),
  server('exits', 'ends in the middle of the load', invalid, { says: /exit code 9/ }),
  server('exits-well', 'ends in the middle with code 0', invalid, { says: /exit code 0/ }),
  server('crashes', 'crashes in the middle', invalid, { says: /SIGSEGV/ }),
  server('is-killed', 'is killed in the middle', invalid, { says: /SIGKILL/ }),
  server('is-stopped', 'is stopped by a signal in the middle', noPass),
  server('stands-still', 'stands still for ten seconds', noPass),
  server('leaks', 'takes memory until it dies', noPass, {
    given: { settings: { target: { env: { NODE_OPTIONS: '--max-old-space-size=200' } } } },
  }),
  server('dies-of-first', 'dies after its first connection', invalid),
  server('dies-of-many', 'dies of its eighth connection', invalid),
  server('never-listens', 'never listens', invalid, { says: /not ready|never/ }),
  server('other-port', 'listens on another port', invalid),
  server('ignores-signals', 'ignores SIGTERM', pass),
  server('daemon', 'leaves a daemon in a session of its own', pass),
  server('daemon-twice', 'leaves a daemon of a daemon', pass),
  server('daemon-clean', 'leaves a daemon with an emptied environment', pass, { quick: true }),
  server('daemon-late', 'makes such a daemon while it is stopped', pass),
  server('floods-its-log', 'prints without end', any),
  server('logs-without-lines', 'prints without line breaks', any),
  server('logs-commands', 'prints runner commands and terminal sequences', pass),
  // the connection
  server('tcp-silent', 'accepts and says nothing', noPass),
  server('tcp-garbage', 'answers with random bytes', noPass),
  server('tcp-slow', 'answers a byte in a while', noPass),
  server('tcp-endless-head', 'answers with headers without end', noPass),
  server('http-silent', 'never answers a request', noPass),
  server('http-401', 'refuses with 401', noPass, { says: /401/ }),
  server('http-302', 'redirects the handshake', noPass, { says: /302/ }),
  server('http-503', 'refuses with 503', noPass, { says: /503/ }),
  server('http-503-half', 'refuses every second user', fail, { says: /503/ }),
  server('drops-all', 'drops every connection', noPass),
  server('never-opens', 'never opens a session', noPass),
  server('never-connects', 'never confirms the namespace', noPass),
  server('opens-twice', 'opens a session twice', any),
  server('open-half', 'opens with half a packet', invalid, { says: /connect error/ }),
  server('open-half-sometimes', 'opens with half a packet for every fifth user', fail, {
    says: /connect error/,
    quick: true,
    also: ({ report }) =>
      report?.suites[0]?.problems.some(({ code }) => code === 'LOAD_FAILED')
        ? 'the generator is blamed'
        : null,
  }),
  server('open-null', 'opens with null', invalid, { says: /connect error/ }),
  server('open-types', 'opens with values of wrong types', invalid, { says: /connect error/ }),
  server('open-zero-ping', 'wants a ping at once', noPass),
  server('open-huge-ping', 'wants a ping in 1e308 ms', any),
  server('open-proto', 'opens with a prototype', any),
  server('refuses-all', 'refuses all with hostile text', noPass, { says: /connect refused/ }),
  server('refuses-with-numbers', 'refuses each user with a text of its own', noPass, {
    given: { scenario: { config: { phases: [{ duration: 1.5, arrivalRate: 120 }] } } },
    also: ({ report }) => {
      const names = report?.suites[0]?.errors.length ?? 0;
      return names <= 101 ? null : `${names} names of errors`;
    },
  }),
  server('refuses-some', 'refuses every fourth user', fail),
  server('refuses-proto', 'refuses with the name of a prototype', noPass),
  server('refuses-objects', 'refuses with an object', noPass),
  // the protocol
  server('unknown-packets', 'sends packets that Engine.IO does not know', disconnects, { quick: true }),
  server('empty-text', 'sends an empty packet', disconnects),
  server('noise-packets', 'sends pongs, upgrades and noops', pass),
  server('broken-packets', 'sends packets that are no JSON', disconnects),
  server('reserved-event', 'sends an event with a reserved name', any),
  server('event-error', 'sends an event named "error"', any),
  server('placeholder-out-of-range', 'announces an attachment that is not there', disconnects),
  server('endless-attachments', 'announces billions of attachments', noPass),
  server('unannounced-binary', 'sends binary data that no packet announced', disconnects, { quick: true }),
  server('text-for-attachment', 'sends text where an attachment is due', disconnects),
  server('deep-json', 'sends JSON nested 50,000 deep', any),
  server('big-messages', 'sends messages of megabytes', any),
  server('not-utf8', 'sends text that is not UTF-8', disconnects, { quick: true }),
  server('reserved-bits', 'sets reserved bits', disconnects),
  server('masked-frames', 'masks its frames', disconnects),
  server('bad-opcode', 'uses a reserved opcode', disconnects),
  server('big-control-frame', 'sends a control frame that is too long', disconnects),
  server('split-control-frame', 'splits a control frame', disconnects),
  server('endless-length', 'announces a frame of 2^53 bytes', disconnects),
  server('continuation-first', 'continues a message that never began', disconnects),
  server('bad-close-code', 'closes with a code that is none', noPass),
  server('endless-fragments', 'never ends a fragmented message', any),
  server('leaves-namespace', 'puts every user out of the namespace', noPass),
  server(
    'closes-session',
    'asks for the end of the transport, which clients over WebSocket do not heed',
    pass,
  ),
  server('ping-flood', 'sends hundreds of pings a second', any),
  server('exception-flood', 'sends hundreds of exceptions a second', fail, { says: /exception/ }),
  // acknowledgements
  server('answers-never', 'never acknowledges', noPass, { says: /ack timeout/, quick: true }),
  server('answers-never-mostly', 'acknowledges one user in ten', noPass, { says: /ack timeout/ }),
  server('answers-twice', 'acknowledges twice', pass, {
    also: ({ report }) => {
      const count = report?.suites[0]?.metrics.find(({ id }) => id === 'chat.ack')?.head?.count ?? 0;
      return count > 0 && count <= 48 ? null : `${count} acknowledgements of 48 messages`;
    },
  }),
  server('answers-late', 'acknowledges after the time-out', noPass, { says: /ack timeout/ }),
  server('answers-slow', 'acknowledges in 400 ms, over the limit', fail),
  server('answers-wrong-id', 'acknowledges what was never sent', noPass, { says: /ack timeout/ }),
  server('answers-early-ids', 'acknowledges ahead', any),
  server('answers-odd-types', 'acknowledges with what is no list', noPass),
  server('answers-refusals', 'acknowledges with a refusal', any),
  server('answers-huge', 'acknowledges with a megabyte', any),
  server('answers-half-binary', 'never sends the attachment of an acknowledgement', noPass),
  server('answers-binary', 'acknowledges with binary data', pass),
  // the room
  server('room-refused', 'refuses the room', invalid, { ...withRoom, says: /refused/ }),
  server('room-silent', 'never answers for the room', invalid, withRoom),
  server('room-lost', 'drops the owner of the room', invalid, withRoom),
  server('room-left', 'puts the owner out of the room', invalid, withRoom),
  server('room-kept', 'refuses to delete the room', pass, { ...withRoom, says: /not deleted/ }),
  server('room-stays', 'never answers whether the room is deleted', pass, withRoom),
  // ws
  ws('well', 'nothing', pass),
  ws('silent', 'never answers', noPass, { says: /response timeout/ }),
  ws('late', 'answers after the time-out', noPass, { says: /response timeout/ }),
  ws('closes', 'closes with a protocol error', noPass),
  ws('drops', 'drops the connection', noPass),
  ws('half-json', 'answers with half a JSON', noPass),
  ws('binary', 'answers with bytes', noPass),
  ws('huge', 'answers with megabytes', noPass),
  ws('deep', 'answers with JSON nested 50,000 deep', noPass),
  ws('null', 'answers with null', noPass),
  ws('number', 'answers with a number', noPass),
  ws('twice', 'answers twice', any),
  ws('proto', 'answers with a prototype', any),
  // STOMP
  stomp('well', 'nothing', pass),
  stomp('silent', 'never confirms the connection', noPass, { says: /connect timeout/ }),
  stomp('error', 'refuses with a hostile ERROR', noPass, { says: /STOMP error/ }),
  stomp('no-colon', 'sends a header without a colon', noPass),
  stomp('garbage', 'answers with random bytes', noPass),
  stomp('huge-head', 'answers with 50,000 headers', any),
  stomp('version', 'speaks a version that does not exist', any),
  stomp('heartbeat', 'offers heart-beats that are no numbers', any),
  stomp('receipt-first', 'sends a receipt before it is connected', any),
  stomp('line-feeds', 'sends 50,000 line feeds', any),
  stomp('no-receipt', 'sends no receipts', noPass, { says: /receipt timeout/ }),
  stomp('receipt-late', 'sends receipts after the time-out', noPass, { says: /receipt timeout/ }),
  stomp('receipt-wrong', 'sends receipts of others', noPass, { says: /receipt timeout/ }),
  stomp('receipt-none', 'sends receipts without an id', noPass),
  stomp('receipt-twice', 'sends receipts twice', any),
  stomp('bad-length', 'lies about the length of a message', noPass),
  stomp('huge-length', 'announces a message of terabytes', noPass),
  stomp('bad-escape', 'escapes what cannot be escaped', noPass),
  stomp('endless', 'never ends a message', noPass),
  stomp('unknown', 'sends a command that is none', any),
  stomp('error-mid', 'sends an ERROR in the middle', noPass, { says: /STOMP error/ }),
  stomp('no-subscription', 'sends a message of no subscription', any),
];
