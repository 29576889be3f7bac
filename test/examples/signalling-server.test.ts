import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Socket } from 'socket.io-client';
import { parse } from 'yaml';
import type { RunningTarget } from '../../src/side/target/running-target.ts';
import { ask, connect, next, root, startExample } from './example-server.ts';

const script = 'examples/signalling-server/server.js';
let server: RunningTarget;
const ends: (() => unknown)[] = [];
const sockets: Socket[] = [];

before(async () => {
  server = await startExample(script, { MEDIA: 'stand-in' }, (end) => ends.push(end));
});
after(async () => {
  for (const socket of sockets) socket.disconnect();
  await server?.[Symbol.asyncDispose]();
  for (const end of ends) end();
});

const user = async (url = server.url): Promise<Socket> => {
  const socket = await connect(url);
  sockets.push(socket);
  return socket;
};

type Emit = { emit: { channel: string; data: Record<string, unknown> } };
const { flow } = (
  parse(readFileSync(join(root, 'scenarios/media-signalling.yml'), 'utf8')) as {
    scenarios: { flow: Emit[] }[];
  }
).scenarios[0]!;
/** What the scenario sends with an event. */
const sent = (event: string): Record<string, unknown> =>
  flow.find(({ emit }) => emit.channel === event)!.emit.data;

const newTransport = async (socket: Socket): Promise<string> => {
  const { ok, transport } = await ask(socket, 'createTransport');
  assert.equal(ok, true);
  return (transport as { id: string }).id;
};

const produce = async (socket: Socket): Promise<string> => {
  const transportId = await newTransport(socket);
  const { dtlsParameters } = sent('connectTransport');
  assert.deepEqual(await ask(socket, 'connectTransport', { transportId, dtlsParameters }), { ok: true });
  const { ok, producerId } = await ask(socket, 'produce', { ...sent('produce'), transportId });
  assert.equal(ok, true);
  return String(producerId);
};

test('what a user sends to go live is accepted, and the others hear of it', async () => {
  const [ann, bob] = await Promise.all([user(), user()]);
  assert.ok(ann && bob);
  const { ok, rtpCapabilities } = await ask(ann, 'getRouterRtpCapabilities');
  assert.equal(ok, true);
  const kinds = (rtpCapabilities as { codecs: { mimeType: string }[] }).codecs.map(
    ({ mimeType }) => mimeType,
  );
  assert.deepEqual(kinds, ['audio/opus', 'video/VP8', 'video/rtx']);
  const heard = next(bob, 'newProducer');
  const producerId = await produce(ann);
  assert.deepEqual(await heard, { producerId, kind: 'video' });

  const transportId = await newTransport(bob);
  const consumed = await ask(bob, 'consume', { transportId, producerId, rtpCapabilities });
  assert.equal(consumed.ok, true);
  assert.equal(consumed.kind, 'video');
  const closed = next(bob, 'producerClosed');
  ann.disconnect();
  assert.deepEqual(await closed, { producerId });
  const gone = await ask(bob, 'consume', { transportId, producerId, rtpCapabilities });
  assert.deepEqual(gone, { ok: false, error: `You cannot consume "${producerId}"` });
});

test('a description of a transport has the parts that a client needs', async () => {
  const { transport } = (await ask(await user(), 'createTransport')) as {
    transport: {
      iceParameters: { usernameFragment: string };
      iceCandidates: { ip: string; protocol: string }[];
      dtlsParameters: { fingerprints: { algorithm: string; value: string }[] };
    };
  };
  assert.match(transport.iceParameters.usernameFragment, /^[0-9a-f]{32}$/);
  assert.deepEqual(
    transport.iceCandidates.map(({ ip, protocol }) => [ip, protocol]),
    [
      ['127.0.0.1', 'udp'],
      ['127.0.0.1', 'tcp'],
    ],
  );
  const sha256 = transport.dtlsParameters.fingerprints.find(({ algorithm }) => algorithm === 'sha-256');
  assert.match(String(sha256?.value), /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
});

test('failures are acknowledged with their reason', async () => {
  const [ann, bob] = await Promise.all([user(), user()]);
  assert.ok(ann && bob);
  const transportId = await newTransport(ann);
  const { dtlsParameters } = sent('connectTransport') as { dtlsParameters: { fingerprints: unknown[] } };
  const good = sent('produce') as { rtpParameters: Record<string, unknown> };
  const wrongCodec = {
    ...good.rtpParameters,
    codecs: [{ mimeType: 'video/AV1', payloadType: 96, clockRate: 90_000 }],
  };
  for (const [who, event, data, error] of [
    [bob, 'connectTransport', { transportId, dtlsParameters }, `You have no transport "${transportId}"`],
    [ann, 'connectTransport', { transportId }, 'missing dtlsParameters'],
    [ann, 'connectTransport', { transportId, dtlsParameters: { role: 'both' } }, 'invalid role "both"'],
    [ann, 'produce', { ...good, transportId, kind: 'smell' }, 'invalid kind "smell"'],
    [ann, 'produce', { transportId, kind: 'video', rtpParameters: {} }, 'missing params.codecs'],
    [
      ann,
      'produce',
      { transportId, kind: 'video', rtpParameters: wrongCodec },
      'unsupported codec [mimeType:video/AV1, payloadType:96]',
    ],
  ] as const)
    assert.deepEqual(await ask(who, event, data), { ok: false, error });
  assert.deepEqual(await ask(ann, 'connectTransport', { transportId, dtlsParameters }), { ok: true });
  assert.deepEqual(await ask(ann, 'connectTransport', { transportId, dtlsParameters }), {
    ok: false,
    error: 'connect() already called',
  });
});

test('transports are counted, freed by leaving, and can be limited', async () => {
  await using small = await startExample(script, { MEDIA: 'stand-in', MAX_TRANSPORTS: '1' }, (end) =>
    ends.push(end),
  );
  const [ann, bob] = await Promise.all([user(small.url), user(small.url)]);
  assert.ok(ann && bob);
  await newTransport(ann);
  assert.deepEqual(await ask(bob, 'createTransport'), {
    ok: false,
    error: 'No transport is left: all 1 are in use',
  });
  ann.disconnect();
  for (let ok = false; !ok; await new Promise((resolve) => setTimeout(resolve, 20)))
    ok = (await ask(bob, 'createTransport')).ok === true;
  const health = (await (await fetch(`${small.url}/health`)).json()) as Record<string, unknown>;
  assert.deepEqual(health, { ok: true, media: 'stand-in', users: 1, transports: 1 });
});

test('mediasoup is asked for by name, or taken where it is installed', async () => {
  const { openMedia } = (await import(join(root, 'examples/signalling-server/media.js'))) as {
    openMedia(wanted: string, ip: string): Promise<{ name: string; close(): void }>;
  };
  await assert.rejects(openMedia('webrtc', '127.0.0.1'), /MEDIA is "auto", "mediasoup" or "stand-in"/);
  const media = await openMedia('auto', '127.0.0.1');
  media.close();
  if (media.name === 'stand-in')
    await assert.rejects(openMedia('mediasoup', '127.0.0.1'), { code: 'ERR_MODULE_NOT_FOUND' });
  else assert.equal(media.name, 'mediasoup');
});
