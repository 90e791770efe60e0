/**
 * The operator seam: whoever does the physical things. On mocks and emulators a program does them, on hardware a
 * person who is prompted, or a machine that is told. What is to be done is plain data, so that it can be shown, sent and
 * written down.
 */

/** Who answers at the address of a phone from now on. */
export const PHONE_PLACES = ['near', 'away', 'off', 'impostor'] as const;
/**
 * `near`: the phone lies here; `away`: out of reach; `off`: switched off; `impostor`: the phone is away, and another
 * device answers at its address, of its class, strong, without the key of the pairing.
 */
export type PhonePlace = (typeof PHONE_PLACES)[number];

/** What a network hands out over DHCP. IPv4, dotted. */
export interface HandedOut {
  /** With the length of the prefix: `192.0.2.5/24`. */
  readonly address: string;
  readonly gateway: string;
  readonly dhcpServer: string;
  readonly dnsServers: readonly string[];
}

/** Names are those of the walkthrough. */
export type PhysicalStep =
  /** A finger on the reader that waits for it: the person's own, or one that the reader does not know. */
  | { readonly do: 'finger'; readonly finger: 'own' | 'other' }
  | { readonly do: 'phone'; readonly phone: string; readonly is: PhonePlace }
  /** An access point is switched on or off. */
  | { readonly do: 'access-point'; readonly network: string; readonly is: 'on' | 'off' }
  /** The machine joins this Wi-Fi; null: it leaves the one that it has joined. */
  | { readonly do: 'join'; readonly network: string | null }
  /** The cable of this network is in the machine; null: none is. */
  | { readonly do: 'cable'; readonly network: string | null }
  /** A network hands out something else; whoever is on it gets it anew. */
  | { readonly do: 'renumber'; readonly network: string; readonly to: HandedOut }
  /** `idle`: nobody uses keyboard and mouse; `active`: somebody does all the time. */
  | { readonly do: 'keyboard'; readonly is: 'idle' | 'active' }
  /** The machine sleeps and is awake again when this is done. */
  | { readonly do: 'suspend' }
  /** Another TPM is in the machine, one that knows nothing; the daemon has been started anew with it. */
  | { readonly do: 'replace-tpm' };

type Asked = { readonly signal: AbortSignal };

/** Each method resolves once the thing is done, and rejects when it was refused. */
export interface OperatorHal {
  /** Touch the security key that is waiting for it. */
  touch(options: Asked): Promise<void>;
  /** Plug the named device in. */
  insert(device: string, options: Asked): Promise<void>;
  /** Pull the named device out. */
  remove(device: string, options: Asked): Promise<void>;
  /**
   * Any other thing. Left out: nothing but security keys is here.
   * @returns null when it is done, or why it cannot be done here, in words
   */
  perform?(step: PhysicalStep, options: Asked): Promise<string | null>;
}
