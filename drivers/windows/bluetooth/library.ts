/**
 * The functions of bthprops, kernel32 and ws2_32 that know bonded devices and make a secured RFCOMM connection
 * (bluetoothapis.h, ws2bth.h, winsock2.h). Everything that is handed out is a copy; whoever begins a connection closes it.
 */
import { bind, type CFunction, type Failed, inBackground, type Prototypes } from '../native-library.ts';
import { DEVICE_INFO, SOCKADDR_BTH, searchParams } from './device-info.ts';

/** A connection that is being made with authentication and encryption asked for. */
export interface SecuredConnection {
  /** Waits at most `milliseconds`. @returns null: no end yet; 0: it stands; else the code of Windows Sockets */
  outcome(milliseconds: number): Promise<number | null>;
  /** Idempotent. Not while `outcome` waits. */
  close(): void;
}

export interface BluetoothLibrary {
  /** BluetoothFindFirstRadio: one that is switched on. */
  hasRadio(): boolean | Failed;
  /** BluetoothFindFirstDevice and its next ones: BLUETOOTH_DEVICE_INFO of each bonded device, `most` at most. */
  devices(most: number): readonly Uint8Array[] | Failed;
  /** A socket with SO_BTH_AUTHENTICATE and SO_BTH_ENCRYPT, set before anything is sent. @param address SOCKADDR_BTH */
  connect(address: Uint8Array): SecuredConnection | Failed;
}

type Name =
  | 'lastError'
  | 'closeHandle'
  | 'findRadio'
  | 'findRadioClose'
  | 'findDevice'
  | 'findNextDevice'
  | 'findDeviceClose'
  | 'socket'
  | 'setOption'
  | 'connect'
  | 'closeSocket'
  | 'socketError'
  | 'createEvent'
  | 'selectEvent'
  | 'wait'
  | 'networkEvents'
  | 'closeEvent';

export const PROTOTYPES: Prototypes<Name> = {
  lastError: ['kernel32.dll', 'uint32_t __stdcall GetLastError()'],
  closeHandle: ['kernel32.dll', 'int __stdcall CloseHandle(void *handle)'],
  findRadio: ['bthprops.cpl', 'void * __stdcall BluetoothFindFirstRadio(const uint32_t *params, _Out_ void **radio)'],
  findRadioClose: ['bthprops.cpl', 'int __stdcall BluetoothFindRadioClose(void *find)'],
  findDevice: [
    'bthprops.cpl',
    'void * __stdcall BluetoothFindFirstDevice(const uint8_t *params, _Inout_ uint8_t *info)',
  ],
  findNextDevice: ['bthprops.cpl', 'int __stdcall BluetoothFindNextDevice(void *find, _Inout_ uint8_t *info)'],
  findDeviceClose: ['bthprops.cpl', 'int __stdcall BluetoothFindDeviceClose(void *find)'],
  // SOCKET is a UINT_PTR.
  socket: ['ws2_32.dll', 'uintptr_t __stdcall socket(int family, int type, int protocol)'],
  setOption: [
    'ws2_32.dll',
    'int __stdcall setsockopt(uintptr_t socket, int level, int name, const uint32_t *value, int length)',
  ],
  connect: ['ws2_32.dll', 'int __stdcall connect(uintptr_t socket, const uint8_t *address, int length)'],
  closeSocket: ['ws2_32.dll', 'int __stdcall closesocket(uintptr_t socket)'],
  socketError: ['ws2_32.dll', 'int __stdcall WSAGetLastError()'],
  createEvent: ['ws2_32.dll', 'void * __stdcall WSACreateEvent()'],
  selectEvent: ['ws2_32.dll', 'int __stdcall WSAEventSelect(uintptr_t socket, void *event, int32_t events)'],
  wait: ['kernel32.dll', 'uint32_t __stdcall WaitForSingleObject(void *handle, uint32_t milliseconds)'],
  networkEvents: [
    'ws2_32.dll',
    'int __stdcall WSAEnumNetworkEvents(uintptr_t socket, void *event, _Out_ uint8_t *events)',
  ],
  closeEvent: ['ws2_32.dll', 'int __stdcall WSACloseEvent(void *event)'],
};

const ERROR_NO_MORE_ITEMS = 259;
const AF_BTH = 32;
const SOCK_STREAM = 1;
const BTHPROTO_RFCOMM = 3;
const SOL_RFCOMM = 3;
/** 0x80000001, as an `int` has it. */
const SO_BTH_AUTHENTICATE = 0x80000001 | 0;
const SO_BTH_ENCRYPT = 2;
const WSAEWOULDBLOCK = 10035;
const FD_CONNECT = 0x10;
/** WSANETWORKEVENTS: what has happened, then a code for each kind of event, of which FD_CONNECT is the fifth. */
const NETWORK_EVENTS = { lNetworkEvents: 0, connectCode: 4 + 4 * 4, bytes: 44 } as const;
const WAIT_OBJECT_0 = 0;
/** All ones; numbers that are not exact come as a bigint. */
const INVALID_SOCKET = 0xffff_ffff_ffff_ffffn;

type Call = Readonly<Record<Name, CFunction>>;
const yes = (answer: unknown): boolean => Number(answer) !== 0;

class Connection implements SecuredConnection {
  readonly #call: Call;
  readonly #socket: unknown;
  #event: unknown = null;
  #open = true;

  constructor(call: Call, socket: unknown) {
    this.#call = call;
    this.#socket = socket;
  }

  /** @returns null: it has begun */
  begin(address: Uint8Array): Failed | null {
    const call = this.#call;
    for (const option of [SO_BTH_AUTHENTICATE, SO_BTH_ENCRYPT]) {
      if (yes(call.setOption(this.#socket, SOL_RFCOMM, option, [1], 4))) return this.#failed();
    }
    this.#event = call.createEvent();
    if (this.#event === null || yes(call.selectEvent(this.#socket, this.#event, FD_CONNECT))) return this.#failed();
    // The end comes as the event in either case.
    if (!yes(call.connect(this.#socket, address, SOCKADDR_BTH.bytes))) return null;
    const failed = this.#failed();
    return failed.failed === WSAEWOULDBLOCK ? null : failed;
  }

  #failed(): Failed {
    return { failed: Number(this.#call.socketError()) };
  }

  async outcome(milliseconds: number): Promise<number | null> {
    if (Number(await inBackground(this.#call.wait, this.#event, milliseconds)) !== WAIT_OBJECT_0) return null;
    const events = new Uint8Array(NETWORK_EVENTS.bytes);
    if (yes(this.#call.networkEvents(this.#socket, this.#event, events))) return this.#failed().failed;
    const view = new DataView(events.buffer);
    if ((view.getUint32(NETWORK_EVENTS.lNetworkEvents, true) & FD_CONNECT) === 0) return null;
    return view.getInt32(NETWORK_EVENTS.connectCode, true);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#call.closeSocket(this.#socket);
    if (this.#event !== null) this.#call.closeEvent(this.#event);
  }
}

function devices(call: Call, most: number): readonly Uint8Array[] | Failed {
  const info = new Uint8Array(DEVICE_INFO.bytes);
  new DataView(info.buffer).setUint32(DEVICE_INFO.dwSize, DEVICE_INFO.bytes, true);
  const find = call.findDevice(searchParams(), info);
  if (find === null) {
    const failed = Number(call.lastError());
    return failed === ERROR_NO_MORE_ITEMS ? [] : { failed };
  }
  try {
    const found = [info.slice()];
    while (found.length < most && yes(call.findNextDevice(find, info))) found.push(info.slice());
    return found;
  } finally {
    call.findDeviceClose(find);
  }
}

function hasRadio(call: Call): boolean | Failed {
  const radio: unknown[] = [null];
  // BLUETOOTH_FIND_RADIO_PARAMS is its own size.
  const find = call.findRadio([4], radio);
  if (find === null) {
    const failed = Number(call.lastError());
    return failed === ERROR_NO_MORE_ITEMS ? false : { failed };
  }
  call.findRadioClose(find);
  call.closeHandle(radio[0]);
  return true;
}

/** @throws {ERR_HAL_MODULE_MISSING} */
export function loadBluetoothLibrary(): BluetoothLibrary {
  const { call } = bind(PROTOTYPES);
  return {
    hasRadio: () => hasRadio(call),
    devices: (most) => devices(call, most),
    connect: (address) => {
      const socket = call.socket(AF_BTH, SOCK_STREAM, BTHPROTO_RFCOMM);
      if (socket === INVALID_SOCKET) return { failed: Number(call.socketError()) };
      const connection = new Connection(call, socket);
      const failed = connection.begin(address);
      if (failed === null) return connection;
      connection.close();
      return failed;
    },
  };
}
