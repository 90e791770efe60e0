/**
 * How glibc's allocator treats this process (mallopt(3)). Left alone it raises the size from which a block gets a mapping
 * of its own as soon as a large one was freed, and then keeps the 16 MB that one scrypt needs; and it gives every thread
 * an arena that never shrinks.
 */
import { libc } from './libc.ts';

const M_MMAP_THRESHOLD = -3;
const M_ARENA_MAX = -8;

/** Larger blocks are mapped, and so given back when they are freed; glibc's own first value. Bytes. */
const MMAP_THRESHOLD = 131_072;
const ARENAS = 2;

/**
 * Has large blocks given back to the system when they are freed, and few arenas made.
 * @returns false where the C library has no such setting: nothing depends on it but the memory that is held
 * @throws {ERR_HAL_MODULE_MISSING}
 */
export function giveMemoryBack(): boolean {
  const set = (parameter: number, value: number): boolean => libc('mallopt', parameter, value).value === 1;
  return [set(M_MMAP_THRESHOLD, MMAP_THRESHOLD), set(M_ARENA_MAX, ARENAS)].every((done) => done);
}
