import { messageSteps } from '../core/message/message-steps.ts';
import { compileClose, compileConnect } from './connect-step.ts';
import { compileSend } from './send-step.ts';
import { compileWait } from './wait-step.ts';
import type { WsScope } from './ws-scope.ts';

/** The steps of the engine `ws`. */
export const wsSteps = messageSteps<WsScope>(
  { connect: compileConnect, send: compileSend, wait: compileWait, close: compileClose },
  ['connect', 'close'],
);
