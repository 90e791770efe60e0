/**
 * Holds sources against the import table: every file in a room, every import permitted, no cycle between files. It
 * works on a map of sources, so that it can be shown to fail on sources that are wrong on purpose.
 */
import { posix } from 'node:path';
import { importsOf, type ModuleImport } from './module-imports.ts';
import { NATIVE_PACKAGES, type Permission, ROOMS, type Room, TEST_ROOM } from './rooms.ts';

/** Path relative to the project, with `/`, to its text. */
export type Sources = ReadonlyMap<string, string>;

const covers = (pattern: string, path: string): boolean => {
  const wanted = pattern.split('/');
  const given = path.split('/');
  return wanted.length <= given.length && wanted.every((segment, i) => segment === '*' || segment === given[i]);
};

/** The room of a file: the one with the longest path that covers it. Undefined: the file is in no room. */
export function roomOf(path: string): Room | undefined {
  let best: { room: Room; length: number } | undefined;
  for (const room of ROOMS) {
    for (const pattern of room.paths) {
      const length = pattern.split('/').length;
      if (covers(pattern, path) && length > (best?.length ?? 0)) best = { room, length };
    }
  }
  return best?.room;
}

const permits = ({ target, mode }: Permission, path: string, wanted: ModuleImport['mode']): boolean =>
  covers(target, path) && (mode === wanted || (mode === 'values' && wanted !== 'values') || wanted === 'types');

/** `@scope/name` or `name` of a bare specifier. */
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

function complaintOf(room: Room, file: string, entry: ModuleImport): string | null {
  const { specifier, mode } = entry;
  if (specifier === '*computed*') return 'loads a module whose name is computed';
  if (specifier.startsWith('node:')) {
    if (room.builtins === true || (Array.isArray(room.builtins) && room.builtins.includes(specifier))) return null;
    return mode === 'types' ? null : `imports the built-in ${specifier}`;
  }
  if (!specifier.startsWith('.')) {
    const name = packageOf(specifier);
    if (room.packages.includes(name)) return null;
    const native = NATIVE_PACKAGES.some((known) => known === name) ? 'native ' : '';
    return `imports the ${native}package ${name}`;
  }
  const target = posix.join(posix.dirname(file), specifier);
  const theirs = roomOf(target);
  if (theirs === undefined) return `imports ${target}, which is in no room that may be imported`;
  if (theirs === room || room.may.some((permission) => permits(permission, target, mode))) return null;
  return `imports ${mode === 'values' ? '' : `(${mode}) `}${target}`;
}

/** Every violation of the table as one sentence: file, line, and what it may not do. */
export function violations(sources: Sources): string[] {
  const found: string[] = [];
  for (const [file, source] of sources) {
    if (file.startsWith(`${TEST_ROOM}/`)) continue;
    const room = roomOf(file);
    if (!room) {
      found.push(`${file} is in no room of the import table`);
      continue;
    }
    for (const entry of importsOf(file, source)) {
      const complaint = complaintOf(room, file, entry);
      if (complaint) found.push(`${file}:${entry.line} ${complaint}`);
    }
  }
  return found;
}

/** Every cycle between files (type imports included, dynamic ones not), each once, as `a -> b -> a`. */
export function cycles(sources: Sources): string[] {
  const edges = new Map<string, string[]>();
  for (const [file, source] of sources) {
    const targets = importsOf(file, source)
      .filter((entry) => entry.specifier.startsWith('.') && entry.mode !== 'dynamic')
      .map((entry) => posix.join(posix.dirname(file), entry.specifier));
    edges.set(file, [...new Set(targets)]);
  }
  const found = new Set<string>();
  const finished = new Set<string>();
  const trail: string[] = [];
  const enter = (file: string): void => {
    const start = trail.indexOf(file);
    if (start >= 0) {
      const ring = trail.slice(start);
      const first = ring.indexOf([...ring].sort()[0] ?? file);
      const turned = [...ring.slice(first), ...ring.slice(0, first)];
      found.add([...turned, turned[0]].join(' -> '));
      return;
    }
    if (finished.has(file)) return;
    trail.push(file);
    for (const target of edges.get(file) ?? []) enter(target);
    trail.pop();
    finished.add(file);
  };
  for (const file of edges.keys()) enter(file);
  return [...found].sort();
}

const inWords = (permissions: readonly Permission[]): string =>
  permissions.map(({ target, mode }) => `\`${target}\`${mode === 'values' ? '' : ` (${mode})`}`).join(', ');

const builtinsInWords = ({ builtins }: Room): string =>
  builtins === true ? 'node: built-ins' : builtins === false ? '' : builtins.map((name) => `\`${name}\``).join(', ');

/** The import table as Markdown, as it stands in docs/architecture.md. */
export function importTable(): string {
  const rows = ROOMS.map((room) => {
    const packages = room.packages.map((name) => `\`${name}\``).join(', ');
    const may = [inWords(room.may), builtinsInWords(room), packages && `packages: ${packages}`].filter(Boolean);
    return `| ${room.paths.map((path) => `\`${path}\``).join(', ')} | ${may.join('; ') || 'nothing'} | ${room.never} |`;
  });
  return ['| room | may import | never |', '|---|---|---|', ...rows, '| `test` | everything | |'].join('\n');
}
