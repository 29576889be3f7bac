/** Writes `report.schema.json` and `capacity.schema.json` from the report models: `node scripts/generate-report-schema.ts`. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { renderCapacitySchema, renderReportSchema } from '../src/report/render-report-schema.ts';

const root = path.resolve(import.meta.dirname, '..');
writeFileSync(path.join(root, 'report.schema.json'), renderReportSchema());
writeFileSync(path.join(root, 'capacity.schema.json'), renderCapacitySchema());
