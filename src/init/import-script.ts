import { importArtillery } from './import-artillery.ts';
import { importJmeter } from './import-jmeter.ts';
import { importK6 } from './import-k6.ts';
import type { Imported, ReadBeside } from './script-text.ts';

/**
 * Takes over a shell script around `artillery run`, the WebSocket part of a k6 script, or the WebSocket samplers of a
 * JMeter plan, as far as they map. Null for anything else.
 */
export const importScript = (text: string, readBeside: ReadBeside): Imported | null => {
  if (/<jmeterTestPlan/.test(text)) return importJmeter(text);
  if (/from\s+['"]k6\/(?:experimental\/)?(?:ws|websockets)['"]/.test(text)) return importK6(text);
  if (/\bartillery\s+run\b/.test(text)) return importArtillery(text, readBeside);
  return null;
};
