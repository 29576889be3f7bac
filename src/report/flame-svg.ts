import { formatDuration, formatPair } from '../metrics/notation.ts';
import type { FlameReport } from './report-model.ts';
import { xmlText } from './xml-text.ts';

const width = 1200;
const rowHeight = 22;
const fontSize = 12;
const characterWidth = 7;
/** What is called deeper is not drawn: the profiles have it. */
const deepest = 40;
/** A change by this share of the whole has the strongest colour. */
const strongestShare = 0.1;

/**
 * The stacks of both sides as one flame graph, callers above: as wide as the side that takes longer, red where the head
 * takes longer, green where it takes less. Each frame says its times to who points at it.
 */
export function flameSvg(frames: FlameReport, label: string): string {
  const tops = frames.filter(({ parent }) => parent === null);
  const total = tops.reduce((sum, frame) => sum + widest(frame), 0);
  if (!(total > 0)) return '';
  const places: { x: number; width: number; depth: number }[] = [];
  const used = new Map<number | null, number>();
  for (const [index, frame] of frames.entries()) {
    const above = frame.parent === null ? { x: 0, width, depth: -1 } : places[frame.parent]!;
    const offset = used.get(frame.parent) ?? 0;
    const own = Math.min((widest(frame) / total) * width, Math.max(0, above.width - offset));
    places[index] = { x: above.x + offset, width: own, depth: above.depth + 1 };
    used.set(frame.parent, offset + own);
  }
  const depth = places.reduce((most, place) => Math.max(most, Math.min(place.depth, deepest)), 0);
  const drawn = frames.map((frame, index) => {
    const place = places[index]!;
    if (place.width < 1 || place.depth > deepest) return '';
    const change = (frame.timeUs.head - frame.timeUs.baseline) / total;
    const strength = Math.min(1, Math.abs(change) / strongestShare);
    const colour = change >= 0 ? 'var(--fail)' : 'var(--pass)';
    const room = Math.floor((place.width - 8) / characterWidth);
    const name = frame.name.length <= room ? frame.name : room > 3 ? `${frame.name.slice(0, room - 1)}…` : '';
    const where = frame.file === '' ? '' : ` (${frame.file}:${frame.line})`;
    const times = formatPair(frame.timeUs.baseline / 1000, frame.timeUs.head / 1000, formatDuration);
    const [x, y] = [place.x.toFixed(1), place.depth * rowHeight];
    return `<g><title>${xmlText(`${frame.name}${where}: ${times} a message`, 300)}</title><rect x="${x}" y="${y}" width="${Math.max(0.5, place.width - 1).toFixed(1)}" height="${rowHeight - 1}" fill="var(--band)" stroke="var(--line)"/><rect x="${x}" y="${y}" width="${Math.max(0.5, place.width - 1).toFixed(1)}" height="${rowHeight - 1}" fill="${colour}" fill-opacity="${(0.35 * strength).toFixed(2)}"/>${
      name === ''
        ? ''
        : `<text x="${(place.x + 4).toFixed(1)}" y="${y + 15}" fill="var(--fg)" font-size="${fontSize}">${xmlText(name, 200)}</text>`
    }</g>`;
  });
  return `<svg viewBox="0 0 ${width} ${(depth + 1) * rowHeight}" width="${width}" height="${(depth + 1) * rowHeight}" role="img" aria-label="${xmlText(label, 600)}">${drawn.join('')}</svg>`;
}

const widest = ({ timeUs }: FlameReport[number]): number => Math.max(timeUs.baseline, timeUs.head);
