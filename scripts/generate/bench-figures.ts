import { readFileSync } from 'node:fs';
import type { Figure } from '../../bench/figure.ts';
import { formatCount } from '../../src/metrics/notation.ts';
import { renderTable } from './tables.ts';

/** What a bench printed, as a table: its figures, one JSON object to a line. */
export const renderFigures = (file: string): string =>
  renderTable(
    ['Figure', 'Measured', 'Aim', 'Where'],
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Figure)
      .map(({ figure, value, unit, aim, peer, holds }) => [
        figure,
        `${shown(value)} ${unit}${holds ? '' : ' (not met)'}`,
        aim.replace(/-?\d+(\.\d+)?/, (number) => shown(Number(number))),
        peer,
      ]),
  );

const shown = (value: number): string => (Number.isInteger(value) ? formatCount(value) : String(value));
