import type { SourcePosition } from '../errors.ts';
import type { Threshold } from '../metrics/threshold.ts';
import type { SettingPath } from './setting-path.ts';
import type {
  BaselineSettings,
  MeasureSettings,
  RoomSettings,
  Settings,
  TargetSettings,
  VerdictSettings,
} from './settings-schema.ts';

/** One suite, resolved: every setting that holds for it, whichever level of the settings it came from. */
export type SuitePlan = {
  /** `suite`, or `suite/level` for one of its levels of load. */
  name: string;
  /** The level of load that this is, and the suite that it belongs to; null for a suite without levels. */
  level?: { suite: string; name: string } | null;
  /** Absolute path. */
  scenarioPath: string;
  environment: string | null;
  overrides: Record<string, unknown>;
  /** Where each part of the overrides was written, and its path in them; what came last stands first. */
  overridePlaces?: { path: SettingPath; where: SourcePosition }[];
  variables: Record<string, unknown>;
  target: TargetSettings;
  room: RoomSettings | null;
  measure: MeasureSettings;
  thresholds: Threshold[];
  /** Users come in waves, and what stays is judged; absent for a suite whose speed is. */
  endurance?: { minutes: number };
};

/** What will run, in order, and how it will be judged. Pure data; made before anything is started. */
export type RunPlan = {
  suites: SuitePlan[];
  baseline: BaselineSettings;
  verdict: VerdictSettings;
  rounds: number;
  maxMinutes: number;
  /** When the work of both sides is counted, side by side. */
  explain: Settings['explain'];
  /** What is done when both sides ran the same code. */
  sameCode: Settings['sameCode'];
  seed: number;
  reportDir: string;
};

/** Whether a limit is on the delay of the server's event loop, which is then looked at more often than else. */
export const limitsLoopDelay = ({ thresholds }: Pick<SuitePlan, 'thresholds'>): boolean =>
  thresholds.some(({ metric }) => metric === 'server.loopDelay');
