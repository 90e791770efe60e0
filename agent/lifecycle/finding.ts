/** What `unlockctl doctor` found of one thing: how bad it is, in words, and what to do about it. */
export type Level = 'ok' | 'info' | 'warning' | 'problem';

export interface Finding {
  readonly check: 'config' | 'daemon' | 'tpm' | 'folders' | 'packages' | 'keys';
  readonly level: Level;
  readonly text: string;
  readonly cure: string | null;
}
