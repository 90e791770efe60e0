/** What wlanapi answers, from associations in words; and the XML of a profile as WlanGetProfile hands it out. */
import {
  WLAN_CONNECTION_ATTRIBUTES as CONNECTION,
  koffi,
  WLAN_INTERFACE_INFO,
  WLAN_INTERFACE_INFO_LIST,
} from './layouts.ts';

export interface PlayedWlan {
  readonly state?: number;
  readonly profile?: string;
  readonly ssid?: Uint8Array;
  /** What is said of the length, where that is another one. */
  readonly ssidLength?: number;
  readonly bssid?: readonly number[];
  readonly quality?: number;
  readonly secured?: boolean;
  readonly oneX?: boolean;
  /** DOT11_AUTH_ALGORITHM and DOT11_CIPHER_ALGORITHM. */
  readonly auth?: number;
  readonly cipher?: number;
}

export function connectionBytes(played: PlayedWlan): Uint8Array {
  const bytes = Buffer.alloc(koffi.sizeof(CONNECTION));
  const at = (name: string) => koffi.offsetof(CONNECTION, name);
  const ssid = played.ssid ?? Buffer.from('Corp');
  bytes.writeUInt32LE(played.state ?? 1, at('isState'));
  bytes.write(played.profile ?? 'Corp', at('strProfileName'), 'utf16le');
  bytes.writeUInt32LE(played.ssidLength ?? ssid.length, at('uSSIDLength'));
  bytes.set(ssid, at('ucSSID'));
  bytes.set(played.bssid ?? [0x00, 0x23, 0xf8, 0x7e, 0x12, 0xbb], at('dot11Bssid'));
  bytes.writeUInt32LE(played.quality ?? 70, at('wlanSignalQuality'));
  bytes.writeUInt32LE(played.secured === false ? 0 : 1, at('bSecurityEnabled'));
  bytes.writeUInt32LE(played.oneX ? 1 : 0, at('bOneXEnabled'));
  bytes.writeUInt32LE(played.auth ?? 7, at('dot11AuthAlgorithm'));
  bytes.writeUInt32LE(played.cipher ?? 4, at('dot11CipherAlgorithm'));
  return new Uint8Array(bytes);
}

export function interfaceList(names: readonly string[]): Uint8Array {
  const head = koffi.offsetof(WLAN_INTERFACE_INFO_LIST, 'InterfaceInfo');
  const size = koffi.sizeof(WLAN_INTERFACE_INFO);
  const bytes = Buffer.alloc(head + size * names.length);
  bytes.writeUInt32LE(names.length, 0);
  names.forEach((name, n) => {
    bytes.fill(n + 1, head + n * size, head + n * size + 16);
    bytes.write(name, head + n * size + koffi.offsetof(WLAN_INTERFACE_INFO, 'strInterfaceDescription'), 'utf16le');
  });
  return new Uint8Array(bytes);
}

export interface PlayedEap {
  /** As profiles have thumbprints: bytes with a blank between. */
  readonly roots: readonly string[];
  readonly names?: string;
  readonly noPrompt?: boolean;
  readonly performed?: boolean;
}

/** A profile with PEAP, in the shape of the schemas. */
export const profileXml = ({
  roots,
  names = '',
  noPrompt = true,
  performed,
}: PlayedEap): string => `<?xml version="1.0"?>
<WLANProfile xmlns="http://www.microsoft.com/networking/WLAN/profile/v1">
  <name>Corp</name>
  <SSIDConfig><SSID><hex>436F7270</hex><name>Corp</name></SSID></SSIDConfig>
  <MSM><security>
    <authEncryption><authentication>WPA2</authentication><useOneX>true</useOneX></authEncryption>
    <OneX xmlns="http://www.microsoft.com/networking/OneX/v1">
      <EAPConfig><EapHostConfig xmlns="http://www.microsoft.com/provisioning/EapHostConfig">
        <EapMethod><Type xmlns="http://www.microsoft.com/provisioning/EapCommon">25</Type></EapMethod>
        <Config xmlns:eapPeap="urn:x"><eapPeap:Eap>
          <eapPeap:EapType>
            <eapPeap:ServerValidation>
              <eapPeap:DisableUserPromptForServerValidation>${noPrompt}</eapPeap:DisableUserPromptForServerValidation>
              <eapPeap:ServerNames>${names}</eapPeap:ServerNames>
${roots.map((root) => `              <eapPeap:TrustedRootCA>${root} </eapPeap:TrustedRootCA>`).join('\n')}
            </eapPeap:ServerValidation>
            <eapPeap:FastReconnect>true</eapPeap:FastReconnect>
${performed === undefined ? '' : `<v2:PerformServerValidation xmlns:v2="urn:y">${performed}</v2:PerformServerValidation>`}
          </eapPeap:EapType>
        </eapPeap:Eap></Config>
      </EapHostConfig></EAPConfig>
    </OneX>
  </security></MSM>
</WLANProfile>
`;
