import { markdownTable } from 'markdown-table';
import { engines } from '../../src/engines/engine-registry.ts';
import { inputDefinitions, outputDefinitions } from '../../src/settings/inputs.ts';

/** A cell: a pipe or a line break would end it. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

export const renderTable = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  // Not padded: one long cell would widen every row, and a change of it touch all of them.
  markdownTable(
    [head, ...rows].map((row) => row.map(cell)),
    { alignDelimiters: false },
  );

export const renderInputsTable = (): string =>
  renderTable(
    ['Input', 'Meaning', 'Setting that it overrides'],
    inputDefinitions.map((input) => [
      `\`${input.name}\``,
      `${input.description}${input.default === undefined ? '' : ` Default: \`${input.default}\`.`}`,
      input.setting === null ? '' : `\`${input.setting.join('.')}\``,
    ]),
  );

export const renderOutputsTable = (): string =>
  renderTable(
    ['Output', 'Meaning'],
    outputDefinitions.map((output) => [`\`${output.name}\``, output.description]),
  );

/** The engines, with links from docs/scenarios.md. */
export const renderEnginesTable = (): string => {
  const names = (all: readonly string[]) => all.map((name) => `\`${name}\``).join(', ');
  return renderTable(
    ['Engine', 'Speaks', 'Its steps, beside those of all engines', 'Counters that start at 0', 'Page'],
    engines.map(({ name, protocol, stepKeys, counters, page }) => [
      `\`${name}\``,
      protocol,
      names(stepKeys),
      names(counters),
      page === 'scenarios.md' ? 'this one' : `[${page}](${page})`,
    ]),
  );
};

/** `text` with what stands between the markers of `name` replaced. Throws when the markers are missing. */
export const replaceBetweenMarkers = (text: string, name: string, content: string): string => {
  const start = `<!-- generated:${name} -->`;
  const end = `<!-- /generated:${name} -->`;
  const from = text.indexOf(start);
  const to = text.indexOf(end);
  if (from === -1 || to < from) throw new Error(`the markers ${start} and ${end} are missing`);
  return `${text.slice(0, from + start.length)}\n${content}\n${text.slice(to)}`;
};
