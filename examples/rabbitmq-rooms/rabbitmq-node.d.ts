/** Path of the server's start script, or null where RabbitMQ is not installed. */
export declare const findRabbitMq: () => string | null;

export type RabbitMqNode = AsyncDisposable & {
  /** `ws://127.0.0.1:PORT/ws`; user and password are "guest". */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly logPath: string;
  stop(): Promise<void>;
};

/** Starts a node and waits until a client can connect to it. Rejects with the node's log when it does not start. */
export declare const startRabbitMqNode: (options?: {
  webStompPort?: number;
  readyTimeoutMs?: number;
}) => Promise<RabbitMqNode>;
