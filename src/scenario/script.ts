export type Json = Record<string, unknown>;

export const isMapping = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** One scenario of a script, or its `before` or `after` section. */
export type ScenarioSpec = {
  name?: string;
  engine?: string;
  weight?: unknown;
  flow: unknown[];
  [key: string]: unknown;
};

/** `config` after environment, overrides, variables and templates. */
export type ScenarioConfig = {
  target?: string;
  phases: Json[];
  payload?: PayloadSpec[];
  plugins?: Record<string, unknown>;
  engines?: Record<string, unknown>;
  processor?: unknown;
  variables?: Json;
  [key: string]: unknown;
};

export type PayloadSpec = {
  path: string;
  fields?: string[];
  order?: string;
  delimiter?: string;
  skipHeader?: boolean;
  skipEmptyLines?: boolean;
  cast?: boolean;
  loadAll?: boolean;
  name?: string;
  options?: Json;
  data?: unknown[][];
};

/** The script in the shape that Artillery's runner takes. */
export type Script = {
  config: ScenarioConfig;
  scenarios: ScenarioSpec[];
  before?: ScenarioSpec;
  after?: ScenarioSpec;
  [key: string]: unknown;
};
