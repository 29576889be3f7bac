import { fixedRateStep } from '../core/flow/fixed-rate.ts';
import type { Step, StepSpec } from '../core/flow/step.ts';
import type { Send } from './compile-send.ts';
import type { EmitSpec } from './emit-spec.ts';
import { userOf } from './socketio-user.ts';

/** A step that emits at a fixed rate for a fixed time (see `fixedRateStep`). */
export const fixedRate = (spec: StepSpec, emit: EmitSpec, send: Send, place: string): Step =>
  fixedRateStep(
    spec,
    (context, done) => {
      const user = userOf(context);
      user.withNamespace(String(emit.namespace.render(context)), (failure, namespace) => {
        if (failure !== null) {
          done(failure, null);
          return;
        }
        done(null, {
          isConnected: () => namespace.channel.isConnected,
          send: (fromMs, sent) => send(user, namespace, context, fromMs, (failed) => sent(failed)),
        });
      });
    },
    place,
  );
