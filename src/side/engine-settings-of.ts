import type { EngineSettings } from '../engines/core/engine-settings.ts';
import { deliveryRulesOf } from '../scenario/scenario-steps.ts';
import type { MeasureSettings } from '../settings/settings-schema.ts';

/**
 * What the settings of a suite tell the engines of one generator process. `resolve` reads a secret from the
 * environment; it throws SECRET_MISSING.
 */
export const engineSettingsOf = (
  measure: MeasureSettings,
  failureEvents: string[],
  { seed, shard, clock }: Pick<EngineSettings, 'seed' | 'shard' | 'clock'>,
  resolve: (secret: NonNullable<MeasureSettings['jwt']>['secret'], key: string) => string,
  localAddresses: readonly string[] = [],
): EngineSettings => ({
  timeoutMs: measure.timeoutMs,
  drainMs: measure.drainMs,
  observeAcknowledgements: measure.acknowledgements,
  failureEvents,
  refusals: measure.refusals,
  deliveries: deliveryRulesOf(measure),
  jwt:
    measure.jwt === undefined
      ? null
      : { ...measure.jwt, secret: resolve(measure.jwt.secret, 'measure.jwt.secret') },
  seed,
  localAddresses,
  shard,
  ...(clock === undefined ? {} : { clock }),
});
