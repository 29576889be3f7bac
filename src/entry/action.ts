import { startSpareGenerator } from '../generator/spare-generator.ts';
import { guardProcess } from '../host/process-guard.ts';

/** The step of a workflow: everything it is told comes from the environment. A generator loads beside all the rest. */
guardProcess();
startSpareGenerator();
const { actionCommand } = await import('../run/action-command.ts');
process.exitCode = await actionCommand(process.env);
