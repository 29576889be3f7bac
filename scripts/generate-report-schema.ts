/** Writes `report.schema.json` from the report model: `node scripts/generate-report-schema.ts`. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { renderReportSchema } from '../src/report/render-report-schema.ts';

writeFileSync(path.resolve(import.meta.dirname, '../report.schema.json'), renderReportSchema());
