import { tailgateError } from '../errors.ts';
import { type CapacityReport, capacityReportSchema } from './capacity-model.ts';
import { firstIssue } from './parse-report.ts';

/** Whether a text is the JSON report of a capacity search, fit or not, rather than that of a run. */
export const isCapacityReport = (text: string): boolean => {
  try {
    return (JSON.parse(text) as { kind?: unknown } | null)?.kind === 'capacity';
  } catch {
    return false;
  }
};

/** Reads the JSON report of a capacity search. `path` names it in the error. Throws REPORT_UNREADABLE. */
export const parseCapacityReport = (text: string, path: string): CapacityReport => {
  const result = capacityReportSchema.safeParse(JSON.parse(text));
  if (!result.success) throw tailgateError('REPORT_UNREADABLE', { path, reason: firstIssue(result.error) });
  return result.data;
};
