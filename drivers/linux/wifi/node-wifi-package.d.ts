/** The part of the optional package node-wifi (2.0.16, CommonJS, without types of its own) that is asked. */
declare module 'node-wifi' {
  /** Texts of `nmcli` or `netsh`, taken apart with an escaping that loses characters. */
  export interface Connection {
    readonly iface?: unknown;
    readonly ssid?: unknown;
    readonly bssid?: unknown;
    readonly quality?: unknown;
  }
  const wifi: {
    init(options: { iface: string | null }): void;
    getCurrentConnections(): Promise<readonly Connection[]>;
  };
  export default wifi;
}
