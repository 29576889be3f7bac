import { type Fault, type Given, invalid, pass, usage } from '../fault.ts';

type Others = {
  /** Of how many the first believes to be one. */
  count?: number;
  /** Behind the address, for the first. */
  wait?: string;
  host?: string;
  /** Lines of bash that start the others, where $A is the address and $P its port; one shard that does as it should if not given. */
  others?: string;
};

const other = (place: string, more = '', before = ''): string =>
  `(${before} $TG run --shard ${place} --rendezvous "$A" --report-dir other-$RANDOM ${more}) > "log-$RANDOM" 2>&1 &`;

const shards = (
  id: string,
  what: string,
  { count = 2, wait = '20s', host = '127.0.0.1', others = other('2/2') }: Others,
  expected: Pick<Fault, 'verdicts' | 'exits'>,
  more: Partial<Fault> = {},
): Fault => ({
  id: `shards-${id}`,
  what,
  ...expected,
  ...more,
  given: {
    // The second may wait for a first that is gone, or drive on alone: it must end as well.
    shell: `P=$((21000 + RANDOM % 9000)); A=tcp://${host}:$P?wait=${wait}
${others}
$TG run --shard 1/${count} --rendezvous "$A" --json out.json; E=$?; wait; cat log-*; exit $E`,
    env: { TAILGATE_RENDEZVOUS_TOKEN: 'a-token-of-this-fault' },
    timeoutMs: 90_000,
    ...more.given,
  },
});

/** Until the others drive load. */
const whileDriven = 'while ! ls other-*/logs/*.load.log > /dev/null 2>&1; do sleep 0.2; done; sleep 1';
const long: Given = { scenario: { config: { phases: [{ duration: 60, arrivalRate: 8 }] } } };
const hit = (signal: string): string =>
  `$TG run --shard 2/2 --rendezvous "$A" --report-dir other-1 > log-1 2>&1 & O=$!
(${whileDriven}; kill -${signal} $O; ${signal === 'STOP' ? 'sleep 25; kill -KILL $O' : 'true'}) &`;

/** What can go wrong between shards that meet. A part of the load never passes, and nobody waits for ever. */
export const shardFaults: readonly Fault[] = [
  shards('well-behaved', 'nothing', {}, pass),
  shards('absent', 'one of two does not come', { wait: '2s', others: '' }, invalid, {
    says: /1 of 2 shards did not come to the rendezvous within 2 s: 2\./,
  }),
  shards(
    'late',
    'one comes after the first has given up',
    { wait: '2s', others: other('2/2', '', 'sleep 6;') },
    invalid,
    {
      says: /did not come[\s\S]*could not be met/,
    },
  ),
  shards(
    'doubled',
    'two come with one number',
    { count: 3, others: `${other('2/3')}\n${other('2/3')}` },
    invalid,
    {
      says: /Shard 2 is not of this run: two came with the number 2/,
    },
  ),
  shards(
    'second-first',
    'two lead: the second finds its port taken',
    { wait: '4s', others: `${other('1/2')}\n${other('1/2')}` },
    invalid,
  ),
  shards('other-count', 'one believes to be of three', { others: other('2/3') }, invalid, {
    says: /it is one of 3 shards, and shard 1 of 2/,
  }),
  shards('other-seed', 'one has another seed', { others: other('2/2', '--seed 7') }, invalid, {
    says: /it has the seed 7/,
  }),
  shards(
    'other-run',
    'one is of another pipeline',
    { others: other('2/2', '', 'export CI_PIPELINE_ID=7;') },
    invalid,
    {
      says: /it is of run 7, attempt 1/,
    },
  ),
  shards(
    'other-scenario',
    'one has another scenario',
    { others: other('2/2', '--scenario t.yml') },
    invalid,
    {
      says: /its scenario of\s+suite|it has the suites/,
      given: {
        files: {
          't.yml': JSON.stringify({
            config: { phases: [{ duration: 1, arrivalRate: 1 }], socketio: { transports: ['websocket'] } },
            scenarios: [
              { engine: 'socketio', flow: [{ emit: { channel: 'chat', data: 1 }, acknowledge: {} }] },
            ],
          }),
        },
      },
    },
  ),
  shards(
    'broken-scenario',
    'one cannot read its scenario',
    { others: other('2/2', '--scenario gone.yml') },
    invalid,
    {
      says: /Shard 2 dropped out: [\s\S]*gone\.yml/,
    },
  ),
  shards(
    'other-token',
    'one has another token',
    { wait: '4s', others: other('2/2', '', 'export TAILGATE_RENDEZVOUS_TOKEN=another-token-as-long;') },
    invalid,
    {
      says: /Somebody without the\s+token tried to from 127\.0\.0\.1[\s\S]*has another token/,
    },
  ),
  shards('no-token', 'there is no token', {}, usage, {
    says: /is not set, so that anybody could join/,
    given: { env: { TAILGATE_RENDEZVOUS_TOKEN: '' } },
  }),
  shards(
    'nonsense',
    'strangers speak nonsense to the port, and then all come',
    {
      others: `(for i in 1 2 3 4 5 6; do sleep 0.5; (printf 'GET / HTTP/1.1\\r\\n\\r\\n' > /dev/tcp/127.0.0.1/$P; head -c 3000 /dev/urandom > /dev/tcp/127.0.0.1/$P) 2> /dev/null; done) &
${other('2/2', '', 'sleep 3;')}`,
    },
    pass,
  ),
  shards(
    'other-clock',
    'the wall clock of one is an hour ahead, which moves nothing',
    {
      others: other(
        '2/2',
        '',
        'export NODE_OPTIONS="--import=data:text/javascript,const%20now=Date.now;Date.now=()=>now()+3600000";',
      ),
    },
    pass,
  ),
  shards(
    'other-boot',
    'the monotonic clock of one is a day ahead, as on another machine',
    { others: other('2/2').replace('$TG', 'unshare --time --monotonic 86400 --fork $TG') },
    pass,
    { says: /by\s+clocks\s+that\s+agree\s+to\s+within/ },
  ),
  shards(
    'unreachable',
    'the server listens where only the first reaches it',
    { host: '127.0.0.2' },
    invalid,
    {
      says: /Shard 2 dropped out: it cannot reach the server at http:\/\/127\.0\.0\.2:\d+/,
      given: {
        settings: {
          target: {
            start: `exec "${process.execPath}" -e 'require("http").createServer((q, s) => s.end()).listen(process.env.PORT, "127.0.0.1")'`,
          },
          suites: [{ name: 's', scenario: 't.yml' }],
          thresholds: ['http.response.p95 < 250ms'],
        },
        files: {
          't.yml': JSON.stringify({
            config: { phases: [{ duration: 2, arrivalRate: 5 }] },
            scenarios: [{ flow: [{ get: { url: '/' } }] }],
          }),
        },
      },
    },
  ),
  shards('killed', 'one is killed while it drives its part', { others: hit('KILL') }, invalid, {
    says: /Shard 2 dropped out: its connection/,
    given: long,
  }),
  shards('cancelled', 'one is cancelled while it drives its part', { others: hit('TERM') }, invalid, {
    says: /Shard 2 dropped out: it was cancelled/,
    given: long,
  }),
  shards('stopped', 'one stands still while it drives its part', { others: hit('STOP') }, invalid, {
    says: /Shard 2 dropped out: nothing was heard of it for 15 s/,
    given: long,
  }),
];
