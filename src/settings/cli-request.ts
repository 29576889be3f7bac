import type { RawInputs } from './inputs.ts';

/** Files that a report is written to, as given; undefined where the flag is absent. */
export type ReportFiles = {
  json?: string | undefined;
  markdown?: string | undefined;
  html?: string | undefined;
  junit?: string | undefined;
  csv?: string | undefined;
  openmetrics?: string | undefined;
  otlp?: string | undefined;
};

/** A command line that was understood. `inputs` go to `loadSettings`; the rest is the command's own. */
export type CliRequest =
  | {
      command: 'run';
      inputs: RawInputs;
      files: ReportFiles;
      quiet: boolean;
      /** Port at which the page is served while it is measured: any if 0; not served if undefined. */
      dashboard: number | undefined;
    }
  /** The folder is the input `merge`. */
  | { command: 'merge'; inputs: RawInputs; files: ReportFiles; quiet: boolean }
  | { command: 'validate'; inputs: RawInputs }
  | { command: 'demo' }
  | {
      command: 'init';
      /** Ask nothing. */
      yes: boolean;
      start: string | undefined;
      ci: 'github' | 'gitlab' | 'jenkins' | undefined;
      /** Run what was written for ten seconds. */
      run: boolean;
      force: boolean;
    }
  | { command: 'doctor'; inputs: RawInputs }
  | { command: 'import'; file: string; out: string | undefined; force: boolean }
  | {
      command: 'record';
      /** HAR files; each is a role. A relay to `target` records if there are none. */
      hars: string[];
      target: string | undefined;
      /** Of the relay; any free one if 0. */
      port: number;
      out: string;
      /** How long the relay records; until it is told to end if undefined. */
      seconds: number | undefined;
      replay: boolean;
      force: boolean;
    }
  | { command: 'completion'; text: string }
  | { command: 'baseline show'; inputs: RawInputs; json: string | undefined }
  | { command: 'baseline record'; inputs: RawInputs; files: ReportFiles; quiet: boolean }
  | {
      command: 'baseline accept';
      inputs: RawInputs;
      /** Record of the run to accept; that of the last run in the report folder if undefined. */
      record: string | undefined;
      by: string | undefined;
      why: string;
    }
  | { command: 'compare'; inputs: RawInputs; before: string; after: string; files: ReportFiles }
  | {
      command: 'explain';
      inputs: RawInputs;
      /** Commits or folders. */
      base: string | undefined;
      head: string | undefined;
      json: string | undefined;
    }
  | {
      command: 'bisect';
      inputs: RawInputs;
      good: string;
      bad: string;
      /** The share of a matrix that this job measures; a whole search if undefined. */
      job: { number: number; of: number } | undefined;
      minutes: number;
      json: string | undefined;
    }
  | { command: 'report'; report: string; files: ReportFiles }
  | {
      command: 'capacity';
      /** Its own flags are in the input `capacity`. */
      inputs: RawInputs;
      files: ReportFiles;
      quiet: boolean;
      dashboard: number | undefined;
    }
  | {
      command: 'verify';
      inputs: RawInputs;
      /** Jobs that compare the server with itself. */
      aa: number;
      /** Factors by which the service time of the head is multiplied, and the jobs at each. */
      inject: number[];
      jobs: number;
      /** Environment variable by which the server takes a factor; the preload of Node servers is used if undefined. */
      injectEnv: string | undefined;
      /** Pairs that are measured in whole rounds as well, one side after the other; 0 for none. */
      roundPairs: number;
      /** JSON-lines file of raw values; a file that exists is continued. */
      raw: string | undefined;
      /** Pairs after which a job ends once its verdict stands; all of them if undefined. */
      pairs: number | undefined;
      /** Jobs that this command runs; all that are left if undefined. */
      atMost: number | undefined;
    }
  /** `asked` is false when help is shown because no command was named, which is a usage error. */
  | { command: 'help'; text: string; asked: boolean }
  | { command: 'version'; text: string };
