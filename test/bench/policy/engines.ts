/**
 * The same policy in two general engines, each as it is quickest here: Cedar as a policy set that is parsed once, casbin
 * by its synchronous call. What tells the places apart stands first in every rule, so that the rest is not looked at; the
 * requests are made before the clock runs, and of the machine's interfaces the one that counts is already picked.
 */
import { createRequire } from 'node:module';
import type * as Cedar from '@cedar-policy/cedar-wasm/nodejs';
import { newEnforcer, newModelFromString } from 'casbin';
import type { FlatState, Place } from './fleet.ts';

export interface Engine {
  readonly what: string;
  /** @returns a call that decides on a state that was made ready */
  readonly ready: (state: FlatState) => () => boolean;
}

const cedar = createRequire(import.meta.url)('@cedar-policy/cedar-wasm/nodejs') as typeof Cedar;

const fresh = (field: string): string => `context.now - context.${field}.at <= context.${field}.lasts`;
const gesture = (field: string): string => `(context.${field}.ok && ${fresh(field)})`;

function cedarPlace(place: Place): string {
  switch (place.is) {
    case 'gateway':
      return `(context.ip.gateway == "${place.gateway}" && context.ip.address.isInRange(ip("${place.prefix}")) && ${fresh('ip')})`;
    case 'dns':
      return `(context.ip.dns == "${place.server}" && context.ip.address.isInRange(ip("${place.prefix}")) && ${fresh('ip')})`;
    case 'wifi':
      return `(context.wifi.ssid == "${place.ssid}" && context.wifi.security == "WPA2-Enterprise" && context.wifi.quality >= ${place.quality} && ${fresh('wifi')})`;
    case 'phone':
      return `(context.phone.rssi >= ${place.rssiMin} && context.phone.major == 512 && ${fresh('phone')})`;
  }
}

/** Alternatives as a tree of even depth: a chain of thousands is too deep for the parser. */
function anyOf(terms: readonly string[]): string {
  if (terms.length <= 1) return terms[0] ?? 'false';
  const half = terms.length >> 1;
  return `(${anyOf(terms.slice(0, half))} || ${anyOf(terms.slice(half))})`;
}

function cedarPolicies(places: readonly Place[]): Record<string, string> {
  const permit = (when: string): string => `permit(principal, action, resource) when { ${when} };`;
  const own = `(${gesture('pin')} || ${gesture('key')})`;
  if (places.length === 0) return { both: permit(`${gesture('pin')} && ${gesture('key')}`) };
  // One policy for all places is quickest: a policy for each takes twenty times as long at ten thousand.
  return {
    finger: permit(`${gesture('finger')} && ${own}`),
    places: permit(`${anyOf(places.map(cedarPlace))} && ${own}`),
  };
}

export function cedarEngine(places: readonly Place[]): Engine {
  const preparsedPolicySetId = `fleet-${places.length}`;
  const parsed = cedar.preparsePolicySet(preparsedPolicySetId, { staticPolicies: cedarPolicies(places) });
  if (parsed.type !== 'success') throw new Error(`cedar: ${JSON.stringify(parsed)}`);
  return {
    what: `cedar-wasm ${cedar.getCedarVersion()}, statefulIsAuthorized`,
    ready: ({ ip, ...state }) => {
      const call: Cedar.StatefulAuthorizationCall = {
        principal: { type: 'User', id: 'u' },
        action: { type: 'Action', id: 'unlock' },
        resource: { type: 'Machine', id: 'm' },
        // Without rules nothing asks for the surroundings, and they are not sent.
        context: (places.length === 0
          ? { now: state.now, pin: state.pin, key: state.key }
          : {
              ...state,
              ip: { ...ip, address: { __extn: { fn: 'ip', arg: ip.address } } },
            }) as unknown as Cedar.Context,
        preparsedPolicySetId,
        entities: [],
      };
      return () => {
        const answer = cedar.statefulIsAuthorized(call);
        if (answer.type !== 'success' || answer.response.diagnostics.errors.length > 0) {
          throw new Error(`cedar: ${JSON.stringify(answer)}`);
        }
        return answer.response.decision === 'allow';
      };
    },
  };
}

const CASBIN_GESTURE = (name: string): string => `(r.s.${name}.ok && r.s.now - r.s.${name}.at <= r.s.${name}.lasts)`;
const CASBIN_FRESH = (name: string): string => `r.s.now - r.s.${name}.at <= r.s.${name}.lasts`;

const casbinModel = (definition: string, matcher: string): string => `
[request_definition]
r = s, a, b, c
[policy_definition]
p = ${definition}
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = ${matcher}`;

/** Columns: what tells the place apart, the kind of that, and the rest of what it asks for. */
function casbinLine(place: Place): string[] {
  switch (place.is) {
    case 'gateway':
      return [place.gateway, 'a', place.prefix];
    case 'dns':
      return [place.server, 'b', place.prefix];
    case 'wifi':
      return [place.ssid, 'c', String(place.quality)];
    case 'phone':
      return ['', 'd', String(place.rssiMin)];
  }
}

export async function casbinEngine(places: readonly Place[]): Promise<Engine> {
  const own = `(${CASBIN_GESTURE('pin')} || ${CASBIN_GESTURE('key')})`;
  const place = [
    `p.key == r.a && p.kind == 'a' && ipMatch(r.s.ip.address, p.rest) && ${CASBIN_FRESH('ip')}`,
    `p.key == r.b && p.kind == 'b' && ipMatch(r.s.ip.address, p.rest) && ${CASBIN_FRESH('ip')}`,
    `p.key == r.c && p.kind == 'c' && r.s.wifi.security == 'WPA2-Enterprise' && r.s.wifi.quality >= p.rest && ${CASBIN_FRESH('wifi')}`,
    `p.key == '' && p.kind == 'd' && r.s.phone.rssi >= p.rest && r.s.phone.major == 512 && ${CASBIN_FRESH('phone')}`,
    `p.key == '' && p.kind == 'e' && ${CASBIN_GESTURE('finger')}`,
  ].map((term) => `(${term})`);
  const model =
    places.length === 0
      ? casbinModel('key', `${CASBIN_GESTURE('pin')} && ${CASBIN_GESTURE('key')}`)
      : casbinModel('key, kind, rest', `(${place.join(' || ')}) && ${own}`);
  const enforcer = await newEnforcer(newModelFromString(model));
  await enforcer.addPolicies(places.length === 0 ? [['both']] : [['', 'e', ''], ...places.map(casbinLine)]);
  return {
    what: 'casbin 5.51, enforceSync',
    ready: (state) => () => enforcer.enforceSync(state, state.ip.gateway, state.ip.dns, state.wifi.ssid),
  };
}
