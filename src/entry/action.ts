import { startSpareGenerator } from '../generator/spare-generator.ts';

/** The step of a workflow: everything it is told comes from the environment. A generator loads beside all the rest. */
startSpareGenerator();
const { actionCommand } = await import('../run/action-command.ts');
process.exitCode = await actionCommand(process.env);
