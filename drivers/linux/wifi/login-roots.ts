/**
 * The roots of the 802.1X logins that wpa_supplicant has told of. It names the certificates of a chain one by one, root
 * first, while the handshake runs; they count only when the login succeeded and the state is `completed`. A login that
 * resumes a TLS session names none, so the last one is kept for as long as its network is configured.
 */
import type { BusSignal } from '../dbus/connection.ts';
import { dictOf, numberOf, textOf } from '../dbus/values.ts';
import { MAX_CERTIFICATE_BYTES, type Thumbprints, thumbprintsOf } from './certificate.ts';

export const WPA_INTERFACE = 'fi.w1.wpa_supplicant1.Interface';
const WPA_ROOT = 'fi.w1.wpa_supplicant1';
const PROPERTIES = 'org.freedesktop.DBus.Properties';

/** More than any machine has. */
const MAX_INTERFACES = 16;
const MAX_DEPTH = 32;
/** States before there is an association; a login that was under way has ended in them. */
const APART = ['disconnected', 'inactive', 'interface_disabled', 'scanning', 'authenticating', 'associating'];

interface Certificate extends Thumbprints {
  readonly depth: number;
}

/** One login, from its start. */
interface Attempt {
  /** Where the chain has begun; null: nothing was named yet. */
  root: Certificate | null;
  /** The depth that was named last. */
  depth: number;
  /** Something was said that does not belong into a chain. */
  broken: boolean;
  succeeded: boolean;
}

interface Login {
  /** Path of the network that it was made for. */
  readonly network: string;
  readonly root: Thumbprints;
  /** The profile that it was first asked for with. */
  profile: string | null;
}

function certificateOf(value: unknown): Certificate {
  const fields = dictOf(value, 'Certification');
  const depth = numberOf(fields.get('depth'), 'depth');
  const der = fields.get('cert');
  if (!(der instanceof Uint8Array) || der.length === 0 || der.length > MAX_CERTIFICATE_BYTES || depth > MAX_DEPTH) {
    throw new TypeError('no certificate');
  }
  const found = thumbprintsOf(der);
  if (textOf(fields.get('cert_hash'), 'cert_hash') !== found.sha256) throw new TypeError('another certificate');
  return { depth, ...found };
}

function changedState([of, changed]: readonly unknown[]): unknown {
  return of === WPA_INTERFACE ? dictOf(changed, 'PropertiesChanged').get('State') : undefined;
}

export class LoginRoots {
  readonly #attempts = new Map<string, Attempt>();
  readonly #logins = new Map<string, Login>();

  /** Another process speaks, or none: nothing is known any more. */
  clear(): void {
    this.#attempts.clear();
    this.#logins.clear();
  }

  /**
   * Takes a signal that came from wpa_supplicant itself.
   * @returns the path of an interface whose login has succeeded: to be confirmed
   */
  take(signal: BusSignal): string | null {
    const { path, interface: name, member, body } = signal;
    try {
      if (name === WPA_ROOT && member === 'InterfaceRemoved') this.#forget(textOf(body[0], member));
      if (name === PROPERTIES && member === 'PropertiesChanged') return this.#onState(path, changedState(body));
      if (name !== WPA_INTERFACE) return null;
      if (member === 'EAP') return this.#onEap(path, textOf(body[0], member), textOf(body[1], member));
      if (member === 'Certification') this.#onCertification(path, body[0]);
      // Paths are given out anew.
      if (member === 'NetworkRemoved' && this.#logins.get(path)?.network === body[0]) this.#forget(path);
    } catch {
      // A signal of a form that its interface does not say: what was being collected is not to be trusted.
      this.#attempts.delete(path);
    }
    return null;
  }

  #forget(path: string): void {
    this.#attempts.delete(path);
    this.#logins.delete(path);
  }

  #onEap(path: string, status: string, parameter: string): string | null {
    if (status === 'started') {
      if (this.#attempts.size < MAX_INTERFACES || this.#attempts.has(path)) {
        this.#attempts.set(path, { root: null, depth: MAX_DEPTH + 1, broken: false, succeeded: false });
      }
      return null;
    }
    const attempt = this.#attempts.get(path);
    if (attempt === undefined) return null;
    if (status === 'remote certificate verification' && parameter !== 'success') attempt.broken = true;
    if (status !== 'completion') return null;
    if (parameter !== 'success') this.#attempts.delete(path);
    else attempt.succeeded = true;
    return parameter === 'success' ? path : null;
  }

  #onCertification(path: string, value: unknown): void {
    const attempt = this.#attempts.get(path);
    // Without a start this is the rest of a login of which the beginning was missed.
    if (attempt === undefined || attempt.succeeded) return;
    const certificate = certificateOf(value);
    // Down to the server's own; what comes after it belongs to a handshake within the tunnel.
    if (attempt.depth === 0) return;
    if (attempt.root === null) attempt.root = certificate;
    else if (certificate.depth > attempt.depth) attempt.broken = true;
    attempt.depth = certificate.depth;
  }

  #onState(path: string, state: unknown): string | null {
    if (typeof state !== 'string') return null;
    if (APART.includes(state)) this.#attempts.delete(path);
    return state === 'completed' && this.#attempts.get(path)?.succeeded === true ? path : null;
  }

  /**
   * The login of an interface counts from now on, if it has succeeded and the state that was read after it agrees.
   * @param fresh as a method call has told just now
   */
  confirm(path: string, fresh: { readonly state: string; readonly network: string | null }): void {
    const attempt = this.#attempts.get(path);
    if (attempt === undefined || !attempt.succeeded || fresh.state !== 'completed' || fresh.network === null) return;
    this.#attempts.delete(path);
    const known = this.#logins.get(path);
    if (known !== undefined && known.network !== fresh.network) this.#logins.delete(path);
    // A resumed session: what was verified when it was made holds.
    if (attempt.root === null && !attempt.broken) return;
    if (attempt.root === null || attempt.broken || attempt.depth !== 0) this.#logins.delete(path);
    else {
      const { sha1, sha256 } = attempt.root;
      this.#logins.set(path, { network: fresh.network, root: { sha1, sha256 }, profile: null });
    }
  }

  /** @param profile the active profile: a login that was made under another is dropped */
  rootOf(path: string, network: string | null, profile: string): Thumbprints | null {
    const login = this.#logins.get(path);
    // Between two associations there is no network, and the one before may come back with a resumed session.
    if (login === undefined || network === null) return null;
    if (login.network !== network || (login.profile !== null && login.profile !== profile)) {
      this.#logins.delete(path);
      return null;
    }
    login.profile = profile;
    return login.root;
  }
}
