/**
 * Media by mediasoup, one worker and one router. Its package builds or downloads a worker at install, which not every
 * machine can; `npm install mediasoup` in this folder brings it.
 */
import { createWorker } from 'mediasoup';
import { mediaCodecs } from './media.js';

const asTransport = (transport, router) => ({
  description: {
    id: transport.id,
    iceParameters: transport.iceParameters,
    iceCandidates: transport.iceCandidates,
    dtlsParameters: transport.dtlsParameters,
  },
  connect: async (dtlsParameters) => await transport.connect({ dtlsParameters }),
  produce: async (kind, rtpParameters) => (await transport.produce({ kind, rtpParameters })).id,
  consume: async (producerId, rtpCapabilities) => {
    if (!router.canConsume({ producerId, rtpCapabilities }))
      throw new Error(`You cannot consume "${producerId}"`);
    const consumer = await transport.consume({ producerId, rtpCapabilities, paused: true });
    return { consumerId: consumer.id, kind: consumer.kind, rtpParameters: consumer.rtpParameters };
  },
  close: () => transport.close(),
});

export const openMediasoup = async (listenIp) => {
  const worker = await createWorker({ logLevel: 'warn' });
  const router = await worker.createRouter({ mediaCodecs });
  return {
    name: 'mediasoup',
    rtpCapabilities: router.rtpCapabilities,
    createTransport: async () => {
      const listenInfos = [
        { protocol: 'udp', ip: listenIp },
        { protocol: 'tcp', ip: listenIp },
      ];
      return asTransport(await router.createWebRtcTransport({ listenInfos, enableTcp: true }), router);
    },
    close: () => worker.close(),
    onDied: (listener) => worker.on('died', listener),
  };
};
