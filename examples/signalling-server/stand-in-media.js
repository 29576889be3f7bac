/**
 * Stands in for mediasoup: the same messages, checked as mediasoup checks them, and no media. Descriptions are as
 * large as real ones, because their size is a part of what signalling costs.
 */
import { createHash, randomBytes, randomInt, randomUUID } from 'node:crypto';
import { mediaCodecs } from './media.js';

const algorithms = ['sha-1', 'sha-224', 'sha-256', 'sha-384', 'sha-512'];

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

const feedback = {
  audio: [
    { type: 'nack', parameter: '' },
    { type: 'transport-cc', parameter: '' },
  ],
  video: [
    { type: 'nack', parameter: '' },
    { type: 'nack', parameter: 'pli' },
    { type: 'ccm', parameter: 'fir' },
    { type: 'goog-remb', parameter: '' },
    { type: 'transport-cc', parameter: '' },
  ],
};

const webrtc = 'http://www.webrtc.org/experiments/rtp-hdrext';
/** Header extensions that mediasoup announces: URI, id, and its direction for audio and for video. */
const extensions = [
  ['urn:ietf:params:rtp-hdrext:sdes:mid', 1, 'sendrecv', 'sendrecv'],
  ['urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id', 2, null, 'recvonly'],
  ['urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id', 3, null, 'recvonly'],
  [`${webrtc}/abs-send-time`, 4, 'sendrecv', 'sendrecv'],
  ['http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01', 5, 'recvonly', 'sendrecv'],
  [
    'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension',
    8,
    null,
    'recvonly',
  ],
  ['urn:ietf:params:rtp-hdrext:ssrc-audio-level', 10, 'sendrecv', null],
  ['urn:3gpp:video-orientation', 11, null, 'sendrecv'],
  ['urn:ietf:params:rtp-hdrext:toffset', 12, null, 'sendrecv'],
  [`${webrtc}/abs-capture-time`, 13, 'sendrecv', 'sendrecv'],
  [`${webrtc}/playout-delay`, 14, 'sendrecv', 'sendrecv'],
];

const headerExtension = (kind, uri, preferredId, direction) =>
  direction === null ? [] : [{ kind, uri, preferredId, preferredEncrypt: false, direction }];

const rtpCapabilities = {
  codecs: [
    ...mediaCodecs.map((codec, index) => ({
      ...codec,
      rtcpFeedback: feedback[codec.kind],
      parameters: {},
      preferredPayloadType: 100 + index,
    })),
    {
      kind: 'video',
      mimeType: 'video/rtx',
      preferredPayloadType: 102,
      clockRate: 90000,
      parameters: { apt: 101 },
      rtcpFeedback: [],
    },
  ],
  headerExtensions: extensions.flatMap(([uri, id, audio, video]) => [
    ...headerExtension('audio', uri, id, audio),
    ...headerExtension('video', uri, id, video),
  ]),
};

/** Fingerprints of a certificate, which all transports of one server have in common. */
const certificate = randomBytes(512);
const fingerprints = algorithms.map((algorithm) => ({
  algorithm,
  value: createHash(algorithm.replace('-', ''))
    .update(certificate)
    .digest('hex')
    .toUpperCase()
    .replace(/(..)(?=.)/g, '$1:'),
}));

const describeTransport = (listenIp) => ({
  id: randomUUID(),
  iceParameters: {
    usernameFragment: randomBytes(16).toString('hex'),
    password: randomBytes(16).toString('hex'),
    iceLite: true,
  },
  iceCandidates: ['udp', 'tcp'].map((protocol) => ({
    foundation: `${protocol}candidate`,
    priority: protocol === 'udp' ? 1076302079 : 1076276479,
    ip: listenIp,
    address: listenIp,
    protocol,
    port: randomInt(40_000, 50_000),
    type: 'host',
    ...(protocol === 'tcp' ? { tcpType: 'passive' } : {}),
  })),
  dtlsParameters: { fingerprints, role: 'auto' },
});

const checkDtls = (dtlsParameters) => {
  if (!isObject(dtlsParameters)) throw new TypeError('missing dtlsParameters');
  const { role = 'auto', fingerprints: given } = dtlsParameters;
  if (!['auto', 'client', 'server'].includes(role)) throw new TypeError(`invalid role "${role}"`);
  if (!Array.isArray(given) || given.length === 0) throw new TypeError('missing dtlsParameters.fingerprints');
  for (const { algorithm, value } of given) {
    if (!algorithms.includes(algorithm)) throw new TypeError(`invalid algorithm "${algorithm}"`);
    if (typeof value !== 'string' || !/^[0-9A-F]{2}(:[0-9A-F]{2})+$/i.test(value))
      throw new TypeError('invalid fingerprint value');
  }
};

const codecFor = (codec) =>
  rtpCapabilities.codecs.find(
    (own) =>
      own.mimeType.toLowerCase() === String(codec.mimeType).toLowerCase() &&
      own.clockRate === codec.clockRate &&
      (own.channels ?? 1) === (codec.channels ?? 1),
  );

const checkRtp = (kind, rtpParameters) => {
  if (!['audio', 'video'].includes(kind)) throw new TypeError(`invalid kind "${kind}"`);
  if (!isObject(rtpParameters)) throw new TypeError('params is not an object');
  if (!Array.isArray(rtpParameters.codecs)) throw new TypeError('missing params.codecs');
  for (const codec of rtpParameters.codecs) {
    if (typeof codec.payloadType !== 'number') throw new TypeError('missing codec.payloadType');
    if (typeof codec.clockRate !== 'number') throw new TypeError('missing codec.clockRate');
    if (codecFor(codec) === undefined)
      throw new Error(`unsupported codec [mimeType:${codec.mimeType}, payloadType:${codec.payloadType}]`);
  }
  for (const { ssrc, rid } of rtpParameters.encodings ?? []) {
    if (ssrc !== undefined && typeof ssrc !== 'number') throw new TypeError('invalid encoding.ssrc');
    if (rid !== undefined && typeof rid !== 'string') throw new TypeError('invalid encoding.rid');
  }
};

export const openStandIn = (listenIp) => {
  /** What is produced, by id. */
  const producers = new Map();

  const createTransport = async () => {
    const description = describeTransport(listenIp);
    const own = new Set();
    let isConnected = false;
    return {
      description,
      connect: async (dtlsParameters) => {
        checkDtls(dtlsParameters);
        if (isConnected) throw new Error('connect() already called');
        isConnected = true;
      },
      produce: async (kind, rtpParameters) => {
        checkRtp(kind, rtpParameters);
        const id = randomUUID();
        producers.set(id, { kind, rtpParameters });
        own.add(id);
        return id;
      },
      consume: async (producerId, capabilities) => {
        const producer = producers.get(producerId);
        const codec = producer?.rtpParameters.codecs.find((each) =>
          capabilities?.codecs?.some((can) => can.mimeType.toLowerCase() === each.mimeType.toLowerCase()),
        );
        if (codec === undefined) throw new Error(`You cannot consume "${producerId}"`);
        const { preferredPayloadType: payloadType, rtcpFeedback } = codecFor(codec);
        return {
          consumerId: randomUUID(),
          kind: producer.kind,
          rtpParameters: {
            codecs: [{ ...codec, payloadType, rtcpFeedback }],
            headerExtensions: [],
            encodings: [{ ssrc: randomInt(1, 2 ** 32) }],
            rtcp: { cname: producerId.slice(0, 8), reducedSize: true, mux: true },
          },
        };
      },
      close: () => {
        for (const id of own) producers.delete(id);
      },
    };
  };

  return { name: 'stand-in', rtpCapabilities, createTransport, close: () => {}, onDied: () => {} };
};
