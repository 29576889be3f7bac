/**
 * Writes `action.yml`, `docs/settings.md` and the tables of inputs and outputs in the README:
 * `node scripts/generate-readme-tables.ts`.
 */
import { documentFiles, writeFiles } from './generate/generated-files.ts';

writeFiles(documentFiles);
