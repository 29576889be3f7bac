import {
  formatDuration,
  formatPair,
  formatPercentChange,
  formatShare,
  noValue,
  plural,
} from '../metrics/notation.ts';
import { codeSpan, prose } from './escape-markdown.ts';
import { verdictEmoji, verdictWord } from './headline.ts';
import { arrivalNotes, errorRate, type LevelGroup, mainOfLevels, metricNamed } from './level-groups.ts';
import { shrinkingSizes, table } from './markdown-blocks.ts';
import { isChanged, metricRows, valuesOf } from './metric-rows.ts';

/** One table by level, base against head, from the fullest to the shortest. */
export const levelTables = (group: LevelGroup, headLabel: string): string[] => {
  const main = mainOfLevels(group);
  const sizes = shrinkingSizes(group.levels.length, [60, 20, 8]);
  const statistics = ['mean', 'p50', 'p95', 'p99'];
  const rows = group.levels.slice(0, sizes[0]).map(({ name, suite }) => {
    const metric = metricNamed(suite, main);
    const found = metric === null ? [] : metricRows({ metrics: [metric], main });
    const cells = statistics.map((statistic) => {
      if (metric === null) return noValue;
      const { baseline, head } = valuesOf(metric, statistic);
      const values = formatPair(baseline, head, formatDuration);
      const row = found.find((one) => one.statistic === statistic);
      return row?.change && isChanged(row.change)
        ? `${values} **${formatPercentChange(row.change.relative, row.change)}**`
        : values;
    });
    return [
      codeSpan(name, 80),
      ...cells,
      formatPair(errorRate(suite, 'baseline'), errorRate(suite, 'head'), formatShare),
      `${verdictEmoji[suite.verdict]} ${verdictWord[suite.verdict]}`,
    ];
  });
  const title =
    main === null
      ? ''
      : `${codeSpan(main, 120)} by level, baseline → ${headLabel.toLowerCase() === 'this pr' ? 'this PR' : prose(headLabel, 60, false)}:\n\n`;
  const notes = arrivalNotes(group)
    .slice(0, sizes.at(-1))
    .map(({ level, note }) => `- ${codeSpan(level, 80)}: ${note}`);
  return sizes.map((size) => {
    const left = group.levels.length - size;
    const shown = table(
      [['Level', 'Mean', 'p50', 'p95', 'p99', 'Errors', 'Verdict'], ...rows.slice(0, size)],
      ['l', 'r', 'r', 'r', 'r', 'r', 'l'],
    );
    return `${title}${shown}${left > 0 ? `\n\n*and ${plural(left, 'more level')}*` : ''}${notes.length > 0 ? `\n\n${notes.join('\n')}` : ''}`;
  });
};
