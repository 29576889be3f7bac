import type { EngineSettings } from '../core/engine-settings.ts';
import type { FlowConfig } from '../core/flow/compile-flow.ts';
import { MessageScope } from '../core/message/message-scope.ts';
import type { SocketSettings } from './socket-options.ts';
import type { WsUserNeeds } from './ws-user.ts';

/** The parts of the script's `config` that this engine reads. */
export type WsConfig = FlowConfig & {
  target?: string;
  timeout?: number | string;
  ws?: SocketSettings & { timeout?: number | string };
  tls?: Record<string, unknown>;
};

/** What the steps of one WebSocket flow share while they are compiled. */
export class WsScope extends MessageScope {
  readonly config: WsConfig;
  readonly needs: WsUserNeeds;

  /** `path` is that of the scenario, for errors. */
  constructor(config: WsConfig, path: string, joinsOnConnect: boolean, engine: EngineSettings) {
    super(path, engine);
    this.config = config;
    this.needs = {
      keepsMessages: false,
      hasDeliveries: false,
      joinsOnConnect,
      failureEvents: engine.failureEvents,
    };
  }

  get timeoutMs(): number {
    const { config } = this;
    return this.time(config.timeout ?? config.ws?.timeout, this.engine.timeoutMs, 'config.ws.timeout');
  }
}
