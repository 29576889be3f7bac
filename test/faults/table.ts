import type { Fault } from './fault.ts';
import { cancellations } from './table/cancelled.ts';
import { environment } from './table/environment.ts';
import { missingData } from './table/missing-data.ts';
import { scenarioCode } from './table/scenario-code.ts';
import { secrets } from './table/secrets.ts';
import { servers } from './table/servers.ts';
import { shardFaults } from './table/shards.ts';
import { stores } from './table/stores.ts';

/** Every fault that is tried, by what is at fault. */
export const faults: readonly { title: string; about: string; faults: readonly Fault[] }[] = [
  {
    title: 'Servers',
    about:
      'A server that breaks the protocol, or itself, is blamed, and only it. What it does is an error of those users.',
    faults: servers,
  },
  {
    title: 'Code of the scenario',
    about: 'Processors and payload files can end or block the load, and cannot make a verdict.',
    faults: scenarioCode,
  },
  {
    title: 'Missing data',
    about: 'What a limit needs is not there. None of these passes.',
    faults: missingData,
  },
  {
    title: 'Signals',
    about: 'After 3 seconds nothing runs that Tailgate started, even when it was killed itself.',
    faults: cancellations,
  },
  {
    title: 'Surroundings',
    about: 'Pipes, disks, folders and limits change no verdict and no exit code.',
    faults: environment,
  },
  {
    title: 'Stored records',
    about: 'What was accepted is there, and what is not ours stays as it was.',
    faults: stores,
  },
  {
    title: 'Shards that meet',
    about: 'A part of the load never passes, and nobody waits for ever.',
    faults: shardFaults,
  },
  {
    title: 'Secrets',
    about:
      'Seven secrets, each under another setting; none of them stands in the output, a report, a log or a record.',
    faults: secrets,
  },
];
