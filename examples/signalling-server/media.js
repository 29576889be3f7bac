/**
 * What the signalling needs of a media server:
 *
 *   { name, rtpCapabilities, createTransport(), close(), onDied(listener) }
 *   transport: { description, connect(dtlsParameters), produce(kind, rtpParameters) -> id,
 *                consume(producerId, rtpCapabilities) -> { consumerId, kind, rtpParameters }, close() }
 */

/** Codecs that the server forwards. */
export const mediaCodecs = [
  { kind: 'audio', mimeType: 'audio/opus', clockRate: 48000, channels: 2 },
  { kind: 'video', mimeType: 'video/VP8', clockRate: 90000 },
];

/** Opens mediasoup, or what stands in for it. With "auto" the latter only where mediasoup is not installed. */
export const openMedia = async (wanted, listenIp) => {
  if (!['auto', 'mediasoup', 'stand-in'].includes(wanted))
    throw new Error(`MEDIA is "auto", "mediasoup" or "stand-in", not "${wanted}"`);
  if (wanted !== 'stand-in') {
    try {
      const { openMediasoup } = await import('./mediasoup-media.js');
      return await openMediasoup(listenIp);
    } catch (error) {
      if (wanted === 'mediasoup' || error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    }
  }
  const { openStandIn } = await import('./stand-in-media.js');
  return openStandIn(listenIp);
};
