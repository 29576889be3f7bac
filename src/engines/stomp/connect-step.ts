import type { Step, StepSpec } from '../core/flow/step.ts';
import { failStep } from '../core/message/message-user.ts';
import { compileTemplate } from '../core/template/compile-template.ts';
import { TimedMessage } from '../core/timed-message.ts';
import { StompClient } from './stomp-client.ts';
import { openClient, type StompScope, texts } from './stomp-scope.ts';
import { connectKeys, endpointUrl } from './stomp-settings.ts';
import { userOf } from './stomp-user.ts';

/** Compiles `connect`, which is also the first thing that a flow without one does. */
export const compileConnect = (step: StepSpec, scope: StompScope, place: string): Step => {
  const settings = scope.settingsOf(scope.keysOf(step, 'connect', 'target', connectKeys, place), place);
  scope.latencies.add('connect.handshake');
  const target = compileTemplate<string>(settings.target);
  const headers = compileTemplate<Record<string, unknown>>(settings.headers);
  const socketHeaders = compileTemplate<Record<string, unknown>>(settings.socket.headers);
  return (context, callback) => {
    const user = userOf(context);
    user.place = place;
    user.reconnects();
    scope.watch?.(context.vars);
    const handshake = new TimedMessage('handshake');
    user.client = new StompClient(
      {
        url: endpointUrl(String(target.render(context)), settings.path),
        framing: settings.framing,
        subprotocols: settings.socket.subprotocols,
        socketOptions: { ...settings.socket.options, headers: texts(socketHeaders.render(context)) },
        connectHeaders: texts(headers.render(context)),
        heartbeatMs: settings.heartbeatMs,
        connectTimeoutMs: settings.connectTimeoutMs,
        onMessage: (frame, atMs) => user.receive(frame, atMs),
        onLost: (failure) => user.connectionLost(failure),
      },
      (failure) => {
        if (failure === null) {
          handshake.answered('connect.handshake', performance.now());
          callback(null, context);
          return;
        }
        handshake.unanswered();
        failStep(failure, context, place, callback);
      },
    );
  };
};

/** Compiles `disconnect`: DISCONNECT and its RECEIPT. */
export const compileDisconnect = (step: StepSpec, scope: StompScope, place: string): Step => {
  const spec = scope.keysOf(step, 'disconnect', null, ['timeout'], place);
  const timeoutMs = scope.time(spec.timeout, scope.timeoutMs, place);
  return (context, callback) => {
    if (openClient(context, place, callback) === null) return;
    userOf(context).disconnect(timeoutMs, (failure) => {
      if (failure === null) callback(null, context);
      else failStep(failure, context, place, callback);
    });
  };
};
