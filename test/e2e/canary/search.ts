/**
 * Looking for secrets in what was captured. A canary is looked for in every form in which a program could have written
 * it down by mistake: as bytes, hexadecimal, base64 at each of the three alignments, UTF-16, and a list of numbers.
 */
export interface Canary {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface Material {
  readonly name: string;
  readonly bytes: Buffer;
}

export interface Form {
  readonly form: string;
  readonly bytes: Buffer;
}

export interface Find {
  readonly canary: string;
  readonly form: string;
  readonly where: string;
  readonly count: number;
}

/**
 * The characters of base64 that these bytes decide alone when `before` bytes (0 to 2) stand in front of them in the
 * same group: those of the neighbours are left out.
 */
function base64At(bytes: Uint8Array, before: number, encoding: 'base64' | 'base64url'): Buffer {
  const text = Buffer.concat([Buffer.alloc(before), bytes])
    .toString(encoding)
    .replace(/=+$/, '');
  return Buffer.from(text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6)));
}

const isText = (bytes: Uint8Array): boolean => bytes.every((byte) => byte >= 0x20 && byte < 0x7f);

/** The forms of a canary, each once. */
export function formsOf(bytes: Uint8Array): Form[] {
  const hex = Buffer.from(bytes).toString('hex');
  const pairs = hex.match(/../g) ?? [];
  const forms: Form[] = [
    { form: 'bytes', bytes: Buffer.from(bytes) },
    { form: 'hex', bytes: Buffer.from(hex) },
    { form: 'HEX', bytes: Buffer.from(hex.toUpperCase()) },
    { form: 'hex with colons', bytes: Buffer.from(pairs.join(':')) },
    { form: 'hex with spaces', bytes: Buffer.from(pairs.join(' ')) },
    { form: 'numbers', bytes: Buffer.from([...bytes].join(',')) },
    { form: 'numbers with spaces', bytes: Buffer.from([...bytes].join(', ')) },
  ];
  for (const before of [0, 1, 2]) {
    forms.push({ form: `base64 + ${before}`, bytes: base64At(bytes, before, 'base64') });
    forms.push({ form: `base64url + ${before}`, bytes: base64At(bytes, before, 'base64url') });
  }
  if (isText(bytes)) {
    const little = Buffer.from(Buffer.from(bytes).toString('latin1'), 'utf16le');
    forms.push({ form: 'UTF-16LE', bytes: little }, { form: 'UTF-16BE', bytes: Buffer.from(little).swap16() });
  }
  return forms.filter(({ bytes: one }, at) => forms.findIndex((other) => other.bytes.equals(one)) === at);
}

export function countOf(haystack: Buffer, needle: Uint8Array): number {
  let count = 0;
  for (let at = haystack.indexOf(needle); at !== -1; at = haystack.indexOf(needle, at + 1)) count++;
  return count;
}

/** Every place where a canary stands in a material. */
export function search(materials: readonly Material[], canaries: readonly Canary[]): Find[] {
  const finds: Find[] = [];
  for (const canary of canaries) {
    for (const { form, bytes } of formsOf(canary.bytes)) {
      for (const material of materials) {
        const count = countOf(material.bytes, bytes);
        if (count > 0) finds.push({ canary: canary.name, form, where: material.name, count });
      }
    }
  }
  return finds;
}
