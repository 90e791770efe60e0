/**
 * SyncML bodies (OMA DM 1.2): the Add, Replace and Delete commands of a management session, with LocURI, format and
 * data. Read as hostile input; Atomic and Sequence are looked through, other commands are ignored with a note.
 */
import { SaxesParser } from 'saxes';
import { addNode } from './csp.ts';
import { readBase64 } from './intune.ts';
import { MAX_DEPTH, MAX_RULES_LENGTH, MAX_SETTINGS } from './limits.ts';
import { addNote, quoted, type Readings, windowsError } from './settings.ts';

const COMMANDS = new Set(['Add', 'Replace', 'Delete']);
const FOREIGN_COMMANDS = new Set(['Get', 'Exec', 'Copy', 'Alert', 'Status', 'Results']);
const COLLECTED = new Set(['LocURI', 'Format', 'Data']);

interface Item {
  uri?: string;
  format?: string;
  data?: string;
}

const valueOfItem = (item: Item, where: string): string | number | boolean => {
  const format = item.format?.trim() ?? 'chr';
  const data = item.data ?? '';
  if (format === 'chr' || format === 'xml') return data;
  if (format === 'b64') return readBase64(data.trim(), where);
  // The node decides whether the text is a number or a truth value that it takes.
  if (format === 'int' || format === 'bool') return data.trim();
  throw windowsError('ERR_POLICY_WINDOWS_SYNCML', `there is no format ${quoted(format)} here`, where);
};

/**
 * Reads a SyncML document or body.
 * @throws {ERR_POLICY_WINDOWS_SYNCML} with line and column @throws {ERR_POLICY_WINDOWS_VALUE}
 * @throws {ERR_POLICY_WINDOWS_TOO_LARGE}
 */
export function readSyncml(text: string, file: string, readings: Readings): void {
  const parser = new SaxesParser({ fragment: true });
  const place = (): string => `${file} line ${parser.line} column ${parser.column}`;
  const fail = (words: string, cause?: unknown) => windowsError('ERR_POLICY_WINDOWS_SYNCML', words, place(), cause);
  const tooLarge = (words: string) => windowsError('ERR_POLICY_WINDOWS_TOO_LARGE', words, place());
  const stack: string[] = [];
  // As the session would leave the device: a later command wins over an earlier one.
  const held = new Map<
    string,
    { readonly uri: string; readonly value: string | number | boolean; readonly where: string }
  >();
  let elements = 0;
  let command: string | undefined;
  let format: string | undefined;
  let item: Item | undefined;
  let collected: string[] | undefined;
  let length = 0;

  const finish = (done: Item): void => {
    const where = place();
    if (done.uri === undefined) throw fail('an Item has no Target with LocURI');
    const id = done.uri.toLowerCase();
    if (command === 'Delete') {
      for (const key of held.keys()) if (key === id || key.startsWith(`${id}/`)) held.delete(key);
      addNote(readings, 'deleted', `${quoted(done.uri)} is deleted: not configured`, where);
    } else {
      const whole = { ...done, ...(done.format === undefined && format !== undefined ? { format } : {}) };
      held.set(id, { uri: done.uri, value: valueOfItem(whole, where), where });
    }
  };

  parser.on('error', (error) => {
    throw fail(error.message.replace(/^\d+:\d+: /, ''), error);
  });
  parser.on('doctype', () => {
    throw fail('a document type may not stand here');
  });
  parser.on('processinginstruction', () => {
    throw fail('a processing instruction may not stand here');
  });
  parser.on('opentag', (tag) => {
    const name = tag.name.slice(tag.name.indexOf(':') + 1);
    elements += 1;
    if (elements > 2 * MAX_SETTINGS) throw tooLarge('there are too many elements');
    if (stack.length >= MAX_DEPTH) throw tooLarge('nested too deeply');
    if (collected !== undefined) throw fail(`${quoted(name)} stands inside a value; escape it`);
    stack.push(name);
    if (COMMANDS.has(name)) {
      if (command !== undefined) throw fail('a command stands inside a command');
      command = name;
      format = undefined;
    } else if (FOREIGN_COMMANDS.has(name)) {
      addNote(readings, 'ignored', `the command ${name} sets nothing`, place());
    } else if (name === 'Item' && command !== undefined) {
      if (item !== undefined) throw fail('an Item stands inside an Item');
      item = {};
    } else if (COLLECTED.has(name) && command !== undefined) {
      collected = [];
      length = 0;
    }
  });
  const collect = (run: string): void => {
    if (collected === undefined) return;
    length += run.length;
    if (length > MAX_RULES_LENGTH) throw tooLarge('a value is too long');
    collected.push(run);
  };
  parser.on('text', collect);
  parser.on('cdata', collect);
  const keep = (name: string, value: string): void => {
    if (name === 'Format' && item === undefined) {
      format = value;
    } else if (item !== undefined && name === 'LocURI' && stack.at(-1) === 'Target') {
      if (item.uri !== undefined) throw fail('an Item has two targets');
      item.uri = value.trim();
    } else if (item !== undefined && name === 'Format') {
      item.format = value;
    } else if (item !== undefined && name === 'Data') {
      if (item.data !== undefined) throw fail('an Item has Data twice');
      item.data = value;
    }
  };
  parser.on('closetag', () => {
    const name = stack.pop() ?? '';
    if (collected !== undefined) {
      keep(name, collected.join(''));
      collected = undefined;
    } else if (name === 'Item' && item !== undefined) {
      finish(item);
      item = undefined;
    } else if (COMMANDS.has(name)) {
      command = undefined;
    }
  });
  // `<?xml ...?>` is no processing instruction; the parser knows it only outside of fragments.
  const declaration = /^\s*<\?xml(?=\s)[^?<>]{0,200}\?>/.exec(text)?.[0] ?? '';
  parser.write(`${declaration.replace(/[^\r\n]/g, ' ')}${text.slice(declaration.length)}`).close();
  if (elements === 0) throw fail('there is no element');
  for (const { uri, value, where } of held.values()) addNode(readings, uri, value, where);
}
