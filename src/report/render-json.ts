import { type Report, reportSchema } from './report-model.ts';

/**
 * The report as JSON: the published contract. Keys stand in the order of the schema, so that two reports can be
 * compared line by line, and numbers that JSON cannot hold are refused rather than written as null.
 */
export const renderJson = (report: Report): string =>
  `${JSON.stringify(reportSchema.parse(report), null, 2)}\n`;
