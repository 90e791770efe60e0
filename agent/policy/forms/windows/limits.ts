/**
 * How large the parts of a Windows policy may be. Windows documents no limits; these are far above any real policy and
 * far below what could tire a machine, and every reader checks them before it works.
 */

/** Octets of a file. */
export const MAX_FILE_BYTES = 4_194_304;
/** Settings that one file may hold, also those that are ignored. */
export const MAX_SETTINGS = 10_000;
/** UTF-16 units of the signal rules of one policy. */
export const MAX_RULES_LENGTH = 262_144;
export const MAX_RULES = 1000;
export const MAX_RULE_ELEMENTS = 16_384;
/** `rule`, `and`, `signal` and the element with the value. */
export const MAX_RULE_DEPTH = 4;
/** UTF-16 units of one value, and of one name. */
export const MAX_RULE_VALUE = 1024;
/** Attributes of one element. */
export const MAX_RULE_ATTRIBUTES = 16;
/** UTF-16 units of a list of credential providers. */
export const MAX_LIST_LENGTH = 1024;
/** Nesting of the settings of a settings-catalog policy, and of the elements of a SyncML body. */
export const MAX_DEPTH = 16;
