import { callProcessor, processorFunction } from '../core/flow/run-function.ts';
import type { Step, StepSpec, VirtualUserContext } from '../core/flow/step.ts';
import { nameWatch } from '../core/flow/watch-names.ts';
import { failStep } from '../core/message/message-user.ts';
import { compileTemplate } from '../core/template/compile-template.ts';
import { TimedMessage } from '../core/timed-message.ts';
import { openSocket } from './open-socket.ts';
import { type SocketSettings, socketOptions } from './socket-options.ts';
import type { WsScope } from './ws-scope.ts';
import { userOf } from './ws-user.ts';

/** What a `connect.function` of the processor may change, as Artillery gives it. */
type WsArguments = { target: string; subprotocols: string[]; options: Record<string, unknown> };

type Connect = {
  target: unknown;
  settings: SocketSettings;
  /** Name of the processor's function that changes the arguments of the connection. */
  change: string | null;
};

/** Compiles `connect`, which is also what a flow without one begins with. */
export const compileConnect = (step: StepSpec, scope: WsScope, place: string): Step => {
  const connect = readConnect(step.connect, scope, place);
  const { timeout, ...settings } = connect.settings as SocketSettings & { timeout?: unknown };
  const { subprotocols, headers, options } = socketOptions(settings, scope.config.tls);
  scope.latencies.add('connect.handshake');
  const target = compileTemplate(connect.target);
  const header = compileTemplate<Record<string, unknown>>(headers);
  // What a step says is watched with the step.
  const watch = connect.settings === scope.config.ws ? nameWatch(scope.config.ws, 'config.ws') : null;
  const timeoutMs = scope.time(step.timeout ?? timeout, scope.timeoutMs, place);
  const change = connect.change === null ? null : processorFunction(scope.config.processor, connect.change);
  // Before a run the processor is only the name of its file.
  if (change === undefined && typeof scope.config.processor !== 'string')
    throw scope.invalid(place, `the processor has no function "${String(connect.change)}"`);

  const open = (args: WsArguments, context: VirtualUserContext, done: (error: unknown) => void) => {
    const user = userOf(context);
    const handshake = new TimedMessage('handshake');
    openSocket(args.target, args.subprotocols, args.options, timeoutMs, (failure, socket) => {
      if (socket === null) {
        handshake.unanswered();
        done(failure);
        return;
      }
      handshake.answered('connect.handshake', performance.now());
      user.opened(socket);
      // Where functions of the processor expect it.
      context.ws = socket;
      done(null);
    });
  };

  return (context, callback) => {
    const user = userOf(context);
    user.place = place;
    if (user.socket !== null) user.close();
    const end = (error: unknown) => {
      if (error === null) callback(null, context);
      else failStep(error, context, place, callback);
    };
    watch?.(context.vars);
    const args: WsArguments = {
      target: String(target.render(context)),
      subprotocols: [...subprotocols],
      options: { ...options, headers: texts(header.render(context)) },
    };
    if (change == null) open(args, context, end);
    else
      callProcessor(change, [args, context], (error) => {
        if (error) end(error);
        else open(args, context, end);
      });
  };
};

/** Compiles `close`: `true`, or an object with `code` and `reason`. */
export const compileClose = (step: StepSpec, scope: WsScope, place: string): Step => {
  const spec = isObject(step.close) ? step.close : {};
  scope.check(spec, ['code', 'reason'], 'close', place);
  const reason = compileTemplate<string>(spec.reason ?? '');
  const code = Number(spec.code ?? 1000);
  if (code !== 1000 && !(code >= 3000 && code <= 4999))
    throw scope.invalid(place, '"code" is 1000, or from 3000 to 4999');
  return (context, callback) => {
    const user = userOf(context);
    user.place = place;
    user.close(code, String(reason.render(context)));
    callback(null, context);
  };
};

function texts(values: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
}

/** A `connect` may name another path of the target alone. */
function absolute(named: string, target: unknown): string {
  return named.startsWith('/') ? `${String(target).replace(/^(\w+:\/\/[^/?]*).*$/, '$1')}${named}` : named;
}

/** Reads `connect` as Artillery does: a URL, an object that replaces `config.ws`, or a function of the processor. */
function readConnect(value: unknown, scope: WsScope, place: string): Connect {
  const { target, ws = {} } = scope.config;
  if (value === undefined || value === true || value === null) return { target, settings: ws, change: null };
  if (typeof value === 'string') return { target: absolute(value, target), settings: ws, change: null };
  if (!isObject(value)) throw scope.invalid(place, '"connect" is a URL or a mapping');
  if (typeof value.function === 'string') return { target, settings: ws, change: value.function };
  const { target: named, url, ...settings } = value;
  const own = named ?? url;
  return {
    target: typeof own === 'string' ? absolute(own, target) : (own ?? target),
    settings: { headers: ws.headers, subprotocols: ws.subprotocols, ...settings },
    change: null,
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
