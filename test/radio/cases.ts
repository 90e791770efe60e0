/** The cases of a run by name: the guest runs them, the host wants to see every one of them. */
export const CASES = [
  'a phone bonds by numeric comparison, with an authenticated key',
] as const;

export type CaseName = (typeof CASES)[number];
