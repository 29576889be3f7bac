import { capacityReportSchema } from './capacity-model.ts';
import { type AnyReport, isCapacity } from './document-of.ts';
import { reportSchema } from './report-model.ts';

/**
 * A report as JSON: the published contract. Keys stand in the order of the schema, so that two reports can be
 * compared line by line, and numbers that JSON cannot hold are refused rather than written as null.
 */
export const renderJson = (report: AnyReport): string => {
  const checked = isCapacity(report) ? capacityReportSchema.parse(report) : reportSchema.parse(report);
  return `${JSON.stringify(checked, null, 2)}\n`;
};
