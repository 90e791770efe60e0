/**
 * The functions of Windows' own libraries, through koffi. Each room of Windows lists the prototypes that it needs and is
 * handed functions; what it hands on is an interface of plain bytes, so that a test can play Windows.
 */
import { createRequire } from 'node:module';
import { UnlockdError } from '../base/errors.ts';

/** What a call did not do, with the code of Windows. */
export type Failed = { readonly failed: number };

export const ERROR_ACCESS_DENIED = 5;

/** A pointer of the other side. */
export type Pointer = bigint;

export type CFunction = {
  (...args: unknown[]): unknown;
  /** On a thread of koffi's own; the last argument is called with the error or null, and the value. */
  async(...args: unknown[]): void;
};

/** The part of koffi that is used here. */
export interface Koffi {
  load(path: string): { func(prototype: string): CFunction };
  alloc(type: string, length: number): Pointer;
  free(pointer: Pointer): void;
  readonly decode: {
    (pointer: unknown, type: string, length: number): ArrayLike<number>;
    /** Units of UTF-16 up to a NUL. */
    string16(pointer: unknown): string;
  };
  struct(name: string, members: Readonly<Record<string, string>>): unknown;
  proto(prototype: string): unknown;
  pointer(type: unknown): unknown;
  register(callback: (...args: unknown[]) => void, type: unknown): Pointer;
  unregister(pointer: Pointer): void;
}

/** DLL and declaration of each function, by the name that it is called by here. */
export type Prototypes<Name extends string> = Readonly<Record<Name, readonly [dll: string, prototype: string]>>;

export interface Bound<Name extends string> {
  readonly koffi: Koffi;
  readonly call: Readonly<Record<Name, CFunction>>;
}

const missing = (what: string, cause: unknown): UnlockdError =>
  new UnlockdError('ERR_HAL_MODULE_MISSING', `${what} could not be loaded`, { detail: { module: what }, cause });

/** What prototypes name besides the types of C. */
export interface Declarations {
  /** Prototypes of functions that Windows calls. */
  readonly callbacks?: readonly string[];
  /** Structures that are handed to Windows, by name. */
  readonly structs?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/**
 * @throws {ERR_HAL_MODULE_MISSING} the package koffi, a library or a function is not there
 */
export function bind<Name extends string>(
  prototypes: Prototypes<Name>,
  { callbacks = [], structs = {} }: Declarations = {},
): Bound<Name> {
  let koffi: Koffi;
  try {
    koffi = createRequire(import.meta.url)('koffi') as Koffi;
  } catch (cause) {
    throw missing('the package koffi', cause);
  }
  try {
    for (const prototype of callbacks) callbackType(koffi, prototype);
    for (const [name, members] of Object.entries(structs)) once(name, () => koffi.struct(name, members));
    const bound = Object.entries<readonly [string, string]>(prototypes).map(([name, [dll, prototype]]) => [
      name,
      koffi.load(dll).func(prototype),
    ]);
    return { koffi, call: Object.fromEntries(bound) as Record<Name, CFunction> };
  } catch (cause) {
    throw missing('a library of Windows', cause);
  }
}

/** Names of types belong to the process: each is declared once. */
const declared = new Map<string, unknown>();

function once(name: string, declare: () => unknown): unknown {
  const known = declared.get(name) ?? declare();
  declared.set(name, known);
  return known;
}

const callbackType = (koffi: Koffi, prototype: string): unknown => once(prototype, () => koffi.proto(prototype));

/**
 * A function for Windows to call from whatever thread; here it comes by the event loop.
 * @returns the pointer, and what gives it back; only when Windows calls it no more
 */
export function registered(
  koffi: Koffi,
  prototype: string,
  called: () => void,
): { readonly pointer: Pointer; readonly free: () => void } {
  const pointer = koffi.register(() => called(), koffi.pointer(callbackType(koffi, prototype)));
  return { pointer, free: () => koffi.unregister(pointer) };
}

/** Calls on another thread: for what waits, and for what waits until callbacks of ours have returned. */
export function inBackground(call: CFunction, ...args: readonly unknown[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    call.async(...args, (error: unknown, value: unknown) => {
      if (error) reject(new UnlockdError('ERR_HAL_IO', 'a function of Windows could not be called', { cause: error }));
      else resolve(value);
    });
  });
}

/** A copy of what a pointer of Windows points to. @param length as Windows says; at most `limit` are read */
export const copyOf = (koffi: Koffi, pointer: unknown, length: number, limit: number): Uint8Array =>
  length <= 0 ? new Uint8Array() : Uint8Array.from(koffi.decode(pointer, 'uint8_t', Math.min(length, limit)));

/** A code of Windows (winerror.h) as an error of the seam. */
export function refusal(what: string, { failed }: Failed, absent: readonly number[] = []): UnlockdError {
  const options = { detail: { error: failed } };
  if (failed === ERROR_ACCESS_DENIED) return new UnlockdError('ERR_HAL_PERMISSION', `${what}: not allowed`, options);
  if (absent.includes(failed)) return new UnlockdError('ERR_HAL_NOT_FOUND', `${what}: not there`, options);
  return new UnlockdError('ERR_HAL_IO', `${what}: error ${failed}`, options);
}
