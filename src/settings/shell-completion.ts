import type { Command } from 'commander';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** The script that completes commands and flags in a shell: `source <(tailgate completion bash)`. */
export function shellCompletion(program: Command, shell: Shell): string {
  const paths = wordsByPath(program);
  if (shell === 'fish') return fishScript(program);
  const cases = [...paths].map(([path, words]) => `    '${path}') words='${words.join(' ')}' ;;`);
  const bash = `_tailgate() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" path='' words='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) case "$path $word" in ${nested(paths)}) path="\${path:+$path }$word" ;; esac ;; esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$cur"))
}
complete -F _tailgate tailgate
`;
  return shell === 'zsh' ? `autoload -U +X bashcompinit && bashcompinit\n${bash}` : bash;
}

/** What may follow each command: its commands, and its flags. */
function wordsByPath(command: Command, path: readonly string[] = []): Map<string, string[]> {
  const own = [
    ...command.commands.map((one) => one.name()),
    ...command.options.flatMap(({ long }) => long ?? []),
    '--help',
  ];
  return new Map([
    [path.join(' '), own],
    ...command.commands.flatMap((one) => [...wordsByPath(one, [...path, one.name()])]),
  ]);
}

/** Patterns of the words that lead on, each after the path before it: ' run' and 'baseline show'. */
const nested = (paths: ReadonlyMap<string, string[]>): string =>
  [...paths.keys()]
    .filter((path) => path !== '')
    .map((path) => (path.includes(' ') ? `'${path}'` : `' ${path}'`))
    .join('|');

function fishScript(program: Command): string {
  const text = (description: string): string => `'${description.replaceAll("'", "\\'")}'`;
  const flags = (command: Command, when: string): string[] =>
    command.options.map(
      ({ long, description }) =>
        `complete -c tailgate -n ${text(when)} -l ${(long ?? '').replace('--', '')} -d ${text(description)}`,
    );
  return `${program.commands
    .flatMap((command) => [
      `complete -c tailgate -n '__fish_use_subcommand' -f -a ${command.name()} -d ${text(command.description())}`,
      ...flags(command, `__fish_seen_subcommand_from ${command.name()}`),
      ...command.commands.flatMap((inner) => [
        `complete -c tailgate -n '__fish_seen_subcommand_from ${command.name()}' -f -a ${inner.name()} -d ${text(inner.description())}`,
        ...flags(
          inner,
          `__fish_seen_subcommand_from ${inner.name()}; and __fish_seen_subcommand_from ${command.name()}`,
        ),
      ]),
    ])
    .join('\n')}\n`;
}
