import { Manager, type Socket } from 'socket.io-client';

export type OwnerConnectionOptions = {
  url: string;
  namespace: string;
  path: string;
  transports: ('websocket' | 'polling')[];
  headers: Record<string, string>;
  query: Record<string, string>;
  auth: Record<string, unknown>;
  timeoutMs: number;
};

/** The owner's socket, not yet connected, on a connection of its own that is never opened a second time. */
export const ownerConnection = (options: OwnerConnectionOptions): { manager: Manager; socket: Socket } => {
  const manager = new Manager(options.url, {
    path: options.path,
    transports: options.transports,
    extraHeaders: options.headers,
    query: options.query,
    timeout: options.timeoutMs,
    // A lost room is lost: an owner that came back would own another one.
    reconnection: false,
    autoConnect: false,
    forceNew: true,
  });
  const namespace = options.namespace.startsWith('/') ? options.namespace : `/${options.namespace}`;
  return { manager, socket: manager.socket(namespace, { auth: options.auth }) };
};

type Closable = { transport?: { ws?: { terminate?: () => void } } };

/** Ends the connection; one whose other end does not take part in the closing handshake is cut after `timeoutMs`. */
export const endConnection = async (manager: Manager, socket: Socket, timeoutMs: number): Promise<void> => {
  const { engine } = manager;
  if (engine === undefined || engine.readyState === 'closed') {
    socket.disconnect();
    return;
  }
  let timer: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve) => {
    engine.once('close', () => resolve());
    timer = setTimeout(resolve, timeoutMs);
    socket.disconnect();
    engine.close();
  });
  clearTimeout(timer);
  (engine as unknown as Closable).transport?.ws?.terminate?.();
};
