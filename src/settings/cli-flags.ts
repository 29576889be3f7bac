import { type Command, CommanderError } from 'commander';
import { tailgateError } from '../errors.ts';
import { nearestName } from '../metrics/nearest-name.ts';
import { buildProgram } from './cli-program.ts';
import type { CliRequest } from './cli-request.ts';

/**
 * Reads the words after `tailgate` on a command line. Pure: prints nothing and ends nothing. Throws OPTION_UNKNOWN,
 * COMMAND_UNKNOWN or ARGUMENTS_INVALID.
 */
export const parseCommandLine = (argv: readonly string[], version: string): CliRequest => {
  let request: CliRequest | null = null;
  let printed = '';
  const print = (text: string): void => {
    printed += text;
  };
  const program = buildProgram(version, (understood) => {
    request = understood;
  });
  for (const command of allCommands(program)) {
    command.exitOverride().configureOutput({ writeOut: print, writeErr: print, outputError: () => {} });
    command.showSuggestionAfterError(false).helpOption('-h, --help', 'Print this help.');
  }
  try {
    program.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.version') return { command: 'version', text: version };
    if (error.code === 'commander.helpDisplayed') return { command: 'help', text: printed, asked: true };
    // "commander.help": no command was named, or "help" was.
    if (error.code === 'commander.help') return { command: 'help', text: printed, asked: argv[0] === 'help' };
    throw usageError(error, program, argv);
  }
  if (request === null) throw new Error('commander ran no command and reported no error');
  return request;
};

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

/** What commander found wrong, as an error of the catalogue. */
function usageError(error: CommanderError, program: Command, argv: readonly string[]): Error {
  const command = reached(program, argv);
  const name = command === program ? 'help' : nameOf(command);
  const problem = error.message.replace(/^error: /, '').replace(/\.$/, '');
  const known = command.commands.map((each) => each.name());
  if (error.code === 'commander.unknownOption') {
    const option = firstQuoted(error.message);
    const flags = command.options.map((each) => each.long ?? '');
    const suggestion = nearestName(option, flags);
    return tailgateError('OPTION_UNKNOWN', { option, command: name, suggestion });
  }
  if (error.code === 'commander.unknownCommand') {
    const wanted = firstQuoted(error.message);
    return tailgateError('COMMAND_UNKNOWN', { name: wanted, suggestion: nearestName(wanted, known), known });
  }
  return tailgateError('ARGUMENTS_INVALID', { command: name, problem });
}

/** The command that the words of `argv` reach. */
function reached(program: Command, argv: readonly string[]): Command {
  let command = program;
  for (const word of argv) {
    const next = command.commands.find((each) => each.name() === word);
    if (next === undefined) break;
    command = next;
  }
  return command;
}

function nameOf(command: Command): string {
  return command.parent?.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name();
}

function firstQuoted(message: string): string {
  return /'([^']*)'/.exec(message)?.[1] ?? '';
}
