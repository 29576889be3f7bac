import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { StompDecoder } from '../../../src/engines/stomp/stomp-decoder.ts';
import type { StompFrame } from '../../../src/engines/stomp/stomp-frame.ts';

/** One STOMP frame that went through the tap. */
export type TappedFrame = { from: 'client' | 'server'; frame: StompFrame };

/** A WebSocket relay that writes down the STOMP frames between a client and a broker. */
export type WebSocketTap = AsyncDisposable & { url: string; frames: TappedFrame[] };

export const openWebSocketTap = async (targetUrl: string): Promise<WebSocketTap> => {
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    handleProtocols: (offered) => offered.values().next().value ?? false,
  });
  await new Promise((resolve) => server.once('listening', resolve));
  const frames: TappedFrame[] = [];
  server.on('connection', (client) => {
    const target = new WebSocket(targetUrl, client.protocol === '' ? [] : [client.protocol]);
    const recorder = (from: TappedFrame['from']) =>
      new StompDecoder({ onFrame: (frame) => frames.push({ from, frame }) });
    const relay = (from: WebSocket, to: WebSocket, decoder: StompDecoder) => {
      const early: [Buffer, boolean][] = [];
      to.once('open', () => {
        for (const [data, binary] of early.splice(0)) to.send(data, { binary });
      });
      from.on('message', (data: Buffer, binary) => {
        decoder.push(Buffer.from(data));
        if (to.readyState === WebSocket.CONNECTING) early.push([data, binary]);
        else if (to.readyState === WebSocket.OPEN) to.send(data, { binary });
      });
      from.on('close', () => to.close());
      from.on('error', () => to.terminate());
    };
    relay(client, target, recorder('client'));
    relay(target, client, recorder('server'));
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws`,
    frames,
    [Symbol.asyncDispose]: async () => {
      for (const client of server.clients) client.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
