import type { Command, Option } from 'commander';
import { CliError, exitCode } from './exit-code.ts';

/** What a shell can complete of one command: its own words and, for `config check` and the like, the words before it. */
type Node = { path: string; description: string; options: readonly Option[]; commands: readonly Node[] };

const shells = ['bash', 'zsh', 'fish'] as const;

function nodeOf(command: Command, path: string): Node {
  const commands = command.commands
    .filter(sub => sub.name() !== 'help')
    .map(sub => nodeOf(sub, path === '' ? sub.name() : `${path} ${sub.name()}`));
  return { path, description: command.description(), options: command.options.filter(o => !o.hidden), commands };
}

const all = (node: Node): Node[] => [node, ...node.commands.flatMap(all)];
const nameOf = (node: Node): string => node.path.split(' ').at(-1) ?? '';
const flagsOf = (node: Node): string[] => [...node.options.flatMap(o => (o.long ? [o.long] : [])), '--help'];
const takesValue = (option: Option): boolean => option.required || option.optional;
const takesFile = (option: Option): boolean => takesValue(option) && /<(?:file|dir)>/.test(option.flags);
/** Text inside single quotes of a POSIX shell. */
const single = (text: string): string => text.replaceAll("'", "'\\''");

/** Commands that take files as arguments. */
const fileCommands = ['send', 'wal check', 'wal export'];

/**
 * The script of `weir completion <shell>`: commands, options, and the choices of options, read from the program itself so that it cannot fall behind.
 * Throws a CliError for a shell that is not known.
 */
export function completionScript(program: Command, shell: string): string {
  const root = nodeOf(program, '');
  if (shell === 'bash') return bash(root);
  if (shell === 'zsh') return zsh(root);
  if (shell === 'fish') return fish(root);
  throw new CliError(exitCode.usage, `no completion for "${shell}"; write one of ${shells.join(', ')}`);
}

function choices(nodes: readonly Node[]): { path: string; option: Option; values: readonly string[] }[] {
  return nodes.flatMap(node =>
    node.options.flatMap(option => (option.argChoices ? [{ path: node.path, option, values: option.argChoices }] : [])),
  );
}

function bash(root: Node): string {
  const nodes = all(root);
  const words = nodes.map(node => {
    const next = node.path === 'completion' ? [...shells] : node.commands.map(nameOf);
    return `    '${node.path}') words='${[...next, ...flagsOf(node)].join(' ')}' ;;`;
  });
  const values = choices(nodes).map(({ path, option, values }) => {
    const flags = [option.short, option.long].filter(flag => flag !== undefined);
    return `    ${flags.map(flag => `'${path} ${flag}'`).join('|')}) COMPREPLY=($(compgen -W '${values.join(' ')}' -- "$cur")); return ;;`;
  });
  const files = nodes.flatMap(node =>
    node.options.filter(takesFile).flatMap(o => [o.short, o.long].flatMap(f => (f ? [`'${node.path} ${f}'`] : []))),
  );
  const free = nodes.flatMap(node =>
    node.options
      .filter(o => takesValue(o) && !takesFile(o) && !o.argChoices)
      .flatMap(o => [o.short, o.long].flatMap(f => (f ? [`'${node.path} ${f}'`] : []))),
  );
  const parents = nodes.filter(node => node.commands.length > 0 && node.path !== '').map(node => node.path);
  return `# bash completion of weir. Load it with: source <(weir completion bash)
_weir() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} path='' words='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in -*) continue ;; esac
    if [[ -z $path ]]; then path=\${COMP_WORDS[i]}
    elif [[ ${parents.map(path => `$path == ${path}`).join(' || ')} ]]; then path+=" \${COMP_WORDS[i]}"
    fi
  done
  case "$path $prev" in
${values.join('\n')}
    ${files.join('|')}) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    ${free.join('|')}) return ;;
  esac
  case $path in
${words.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  case $path in ${fileCommands.map(path => `'${path}'`).join('|')}) [[ $cur == -* ]] || COMPREPLY+=($(compgen -f -- "$cur")) ;; esac
}
complete -o filenames -F _weir weir
`;
}

function zsh(root: Node): string {
  const text = (words: string): string => single(words).replace(/[[\]:]/g, '\\$&');
  const option = (o: Option): string => {
    const value = !takesValue(o)
      ? ''
      : `:value:${o.argChoices ? `(${o.argChoices.join(' ')})` : takesFile(o) ? '_files' : ''}`;
    return `'${o.long ?? o.short}[${text(o.description)}]${value}'`;
  };
  const list = (node: Node): string => node.commands.map(sub => `'${nameOf(sub)}:${text(sub.description)}'`).join(' ');
  const cases = all(root)
    .filter(node => node.path !== '')
    .map(node => {
      const rest =
        node.path === 'completion'
          ? `'1:shell:(${shells.join(' ')})'`
          : node.commands.length > 0
            ? `'1:command:((${node.commands.map(sub => `${nameOf(sub)}\\:"${text(sub.description).replaceAll('"', '\\"')}"`).join(' ')}))'`
            : fileCommands.includes(node.path)
              ? "'*:file:_files'"
              : "'*: :'";
      return `    '${node.path}') _arguments ${[...node.options.map(option), "'--help[help]'", rest].join(' ')} ;;`;
    });
  return `#compdef weir
# zsh completion of weir. Load it with: source <(weir completion zsh)
_weir() {
  local at="\${words[2]}"
  local -a commands
  commands=(${list(root)})
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  case $at in ${root.commands
    .filter(node => node.commands.length > 0)
    .map(node => node.path)
    .join('|')}) if (( CURRENT > 3 )); then at="$at \${words[3]}"; shift words; (( CURRENT-- )); fi ;; esac
  shift words; (( CURRENT-- ))
  case $at in
${cases.join('\n')}
  esac
}
compdef _weir weir
`;
}

function fish(root: Node): string {
  const lines = ['# fish completion of weir. Load it with: weir completion fish | source', 'complete -c weir -f'];
  const seen = (node: Node): string =>
    node.path === ''
      ? '__fish_use_subcommand'
      : node.path
          .split(' ')
          .map(word => `__fish_seen_subcommand_from ${word}`)
          .join('; and ');
  for (const node of all(root)) {
    const without =
      node.commands.length > 0 && node.path !== ''
        ? `; and not __fish_seen_subcommand_from ${node.commands.map(nameOf).join(' ')}`
        : '';
    for (const sub of node.commands)
      lines.push(`complete -c weir -n '${seen(node)}${without}' -a ${nameOf(sub)} -d '${single(sub.description)}'`);
    if (node.path === 'completion') lines.push(`complete -c weir -n '${seen(node)}' -a '${shells.join(' ')}'`);
    if (fileCommands.includes(node.path)) lines.push(`complete -c weir -n '${seen(node)}' -F`);
    for (const o of node.options) {
      const value = !takesValue(o)
        ? ''
        : o.argChoices
          ? ` -x -a '${o.argChoices.join(' ')}'`
          : takesFile(o)
            ? ' -r -F'
            : ' -x';
      const short = o.short ? ` -s ${o.short.slice(1)}` : '';
      const long = o.long ? ` -l ${o.long.slice(2)}` : '';
      lines.push(`complete -c weir -n '${seen(node)}'${short}${long}${value} -d '${single(o.description)}'`);
    }
  }
  return `${lines.join('\n')}\n`;
}
