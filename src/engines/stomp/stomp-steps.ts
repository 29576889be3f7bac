import { messageSteps } from '../core/message/message-steps.ts';
import { compileAck } from './ack-step.ts';
import { compileConnect, compileDisconnect } from './connect-step.ts';
import { compileSend } from './send-step.ts';
import type { StompScope } from './stomp-scope.ts';
import { compileSubscribe, compileUnsubscribe } from './subscribe-steps.ts';
import { compileWaitFor } from './wait-step.ts';

/** The steps of the engine `stomp`. */
export const stompSteps = messageSteps<StompScope>(
  {
    connect: compileConnect,
    subscribe: compileSubscribe,
    unsubscribe: compileUnsubscribe,
    send: compileSend,
    waitFor: compileWaitFor,
    ack: (step, scope, place) => compileAck('ACK', step, scope, place),
    nack: (step, scope, place) => compileAck('NACK', step, scope, place),
    disconnect: compileDisconnect,
  },
  ['connect'],
  ['ack'],
);
