/**
 * Completion scripts for bash, zsh and fish, generated from the commands themselves. The scripts are plain tables: they
 * never start `unlockctl`, so pressing Tab costs nothing and cannot spend a PIN try.
 */
import type { Command } from 'commander';
import type { Shell } from './program.ts';

interface Entry {
  /** `policy set`; the empty string is the program itself. */
  readonly path: string;
  readonly words: readonly { readonly word: string; readonly what: string }[];
  /** Whether its argument is a file. */
  readonly files: boolean;
}

function entriesOf(command: Command, path: string): readonly Entry[] {
  const subcommands = command.commands.map((each) => ({ word: each.name(), what: each.description() }));
  const options = command.options
    .filter((option) => option.long !== undefined && option.long !== null)
    .map((option) => ({ word: String(option.long), what: option.description }));
  const choices = command.registeredArguments.flatMap((argument) =>
    (argument.argChoices ?? []).map((word) => ({ word, what: argument.description })),
  );
  const own: Entry = {
    path,
    words: [...subcommands, ...choices, ...options],
    files: command.registeredArguments.some((argument) => argument.name() === 'file'),
  };
  return [own, ...command.commands.flatMap((each) => entriesOf(each, `${path} ${each.name()}`.trim()))];
}

/** The words that say which command the line is about: a command, then a command of it. */
const paths = (entries: readonly Entry[]): readonly string[] => entries.map(({ path }) => path).filter((p) => p !== '');

function bash(entries: readonly Entry[]): string {
  const cases = entries.map(
    ({ path, words, files }) =>
      `    '${path}') words='${words.map(({ word }) => word).join(' ')}'${files ? '; files=1' : ''} ;;`,
  );
  return `# bash completion for unlockctl
_unlockctl() {
  local path='' words='' files='' word
  local known=' ${paths(entries).join(' | ')} '
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [ "$word" = -- ] && { COMPREPLY=(); return; }
    local longer="\${path:+$path }$word"
    case "|$known|" in *"| $longer |"*) path=$longer ;; esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
  [ -n "$files" ] && [ \${#COMPREPLY[@]} -eq 0 ] && COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
  return 0
}
complete -o filenames -F _unlockctl unlockctl
`;
}

const quoted = (text: string): string => text.replace(/'/g, "'\\''");

function zsh(entries: readonly Entry[]): string {
  const cases = entries.map(({ path, words, files }) => {
    const lines = words.map(({ word, what }) => `'${quoted(word.replace(/:/g, '\\:'))}:${quoted(what)}'`);
    return `    '${path}') words_=(${lines.join(' ')})${files ? '; files=1' : ''} ;;`;
  });
  return `#compdef unlockctl
_unlockctl() {
  local path_='' files='' word
  local -a words_
  local known='| ${paths(entries).join(' | ')} |'
  for word in "\${(@)words[2,CURRENT-1]}"; do
    [[ $word == -- ]] && { _normal; return }
    [[ $known == *"| \${path_:+$path_ }$word |"* ]] && path_="\${path_:+$path_ }$word"
  done
  case $path_ in
${cases.join('\n')}
  esac
  _describe unlockctl words_
  [[ -n $files ]] && _files
}
compdef _unlockctl unlockctl
`;
}

function fish(entries: readonly Entry[]): string {
  const lines = entries.flatMap(({ path, words, files }) => {
    const condition = `__unlockctl_at '${path}'`;
    return [
      ...words.map(({ word, what }) => {
        const flag = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`;
        return `complete -c unlockctl -n "${condition}" ${flag} -d '${quoted(what)}'`;
      }),
      ...(files ? [`complete -c unlockctl -n "${condition}" -F`] : []),
    ];
  });
  return `# fish completion for unlockctl
function __unlockctl_at
  set -l known ${paths(entries)
    .map((path) => `'${path}'`)
    .join(' ')}
  set -l path ''
  for word in (commandline -opc)[2..-1]
    test "$word" = --; and return 1
    set -l longer (string trim -- "$path $word")
    contains -- "$longer" $known; and set path $longer
  end
  test "$path" = "$argv[1]"
end
complete -c unlockctl -f
${lines.join('\n')}
`;
}

/** @returns the script for `shell` */
export function completionScript(program: Command, shell: Shell): string {
  const entries = entriesOf(program, '');
  const scripts: Readonly<Record<Shell, (entries: readonly Entry[]) => string>> = { bash, zsh, fish };
  return scripts[shell](entries);
}
