/**
 * Server-sent events (HTML Living Standard, section 9.2): writing on the daemon's side, reading on the client's. The
 * data of an event is one line of JSON; the id is its number from 1, so that `Last-Event-ID` resumes a stream.
 */
import { UnlockdError } from '../../drivers/base/errors.ts';

export interface StreamedEvent {
  readonly id: string;
  readonly type: string;
  /** Parsed JSON. */
  readonly data: unknown;
}

/** One event as text. JSON has no raw line breaks, so one `data:` line is enough. */
export const encodeEvent = (id: number, type: string, data: unknown): string =>
  `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;

/** Characters of one event: an answer of the daemon is checked like any other input. */
const EVENT_LIMIT = 1024 * 1024;

const invalid = (reason: string, cause?: unknown): UnlockdError =>
  new UnlockdError('ERR_CLI_ANSWER_INVALID', `event stream: ${reason}`, { cause });

function parseBlock(lines: readonly string[]): StreamedEvent | null {
  let id = '';
  let type = 'message';
  const data: string[] = [];
  for (const line of lines) {
    if (line.startsWith(':')) continue;
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'id') id = value;
    else if (field === 'event') type = value;
    else if (field === 'data') data.push(value);
  }
  if (data.length === 0) return null;
  try {
    return { id, type, data: JSON.parse(data.join('\n')) };
  } catch (cause) {
    throw invalid('data is not JSON', cause);
  }
}

/**
 * Reads events out of the chunks of a body. Ends with the body; an event that the body breaks off in is dropped, as the
 * standard says.
 * @throws {ERR_CLI_ANSWER_INVALID} on data that is no JSON, or an event of more than 1 MiB
 */
export async function* decodeEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<StreamedEvent> {
  const decoder = new TextDecoder();
  let pending = '';
  let lines: string[] = [];
  let held = 0;
  for await (const chunk of chunks) {
    pending += decoder.decode(chunk, { stream: true });
    for (let end = pending.indexOf('\n'); end >= 0; end = pending.indexOf('\n')) {
      const line = pending.slice(0, end).replace(/\r$/, '');
      pending = pending.slice(end + 1);
      if (line === '') {
        const event = parseBlock(lines);
        lines = [];
        held = 0;
        if (event !== null) yield event;
      } else {
        lines.push(line);
        held += line.length;
      }
    }
    if (held + pending.length > EVENT_LIMIT) throw invalid('an event is too long');
  }
}
